package protocol

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// Small is the size at which interleavings are counted, with nothing left out.
var Small = Config{Records: 1, Checkpoints: 1, Crashes: 1}

// Verdicts of a [Row] and a [Report].
const (
	Pass       = "pass"
	Fail       = "fail"
	Incomplete = "incomplete" // memory ran out
)

// Report is what several explorations saw.
type Report struct {
	Verdict string `json:"verdict"`
	Rows    []Row  `json:"explorations"`
}

// Row is one exploration.
type Row struct {
	Mode          string     `json:"mode"`
	Records       int        `json:"records"`
	Checkpoints   int        `json:"checkpoints"`
	Crashes       int        `json:"crashes"`
	Aborts        int        `json:"aborts"`
	Bug           string     `json:"bug,omitempty"`
	Reduced       bool       `json:"reduced"`
	Verdict       string     `json:"verdict"`
	States        int        `json:"states"`
	Transitions   int        `json:"transitions"`
	Finals        int        `json:"finals"`
	Depth         int        `json:"depth"`
	Interleavings float64    `json:"interleavings,omitempty"`
	Checked       int        `json:"orders_checked,omitempty"`
	Bytes         int64      `json:"bytes"`
	WallMS        int64      `json:"wall_ms"`
	Violation     *Violation `json:"violation,omitempty"`
}

// Add appends a result, and how long it took.
func (r *Report) Add(x Result, wall time.Duration) {
	row := Row{
		Mode: x.Config.Mode.String(), Records: x.Config.Records, Checkpoints: x.Config.Checkpoints, Crashes: x.Config.Crashes, Aborts: x.Config.Aborts,
		Reduced: x.Reduced, Verdict: Pass, States: x.States, Transitions: x.Transitions, Finals: x.Finals, Depth: x.Depth,
		Interleavings: x.Interleavings, Checked: x.Checked, Bytes: x.Bytes, WallMS: wall.Milliseconds(), Violation: x.Violation,
	}
	if x.Config.Bug != NoBug {
		row.Bug = x.Config.Bug.String()
	}
	switch {
	case x.Violation != nil:
		row.Verdict, r.Verdict = Fail, Fail
	case !x.Complete:
		row.Verdict = Incomplete
		if r.Verdict != Fail {
			r.Verdict = Incomplete
		}
	case r.Verdict == "":
		r.Verdict = Pass
	}
	r.Rows = append(r.Rows, row)
}

// Text is the report for people: a table, then ways to violations.
func (r Report) Text() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "mode\trecords\tcheckpoints\tcrashes\taborts\tstates\ttransitions\tinterleavings\tends\tdepth\tMiB\tseconds\t")
	for _, x := range r.Rows {
		ways := "-"
		if x.Interleavings > 0 {
			ways = fmt.Sprintf("%.2g", x.Interleavings)
		}
		reduced := ""
		if x.Reduced {
			reduced = " reduced"
		}
		fmt.Fprintf(w, "%s%s\t%d\t%d + final\t%d\t%d\t%d\t%d\t%s\t%d\t%d\t%d\t%.1f\t\n", x.Mode, reduced, x.Records, x.Checkpoints, x.Crashes, x.Aborts,
			x.States, x.Transitions, ways, x.Finals, x.Depth, x.Bytes>>20, float64(x.WallMS)/1000)
	}
	w.Flush()
	for _, x := range r.Rows {
		x.text(&b)
	}
	return b.String()
}

func (x *Row) text(b *strings.Builder) {
	if x.Checked > 0 {
		fmt.Fprintf(b, "%s: %d times two orders were executed, and made no difference\n", x.Mode, x.Checked)
	}
	switch {
	case x.Violation != nil:
		fmt.Fprintf(b, "FAIL  %s", x.Mode)
		if x.Bug != "" {
			fmt.Fprintf(b, "  bug=%s", x.Bug)
		}
		fmt.Fprintf(b, "\n  %s is broken: %d actions, found among %d states\n", x.Violation.Property, len(x.Violation.Actions), x.Violation.States)
		for i, a := range x.Violation.Actions {
			fmt.Fprintf(b, "  %3d  %s\n", i+1, a)
		}
		fmt.Fprintln(b, "  then")
		for _, line := range x.Violation.State {
			fmt.Fprintf(b, "       %s\n", line)
		}
	case x.Verdict == Incomplete:
		fmt.Fprintf(b, "%s: memory ran out; nothing was broken in the %d states reached\n", x.Mode, x.States)
	case x.Bug != "":
		fmt.Fprintf(b, "%s: bug %s breaks nothing at this size\n", x.Mode, x.Bug)
	}
}

// Listing is what can be explored.
type Listing struct {
	Modes []string    `json:"modes"`
	Bugs  []ListedBug `json:"bugs"`
}

// ListedBug is a [Bug] in a [Listing].
type ListedBug struct {
	Name     string `json:"name"`
	Mode     string `json:"mode"`
	Property string `json:"property"`
	What     string `json:"what"`
}

// List lists modes and bugs.
func List() Listing {
	var l Listing
	for _, m := range Modes {
		l.Modes = append(l.Modes, m.String())
	}
	for _, b := range Bugs {
		l.Bugs = append(l.Bugs, ListedBug{b.Name, b.Mode.String(), b.Property, b.What})
	}
	return l
}

// Text is the listing for people.
func (l Listing) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "modes: %s\n\n", strings.Join(l.Modes, ", "))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "bug\tmode\tbreaks\twhat is done wrong")
	for _, x := range l.Bugs {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", x.Name, x.Mode, x.Property, x.What)
	}
	w.Flush()
	return b.String()
}
