package mutants

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// value draws what a field may hold: one line, not empty, no spaces around.
var value = rapid.StringMatching(`[!-~]([ -~]{0,30}[!-~])?`)

func drawHunk(t *rapid.T) Hunk {
	h := Hunk{File: rapid.StringMatching(`[a-z]{1,5}(/[a-z_]{1,5}){0,2}`).Draw(t, "file") + "/f.go", Match: 1, Of: rapid.IntRange(1, 4).Draw(t, "of")}
	h.Match = rapid.IntRange(1, h.Of).Draw(t, "match")
	line := func(ops string) Line {
		return Line{rapid.SampledFrom([]byte(ops)).Draw(t, "op"), rapid.StringMatching(`\t{0,3}[ -~]{0,20}`).Draw(t, "text")}
	}
	for range rapid.IntRange(0, 4).Draw(t, "lines") {
		h.Lines = append(h.Lines, line(" -+"))
	}
	// With a line that goes more than come, the hunk has a place and changes something.
	for n := len(h.New()) - len(h.Old()); n >= 0; n-- {
		h.Lines = append(h.Lines, line("-"))
	}
	return h
}

func drawPatch(t *rapid.T) *Patch {
	p := &Patch{
		ID:   rapid.StringMatching(`[a-z0-9]{1,6}(-[a-z0-9]{1,6}){0,3}`).Draw(t, "id"),
		What: value.Draw(t, "what"), Why: value.Draw(t, "why"),
		Lines: rapid.IntRange(0, linesMax).Draw(t, "lines"),
		Hunks: rapid.SliceOfN(rapid.Custom(drawHunk), 1, 4).Draw(t, "hunks"),
	}
	if rapid.Bool().Draw(t, "has bug") {
		p.Bug = value.Draw(t, "bug")
	}
	if rapid.Bool().Draw(t, "has scenario") {
		p.Scenario = value.Draw(t, "scenario")
	}
	switch rapid.IntRange(0, 2).Draw(t, "expected") {
	case 0:
		p.Survives = value.Draw(t, "reason")
	case 1:
		p.Alone = rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "alone")
	}
	if rapid.Bool().Draw(t, "has strategy") {
		p.Strategy = rapid.SampledFrom(Strategies).Draw(t, "strategy")
	}
	for range rapid.IntRange(0, 2).Draw(t, "settings") {
		p.Set = append(p.Set, "k="+value.Draw(t, "value"))
	}
	return p
}

// TestRoundTrip is P1.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPatch(t)
		got, err := Parse("f", p.String())
		require.NoError(t, err, "%s", p)
		require.Equal(t, p, got)
		require.Equal(t, p.Name(), got.Name())
	})
}

func TestHashIsOfTheWholePatch(t *testing.T) {
	p, err := Parse("f", "id a\nwhat b\nwhy c\n\nfile x.go\n-d\n+e\n")
	require.NoError(t, err)
	was := p.Hash()
	require.Regexp(t, "^[0-9a-f]{16}$", was)
	p.Hunks[0].Lines[1].Text = "f"
	require.NotEqual(t, was, p.Hash())
}

const good = "id a\nwhat b\nwhy c\n"

func TestParseErrors(t *testing.T) {
	hunk := "\nfile x.go\n-old\n"
	for text, want := range map[string]string{
		"":                          "f:0: the patch has no id",
		"id a\nwhy c\n" + hunk:      "f:5: the patch has no what",
		good:                        "f:3: the patch changes nothing; it needs a line that begins with file",
		"id A\n":                    `f:1: id "A" is not lower-case words with dashes`,
		"id a\nid b\n":              "f:2: there is a second id",
		"what\n":                    `f:1: "what" is neither "key value" nor, in a hunk, a line that begins with a space, - or +`,
		good + "color red\n":        `f:4: unknown key "color"; the keys are id, what, why, bug, expect, alone, scenario, lines, strategy, set, file, match`,
		good + "expect killed\n":    `f:4: expect "killed" is not "survived: reason"`,
		good + "expect survived:\n": `f:4: expect "survived:" is not "survived: reason"`,
		good + "alone Cut\n":        `f:4: alone "Cut" is not the id of an oracle`,
		good + "expect survived: r\nalone cut\n" + hunk: "f:8: the patch is expected to survive; cut can't notice it",
		good + "lines 0\n":                        `f:4: lines "0" is not a whole number between 1 and 1000000`,
		good + "strategy pso\n":                   `f:4: strategy "pso" is not one of uniform, swarm, pos, crash-everywhere, portfolio`,
		good + "strategy swarm\nstrategy swarm\n": "f:5: there is a second strategy",
		good + "set a\n":                          `f:4: set "a" is not of the form key=value`,
		good + "match 1 of 2\n":                   "f:4: match comes once, right after file",
		good + "file /x.go\n":                     `f:4: file "/x.go" is not the path of a Go file that is no test, from the root of the module`,
		good + "file ../x.go\n":                   `f:4: file "../x.go" is not the path of a Go file that is no test, from the root of the module`,
		good + "file x_test.go\n":                 `f:4: file "x_test.go" is not the path of a Go file that is no test, from the root of the module`,
		good + "file x.txt\n":                     `f:4: file "x.txt" is not the path of a Go file that is no test, from the root of the module`,
		good + "file x.go\nmatch 3 of 2\n-a\n":    `f:5: match "3 of 2" is not "m of n" with m from 1 to n, and n at least 2`,
		good + "file x.go\nmatch 1 of 1\n-a\n":    `f:5: match "1 of 1" is not "m of n" with m from 1 to n, and n at least 2`,
		good + "file x.go\n-a\nmatch 1 of 2\n":    "f:6: match comes once, right after file",
		good + "file x.go\n\n":                    "f:5: the hunk of x.go has no old lines, so it has no place",
		good + "file x.go\n+a\n":                  "f:5: the hunk of x.go has no old lines, so it has no place",
		good + "file x.go\n a\n-b\n+b\n":          "f:7: the hunk of x.go changes nothing",
		good + "file x.go\n-a\nx\n":               `f:6: "x" is neither "key value" nor, in a hunk, a line that begins with a space, - or +`,
		good + "file x.go\n-a\n\nbug FLINK-1\n":   "f:7: bug comes after a hunk; the fields come first",
	} {
		_, err := Parse("f", text)
		require.EqualError(t, err, want, "%q", text)
	}
}

func TestApply(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "x.go"), []byte("a\nb\nc\nb\nab\n"), 0o644))
	for body, want := range map[string]string{
		"-a\n+x\n":                      "x\nb\nc\nb\nab\n", // whole lines only
		" a\n-b\n":                      "a\nc\nb\nab\n",
		"match 2 of 2\n-b\n+x\n+y\n":    "a\nb\nc\nx\ny\nab\n",
		"-c\n+d\n\nfile x.go\n-d\n+e\n": "a\nb\ne\nb\nab\n", // a hunk sees those before it
		"-a\n+x\n\nfile x.go\nmatch 1 of 2\n-b\n+z\n": "x\nz\nc\nb\nab\n",
		"-b\n+x\n":               "",
		"match 1 of 3\n-b\n+x\n": "",
		"-no\n":                  "",
		"-b\n-b\n":               "",
	} {
		p, err := Parse("f", good+"\nfile x.go\n"+body)
		require.NoError(t, err, body)
		files, err := p.Apply(root)
		if want == "" {
			require.ErrorContains(t, err, "mutant a, hunk 1: x.go has ", body)
			continue
		}
		require.NoError(t, err, body)
		require.Equal(t, map[string]string{"x.go": want}, files)
	}
	p, err := Parse("f", good+"\nfile y.go\n-a\n")
	require.NoError(t, err)
	_, err = p.Apply(root)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// tree makes a source tree with those patches, by file name.
func tree(t *testing.T, patches map[string]string) string {
	root := t.TempDir()
	dir := filepath.Join(root, filepath.FromSlash(Dir))
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module "+module+"\n"), 0o644))
	for name, text := range patches { // unordered: files of their own
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return root
}

func TestAll(t *testing.T) {
	text := good + "\nfile x.go\n-a\n"
	root := tree(t, map[string]string{"b.txt": strings.Replace(text, "id a", "id b", 1), "a.txt": text, "x.go": "package x"})
	all, err := All(root)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, "a", all[0].ID)
	require.Equal(t, "b", all[1].ID)

	_, err = All(tree(t, map[string]string{"c.txt": text}))
	require.EqualError(t, err, "scenarios/mutants/c.txt:1: the id is a; a file is named after its id")
	_, err = All(tree(t, map[string]string{"a.txt": "id a\nbogus\n"}))
	require.ErrorContains(t, err, "scenarios/mutants/a.txt:2: ")
}

// TestRoot: the tree around the current directory comes before the one that this
// test was built from.
func TestRoot(t *testing.T) {
	built, err := Root()
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(built, "scenarios", "mutants", "patch_test.go"))
	other := tree(t, nil)
	t.Chdir(filepath.Join(other, "scenarios"))
	got, err := Root()
	require.NoError(t, err)
	want, err := filepath.EvalSymlinks(other)
	require.NoError(t, err)
	got, err = filepath.EvalSymlinks(got)
	require.NoError(t, err)
	require.Equal(t, want, got)
	t.Chdir(t.TempDir())
	got, err = Root()
	require.NoError(t, err)
	require.Equal(t, built, got)
}
