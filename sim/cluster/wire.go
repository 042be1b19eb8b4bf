package cluster

import (
	"errors"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim"
)

// What a wire's end is told when the wire goes down.
var (
	ErrClosed  = errors.New("the other end closed the wire")
	ErrCrashed = errors.New("the process at the other end of the wire is gone")
	ErrReset   = errors.New("the connection was reset")
)

// maxWire bounds an actor's own numbers of wires: they index a slice.
const maxWire = 1 << 20

// Why a wire goes down, in an event's A.
const (
	wireClosed = iota
	wireCrashed
	wireReset
)

// wireKey is what both ends of a wire agree on.
type wireKey struct {
	id                 host.WireID
	producer, consumer uint32 // places
}

// end is one end of a wire. Ends find each other once, when the second is opened;
// events name an end by id and generation.
type end struct {
	id, gen  uint32
	a        *actor
	wire     host.Wire
	role     host.End
	key      wireKey
	peerName sim.Name

	peer    *end
	link    *Link     // towards the peer; nil on one node
	last    sim.Span  // when the last thing sent towards the peer arrives
	chain   sim.Chain // of what is sent towards the peer
	up      bool      // WireUp was given
	closed  bool      // closed here, or WireDown was given
	credits int64
	early   []credit // granted before the wire came up
}

type credit struct {
	n      int32
	back   any
	digest uint64
	cause  uint64
}

// wire finds the end that an effect names.
func (w *World) wire(a *actor, e *host.Effect) *end {
	if e.Wire >= 0 && int(e.Wire) < len(a.wires) {
		if x := a.wires[e.Wire]; x != nil {
			return x
		}
	}
	forbid("%v: %v on wire %d, which it has not opened or which is down", a.place.address, e.Kind, e.Wire)
	return nil
}

// open opens one end of a wire; if it is the second, the wire comes up.
func (w *World) open(a *actor, e *host.Effect) {
	if e.Wire < 0 || e.Wire >= maxWire {
		forbid("%v: wire number %d", a.place.address, e.Wire)
	}
	for int(e.Wire) >= len(a.wires) {
		a.wires = append(a.wires, nil)
	}
	if a.wires[e.Wire] != nil {
		forbid("%v: wire %d is open", a.place.address, e.Wire)
	}
	other := w.place(e.To)
	x := &end{a: a, wire: e.Wire, role: e.End, peerName: other.full}
	x.key = wireKey{e.ID, a.place.number, other.number}
	if e.End == host.Consumer {
		x.key.producer, x.key.consumer = x.key.consumer, x.key.producer
	}
	w.enter(x)
	a.wires[e.Wire] = x
	id := sim.Hash(e.ID.Epoch)
	id.Add(uint64(e.ID.Number)<<32 | uint64(e.ID.Edge))
	id.Add(uint64(e.ID.From)<<32 | uint64(e.ID.To))
	number := w.note(a, e.Kind, other.full, uint64(e.Wire), uint64(e.End), id.Sum())
	first := w.opened[x.key]
	switch {
	case first == nil:
		w.opened[x.key] = x
	case first.role == x.role:
		forbid("%v: the same end of wire %v to %v is opened twice", a.place.address, e.ID, e.To)
	default:
		delete(w.opened, x.key)
		w.join(first, x, number)
	}
}

// enter gives an end its id.
func (w *World) enter(x *end) {
	if k := len(w.freeEnds); k > 0 {
		x.id = w.freeEnds[k-1]
		w.freeEnds = w.freeEnds[:k-1]
		w.ends[x.id] = x
	} else {
		x.id = uint32(len(w.ends))
		w.ends = append(w.ends, x)
		w.endGen = append(w.endGen, 0)
	}
	x.gen = w.endGen[x.id]
	x.chain = w.NewChain()
}

// join brings a wire up: x was opened last. Its opening travels to the other end,
// and the answer back.
func (w *World) join(first, x *end, cause uint64) {
	first.peer, x.peer = x, first
	if first.a.node != x.a.node {
		x.link, first.link = w.link(x.a.node, first.a.node), w.link(first.a.node, x.a.node)
	}
	lag := w.lag
	there := w.arrival(x, 1)
	w.ScheduleIn(there, x.chain, sim.Event{Kind: w.kinds.wireUp, Target: first.id, A: uint64(first.gen), Cause: cause})
	w.lag = there.Latest
	w.ScheduleIn(w.arrival(first, 1), first.chain, sim.Event{Kind: w.kinds.wireUp, Target: x.id, A: uint64(x.gen), Cause: cause})
	w.lag = lag
	for _, y := range [2]*end{first, x} {
		for i := range y.early {
			w.sendCredit(y, &y.early[i])
		}
		y.early = nil
	}
}

// arrival is the delay of what an end sends next: never before what it has sent (H5).
func (w *World) arrival(x *end, size int) sim.Span {
	at := w.Now() + w.lag
	s := sim.Span{Earliest: at + w.o.Local, Latest: at + w.o.Local}
	if x.link != nil {
		s = x.link.arrival(at, size)
	}
	x.last = sim.Span{Earliest: max(x.last.Earliest, s.Earliest), Latest: max(x.last.Latest, s.Latest)}
	return x.last.Plus(-w.Now())
}

func (w *World) write(a *actor, e *host.Effect) {
	x := w.wire(a, e)
	f := &e.Frame
	d := digest(f.Body)
	data := uint64(0)
	if f.Data {
		data = 1
	}
	number := w.note(a, e.Kind, x.peerName, uint64(e.Wire)|data<<32, uint64(f.Size), d)
	switch {
	case x.role != host.Producer:
		forbid("%v writes to wire %d as its consumer", a.place.address, e.Wire)
	case !x.up:
		forbid("%v writes to wire %d before it is up", a.place.address, e.Wire)
	case f.Size < 1:
		forbid("%v writes a frame of size %d to wire %d", a.place.address, f.Size, e.Wire)
	case f.Data && x.credits < 1:
		forbid("%v writes a data frame to wire %d without credit", a.place.address, e.Wire)
	}
	kind := w.kinds.event
	if f.Data {
		kind = w.kinds.data
		x.credits--
	}
	if x.link != nil {
		if _, ok := f.Body.([]byte); !ok {
			forbid("%v writes a %T to wire %d, which leads to another node", a.place.address, f.Body, e.Wire)
		}
		w.Durable()
	}
	if x.peer.closed {
		return
	}
	w.ScheduleIn(w.arrival(x, f.Size), x.chain, sim.Event{
		Kind: kind, Target: x.peer.id, Cause: number, Ref: f.Body,
		A: uint64(x.peer.gen)<<32 | uint64(min(f.Size, 1<<32-1)), B: d,
	})
}

func (w *World) grant(a *actor, e *host.Effect) {
	x := w.wire(a, e)
	c := credit{n: e.N, back: e.Body, digest: digest(e.Body)}
	c.cause = w.note(a, e.Kind, x.peerName, uint64(e.Wire), uint64(uint32(e.N)), c.digest)
	if x.role != host.Consumer || e.N < 0 {
		forbid("%v grants %d credits on wire %d as its %s", a.place.address, e.N, e.Wire, [...]string{"producer", "consumer"}[x.role])
	}
	if x.peer == nil {
		x.early = append(x.early, c)
		return
	}
	if x.link != nil {
		if e.Body != nil {
			forbid("%v returns a %T on wire %d, which leads to another node", a.place.address, e.Body, e.Wire)
		}
		w.Durable()
	}
	if !x.peer.closed {
		w.sendCredit(x, &c)
	}
}

func (w *World) sendCredit(x *end, c *credit) {
	w.ScheduleIn(w.arrival(x, 1), x.chain, sim.Event{
		Kind: w.kinds.credit, Target: x.peer.id, Cause: c.cause, Ref: c.back,
		A: uint64(x.peer.gen)<<32 | uint64(uint32(c.n)), B: c.digest,
	})
}

// closeEnd closes an end from its own side; the other end hears of it behind all
// that was sent before (H5, N4). why is nil unless the node crashed.
func (w *World) closeEnd(x *end, why error, cause uint64) {
	w.forget(x)
	if x.peer == nil {
		delete(w.opened, x.key)
		return
	}
	if x.peer.closed {
		return
	}
	var crashed uint64 = wireClosed
	if why != nil {
		crashed = wireCrashed
	}
	w.ScheduleIn(w.arrival(x, 1), x.chain, sim.Event{Kind: w.kinds.wireDown, Target: x.peer.id, A: uint64(x.peer.gen)<<32 | crashed, Cause: cause})
}

// forget takes an end out of its actor and of the table: what is still on its way
// to it is dropped.
func (w *World) forget(x *end) {
	x.closed = true
	x.a.wires[x.wire] = nil
	w.ends[x.id] = nil
	w.endGen[x.id]++
	w.freeEnds = append(w.freeEnds, x.id)
}

// receiver is the end that an event is for, nil if it is gone.
func (w *World) receiver(id uint32, gen uint32) *end {
	if x := w.ends[id]; x != nil && x.gen == gen {
		return x
	}
	return nil
}

func (w *World) onWireUp(e *sim.Event) {
	if x := w.receiver(e.Target, uint32(e.A)); x != nil {
		w.deliver(x.a, &item{kind: host.WireUp, end: x, cause: e.Cause})
	}
}

func (w *World) onData(e *sim.Event)  { w.frame(e, true) }
func (w *World) onEvent(e *sim.Event) { w.frame(e, false) }

func (w *World) frame(e *sim.Event, data bool) {
	x := w.receiver(e.Target, uint32(e.A>>32))
	if x == nil {
		return
	}
	w.verify(e.Ref, e.B, "a frame")
	w.deliver(x.a, &item{kind: host.FrameIn, data: data, end: x, arg: uint64(uint32(e.A)), digest: e.B, cause: e.Cause, body: e.Ref})
}

func (w *World) onCredit(e *sim.Event) {
	if x := w.receiver(e.Target, uint32(e.A>>32)); x != nil {
		w.deliver(x.a, &item{kind: host.Credit, n: int32(uint32(e.A)), end: x, digest: e.B, cause: e.Cause, body: e.Ref})
	}
}

func (w *World) onWireDown(e *sim.Event) {
	x := w.receiver(e.Target, uint32(e.A>>32))
	if x == nil {
		return
	}
	err := [...]error{ErrClosed, ErrCrashed, ErrReset}[uint32(e.A)]
	w.deliver(x.a, &item{kind: host.WireDown, end: x, digest: digestError(err), cause: e.Cause, err: err})
}
