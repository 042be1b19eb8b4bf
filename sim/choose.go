package sim

import (
	"fmt"
	"time"
)

// EventKey is the stable name of a possible event: its kind, whose it is, and the
// how-manieth of that kind there.
type EventKey struct {
	Kind  Kind
	Actor Name
	Ord   uint32
}

// FaultKey names a possible fault: what, and where.
type FaultKey struct{ Kind, Target Name }

// Candidate is a pending event that may be the next one.
type Candidate struct {
	Key EventKey
	// Priority is the strategy's own: 0 for an event that it has not seen, then what it
	// has set last.
	Priority uint64
}

// Chooser is a search strategy. It must draw from points of the world only.
type Chooser interface {
	// Picks says how the moment of an event with a span is decided: if true by Choose, as
	// time goes on, else by Delay when the event is scheduled, which is faster. The world
	// asks once.
	Picks() bool
	// Delay picks a delay from [lo, hi].
	Delay(p *Point, lo, hi time.Duration) time.Duration
	// Choose picks one of the enabled events, at least two, by index. It may set their
	// priorities, and must not keep the slice.
	Choose(w *World, enabled []Candidate) int
	// Fault picks one of the candidates by index, or none.
	Fault(w *World, candidates []FaultKey) (int, bool)
}

// Delay asks the strategy for a delay from [lo, hi].
func (w *World) Delay(p *Point, lo, hi time.Duration) time.Duration {
	return w.chooser.Delay(p, lo, hi)
}

// OfferFault asks the strategy whether one of the candidates happens now.
func (w *World) OfferFault(candidates []FaultKey) (FaultKey, bool) {
	if i, ok := w.chooser.Fault(w, candidates); ok {
		return candidates[i], true
	}
	return FaultKey{}, false
}

// Uniform chooses evenly. Faults happen in Num of Den offers (none if Num is 0),
// and an offer counts only if crash-surviving state has changed since the last
// one: steps that change nothing, such as heartbeats, would swallow them.
type Uniform struct {
	Num, Den int
	// Pick says that it picks among events instead of drawing delays.
	Pick bool

	offered uint64
	next    *Point
	happens *Point
	which   *Point
}

// Picks implements [Chooser].
func (u *Uniform) Picks() bool { return u.Pick }

// Delay implements [Chooser].
func (u *Uniform) Delay(p *Point, lo, hi time.Duration) time.Duration { return p.Between(lo, hi) }

// Choose implements [Chooser].
func (u *Uniform) Choose(w *World, enabled []Candidate) int {
	if u.next == nil {
		u.next = w.Point("next", "")
	}
	return u.next.Intn(len(enabled))
}

// Fault implements [Chooser].
func (u *Uniform) Fault(w *World, candidates []FaultKey) (int, bool) {
	if u.Num <= 0 || len(candidates) == 0 || w.durable == u.offered {
		return 0, false
	}
	u.offered = w.durable
	if u.happens == nil {
		u.happens, u.which = w.Point("fault", ""), w.Point("fault-kind", "")
	}
	if !u.happens.Chance(u.Num, u.Den) {
		return 0, false
	}
	return u.which.Intn(len(candidates)), true
}

// Violation is a broken promise. Oracle is the key by which two failures count as
// the same.
type Violation struct {
	Oracle  string
	Message string
	Event   uint64
	Time    time.Duration
	// Stack is set for panics. It differs from run to run.
	Stack string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s: %s (event %d, %v)", v.Oracle, v.Message, v.Event, v.Time)
}

// Oracle judges a run by what it is told of it, in events of type E.
type Oracle[E any] interface {
	ID() string
	// OnEvent sees each event as it happens, and must take O(1); nil is consent.
	// The event is valid during the call.
	OnEvent(w *World, e *E) *Violation
	// OnEnd sees the run after its end.
	OnEnd(w *World) *Violation
}

// Panel tells oracles of events and ends the run at the first objection.
type Panel[E any] struct {
	World   *World
	Oracles []Oracle[E]
	// GoOn lets the run go on after an objection, so that each oracle has its say
	// once. All of them still see every event: some keep what others need.
	GoOn bool

	objected []bool // by oracle, if GoOn
}

// On shows an event to the oracles. After an objection it does nothing, unless the
// run goes on.
func (p *Panel[E]) On(e *E) {
	if len(p.World.violations) > 0 && !p.GoOn {
		return
	}
	for i, o := range p.Oracles {
		p.file(i, o.OnEvent(p.World, e))
	}
}

// End asks every oracle for its last word, even after objections: the first cause
// comes first.
func (p *Panel[E]) End() {
	for i, o := range p.Oracles {
		p.file(i, o.OnEnd(p.World))
	}
}

func (p *Panel[E]) file(i int, v *Violation) {
	if v == nil {
		return
	}
	if v.Oracle == "" {
		v.Oracle = p.Oracles[i].ID()
	}
	if !p.GoOn {
		p.World.Fail(*v)
		return
	}
	if p.objected == nil {
		p.objected = make([]bool, len(p.Oracles))
	}
	if !p.objected[i] {
		p.objected[i] = true
		p.World.Object(*v)
	}
}
