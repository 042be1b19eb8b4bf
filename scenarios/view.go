package scenarios

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim/cluster"
	"github.com/weirstream/weir/sim/trace"
)

// View says which events of a trace to show: those that all of its fields want. The
// zero View shows none.
type View struct {
	Around      uint64 // up to 20 before and behind this event, 0 for no such wish, as below
	Causes      uint64 // this event and its causes
	First, Last uint64
	Node        string
	Checkpoint  uint64
	Fault       string // around the events of this fault of the plan
}

// ReplayOptions says what to do with a trace.
type ReplayOptions struct {
	View View
	HTML string // where to draw the run, empty for nowhere
	// NoRun only reads the trace: the verdict is the recorded one.
	NoRun bool
}

// ReplayTrace runs what a trace records again, unless told not to, shows what is
// asked for in Shown, and draws it. An error is a *UsageError: nothing is written.
func ReplayTrace(path string, o ReplayOptions) (*Replayed, error) {
	t, err := trace.Open(path)
	if err != nil {
		return nil, &UsageError{err}
	}
	if err := checkDistinct(place{"trace", path}, place{"--html", o.HTML}); err != nil {
		return nil, err
	}
	if err := checkOutput("--html", o.HTML); err != nil {
		return nil, err
	}
	text, err := o.View.text(t)
	if err != nil {
		return nil, err
	}
	p := &Replayed{
		NotRun: true, TraceHash: fmt.Sprintf("%016x", t.Hash), Verdict: t.Verdict, Recorded: t.Verdict, Records: t.Count,
		Scenario: t.Header.Scenario, Seed: t.Header.Seed, path: path, trace: t,
	}
	if !o.NoRun {
		if p, err = Replay(path); err != nil {
			return nil, err
		}
	}
	if p.Shown, err = p.Text(0); err != nil {
		return nil, err
	}
	p.Shown = text + p.Shown
	if o.HTML == "" {
		return p, nil
	}
	return p, p.writePage(o.HTML, o.View)
}

// bounds are the first and last event of a view.
func (v View) bounds() (first, last uint64) {
	if v.Last == 0 {
		return v.First, trace.All
	}
	return v.First, v.Last
}

// text is the events of a view, and an empty line; empty for the zero View. An error
// is a *UsageError that names what there is.
func (v View) text(t *trace.Trace) (string, error) {
	if v == (View{}) {
		return "", nil
	}
	first, last := v.bounds()
	if first > last {
		return "", usage("--from-event %d is behind --to-event %d", first, last)
	}
	c := &contents{nodes: map[string]bool{}, checkpoints: map[uint64]bool{}, causes: map[uint64]uint64{}, faults: map[int][]uint64{}}
	if err := t.Each(func(r trace.Record) error { c.add(t, r); return nil }); err != nil {
		return "", err
	}
	keep := []func(r trace.Record) bool{func(r trace.Record) bool { return r.Number >= first && r.Number <= last }}
	if v.Around > 0 {
		keep = append(keep, near([]uint64{v.Around}))
	}
	if v.Node != "" {
		if !c.nodes[v.Node] {
			return "", usage("--node %s: the trace has no such node; it has %s", v.Node, strings.Join(slices.Sorted(maps.Keys(c.nodes)), ", "))
		}
		keep = append(keep, func(r trace.Record) bool { return t.Name(r.Where) == v.Node })
	}
	for _, f := range []func(*trace.Trace, *contents) (func(trace.Record) bool, error){v.byCause, v.byCheckpoint, v.byFault} {
		k, err := f(t, c)
		if err != nil {
			return "", err
		}
		if k != nil {
			keep = append(keep, k)
		}
	}
	var b strings.Builder
	err := t.Select(&b, describing(t), func(r trace.Record) bool {
		return !slices.ContainsFunc(keep, func(k func(trace.Record) bool) bool { return !k(r) })
	})
	if err != nil {
		return "", err
	}
	return b.String() + "\n", nil
}

// near wants the events up to 20 before and behind some.
func near(events []uint64) func(trace.Record) bool {
	return func(r trace.Record) bool {
		return slices.ContainsFunc(events, func(n uint64) bool {
			first, last := n-min(n, 20), n+min(math.MaxUint64-n, 20)
			return r.Number >= first && r.Number <= last
		})
	}
}

func (v View) byCause(_ *trace.Trace, c *contents) (func(trace.Record) bool, error) {
	if v.Causes == 0 {
		return nil, nil
	}
	if _, ok := c.causes[v.Causes]; !ok {
		return nil, usage("--causes %d: the trace has no event of that number; the one before it is %d, and the last %d", v.Causes, c.before(v.Causes), c.last)
	}
	chain := map[uint64]bool{}
	for n := v.Causes; n != 0 && !chain[n]; n = c.causes[n] {
		chain[n] = true
	}
	return func(r trace.Record) bool { return chain[r.Number] }, nil
}

func (v View) byCheckpoint(t *trace.Trace, c *contents) (func(trace.Record) bool, error) {
	if v.Checkpoint == 0 {
		return nil, nil
	}
	if !c.checkpoints[v.Checkpoint] {
		if len(c.checkpoints) == 0 {
			return nil, usage("--checkpoint %d: the trace has no checkpoint", v.Checkpoint)
		}
		ids := make([]uint64, 0, len(c.checkpoints))
		for id := range c.checkpoints { // unordered: their least and greatest are taken
			ids = append(ids, id)
		}
		return nil, usage("--checkpoint %d: the trace has no such checkpoint; it has some from %d to %d", v.Checkpoint, slices.Min(ids), slices.Max(ids))
	}
	named := regexp.MustCompile(fmt.Sprintf(`: (trigger|ack|complete|abort|decline|savepoint) %d\b|(^|/)chk-%d(/|$)|^ha/completed-%d$`, v.Checkpoint, v.Checkpoint, v.Checkpoint))
	return func(r trace.Record) bool {
		if _, _, ok := cluster.Engine(r, t.Name); ok {
			return r.B == v.Checkpoint
		}
		return named.MatchString(t.Name(r.Peer))
	}, nil
}

func (v View) byFault(t *trace.Trace, c *contents) (func(trace.Record) bool, error) {
	if v.Fault == "" {
		return nil, nil
	}
	var names []string
	for i, f := range planOf(t) {
		name, rest, _ := strings.Cut(f, " ")
		name = strings.TrimSuffix(name, "!") // essential
		if name != v.Fault {
			names = append(names, name)
			continue
		}
		if len(c.faults[i]) == 0 {
			return nil, usage("--fault %s: it has no event in the trace; it is %q", name, strings.TrimSpace(rest))
		}
		return near(c.faults[i]), nil
	}
	if len(names) == 0 {
		return nil, usage("--fault %s: the trace names no faults", v.Fault)
	}
	return nil, usage("--fault %s: the plan has no such fault; it has %s", v.Fault, strings.Join(names, ", "))
}

// contents is what a trace has of what can be asked for.
type contents struct {
	nodes       map[string]bool
	checkpoints map[uint64]bool
	causes      map[uint64]uint64
	faults      map[int][]uint64 // events by position in the plan
	last        uint64
}

func (c *contents) add(t *trace.Trace, r trace.Record) {
	if node := t.Name(r.Where); node != "" {
		c.nodes[node] = true
	}
	if k, _, ok := cluster.Engine(r, t.Name); ok && k == host.CheckpointTriggered {
		c.checkpoints[r.B] = true
	}
	if _, ok := c.causes[r.Number]; !ok {
		c.causes[r.Number] = r.Cause
	}
	if i := cluster.FaultOf(r, t.Name); i >= 0 {
		c.faults[i] = append(c.faults[i], r.Number)
	}
	c.last = r.Number
}

// before is the number of the last event before n, 0 for none.
func (c *contents) before(n uint64) uint64 {
	most := uint64(0)
	for m := range c.causes { // unordered: the greatest is taken
		if m < n {
			most = max(most, m)
		}
	}
	return most
}

// describing says what a record of a trace is, and of a crash or damage by which fault.
func describing(t *trace.Trace) trace.Describe {
	plan := planOf(t)
	return func(r trace.Record, names trace.Names) string {
		text := cluster.Describe(r, names)
		if i := cluster.FaultOf(r, names); i >= 0 && i < len(plan) && names(r.Kind) != "fault" {
			name, _, _ := strings.Cut(plan[i], " ")
			text += ", by " + strings.TrimSuffix(name, "!")
		}
		return text
	}
}

// planOf are the faults that a trace was recorded with, none if it does not say.
func planOf(t *trace.Trace) []string {
	if s := t.Header.Extra[extraPlan]; s != "" {
		return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	}
	return nil
}
