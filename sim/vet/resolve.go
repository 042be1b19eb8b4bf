package vet

import (
	"go/ast"
	"go/types"
	"slices"
)

// callee is the function that a call names, nil if it calls a value, a builtin or a
// type.
func (in *inspector) callee(call *ast.CallExpr) *types.Func {
	f, _ := in.object(call.Fun).(*types.Func)
	if f == nil {
		return nil
	}
	return f.Origin()
}

// object is what an expression names: a function, variable or type; nil if it is
// something else.
func (in *inspector) object(e ast.Expr) types.Object {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return in.pass.TypesInfo.ObjectOf(e)
	case *ast.SelectorExpr:
		return in.pass.TypesInfo.ObjectOf(e.Sel)
	case *ast.IndexExpr: // of a generic function
		if in.pass.TypesInfo.Types[e.Index].IsType() {
			return in.object(e.X)
		}
	case *ast.IndexListExpr:
		return in.object(e.X)
	}
	return nil
}

// functions are the units that an expression of a function type may stand for.
func (in *inspector) functions(e ast.Expr, seen []types.Object) []reached {
	e = ast.Unparen(e)
	switch e := e.(type) {
	case *ast.FuncLit:
		return []reached{{unit: in.literal(e)}}
	case *ast.CallExpr:
		if in.pass.TypesInfo.Types[e.Fun].IsType() { // a conversion
			return in.functions(e.Args[0], seen)
		}
		f := in.callee(e)
		if u := in.decls[f]; u != nil && !slices.Contains(seen, types.Object(f)) {
			return in.returned(u, append(seen, f))
		}
		return nil
	}
	switch o := in.object(e).(type) {
	case *types.Func:
		u := in.decls[o.Origin()]
		if u == nil {
			return nil
		}
		s, ok := e.(*ast.SelectorExpr)
		sel := in.pass.TypesInfo.Selections[s]
		// The receiver of a method value is kept as a captured variable is.
		return []reached{{unit: u, keeps: ok && sel != nil && sel.Kind() == types.MethodVal}}
	case *types.Var:
		if slices.Contains(seen, types.Object(o)) {
			return nil
		}
		var all []reached
		for _, value := range in.values[o] {
			all = append(all, in.functions(value, append(seen, o))...)
		}
		return all
	}
	return nil
}

// returned are the functions that a function returns.
func (in *inspector) returned(u *unit, seen []types.Object) []reached {
	var all []reached
	in.returns(u.node, func(r *ast.ReturnStmt, _ *ast.FuncType, nested bool) {
		for _, e := range r.Results {
			if !nested && isFunc(in.pass.TypesInfo.TypeOf(e)) {
				all = append(all, in.functions(e, seen)...)
			}
		}
	})
	return all
}

// returns calls f with the return statements of a function and of those nested in it.
func (in *inspector) returns(n ast.Node, f func(r *ast.ReturnStmt, of *ast.FuncType, nested bool)) {
	var walk func(n ast.Node, of *ast.FuncType, nested bool)
	walk = func(n ast.Node, of *ast.FuncType, nested bool) {
		ast.Inspect(n, func(m ast.Node) bool {
			switch m := m.(type) {
			case *ast.FuncLit:
				if m == n {
					return true
				}
				walk(m, m.Type, true)
				return false
			case *ast.ReturnStmt:
				f(m, of, nested)
			}
			return true
		})
	}
	switch n := n.(type) {
	case *ast.FuncDecl:
		walk(n, n.Type, false)
	case *ast.FuncLit:
		walk(n, n.Type, false)
	}
}

// methodsOf are the methods that the engine may call on a value, if it is one of a type
// of this package where an interface of the engine is wanted.
func (in *inspector) methodsOf(e ast.Expr, want types.Type) []reached {
	wanted, ok := types.Unalias(want).(*types.Named)
	if !ok || wanted.Obj().Pkg() == nil || !engineOwn(wanted.Obj().Pkg().Path()) {
		return nil
	}
	iface, ok := wanted.Underlying().(*types.Interface)
	t := in.pass.TypesInfo.TypeOf(e)
	if !ok || t == nil || isInterface(t) {
		return nil
	}
	var all []reached
	for m := range iface.Methods() {
		o, _, _ := types.LookupFieldOrMethod(t, true, in.pass.Pkg, m.Name())
		f, ok := o.(*types.Func)
		if !ok {
			continue
		}
		if u := in.decls[f.Origin()]; u != nil {
			label := "method " + m.Name() + " of " + types.TypeString(t, func(*types.Package) string { return "" })
			// Readers and writers keep in their fields what Snapshot stores.
			keeps := wanted.Obj().Pkg().Path() == engine && m.Name() != "Open" && m.Name() != "Encode"
			all = append(all, reached{unit: u, label: label, keeps: keeps})
		}
	}
	return all
}

// base is the variable that an expression is a part of, and whether by way of a pointer,
// map or slice; nil if it is of none.
func (in *inspector) base(e ast.Expr) (v *types.Var, through bool) {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.Ident:
			v, _ = in.pass.TypesInfo.ObjectOf(x).(*types.Var)
			return v, through
		case *ast.SelectorExpr:
			if in.pass.TypesInfo.Selections[x] == nil {
				v, _ = in.pass.TypesInfo.ObjectOf(x.Sel).(*types.Var)
				return v, through
			}
			through = through || refers(in.pass.TypesInfo.TypeOf(x.X))
			e = x.X
		case *ast.IndexExpr:
			through = through || refers(in.pass.TypesInfo.TypeOf(x.X))
			e = x.X
		case *ast.SliceExpr:
			through = true
			e = x.X
		case *ast.StarExpr:
			through = true
			e = x.X
		case *ast.TypeAssertExpr:
			through = true
			e = x.X
		default:
			return nil, false
		}
	}
}

// refers reports whether a change of what a value of the type holds is seen by others
// that have the value.
func refers(t types.Type) bool {
	if t == nil {
		return false
	}
	switch t.Underlying().(type) {
	case *types.Pointer, *types.Map, *types.Slice, *types.Interface:
		return true
	}
	return false
}
