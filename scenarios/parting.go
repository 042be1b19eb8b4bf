package scenarios

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/sim/cluster"
	"github.com/weirstream/weir/sim/trace"
)

// attempts is how often a run that was not deterministic is made again to see where it
// leaves its trace.
const attempts = 8

// follow makes the run again and compares it with a trace.
func (r *run) follow(t *trace.Trace) (*Report, *trace.Follower, error) {
	var follower *trace.Follower
	rep, _, err := r.execute(func() (*cluster.Recorder, error) {
		rec := &cluster.Recorder{}
		follower = t.Follow(rec.Name, cluster.Describe)
		rec.To = func(r *trace.Record) { follower.Next(r) }
		return rec, nil
	})
	return rep, follower, err
}

// newDifference is a difference as it is reported.
func newDifference(d *trace.Difference) *Difference {
	first := &Difference{Trace: d.WantLine, Run: d.GotLine, Differs: []string{}}
	for _, f := range d.Fields {
		first.Differs = append(first.Differs, fmt.Sprintf("%s: trace %s, run %s", f.Name, f.Want, f.Got))
	}
	if d.Got != nil {
		first.Event = d.Got.Number
	}
	if d.Want != nil {
		first.Event = d.Want.Number
	}
	return first
}

// differs says that the same run again had another hash. It is the first violation:
// what the others say is of one run of several.
func (r *Report) differs(again *Report) {
	if r.Verdict == Nondeterministic {
		return
	}
	r.Verdict = Nondeterministic
	r.Violations = append([]Violation{{Oracle: "determinism",
		Message: fmt.Sprintf("the same seed gave hash %s and then %s", r.TraceHash, again.TraceHash)}}, r.Violations...)
}

// part makes a run that was not deterministic again, until it leaves the trace of it,
// and names the first event in which it does.
func (r *run) part(rep *Report, t *trace.Trace) error {
	v := &rep.Violations[0]
	for range attempts {
		again, follower, err := r.follow(t)
		if err != nil {
			return err
		}
		d := follower.End(again.Verdict)
		switch {
		case d == nil:
			continue
		case d.Err != nil:
			return d.Err
		}
		rep.FirstDifference = newDifference(d)
		v.Event = rep.FirstDifference.Event
		v.Message += "\n" + rep.FirstDifference.text()
		return nil
	}
	v.Message += fmt.Sprintf("\nthe trace is of one of them; %d more runs were like it, so that no event can be named", attempts)
	return nil
}

// text names the event, with both lines: number, time, node, what, cause.
func (d *Difference) text() string {
	lines := []string{fmt.Sprintf("the first event that differs is %d", d.Event)}
	for _, side := range [][2]string{{"trace", d.Trace}, {"run  ", d.Run}} {
		if side[1] == "" {
			side[1] = "has ended"
		}
		lines = append(lines, side[0]+"  "+side[1])
	}
	return strings.Join(append(lines, d.Differs...), "\n")
}
