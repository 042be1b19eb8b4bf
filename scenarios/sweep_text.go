package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weirstream/weir/faults"
)

// Text is the report for people.
func (r *SweepReport) Text() string {
	var b strings.Builder
	word := map[string]string{Pass: "PASS", Fail: "FAIL", Nondeterministic: "NOT DETERMINISTIC"}[r.Verdict]
	if r.Interrupted && r.Verdict == Pass {
		word = "INTERRUPTED"
	}
	fmt.Fprintf(&b, "%s  sweep  %d runs, %d failures", word, r.Runs, len(r.Failures))
	if r.Verified > 0 {
		fmt.Fprintf(&b, ", %d made twice with the same hash", r.Verified)
	}
	b.WriteString("\n\n")
	if r.Interrupted {
		b.WriteString("interrupted: this is a partial report, of the runs that had ended\n\n")
	}
	if f := r.FirstFailure; f != nil {
		fmt.Fprintf(&b, "first failure  in run %d, seed %d, after %.1f s\n", f.Runs, f.Seed, f.Seconds)
		if f.Case != "" {
			fmt.Fprintf(&b, "made smaller   simrun run --case %s\n", f.Case)
		}
		b.WriteString("\n")
	}
	r.failures(&b)
	r.totals(&b)
	r.printShares(&b)
	r.coverage(&b)
	fmt.Fprintf(&b, "\nran  %d events, %.1f virtual seconds in %.1f s: %.0f events and %.1f runs a second\n",
		r.Events, r.VirtualSeconds, r.WallSeconds, r.EventsPerSecond, r.RunsPerSecond)
	fmt.Fprintf(&b, "     %d histories judged by porcupine, too, which left %d partitions open\n", r.Searched, r.Exhausted)
	return b.String()
}

func (r *SweepReport) failures(b *strings.Builder) {
	for _, v := range r.Violations {
		fmt.Fprintf(b, "%s: %s\n\n", v.Oracle, v.Message)
	}
	for _, g := range r.Groups {
		g.print(b)
	}
}

// shortened leaves out the middle of a text of many lines.
func shortened(text string) string {
	const head, tail = 20, 20
	lines := strings.SplitAfter(text, "\n")
	if len(lines) <= head+tail+1 {
		return text
	}
	left := fmt.Sprintf("  ...          %d lines, which the commands below show\n", len(lines)-head-tail)
	return strings.Join(lines[:head], "") + left + strings.Join(lines[len(lines)-tail:], "")
}

func (r *SweepReport) totals(b *strings.Builder) {
	rows := [][]string{{"", "runs", "failures", "records", "committed", "twice", "checkpoints", "aborted", "declined", "expired", "restores"}}
	var fired [][]string
	for _, p := range r.pairs {
		t := r.ByScenario[p.scenario.Name][p.mode]
		name := p.scenario.Name + " " + string(p.mode)
		row := []string{name}
		for _, n := range []int64{int64(t.Runs), int64(t.Failures), t.In, t.Out, t.Twice, int64(t.Checks.Completed),
			int64(t.Checks.Aborted), int64(t.Checks.Declined), int64(t.Checks.Expired), int64(t.Restores)} {
			row = append(row, fmt.Sprint(n))
		}
		rows = append(rows, row)
		fired = append(fired, append([]string{name}, byKind(t.Faults)...))
	}
	table(b, rows)
	b.WriteString("\nfaults\n")
	table(b, fired)
	kinds, counts := []string{"all of them"}, []string{""}
	for i, kind := range faults.Kinds() {
		kinds, counts = append(kinds, string(kind)), append(counts, fmt.Sprint(r.Faults[string(kind)]))
		if (i+1)%10 == 0 {
			table(b, [][]string{kinds, counts})
			kinds, counts = []string{"           "}, []string{""}
		}
	}
	table(b, [][]string{kinds, counts})
}

// byKind is the kinds of fault with how often each happened, by name.
func byKind(faults map[string]int) []string {
	var list []string
	for kind, n := range faults { // unordered: sorted below
		list = append(list, fmt.Sprintf("%s %d", kind, n))
	}
	slices.Sort(list)
	return list
}

func (r *SweepReport) printShares(b *strings.Builder) {
	fmt.Fprintf(b, "\nshares of runs with, and what they must be in %d runs or more\n", asserted)
	var rows [][]string
	for _, s := range r.shares {
		share := "none"
		if s.Of > 0 {
			share = fmt.Sprintf("%.0f %%", s.Share*100)
		}
		rows = append(rows, []string{s.what, share, fmt.Sprintf("%.0f %%", s.Floor*100)})
	}
	table(b, rows)
}

func (r *SweepReport) coverage(b *strings.Builder) {
	fmt.Fprintf(b, "\ncoverage  %d of %d reached, in runs by mode\n", r.Coverage.Hit, r.Coverage.Reachable)
	modes := r.modes()
	head := []string{""}
	for _, m := range modes {
		head = append(head, string(m))
	}
	rows := [][]string{head}
	var unhit []string
	for _, p := range points {
		row := []string{p.name}
		for _, m := range modes {
			cell := fmt.Sprint(r.Coverage.Points[p.name][m])
			row = append(row, cell)
			if cell == "0" {
				unhit = append(unhit, fmt.Sprintf("  %s, %s: %s", p.name, m, p.what))
			}
		}
		rows = append(rows, row)
	}
	table(b, rows)
	if len(unhit) > 0 {
		fmt.Fprintf(b, "\nnot reached\n%s\n", strings.Join(unhit, "\n"))
	}
}

// modes are those of the sweep, sorted.
func (r *SweepReport) modes() []Mode {
	var modes []Mode
	for _, p := range r.pairs {
		if !slices.Contains(modes, p.mode) {
			modes = append(modes, p.mode)
		}
	}
	slices.Sort(modes)
	return modes
}

// table prints rows in columns, all but the first to the right.
func table(b *strings.Builder, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len(cell))
		}
	}
	for _, row := range rows {
		b.WriteString(" ")
		for i, cell := range row {
			if i == 0 {
				fmt.Fprintf(b, " %-*s", widths[i], cell)
			} else {
				fmt.Fprintf(b, "  %*s", widths[i], cell)
			}
		}
		b.WriteByte('\n')
	}
}
