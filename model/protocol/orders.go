package protocol

import "fmt"

// checkOrders executes, in a state, what reducing rests on, and returns how many times:
// two actions that are said to commute do, and one that is taken before all else stays
// enabled whatever else comes first, and leads to the same state; across a crash, to the
// same next attempt. An error names two actions that break it.
func (c Config) checkOrders(s *State) (checked int, err error) {
	set := c.enabled(s)
	alone := c.alone(s, set)
	for as := set; as != 0; as &= as - 1 {
		a := lowest(as)
		first, _ := c.step(s, a)
		for bs := set &^ (1 << a); bs != 0; bs &= bs - 1 {
			b := lowest(bs)
			why := ""
			switch {
			case alone>>a&1 == 1 && b >= crash && b <= lead:
				why = c.acrossCrash(s, &first, b)
			case alone>>a&1 == 1 || a < b && c.footprint(s, a).independent(c.footprint(s, b)):
				why = c.differ(s, &first, a, b)
			default:
				continue
			}
			checked++
			if why != "" {
				return checked, fmt.Errorf("%s: %q and %q: %s", c, c.describe(s, a), c.describe(s, b), why)
			}
		}
	}
	return checked, nil
}

// differ says what the order of two actions changes, nothing if they commute. First is
// the state behind a.
func (c Config) differ(s, first *State, a, b Action) string {
	other, _ := c.step(s, b)
	if c.enabled(first)>>b&1 == 0 || c.enabled(&other)>>a&1 == 0 && !other.finished {
		return "one disables the other"
	}
	ab, _ := c.step(first, b)
	ba := other // the end of the job is that of everything
	if !other.finished {
		ba, _ = c.step(&other, a)
	}
	if ab != ba {
		return "the order changes the state"
	}
	return ""
}

// acrossCrash compares the attempts that follow a crash, or its being noticed, with and
// without what comes first; nothing if the crash can't be noticed yet.
func (c Config) acrossCrash(s, first *State, b Action) string {
	notice := b
	switch {
	case b == crashLeader:
		notice = lead
	case b < crashLeader:
		notice = failover
	}
	var after [2]State
	for i, t := range [...]State{*s, *first} {
		if b != notice {
			if c.enabled(&t)>>b&1 == 0 {
				return ""
			}
			t, _ = c.step(&t, b)
		}
		if c.enabled(&t)>>notice&1 == 0 {
			return ""
		}
		t, _ = c.step(&t, notice)
		after[i] = c.settle(t)
	}
	if after[0] != after[1] {
		return "the next attempt differs"
	}
	return ""
}

// settle takes all messages that have no effect, also those for a sink that has to
// recover first.
func (c Config) settle(s State) State {
	for t := range tasks {
		for s.toJM[t] != 0 && c.lateAtLeader(&s, s.toJM[t].head()) {
			s.toJM[t] = s.toJM[t].pop()
		}
		for s.toTask[t] != 0 && c.lateAtTask(&s, t, s.toTask[t].head()) {
			s.toTask[t] = s.toTask[t].pop()
		}
	}
	return s
}
