package docs

import (
	"fmt"
	"go/token"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fence is a boundary that layers.txt cannot move. It holds for test files too.
type fence struct {
	importers, never string
	except           []string
	why              string
}

var fences = []fence{
	{"engine/...", "sim/...", nil, "the engine does not know that it is simulated"},
	{"engine/...", "faults/...", nil, "the engine does not know of injected faults"},
	{"engine/...", "model/...", nil, "the engine and its judge share nothing"},
	{"engine/...", "scenarios/...", nil, "the engine does not know its tests"},
	{"engine/...", "cmd/...", nil, "the engine is a library"},
	{"sim", "engine/...", []string{"engine/fs", "engine/host"}, "the world knows no streams"},
	{"sim/disk", "engine/...", []string{"engine/fs", "engine/host"}, "the world knows no streams"},
	{"sim/trace", "engine/...", []string{"engine/fs", "engine/host"}, "the world knows no streams"},
	{"faults/...", "engine/...", nil, "faults name their targets by text"},
	{"model/...", "...", []string{"engine/stream", "engine/graph", "model/..."}, "a shared bug would hide itself"},
}

func (f *fence) forbids(pkg, imported string) bool {
	return below(pkg, f.importers) && below(imported, f.never) && pkg != imported &&
		!slices.ContainsFunc(f.except, func(x string) bool { return below(imported, x) })
}

// layerFindings lists the imports that the policy or a fence forbids, and the
// packages that the policy does not list.
func layerFindings(tr *tree, p *policy) []string {
	var list []string
	unlisted := map[string]bool{}
	for _, s := range tr.files {
		if !slices.Contains(p.known, s.pkg) {
			if !unlisted[s.pkg] {
				unlisted[s.pkg] = true
				list = append(list, s.pkg+" is not in layers.txt: say there who may import it and what it may import")
			}
			continue
		}
		for _, im := range s.imports() {
			rel, inside := tr.relative(im.path)
			report := func(why string) {
				list = append(list, fmt.Sprintf("%s: %s", tr.fset.Position(im.pos), why))
			}
			if why := p.check(s.pkg, s.test, rel, inside); why != "" {
				report(why)
			}
			for _, f := range fences {
				if inside && f.forbids(s.pkg, rel) {
					report(fmt.Sprintf("%s must never import %s: %s", s.pkg, rel, f.why))
				}
			}
		}
	}
	return list
}

// relative cuts the module's path off an import path inside it.
func (tr *tree) relative(importPath string) (rel string, inside bool) {
	if importPath == tr.module {
		return ".", true
	}
	rel, inside = strings.CutPrefix(importPath, tr.module+"/")
	return rel, inside
}

func TestLayers(t *testing.T) {
	text, err := os.ReadFile("layers.txt")
	require.NoError(t, err)
	p, err := parsePolicy(string(text))
	require.NoError(t, err)
	tr := loadTree(t)
	fail(t, "docs/layers.txt is broken", layerFindings(tr, p))
}

const testPolicy = `
# comment
NONE < engine/must, engine/golden, sim, example.org/hash;
engine/must < engine/a <
	engine/b; engine/must < engine/c;
testing, example.org/check < engine/golden, ..._test;
engine/golden < engine/..._test;
engine/a !< engine/c;
engine/c < engine/d; example.org/hash < engine/d;
`

func TestLayersFindings(t *testing.T) {
	p, err := parsePolicy(testPolicy)
	require.NoError(t, err)
	for _, c := range []struct{ name, imports, want string }{
		{"engine/b/x.go", "m/engine/must", ""},
		{"engine/a/x.go", "m/engine/b", "engine/a must not import engine/b"},
		{"engine/a/x.go", "m/sim", "engine/a must not import sim|engine/a must never import sim: the engine does not know that it is simulated"},
		{"engine/a/x_test.go", "m/sim", "engine/a_test must not import sim|engine/a must never import sim: the engine does not know that it is simulated"},
		{"engine/a/x_test.go", "m/engine/a", ""},
		{"engine/a/x_test.go", "m/engine/golden", ""},
		{"engine/a/x.go", "m/engine/golden", "engine/a must not import engine/golden"},
		{"sim/x_test.go", "m/engine/golden", "sim_test must not import engine/golden|sim must never import engine/golden: the world knows no streams"},
		{"engine/a/x_test.go", "testing", ""},
		{"engine/a/x.go", "testing", "engine/a must not import testing"},
		{"engine/golden/x.go", "testing", ""},
		{"engine/a/x_test.go", "example.org/check/require", ""},
		{"engine/a/x.go", "example.org/check/require", "engine/a must not import example.org/check/require"},
		{"engine/a/x.go", "example.org/hash", "engine/a must not import example.org/hash"},
		{"engine/d/x.go", "example.org/hash", ""},
		{"engine/d/x.go", "example.org/unheard", "engine/d must not import example.org/unheard"},
		{"engine/d/x.go", "fmt", ""},
		{"engine/c/x.go", "m/engine/a", "engine/c must not import engine/a"},
		{"engine/d/x.go", "m/engine/e", "engine/d must not import engine/e"},
	} {
		fset := token.NewFileSet()
		s, err := parseSource(fset, c.name, fmt.Sprintf("package %s\nimport %q\n", "p", c.imports))
		require.NoError(t, err)
		var want []string
		for _, line := range strings.Split(c.want, "|") {
			if line != "" {
				want = append(want, c.name+":2:8: "+line)
			}
		}
		require.Equal(t, want, layerFindings(&tree{module: "m", fset: fset, files: []*source{s}}, p), "%s imports %s", c.name, c.imports)
	}
}

func TestLayersUnlistedPackage(t *testing.T) {
	p, err := parsePolicy(testPolicy)
	require.NoError(t, err)
	fset := token.NewFileSet()
	s, err := parseSource(fset, "engine/new/x.go", "package new\n")
	require.NoError(t, err)
	require.Equal(t, []string{"engine/new is not in layers.txt: say there who may import it and what it may import"},
		layerFindings(&tree{module: "m", fset: fset, files: []*source{s, s}}, p))
}

// An import that the policy allows and a fence forbids is reported by the fence.
func TestLayersFences(t *testing.T) {
	for _, c := range []struct {
		pkg, imports string
		forbidden    bool
	}{
		{"engine/task", "faults", true},
		{"engine/task", "model", true},
		{"engine", "scenarios", true},
		{"sim", "engine/host", false},
		{"sim", "engine/host/hosttest", true},
		{"sim/disk", "engine/stream", true},
		{"sim/trace", "engine/stream", true},
		{"sim/cluster", "engine/task", false},
		{"faults", "engine/stream", true},
		{"model", "engine/stream", false},
		{"model", "engine/graph", false},
		{"model", "engine/codec", true},
		{"model", "sim", true},
		{"model", "model", false},
		{"scenarios", "model", false},
	} {
		forbidden := slices.ContainsFunc(fences, func(f fence) bool { return f.forbids(c.pkg, c.imports) })
		require.Equal(t, c.forbidden, forbidden, "%s imports %s", c.pkg, c.imports)
	}
}

func TestPolicyErrors(t *testing.T) {
	for text, want := range map[string]string{
		"a < b":                   "layers.txt:1: the rule does not end in ;",
		"\n\na b < c;":            `layers.txt:3: "a b" is not a name`,
		"a < ;":                   `layers.txt:1: "" is not a name`,
		"a;":                      "layers.txt:1: want a < b or a !< b",
		"a < b; a !< b < c;":      "layers.txt:1: want a < b or a !< b",
		"a < b;\na !< misspelt;":  "layers.txt:2: misspelt matches nothing listed",
		"a < b;\nc/... !< a;":     "layers.txt:2: c/... matches nothing listed",
		"a_test < b;":             "layers.txt:1: nothing can import test files",
		"a < b < c;\nc < a;":      "layers.txt: the rules let a import itself by way of others",
		"a < b; NONE !< b; a< c;": "layers.txt:1: NONE matches nothing listed",
	} {
		_, err := parsePolicy(text)
		require.EqualError(t, err, want, "%q", text)
	}
}

// A rule about a package that is gone looks like protection and is none.
func TestLayersListsNothingElse(t *testing.T) {
	text, err := os.ReadFile("layers.txt")
	require.NoError(t, err)
	p, err := parsePolicy(string(text))
	require.NoError(t, err)
	there := map[string]bool{}
	for _, s := range loadTree(t).files {
		there[s.pkg] = true
	}
	for _, name := range p.known {
		if !governedBeyond(name) {
			require.True(t, there[path.Clean(name)], "docs/layers.txt lists %s, which has no Go files", name)
		}
	}
}
