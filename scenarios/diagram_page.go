package scenarios

import (
	"bytes"
	"fmt"

	"github.com/weirstream/weir/sim/trace/page"
)

// writePage draws what a view's bounds leave of a trace, as a page for a browser.
func (p *Replayed) writePage(path string, v View) error {
	first, last := v.bounds()
	d, err := newDiagram(p.trace, first, last)
	if err != nil {
		return err
	}
	if len(d.page.Events) == 0 {
		return usage("--html %s: there is nothing to draw between the bounds; leave --from-event and --to-event out", path)
	}
	p.describe(d)
	var out bytes.Buffer
	if err := d.page.Write(&out); err != nil {
		return err
	}
	return writeWhole(path, out.Bytes())
}

// describe fills the page's head.
func (p *Replayed) describe(d *diagram) {
	h := p.trace.Header
	g := d.page
	g.Title = fmt.Sprintf("%s, seed %d, %s", h.Scenario, h.Seed, h.Mode)
	g.Verdict, g.Good = p.Recorded, p.Recorded == Pass
	fact := func(name, format string, args ...any) {
		g.Facts = append(g.Facts, [2]string{name, fmt.Sprintf(format, args...)})
	}
	fact(map[bool]string{true: "hash of the last record", false: "hash"}[p.NotRun], "%s", p.TraceHash)
	fact("records", "%d, of them here %d", p.trace.Count, len(g.Events))
	fact("ends at", "%.6f s", float64(g.Events[len(g.Events)-1].Time)/1e9)
	fact("strategy", "%s", h.Strategy)
	fact("engine", "%s, %s", h.Commit, h.Go)
	for _, f := range planOf(p.trace) {
		fact("fault", "%s", f)
	}
	g.Commands = append(g.Commands, p.rerun(), "simrun replay "+p.path)
	switch {
	case p.NotRun:
		g.Remarks = append(g.Remarks, "The trace was not run again: the verdict is the recorded one.")
	case !p.Agreed:
		g.Remarks = append(g.Remarks, "The run was not the same again: "+p.difference)
	default:
		p.violations(d)
	}
}

func (p *Replayed) violations(d *diagram) {
	for _, v := range p.report.Violations {
		at, ok := d.at[v.Event]
		if !ok {
			at = -1
		}
		d.page.Violations = append(d.page.Violations, page.Violation{Event: at, Number: v.Event, Text: v.Oracle + ": " + v.Message})
		d.page.Commands = append(d.page.Commands, fmt.Sprintf("simrun replay %s --causes %d", p.path, v.Event))
	}
}

// rerun is the command that runs what the trace records.
func (p *Replayed) rerun() string {
	o, err := optionsOf(p.path, p.trace)
	if err != nil {
		return "simrun run " + p.trace.Header.Scenario + " # " + err.Error()
	}
	return (&run{scenario: &Scenario{Name: o.Scenario}, mode: Mode(o.Mode), o: o}).command()
}
