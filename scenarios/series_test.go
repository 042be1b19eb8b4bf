package scenarios

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSeries: leaving the oracles out, or recording, changes nothing of a run, and as
// many crashes happen as are asked for.
func TestSeries(t *testing.T) {
	series := wordcount().Series()
	run := func(o RunOptions, v Variant) *Report {
		o.Mode, o.Seed, o.Lines = string(Unaligned), 5, 200
		rep, err := series.Run(o, v)
		require.NoError(t, err)
		require.Equal(t, Pass, rep.Verdict)
		return rep
	}
	judged := run(RunOptions{}, Variant{Crashes: 3})
	require.Equal(t, 3, judged.Faults["process-crash"]+judged.Faults["machine-crash"])
	require.Len(t, judged.Plan, 3)
	require.Positive(t, judged.RecordsIn)
	path := filepath.Join(t.TempDir(), "trace")
	require.Equal(t, judged.TraceHash, run(RunOptions{Trace: path}, Variant{Crashes: 3}).TraceHash)
	require.FileExists(t, path)

	bare := run(RunOptions{}, Variant{Crashes: 3, Unjudged: true})
	require.Equal(t, judged.TraceHash, bare.TraceHash)
	require.Equal(t, judged.Events, bare.Events)
	require.Zero(t, bare.RecordsIn, "no oracle has looked")

	slow := run(RunOptions{}, Variant{Crashes: 3, RecordCost: 10_000_000})
	require.Greater(t, slow.VirtualMS, judged.VirtualMS)
	require.Greater(t, slow.Checks.Completed, judged.Checks.Completed)
}
