package sim

import (
	"fmt"
	"time"
)

// Span is when something may happen: not before Earliest, and not after Latest.
type Span struct{ Earliest, Latest time.Duration }

// Plus is the span, later by d.
func (s Span) Plus(d time.Duration) Span { return Span{s.Earliest + d, s.Latest + d} }

// Chain names events that happen in the order in which they were scheduled; see
// [World.NewChain].
type Chain uint64

// waiting is a pending event of a world whose strategy picks.
type waiting struct {
	Span
	seq      uint64
	key      EventKey
	priority uint64
	chain    Chain
	next     int32 // the one behind it in its chain, 0 for none
	event    Event
}

// picker holds the pending events of a world whose strategy picks: those at one moment
// in a heap, in the order W1; the others, of each chain the first one, in no order, since
// all of them are looked at for every pick.
type picker struct {
	slab  []waiting // from 1
	free  []int32
	seq   uint64
	fixed []int32
	heads []int32
	tails map[Chain]int32

	ords map[EventKey]uint32 // of keys without Ord
	// Of the pick under way: who may be next, and where in heads, -1 for the fixed one.
	enabled []Candidate
	where   []int
}

func newPicker() *picker {
	return &picker{slab: make([]waiting, 1, 64), tails: map[Chain]int32{}, ords: map[EventKey]uint32{}}
}

// NewChain makes a chain.
func (w *World) NewChain() Chain {
	w.chains++
	return w.chains
}

// Span is when an event may happen that the world delays by something from [lo, hi]: all
// of that if the strategy picks, else the delay that it draws now.
func (w *World) Span(p *Point, lo, hi time.Duration) Span {
	if w.picker != nil {
		return Span{lo, max(lo, hi)}
	}
	d := w.chooser.Delay(p, lo, hi)
	return Span{d, d}
}

// ScheduleIn lets an event happen within a span from now, which Span has made. Behind
// others of its chain it comes after them, and neither end of its span may be before
// theirs; chain 0 is none.
func (w *World) ScheduleIn(s Span, chain Chain, e Event) {
	if w.picker == nil {
		w.Schedule(s.Earliest, e)
		return
	}
	w.wait(s, chain, true, e)
}

// wait puts an event among those that wait to be picked.
func (w *World) wait(s Span, chain Chain, movable bool, e Event) {
	p := w.picker
	s = s.Plus(w.queue.now)
	if s.Earliest < w.queue.now || s.Latest < s.Earliest {
		panic(fmt.Sprintf("sim: event %s scheduled at %v from %v to %v", w.kinds[e.Kind].name, w.queue.now, s.Earliest, s.Latest))
	}
	if e.Cause == 0 {
		e.Cause = w.event
	}
	p.seq++
	w.queue.size++
	i := p.take(waiting{Span: s, seq: p.seq, key: EventKey{Kind: e.Kind}, chain: chain, event: e})
	x := &p.slab[i]
	if w.actor != nil {
		x.key.Actor = w.actor(&x.event)
	}
	ord := p.ords[x.key]
	p.ords[x.key] = ord + 1
	x.key.Ord = ord
	if !movable {
		p.fixed = append(p.fixed, i)
		p.up(len(p.fixed) - 1)
		return
	}
	if chain != 0 {
		tail := p.tails[chain]
		p.tails[chain] = i
		if tail != 0 {
			if t := &p.slab[tail]; s.Earliest < t.Earliest || s.Latest < t.Latest {
				panic(fmt.Sprintf("sim: event %s from %v to %v is behind one from %v to %v in its chain", w.kinds[e.Kind].name, s.Earliest, s.Latest, t.Earliest, t.Latest))
			}
			p.slab[tail].next = i
			return
		}
	}
	p.heads = append(p.heads, i)
}

func (p *picker) take(x waiting) int32 {
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		p.slab[i] = x
		return i
	}
	p.slab = append(p.slab, x)
	return int32(len(p.slab) - 1)
}

// pick lets the strategy choose the next event, W7, and moves it into e; false if none
// may happen by limit.
func (w *World) pick(limit time.Duration, e *Event) bool {
	p := w.picker
	by := limit
	if len(p.fixed) > 0 {
		by = min(by, p.slab[p.fixed[0]].Latest)
	}
	for _, i := range p.heads {
		by = min(by, p.slab[i].Latest)
	}
	p.enabled, p.where = p.enabled[:0], p.where[:0]
	if len(p.fixed) > 0 {
		p.offer(p.fixed[0], -1, by)
	}
	for at, i := range p.heads {
		p.offer(i, at, by)
	}
	switch len(p.enabled) {
	case 0:
		return false
	case 1:
		w.happen(p.where[0], e)
		return true
	}
	chosen := w.chooser.Choose(w, p.enabled)
	for k, c := range p.enabled {
		p.slab[p.index(p.where[k])].priority = c.Priority
	}
	w.happen(p.where[chosen], e)
	return true
}

// offer makes an event a candidate if it may happen by a moment.
func (p *picker) offer(i int32, where int, by time.Duration) {
	if x := &p.slab[i]; x.Earliest <= by {
		p.enabled = append(p.enabled, Candidate{x.key, x.priority})
		p.where = append(p.where, where)
	}
}

func (p *picker) index(where int) int32 {
	if where < 0 {
		return p.fixed[0]
	}
	return p.heads[where]
}

// happen takes an event out, and its time into now.
func (w *World) happen(where int, e *Event) {
	p := w.picker
	i := p.index(where)
	x := &p.slab[i]
	*e = x.event
	w.queue.now = max(w.queue.now, x.Earliest)
	w.queue.size--
	last := len(p.heads) - 1
	switch {
	case where < 0:
		p.down()
	case x.next != 0:
		p.heads[where] = x.next
	default:
		if x.chain != 0 {
			delete(p.tails, x.chain)
		}
		p.heads[where] = p.heads[last]
		p.heads = p.heads[:last]
	}
	*x = waiting{}
	p.free = append(p.free, i)
}

func (p *picker) before(a, b int32) bool {
	x, y := &p.slab[a], &p.slab[b]
	return x.Earliest < y.Earliest || x.Earliest == y.Earliest && x.seq < y.seq
}

// up moves the k-th of the heap to where it belongs.
func (p *picker) up(k int) {
	for k > 0 {
		above := (k - 1) / 2
		if !p.before(p.fixed[k], p.fixed[above]) {
			return
		}
		p.fixed[k], p.fixed[above] = p.fixed[above], p.fixed[k]
		k = above
	}
}

// down takes the first of the heap out.
func (p *picker) down() {
	last := len(p.fixed) - 1
	p.fixed[0] = p.fixed[last]
	p.fixed = p.fixed[:last]
	for k := 0; ; {
		least := k
		for _, below := range [2]int{2*k + 1, 2*k + 2} {
			if below < last && p.before(p.fixed[below], p.fixed[least]) {
				least = below
			}
		}
		if least == k {
			return
		}
		p.fixed[k], p.fixed[least] = p.fixed[least], p.fixed[k]
		k = least
	}
}
