package scenarios

import (
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim/cluster"
)

// extraPlan is the run's plan in a trace's header, also if it was drawn.
const extraPlan = "plan"

// planned replaces the drawn plan by that of --plan, or of a trace's header.
func (r *run) planned() error {
	if r.o.plan != nil {
		p, err := faults.ParseFor(*r.o.plan, r.known())
		if err != nil {
			return usage("its header has a plan that is none for this run: %w", err)
		}
		r.world.plan = p
		return nil
	}
	if r.o.Plan == "" {
		return nil
	}
	text, err := readPlan(r.o.Plan)
	if err != nil {
		return err
	}
	p, err := faults.ParseFor(text, r.known())
	if err != nil {
		return usage("--plan %s: %w", r.o.Plan, err)
	}
	r.world.plan = p
	return nil
}

// known is what a plan for the run may name.
func (r *run) known() faults.Known {
	o := cluster.JobOptions{Config: r.config, Workers: r.world.workers}
	k := o.Known(r.graph, r.scenario.Slow)
	k.Refuse = func(f faults.Fault) string {
		if f.Kind.Damages() && !r.scenario.Damaged {
			return r.scenario.Name + " promises nothing if a checkpoint is damaged; " + damagedCheckpoint().Name + " does"
		}
		return unchecked(f)
	}
	return k
}

// FaultList is what simrun list --faults prints: how faults are written in a plan.
type FaultList struct {
	Faults []faults.Form `json:"faults"`
}

// ListFaults describes all kinds of faults.
func ListFaults() *FaultList { return &FaultList{faults.Forms()} }

// Text is the list for people.
func (l *FaultList) Text() string {
	s := ""
	for _, f := range l.Faults {
		s += f.Syntax + "\n  " + f.Doc + "\n"
	}
	return s
}
