package scenarios

import (
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
	strategy Strategy
	workers  int
	hardware cluster.Options
	plan     faults.Plan
}

// start is the wall clock at the beginning of every run.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// draw draws a run's world for an input of some bytes and sets the drawn knobs in the
// configuration. The strategy is not Portfolio, the seed that of its base.
func draw(strategy Strategy, seed uint64, s *Scenario, c *engine.Config, bytes int) world {
	d := &drawer{tape: sim.New(seed, sim.Options{}), scenario: s}
	chance := func(where string, n int) int { return d.tape.Point("fault", where).Intn(n) }
	var w world
	if strategy == Uniform {
		w = d.uniform(c)
	} else {
		w = d.swarm(c)
	}
	if w.strategy = strategy; strategy == POS {
		w.widen()
	}
	d.retain(c)
	d.alignedTimeout(c)
	nodes := w.nodes()
	shape := faults.Shape{JobManager: nodes[0], Workers: nodes[1:], Operators: s.Slow, Crashes: 4}
	if strategy == Uniform {
		w.plan = s.slowed(chance, shape, faults.Draw(chance, shape))
		return w
	}
	w.plan = faults.WithTroubles(chance, shape, s.slowed(chance, shape, faults.DrawSwarm(chance, shape)))
	if strategy == CrashEverywhere {
		w.plan = calm(s, w.plan)
	}
	d.pace(c, &w, bytes)
	return w
}

// retain keeps several checkpoints where some are damaged.
func (d *drawer) retain(c *engine.Config) {
	if d.scenario.Damaged {
		c.Retained = d.of("retained beside damage", 2, 3, 4)
	}
}

// alignedTimeout draws a timeout of which some alignments take longer, in the mode that has
// one.
func (d *drawer) alignedTimeout(c *engine.Config) {
	if c.AlignedTimeout > 0 {
		c.AlignedTimeout = time.Duration(d.of("aligned timeout", 1, 2, 5, 10, 20, 50)) * time.Millisecond
	}
}

// slowed is a plan with damage, a disk that fails, and something slow, in it if the
// scenario needs that.
func (s *Scenario) slowed(c faults.Chance, shape faults.Shape, p faults.Plan) faults.Plan {
	if s.Damaged {
		p = faults.WithDamage(c, shape, p)
	}
	if s.BadDisk {
		p = faults.WithBadDisk(c, shape, p)
	}
	if !s.AlwaysSlow {
		return p
	}
	return faults.WithSlow(c, shape, p)
}

// uniform draws knobs and hardware evenly.
func (d *drawer) uniform(c *engine.Config) world {
	c.Quantum = d.of("quantum", 1, 4, 16, 64, 256, 1024)
	c.BatchRecords = d.of("batch", 1, 4, 16, 64, 256)
	c.ChannelBuffers = d.of("channel buffers", 1, 2, 4, 8)
	c.OutputBuffers = d.of("output buffers", 1, 2, 4, 8)
	c.CheckpointInterval = time.Duration(d.of("interval", 10, 20, 50, 100)) * time.Millisecond
	c.BufferTimeout = time.Duration(d.of("buffer timeout", 1, 5, 20)) * time.Millisecond
	w := world{workers: 1 + d.pick("workers", 3)}
	io := time.Duration(d.of("io", 50, 200, 1000)) * time.Microsecond
	latency := time.Duration(d.of("latency", 50, 200, 1000)) * time.Microsecond
	w.hardware = cluster.Options{
		WallStart:  start.UnixNano(),
		RecordCost: time.Duration(d.of("record cost", 500, 2000, 5000)) * time.Nanosecond,
		IO:         cluster.Range{Min: io / 5, Max: io},
		Link: cluster.LinkOptions{
			Latency:   cluster.Range{Min: latency / 4, Max: latency},
			Bandwidth: int64(d.of("bandwidth", 1, 10, 100)) << 20,
		},
		DrawnCost: cluster.Percent(d.of("uneven", 100, 300)),
	}
	return w
}
