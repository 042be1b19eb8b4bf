package scenarios

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/sim/trace"
)

// TestGoOn: a run that goes on after a broken promise is the same run up to there,
// and its trace replays as it was recorded.
func TestGoOn(t *testing.T) {
	out := t.TempDir()
	o := RunOptions{Scenario: "canary", Mode: string(Aligned), Seed: 2, Lines: 200, GoOn: true, Failures: out}
	rep, err := Run(o)
	require.NoError(t, err)
	require.Equal(t, Fail, rep.Verdict)
	require.Equal(t, "output", rep.Violations[0].Oracle)
	require.Contains(t, rep.Again[0], " --go-on")
	require.Equal(t, "agreed, hash "+rep.TraceHash, rep.Replay)

	tr, err := trace.Open(rep.Saved)
	require.NoError(t, err)
	require.Equal(t, "yes", tr.Header.Extra[extraGoOn])
	r, err := prepareReplay(rep.Saved, tr)
	require.NoError(t, err)
	require.True(t, r.o.GoOn)
	again, err := Replay(rep.Saved)
	require.NoError(t, err)
	require.True(t, again.Agreed)
	require.Equal(t, Fail, again.Verdict)

	tr.Header.Extra[extraGoOn] = "perhaps"
	_, err = prepareReplay("t", tr)
	usageError(t, err, `trace t: its header has go-on "perhaps", which is neither "yes" nor left out`)

	o.GoOn, o.Failures = false, ""
	o.Trace = filepath.Join(out, "plain")
	_, err = Run(o)
	require.NoError(t, err)
	tr, err = trace.Open(o.Trace)
	require.NoError(t, err)
	require.NotContains(t, tr.Header.Extra, extraGoOn)
	require.NoError(t, os.Remove(o.Trace))
}
