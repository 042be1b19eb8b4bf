package vet

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// conversion takes one of an unsafe pointer to a number.
func (s *scanner) conversion(call *ast.CallExpr) {
	from, to := s.pass.TypesInfo.TypeOf(call.Args[0]), s.pass.TypesInfo.TypeOf(call.Fun)
	if isBasic(from, types.UnsafePointer) && isBasic(to, types.Uintptr) {
		s.report(call.Pos(), Address, "makes a number of an address")
	}
}

func isBasic(t types.Type, k types.BasicKind) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Kind() == k
}

// printing takes a call of fmt, which prints some values as addresses.
func (s *scanner) printing(call *ast.CallExpr, f *types.Func) {
	if f.Pkg() == nil {
		return
	}
	if f.Pkg().Path() == "reflect" && strings.Contains(" Pointer UnsafePointer UnsafeAddr ", " "+f.Name()+" ") {
		s.report(call.Pos(), Address, "uses %s", objectName(f))
	}
	if f.Pkg().Path() != "fmt" || !f.Signature().Variadic() || call.Ellipsis.IsValid() || strings.Contains(f.Name(), "can") {
		return
	}
	first := f.Signature().Params().Len() - 1
	format := ""
	if strings.HasSuffix(f.Name(), "f") && first > 0 {
		if v := s.pass.TypesInfo.Types[call.Args[first-1]].Value; v != nil && v.Kind() == constant.String {
			format = constant.StringVal(v)
		}
	}
	if len(call.Args) > first {
		s.addresses(call.Pos(), "fmt."+f.Name(), call.Args[first:], format)
	}
}

// addresses reports the first argument that is printed as an address.
func (s *scanner) addresses(pos token.Pos, by string, args []ast.Expr, format string) {
	verbs := verbsOf(format)
	for i, a := range args {
		verb := byte('v')
		if i < len(verbs) {
			verb = verbs[i]
		}
		t := s.pass.TypesInfo.TypeOf(a)
		switch {
		case t == nil || verb == 'T' || verb == '*':
		case verb == 'p':
			s.report(pos, Address, "prints the address of %s, by %%p", types.ExprString(a))
			return
		case printsAddress(t, 0):
			s.report(pos, Address, "prints an address: %s of %s, which is a %s", by, types.ExprString(a), types.TypeString(t, types.RelativeTo(s.pass.Pkg)))
			return
		}
	}
}

// verbsOf are the verbs of a format, in order; '*' for a width or precision that is an
// argument. A format with indexes gives none.
func verbsOf(format string) []byte {
	var verbs []byte
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		for i++; i < len(format) && strings.IndexByte("+-# 0123456789.*[", format[i]) >= 0; i++ {
			switch format[i] {
			case '[':
				return nil
			case '*':
				verbs = append(verbs, '*')
			}
		}
		if i < len(format) && format[i] != '%' {
			verbs = append(verbs, format[i])
		}
	}
	return verbs
}

// printsAddress reports whether fmt prints a value of the type, or a part of it, as an
// address. Depth 0 is the value itself, of which fmt follows a pointer.
func printsAddress(t types.Type, depth int) bool {
	if depth > 4 || describes(t) {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Chan, *types.Signature:
		return true
	case *types.Basic:
		return u.Kind() == types.UnsafePointer
	case *types.Pointer:
		switch u.Elem().Underlying().(type) {
		case *types.Struct, *types.Array, *types.Slice, *types.Map:
			return depth > 0 || printsAddress(u.Elem(), 1)
		}
		return true
	case *types.Struct:
		for f := range u.Fields() {
			if printsAddress(f.Type(), depth+1) {
				return true
			}
		}
	case *types.Slice:
		return printsAddress(u.Elem(), depth+1)
	case *types.Array:
		return printsAddress(u.Elem(), depth+1)
	case *types.Map:
		return printsAddress(u.Key(), depth+1) || printsAddress(u.Elem(), depth+1)
	}
	return false
}

// describes reports whether a type says itself how it is printed.
func describes(t types.Type) bool {
	for _, name := range []string{"Error", "String", "Format", "GoString"} {
		if o, _, _ := types.LookupFieldOrMethod(t, true, nil, name); o != nil {
			if _, ok := o.(*types.Func); ok {
				return true
			}
		}
	}
	return false
}
