package scenarios

import (
	"fmt"
	"slices"
	"strings"
)

// row is a mutant's name with the medians: of runs, or of how many trials killed.
func (m *TriedMutant) row() []string {
	row := []string{fmt.Sprintf("%-33s", m.ID)}
	if m.Problem != "" {
		return append(row, "NOT JUDGED: "+m.Problem)
	}
	for _, o := range m.Results {
		cell := fmt.Sprintf("%d of %d", o.Killed, len(o.All))
		if o.Runs != nil {
			cell = fmt.Sprintf("%g", *o.Runs)
		}
		row = append(row, fmt.Sprintf("%16s", cell))
	}
	return row
}

// Text is the outcome for people.
func (t *Trials) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "median number of runs to a kill, of %d trials of %g s; \"2 of 5\" is how many trials killed, if not most\n\n%-33s", t.Trials, t.BudgetSeconds, "")
	for _, s := range t.Strategies {
		fmt.Fprintf(&b, "  %16s", s)
	}
	b.WriteString("\n")
	for _, m := range t.Mutants {
		b.WriteString(strings.Join(m.row(), "  ") + "\n")
	}
	if len(t.Summary) == 0 {
		return b.String()
	}
	line := func(name string, cell func(x *Searched) string) {
		fmt.Fprintf(&b, "%-33s", name)
		for _, x := range t.Summary {
			fmt.Fprintf(&b, "  %16s", cell(x))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	line("mutants killed in most trials", func(x *Searched) string { return fmt.Sprint(x.Mutants) })
	line(fmt.Sprintf("runs, geometric mean of %d", t.Summary[0].Common), func(x *Searched) string { return fmt.Sprintf("%.1f", x.Runs) })
	line("seconds", func(x *Searched) string { return fmt.Sprintf("%.2f", x.Seconds) })
	line("fewest runs", func(x *Searched) string { return fmt.Sprint(x.Best) })
	return b.String()
}

// Judged reports whether every mutant could be.
func (t *Trials) Judged() bool {
	return !slices.ContainsFunc(t.Mutants, func(m *TriedMutant) bool { return m.Problem != "" })
}
