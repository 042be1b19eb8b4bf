package mutants

import (
	"context"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ours is the patches of this module and its root.
func ours(t *testing.T) (string, []*Patch) {
	t.Helper()
	root, err := Root()
	require.NoError(t, err)
	all, err := All(root)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all), 18)
	return root, all
}

// TestPatches: every patch is as String writes it, and is of the engine.
func TestPatches(t *testing.T) {
	root, all := ours(t)
	for _, p := range all {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(Dir), p.ID+".txt"))
		require.NoError(t, err)
		require.Equal(t, p.String(), string(text))
		for _, h := range p.Hunks {
			require.True(t, strings.HasPrefix(h.File, "engine/"), "%s changes %s", p.ID, h.File)
		}
	}
}

// TestPatchesApply is P2 and P3: comments and layout make no difference.
func TestPatchesApply(t *testing.T) {
	root, all := ours(t)
	seen := map[string]string{}
	for _, p := range all {
		files, err := p.Apply(root)
		require.NoError(t, err)
		var names []string
		for name := range files { // unordered: sorted below
			names = append(names, name)
		}
		slices.Sort(names)
		var whole strings.Builder
		for _, name := range names {
			plain, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
			require.NoError(t, err)
			code := canonical(t, p.ID, files[name])
			require.NotEqual(t, canonical(t, name, string(plain)), code, "%s does not change the code of %s", p.ID, name)
			whole.WriteString(name + "\n" + code)
		}
		require.Empty(t, seen[whole.String()], "%s makes the same source", p.ID)
		seen[whole.String()] = p.ID
	}
}

// canonical is a file's code without its comments.
func canonical(t *testing.T, what, text string) string {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, what, text, parser.SkipObjectResolution)
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, printer.Fprint(&b, fset, f))
	return b.String()
}

// TestPatchesAreClean: what a patch makes compiles and is vet-clean, so that a kill
// is the behaviour's.
func TestPatchesAreClean(t *testing.T) {
	if testing.Short() {
		t.Skip("builds every patched package")
	}
	root, all := ours(t)
	tool, err := Go()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	next := make(chan *Patch)
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for p := range next {
				if err := vet(ctx, tool, root, t.TempDir(), p); err != "" {
					t.Errorf("%s: %s", p.ID, err)
				}
			}
		})
	}
	for _, p := range all {
		next <- p
	}
	close(next)
	wait.Wait()
}

// vet is what go vet says of the packages that a patch changes.
func vet(ctx context.Context, tool, root, dir string, p *Patch) string {
	overlay, err := p.Overlay(root, dir)
	if err != nil {
		return err.Error()
	}
	args := []string{"vet", "-overlay", overlay}
	for _, h := range p.Hunks {
		args = append(args, "./"+filepath.Dir(h.File))
	}
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return err.Error() + ": " + string(out)
	}
	return ""
}

// TestBuild: a build knows which mutant it is, and so does what it prints.
func TestBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("builds simrun")
	}
	root, all := ours(t)
	exe, err := Build(t.Context(), root, t.TempDir(), "simrun", all[0])
	require.NoError(t, err)
	data, err := os.ReadFile(exe)
	require.NoError(t, err)
	require.Contains(t, string(data), all[0].Name())

	broken := *all[0]
	broken.Hunks = []Hunk{{File: "engine/job.go", Match: 1, Of: 1, Lines: []Line{{'-', "package engine"}, {'+', "package 1"}}}}
	_, err = Build(t.Context(), root, t.TempDir(), "simrun", &broken)
	require.ErrorContains(t, err, "build simrun: exit status 1")
}
