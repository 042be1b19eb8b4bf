package vet

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// scanner walks one unit.
type scanner struct {
	*inspector
	unit  *unit
	stack []ast.Node
}

// scan notes what a unit does, by itself.
func (in *inspector) scan(u *unit) {
	if u.scanned {
		return
	}
	u.scanned = true
	s := &scanner{inspector: in, unit: u}
	visit := func(n ast.Node) bool {
		if n == nil {
			s.stack = s.stack[:len(s.stack)-1]
			return true
		}
		if l, ok := n.(*ast.FuncLit); ok && ast.Node(l) != u.node && (in.begun[l] || in.offloaded(l.Type)) {
			return false
		}
		s.node(n)
		s.stack = append(s.stack, n)
		return true
	}
	switch n := u.node.(type) {
	case *ast.ValueSpec:
		for _, v := range n.Values {
			ast.Inspect(v, visit)
		}
	case *ast.FuncDecl:
		if !in.offloaded(n.Type) {
			ast.Inspect(n.Body, visit)
		}
	case *ast.FuncLit:
		ast.Inspect(n.Body, visit)
	}
	in.returns(u.node, func(r *ast.ReturnStmt, of *ast.FuncType, _ bool) { s.returned(r, of) })
}

// offloaded reports whether functions of a type are work for a host.
func (in *inspector) offloaded(t *ast.FuncType) bool {
	for _, p := range t.Params.List {
		if typeName(in.pass.TypesInfo.TypeOf(p.Type)) == engine+"/host.Worker" {
			return true
		}
	}
	return false
}

func (s *scanner) report(pos token.Pos, k Kind, format string, args ...any) {
	s.unit.found = append(s.unit.found, finding{pos: pos, kind: k, what: fmt.Sprintf(format, args...)})
}

func (s *scanner) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.GoStmt:
		s.report(n.Pos(), Parallel, "starts a goroutine")
	case *ast.SelectStmt:
		s.report(n.Pos(), Parallel, "selects")
	case *ast.SendStmt:
		s.report(n.Pos(), Parallel, "sends to a channel")
	case *ast.UnaryExpr:
		switch {
		case n.Op == token.ARROW:
			s.report(n.Pos(), Parallel, "receives from a channel")
		case n.Op == token.AND:
			s.write(n.X, "takes the address of")
		}
	case *ast.RangeStmt:
		s.ranging(n)
	case *ast.AssignStmt:
		for i, l := range n.Lhs {
			if n.Tok != token.DEFINE {
				s.write(l, "writes")
			}
			if len(n.Lhs) == len(n.Rhs) {
				s.flow(n.Rhs[i], s.pass.TypesInfo.TypeOf(l))
			}
		}
	case *ast.IncDecStmt:
		s.write(n.X, "writes")
	case *ast.CallExpr:
		s.call(n)
	case *ast.CompositeLit:
		s.composite(n)
	case *ast.Ident:
		s.use(n)
	}
}

func (s *scanner) ranging(n *ast.RangeStmt) {
	t := s.pass.TypesInfo.TypeOf(n.X)
	switch {
	case t == nil:
	case isMap(t) || s.unsortedKeys(n.X):
		s.unit.ranges = append(s.unit.ranges, n)
	default:
		if _, ok := t.Underlying().(*types.Chan); ok {
			s.report(n.Pos(), Parallel, "ranges over a channel")
		}
	}
	if n.Tok == token.ASSIGN {
		for _, e := range []ast.Expr{n.Key, n.Value} {
			if e != nil {
				s.write(e, "writes")
			}
		}
	}
}

func isMap(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Map:
		return true
	case *types.Interface:
		if _, param := types.Unalias(t).(*types.TypeParam); !param {
			return false
		}
		for i := range u.NumEmbeddeds() {
			e := u.EmbeddedType(i)
			if union, ok := e.(*types.Union); ok && union.Len() == 1 {
				e = union.Term(0).Type()
			}
			if isMap(e) {
				return true
			}
		}
	}
	return false
}

// unsortedKeys reports whether an expression is maps.Keys, Values or All of a map.
func (in *inspector) unsortedKeys(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	f := in.callee(call)
	return f != nil && f.Pkg() != nil && f.Pkg().Path() == "maps" && slices.Contains([]string{"Keys", "Values", "All"}, f.Name())
}

// use takes an identifier: a function, or a variable that holds one.
func (s *scanner) use(id *ast.Ident) {
	switch o := s.pass.TypesInfo.Uses[id].(type) {
	case *types.Func:
		o = o.Origin()
		if u := s.decls[o]; u != nil {
			s.unit.uses = append(s.unit.uses, use{id.Pos(), u, s.onReceiver()})
			return
		}
		s.beyond(id, o)
	case *types.Var:
		if u := s.inits[o]; u != nil {
			s.unit.uses = append(s.unit.uses, use{id.Pos(), u, false})
		}
		if s.outside(o) {
			for _, value := range s.values[o] {
				for _, r := range s.functions(value, []types.Object{o}) {
					s.unit.uses = append(s.unit.uses, use{id.Pos(), r.unit, false})
				}
			}
		}
		if o.Pkg() != nil && o.Pkg() != s.pass.Pkg && !o.IsField() {
			s.beyond(id, o)
		}
	}
}

// beyond takes a function or variable of another package.
func (s *scanner) beyond(id *ast.Ident, o types.Object) {
	if o.Pkg() == nil || engineOwn(o.Pkg().Path()) {
		return
	}
	k, bad := forbidden(o)
	if bad && k == Order && s.sorted(id) {
		return
	}
	if bad {
		s.report(id.Pos(), k, "uses %s", objectName(o))
		return
	}
	var fact Impure
	if f, ok := o.(*types.Func); ok && s.pass.ImportObjectFact(f, &fact) {
		s.report(id.Pos(), fact.Kind, "uses %s, which %s", objectName(o), fact.What)
	}
}

// sorted reports whether the identifier, at the end of the stack, names a function of
// package maps whose result is sorted, ranged over, or otherwise accounted for.
func (s *scanner) sorted(id *ast.Ident) bool {
	for i := len(s.stack) - 1; i >= 0; i-- {
		switch n := s.stack[i].(type) {
		case *ast.CallExpr:
			f := s.callee(n)
			if f == nil || f.Pkg() == nil || f.Pkg().Path() != "slices" {
				continue
			}
			if strings.HasPrefix(f.Name(), "Sorted") {
				return true
			}
		case *ast.RangeStmt: // judged as one over the map
			return n.X.Pos() <= id.Pos() && id.End() <= n.X.End() && s.unsortedKeys(n.X)
		case *ast.AssignStmt:
			return len(n.Lhs) == 1 && s.sortedLater(n.Lhs[0], n.End())
		case ast.Stmt:
			return false
		}
	}
	return false
}

// onReceiver reports whether the identifier about to be visited selects a method of the
// unit's receiver.
func (s *scanner) onReceiver() bool {
	if s.unit.recv == nil || len(s.stack) == 0 {
		return false
	}
	sel, ok := s.stack[len(s.stack)-1].(*ast.SelectorExpr)
	if !ok {
		return false
	}
	v, _ := s.base(sel.X)
	return v == s.unit.recv
}

// outside reports whether a variable is declared outside the unit.
func (s *scanner) outside(v *types.Var) bool { return outsideOf(s.unit, v) }

func outsideOf(u *unit, v *types.Var) bool {
	return !v.IsField() && (v.Pos() < u.node.Pos() || v.Pos() >= u.node.End())
}

// write notes that a variable is changed, or may be, if it is one to be kept.
func (s *scanner) write(e ast.Expr, how string) {
	if id, ok := ast.Unparen(e).(*ast.Ident); ok && id.Name == "_" {
		return
	}
	if _, ok := ast.Unparen(e).(*ast.CompositeLit); ok {
		return
	}
	v, through := s.base(e)
	if v == nil {
		return
	}
	text := how + " " + types.ExprString(e)
	switch {
	case v == s.unit.recv:
		_, selects := ast.Unparen(e).(*ast.Ident)
		if through && !selects || how == "changes" {
			s.unit.fields = append(s.unit.fields, write{e.Pos(), v, text})
		}
	case s.outside(v):
		s.unit.outer = append(s.unit.outer, write{e.Pos(), v, text})
	}
}

func (s *scanner) call(call *ast.CallExpr) {
	if tv := s.pass.TypesInfo.Types[call.Fun]; tv.IsType() {
		s.conversion(call)
		return
	} else if tv.IsBuiltin() {
		s.builtin(call)
		return
	}
	f := s.callee(call)
	if s.effect(call, f) {
		s.unit.emits = true
	}
	sig, _ := s.pass.TypesInfo.TypeOf(call.Fun).Underlying().(*types.Signature)
	if sig != nil && sig.Params().Len() > 0 {
		for i, arg := range call.Args {
			s.flow(arg, parameter(sig, i))
		}
	}
	if f == nil {
		return
	}
	s.printing(call, f)
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && f.Signature().Recv() != nil {
		s.method(call, sel, f)
	}
}

// method takes the call of a method, which may change what it is called on.
func (s *scanner) method(call *ast.CallExpr, sel *ast.SelectorExpr, f *types.Func) {
	if list, ok := changing[typeName(f.Signature().Recv().Type())]; ok && matches(list, f.Name()) {
		s.write(sel.X, "changes")
		return
	}
	u := s.decls[f]
	v, _ := s.base(sel.X)
	if u == nil || v == nil || !s.outside(v) && v != s.unit.recv {
		return
	}
	s.unit.methods = append(s.unit.methods, methodCall{call.Pos(), v, "calls " + types.ExprString(sel) + ", which writes it", u})
}

func (s *scanner) builtin(call *ast.CallExpr) {
	id, _ := ast.Unparen(call.Fun).(*ast.Ident)
	if id == nil || len(call.Args) == 0 {
		return
	}
	switch id.Name {
	case "delete", "clear", "copy":
		s.write(call.Args[0], "writes")
	case "close":
		s.report(call.Pos(), Parallel, "closes a channel")
	case "make":
		if t := s.pass.TypesInfo.TypeOf(call); t != nil {
			if _, ok := t.Underlying().(*types.Chan); ok {
				s.report(call.Pos(), Parallel, "makes a channel")
			}
		}
	case "print", "println":
		s.addresses(call.Pos(), id.Name, call.Args, "")
	}
}

// composite takes a literal whose fields may be interfaces of the engine.
func (s *scanner) composite(l *ast.CompositeLit) {
	t := s.pass.TypesInfo.TypeOf(l)
	if t == nil {
		return
	}
	st, ok := t.Underlying().(*types.Struct)
	for i, e := range l.Elts {
		switch kv, keyed := e.(*ast.KeyValueExpr); {
		case !ok:
		case keyed:
			if id, isID := kv.Key.(*ast.Ident); isID {
				s.flow(kv.Value, s.pass.TypesInfo.TypeOf(id))
			}
		case i < st.NumFields():
			s.flow(e, st.Field(i).Type())
		}
	}
}

func (s *scanner) returned(r *ast.ReturnStmt, of *ast.FuncType) {
	if of.Results == nil || s.offloaded(of) {
		return
	}
	var want []types.Type
	for _, f := range of.Results.List {
		for range max(len(f.Names), 1) {
			want = append(want, s.pass.TypesInfo.TypeOf(f.Type))
		}
	}
	for i, e := range r.Results {
		if len(r.Results) == len(want) {
			s.flow(e, want[i])
		}
	}
}

// flow notes a value that is used as an interface of the engine.
func (s *scanner) flow(e ast.Expr, want types.Type) {
	if want != nil && isInterface(want) {
		s.unit.flows = append(s.unit.flows, s.methodsOf(e, want)...)
	}
}
