package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// effect reports whether a call emits, changes state, or tells the engine something.
// Whether a function of the package does is found by spread.
func (s *scanner) effect(call *ast.CallExpr, f *types.Func) bool {
	if f != nil {
		return f.Pkg() != nil && engineOwn(f.Pkg().Path()) && !slices.Contains(asking, f.Name())
	}
	v, ok := s.object(call.Fun).(*types.Var)
	if !ok || len(s.stack) == 0 {
		return false
	}
	of := s.parameters[v]
	if _, alone := s.stack[len(s.stack)-1].(*ast.ExprStmt); alone {
		return of != nil
	}
	return of != nil && iterates(of)
}

// iterates reports whether functions of a type are iterators.
func iterates(s *types.Signature) bool { return s.Params().Len() == 1 && s.Results().Len() == 0 }

// spread lets emits and writes pass from functions to those that call them.
func (in *inspector) spread() {
	for changed := true; changed; {
		changed = false
		for _, u := range in.all {
			emits, writes := u.emits, u.writes || len(u.fields) > 0
			for _, to := range u.uses {
				emits = emits || to.to.emits
				writes = writes || to.same && to.to.writes
			}
			changed = changed || emits != u.emits || writes != u.writes
			u.emits, u.writes = emits, writes
		}
	}
}

// orders judges a unit's ranges over maps.
func (in *inspector) orders(u *unit) {
	for _, r := range u.ranges {
		l := &loop{inspector: in, unit: u, stmt: r}
		ast.Inspect(r.Body, l.visit)
		if l.sink != "" {
			u.found = append(u.found, finding{pos: r.Pos(), kind: Order, what: "ranges over a map and " + l.sink})
		}
	}
}

// loop is one over a map, and the first thing in it that shows the order.
type loop struct {
	*inspector
	unit  *unit
	stmt  *ast.RangeStmt
	sink  string
	stack []ast.Node
}

func (l *loop) visit(n ast.Node) bool {
	if n == nil {
		l.stack = l.stack[:len(l.stack)-1]
		return true
	}
	if l.sink == "" {
		switch n := n.(type) {
		case *ast.CallExpr:
			l.call(n)
		case *ast.AssignStmt:
			l.assign(n)
		case *ast.ReturnStmt:
			if slices.ContainsFunc(n.Results, l.varies) && !l.nested() {
				l.sink = "returns what it comes to first"
			}
		}
	}
	l.stack = append(l.stack, n)
	return true
}

func (l *loop) nested() bool {
	return slices.ContainsFunc(l.stack, func(n ast.Node) bool { _, ok := n.(*ast.FuncLit); return ok })
}

// varies reports whether an expression has to do with what the loop goes over.
func (l *loop) varies(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			v, _ := l.pass.TypesInfo.Uses[id].(*types.Var)
			found = found || v != nil && l.inside(v)
		}
		return true
	})
	return found
}

// inside reports whether a variable is new in each round.
func (l *loop) inside(v *types.Var) bool {
	return !v.IsField() && v.Pos() >= l.stmt.Pos() && v.Pos() < l.stmt.End()
}

// outer is the variable that an expression is a part of, if it outlives a round.
func (l *loop) outer(e ast.Expr) *types.Var {
	if v, _ := l.base(e); v != nil && !l.inside(v) {
		return v
	}
	return nil
}

var building = []string{"Write", "Print", "Fprint", "Push", "Append", "Emit", "Collect", "Send"}

func (l *loop) call(call *ast.CallExpr) {
	if tv := l.pass.TypesInfo.Types[call.Fun]; tv.IsType() || tv.IsBuiltin() {
		return
	}
	name := types.ExprString(call.Fun)
	f := l.callee(call)
	s := &scanner{inspector: l.inspector, unit: l.unit, stack: l.stack}
	if s.effect(call, f) {
		l.sink = "calls " + name + " in its order"
		return
	}
	if f == nil {
		if v, ok := l.object(call.Fun).(*types.Var); ok {
			for _, value := range l.values[v] {
				for _, r := range l.functions(value, []types.Object{v}) {
					if l.emitting(r.unit) {
						l.sink = "calls " + name + ", which emits or changes state, in its order"
					}
				}
			}
		}
		return
	}
	if u := l.decls[f]; u != nil {
		if u.emits {
			l.sink = "calls " + name + ", which emits or changes state, in its order"
		}
		return
	}
	if !slices.ContainsFunc(building, func(p string) bool { return strings.HasPrefix(f.Name(), p) }) {
		return
	}
	to := ast.Expr(nil)
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && f.Signature().Recv() != nil {
		to = sel.X
	} else if len(call.Args) > 0 && strings.HasPrefix(f.Name(), "Fprint") {
		to = call.Args[0]
	}
	if to == nil && strings.HasPrefix(f.Name(), "Print") || to != nil && l.outerTarget(to) {
		l.sink = "writes by " + name + " in its order"
	}
}

// emitting reports whether a unit emits, also if it is a literal first met here.
func (l *loop) emitting(u *unit) bool {
	if !u.scanned {
		l.scan(u)
	}
	return u.emits || slices.ContainsFunc(u.uses, func(x use) bool { return x.to.emits })
}

func (l *loop) outerTarget(e ast.Expr) bool {
	if u, ok := ast.Unparen(e).(*ast.UnaryExpr); ok && u.Op == token.AND {
		e = u.X
	}
	return l.outer(e) != nil
}

// assign takes an assignment that may keep the order: an append, a string that grows, a
// sum of floats, or what came last.
func (l *loop) assign(n *ast.AssignStmt) {
	if n.Tok == token.DEFINE {
		return
	}
	for i, left := range n.Lhs {
		v := l.outer(left)
		if v == nil || len(n.Lhs) != len(n.Rhs) {
			continue
		}
		t, right := l.pass.TypesInfo.TypeOf(left), n.Rhs[i]
		text := types.ExprString(left)
		switch {
		case n.Tok != token.ASSIGN:
			b, ok := t.Underlying().(*types.Basic)
			if ok && !l.keyed(left) && b.Info()&types.IsString != 0 {
				l.sink = "adds to the text " + text + " in its order"
			} else if ok && !l.keyed(left) && b.Info()&(types.IsFloat|types.IsComplex) != 0 {
				l.sink = "adds to " + text + ", a float, whose sum depends on the order"
			}
		case l.appends(right):
			if !l.keyed(left) && !l.sortedLater(left, l.stmt.End()) {
				l.sink = "appends to " + text + " in its order"
			}
		case l.keyed(left), !l.varies(right), l.compared(left, right), l.commutes(left, right):
		default:
			l.sink = "leaves in " + text + " what it came to last"
		}
	}
}

// keyed reports whether an expression is an element that the loop's variables choose,
// so that each round has its own.
func (l *loop) keyed(e ast.Expr) bool {
	x, ok := ast.Unparen(e).(*ast.IndexExpr)
	return ok && l.varies(x.Index)
}

func (l *loop) appends(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	if f := l.callee(call); f != nil {
		return strings.HasPrefix(f.Name(), "Append") && len(call.Args) > 0 && l.outer(call.Args[0]) != nil
	}
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	return ok && id.Name == "append" && l.pass.TypesInfo.Types[call.Fun].IsBuiltin()
}

// compared reports whether an assignment is under a comparison of just its two sides,
// as in a search for the largest.
func (l *loop) compared(left, right ast.Expr) bool {
	a, b := types.ExprString(left), types.ExprString(right)
	for _, n := range l.stack {
		if s, ok := n.(*ast.IfStmt); ok {
			c, ok := ast.Unparen(s.Cond).(*ast.BinaryExpr)
			if !ok || c.Op != token.LSS && c.Op != token.GTR && c.Op != token.LEQ && c.Op != token.GEQ {
				continue
			}
			x, y := types.ExprString(c.X), types.ExprString(c.Y)
			if x == a && y == b || x == b && y == a {
				return true
			}
		}
	}
	return false
}

// commutes reports whether an assignment is x = max(x, ...) or the like, or x = x || y.
func (l *loop) commutes(left, right ast.Expr) bool {
	text := types.ExprString(left)
	switch r := ast.Unparen(right).(type) {
	case *ast.CallExpr:
		id, ok := ast.Unparen(r.Fun).(*ast.Ident)
		return ok && (id.Name == "max" || id.Name == "min") && slices.ContainsFunc(r.Args, func(a ast.Expr) bool { return types.ExprString(a) == text })
	case *ast.BinaryExpr:
		b, ok := l.pass.TypesInfo.TypeOf(left).Underlying().(*types.Basic)
		if !ok || b.Info()&(types.IsInteger|types.IsBoolean) == 0 {
			return false
		}
		switch r.Op {
		case token.ADD, token.MUL, token.AND, token.OR, token.XOR, token.LAND, token.LOR:
			return types.ExprString(r.X) == text || types.ExprString(r.Y) == text
		}
	}
	return false
}

// sortedLater reports whether an expression is given to a function that sorts, behind a
// place of the same function.
func (in *inspector) sortedLater(e ast.Expr, behind token.Pos) bool {
	text, found := types.ExprString(e), false
	in.enclosing(behind, func(body *ast.BlockStmt) {
		ast.Inspect(body, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || call.Pos() < behind || found {
				return !found
			}
			f := in.callee(call)
			if f == nil || f.Pkg() == nil {
				return true
			}
			path := f.Pkg().Path()
			if path != "sort" && !strings.HasPrefix(strings.ToLower(f.Name()), "sort") {
				return true
			}
			for _, a := range call.Args {
				ast.Inspect(a, func(n ast.Node) bool {
					x, ok := n.(ast.Expr)
					found = found || ok && types.ExprString(x) == text
					return !found
				})
			}
			return !found
		})
	})
	return found
}

// enclosing calls f with the body of the innermost function around a place.
func (in *inspector) enclosing(p token.Pos, f func(body *ast.BlockStmt)) {
	var body *ast.BlockStmt
	for _, file := range in.pass.Files {
		if p < file.FileStart || p > file.FileEnd {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if n == nil || p < n.Pos() || p > n.End() {
				return false
			}
			switch n := n.(type) {
			case *ast.FuncDecl:
				body = n.Body
			case *ast.FuncLit:
				body = n.Body
			}
			return true
		})
	}
	if body != nil {
		f(body)
	}
}
