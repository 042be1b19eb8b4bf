package scenarios

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/model"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

// Own is what a job that is not of the registry is judged by beside the oracles.
type Own struct {
	// Check objects to what a job that has finished has committed; nil for none.
	Check func(e *Ended) error
	// Oracles makes those of one run, which see the engine's events; nil for none.
	Oracles func() []sim.Oracle[host.Event]
	// Unmodelled says that there is no reference output: only Check judges it.
	Unmodelled bool
}

// Ended is a run whose job has finished.
type Ended struct {
	Seed  uint64
	Mode  Mode
	Input []string
	// Committed are the lines of the sink, those of each subtask in commit order.
	Committed []string
	// Want is the reference output, empty if there is none.
	Want []string
	// Restores counts deployments from a checkpoint.
	Restores int
	// Repeats says that an at-least-once checkpoint was restored that had taken records
	// from behind its barrier: they came again.
	Repeats bool
}

// OwnScenario is a scenario for a job that is not of the registry: it reads the lines
// of InputFile and commits lines into OutputDir by a sink of uid SinkUID.
func OwnScenario(s Scenario) *Scenario {
	if s.Promise == "" {
		s.Promise = "what is committed is what the reference interpreter makes of the input, each line once"
	}
	if len(s.Modes) == 0 {
		s.Modes = []Mode{Aligned, Unaligned, AtLeastOnce, Timeout}
	}
	configure := s.Configure
	s.Configure = func(c *engine.Config) {
		brisk(2)(c)
		if configure != nil {
			configure(c)
		}
	}
	if s.Key != nil {
		s.Order = PerKey
	}
	// Which lines come again, and what the job's state makes of them, only its author
	// can tell: what was restored exactly is still compared with the reference.
	s.Repeats = func(*graph.Graph, []string, []string, *licences) ([]string, int64) { return nil, 0 }
	s.Faults = allFaults
	return &s
}

// OwnRun is one case of a job of somebody's own.
type OwnRun struct {
	Seed  uint64
	Mode  Mode
	Input []string
	// Plan replaces the faults that the seed draws, if it is not nil. What is wrong with it
	// is named by line and column of PlanText or, if that is empty, of its own text.
	Plan     *faults.Plan
	PlanText string
	// Workers is the least number of workers, 0 for the seed's; see WorkersOf.
	Workers int
	// Twice makes the run twice and compares hashes.
	Twice bool
	// Keep is the directory where the trace of a failing run is saved; empty for none.
	Keep string
	// Story takes what happened to the job, one line each, if it is not nil.
	Story *[]string
}

// RunOwn makes a run of a scenario of OwnScenario. An error is a *UsageError, or about
// the machine it runs on; the plan is the one that was run.
func RunOwn(s *Scenario, o OwnRun) (rep *Report, plan faults.Plan, err error) {
	var data []byte
	for _, line := range o.Input {
		data = append(append(data, line...), '\n')
	}
	is := &inputs{files: map[string]*input{s.Name + "\n": {data: data, references: map[string]*expected{}}}}
	r, err := s.prepare(RunOptions{Scenario: s.Name, Mode: string(o.Mode), Seed: o.Seed, Strategy: Portfolio, Failures: o.Keep, inputs: is})
	if err != nil {
		return nil, nil, err
	}
	if err := s.fits(r.graph); err != nil {
		return nil, nil, err
	}
	r.world.workers = max(r.world.workers, o.Workers)
	if o.Plan != nil {
		text := o.PlanText
		if text == "" {
			text = o.Plan.String()
		}
		known := r.known()
		known.Operators = nil // any of the job's may be slow
		for _, n := range r.graph.Nodes {
			known.Operators = append(known.Operators, n.UID)
		}
		if r.world.plan, err = faults.ParseFor(text, known); err != nil {
			return nil, nil, usage("the plan for %s: %w", s.Name, err)
		}
	}
	r.story = o.Story
	none := func() (*cluster.Recorder, error) { return nil, nil }
	if rep, _, err = r.execute(none); err != nil {
		return nil, nil, err
	}
	if o.Twice && rep.Verdict == Pass {
		again, _, err := r.execute(none)
		if err != nil {
			return nil, nil, err
		}
		if again.TraceHash != rep.TraceHash {
			rep.differs(again)
		}
	}
	if rep.Verdict != Pass && o.Keep != "" {
		if err := r.keep(rep); err != nil {
			return nil, nil, fmt.Errorf("the failing case could not be saved: %w", err)
		}
		// What simrun says of its own scenarios does not hold for this one.
		rep.Again = nil
		if n := len(rep.Causes); n > chainLength {
			rep.Causes[n-1] = "and so on"
		}
	}
	return rep, r.world.plan, nil
}

// fits refuses a job that the oracles can't judge.
func (s *Scenario) fits(g *graph.Graph) error {
	var sinks []string
	for _, n := range g.Nodes {
		if n.Kind != graph.Sink {
			continue
		}
		sinks = append(sinks, n.UID)
		if n.Logic.Encode == nil && !s.Own.Unmodelled {
			return usage("sink %q of %s has no Encode, so that nobody knows what it should have written; use file.Sink, or say that the job is unmodelled", n.UID, s.Name)
		}
	}
	if !slices.Equal(sinks, []string{SinkUID}) {
		return usage("%s has the sinks %q; it must have one, of uid %q", s.Name, sinks, SinkUID)
	}
	return nil
}

// own are the oracles that came with the scenario, behind the one that tells the story.
func (j *judges) own() []sim.Oracle[host.Event] {
	var all []sim.Oracle[host.Event]
	if j.run.story != nil {
		*j.run.story = nil
		all = append(all, &teller{judges: j})
	}
	o := j.run.scenario.Own
	if o == nil {
		return all
	}
	if o.Oracles != nil {
		all = append(all, o.Oracles()...)
	}
	if o.Check != nil {
		all = append(all, &ownOracle{j})
	}
	return all
}

// ownOracle lets the author of a job judge what it has committed.
type ownOracle struct{ judges *judges }

// ID implements sim.Oracle.
func (o *ownOracle) ID() string { return "check" }

// OnEvent implements sim.Oracle.
func (o *ownOracle) OnEvent(*sim.World, *host.Event) *sim.Violation { return nil }

// OnEnd implements sim.Oracle.
func (o *ownOracle) OnEnd(w *sim.World) *sim.Violation {
	j := o.judges
	if !j.cluster.Finished {
		return nil
	}
	got, _, _, err := j.committed()
	if err != nil {
		return violation(w, []string{err.Error()})
	}
	want, err := j.run.read.reference(j.run.scenario, j.cluster.Graph)
	if err != nil {
		return violation(w, []string{err.Error()})
	}
	e := &Ended{
		Seed: j.run.o.Seed, Mode: j.run.mode, Input: model.Lines(j.run.data),
		Committed: slices.Clone(got.lines), Want: slices.Clone(want.lines), Restores: j.cluster.Counts.Restores, Repeats: j.licences.any(),
	}
	if err := j.run.scenario.Own.Check(e); err != nil {
		return violation(w, []string{err.Error()})
	}
	return nil
}

// unmodelled says that the scenario's job has no reference output.
func (s *Scenario) unmodelled() bool { return s.Own != nil && s.Own.Unmodelled }

// teller objects to nothing: it tells what became of the job and its processes.
type teller struct {
	judges  *judges
	crashes int // of the cluster's list, told
}

// ID implements sim.Oracle.
func (o *teller) ID() string { return "story" }

// OnEvent implements sim.Oracle.
func (o *teller) OnEvent(w *sim.World, e *host.Event) *sim.Violation {
	o.injected(w)
	switch e.Kind {
	case host.Deploying:
		if e.Checkpoint > 0 {
			o.tell(w, "attempt %d.%d is deployed, from checkpoint %d", e.Epoch, e.Number, e.Checkpoint)
		} else {
			o.tell(w, "attempt %d.%d is deployed, from nothing", e.Epoch, e.Number)
		}
	case host.CheckpointCompleted:
		o.tell(w, "checkpoint %d is complete", e.Checkpoint)
	case host.CheckpointAborted:
		o.tell(w, "checkpoint %d is given up: %s", e.Checkpoint, e.Text)
	case host.WorkerLost, host.TaskFailed, host.JobFailed:
		o.tell(w, "%s %s: %s", e.Subject, e.Kind, e.Text)
	case host.JobFinished:
		o.tell(w, "the job has finished")
	}
	return nil
}

// OnEnd implements sim.Oracle.
func (o *teller) OnEnd(w *sim.World) *sim.Violation {
	o.injected(w)
	return nil
}

// injected tells of crashes since the last event.
func (o *teller) injected(w *sim.World) {
	for _, f := range o.judges.cluster.Injected[o.crashes:] {
		o.crashes++
		o.tell(w, "%s: %s crashes", f.Fault.Name, f.Node)
	}
}

// storyLines is how long a story may become.
const storyLines = 40

func (o *teller) tell(w *sim.World, format string, args ...any) {
	to := o.judges.run.story
	switch n := len(*to); {
	case n < storyLines:
		*to = append(*to, fmt.Sprintf("%.3f  ", w.Now().Seconds())+fmt.Sprintf(format, args...))
	case n == storyLines:
		*to = append(*to, "and so on")
	}
}

// mostWorkers is how many workers a plan may call for.
const mostWorkers = 8

// WorkersOf is how many workers a plan calls for by naming them, at most 8.
func WorkersOf(p faults.Plan) int {
	most := 0
	for _, f := range p {
		for _, name := range workerName.FindAllString(f.Target+" "+f.When.Of, -1) {
			if n, err := strconv.Atoi(name[2:]); err == nil {
				most = max(most, min(n, mostWorkers))
			}
		}
	}
	return most
}
