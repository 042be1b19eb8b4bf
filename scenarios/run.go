package scenarios

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
	"github.com/weirstream/weir/sim/trace"
)

// RunOptions are the flags of a simulated run.
type RunOptions struct {
	Scenario string
	Mode     string
	Seed     uint64
	Input    string   // path, empty for the scenario's default
	Output   string   // path, empty for none
	From     string   // job directory or chk-N, empty to start from nothing
	Set      []string // key=value
	// Strategy draws world and faults from the seed; empty for Uniform.
	Strategy Strategy
	// Lines is how many lines of the input are read, from the first; 0 for all.
	Lines int
	Trace string // path, empty for none
	// Plan is the path of the faults, empty for those that the seed draws; plan is its
	// text, from a trace, nil for none.
	Plan string
	plan *string
	// History is where the picture of what observers saw is written, empty for none
	// unless the run fails.
	History string
	// Dir is where the simulated disk is left at the end, empty for nowhere.
	Dir string
	// StopAfter ends the run after that many completed checkpoints; 0 for never.
	StopAfter int
	// Checkpoints asks for the history of the run's checkpoints.
	Checkpoints bool
	// GoOn lets the run go on after a broken promise, so that every oracle has its
	// say. A panic, or a breach of the host's contract, still ends it.
	GoOn bool
	// Failures is where the trace of a failing run is saved.
	Failures string
	// inputs are shared by the runs of a sweep; nil for the run's own.
	inputs *inputs
	// given is the case that says all of it, nil for none.
	given *Case
}

// eventLimit is the events that a run may take, some hundred for each record: one that
// restarts without end, and waits hardly at all, would take hours for limit.
func eventLimit(bytes int) uint64 { return 200_000 + 50*uint64(bytes) }

// restarts is how many events the restarts may take for which there is time while the disk
// fails: a job that restarts at once may do so hundreds of times.
func (r *run) restarts() uint64 {
	var lasts time.Duration
	for _, f := range r.world.plan {
		if f.Kind.OfDisk() {
			lasts += f.Lasts()
		}
	}
	return 2000 * uint64(lasts/(r.config.RestartDelay+4*time.Millisecond))
}

// run is one simulated run, prepared.
type run struct {
	o        RunOptions
	scenario *Scenario
	mode     Mode
	config   *engine.Config
	graph    *graph.Graph
	world    world
	input    string
	data     []byte
	read     *input
	origin   *Origin
	accepted []file.Part // whose lines the user accepts to be committed again
	files    []cluster.File
	observed *observed // nil unless asked for
	unjudged bool      // no oracles, to see what they cost
	story    *[]string // told of the run, nil for none
	created  func(w *cluster.World)
}

// prepare checks everything the user said before anything is run or written.
func prepare(o RunOptions) (*run, error) {
	s, err := Find(o.Scenario)
	if err != nil {
		return nil, &UsageError{err}
	}
	return s.prepare(o)
}

func (s *Scenario) prepare(o RunOptions) (*run, error) {
	if o.Strategy == "" {
		o.Strategy = Uniform
	}
	o.Strategy = o.Strategy.of(o.Seed)
	if o.inputs == nil {
		o.inputs = &inputs{}
	}
	r := &run{o: o, scenario: s}
	var err error
	if r.mode, err = s.Mode(o.Mode); err != nil {
		return nil, &UsageError{err}
	}
	if o.StopAfter < 0 {
		return nil, usage("--stop-after is %d; it must be at least 0", o.StopAfter)
	}
	if r.config, err = s.Config(r.mode, o.Set); err != nil {
		return nil, &UsageError{err}
	}
	if o.Lines < 0 {
		return nil, usage("--lines is %d; it must be at least 1", o.Lines)
	}
	if r.read, err = o.inputs.read(s, o.Input, o.Lines); err != nil {
		return nil, err
	}
	r.input, r.data = r.read.path, r.read.data
	r.world = draw(o.Strategy, o.Strategy.base(o.Seed), s, r.config, len(r.data))
	if err := Apply(r.config, o.Set); err != nil { // what the user sets wins
		return nil, &UsageError{err}
	}
	// Slots that the user has limited hold what is drawn.
	r.config.Parallelism = min(r.config.Parallelism, r.config.Slots)
	if r.graph, err = engine.Describe(r.config, s.Job(nil)); err != nil {
		return nil, &UsageError{err}
	}
	if err := r.planned(); err != nil {
		return nil, err
	}
	if err := r.writable(); err != nil {
		return nil, err
	}
	r.files = []cluster.File{{Name: InputFile, Data: r.data}}
	if o.From != "" {
		if r.origin, err = FindOrigin(o.From); err != nil {
			return nil, err
		}
		if r.accepted, err = r.origin.Accepted(); err != nil {
			return nil, err
		}
		files, err := r.origin.Files()
		if err != nil {
			return nil, err
		}
		r.files = append(r.files, files...)
	}
	if o.Strategy == CrashEverywhere && o.Plan == "" && o.plan == nil {
		if err := r.crash(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// writable checks where the run is to write to.
func (r *run) writable() error {
	o := &r.o
	if err := errors.Join(checkOutput("--output", o.Output), checkOutput("--trace", o.Trace), checkOutput("--history", o.History), checkDir("--dir", o.Dir)); err != nil {
		return err
	}
	from := place{"--input", r.input}
	if o.given != nil {
		from = place{"--case", o.given.path}
	}
	return checkDistinct(from, place{"--plan", o.Plan}, place{"--output", o.Output}, place{"--trace", o.Trace}, place{"--history", o.History}, place{"--dir", o.Dir})
}

// Run runs a scenario in the simulator. An error is a *UsageError, or about the
// machine it runs on.
func Run(o RunOptions) (*Report, error) {
	r, err := prepare(o)
	if err != nil {
		return nil, err
	}
	return r.whole()
}

// whole makes the run and writes what is asked for.
func (r *run) whole() (*Report, error) {
	o := &r.o
	rep, c, err := r.recorded()
	if err != nil {
		return nil, err
	}
	if o.History != "" {
		if err := rep.picture.write(o.History); err != nil {
			return nil, err
		}
		rep.History = o.History
	}
	if rep.Verdict != Pass {
		if err := r.keep(rep); err != nil {
			fmt.Fprintln(os.Stderr, "simrun: the failing case could not be saved:", err)
		}
	}
	if o.Output != "" && c.Finished {
		if err := r.writeOutput(c.Disk.Durable()); err != nil {
			return nil, err
		}
	}
	return rep, r.leave(c)
}

// observer makes a world's recorder, or returns nil.
type observer func() (*cluster.Recorder, error)

// recorded runs the world once, and writes its trace if one is asked for.
func (r *run) recorded() (*Report, *cluster.Cluster, error) {
	var rec *recording
	if r.o.Trace != "" {
		rec = &recording{path: r.o.Trace, header: r.header()}
	}
	rep, c, err := r.execute(rec.observe)
	if err != nil {
		rec.abort()
		return nil, nil, err
	}
	if rec != nil {
		if err := rec.writer.Close(rep.Verdict); err != nil {
			return nil, nil, err
		}
	}
	return rep, c, nil
}

// execute runs the world once.
func (r *run) execute(observe observer) (*Report, *cluster.Cluster, error) {
	begin := time.Now()
	hw := r.world.hardware
	hw.MaxEvents, hw.Chooser = eventLimit(len(r.data))+r.restarts(), r.o.Strategy.chooser()
	rec, err := observe()
	if err != nil {
		return nil, nil, err
	}
	if rec != nil {
		hw.Recorder = rec
	}
	judges := newJudges(r)
	oracles := append(judges.oracles(), judges.own()...)
	if r.unjudged {
		oracles = nil
	}
	oracles = r.observe(oracles)
	c, err := cluster.NewCluster(r.o.Strategy.base(r.o.Seed), cluster.JobOptions{
		Config: r.config, Job: r.scenario.Job(nil), Workers: r.world.workers, Files: r.files,
		Plan: r.world.plan, Limit: r.limit(), StopAfter: r.o.StopAfter, Hardware: hw,
		Oracles: oracles, GoOn: r.o.GoOn,
		Created: func(w *cluster.World) {
			if rec != nil {
				rec.World = w
			}
			if r.created != nil {
				r.created(w)
			}
		},
	})
	if err != nil {
		return nil, nil, &UsageError{err}
	}
	judges.cluster = c
	violations := c.Run()
	rep := r.report(c, judges, violations)
	rep.WallMS = time.Since(begin).Milliseconds()
	return rep, c, nil
}

func (r *run) report(c *cluster.Cluster, j *judges, violations []sim.Violation) *Report {
	rep := &Report{
		Scenario: r.scenario.Name, Seed: r.o.Seed, Mode: r.mode, Promise: r.scenario.Promise, Verdict: Pass, Violations: []Violation{},
		TraceHash: fmt.Sprintf("%016x", c.World.Sum()), Events: c.World.Executed(),
		RecordsIn: j.recordsIn, RecordsOut: j.recordsOut, Duplicates: j.duplicates,
		Checks: Checkpoints{
			Completed: c.Counts.Completed, Aborted: c.Counts.Aborted, Declined: c.Counts.Declined, Expired: c.Counts.Expired,
			History: r.checkpoints(),
		},
		Restores: c.Counts.Restores, RestoredInFlight: c.Counts.InFlightBytes,
		Faults: map[string]int{}, VirtualMS: c.World.Now().Milliseconds(),
		World: r.world.describe(r.config), Stopped: c.Stopped(), Strategy: r.o.Strategy, Lines: r.o.Lines, watched: j.watcher.finish(),
	}
	rep.Repeated = append(j.licences.names(), j.damages.lineage.names()...)
	rep.FailedAsPromised = j.damages.promised
	for _, f := range r.world.plan {
		rep.Plan = append(rep.Plan, f.String())
		rep.Faults[string(f.Kind)] = c.Fired[f.Kind]
	}
	for _, f := range c.Unfired() {
		rep.Unfired = append(rep.Unfired, f.String())
	}
	root := ""
	if r.origin != nil {
		root = r.origin.Root
	}
	seen := j.seen.Linearizability
	rep.Linearizability = &seen
	if len(violations) > 0 || r.o.History != "" {
		rep.picture = j.seen.picture()
	}
	for _, v := range violations {
		rep.Verdict = Fail
		message := located(v.Message, r.input, root)
		rep.Violations = append(rep.Violations, Violation{v.Oracle, message, v.Event, v.Stack})
	}
	return rep
}

func (r *run) writeOutput(fsys fs.FS) error { return writeOutput(r.scenario, r.o.Output, fsys) }

func writeOutput(s *Scenario, path string, fsys fs.FS) error {
	got, err := committed(fsys, nil)
	if err != nil {
		return err
	}
	out, err := s.Output(got.lines)
	if err != nil {
		return err
	}
	text := strings.Join(out, "\n")
	if len(out) > 0 {
		text += "\n"
	}
	return writeWhole(path, []byte(text))
}

// leave writes the simulated disk out to --dir, as a job directory.
func (r *run) leave(c *cluster.Cluster) error {
	if r.o.Dir == "" {
		return nil
	}
	return c.Disk.Export(func(name string, data []byte) error {
		if name == InputFile {
			return nil
		}
		to := filepath.Join(r.o.Dir, filepath.FromSlash(name))
		return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), writeWhole(to, data))
	})
}

// failureName is the file of a failing run's trace.
func failureName(s *Scenario, m Mode, seed uint64) string {
	return fmt.Sprintf("%s-%s-%d.trace", s.Name, m, seed)
}

// command reruns the run.
func (r *run) command() string {
	if r.o.given != nil {
		return "simrun run --case " + r.o.given.path
	}
	s := fmt.Sprintf("simrun run %s --seed %d --mode %s", r.scenario.Name, r.o.Seed, r.mode)
	for _, f := range [][2]string{{"--input", r.o.Input}, {"--from", r.o.From}, {"--plan", r.o.Plan}} {
		if f[1] != "" {
			s += " " + f[0] + " " + f[1]
		}
	}
	if r.o.Strategy != Uniform {
		s += fmt.Sprintf(" --strategy %s", r.o.Strategy)
	}
	if r.o.Lines > 0 {
		s += fmt.Sprintf(" --lines %d", r.o.Lines)
	}
	if r.o.StopAfter > 0 {
		s += fmt.Sprintf(" --stop-after %d", r.o.StopAfter)
	}
	if r.o.GoOn {
		s += " --go-on"
	}
	for _, kv := range r.o.Set {
		s += " --set " + kv
	}
	return s
}

// recording is a trace being written.
type recording struct {
	path   string
	header trace.Header
	writer *trace.Writer
}

// abort leaves no file behind.
func (r *recording) abort() {
	if r != nil && r.writer != nil {
		r.writer.Abort()
	}
}

func (r *recording) observe() (*cluster.Recorder, error) {
	if r == nil {
		return nil, nil
	}
	rec := &cluster.Recorder{}
	w, err := trace.Create(r.path, r.header, rec.Name)
	if err != nil {
		return nil, &UsageError{err}
	}
	r.writer = w
	rec.To = w.Append
	return rec, nil
}
