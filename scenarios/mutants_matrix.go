package scenarios

import (
	"fmt"
	"slices"
	"strings"
)

// Objections are which oracles noticed a mutant, over all its runs. Keys are the
// ids of oracles, values numbers of failing runs.
type Objections struct {
	// Failed is how many runs failed.
	Failed int `json:"failed"`
	// Oracles objected in so many runs, were the First to, were the Only ones to.
	Oracles map[string]int `json:"oracles"`
	First   map[string]int `json:"first"`
	Only    map[string]int `json:"only"`
}

func newObjections() *Objections {
	return &Objections{Oracles: map[string]int{}, First: map[string]int{}, Only: map[string]int{}}
}

// add counts a run that failed.
func (o *Objections) add(violations []Violation) {
	o.Failed++
	var who []string
	for _, v := range violations {
		if !slices.Contains(who, v.Oracle) {
			who = append(who, v.Oracle)
			o.Oracles[v.Oracle]++
		}
	}
	o.First[who[0]]++
	if len(who) == 1 {
		o.Only[who[0]]++
	}
}

// alone is the one oracle that objected, empty if none or several did.
func (o *Objections) alone() string {
	if ids := o.ids(); len(ids) == 1 {
		return ids[0]
	}
	return ""
}

// ids are the oracles that objected.
func (o *Objections) ids() []string {
	var ids []string
	for id := range o.Oracles { // unordered: sorted below
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// String is the oracles with their numbers of runs.
func (o *Objections) String() string {
	var parts []string
	for _, id := range o.ids() {
		parts = append(parts, fmt.Sprintf("%s %d", id, o.Oracles[id]))
	}
	return strings.Join(parts, ", ")
}

// Noticed is what one oracle noticed, over all mutants.
type Noticed struct {
	ID string `json:"id"`
	// Kills are the mutants that it objected to in some run, First those that it was
	// the first to object to in some run, Only those where in some run nobody else did.
	Kills int `json:"kills"`
	First int `json:"first"`
	Only  int `json:"only"`
	// Alone are the mutants that no other oracle objected to in any run.
	Alone []string `json:"alone"`
}

// noticed sums up what the oracles noticed: those that judge, in their order, then
// others that objected.
func noticed(ids []string, list []*Mutant) []*Noticed {
	ids = slices.Clone(ids)
	var more []string
	for _, m := range list {
		for _, id := range m.Objections.ids() {
			if !slices.Contains(ids, id) && !slices.Contains(more, id) {
				more = append(more, id)
			}
		}
	}
	slices.Sort(more)
	var all []*Noticed
	for _, id := range append(ids, more...) {
		n := &Noticed{ID: id, Alone: []string{}}
		for _, m := range list {
			n.Kills += min(m.Oracles[id], 1)
			n.First += min(m.First[id], 1)
			n.Only += min(m.Only[id], 1)
			if m.Objections.alone() == id {
				n.Alone = append(n.Alone, m.ID)
			}
		}
		all = append(all, n)
	}
	return all
}

// judgeIDs are the oracles that judge runs, of any scenario in any mode. The one
// that only watches is none.
func judgeIDs() ([]string, error) {
	turn, err := contest("")
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, c := range turn {
		r, err := c.scenario.prepare(RunOptions{Mode: string(c.mode), Seed: 1, Lines: 1})
		if err != nil {
			return nil, err
		}
		for _, o := range newJudges(r).oracles() {
			if _, watches := o.(*watcher); !watches && !slices.Contains(ids, o.ID()) {
				ids = append(ids, o.ID())
			}
		}
	}
	return ids, nil
}

// matrix is the table of mutants and oracles, and the sum for each oracle.
func (m *Mutants) matrix(b *strings.Builder) {
	width := 0
	for _, x := range m.Mutants {
		width = max(width, len(x.ID))
	}
	fmt.Fprintf(b, "failing runs in which an oracle objected, of each mutant\n\n%-*s  runs  failed", width, "mutant")
	for _, o := range m.Oracles {
		b.WriteString("  " + o.ID)
	}
	b.WriteString("  alone\n")
	for _, x := range m.Mutants {
		row := fmt.Sprintf("%-*s  %4d  %6d", width, x.ID, x.Runs, x.Failed)
		for _, o := range m.Oracles {
			cell := "."
			if n := x.Objections.Oracles[o.ID]; n > 0 {
				cell = fmt.Sprint(n)
			}
			row += fmt.Sprintf("  %*s", len(o.ID), cell)
		}
		b.WriteString(strings.TrimRight(row+"  "+x.Objections.alone(), " ") + "\n")
	}
	b.WriteString("\nmutants that an oracle killed, was first to kill or the only one to, in some run, and those that nobody else did in any\n\n")
	fmt.Fprintf(b, "%-14s  kills  first  only  alone\n", "oracle")
	for _, o := range m.Oracles {
		alone := "none"
		if len(o.Alone) > 0 {
			alone = fmt.Sprintf("%d: %s", len(o.Alone), strings.Join(o.Alone, ", "))
		}
		fmt.Fprintf(b, "%-14s  %5d  %5d  %4d  %s\n", o.ID, o.Kills, o.First, o.Only, alone)
	}
	b.WriteString("\n")
}
