package cluster_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/model"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
	"github.com/weirstream/weir/sim/disk"
)

// short is a run of a few checkpoints on two workers, under failures of the disk.
type short struct {
	job  func(*engine.Job)
	plan faults.Plan
	set  func(*engine.Config)
	// also is one more oracle; nil for none.
	also func(c *cluster.Cluster) sim.Oracle[host.Event]
	// created is called before the run; nil for nothing.
	created func(c *cluster.Cluster)
}

var shortInput = numbers(20)

func (s *short) run(t *testing.T, seed uint64, fail func(d *disk.Disk)) (*judged, []sim.Violation) {
	t.Helper()
	config := quick()
	config.Parallelism, config.CheckpointTimeout = 2, 200*time.Millisecond
	if s.set != nil {
		s.set(config)
	}
	hw := hardware()
	hw.RecordCost = time.Millisecond
	js, late := &judges{}, &lateOracle{}
	c, err := cluster.NewCluster(seed, cluster.JobOptions{
		Config: config, Job: s.job, Workers: 2, Plan: s.plan, Hardware: hw, Limit: 10 * time.Second,
		Oracles: []sim.Oracle[host.Event]{js, late},
		Files:   []cluster.File{{Name: inputFile, Data: shortInput}},
	})
	require.NoError(t, err)
	js.graph, js.config = c.Graph, config
	if s.also != nil {
		late.Oracle = s.also(c)
	}
	if s.created != nil {
		s.created(c)
	}
	fail(c.Disk)
	violations := c.Run()
	return &judged{c, c.World.Sum(), js}, violations
}

// lateOracle is an oracle that is known only once the cluster is there.
type lateOracle struct{ sim.Oracle[host.Event] }

func (*lateOracle) ID() string { return "late" }

func (l *lateOracle) OnEvent(w *sim.World, e *host.Event) *sim.Violation {
	if l.Oracle == nil {
		return nil
	}
	return l.Oracle.OnEvent(w, e)
}

func (*lateOracle) OnEnd(*sim.World) *sim.Violation { return nil }

// calls counts the calls of a run in which none fails.
func (s *short) calls(t *testing.T, op disk.Op) int {
	t.Helper()
	c, violations := s.run(t, 1, func(d *disk.Disk) { d.Fail(disk.Failure{Op: op, Err: disk.ErrIO, After: 1 << 30}) })
	require.Empty(t, violations)
	requireExact(t, c, shortInput)
	n, failed := c.Disk.Counts(1)
	require.Zero(t, failed)
	return n
}

// wrong says what is wrong with a run in which calls fail: it must end, and its
// sinks have durably committed what the model says.
func wrong(t *testing.T, c *judged, violations []sim.Violation) string {
	t.Helper()
	if len(violations) > 0 {
		return violations[0].Message
	}
	if !c.Finished {
		return "the job ended with " + c.Outcome
	}
	for _, s := range expected(t, c.Cluster, shortInput).Sinks {
		if m := model.CheckMultiset(s.Lines, committed(t, c.Disk.Durable(), s.UID)).Messages(nil); len(m) > 0 {
			return fmt.Sprint(m)
		}
	}
	return ""
}

func crash(kind faults.Kind, target, on string, changes int) faults.Plan {
	return faults.Plan{{
		Name: "f1", Kind: kind, Target: target, For: 30 * time.Millisecond,
		When: faults.Trigger{On: on, Nth: 1, Changes: changes},
	}}
}

var everyOp = []disk.Op{
	disk.OpOpen, disk.OpCreate, disk.OpRename, disk.OpRemove, disk.OpMkdir, disk.OpList, disk.OpStat,
	disk.OpSyncDir, disk.OpRead, disk.OpWrite, disk.OpSize, disk.OpSync, disk.OpClose,
}

// Each call of a run fails once, in a run of its own, with and without having taken
// effect: the job finishes all the same, exactly once. Some runs recover, and in
// some a machine goes down right after the first checkpoint.
func TestEveryCallFailsOnce(t *testing.T) {
	runs := 0
	for i, s := range []*short{
		{job: totals},
		{job: twice, plan: crash(faults.ProcessCrash, "jm", "completed", 0), set: func(c *engine.Config) { c.Unaligned = true }},
		{job: totals, plan: crash(faults.MachineCrash, "tm1", "completed", 0)},
		{job: totals, plan: crash(faults.MachineCrash, "jm", "completed", 0)},
	} {
		for _, op := range everyOp {
			n := s.calls(t, op)
			for _, f := range []disk.Failure{
				{Err: disk.ErrIO, Times: 1}, {Err: disk.ErrIO, Applied: true, Times: 1}, {Err: fs.ErrNoSpace, Times: 2},
				{Err: io.ErrUnexpectedEOF, Percent: 50, Times: 1}, {Err: io.EOF, Percent: 50, Times: 1},
			} {
				if i > 0 && f.Err == fs.ErrNoSpace || i == 3 && f.Applied || f.Percent > 0 && op != disk.OpRead && op != disk.OpWrite {
					continue
				}
				for k := range n {
					f.Op, f.After = op, k
					c, violations := s.run(t, 1, func(d *disk.Disk) { d.Fail(f) })
					_, failed := c.Disk.Counts(1)
					require.Positive(t, failed, "run %d: %+v", i, f)
					require.Empty(t, wrong(t, c, violations), "run %d: %+v", i, f)
					runs++
				}
			}
		}
	}
	require.Greater(t, runs, 1500)
}

// A bit that is read wrong once costs no checkpoint and no job; only the input, of
// which nobody has a checksum, is believed.
func TestEveryReadFlipsOnce(t *testing.T) {
	s := &short{job: totals, plan: crash(faults.ProcessCrash, "jm", "completed", 5)}
	flipped := 0
	for _, dir := range []string{"checkpoints/**", "out/**"} {
		for k := range 30 {
			c, violations := s.run(t, 1, func(d *disk.Disk) {
				d.Fail(disk.Failure{Op: disk.OpRead, Path: dir, Flip: true, After: k, Times: 1})
			})
			require.Empty(t, wrong(t, c, violations), "read %d below %s", k, dir)
			if _, failed := c.Disk.Counts(1); failed == 0 {
				break
			}
			flipped++
		}
	}
	require.Greater(t, flipped, 5)
}

// Where a call fails for ever the job ends when the restart strategy says so, and
// says which file, or waits and says which.
func TestCallsThatAlwaysFail(t *testing.T) {
	few := func(c *engine.Config) { c.RestartAttempts = 3 }
	for _, tc := range []struct {
		f     disk.Failure
		plan  faults.Plan
		ends  string
		waits string
	}{
		{f: disk.Failure{Op: disk.OpList, Path: "ha"}, ends: "become leader: list ha: input/output error (after 3 restarts, as configured)"},
		{f: disk.Failure{Op: disk.OpSync, Path: "ha/epoch-*"}, ends: "become leader: sync ha/epoch-4: input/output error"},
		{
			f:    disk.Failure{Op: disk.OpRead, Path: "checkpoints/**"},
			plan: crash(faults.ProcessCrash, "jm", "completed", 0), ends: "look for the checkpoint to restore: read checkpoints/chk-1/_metadata: at byte 0",
		},
		{f: disk.Failure{Op: disk.OpStat, Path: "input/*"}, ends: `file source input/data: stat input/data: input/output error (after 3`},
		{f: disk.Failure{Op: disk.OpWrite, Path: "out/*"}, ends: "pre-commit: file sink: out/.tmp-sink-"},
		{f: disk.Failure{Op: disk.OpRename, Path: "out/*"}, ends: "commit of checkpoint 1: rename out/.tmp-sink-"},
		{f: disk.Failure{Op: disk.OpMkdir, Path: "checkpoints/**"}, waits: "the storage failed: mkdir checkpoints/chk-"},
		{f: disk.Failure{Op: disk.OpSync, Path: "checkpoints/*/_metadata.tmp"}, waits: "the storage failed: write checkpoints/chk-"},
		{f: disk.Failure{Op: disk.OpCreate, Path: "ha/completed-*"}, waits: "the storage failed: create ha/completed-1"},
	} {
		s := &short{job: totals, set: few, plan: tc.plan}
		tc.f.Err = disk.ErrIO
		c, violations := s.run(t, 1, func(d *disk.Disk) { d.Fail(tc.f) })
		require.False(t, c.Finished, "%+v", tc.f)
		if tc.waits == "" {
			require.Empty(t, violations, "%+v", tc.f)
			require.Contains(t, c.Outcome, tc.ends)
			continue
		}
		require.Empty(t, c.Outcome)
		require.Len(t, violations, 1)
		require.Equal(t, "progress", violations[0].Oracle)
		require.Contains(t, violations[0].Message, tc.waits)
	}
}

// An older note that can't be removed holds nothing up.
func TestNotesThatStay(t *testing.T) {
	s := &short{job: totals}
	c, violations := s.run(t, 1, func(d *disk.Disk) {
		d.Fail(disk.Failure{Op: disk.OpRemove, Path: "ha/*", Err: disk.ErrIO})
	})
	require.Empty(t, wrong(t, c, violations))
	_, failed := c.Disk.Counts(1)
	require.Positive(t, failed)
}

// freed gives the disk room after so many events of trouble.
type freed struct {
	lateOracle
	d    *disk.Disk
	left int
}

func (f *freed) OnEvent(_ *sim.World, e *host.Event) *sim.Violation {
	if e.Kind == host.Restarting || e.Kind == host.CheckpointAborted {
		if f.left--; f.left == 0 {
			f.d.Quota("", -1)
		}
	}
	return nil
}

// However soon the disk is full, once it has room again the job finishes, exactly
// once: a full disk declines checkpoints and restarts jobs, and loses nothing.
func TestFullDisk(t *testing.T) {
	full := 0
	for bytes := int64(100); bytes < 20_000; bytes += 211 {
		s := &short{job: totals, also: func(c *cluster.Cluster) sim.Oracle[host.Event] { return &freed{d: c.Disk, left: 3} }}
		c, violations := s.run(t, 1, func(d *disk.Disk) { d.Quota("", bytes) })
		require.Empty(t, wrong(t, c, violations), "%d bytes", bytes)
		if c.Disk.Full() > 0 {
			full++
		}
	}
	require.Greater(t, full, 10)
}

// The same failures give the same run.
func TestFailuresAreDeterministic(t *testing.T) {
	sum := func() uint64 {
		s := &short{job: totals, plan: crash(faults.MachineCrash, "tm1", "completed", 4)}
		c, _ := s.run(t, 3, func(d *disk.Disk) {
			d.Quota("tm1", 9000)
			d.Fail(disk.Failure{Op: disk.OpRead, Flip: true, Path: "checkpoints/**", Times: 2})
			d.Fail(disk.Failure{Op: disk.OpSync, Node: "tm1", Err: disk.ErrIO, Times: 2})
			d.Fail(disk.Failure{Err: disk.ErrIO, Applied: true, After: 40, Times: 5})
		})
		for id := 1; id <= 3; id++ {
			_, failed := c.Disk.Counts(id)
			require.Positive(t, failed, "failure %d", id)
		}
		return c.hash
	}
	require.Equal(t, sum(), sum())
}
