package cluster

import (
	"slices"
	"time"

	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim"
)

// upset is what is wrong with a link.
type upset struct {
	hold time.Duration // what is sent before arrives then, or later
	cut  time.Duration // messages sent before are lost
	odd  []oddity
}

// oddity is what a fault does to messages on a link, by chance.
type oddity struct {
	fault faults.Fault
	until time.Duration
	point *sim.Point
}

// upset makes a link lose, delay, duplicate or hold back what is sent until a time.
// The point draws which messages a fault hits.
func (l *Link) upset(f faults.Fault, until time.Duration, point *sim.Point) {
	switch f.Kind {
	case faults.Partition:
		l.wrong.cut, l.wrong.hold = max(l.wrong.cut, until), max(l.wrong.hold, until)
	case faults.Stall:
		l.wrong.hold = max(l.wrong.hold, until)
	default:
		l.wrong.odd = append(l.wrong.odd, oddity{f, until, point})
	}
}

// fate says what becomes of a message that is sent now: how much later it arrives than
// it would, and how much later than that once more; false if it is lost.
func (l *Link) fate() (late time.Duration, again sim.Span, arrives bool) {
	now := l.w.Now()
	if now < l.wrong.cut {
		return 0, again, false
	}
	if len(l.wrong.odd) == 0 {
		return 0, again, true
	}
	l.wrong.odd = slices.DeleteFunc(l.wrong.odd, func(o oddity) bool { return o.until <= now })
	for i := range l.wrong.odd {
		o := &l.wrong.odd[i]
		if o.fault.Chance > 0 && o.point.Intn(100) >= o.fault.Chance {
			continue
		}
		switch o.fault.Kind {
		case faults.Lose:
			return 0, again, false
		case faults.Delay:
			late += o.fault.By
		case faults.Duplicate:
			more := l.o.Slow.span(l.w.Span(o.point, 0, 4*l.o.Latency.Max)).Plus(1)
			again = sim.Span{Earliest: again.Earliest + more.Earliest, Latest: again.Latest + more.Latest}
		}
	}
	return late, again, true
}

// Pause stops the process until a time: inputs and the results of offloaded work wait.
// Steps that are under way come to their end.
func (n *Node) Pause(until time.Duration) {
	n.paused = max(n.paused, until)
	for _, a := range n.actors {
		a.busy = max(a.busy, n.paused)
	}
}

// Reset breaks the wires between two nodes that are up at both ends, as a reset of
// their connections does: both ends learn of it at once, what is under way is lost.
func (w *World) Reset(a, b string) {
	from, to := w.known(a), w.known(b)
	for _, x := range w.ends {
		if x != nil && x.up && x.peer != nil && x.peer.up && x.a.node == from && x.peer.a.node == to {
			for _, y := range [2]*end{x, x.peer} {
				w.Schedule(w.o.Local, sim.Event{Kind: w.kinds.wireDown, Target: y.id, A: uint64(y.gen)<<32 | wireReset})
			}
		}
	}
}
