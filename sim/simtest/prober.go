package simtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/sim/shrink"
)

// orders is how many orders of two inputs are tried: all, if there are no more.
const orders = 300

// prober tries an operator in every way in which its steps may come.
type prober struct {
	inputs int
	seed   uint64
	make   func() (*instance, error)
	runs   int
}

// way is how the steps come. Points are numbered from 0: one is behind each record and
// each timer that has fired.
type way struct {
	tight bool
	// after is the point of a restore, -1 for none; every means after each point.
	after int
	every bool
	// late says that the snapshot is written once the first instance has gone on.
	late bool
}

func (w way) String() string {
	switch {
	case w.tight:
		return "with room for one record of output at a time"
	case w.every:
		return "with a snapshot restored after each record and timer"
	case w.late:
		return "with a snapshot after the " + nth(w.after+1) + " record or timer that is written once it has gone on"
	}
	return "with a snapshot restored after the " + nth(w.after+1) + " record or timer"
}

// nth is a number in its place.
func nth(n int) string {
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			return fmt.Sprint(n, "st")
		case 2:
			return fmt.Sprint(n, "nd")
		case 3:
			return fmt.Sprint(n, "rd")
		}
	}
	return fmt.Sprint(n, "th")
}

// probe tries all orders of the inputs' steps, each in all ways.
func (p *prober) probe(inputs [][]Step, want []string, anyOrder bool) (string, error) {
	all, of := p.merges(inputs)
	if anyOrder {
		want = slices.Sorted(slices.Values(want))
	}
	for _, steps := range all {
		got, err := p.run(steps, way{after: -1}, nil)
		if err != nil {
			return "", err
		}
		if anyOrder && want != nil {
			slices.Sort(got.output)
		}
		if want != nil && (got.err != nil || !slices.Equal(got.output, want)) {
			wanted := &outcome{output: want, state: got.state}
			return "", fmt.Errorf("simtest: the plain run is not what is wanted\n%s%s", told(steps), differ(got, wanted))
		}
		if err := p.ways(steps); err != nil {
			return "", p.least(steps, err)
		}
	}
	text := fmt.Sprintf("%d runs of %d steps", p.runs, len(all[0]))
	switch {
	case p.inputs > 1 && of == len(all):
		text += fmt.Sprintf(", in all %d orders of the inputs", of)
	case p.inputs > 1:
		text += fmt.Sprintf(", in %d orders of the inputs, not all, drawn from seed %d", len(all), p.seed)
	}
	return text, nil
}

// found is a way that makes a difference.
type found struct{ text string }

func (f *found) Error() string { return f.text }

// ways tries all ways for steps in one order; a *found is a difference.
func (p *prober) ways(steps []Step) error {
	points := 0
	want, err := p.run(steps, way{after: -1}, &points)
	if err != nil {
		return err
	}
	ways := []way{{tight: true, after: -1}}
	for i := range points {
		ways = append(ways, way{after: i}, way{after: i, late: true})
	}
	ways = append(ways, way{after: -1, every: true})
	for _, w := range ways {
		got, err := p.run(steps, w, nil)
		if err != nil {
			return err
		}
		if !got.equal(want) {
			return &found{fmt.Sprintf("simtest: the operator makes something else %s than without\n%s%s", w, told(steps), differ(got, want))}
		}
	}
	return nil
}

// least leaves out steps as long as some way makes a difference, the last ones first.
func (p *prober) least(steps []Step, err error) error {
	if _, ok := err.(*found); !ok {
		return err
	}
	why := map[string]error{}
	least, _ := shrink.Minimize(shrink.Problem[[]Step]{Case: steps, Key: told, Fails: func(less []Step) (bool, error) {
		f, ok := p.ways(less).(*found)
		if ok {
			why[told(less)] = f
		}
		return ok, nil
	}}, shrink.Options{}, shrink.List("steps", func(c []Step) int { return len(c) }, func(c []Step, from, to int) ([]Step, bool) {
		return slices.Delete(slices.Clone(c), from, to), true
	}))
	if least.Taken > 0 {
		err = why[told(least.Case)]
	}
	return err
}

// told is the steps in words.
func told(steps []Step) string {
	var b strings.Builder
	for i, s := range steps {
		fmt.Fprintf(&b, "  %-8d %s\n", i+1, s)
	}
	return b.String()
}

// merges are the orders in which steps of two inputs can come, and how many there are
// in all, -1 for very many.
func (p *prober) merges(inputs [][]Step) (all [][]Step, of int) {
	if len(inputs) == 1 {
		return inputs, 1
	}
	a, b := inputs[0], inputs[1]
	if of = binomial(len(a)+len(b), len(a)); of >= 0 && of <= orders {
		var merge func(done, a, b []Step)
		merge = func(done, a, b []Step) {
			if len(a) == 0 || len(b) == 0 {
				all = append(all, slices.Concat(done, a, b))
				return
			}
			merge(append(slices.Clone(done), a[0]), a[1:], b)
			merge(append(slices.Clone(done), b[0]), a, b[1:])
		}
		merge(nil, a, b)
		return all, of
	}
	r := rand.New(rand.NewPCG(p.seed, 1))
	for range orders {
		var steps []Step
		for i, j := 0, 0; i+j < len(a)+len(b); {
			if r.IntN(len(a)+len(b)-i-j) < len(a)-i { // all orders are equally likely
				steps, i = append(steps, a[i]), i+1
			} else {
				steps, j = append(steps, b[j]), j+1
			}
		}
		all = append(all, steps)
	}
	return all, of
}

// binomial is n over k, -1 if it is above a million.
func binomial(n, k int) int {
	c := 1
	for i := 1; i <= k; i++ {
		if c = c * (n - k + i) / i; c > 1_000_000 {
			return -1
		}
	}
	return c
}

// course is one run of an operator.
type course struct {
	prober *prober
	way    way
	in     *instance
	out    []string // of the instances before this one
	points int
	marks  []int64 // by input
	mark   int64   // of the operator
	clock  int64
	// hold keeps the snapshot and goes on; data is one that was kept so.
	hold   bool
	held   operator.Snapshot
	data   []byte
	err    error // of the operator
	broken error // of the caller
}

// run makes one run; the error is the caller's fault, or a state that can't be restored.
func (p *prober) run(steps []Step, w way, points *int) (*outcome, error) {
	c := &course{prober: p, way: w}
	if !w.late {
		return c.run(steps, points)
	}
	first := &course{prober: p, way: w, hold: true}
	if o, err := first.run(steps, nil); err != nil || first.held == nil {
		return o, err // it has no state
	}
	c.data = first.held.Append([]byte{}, nil)
	first.held.Release()
	return c.run(steps, points)
}

func (c *course) run(steps []Step, points *int) (*outcome, error) {
	p, w := c.prober, c.way
	p.runs++
	in, err := p.make()
	if err != nil {
		return nil, err
	}
	in.tight = w.tight
	c.in, c.mark = in, stream.NoTime
	for range p.inputs {
		c.marks = append(c.marks, stream.NoTime)
	}
	for i, s := range steps {
		c.step(s)
		if c.broken != nil {
			return nil, fmt.Errorf("simtest: step %d: %w", i+1, c.broken)
		}
		if c.err != nil {
			break
		}
	}
	if points != nil {
		*points = c.points
	}
	return &outcome{output: append(c.out, c.in.out...), state: c.in.entries(), err: c.err}, nil
}

// step takes one step.
func (c *course) step(s Step) {
	input := max(s.input-1, 0)
	switch s.kind {
	case recordStep:
		c.in.env.Stop = false
		if err := c.in.take[input](s.value, s.at); err != nil {
			c.broken = fmt.Errorf("the record %#v %w", s.value, err)
			return
		}
		c.point()
	case watermarkStep:
		c.marks[input] = max(c.marks[input], s.at)
		if to := slices.Min(c.marks); to > c.mark {
			c.fire(func(t operator.Timed, limit int) (int, bool) { return t.OnWatermark(to, limit) })
			c.mark = to
		}
	case clockStep:
		c.clock = max(c.clock, s.at)
		c.in.env.Now.Wall = millis(c.clock)
		c.fire(func(t operator.Timed, limit int) (int, bool) { return t.OnProcessingTime(c.clock, limit) })
	}
}

// fire fires what is due, one timer after the other but in a tight run, which the
// operator interrupts itself.
func (c *course) fire(due func(t operator.Timed, limit int) (int, bool)) {
	limit := 1
	if c.way.tight {
		limit = 1 << 20
	}
	for {
		t, ok := c.in.op.(operator.Timed)
		if !ok || c.err != nil || c.broken != nil {
			return
		}
		c.in.env.Stop = false
		n, done := due(t, limit)
		if n > 0 { // a fresh instance has to hear of it, too
			c.point()
		} else if done {
			return
		}
	}
}

// point is behind a record or a timer.
func (c *course) point() {
	if c.err = c.in.env.Err(); c.err != nil {
		return
	}
	if c.way.every || c.way.after == c.points {
		c.broken = c.restore()
	}
	c.points++
}

// restore goes on in a fresh instance.
func (c *course) restore() error {
	if s, ok := c.in.op.(operator.Stateful); ok && c.hold {
		c.held = s.Snapshot()
	}
	if c.hold {
		return nil
	}
	next, err := c.prober.make()
	if err != nil {
		return err
	}
	next.env.Now = c.in.env.Now
	if s, ok := c.in.op.(operator.Stateful); ok {
		data := c.data
		if data == nil {
			snapshot := s.Snapshot()
			data = snapshot.Append(nil, nil)
			snapshot.Release()
		}
		if err := next.op.(operator.Stateful).Restore(data); err != nil {
			return fmt.Errorf("its snapshot can't be restored: %w", err)
		}
	}
	c.out = append(c.out, c.in.out...)
	c.in = next
	if t, ok := next.op.(operator.Timed); ok && c.mark != stream.NoTime {
		t.OnWatermark(c.mark, 0) // it comes again, and has fired what it fires
	}
	return nil
}
