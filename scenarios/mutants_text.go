package scenarios

import (
	"fmt"
	"slices"
	"strings"
)

// word is a mutant's outcome in a word; in capitals if it is not what it should be.
func (m *Mutant) word() string {
	switch {
	case m.Problem != "":
		return "NOT JUDGED"
	case m.traced && !m.Replayed:
		return "NOT REPLAYED"
	case m.notAlone() != "":
		return "NOT ALONE"
	case m.Killed && m.Survives == "":
		return "killed"
	case m.Killed:
		return "KILLED"
	case m.Survives != "":
		return "survives"
	}
	return "SURVIVED"
}

// line is a mutant's outcome in one line.
func (m *Mutant) line() string {
	what := m.Message
	switch {
	case m.Problem != "":
		what = m.Problem
	case m.traced && !m.Replayed:
	case m.notAlone() != "":
		what = fmt.Sprintf("expected to be noticed by %s alone, was by %s", m.Alone, m.notAlone())
	case m.Killed:
		what = fmt.Sprintf("by %s: %s", m.Oracle, m.run(m.Scenario, m.Mode, m.Seed))
		if m.Survives != "" {
			what += ", and was expected to survive: " + m.Survives
		}
	case m.Survives != "":
		what = "as expected: " + m.Survives
	}
	line := fmt.Sprintf("%-10s  %-33s  %4d runs  %5.1f s  built in %4.1f s  %s", m.word(), m.ID, m.Runs, m.Seconds, m.BuildSeconds, what)
	return strings.TrimRight(line, " ")
}

// run says which of the mutant's runs one is, in the words of the command line.
func (m *Mutant) run(scenario string, mode Mode, seed uint64) string {
	s := fmt.Sprintf("%s %s seed %d", scenario, mode, seed)
	if m.Strategy != "" {
		s += " strategy " + m.Strategy
	}
	return s
}

// Text is the list or the outcome for people.
func (m *Mutants) Text() string {
	var b strings.Builder
	for _, x := range m.Mutants {
		if m.Oracles != nil && x.asExpected() {
			continue // the matrix says it
		}
		if x.Outcome == nil {
			bug := x.Bug
			if bug == "" {
				bug = "-"
			}
			fmt.Fprintf(&b, "%-33s  %-18s  %s\n", x.ID, bug, x.What)
			continue
		}
		b.WriteString(x.line() + "\n")
		if x.Trace != "" {
			b.WriteString("            " + x.Trace + "\n")
		}
	}
	if m.Score == nil {
		return b.String()
	}
	if m.Oracles != nil {
		m.matrix(&b)
	}
	fmt.Fprintf(&b, "%d of %d killed", m.Killed, m.Total)
	if m.KilledByPanic > 0 {
		fmt.Fprintf(&b, ", %d of them only by a panic or an assertion", m.KilledByPanic)
	}
	if t := m.killTimes(); len(t) > 0 {
		fmt.Fprintf(&b, "; a kill took %.1f s in the median, %.1f s at most", t[len(t)/2], t[len(t)-1])
	}
	if m.Unexpected > 0 {
		fmt.Fprintf(&b, "; %d did not end as expected", m.Unexpected)
	}
	return b.String() + "\n"
}

// killTimes is how long the runs that killed took, builds apart, ascending.
func (m *Mutants) killTimes() []float64 {
	var times []float64
	for _, x := range m.Mutants {
		if x.Killed {
			times = append(times, x.Seconds)
		}
	}
	slices.Sort(times)
	return times
}
