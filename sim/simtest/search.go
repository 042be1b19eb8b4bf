package simtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/scenarios"
)

// Options say which runs to make.
type Options struct {
	// Name names the job in reports; "job" if it is empty.
	Name string
	// Seed is the first seed; Runs is how many there are, from the first, 60 if it is 0.
	Seed uint64
	Runs int
	// Modes replace the job's, if there are any.
	Modes []Mode
	// Plan is the faults of every run, none if it is empty; if it is nil the seed draws
	// them. There are as many workers as it names, or more, and at most 8.
	Plan faults.Plan
	// Keep is the directory where a failure's trace and history are saved; empty for
	// none, which leaves the failure without its chain of causes.
	Keep string
	// Command makes the command that repeats a failure; nil for none.
	Command func(seed uint64, m Mode) string

	fleeting bool   // what is in Keep does not last
	planText string // Plan as it was written, empty for as it is
}

// Summary is what runs without a failure add up to.
type Summary struct {
	Runs     int
	Restored int // that restored a checkpoint
	Crashes  int
	Restores int
	Events   uint64
	Lines    int64 // committed
}

func (s *Summary) String() string {
	return fmt.Sprintf("%d runs, %d of which restored a checkpoint: %d crashes, %d restores, %d lines committed, %d events",
		s.Runs, s.Restored, s.Crashes, s.Restores, s.Lines, s.Events)
}

// Failure is a run that broke a promise, made smaller.
type Failure struct {
	Seed uint64
	Mode Mode
	// Report is of the smaller run.
	Report *scenarios.Report
	// Input and Plan are what is left of the input and the faults.
	Input []string
	Plan  faults.Plan
	// Story is what became of the job and its processes, in order, each with its time in
	// virtual seconds.
	Story []string

	lines, faults int // of the run that failed first
	tries         int // runs since then
	minimal       bool
	command       string
	fleeting      bool
}

// Search runs a job for each seed, up to the first that breaks a promise: that failure
// is returned, or nil and what the runs add up to. An error says what is wrong with job
// or options, before anything is run, or that the machine fails.
func Search(j Job, o Options) (*Failure, *Summary, error) {
	h, err := newHunt(j, o)
	if err != nil {
		return nil, nil, err
	}
	sum := &Summary{}
	for i := range h.o.Runs {
		seed := h.o.Seed + uint64(i)
		c := &trial{seed: seed, mode: h.modes[seed%uint64(len(h.modes))], input: h.input(seed), plan: h.o.Plan}
		rep, plan, err := h.make(c, scenarios.OwnRun{Twice: i < len(h.modes), PlanText: h.o.planText})
		if err != nil {
			return nil, nil, err
		}
		if rep.Verdict != scenarios.Pass {
			c.plan = plan
			f, err := h.failure(c, rep)
			return f, sum, err
		}
		sum.add(rep)
	}
	return nil, sum, nil
}

func (s *Summary) add(rep *scenarios.Report) {
	s.Runs++
	s.Restores += rep.Restores
	s.Events += rep.Events
	s.Lines += rep.RecordsOut
	s.Crashes += rep.Faults[string(faults.ProcessCrash)] + rep.Faults[string(faults.MachineCrash)]
	if rep.Restores > 0 {
		s.Restored++
	}
}

// hunt is a search, prepared.
type hunt struct {
	job      Job
	o        Options
	modes    []Mode
	scenario *scenarios.Scenario
}

// trial is one case. Its plan is the seed's if it is nil.
type trial struct {
	seed  uint64
	mode  Mode
	input []string
	plan  faults.Plan
}

func newHunt(j Job, o Options) (*hunt, error) {
	h := &hunt{job: j, o: o, modes: o.Modes}
	switch {
	case j.Job == nil:
		return nil, errors.New("simtest: Job.Job is nil; it must describe the job")
	case len(j.Input) > 0 && j.Draw != nil:
		return nil, errors.New("simtest: Job has both Input and Draw; it must have one of them")
	case len(j.Input) == 0 && j.Draw == nil:
		return nil, errors.New("simtest: Job has neither Input nor Draw; it must have one of them")
	case j.Unmodelled && j.Check == nil && j.Oracles == nil:
		return nil, errors.New("simtest: Job is Unmodelled and has neither Check nor Oracles: nothing would judge its output")
	case j.Unmodelled && (j.Key != nil || j.Content):
		return nil, errors.New("simtest: Job is Unmodelled, so that there is no reference for Key or Content; leave them out")
	case o.Runs < 0:
		return nil, fmt.Errorf("simtest: Options.Runs is %d; it must be at least 0", o.Runs)
	}
	if h.o.Runs == 0 {
		h.o.Runs = defaultRuns
	}
	for _, m := range j.Modes {
		if !slices.Contains([]Mode{Aligned, Unaligned, AtLeastOnce, Timeout}, m) {
			return nil, fmt.Errorf("simtest: unknown mode %q; there is: %s, %s, %s, %s", m, Aligned, Unaligned, AtLeastOnce, Timeout)
		}
	}
	s := scenarios.Scenario{
		Name: printable(o.Name), Promise: j.Promise, Modes: j.Modes, Slow: j.Slow, Configure: j.Configure,
		Job:        func(scenarios.Pace) func(*engine.Job) { return j.Job },
		CutContent: j.Content,
		Own:        &scenarios.Own{Check: j.Check, Oracles: j.Oracles, Unmodelled: j.Unmodelled},
	}
	if j.Key != nil {
		s.Key = func(line string) (string, bool) { return j.Key(line), false }
	}
	h.scenario = scenarios.OwnScenario(s)
	if len(h.modes) == 0 {
		h.modes = h.scenario.Modes
	}
	for _, m := range h.modes {
		if _, err := h.scenario.Mode(string(m)); err != nil {
			return nil, fmt.Errorf("simtest: %w", err)
		}
	}
	return h, nil
}

// printable is a name that can be part of a file's.
func printable(name string) string {
	if name == "" {
		return "job"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-', r == '.':
			return r
		}
		return '-'
	}, name)
}

func (h *hunt) input(seed uint64) []string {
	if h.job.Draw == nil {
		return h.job.Input
	}
	return h.job.Draw(rand.New(rand.NewPCG(seed, 0)))
}

// run makes one run; its report is not nil unless there is an error.
func (h *hunt) run(c *trial, twice bool) (*scenarios.Report, faults.Plan, error) {
	return h.make(c, scenarios.OwnRun{Twice: twice})
}

func (h *hunt) make(c *trial, o scenarios.OwnRun) (*scenarios.Report, faults.Plan, error) {
	for i, line := range c.input {
		if strings.Contains(line, "\n") {
			return nil, nil, fmt.Errorf("simtest: line %d of the input, %q, has a newline in it; give one line each", i+1, line)
		}
	}
	o.Seed, o.Mode, o.Input = c.seed, c.mode, c.input
	o.Workers = scenarios.WorkersOf(h.o.Plan)
	if c.plan != nil {
		o.Plan = &c.plan
	}
	rep, plan, err := scenarios.RunOwn(h.scenario, o)
	if err != nil {
		return nil, nil, fmt.Errorf("simtest: %w", err)
	}
	return rep, plan, nil
}

// failure makes a failing run smaller and saves it.
func (h *hunt) failure(c *trial, rep *scenarios.Report) (*Failure, error) {
	f := &Failure{Seed: c.seed, Mode: c.mode, lines: len(c.input), faults: len(c.plan), fleeting: h.o.fleeting}
	least := c
	if rep.Verdict == scenarios.Fail {
		small, err := h.shrink(c, rep.Violations[0].Oracle)
		if err != nil {
			return nil, err
		}
		least, f.tries, f.minimal = small.Case, small.Runs, small.Minimal
	}
	f.Input, f.Plan = slices.Clone(least.input), slices.Clone(least.plan)
	again, _, err := h.make(least, scenarios.OwnRun{Keep: h.o.Keep, Story: &f.Story, Twice: rep.Verdict == scenarios.Nondeterministic})
	if err != nil {
		return nil, err
	}
	f.Report = again
	if h.o.Command != nil {
		f.command = h.o.Command(c.seed, c.mode)
	}
	return f, nil
}

// shown is how many lines of an input a report shows.
const shown = 20

// Text is the failure for people: the report, what is left of the case, and how to make
// it again.
func (f *Failure) Text() string {
	var b strings.Builder
	rep := *f.Report
	if f.fleeting {
		rep.History = ""
	}
	b.WriteString(rep.Text())
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	if f.tries > 0 {
		least := "; none of them can be left out"
		if !f.minimal {
			least = ", when trying ended"
		}
		line("shrunk", "to %s and %s, of %d and %d, in %d runs%s", count(len(f.Input), "line"), count(len(f.Plan), "fault"), f.lines, f.faults, f.tries, least)
	}
	for i, l := range f.Story {
		line([]string{"story", ""}[min(i, 1)], "%s", l)
	}
	for i, l := range f.Input[:min(len(f.Input), shown)] {
		line([]string{"input", ""}[min(i, 1)], "%s", l)
	}
	if n := len(f.Input) - shown; n > 0 {
		line("", "and %d more", n)
	}
	if f.command != "" {
		line("again", "%s", f.command)
	}
	switch {
	case rep.Saved != "" && f.fleeting:
		line("trace", "is kept with -artifacts, or with -weir.out DIR")
	case rep.Saved != "":
		line("trace", "%s", rep.Saved)
	}
	return b.String()
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
