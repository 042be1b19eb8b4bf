package docs

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// kind is what an exemption can excuse.
type kind string

const (
	kindGoroutine  kind = "goroutine"  // go, select, channels
	kindImport     kind = "import"     // sync and its like
	kindOS         kind = "os"         // files, network, standard output
	kindClock      kind = "clock"      // the clock and its timers
	kindRandom     kind = "random"     // sources that no seed decides
	kindUnsafe     kind = "unsafe"     // memory behind the compiler's back
	kindOrder      kind = "order"      // map order
	kindConstraint kind = "constraint" // files that build constraints leave out
)

var everyKind = []kind{kindGoroutine, kindImport, kindOS, kindClock, kindRandom, kindUnsafe, kindOrder, kindConstraint}

// forbiddenImports, each with everything below it.
var forbiddenImports = []struct {
	path string
	kind kind
}{
	{"sync", kindImport}, {"os", kindOS}, {"net", kindOS}, {"syscall", kindOS}, {"log", kindOS},
	{"crypto/rand", kindRandom}, {"hash/maphash", kindRandom}, {"unsafe", kindUnsafe}, {"C", kindUnsafe},
}

// forbiddenNames of packages that are otherwise harmless.
var forbiddenNames = []struct {
	path  string
	kind  kind
	names string
}{
	{"time", kindClock, "Now Since Until Sleep After AfterFunc NewTimer NewTicker Tick"},
	{"context", kindClock, "WithTimeout WithTimeoutCause WithDeadline WithDeadlineCause AfterFunc"},
	{"runtime", kindGoroutine, "GOMAXPROCS NumCPU NumGoroutine Gosched SetFinalizer AddCleanup"},
	{"fmt", kindOS, "Print Printf Println Scan Scanf Scanln"},
	{"maps", kindOrder, "All Keys Values"},
}

type finding struct {
	at   token.Position
	kind kind
	what string
}

func (f finding) String() string { return fmt.Sprintf("%s: %s: %s", f.at, f.kind, f.what) }

// inspector walks one file.
type inspector struct {
	fset    *token.FileSet
	info    *types.Info
	reasons map[int]*reason            // by line
	sorted  map[*ast.SelectorExpr]bool // maps.Keys and the like that are sorted at once
	list    []finding
}

// reason is an "unordered:" comment.
type reason struct {
	pos  token.Pos
	used bool
}

// inspect lists what the file does that no seed decides, in the order of the file.
func inspect(fset *token.FileSet, file *ast.File, info *types.Info) []finding {
	in := &inspector{fset: fset, info: info, reasons: map[int]*reason{}, sorted: map[*ast.SelectorExpr]bool{}}
	in.comments(file)
	for _, spec := range file.Imports {
		in.imported(spec)
	}
	ast.Inspect(file, in.node)
	for _, r := range in.reasons {
		if !r.used {
			in.report(r.pos, kindOrder, "excuses no map on its line or the next")
		}
	}
	slices.SortFunc(in.list, func(a, b finding) int {
		if a.at.Line != b.at.Line {
			return a.at.Line - b.at.Line
		}
		return a.at.Column - b.at.Column
	})
	return in.list
}

func (in *inspector) report(pos token.Pos, k kind, what string) {
	in.list = append(in.list, finding{in.fset.Position(pos), k, what})
}

func (in *inspector) comments(file *ast.File) {
	for _, group := range file.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//go:linkname ") {
				in.report(c.Pos(), kindUnsafe, "links to a name of another package")
			}
			why, ok := strings.CutPrefix(c.Text, "// unordered:")
			switch {
			case !ok:
			case strings.TrimSpace(why) == "":
				in.report(c.Pos(), kindOrder, `gives no reason after "unordered:"`)
			default:
				in.reasons[in.fset.Position(c.Pos()).Line] = &reason{pos: c.Pos()}
			}
		}
	}
}

func (in *inspector) imported(spec *ast.ImportSpec) {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return
	}
	for _, f := range forbiddenImports {
		if below(p, f.path+"/...") {
			in.report(spec.Pos(), f.kind, "imports "+p)
		}
	}
}

func (in *inspector) node(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		in.report(n.Pos(), kindGoroutine, "starts a goroutine")
	case *ast.SelectStmt:
		in.report(n.Pos(), kindGoroutine, "selects")
	case *ast.SendStmt:
		in.report(n.Pos(), kindGoroutine, "sends to a channel")
	case *ast.ChanType:
		in.report(n.Pos(), kindGoroutine, "uses a channel")
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			in.report(n.Pos(), kindGoroutine, "receives from a channel")
		}
	case *ast.RangeStmt:
		in.ranges(n)
	case *ast.CallExpr:
		in.call(n)
	case *ast.SelectorExpr:
		if in.sorted[n] {
			return false
		}
	case *ast.Ident:
		in.use(n)
	}
	return true
}

func (in *inspector) ranges(n *ast.RangeStmt) {
	t := in.info.TypeOf(n.X)
	if t == nil {
		return
	}
	if holds(t, func(t types.Type) bool { _, ok := t.(*types.Map); return ok }) && !in.unordered(n.Pos()) {
		in.report(n.Pos(), kindOrder, "ranges over a map")
	}
	if holds(t, func(t types.Type) bool { _, ok := t.(*types.Chan); return ok }) {
		in.report(n.Pos(), kindGoroutine, "ranges over a channel")
	}
}

// unordered looks for a reason on the line of pos or on the line above.
func (in *inspector) unordered(pos token.Pos) bool {
	line := in.fset.Position(pos).Line
	for _, l := range []int{line, line - 1} {
		if r := in.reasons[l]; r != nil {
			r.used = true
			return true
		}
	}
	return false
}

// call marks the argument of slices.Sorted(maps.Keys(m)) and its variants as
// harmless: the order that it yields is lost at once.
func (in *inspector) call(n *ast.CallExpr) {
	outer, ok := n.Fun.(*ast.SelectorExpr)
	if !ok || len(n.Args) == 0 {
		return
	}
	f := in.info.Uses[outer.Sel]
	if f == nil || f.Pkg() == nil || f.Pkg().Path() != "slices" || !strings.HasPrefix(f.Name(), "Sorted") {
		return
	}
	if inner, ok := n.Args[0].(*ast.CallExpr); ok {
		if sel, ok := inner.Fun.(*ast.SelectorExpr); ok {
			if g := in.info.Uses[sel.Sel]; g != nil && g.Pkg() != nil && g.Pkg().Path() == "maps" {
				in.sorted[sel] = true
			}
		}
	}
}

func (in *inspector) use(id *ast.Ident) {
	f, ok := in.info.Uses[id].(*types.Func)
	if !ok || f.Pkg() == nil {
		return
	}
	p, name := f.Pkg().Path(), f.Name()
	if f.Signature().Recv() != nil {
		if p == "reflect" && (name == "MapKeys" || name == "MapRange") && !in.unordered(id.Pos()) {
			in.report(id.Pos(), kindOrder, "uses (reflect.Value)."+name)
		}
		return
	}
	for _, bad := range forbiddenNames {
		if p == bad.path && slices.Contains(strings.Fields(bad.names), name) &&
			!(bad.kind == kindOrder && in.unordered(id.Pos())) {
			in.report(id.Pos(), bad.kind, "uses "+p+"."+name)
		}
	}
	if (p == "math/rand" || p == "math/rand/v2") && !strings.HasPrefix(name, "New") {
		in.report(id.Pos(), kindRandom, "uses "+p+"."+name)
	}
}

// holds reports whether t, or a type that the constraint of a type parameter
// admits, is one.
func holds(t types.Type, is func(types.Type) bool) bool {
	switch t := types.Unalias(t).(type) {
	case *types.TypeParam:
		return constraintHolds(t.Constraint().Underlying(), is)
	default:
		return is(t.Underlying())
	}
}

func constraintHolds(t types.Type, is func(types.Type) bool) bool {
	i, ok := t.(*types.Interface)
	if !ok {
		return is(t)
	}
	for e := range i.EmbeddedTypes() {
		switch e := types.Unalias(e).(type) {
		case *types.Union:
			for term := range e.Terms() {
				if constraintHolds(term.Type().Underlying(), is) {
					return true
				}
			}
		default:
			if constraintHolds(e.Underlying(), is) {
				return true
			}
		}
	}
	return false
}
