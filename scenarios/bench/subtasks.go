package bench

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

// wide is a simulated job of stages that each deal their records out by key to all
// subtasks of the next, one subtask of each stage on a worker.
type wide struct{ stages, parallelism int }

func (x wide) tasks() int    { return x.stages * x.parallelism }
func (x wide) channels() int { return (x.stages - 1) * x.parallelism * x.parallelism }

func (x wide) job(j *engine.Job) {
	s := engine.Map(engine.FromSource(j, "numbers", numbers{keys: 10_000, every: 50 * time.Millisecond}), "ones", one, engine.WithCodec(keyedCodec))
	for i := range x.stages - 1 {
		s = engine.Reduce(engine.KeyBy(s, keyOf), fmt.Sprintf("stage %d", i+1), add)
	}
	engine.ToSink(s, "sink", drop{})
}

// running is an oracle that counts the tasks that run, and objects to nothing.
type running struct{ n int }

// ID implements sim.Oracle, as do OnEvent and OnEnd.
func (r *running) ID() string { return "running" }

// OnEvent counts.
func (r *running) OnEvent(_ *sim.World, e *host.Event) *sim.Violation {
	if e.Kind == host.TaskRunning {
		r.n++
	}
	return nil
}

// OnEnd has nothing to say.
func (r *running) OnEnd(*sim.World) *sim.Violation { return nil }

// measured is what a wide job took.
type measured struct {
	deployed time.Duration // processor time until all tasks ran
	event    float64       // ns, from then on
	events   uint64
	live     float64 // MiB on the heap
	peak     float64 // MiB of the process at most
}

// errSlow says that a job did not get to run in the time that it has.
var errSlow = errors.New("not all tasks ran in time")

// measure deploys the job within some processor time and then takes so many events.
func (x wide) measure(limit time.Duration, events int) (measured, error) {
	config := engine.DefaultConfig()
	config.Parallelism, config.Slots = x.parallelism, 1
	config.CheckpointInterval = 24 * time.Hour
	config.BufferTimeout = 10 * time.Millisecond
	config.HeartbeatTimeout = time.Hour
	tasks := &running{}
	begin := processor()
	c, err := cluster.NewCluster(1, cluster.JobOptions{
		Config: config, Job: x.job, Workers: x.parallelism, Limit: time.Hour, Oracles: []sim.Oracle[host.Event]{tasks},
	})
	if err != nil {
		return measured{}, err
	}
	defer c.World.Close()
	var m measured
	// A buffer timeout for each stage after the last start, all have records.
	for full := time.Duration(0); full == 0 || c.World.Now() < full; {
		for range 10_000 {
			if !c.World.Next(forever) {
				return m, errors.New("the world came to rest")
			}
		}
		if full == 0 && tasks.n >= x.tasks() {
			m.deployed = processor() - begin
			full = c.World.Now() + time.Duration(x.stages+1)*config.BufferTimeout
		}
		m.peak = max(m.peak, held())
		if processor()-begin > limit {
			return m, errSlow
		}
	}
	before, at := c.World.Executed(), processor()
	for range events {
		c.World.Next(forever)
	}
	m.events = c.World.Executed() - before
	m.event = float64((processor() - at).Nanoseconds()) / float64(m.events)
	m.peak = max(m.peak, held())
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	m.live = float64(mem.HeapAlloc) / (1 << 20)
	runtime.KeepAlive(c)
	return m, nil
}

// held is the memory that the process has of the system, in MiB.
func held() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Sys-m.HeapReleased) / (1 << 20)
}

// subtasks measures a small job and the widest that gets to run, from 10,000 subtasks
// down.
func subtasks(s *session) error {
	debug.FreeOSMemory() // what ran before is not this job's
	small, err := wide{5, 2}.measure(time.Minute, pick(s, 1_000_000, 1000))
	if err != nil {
		return err
	}
	side := pick(s, 100, 5)
	m, err := wide{side, side}.measure(time.Minute, pick(s, 2_000_000, 1000))
	for errors.Is(err, errSlow) && side > 2 {
		s.say("subtasks: %d subtasks did not all run within a minute of processor time; trying a job of half as many", side*side)
		debug.FreeOSMemory()
		side = int(float64(side) / math.Sqrt2)
		m, err = wide{side, side}.measure(time.Minute, 2_000_000)
	}
	if err != nil {
		return err
	}
	x := wide{side, side}
	r := within("subtasks/memory", m.peak, "MiB", 2<<10).note(
		"%d subtasks, %d channels; the most that the process held of the system; %s MiB live on the heap at the end; all tasks ran after %s of processor time; no checkpoint was taken",
		x.tasks(), x.channels(), short(m.live), m.deployed.Round(100*time.Millisecond))
	e := figure("subtasks/event", m.event, "ns/event", "a job of 10 subtasks", small.event).atMost(5).note(
		"%d events once all stages had records, against %d of the small job", m.events, small.events)
	if !s.quick && side < 100 {
		r, e = r.limit(r.Budget+" for 10,000 subtasks", false), e.limit(e.Budget+" for 10,000 subtasks", false)
	}
	s.add(r)
	s.add(e)
	return nil
}
