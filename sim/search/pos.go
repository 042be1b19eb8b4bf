package search

import (
	"time"

	"github.com/weirstream/weir/sim"
)

// POS is partial-order sampling (Yuan, Yang, Gu: Partial Order Aware Concurrency
// Sampling, CAV 2018). Each pending event gets a random priority, and of those that may
// be next the one of the highest priority happens. Then those that raced with it, for
// the same actor, get new priorities: an order of two events is not tied to the orders
// with a third. Orders that differ only in events of different actors are no different
// orders for it, and so each order that is one comes up more often than by random delays.
//
// It injects no faults. The zero value is ready, for one world.
type POS struct {
	points []*sim.Point // by actor
}

// Picks implements [sim.Chooser].
func (*POS) Picks() bool { return true }

// Delay implements [sim.Chooser]; what is not an event with a span is drawn evenly.
func (*POS) Delay(p *sim.Point, lo, hi time.Duration) time.Duration { return p.Between(lo, hi) }

// Choose implements [sim.Chooser].
func (s *POS) Choose(w *sim.World, enabled []sim.Candidate) int {
	first := 0
	for i := range enabled {
		c := &enabled[i]
		if c.Priority == 0 {
			c.Priority = s.point(w, c.Key.Actor).Uint64() | 1
		}
		if c.Priority > enabled[first].Priority {
			first = i
		}
	}
	for i := range enabled {
		if i != first && enabled[i].Key.Actor == enabled[first].Key.Actor {
			enabled[i].Priority = 0
		}
	}
	return first
}

// point is where priorities of an actor's events are drawn.
func (s *POS) point(w *sim.World, actor sim.Name) *sim.Point {
	for int(actor) >= len(s.points) {
		s.points = append(s.points, nil)
	}
	if s.points[actor] == nil {
		s.points[actor] = w.Point("priority", w.Text(actor))
	}
	return s.points[actor]
}

// Fault implements [sim.Chooser]: there is none.
func (*POS) Fault(*sim.World, []sim.FaultKey) (int, bool) { return 0, false }
