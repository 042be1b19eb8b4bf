package cluster

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim"
)

// actor is one life of an actor: a replaced or restarted one is another.
type actor struct {
	w      *World
	place  *place
	node   *Node
	serial uint64
	step   host.Actor

	control, wired mail
	goOn           bool
	waking         bool // a wake event is under way
	dead           bool
	busy           time.Duration // until then

	wires   []*end // by the actor's own number
	timers  []host.Token
	lanes   []*lane
	streams []stream
	factors []factor
}

type stream struct {
	name string
	rand *rand.Rand
}

type factor struct {
	uid  string
	cost Percent
}

// spawn makes an actor; its first input is Start (H1, H10).
func (w *World) spawn(n *Node, name string, f host.Factory, cause uint64) {
	p := w.place(host.Address{Node: n.name, Name: name})
	if p.actor != nil {
		w.end(p.actor, nil, cause)
	}
	w.serial++
	a := &actor{w: w, place: p, node: n, serial: w.serial, busy: n.paused}
	p.actor = a
	n.actors = append(n.actors, a)
	a.step = f(a)
	if a.dead { // what the factory reported made someone crash the node
		return
	}
	a.control.push(&item{kind: host.Start, cause: cause})
	w.wake(a, w.lag)
}

// end ends an actor (H9); why is nil unless its node crashed.
func (w *World) end(a *actor, why error, cause uint64) {
	a.dead = true
	a.place.actor = nil
	for i, x := range a.node.actors {
		if x == a {
			a.node.actors = append(a.node.actors[:i], a.node.actors[i+1:]...)
			break
		}
	}
	for _, e := range a.wires {
		if e != nil {
			w.closeEnd(e, why, cause)
		}
	}
	if why == nil {
		w.orphan(a)
	}
	a.control, a.wired, a.wires, a.timers, a.lanes = mail{}, mail{}, nil, nil, nil
}

// Self implements [host.Env].
func (a *actor) Self() host.Address { return a.place.address }

// Rand implements [host.Env]. Incarnations of a node have different streams.
func (a *actor) Rand(name string) *rand.Rand {
	for _, s := range a.streams {
		if s.name == name {
			return s.rand
		}
	}
	where := a.node.name + "#" + strconv.Itoa(a.node.incarnation) + ":" + a.place.address.Name
	r := rand.New(a.w.Point(name, where))
	a.streams = append(a.streams, stream{name, r})
	return r
}

// Listener implements [host.Env].
func (a *actor) Listener() host.Listener { return (*voice)(a) }

// voice is how an actor speaks to the listener.
type voice actor

// On implements [host.Listener].
func (v *voice) On(e *host.Event) {
	if v.dead { // N5
		return
	}
	w := v.w
	w.Mix(e.Checkpoint, uint64(e.N), uint64(e.M), uint64(e.Epoch)<<32|uint64(e.Number), xxhash.Sum64String(e.Subject))
	w.aside = packCounts(e.N, e.M)
	w.Note(&sim.Note{
		Kind: w.kinds.said, Node: v.node.id, Actor: v.place.name, Peer: w.Name(wording(e)),
		A: uint64(e.Kind) | uint64(e.Cause)<<8 | uint64(uint32(e.Channel))<<32, B: e.Checkpoint, Digest: xxhash.Sum64String(e.Text),
	})
	w.o.Listener.On(e)
}

// longest bounds the words of an event in names.
const longest = 400

// wording is whom an event is about and what it says.
func wording(e *host.Event) string {
	if e.Text == "" {
		return e.Subject
	}
	text := e.Text
	if len(text) > longest {
		text = text[:longest]
	}
	return e.Subject + ": " + text
}

// deliver gives an input to an actor, now or when it is no longer busy (N1). It
// is called from events of the world only, never within a step.
func (w *World) deliver(a *actor, it *item) {
	if !a.waking && w.Now() >= a.busy {
		w.give(a, it)
		return
	}
	if it.kind.Control() {
		a.control.push(it)
	} else {
		a.wired.push(it)
	}
	if !a.waking {
		w.wake(a, a.busy-w.Now())
	}
}

func (w *World) wake(a *actor, delay time.Duration) {
	a.waking = true
	w.Schedule(delay, sim.Event{Kind: w.kinds.wake, Target: a.place.number, A: a.serial})
}

func (w *World) onWake(e *sim.Event) {
	a := w.places[e.Target].actor
	if a == nil || a.serial != e.A {
		return
	}
	if wait := a.busy - w.Now(); wait > 0 { // it was paused since
		w.wake(a, wait)
		return
	}
	a.waking = false
	var it item
	for a.next(&it, e.Cause) {
		if w.give(a, &it) {
			return
		}
	}
}

// next takes the next input in the order of H3.
func (a *actor) next(it *item, cause uint64) bool {
	if a.control.pop(it) || a.wired.pop(it) {
		return true
	}
	if a.goOn {
		a.goOn = false
		*it = item{kind: host.GoOn, cause: cause}
		return true
	}
	return false
}

// give runs one step, and reports false if there was nothing to give because the
// actor has closed the wire that it came on.
func (w *World) give(a *actor, it *item) bool {
	note := sim.Note{
		Kind: w.kinds.inputs[it.kind], Node: a.node.id, Actor: a.place.name,
		A: it.arg, B: uint64(uint32(it.n)), Digest: it.digest, Cause: it.cause,
	}
	in := &w.in
	*in = host.Input{Kind: it.kind, N: it.n, Body: it.body, Err: it.err}
	if e := it.end; e != nil {
		if e.closed {
			return false
		}
		note.Peer, note.B = e.peerName, note.B|uint64(e.wire)<<32
		in.Wire = e.wire
		switch it.kind {
		case host.WireUp:
			e.up = true
		case host.FrameIn:
			in.Frame = host.Frame{Data: it.data, Body: it.body, Size: int(it.arg)}
			in.Body = nil
		case host.Credit:
			e.credits += int64(it.n)
		case host.WireDown:
			w.forget(e)
		}
	} else if it.from != nil {
		in.From, note.Peer = it.from.address, it.from.full
	} else {
		in.Token = host.Token(it.arg)
	}
	w.Act(&note)
	w.stepping = a
	w.out.Reset()
	now := w.Now()
	a.step.Step(host.Now{Mono: now, Wall: w.o.WallStart + int64(now+a.node.skew)}, in, &w.out)
	*in = host.Input{}
	w.settle(a)
	w.stepping = nil
	return true
}

// settle applies what a step wants (N2) and makes its actor busy (N1).
func (w *World) settle(a *actor) {
	cost := a.cost(w.out.Charges)
	a.busy = w.Now() + cost
	w.lag = cost
	hook := w.o.BeforeEffect
	for i := range w.out.Effects {
		if a.dead {
			break
		}
		e := &w.out.Effects[i]
		if hook != nil {
			if hook(a.place.address, e); a.dead {
				break
			}
		}
		w.apply(a, e)
	}
	w.lag = 0
	if a.dead {
		return
	}
	a.goOn = a.goOn || w.out.More
	if !a.waking && (a.goOn || a.control.n > 0 || a.wired.n > 0) {
		w.wake(a, cost)
	}
}

// cost is the virtual time of a step.
func (a *actor) cost(charges []host.Charge) time.Duration {
	c := a.w.o.StepCost
	for i := range charges {
		each := a.factor(charges[i].Operator).of(a.w.o.RecordCost)
		c += each * time.Duration(charges[i].Records)
	}
	return max(1, a.node.cost.of(c))
}

func (a *actor) factor(uid string) Percent {
	for i := range a.factors {
		if a.factors[i].uid == uid {
			return a.factors[i].cost
		}
	}
	p := a.w.costOf(a.w.o.OperatorCost, "operator-cost", uid)
	a.factors = append(a.factors, factor{uid, p})
	return p
}

// costOf is the factor that the options name, or one drawn for the run.
func (w *World) costOf(known map[string]Percent, point, where string) Percent {
	if p, ok := known[where]; ok {
		return p
	}
	if w.o.DrawnCost <= 100 {
		return 100
	}
	k := [2]string{point, where}
	if p, ok := w.drawn[k]; ok {
		return p
	}
	p := 100 + Percent(w.Point(point, where).Intn(int(w.o.DrawnCost)-99))
	w.drawn[k] = p
	return p
}
