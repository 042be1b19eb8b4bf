package scenarios

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/model"
	"github.com/weirstream/weir/sim/cluster"
)

// TestBadDisk: every failure of the disk happens in runs of bad-disk, in each mode and by
// either strategy, and the promise holds.
func TestBadDisk(t *testing.T) {
	input := write(t, prose(200))
	for _, strategy := range []Strategy{Uniform, Swarm} {
		fired := map[string]int{}
		for seed := range uint64(45) {
			mode := badDisk().Modes[seed%3]
			rep, err := Run(RunOptions{Scenario: "bad-disk", Mode: string(mode), Seed: seed, Strategy: strategy, Input: input, Failures: t.TempDir()})
			require.NoError(t, err)
			require.Equal(t, Pass, rep.Verdict, "%s", rep.Text())
			for kind, n := range rep.Faults { // unordered: added up
				fired[kind] += n
			}
		}
		for _, kind := range ofDisk {
			require.Positive(t, fired[kind], "%s, %s", kind, strategy)
		}
	}
}

// TestWhatBadDisksExcuse: a short read nothing, an error what follows, a flipped bit also
// that its file is said to be damaged.
func TestWhatBadDisksExcuse(t *testing.T) {
	const name = "checkpoints/chk-3/task-0-0-1.1"
	damaged := []model.Trouble{{Event: 9, What: "job failed: " + name + ": corrupt", Damage: true}}
	failed := []model.Trouble{{Event: 9, What: "task failed: write " + name + ": input/output error", Cause: "I/O"}}
	for kind, want := range map[faults.Kind][2]bool{ // unordered: each by itself
		faults.ShortRead: {false, false}, faults.IOError: {true, false}, faults.SyncError: {true, false},
		faults.NoSpace: {true, false}, faults.SlowDisk: {true, false}, faults.ReadFlip: {true, true},
	} {
		hit := modelFaults(nil, []cluster.Injection{{Event: 5, Fault: faults.Fault{Kind: kind, Target: faults.All}, File: name}})
		require.Equal(t, want[0], len(model.CheckProvoked(failed, hit)) == 0, "%s", kind)
		require.Equal(t, want[1], len(model.CheckProvoked(damaged, hit)) == 0, "%s", kind)
	}
	flip := cluster.Injection{Event: 5, Fault: faults.Fault{Kind: faults.ReadFlip}, File: "checkpoints/chk-3/task-0-1-1.1"}
	require.NotEmpty(t, model.CheckProvoked(damaged, modelFaults(nil, []cluster.Injection{flip})), "another file")
	require.True(t, saysDamaged(&host.Event{Kind: host.TaskFailed, Cause: host.CauseCorrupt, Text: name + ": corrupt: cut short"}))
	require.False(t, saysDamaged(&host.Event{Kind: host.TaskFailed, Cause: host.CauseCorrupt, Text: "append out/.tmp-sink-0: file does not exist"}))
}

// TestUnremoved: what is left over is excused by a call that failed on it since a
// checkpoint was discarded last, and by nothing else.
func TestUnremoved(t *testing.T) {
	c := clusterOf(t)
	c.Unremoved = map[string]uint64{"checkpoints/chk-1": 5, "checkpoints/chk-2": 9}
	j := &judges{cluster: c}
	wrong := []string{"checkpoints/chk-1 is left over: no metadata", "checkpoints/chk-2 is left over: no metadata", "checkpoints/chk-2/task-0 is dangling: x"}
	require.Equal(t, []string{wrong[0], wrong[2]}, j.unremoved("checkpoints", 7).without(append([]string(nil), wrong...)))
	require.Equal(t, wrong, j.unremoved("checkpoints", 10).without(append([]string(nil), wrong...)))
}

// clusterOf is a cluster that has not run.
func clusterOf(t *testing.T) *cluster.Cluster {
	t.Helper()
	r, err := prepare(RunOptions{Scenario: "bad-disk", Mode: string(Aligned), Seed: 1, Input: write(t, prose(3))})
	require.NoError(t, err)
	c, err := cluster.NewCluster(1, cluster.JobOptions{Config: r.config, Job: r.scenario.Job(nil), Workers: 1, Files: r.files})
	require.NoError(t, err)
	return c
}

// TestUnchecked: no bit of the input may be read wrong.
func TestUnchecked(t *testing.T) {
	for file, refused := range map[string]bool{"": true, "*": true, "input/*": true, "*/chk-*": false} { // unordered: each by itself
		require.Equal(t, refused, unchecked(faults.Fault{Kind: faults.ReadFlip, File: file}) != "", file)
		require.Empty(t, unchecked(faults.Fault{Kind: faults.ShortRead, File: file}))
	}
}
