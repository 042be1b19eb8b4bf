package scenarios

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/scenarios/mutants"
)

// edits are changes of the engine that change no promise, written as mutants are.
func edits(t *testing.T) []*mutants.Patch {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", "edits", "*.txt"))
	require.NoError(t, err)
	require.Len(t, names, 3)
	var all []*mutants.Patch
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		p, err := mutants.Parse(name, string(text))
		require.NoError(t, err)
		all = append(all, p)
	}
	return all
}

// survivals are the found cases, each in its mutant with one of the edits, or none. The
// one without needs records to be where the order of messages puts them.
var survivals = map[string]string{
	"abort-told-as-complete":   "new-timer",
	"no-commit-on-recovery":    "reordered-loop",
	"checkpoint-id-used-twice": "split-event",
	"capture-misses-channels":  "",
	"late-heartbeat":           "split-event",
}

// TestKeptFailuresSurviveEdits: each found case fails in its mutant by the oracle that it
// names, and so it does after a timer is added to the engine, a loop is turned round, or
// one event becomes two. A case is what it says; of a trace's events some are not there
// any more.
func TestKeptFailuresSurviveEdits(t *testing.T) {
	if testing.Short() {
		t.Skip("builds simrun for every found case")
	}
	root, err := mutants.Root()
	require.NoError(t, err)
	all := edits(t)
	paths := found(t)
	require.Len(t, paths, len(survivals), "each case has its edit, or none")
	for _, path := range paths {
		c, err := ReadCase(path)
		require.NoError(t, err)
		edit, ok := survivals[strings.TrimSuffix(filepath.Base(path), ".txt")]
		require.True(t, ok && len(c.Fails) == 1, path)
		f := c.Fails[0]
		list, err := patches(root, []string{f.Mutant})
		require.NoError(t, err)
		p := *list.Mutants[0].patch
		for _, e := range all {
			if e.ID == edit {
				p.Hunks = append(p.Hunks[:len(p.Hunks):len(p.Hunks)], e.Hunks...)
			}
		}
		t.Run(f.Mutant+" "+edit, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			exe, err := mutants.Build(context.Background(), root, dir, "simrun", &p)
			require.NoError(t, err)
			text, err := exec.Command(exe, "run", "--case", path, "--out", dir).CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, "%s", text)
			require.Equal(t, 1, exit.ExitCode(), "%s", text)
			require.True(t, strings.HasPrefix(string(text), "FAIL"), "%s", text)
			require.Contains(t, string(text), f.Oracle+" objects, as it says", "%s", text)
		})
	}
}
