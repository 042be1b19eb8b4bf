package vet

import (
	"go/types"
	"slices"
	"strings"
)

// entry forbids the use of functions and variables of a package.
type entry struct {
	path  string
	kind  Kind
	names string // "*" is all; "-a b" is all but a and b
	// methods, if set, are those of types of the package, in the form of names.
	methods string
}

var tables = []entry{
	{"time", Clock, "Now Since Until Sleep After AfterFunc NewTimer NewTicker Tick", ""},
	{"context", Clock, "WithTimeout WithTimeoutCause WithDeadline WithDeadlineCause AfterFunc", ""},
	{"math/rand", Random, "-New NewSource NewZipf", ""},
	{"math/rand/v2", Random, "-New NewPCG NewChaCha8 NewZipf", ""},
	{"crypto/rand", Random, "*", ""},
	{"hash/maphash", Random, "MakeSeed", "*"},
	{"runtime", Machine, "GOMAXPROCS NumCPU NumGoroutine NumCgoCall Gosched ReadMemStats SetFinalizer AddCleanup Stack GC", ""},
	{"runtime/debug", Machine, "-FreeOSMemory ReadBuildInfo ParseBuildInfo", ""},
	{"runtime/metrics", Machine, "*", ""},
	{"os", Outside, "-IsExist IsNotExist IsPermission IsTimeout IsPathSeparator NewSyscallError Expand ErrExist ErrNotExist ErrPermission ErrClosed ErrInvalid ErrDeadlineExceeded ErrNoDeadline ErrProcessDone", "-Error Unwrap Timeout Is IsDir IsRegular Perm String Type"},
	{"os/exec", Outside, "*", "*"},
	{"os/signal", Outside, "*", ""},
	{"os/user", Outside, "*", ""},
	{"syscall", Outside, "*", ""},
	{"net", Outside, "-ParseIP ParseCIDR ParseMAC JoinHostPort SplitHostPort IPv4 IPv4Mask CIDRMask ErrClosed IPv4zero IPv6zero", "Read Write Accept Close Dial DialContext Listen LookupAddr LookupHost LookupIP LookupIPAddr LookupCNAME LookupMX LookupTXT"},
	{"net/http", Outside, "Get Head Post PostForm ListenAndServe ListenAndServeTLS Serve DefaultClient DefaultTransport", "Do Get Head Post PostForm RoundTrip ListenAndServe Serve"},
	{"net/smtp", Outside, "*", "*"},
	{"net/rpc", Outside, "*", "*"},
	{"database/sql", Outside, "Open OpenDB", "*"},
	{"path/filepath", Outside, "Abs Glob Walk WalkDir EvalSymlinks", ""},
	{"io/ioutil", Outside, "ReadFile WriteFile ReadDir TempDir TempFile", ""},
	{"maps", Order, "Keys Values All", ""},
	{"reflect", Order, "", "MapKeys MapRange"},
	{"sync", Sync, "*", "*"},
	{"sync/atomic", Sync, "*", "*"},
}

// matches a list in the form of entry.names.
func matches(list, name string) bool {
	if list == "*" {
		return true
	}
	names, except := strings.CutPrefix(list, "-")
	return list != "" && slices.Contains(strings.Fields(names), name) != except
}

// forbidden looks a function or variable of another package up.
func forbidden(o types.Object) (Kind, bool) {
	path, name := o.Pkg().Path(), o.Name()
	for _, e := range tables {
		if e.path != path {
			continue
		}
		list := e.names
		if f, ok := o.(*types.Func); ok && f.Signature().Recv() != nil {
			list = e.methods
		}
		return e.kind, matches(list, name)
	}
	return "", false
}

// changing are methods of types elsewhere that change what they are called on, in the
// form of entry.names.
var changing = map[string]string{
	"strings.Builder":      "-String Len Cap",
	"bytes.Buffer":         "-String Len Cap Bytes Available AvailableBuffer",
	"bufio.Writer":         "-Size Available Buffered AvailableBuffer",
	"container/list.List":  "-Front Back Len",
	"math/rand.Rand":       "*",
	"math/rand.Zipf":       "*",
	"math/rand/v2.Rand":    "*",
	"math/rand/v2.PCG":     "-MarshalBinary AppendBinary",
	"math/rand/v2.ChaCha8": "-MarshalBinary AppendBinary",
	"math/rand/v2.Zipf":    "*",
	"hash/maphash.Hash":    "-Sum64 Size BlockSize",
	"sync.Map":             "-Load Range",
	"sync.Pool":            "*",
	"sync/atomic.Int32":    "-Load",
	"sync/atomic.Int64":    "-Load",
	"sync/atomic.Uint32":   "-Load",
	"sync/atomic.Uint64":   "-Load",
	"sync/atomic.Bool":     "-Load",
	"sync/atomic.Pointer":  "-Load",
	"sync/atomic.Value":    "-Load",
}

// asking are methods of the engine that neither emit nor change state.
var asking = []string{"Get", "Key", "Timestamp", "Watermark", "ProcessingTime", "Config", "Name", "Error", "String", "Decode"}

// engineOwn reports whether a path is a package of the engine.
func engineOwn(path string) bool { return path == engine || strings.HasPrefix(path, engine+"/") }

// typeName is the package path and name of a type, behind a pointer or not.
func typeName(t types.Type) string {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil {
		return ""
	}
	return n.Obj().Pkg().Path() + "." + n.Obj().Name()
}

// objectName is how a function or variable of another package is written.
func objectName(o types.Object) string {
	pkg := o.Pkg().Path()
	if first, _, _ := strings.Cut(pkg, "/"); strings.Contains(first, ".") { // not of the standard library
		pkg = o.Pkg().Name()
	}
	f, ok := o.(*types.Func)
	if !ok || f.Signature().Recv() == nil {
		return pkg + "." + o.Name()
	}
	recv := f.Signature().Recv().Type()
	if p, ok := recv.(*types.Pointer); ok {
		recv = p.Elem()
	}
	if n, ok := recv.(*types.Named); ok {
		pkg += "." + n.Obj().Name()
	}
	return "(" + pkg + ")." + o.Name()
}
