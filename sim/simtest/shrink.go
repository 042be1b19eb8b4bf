package simtest

import (
	"slices"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/scenarios"
)

// shrinkTries is how many runs a failure is worth to be made smaller.
const shrinkTries = 400

// shrinker makes a failing case smaller as long as the same oracle objects: fewer
// faults, then fewer lines, then simpler faults. It depends on nothing but the case, so
// that the same seed is made smaller in the same way each time.
type shrinker struct {
	hunt   *hunt
	oracle string
	best   trial
	tries  int
}

func (s *shrinker) shrink() error {
	for before := -1; before != s.size(); {
		before = s.size()
		for _, step := range []func() error{s.fewerFaults, s.fewerLines, s.simplerFaults} {
			if err := step(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *shrinker) size() int { return len(s.best.plan) + len(s.best.input) }

// try takes a case over if it fails in the same way.
func (s *shrinker) try(c trial) (bool, error) {
	if s.tries >= shrinkTries {
		return false, nil
	}
	s.tries++
	if c.plan == nil {
		c.plan = faults.Plan{} // none, and not those of the seed
	}
	rep, _, err := s.hunt.run(&c, false)
	if err != nil {
		return false, err
	}
	same := func(v scenarios.Violation) bool { return v.Oracle == s.oracle }
	if !slices.ContainsFunc(rep.Violations, same) {
		return false, nil
	}
	s.best = c
	return true, nil
}

// fewerFaults leaves out what is not needed, half of them at a time and then each.
func (s *shrinker) fewerFaults() error {
	return fewer(len(s.best.plan), func(from, to int) (bool, error) {
		c := s.best
		c.plan = slices.Delete(slices.Clone(c.plan), from, to)
		return s.try(c)
	})
}

// fewerLines does the same to the input. One line is left: no input is no case.
func (s *shrinker) fewerLines() error {
	return fewer(len(s.best.input), func(from, to int) (bool, error) {
		c := s.best
		if to-from == len(c.input) {
			return false, nil
		}
		c.input = slices.Delete(slices.Clone(c.input), from, to)
		return s.try(c)
	})
}

// fewer leaves out ranges of n things, large ones first, given what leaves one out and
// says whether it could.
func fewer(n int, without func(from, to int) (bool, error)) error {
	for size := n; size > 0; size /= 2 {
		for to := n; to > 0; {
			from := max(to-size, 0)
			ok, err := without(from, to)
			if err != nil {
				return err
			}
			if ok {
				n -= to - from
			}
			to = from
		}
	}
	return nil
}

// simplerFaults makes each fault that is left what is easiest to understand.
func (s *shrinker) simplerFaults() error {
	for i := range s.best.plan {
		for _, simpler := range []func(f *faults.Fault){
			func(f *faults.Fault) { f.When.Changes = 0 },
			func(f *faults.Fault) { f.When.Nth = min(f.When.Nth, 1) },
			func(f *faults.Fault) { f.Essential = false },
			func(f *faults.Fault) { // an essential fault may have moved to there
				if f.Essential {
					f.Essential, f.Target = false, engine.JobManagerAddress().Node
				}
			},
			func(f *faults.Fault) {
				if f.Kind == faults.MachineCrash {
					f.Kind = faults.ProcessCrash
				}
			},
			func(f *faults.Fault) { f.For = min(f.For, 100*time.Millisecond) },
		} {
			c := s.best
			c.plan = slices.Clone(c.plan)
			simpler(&c.plan[i])
			if c.plan[i] == s.best.plan[i] {
				continue
			}
			if _, err := s.try(c); err != nil {
				return err
			}
		}
	}
	return nil
}
