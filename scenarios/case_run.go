package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/scenarios/mutants"
	"github.com/weirstream/weir/sim/cluster"
)

// extraCase is the text of the case that a trace's run was, in its header.
const extraCase = "case"

// caseInput names the input of a case where a path would be.
const caseInput = "the case's records"

// prepare checks the case and makes its run. What the user says beside it is where to
// write to. An error is a *UsageError.
func (c *Case) prepare(o RunOptions) (*run, error) {
	s, err := Find(c.Scenario)
	if err != nil {
		return nil, &UsageError{err}
	}
	o.Scenario, o.Mode, o.Seed, o.Strategy, o.StopAfter, o.given = c.Scenario, string(c.Mode), c.Seed, c.Strategy, c.StopAfter, c
	r := &run{o: o, scenario: s}
	refuse := func(err error) error { return usage("case %s: %w", c.name(), err) }
	if r.mode, err = s.Mode(o.Mode); err != nil {
		return nil, refuse(err)
	}
	if r.config, err = s.Config(r.mode, c.Set); err != nil {
		return nil, usage("case %s: %s", c.name(), strings.TrimPrefix(err.Error(), "--set: "))
	}
	r.read = &input{path: caseInput, data: c.data(), references: map[string]*expected{}}
	r.input, r.data = r.read.path, r.read.data
	r.world = world{strategy: c.Strategy, workers: c.Workers, hardware: c.hardware(), plan: c.Plan}
	if r.graph, err = engine.Describe(r.config, s.Job(nil)); err != nil {
		return nil, refuse(err)
	}
	text := c.plan
	if text == "" {
		text = c.Plan.String()
	}
	if r.world.plan, err = faults.ParseFor(text, r.known()); err != nil {
		return nil, usage("case %s, %w", c.name(), err)
	}
	if err := r.writable(); err != nil {
		return nil, err
	}
	r.files = []cluster.File{{Name: InputFile, Data: r.data}}
	return r, nil
}

// name is the path of a case, or what it is.
func (c *Case) name() string {
	if c.path == "" {
		return "of " + c.Scenario
	}
	return c.path
}

// failing is how the case fails in a mutant, or in the engine as it is; nil if it does
// not say, or passes there.
func (c *Case) failing(mutant string) *Failing {
	for i := range c.Fails {
		if c.Fails[i].Mutant == mutant {
			return &c.Fails[i]
		}
	}
	return nil
}

// mutantID is the mutant that this program is, empty for none.
func mutantID() string {
	id, _, _ := strings.Cut(mutants.Built, "@")
	return id
}

// Elsewhere is the mutant in which alone the case shows something, empty if it does so
// in this program.
func (c *Case) Elsewhere() string {
	built := mutantID()
	if built != "" || c.Passes || c.failing("") != nil {
		return ""
	}
	return c.Fails[0].Mutant
}

// StaleError says that a case does not come any more through what it was kept for.
type StaleError struct {
	Case  string
	Line  int // of what is not reached
	Wants string
}

func (e *StaleError) Error() string {
	place := ""
	if e.Line > 0 {
		place = fmt.Sprintf(", line %d", e.Line)
	}
	return fmt.Sprintf("case %s%s is stale: %q is not reached any more, so that it shows nothing; change the case until it is, or remove it", e.Case, place, e.Wants)
}

// judge compares a run of the case with what it says. The words are about the outcome,
// whether it is as the case says; the error is a *StaleError.
func (c *Case) judge(rep *Report) (says string, as bool, err error) {
	want, first := c.failing(mutantID()), ""
	if rep.Verdict != Pass {
		first = rep.Violations[0].Oracle
	}
	switch {
	case want == nil && first == "":
		says, as = "it passes, as it says", true
	case want == nil:
		says = fmt.Sprintf("it says that it passes; %s objects", first)
	case first == want.Oracle:
		says, as = fmt.Sprintf("%s objects, as it says", first), true
	case first == "":
		says = fmt.Sprintf("it says that %s objects; it passes", want.Oracle)
	default:
		says = fmt.Sprintf("it says that %s objects; %s does", want.Oracle, first)
	}
	for _, r := range c.Reaches {
		if !rep.reached(r) {
			return says, as, &StaleError{c.name(), c.lines[r], r}
		}
	}
	return says, as, nil
}

// reached reports whether a run came through a point, or a fault of its happened.
func (r *Report) reached(what string) bool {
	name, isFault := strings.CutPrefix(what, reachesFault)
	if !isFault {
		p := pointNamed(what)
		return p >= 0 && r.watched != nil && r.watched.points[p]
	}
	return !slices.ContainsFunc(r.Unfired, func(f string) bool {
		unfired, _, _ := strings.Cut(f, " ")
		return strings.TrimSuffix(unfired, "!") == name
	})
}

// RunCase runs a case that was read from a file. Of the options those count that say
// where to write. An error is a *UsageError, a *StaleError with the report, or about
// the machine.
func RunCase(c *Case, o RunOptions) (*Report, error) {
	r, err := c.prepare(o)
	if err != nil {
		return nil, err
	}
	rep, err := r.whole()
	if err != nil {
		return nil, err
	}
	if rep.Case, _, err = c.judge(rep); err != nil {
		return rep, &UsageError{err}
	}
	return rep, nil
}
