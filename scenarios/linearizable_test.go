package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
	"github.com/weirstream/weir/sim/disk"
)

// TestObserversSeeARun: they look often enough, and a sample of runs is searched.
func TestObserversSeeARun(t *testing.T) {
	searches := 0
	for seed := range uint64(60) {
		r := simulate(t, RunOptions{Seed: seed, Mode: string(Unaligned), Lines: 20})
		require.Equal(t, Pass, r.Verdict, "%s", r.Text())
		l := r.Linearizability
		require.GreaterOrEqual(t, l.Observations, r.Checks.Completed)
		require.Greater(t, l.Operations, 3*r.Checks.Completed)
		require.Zero(t, l.Exhausted)
		require.Empty(t, r.History)
		if l.Searched {
			searches++
		}
	}
	require.Positive(t, searches)
	require.Less(t, searches, 10)
}

// TestHistoryPage: a page with what observers saw, on demand and for a failure.
func TestHistoryPage(t *testing.T) {
	page := filepath.Join(t.TempDir(), "history.html")
	r := simulate(t, RunOptions{Seed: 9, Mode: string(Unaligned), Lines: 150, History: page})
	require.Equal(t, Pass, r.Verdict, "%s", r.Text())
	require.Contains(t, r.Text(), "history      "+page)
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	for _, part := range []string{"observer, partition 1", "read store: checkpoint 1, epoch 1", "commit part-sink-0-1-1.1", "process-crash tm1", "attempt 1.2 restores checkpoint"} {
		require.Contains(t, string(text), part)
	}

	dir := t.TempDir()
	r, err = Run(RunOptions{Scenario: "canary", Mode: string(Aligned), Seed: 1, Failures: dir})
	require.NoError(t, err)
	require.Equal(t, Fail, r.Verdict)
	require.Equal(t, filepath.Join(dir, "canary-aligned-1.html"), r.History)
	require.True(t, r.Linearizability.Searched, "a failing run is searched, whatever failed")
	require.FileExists(t, r.History)
}

// tampering breaks what observers see after the n-th event of a kind.
type tampering struct {
	on     host.EventKind
	n      int
	tamper func(c *cluster.Cluster, token string)
	seen   *cluster.Cluster
	token  string
}

// ID implements sim.Oracle.
func (x *tampering) ID() string { return "tampering" }

// OnEvent implements sim.Oracle.
func (x *tampering) OnEvent(_ *sim.World, e *host.Event) *sim.Violation {
	if e.Kind == host.SinkCommitted {
		x.token = e.Text
	}
	if e.Kind == x.on {
		if x.n--; x.n == 0 {
			x.tamper(x.seen, x.token)
		}
	}
	return nil
}

// OnEnd implements sim.Oracle.
func (x *tampering) OnEnd(*sim.World) *sim.Violation { return nil }

// TestTampering: whoever changes the disk under a run is noticed.
func TestTampering(t *testing.T) {
	node := func(c *cluster.Cluster) (d interface {
		Rename(from, to string) error
		Remove(name string) error
		SyncDir(name string) error
	}) {
		return c.Disk.Node("intruder")
	}
	for _, test := range []struct {
		name   string
		on     host.EventKind
		tamper func(c *cluster.Cluster, token string)
		says   string
	}{
		{"a file goes", host.CheckpointTriggered, func(c *cluster.Cluster, token string) {
			require.NoError(t, node(c).Remove(OutputDir+"/"+token))
			require.NoError(t, node(c).SyncDir(OutputDir))
		}, "it took back what was committed"},
		{"a file comes", host.CheckpointTriggered, func(c *cluster.Cluster, token string) {
			require.NoError(t, c.Disk.Import(OutputDir+"/part-sink-0-0000000000000000099-1.1", []byte("x\n")))
		}, "which nobody had pre-committed"},
		{"a file changes", host.SnapshotStored, func(c *cluster.Cluster, token string) {
			require.NoError(t, c.Disk.Import(OutputDir+"/"+token, []byte("other\n")))
		}, "with 6 bytes of hash"},
		{"a damaged byte", host.CheckpointCompleted, func(c *cluster.Cluster, token string) {
			require.NoError(t, c.Disk.Corrupt(OutputDir+"/"+token, 0))
		}, "it was pre-committed with"},
		{"a checkpoint goes", host.CheckpointTriggered, func(c *cluster.Cluster, _ string) {
			for id := 1; id < 100; id++ {
				if dir := fmt.Sprintf("checkpoints/chk-%d", id); node(c).Remove(dir+"/_metadata") == nil {
					require.NoError(t, node(c).SyncDir(dir))
				}
			}
		}, "as the latest"},
		{"the epoch goes", host.SnapshotStored, func(c *cluster.Cluster, _ string) {
			require.NoError(t, node(c).Remove("ha/epoch-1"))
			require.NoError(t, node(c).SyncDir("ha"))
		}, "and epoch 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := prepare(RunOptions{Scenario: "wordcount", Mode: string(Unaligned), Seed: 3, Lines: 2000})
			require.NoError(t, err)
			r.world.plan = nil
			j := newJudges(r)
			x := &tampering{on: test.on, n: 6, tamper: test.tamper}
			oracles := append([]sim.Oracle[host.Event]{x}, j.oracles()...)
			c, err := cluster.NewCluster(3, cluster.JobOptions{Config: r.config, Job: r.scenario.Job(nil), Workers: r.world.workers,
				Files: r.files, Limit: r.limit(), Hardware: r.world.hardware, Oracles: oracles})
			require.NoError(t, err)
			j.cluster, x.seen = c, c
			violations := c.Run()
			require.LessOrEqual(t, x.n, 0, "it was not done")
			require.NotEmpty(t, violations)
			require.Equal(t, "linearizable", violations[0].Oracle, "%v", violations)
			require.Contains(t, violations[0].Message, test.says)
			require.True(t, j.seen.Searched)
		})
	}
}

// TestContentOfPreCommit: what is not a file sink's is not taken for it.
func TestContentOfPreCommit(t *testing.T) {
	for _, data := range []any{nil, 1, connect.Committable{}, connect.Committable{Checkpoint: 1, Token: "x", Data: []byte{1, 2, 3}}} {
		_, ok := contentOf(data)
		require.False(t, ok, "%v", data)
	}
}

// TestBefore: a run that starts from a job directory begins with what is in it.
func TestBefore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "half")
	half := simulate(t, RunOptions{Seed: 3, Lines: 2000, StopAfter: 4, Dir: dir})
	require.True(t, half.Stopped)
	r, err := prepare(RunOptions{Scenario: "wordcount", Mode: string(Aligned), Seed: 4, Lines: 2000, From: dir})
	require.NoError(t, err)
	j := newJudges(r)
	before(r, &j.seen.history)
	require.EqualValues(t, r.origin.Checkpoint, j.seen.history.Checkpoint)
	require.Positive(t, j.seen.history.Epoch)
	require.NotEmpty(t, j.seen.history.Committed)
	for _, c := range j.seen.history.Committed {
		require.True(t, strings.HasPrefix(c.Token, "part-sink-"))
		require.NotEqual(t, stream.Attempt{}, c.Attempt)
	}
	whole := simulate(t, RunOptions{Seed: 4, Lines: 2000, From: dir})
	require.Equal(t, Pass, whole.Verdict, "%s", whole.Text())
}

// TestIdsComeAgain: in this world a checkpoint was being sealed when its JobManager
// crashed, and two later ones have its id and the one before it.
func TestIdsComeAgain(t *testing.T) {
	r := simulate(t, RunOptions{Seed: 5001303, Strategy: Swarm, Lines: 2000})
	require.Equal(t, Pass, r.Verdict, "%s", r.Text())

	o := newOnlooker(disk.New(nil), checkpointDir, "ha", 1)
	for _, id := range []uint64{1, 2, 4, 3, 4} {
		o.sealing(id)
	}
	var ids []uint64
	for _, c := range o.candidates {
		ids = append(ids, c.id)
	}
	require.Equal(t, []uint64{1, 2, 3, 4}, ids)
}
