package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
	"github.com/weirstream/weir/sim/search"
)

// Strategy is how a run's world and faults are drawn from its seed.
type Strategy string

// The strategies.
const (
	// Uniform draws everything evenly from ranges that suit most jobs.
	Uniform Strategy = "uniform"
	// Swarm draws first which families of faults and knobs a run has at all, and
	// then from wider ranges.
	Swarm Strategy = "swarm"
	// POS draws what Swarm does, but for wider ranges of latencies, and lets partial-order
	// sampling decide within them what happens next.
	POS Strategy = "pos"
	// CrashEverywhere draws a world without crashes as Swarm does, and crashes one process
	// of it, once: run after run at another place, until all are done.
	CrashEverywhere Strategy = "crash-everywhere"
	// Portfolio draws one of the others for each run.
	Portfolio Strategy = "portfolio"
)

// shares are the portfolio, in parts of their sum; docs/search.md says why.
var shares = []struct {
	strategy Strategy
	parts    int
}{{Uniform, 2}, {CrashEverywhere, 2}, {POS, 3}, {Swarm, 3}}

// Strategies are those that there are, the portfolio last.
func Strategies() []Strategy {
	return []Strategy{Uniform, Swarm, POS, CrashEverywhere, Portfolio}
}

// ParseStrategy finds a strategy; the error names those there are.
func ParseStrategy(text string) (Strategy, error) {
	all := Strategies()
	if s := Strategy(text); slices.Contains(all, s) {
		return s, nil
	}
	return "", usage("unknown strategy %q; there is: %s", text, names(all))
}

func names(all []Strategy) string {
	var list []string
	for _, s := range all {
		list = append(list, string(s))
	}
	return strings.Join(list, ", ")
}

// of is what a run with that seed does: never Portfolio.
func (s Strategy) of(seed uint64) Strategy {
	if s != Portfolio {
		return s
	}
	sum := 0
	for _, x := range shares {
		sum += x.parts
	}
	at := sim.New(seed, sim.Options{}).Point("knob", "strategy").Intn(sum)
	for _, x := range shares {
		if at -= x.parts; at < 0 {
			return x.strategy
		}
	}
	panic("the shares of the portfolio are its sum")
}

// chooser is what decides in a run's world as it goes on; nil for drawn delays.
func (s Strategy) chooser() sim.Chooser {
	if s == POS {
		return &search.POS{}
	}
	return nil
}

// widen lets things take almost no time, too, so that more of them may be next.
func (w *world) widen() {
	w.hardware.IO.Min = w.hardware.IO.Max / 50
	w.hardware.Link.Latency.Min = w.hardware.Link.Latency.Max / 50
}

// drawer draws a run's world; every draw has a name of its own.
type drawer struct {
	tape     *sim.World
	scenario *Scenario
}

func (d *drawer) pick(name string, n int) int { return d.tape.Point("knob", name).Intn(n) }

func (d *drawer) of(name string, values ...int) int { return values[d.pick(name, len(values))] }

// in says whether a run has a family of knobs: one in n runs.
func (d *drawer) in(family string, n int) bool { return d.pick("in/"+family, n) == 0 }

// either draws from the values of a family that the run has, or else the others.
func (d *drawer) either(family string, n int, has, not []int) int {
	if d.in(family, n) {
		return d.of(family, has...)
	}
	return d.of("no "+family, not...)
}

// swarm draws knobs and hardware by families that a run has or lacks.
func (d *drawer) swarm(c *engine.Config) world {
	c.Quantum = d.either("small steps", 3, []int{1, 2, 4}, []int{16, 64, 256, 1024})
	c.BatchRecords = d.either("small batches", 3, []int{1, 2, 4}, []int{16, 64, 256})
	c.ChannelBuffers = d.either("small input queues", 2, []int{1, 2}, []int{4, 8, 32})
	c.OutputBuffers = d.either("small output queues", 2, []int{1, 2}, []int{4, 8, 32})
	c.CheckpointInterval = time.Duration(d.of("interval", 10, 20, 50, 100, 200)) * time.Millisecond
	c.MinPause = d.pause()
	c.BufferTimeout = time.Duration(d.of("buffer timeout", 1, 5, 20, 100)) * time.Millisecond
	c.RestartDelay = time.Duration(d.of("restart delay", 1, 10, 50, 200)) * time.Millisecond
	c.HeartbeatTimeout = c.HeartbeatInterval * time.Duration(d.of("heartbeat timeout", 6, 10, 20))
	c.Retained = d.of("retained", 1, 2, 3)
	c.Chaining = c.Chaining && !d.in("no chains", 4)
	d.parallelism(c)
	w := world{workers: 1 + d.pick("workers", 4)}
	io := time.Duration(d.either("slow disk", 4, []int{2000, 5000}, []int{10, 50, 200, 1000})) * time.Microsecond
	latency := time.Duration(d.either("slow network", 4, []int{2000, 5000, 10000}, []int{10, 50, 200, 1000})) * time.Microsecond
	w.hardware = cluster.Options{
		WallStart: start.UnixNano(),
		StepCost:  time.Duration(d.of("step cost", 100, 1000, 10000)) * time.Nanosecond,
		IO:        cluster.Range{Min: io / time.Duration(d.of("io spread", 1, 5, 50)), Max: io},
		Link: cluster.LinkOptions{
			Latency:   cluster.Range{Min: latency / time.Duration(d.of("latency spread", 1, 4, 50)), Max: latency},
			Bandwidth: int64(d.either("thin wires", 4, []int{1, 4}, []int{16, 160, 1600})) << 16,
		},
		DrawnCost: cluster.Percent(d.of("uneven", 100, 300, 1000)),
	}
	return w
}

// pace makes records so slow that an input of some bytes lasts for a drawn number of
// checkpoints, and lets checkpoints of some runs expire meanwhile.
func (d *drawer) pace(c *engine.Config, w *world, bytes int) {
	period := c.BaseInterval() + 20*w.hardware.IO.Max
	lasts := period * time.Duration(d.of("checkpoints", 2, 6, 15, 30))
	slowest, slowestLink := time.Duration(100), 100
	for _, f := range w.plan {
		switch f.Kind {
		case faults.SlowOperator:
			slowest = max(slowest, time.Duration(f.Percent))
		case faults.SlowLink:
			slowestLink = max(slowestLink, f.Percent)
		}
	}
	// All of the input passes a link several times within a minute.
	w.hardware.Link.Bandwidth = max(w.hardware.Link.Bandwidth, int64(bytes)*int64(slowestLink)/600)
	uneven := time.Duration(w.hardware.DrawnCost) // of the node, and of the operator
	slowest = slowest * uneven / 100 * uneven / 100
	records := time.Duration(1 + bytes/bytesOfRecord)
	cost := lasts * time.Duration(c.Parallelism) * 100 / slowest / records
	w.hardware.RecordCost = min(max(cost, 20*time.Nanosecond), time.Millisecond)
	step := w.hardware.RecordCost * slowest / 100
	c.Quantum = min(c.Quantum, int(max(longestStep/step, 1)))
	impatient := d.in("impatient", 3)
	if impatient {
		c.CheckpointTimeout = w.patience() * time.Duration(d.of("impatient", 1, 2, 4))
	}
	if n, ok := d.tolerate(impatient); ok {
		c.TolerableFailures = n
	}
}

// longestStep bounds the time for which an actor is busy with one input.
const longestStep = 20 * time.Millisecond

// bytesOfRecord is about how much input makes one record for the slowest operator.
const bytesOfRecord = 6

// parallelism draws that of the operators that don't say, if the job can have it.
func (d *drawer) parallelism(c *engine.Config) {
	with := *c
	with.Parallelism = d.of("parallelism", 1, 2, 2, 2, 3, 4)
	with.Slots = max(c.Slots, with.Parallelism)
	if _, err := engine.Describe(&with, d.scenario.Job(nil)); err == nil {
		c.Parallelism, c.Slots = with.Parallelism, with.Slots
	}
}

// patience is longer than a checkpoint of tasks without records takes: with a shorter
// timeout no checkpoint would ever complete, nor the job end.
func (w *world) patience() time.Duration {
	slowest := cluster.Percent(100)
	for _, f := range w.plan {
		slowest = max(slowest, cluster.Percent(f.Percent))
	}
	waits := 40*w.hardware.IO.Max + 8*w.hardware.Link.Latency.Max*time.Duration(slowest)/100
	acks := 64 * 256 * time.Second / time.Duration(w.hardware.Link.Bandwidth) // one after the other
	return 10*time.Millisecond + waits*time.Duration(w.hardware.DrawnCost)/100 + acks
}

// describe says in words what was drawn.
func (w *world) describe(c *engine.Config) string {
	text := fmt.Sprintf("%d workers, quantum %d, batches of %d, %d+%d buffers, checkpoint every %s",
		w.workers, c.Quantum, c.BatchRecords, c.OutputBuffers, c.ChannelBuffers, c.CheckpointInterval)
	if w.strategy != Uniform {
		text += fmt.Sprintf(" within %s, parallelism %d", c.CheckpointTimeout, c.Parallelism)
	}
	return text
}
