package docs

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// reproducible are the packages whose runs must be the same from the same seed,
// whatever the machine, the scheduler and the hash seed of Go's maps.
var reproducible = []string{"engine/...", "sim/...", "faults/...", "model/...", "scenarios/...", "cmd/..."}

// exemption lets files do some kinds of what is forbidden.
type exemption struct {
	where string // a file, or a package as "x/..."
	kinds []kind
	why   string
}

var exemptions = []exemption{
	{"engine/live/...", everyKind, "the live host: real clock, files and goroutines are its purpose"},
	{"engine/golden/golden.go", []kind{kindOS}, "reads and rewrites golden files; only tests import it"},
	{"sim/trace/reader.go", []kind{kindOS}, "traces are files of the real disk, read before or after a run"},
	{"sim/trace/writer.go", []kind{kindOS}, "traces are files of the real disk; what is written never flows back into the run"},
	{"scenarios/files.go", []kind{kindOS}, "copies inputs, outputs and checkpoints between the real disk and a world, before and after a run"},
	{"scenarios/run.go", []kind{kindOS, kindClock}, "says what could not be saved, and measures how long a run took; neither flows back into it"},
	{"scenarios/coverage_file.go", []kind{kindOS}, "writes what a sweep came through, after it, and names the executable"},
	{"scenarios/coverage_merge.go", []kind{kindOS}, "reads what sweeps left; no part of a run"},
	{"scenarios/interrupt.go", []kind{kindOS, kindClock, kindGoroutine}, "lets the user end a sweep between two runs"},
	{"scenarios/journal.go", []kind{kindOS, kindClock}, "notes which runs of a sweep have ended, after they have"},
	{"scenarios/saving.go", []kind{kindOS}, "makes the directory of failing cases, after they have failed"},
	{"scenarios/case_parse.go", []kind{kindOS}, "reads the file of a case, before it is run"},
	{"scenarios/shrink.go", []kind{kindClock, kindGoroutine}, "ends the search for a smaller case in time; each of its runs is a world of its own"},
	{"sim/shrink/shrink.go", []kind{kindImport}, "runs cases side by side; what counts is their order, not which ends first"},
	{"scenarios/sweep.go", []kind{kindOS, kindClock, kindGoroutine, kindImport}, "runs worlds side by side for a while; what they show is added up in the order of the list"},
	{"scenarios/inputs.go", []kind{kindImport}, "inputs and reference outputs that worlds side by side read and none changes"},
	{"scenarios/lines.go", []kind{kindOS}, "asks the go command where the default input is"},
	{"scenarios/live.go", []kind{kindOS, kindClock, kindGoroutine, kindRandom}, "starts real processes and kills them at times that nothing repeats: that is the test"},
	{"scenarios/child.go", []kind{kindOS, kindClock, kindGoroutine, kindImport}, "the main function of such a process; never part of a simulated run"},
	{"sim/simtest/simtest.go", []kind{kindOS}, "reads the file of -weir.plan, and looks whether -weir.out is a directory, before any run"},
	{"scenarios/mutants.go", []kind{kindOS}, "makes the directories of the mutants' builds and traces"},
	{"scenarios/mutants_hunt.go", []kind{kindOS, kindClock, kindGoroutine, kindImport}, "runs mutants as processes, side by side, for a while; each run is one of simrun"},
	{"scenarios/mutants_replay.go", []kind{kindOS}, "builds a mutant and lets it replay its trace"},
	{"scenarios/mutants_trials.go", []kind{kindOS, kindClock, kindGoroutine, kindImport}, "runs trials as processes, side by side, for a while; each makes its runs one after the other"},
	{"scenarios/mutants/apply.go", []kind{kindOS}, "reads patches and the source that they change"},
	{"scenarios/mutants/build.go", []kind{kindOS}, "calls the go command"},
	{"scenarios/bench/...", []kind{kindOS, kindClock, kindGoroutine, kindImport, kindConstraint}, "measures times, live too, beside a program of goroutines; what it measures decides nothing in a simulated run"},
	{"scenarios/trial.go", []kind{kindOS}, "a trial's process: its order is in the environment, and it says what it does on standard output"},
	{"sim/vet/load.go", []kind{kindOS}, "calls the go command, and reads what it exports; no part of a run"},
	{"sim/vet/run.go", []kind{kindOS}, "resolves the directory that it works in"},
	{"sim/vet/tool.go", []kind{kindOS}, "is a process of its own, called by go vet"},
	{"cmd/simrun/explore.go", []kind{kindClock}, "says how long an exploration took; it decides nothing"},
	{"cmd/simrun/...", []kind{kindOS}, "a program: arguments, standard output, exit codes"},
	{"engine/connect/file/reader.go", []kind{kindUnsafe}, "a line is used as a string without a copy; its bytes are not written again"},
}

// determinismFindings lists what the reproducible packages do that could make two
// runs of a seed differ, and the exemptions that nothing needs.
func determinismFindings(c *checker, packages []string, exempt []exemption) []string {
	var list, unknown []string
	used := make([][]kind, len(exempt))
	for _, pkg := range packages {
		p := c.check(pkg)
		if p.err != nil {
			unknown = append(unknown, fmt.Sprintf("%s does not type-check, so nothing is known of it: %v", pkg, p.err))
			continue
		}
		for _, s := range p.files {
			for _, f := range inspect(c.tree.fset, s.file, p.info) {
				if !excused(s, f.kind, exempt, used) {
					list = append(list, f.String())
				}
			}
		}
		for _, s := range p.left {
			if !excused(s, kindConstraint, exempt, used) {
				list = append(list, s.name+": left out of this build, so this test cannot see it")
			}
		}
	}
	if len(unknown) > 0 { // what is not known may need an exemption
		return append(list, unknown...)
	}
	for i, e := range exempt {
		if !slices.ContainsFunc(packages, func(pkg string) bool { return below(pkg, e.where) || pkg == path.Dir(e.where) }) {
			continue // of packages that are not looked at
		}
		for _, k := range e.kinds {
			if !slices.Contains(used[i], k) && len(e.kinds) < len(everyKind) {
				list = append(list, fmt.Sprintf("%s is excused for %s, which it does not need", e.where, k))
			}
		}
	}
	return list
}

func excused(s *source, k kind, exempt []exemption, used [][]kind) bool {
	for i, e := range exempt {
		if (below(s.name, e.where) || below(s.pkg, e.where)) && slices.Contains(e.kinds, k) {
			used[i] = append(used[i], k)
			return true
		}
	}
	return false
}

func TestDeterminism(t *testing.T) {
	tr := loadTree(t)
	c, err := newChecker(tr)
	require.NoError(t, err)
	var packages []string
	for _, s := range tr.files {
		in := slices.ContainsFunc(reproducible, func(x string) bool { return below(s.pkg, x) })
		if in && !s.test && !slices.Contains(packages, s.pkg) {
			packages = append(packages, s.pkg)
		}
	}
	require.Contains(t, packages, "engine/task", "the test would hold vacuously")
	fail(t, "two runs of a seed could differ", determinismFindings(c, packages, exemptions))
}

func TestExemptionsGiveReasons(t *testing.T) {
	for _, e := range exemptions {
		require.NotEmpty(t, e.why, e.where)
		require.NotEmpty(t, e.kinds, e.where)
	}
}

// badSources are the smallest files that break each rule, with what must be said.
var badSources = []struct{ name, body, want string }{
	{"goroutine", `func f() { go f() }`, `x.go:2:12: goroutine: starts a goroutine`},
	{"select", `func f() { select {} }`, `x.go:2:12: goroutine: selects`},
	{"channel", `func f(c chan int) {}`, `x.go:2:10: goroutine: uses a channel`},
	{"send", "type c = <-chan int\nfunc f(x c) int { return <-x }", "x.go:2:10: goroutine: uses a channel\nx.go:3:26: goroutine: receives from a channel"},
	{"channel send", "func f[C chan int](x C) { x <- 1 }", "x.go:2:10: goroutine: uses a channel\nx.go:2:27: goroutine: sends to a channel"},
	{"channel range", "func f[C chan int](x C) { for range x {} }", "x.go:2:10: goroutine: uses a channel\nx.go:2:27: goroutine: ranges over a channel"},
	{"sync", "import \"sync\"\nvar m sync.Mutex", `x.go:2:8: import: imports sync`},
	{"atomic", "import \"sync/atomic\"\nvar m atomic.Int64", `x.go:2:8: import: imports sync/atomic`},
	{"os", "import \"os\"\nvar e = os.Args", `x.go:2:8: os: imports os`},
	{"net", "import \"net/netip\"\nvar e netip.Addr", `x.go:2:8: os: imports net/netip`},
	{"crypto", "import r \"crypto/rand\"\nvar e = r.Reader", `x.go:2:8: random: imports crypto/rand`},
	{"unsafe", "import \"unsafe\"\nvar p unsafe.Pointer", `x.go:2:8: unsafe: imports unsafe`},
	{"clock", "import \"time\"\nvar t = time.Now()", `x.go:3:14: clock: uses time.Now`},
	{"clock as a value", "import clock \"time\"\nvar t = clock.Since", `x.go:3:15: clock: uses time.Since`},
	{"dot import", "import . \"time\"\nfunc f() { Sleep(Second) }", `x.go:3:12: clock: uses time.Sleep`},
	{"timer", "import \"time\"\nvar t = time.NewTimer(time.Second)", `x.go:3:14: clock: uses time.NewTimer`},
	{"deadline", "import \"context\"\nvar f = context.WithTimeout", `x.go:3:17: clock: uses context.WithTimeout`},
	{"global random", "import \"math/rand/v2\"\nvar n = rand.IntN(3)", `x.go:3:14: random: uses math/rand/v2.IntN`},
	{"global random, generic", "import \"math/rand/v2\"\nvar n = rand.N(3)", `x.go:3:14: random: uses math/rand/v2.N`},
	{"old random", "import \"math/rand\"\nvar n = rand.Perm(3)", `x.go:3:14: random: uses math/rand.Perm`},
	{"output", "import \"fmt\"\nfunc f() { fmt.Println() }", `x.go:3:16: os: uses fmt.Println`},
	{"map range", "func f(m map[int]int) { for range m {} }", `x.go:2:25: order: ranges over a map`},
	{"named map range", "type m map[int]int\nfunc (x m) f() { for k := range x { _ = k } }", `x.go:3:18: order: ranges over a map`},
	{"generic map range", "func f[M ~map[K]V, K comparable, V any](m M) { for range m {} }", `x.go:2:48: order: ranges over a map`},
	{"constrained map range", "type c[K comparable] interface { ~map[K]int }\nfunc f[K comparable, M c[K]](m M) { for range m {} }", `x.go:3:37: order: ranges over a map`},
	{"map field of a generic type", "type s[K comparable] struct { m map[K]int }\nfunc (x *s[K]) f() { for range x.m {} }", `x.go:3:22: order: ranges over a map`},
	{"map keys", "import \"maps\"\nfunc f(m map[int]int) { for range maps.Keys(m) {} }", `x.go:3:40: order: uses maps.Keys`},
	{"reflected map", "import \"reflect\"\nfunc f(v reflect.Value) { v.MapKeys() }", `x.go:3:29: order: uses (reflect.Value).MapKeys`},
	{"reason missing", "func f(m map[int]int) {\n// unordered:\nfor range m {} }", "x.go:3:1: order: gives no reason after \"unordered:\"\nx.go:4:1: order: ranges over a map"},
	{"reason too far", "func f(m map[int]int) {\n// unordered: because\n\nfor range m {} }", "x.go:3:1: order: excuses no map on its line or the next\nx.go:5:1: order: ranges over a map"},
	{"linkname", "import _ \"strings\"\n//go:linkname f time.now\nfunc f()", `x.go:3:1: unsafe: links to a name of another package`},
}

var goodSources = []struct{ name, body string }{
	{"durations", "import \"time\"\nvar d = 3 * time.Second"},
	{"stamps", "import \"time\"\nvar d = time.Unix(1, 2).Sub(time.Time{})"},
	{"seeded random", "import \"math/rand/v2\"\nvar n = rand.New(rand.NewPCG(1, 2)).IntN(3)"},
	{"random types", "import \"math/rand/v2\"\nfunc f(r *rand.Rand) int { return r.IntN(3) }"},
	{"slices", "func f[S ~[]int](s S) { for range s {} }"},
	{"sequences", "import \"iter\"\nfunc f(s iter.Seq[int]) { for range s {} }"},
	{"sorted keys", "import (\"maps\"; \"slices\")\nfunc f(m map[int]int) { for range slices.Sorted(maps.Keys(m)) {} }"},
	{"reason above", "func f(m map[int]int) (n int) {\n// unordered: a sum\nfor _, v := range m { n += v }\nreturn }"},
	{"reason beside", "func f(m map[int]int) (n int) {\nfor _, v := range m { // unordered: a sum\nn += v }\nreturn }"},
	{"sprint", "import \"fmt\"\nvar s = fmt.Sprint(1)"},
}

func TestDeterminismFindings(t *testing.T) {
	tr := &tree{module: "m"}
	tr.fset = loadTree(t).fset
	imp, err := exportImporter(tr.fset, []string{"context", "crypto/rand", "fmt", "iter", "maps", "math/rand",
		"math/rand/v2", "net/netip", "os", "reflect", "slices", "strings", "sync", "sync/atomic", "time"})
	require.NoError(t, err)
	report := func(t *testing.T, body string) string {
		s, err := parseSource(tr.fset, "x.go", "package x\n"+body)
		require.NoError(t, err)
		_, info, err := typeCheck(tr.fset, "m/x", []*ast.File{s.file}, imp)
		require.NoError(t, err)
		var lines []string
		for _, f := range inspect(tr.fset, s.file, info) {
			lines = append(lines, f.String())
		}
		return strings.Join(lines, "\n")
	}
	for _, c := range badSources {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, report(t, c.body)) })
	}
	for _, c := range goodSources {
		t.Run(c.name, func(t *testing.T) { require.Empty(t, report(t, c.body)) })
	}
}

// The whole way, from a package on disk to the report: with and without excuses.
func TestExemptions(t *testing.T) {
	tr := loadTree(t)
	c, err := newChecker(tr)
	require.NoError(t, err)
	live := []string{"engine/live"}
	require.NotEmpty(t, determinismFindings(c, live, nil))
	require.Empty(t, determinismFindings(c, live, []exemption{{"engine/live/...", everyKind, "live"}}))
	require.Contains(t, determinismFindings(c, []string{"engine/must"}, []exemption{{"engine/must/must.go", []kind{kindClock}, "no"}}),
		"engine/must/must.go is excused for clock, which it does not need")
	require.NotEmpty(t, determinismFindings(c, []string{"engine/absent"}, nil))
}
