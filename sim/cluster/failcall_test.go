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
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
	"github.com/weirstream/weir/sim/disk"
)

// short is a run of a few checkpoints on two workers.
type short struct {
	job  func(*engine.Job)
	data []byte
	plan faults.Plan
	set  func(*engine.Config)
}

// with runs it once, with failures of the disk.
func (s *short) with(t *testing.T, fail func(d *disk.Disk)) (*judged, []sim.Violation) {
	t.Helper()
	config := quick()
	config.Parallelism = 2
	if s.set != nil {
		s.set(config)
	}
	hw := hardware()
	hw.RecordCost = time.Millisecond
	js := &judges{}
	c, err := cluster.NewCluster(1, cluster.JobOptions{
		Config: config, Job: s.job, Workers: 2, Plan: s.plan, Hardware: hw, Limit: time.Minute,
		Oracles: []sim.Oracle[host.Event]{js},
		Files:   []cluster.File{{Name: inputFile, Data: s.data}},
	})
	require.NoError(t, err)
	js.graph, js.config = c.Graph, config
	fail(c.Disk)
	violations := c.Run()
	return &judged{c, c.World.Sum(), js}, violations
}

// calls counts the calls of a run without failures.
func (s *short) calls(t *testing.T, op disk.Op) int {
	t.Helper()
	id := 0
	c, violations := s.with(t, func(d *disk.Disk) {
		id = d.Fail(disk.Failure{Op: op, Err: disk.ErrIO, After: 1 << 30})
	})
	require.Empty(t, violations)
	requireExact(t, c, s.data)
	n, failed := c.Disk.Counts(id)
	require.Zero(t, failed)
	return n
}

var everyOp = []disk.Op{
	disk.OpOpen, disk.OpCreate, disk.OpRename, disk.OpRemove, disk.OpMkdir, disk.OpList, disk.OpStat,
	disk.OpSyncDir, disk.OpRead, disk.OpWrite, disk.OpSize, disk.OpSync, disk.OpClose,
}

func TestEveryCallFailsOnce(t *testing.T) {
	s := &short{job: totals, data: numbers(20)}
	for _, op := range everyOp {
		n := s.calls(t, op)
		fmt.Println(op, n)
		for _, f := range []disk.Failure{
			{Err: disk.ErrIO}, {Err: disk.ErrIO, Applied: true}, {Err: fs.ErrNoSpace}, {Err: io.ErrUnexpectedEOF, Percent: 50},
		} {
			if f.Percent > 0 && op != disk.OpRead && op != disk.OpWrite {
				continue
			}
			for k := range n {
				t.Run(fmt.Sprintf("%s/%v/%v/%d", op, f.Err, f.Applied, k), func(t *testing.T) {
					f.Op, f.After, f.Times = op, k, 1
					id := 0
					c, violations := s.with(t, func(d *disk.Disk) { id = d.Fail(f) })
					require.Empty(t, violations)
					_, failed := c.Disk.Counts(id)
					require.Equal(t, 1, failed)
					requireExact(t, c, s.data)
				})
			}
		}
	}
}
