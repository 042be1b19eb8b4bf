package scenarios

import (
	"fmt"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

// Series makes runs of one scenario to be measured. What they read is read once, and
// what they must output computed once, as in a sweep.
type Series struct {
	scenario *Scenario
	inputs   inputs
	room     room
}

// Series begins a series of runs.
func (s *Scenario) Series() *Series { return &Series{scenario: s, room: newRoom()} }

// Variant is how a run of a series differs from one that Run would make.
type Variant struct {
	// Crashes, if above 0, is how many crashes happen, and nothing else goes wrong.
	Crashes int
	// RecordCost is the virtual time of one record in one operator; 0 as drawn.
	RecordCost time.Duration
	// Unjudged leaves the oracles out: the verdict says only that the job ended.
	Unjudged bool
}

// Run makes a run. Of the options all but Scenario, Output, Dir and Failures count.
// An error is a *UsageError, or about the machine it runs on.
func (s *Series) Run(o RunOptions, v Variant) (*Report, error) {
	defer s.room.keep()
	o.Scenario, o.Output, o.Dir, o.Failures, o.inputs = s.scenario.Name, "", "", "", &s.inputs
	r, err := s.scenario.prepare(o)
	if err != nil {
		return nil, err
	}
	if v.Crashes > 0 {
		r.world.plan = r.crashes(v.Crashes)
	}
	if v.RecordCost > 0 {
		r.world.hardware.RecordCost = v.RecordCost
	}
	r.unjudged = v.Unjudged
	rep, c, err := r.recorded()
	if err != nil {
		return nil, err
	}
	if !c.Finished && !c.Stopped() && rep.Verdict == Pass {
		return nil, fmt.Errorf("seed %d: the job failed: %s", o.Seed, c.Outcome)
	}
	return rep, nil
}

// crashes is a plan of so many crashes, drawn as others are, each of which happens at
// the latest when the job is about to finish.
func (r *run) crashes(n int) faults.Plan {
	tape := sim.New(r.o.Seed, sim.Options{})
	shape := faults.Shape{JobManager: engine.JobManagerAddress().Node, Crashes: n}
	for i := range r.world.workers {
		shape.Workers = append(shape.Workers, cluster.Worker(i))
	}
	var p faults.Plan
	for _, f := range faults.Draw(func(where string, k int) int {
		if where == "crashes" {
			return n - 1
		}
		return tape.Point("fault", where).Intn(k)
	}, shape) {
		if f.Kind == faults.ProcessCrash || f.Kind == faults.MachineCrash {
			f.Essential = true
			p = append(p, f)
		}
	}
	return p
}
