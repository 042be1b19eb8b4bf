package scenarios

import (
	"fmt"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

// world is what a seed draws before a run begins: the cluster, its hardware, the
// job's knobs and the faults. Every draw has a name of its own, so that a new one
// does not shift the others.
type world struct {
	workers  int
	hardware cluster.Options
	plan     faults.Plan
}

// start is the wall clock at the beginning of every run.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// draw draws a run's world and sets the drawn knobs in the configuration.
func draw(seed uint64, s *Scenario, c *engine.Config) world {
	tape := sim.New(seed, sim.Options{})
	pick := func(name string, n int) int { return tape.Point("knob", name).Intn(n) }
	of := func(name string, values ...int) int { return values[pick(name, len(values))] }
	c.Quantum = of("quantum", 1, 4, 16, 64, 256, 1024)
	c.BatchRecords = of("batch", 1, 4, 16, 64, 256)
	c.ChannelBuffers = of("channel buffers", 1, 2, 4, 8)
	c.OutputBuffers = of("output buffers", 1, 2, 4, 8)
	c.CheckpointInterval = time.Duration(of("interval", 10, 20, 50, 100)) * time.Millisecond
	c.BufferTimeout = time.Duration(of("buffer timeout", 1, 5, 20)) * time.Millisecond
	w := world{workers: 1 + pick("workers", 3)}
	io := time.Duration(of("io", 50, 200, 1000)) * time.Microsecond
	latency := time.Duration(of("latency", 50, 200, 1000)) * time.Microsecond
	w.hardware = cluster.Options{
		WallStart:  start.UnixNano(),
		RecordCost: time.Duration(of("record cost", 500, 2000, 5000)) * time.Nanosecond,
		IO:         cluster.Range{Min: io / 5, Max: io},
		Link: cluster.LinkOptions{
			Latency:   cluster.Range{Min: latency / 4, Max: latency},
			Bandwidth: int64(of("bandwidth", 1, 10, 100)) << 20,
		},
		DrawnCost: cluster.Percent(of("uneven", 100, 300)),
	}
	shape := faults.Shape{JobManager: engine.JobManagerAddress().Node, Operators: s.Slow, Crashes: 4}
	for i := range w.workers {
		shape.Workers = append(shape.Workers, cluster.Worker(i))
	}
	w.plan = faults.Draw(func(where string, n int) int { return tape.Point("fault", where).Intn(n) }, shape)
	return w
}

// describe says in words what was drawn.
func (w world) describe(c *engine.Config) string {
	return fmt.Sprintf("%d workers, quantum %d, batches of %d, %d+%d buffers, checkpoint every %s",
		w.workers, c.Quantum, c.BatchRecords, c.OutputBuffers, c.ChannelBuffers, c.CheckpointInterval)
}
