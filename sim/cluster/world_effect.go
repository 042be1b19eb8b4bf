package cluster

import (
	"fmt"
	"time"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim"
)

// apply makes one effect happen.
func (w *World) apply(a *actor, e *host.Effect) {
	switch e.Kind {
	case host.Send:
		w.send(a.place, e)
	case host.Open:
		w.open(a, e)
	case host.Write:
		w.write(a, e)
	case host.Grant:
		w.grant(a, e)
	case host.CloseWire:
		x := w.wire(a, e)
		w.closeEnd(x, nil, w.note(a, e.Kind, x.peerName, uint64(e.Wire), 0, 0))
	case host.SetTimer:
		w.setTimer(a, e)
	case host.CancelTimer:
		w.note(a, e.Kind, 0, uint64(e.Token), 0, 0)
		a.takeTimer(e.Token)
	case host.Offload:
		if e.Work == nil {
			forbid("%v offloads nothing", a.place.address)
		}
		w.offload(a, e, w.note(a, e.Kind, w.Name(e.Lane), uint64(e.Token), 0, 0))
	case host.Spawn:
		w.spawn(a.node, e.Lane, e.Factory, w.note(a, e.Kind, w.Name(e.Lane), 0, 0, 0))
	case host.Stop:
		number := w.note(a, e.Kind, w.Name(e.Lane), 0, 0, 0)
		if p := w.place(host.Address{Node: a.node.name, Name: e.Lane}); p.actor != nil {
			w.end(p.actor, nil, number)
		}
	case host.Exit:
		w.end(a, nil, w.note(a, e.Kind, 0, 0, 0, 0))
	default:
		forbid("unknown effect %d", e.Kind)
	}
}

func (w *World) note(a *actor, k host.EffectKind, peer sim.Name, x, y, digest uint64) uint64 {
	return w.Note(&sim.Note{Kind: w.kinds.effects[k], Node: a.node.id, Actor: a.place.name, Peer: peer, A: x, B: y, Digest: digest})
}

// messageSize is what a control message that is not bytes takes of a bandwidth.
const messageSize = 128

// send puts a message on its way (H4). Within a node it is for the actor that
// has the name now; between nodes for the one that has it when it arrives, if the
// receiver's node is up now and has not crashed by then (N3).
func (w *World) send(from *place, e *host.Effect) {
	to := w.place(e.To)
	d := digest(e.Body)
	n := sim.Note{Kind: w.kinds.effects[host.Send], Actor: from.name, Peer: to.full, A: uint64(w.messageName(e.Body)), Digest: d}
	if from.node != nil {
		n.Node = from.node.id
	}
	number := w.Note(&n)
	if to.node == nil || !to.node.up || from.node == to.node && to.actor == nil {
		return
	}
	ev := sim.Event{Kind: w.kinds.message, Target: to.number, A: uint64(from.number) << 32, B: d, Ref: e.Body, Cause: number}
	if from.node == to.node {
		ev.A |= uint64(uint32(to.actor.serial))
		w.Schedule(w.lag+w.o.Local, ev)
		return
	}
	ev.A |= uint64(uint32(to.node.incarnation))
	delay := sim.Span{Earliest: w.lag + w.o.Local, Latest: w.lag + w.o.Local}
	if from.node != nil {
		size := messageSize
		if b, ok := e.Body.([]byte); ok {
			size = len(b)
		}
		l := w.link(from.node, to.node)
		delay = l.arrival(w.Now()+w.lag, size).Plus(-w.Now())
		w.Durable()
		late, again, arrives := l.fate()
		if !arrives {
			return
		}
		if delay = delay.Plus(late); again.Latest > 0 {
			w.ScheduleIn(sim.Span{Earliest: delay.Earliest + again.Earliest, Latest: delay.Latest + again.Latest}, 0, ev)
		}
	}
	w.ScheduleIn(delay, 0, ev)
}

// messageName is what a message is called in traces: its String, or its type.
func (w *World) messageName(body any) sim.Name {
	if s, ok := body.(fmt.Stringer); ok {
		return w.Name(s.String())
	}
	return w.Name(fmt.Sprintf("%T", body))
}

func (w *World) onMessage(e *sim.Event) {
	from, to := w.places[e.A>>32], w.places[e.Target]
	if to.actor == nil {
		return
	}
	receiver := uint32(to.node.incarnation)
	if from.node == to.node {
		receiver = uint32(to.actor.serial)
	}
	if receiver != uint32(e.A) {
		return
	}
	w.verify(e.Ref, e.B, "a message")
	w.deliver(to.actor, &item{kind: host.Message, from: from, arg: uint64(w.messageName(e.Ref)), digest: e.B, cause: e.Cause, body: e.Ref})
}

func (w *World) setTimer(a *actor, e *host.Effect) {
	number := w.note(a, e.Kind, 0, uint64(e.Token), uint64(e.After), 0)
	a.timers = append(a.timers, e.Token)
	after := max(e.After, 0)
	if limit := time.Duration(1<<63-1) - w.Now(); after > limit {
		return // beyond the end of time
	}
	w.Schedule(after, sim.Event{Kind: w.kinds.timer, Target: a.place.number, A: uint64(e.Token), B: a.serial, Cause: number})
}

// takeTimer forgets a timer and reports whether it was set.
func (a *actor) takeTimer(t host.Token) bool {
	for i, x := range a.timers {
		if x == t {
			last := len(a.timers) - 1
			a.timers[i] = a.timers[last]
			a.timers = a.timers[:last]
			return true
		}
	}
	return false
}

func (w *World) onTimer(e *sim.Event) {
	a := w.places[e.Target].actor
	if a == nil || a.serial != e.B || !a.takeTimer(host.Token(e.A)) {
		return
	}
	w.deliver(a, &item{kind: host.Timer, arg: e.A, cause: e.Cause})
}
