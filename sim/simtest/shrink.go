package simtest

import (
	"slices"
	"strings"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/scenarios"
	"github.com/weirstream/weir/sim/shrink"
)

// shrinkTries is how many runs a failure is worth to be made smaller.
const shrinkTries = 400

// shrink makes a failing case smaller as long as the same oracle objects: fewer faults,
// then fewer lines, then simpler faults. It depends on nothing but the case, so that the
// same seed is made smaller in the same way each time. One run at a time: the job's
// functions may share what is outside of them.
func (h *hunt) shrink(c *trial, oracle string) (shrink.Result[*trial], error) {
	first := *c
	if first.plan == nil {
		first.plan = faults.Plan{} // none, and not those of the seed
	}
	same := func(v scenarios.Violation) bool { return v.Oracle == oracle }
	return shrink.Minimize(shrink.Problem[*trial]{Case: &first, Key: (*trial).key, Fails: func(c *trial) (bool, error) {
		rep, _, err := h.run(c, false)
		return err == nil && slices.ContainsFunc(rep.Violations, same), err
	}}, shrink.Options{Runs: shrinkTries},
		shrink.List("faults", func(c *trial) int { return len(c.plan) }, withoutFaults),
		shrink.List("lines", func(c *trial) int { return len(c.input) }, withoutLines),
		shrink.Simpler("fault by fault", simplerFaults),
	)
}

// key is the same for cases that are the same run.
func (c *trial) key() string { return c.plan.String() + "\n" + strings.Join(c.input, "\n") }

func withoutFaults(c *trial, from, to int) (*trial, bool) {
	d := *c
	d.plan = slices.Delete(slices.Clone(c.plan), from, to)
	return &d, true
}

// withoutLines leaves one line: no input is no case.
func withoutLines(c *trial, from, to int) (*trial, bool) {
	d := *c
	d.input = slices.Delete(slices.Clone(c.input), from, to)
	return &d, len(d.input) > 0
}

// simplerFaults makes one fault what is easiest to understand.
func simplerFaults(c *trial) []*trial {
	var all []*trial
	for i := range c.plan {
		for _, simpler := range faultSteps {
			d := *c
			d.plan = slices.Clone(c.plan)
			if simpler(&d.plan[i]); d.plan[i] != c.plan[i] {
				all = append(all, &d)
			}
		}
	}
	return all
}

var faultSteps = []func(f *faults.Fault){
	func(f *faults.Fault) { f.When.Changes = 0 },
	func(f *faults.Fault) { f.When.Nth = min(f.When.Nth, 1) },
	func(f *faults.Fault) { f.Essential = false },
	func(f *faults.Fault) { // an essential fault may have moved to there
		if f.Essential && f.Kind.Crashes() {
			f.Essential, f.Target = false, engine.JobManagerAddress().Node
		}
	},
	func(f *faults.Fault) {
		if f.Kind == faults.MachineCrash {
			f.Kind = faults.ProcessCrash
		}
	},
	func(f *faults.Fault) { f.For = min(f.For, 100*time.Millisecond) },
}
