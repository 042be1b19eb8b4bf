package vet

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// inspector looks at one package.
type inspector struct {
	pass   *analysis.Pass
	units  map[ast.Node]*unit
	all    []*unit // in the order of the source
	decls  map[*types.Func]*unit
	inits  map[*types.Var]*unit      // what a variable of the package begins with
	values map[*types.Var][]ast.Expr // functions that a variable is given
	// parameters are those of a function type, with the functions that have them.
	parameters map[*types.Var]*types.Signature
	roots      []reached
	begun      map[ast.Node]bool // functions that build jobs or make functions of operators
	seen       *Seen
	excuse     excuses
}

// unit is a function, looked at as a whole: with the literals in it, but for those that
// are given to operators or build jobs themselves. A variable of the package is one,
// too, for what it begins with.
type unit struct {
	node ast.Node // *ast.FuncDecl, *ast.FuncLit or *ast.ValueSpec
	name string
	obj  *types.Func // nil for a literal
	recv *types.Var  // nil if it is no method, or has no name for it
	// found is what is wrong wherever the function is called.
	found []finding
	// outer are writes to what is declared outside, fields those to the receiver's.
	outer, fields []write
	methods       []methodCall
	uses          []use
	flows         []reached // functions that it gives to the engine, as methods of a value
	ranges        []*ast.RangeStmt
	emits         bool // or changes state, itself or by what it calls
	writes        bool // to its receiver's fields, itself or by what it calls on it
	scanned       bool
}

type finding struct {
	pos  token.Pos
	kind Kind
	what string
	why  string // empty for what is said of the kind
}

// write is one to a variable, or a part of it.
type write struct {
	pos token.Pos
	v   *types.Var
	how string
}

// use is a function of the package that a unit calls or takes as a value.
type use struct {
	pos token.Pos
	to  *unit
	// same says that it is a method, of the unit's own receiver.
	same bool
}

// methodCall is one on a variable, or a part of it.
type methodCall struct {
	pos token.Pos
	v   *types.Var
	how string
	to  *unit
}

// reached is a unit with the way there.
type reached struct {
	*unit
	role role
	// label says what begins the way: `the function of Map "text"`.
	label string
	via   []string
	// keeps says that what the receiver's fields hold should be in a checkpoint.
	keeps bool
}

// role is what a unit is to a job.
type role uint8

const (
	operates role = iota // runs for records
	builds               // runs once an attempt
)

func newInspector(pass *analysis.Pass) *inspector {
	return &inspector{
		pass: pass, units: map[ast.Node]*unit{}, decls: map[*types.Func]*unit{}, inits: map[*types.Var]*unit{},
		values: map[*types.Var][]ast.Expr{}, parameters: map[*types.Var]*types.Signature{}, begun: map[ast.Node]bool{}, seen: &Seen{}, excuse: newExcuses(pass),
	}
}

// collect finds the units of the package and where jobs begin.
func (in *inspector) collect() {
	for _, f := range in.pass.Files {
		for _, d := range f.Decls {
			in.declared(d)
		}
	}
	for _, f := range in.pass.Files {
		ast.Inspect(f, func(n ast.Node) bool {
			in.given(n)
			return true
		})
	}
	for _, f := range in.pass.Files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				in.operator(n)
			case *ast.FuncDecl:
				if u := in.units[n]; u != nil && in.building(n.Type) {
					in.root(reached{unit: u, role: builds, label: "function " + n.Name.Name + " of a job"})
				}
			case *ast.FuncLit:
				if in.building(n.Type) {
					in.root(reached{unit: in.literal(n), role: builds, label: "a function that builds a job"})
				}
			}
			return true
		})
	}
}

// declared makes units of a declaration's functions and variables.
func (in *inspector) declared(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		obj, _ := in.pass.TypesInfo.Defs[d.Name].(*types.Func)
		if d.Body == nil || obj == nil {
			return
		}
		u := in.add(d, d.Name.Name)
		u.obj = obj
		if d.Recv != nil && len(d.Recv.List[0].Names) > 0 {
			u.recv, _ = in.pass.TypesInfo.Defs[d.Recv.List[0].Names[0]].(*types.Var)
		}
		in.decls[obj] = u
	case *ast.GenDecl:
		for _, s := range d.Specs {
			s, ok := s.(*ast.ValueSpec)
			if !ok || d.Tok != token.VAR || len(s.Values) == 0 {
				continue
			}
			u := in.add(s, s.Names[0].Name)
			for _, name := range s.Names {
				if v, ok := in.pass.TypesInfo.Defs[name].(*types.Var); ok {
					in.inits[v] = u
				}
			}
		}
	}
}

func (in *inspector) add(n ast.Node, name string) *unit {
	u := &unit{node: n, name: name}
	in.units[n] = u
	in.all = append(in.all, u)
	return u
}

// literal is the unit of a function literal.
func (in *inspector) literal(l *ast.FuncLit) *unit {
	if u := in.units[l]; u != nil {
		return u
	}
	return in.add(l, fmt.Sprintf("the literal in line %d", in.line(l.Pos())))
}

// given notes the expressions that variables of function types are given, and the
// parameters of such types.
func (in *inspector) given(n ast.Node) {
	note := func(name ast.Expr, value ast.Expr) {
		id, ok := ast.Unparen(name).(*ast.Ident)
		if !ok {
			return
		}
		v, ok := in.pass.TypesInfo.ObjectOf(id).(*types.Var)
		if !ok || !isFunc(v.Type()) {
			return
		}
		in.values[v] = append(in.values[v], value)
	}
	switch n := n.(type) {
	case *ast.FuncDecl:
		if f, ok := in.pass.TypesInfo.Defs[n.Name].(*types.Func); ok {
			in.takes(f.Signature())
		}
	case *ast.FuncLit:
		if sig, ok := in.pass.TypesInfo.TypeOf(n).(*types.Signature); ok {
			in.takes(sig)
		}
	case *ast.AssignStmt:
		for i := range n.Lhs {
			if len(n.Lhs) == len(n.Rhs) {
				note(n.Lhs[i], n.Rhs[i])
			}
		}
	case *ast.ValueSpec:
		for i := range n.Values {
			if len(n.Names) == len(n.Values) {
				note(n.Names[i], n.Values[i])
			}
		}
	}
}

func (in *inspector) takes(s *types.Signature) {
	for v := range s.Params().Variables() {
		if isFunc(v.Type()) {
			in.parameters[v] = s
		}
	}
}

// building reports whether functions of a type build jobs: one of their parameters is
// a job or a stream.
func (in *inspector) building(t *ast.FuncType) bool {
	for _, p := range t.Params.List {
		switch typeName(in.pass.TypesInfo.TypeOf(p.Type)) {
		case engine + ".Job", engine + ".Stream", engine + ".KeyedStream", engine + ".ConnectedStreams":
			return true
		}
	}
	return false
}

// operator takes a call of the engine: what it is given are functions of operators,
// functions that make them, or values with methods.
func (in *inspector) operator(call *ast.CallExpr) {
	f := in.callee(call)
	if f == nil || f.Pkg() == nil || f.Signature().Recv() != nil || !takesFunctions(f.Pkg().Path()) {
		return
	}
	for i, arg := range call.Args {
		p := parameter(f.Signature(), i)
		label := "the function of " + in.operatorName(f, call)
		switch t := p.Underlying().(type) {
		case *types.Signature:
			if t.Params().Len() == 0 && t.Results().Len() == 1 && isInterface(t.Results().At(0).Type()) {
				for _, r := range in.functions(arg, nil) {
					r.role, r.label = builds, "the function that makes that of "+in.operatorName(f, call)
					in.root(r)
				}
				continue
			}
			if in.buildsJob(t) {
				continue // found by its own type
			}
			for _, r := range in.functions(arg, nil) {
				r.role, r.label = operates, label
				in.root(r)
			}
		case *types.Interface:
			for _, r := range in.methodsOf(arg, p) {
				in.root(r)
			}
		}
	}
}

// takesFunctions reports whether a package's functions take functions that run in
// tasks.
func takesFunctions(path string) bool {
	rest, ok := strings.CutPrefix(path, engine)
	return ok && (rest == "" || strings.HasPrefix(rest, "/connect") || strings.HasPrefix(rest, "/codec"))
}

// buildsJob is building for a type.
func (in *inspector) buildsJob(s *types.Signature) bool {
	for v := range s.Params().Variables() {
		if typeName(v.Type()) == engine+".Job" {
			return true
		}
	}
	return false
}

// operatorName is such as `Map "text"`.
func (in *inspector) operatorName(f *types.Func, call *ast.CallExpr) string {
	if f.Signature().Params().Len() > 1 && len(call.Args) > 1 {
		if v := in.pass.TypesInfo.Types[call.Args[1]].Value; v != nil && v.Kind() == constant.String {
			return f.Name() + " " + v.ExactString()
		}
	}
	return f.Name()
}

// parameter is the type of a call's i-th argument.
func parameter(s *types.Signature, i int) types.Type {
	last := s.Params().Len() - 1
	if s.Variadic() && i >= last {
		return s.Params().At(last).Type().(*types.Slice).Elem()
	}
	return s.Params().At(min(i, last)).Type()
}

// root adds a beginning. A unit may be one in several ways; the first counts.
func (in *inspector) root(r reached) {
	switch {
	case in.begun[r.node]:
		return
	case r.role == builds:
		in.seen.Jobs++
	default:
		in.seen.Functions++
	}
	in.begun[r.node] = true
	in.roots = append(in.roots, r)
}

func (in *inspector) line(p token.Pos) int { return in.pass.Fset.Position(p).Line }

func isFunc(t types.Type) bool {
	_, ok := t.Underlying().(*types.Signature)
	return ok
}

func isInterface(t types.Type) bool {
	_, param := t.(*types.TypeParam)
	return types.IsInterface(t) && !param
}
