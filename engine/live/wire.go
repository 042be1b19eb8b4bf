package live

import "github.com/weirstream/weir/engine/host"

// wireKey is what both ends must agree on.
type wireKey struct {
	id                 host.WireID
	producer, consumer host.Address
}

type wireState uint8

const (
	opening wireState = iota // WireUp has not been given yet
	up
	down // WireDown has been given, or the actor has closed it
)

// wireEnd is one end of a wire. Both ends push into each other's mailbox; credits
// are counted by the producer's end as they are given to its actor, so a frame
// costs no lock but the mailbox's.
type wireEnd struct {
	p    *proc
	num  host.Wire
	side host.End
	key  wireKey

	// Guarded by World.wireMu; peer does not change once the wire is up.
	peer *wireEnd
	cut  bool // closed by this end

	// The actor's.
	state   wireState
	credits int64
	early   []wireInput // credits granted before the wire was up (H6)
}

// maxWires bounds the numbers of wires, which should be dense.
const maxWires = 1 << 20

func (p *proc) open(num host.Wire, id host.WireID, side host.End, peer host.Address) {
	if num < 0 || num >= maxWires {
		p.breach("wire number %d", num)
	}
	for int(num) >= len(p.ends) {
		p.ends = append(p.ends, nil)
	}
	if old := p.ends[num]; old != nil && old.state != down {
		p.breach("wire %d is opened again", num)
	}
	e := &wireEnd{p: p, num: num, side: side, key: wireKey{id: id, producer: p.addr, consumer: peer}}
	if side == host.Consumer {
		e.key.producer, e.key.consumer = peer, p.addr
	}
	w := p.w
	w.wireMu.Lock()
	defer w.wireMu.Unlock()
	other := w.half[e.key]
	if other == nil {
		p.ends[num] = e
		w.half[e.key] = e
		return
	}
	if other.side == side {
		p.breach("wire %v of %v is open already", id, p.addr)
	}
	p.ends[num] = e
	delete(w.half, e.key)
	e.peer, other.peer = other, e
	// Ours first: this actor takes it only after this step, but the other may take
	// its own at once and answer with credits or frames.
	p.box.putWire(wireInput{end: e, kind: host.WireUp})
	other.p.box.putWire(wireInput{end: other, kind: host.WireUp})
}

// arrive takes note of an input of this end as it is given to the actor, and
// reports whether it is to be given (H5: nothing on a closed handle).
func (e *wireEnd) arrive(i *wireInput) bool {
	if e.state == down {
		return false
	}
	switch i.kind {
	case host.WireUp:
		e.state = up
		for _, c := range e.early {
			c.end = e.peer
			e.peer.p.box.putWire(c)
		}
		e.early = nil
	case host.Credit:
		e.credits += int64(i.n)
	case host.WireDown:
		e.state = down
	}
	return true
}

func (p *proc) wire(num host.Wire, what string) *wireEnd {
	if num < 0 || int(num) >= len(p.ends) || p.ends[num] == nil {
		p.breach("%s on wire %d, which was never opened", what, num)
	}
	return p.ends[num]
}

func (p *proc) write(num host.Wire, f *host.Frame) {
	e := p.wire(num, "write")
	switch {
	case e.side != host.Producer:
		p.breach("write on wire %d at its consumer", num)
	case e.state == opening:
		p.breach("write on wire %d before it is up", num)
	case e.state == down:
		return
	}
	if f.Data {
		if e.credits == 0 {
			p.breach("write on wire %d without credit", num)
		}
		e.credits--
	}
	e.peer.p.box.putWire(wireInput{end: e.peer, kind: host.FrameIn, data: f.Data, size: f.Size, body: f.Body})
}

func (p *proc) grant(num host.Wire, n int32, back any) {
	e := p.wire(num, "grant")
	c := wireInput{kind: host.Credit, n: n, body: back}
	switch {
	case e.side != host.Consumer:
		p.breach("grant on wire %d at its producer", num)
	case n < 0:
		p.breach("grant of %d on wire %d", n, num)
	case e.state == opening:
		e.early = append(e.early, c)
	case e.state == up:
		c.end = e.peer
		e.peer.p.box.putWire(c)
	}
}

func (p *proc) closeWire(num host.Wire) {
	e := p.wire(num, "close")
	if e.state == down {
		return
	}
	e.state, e.early = down, nil
	p.w.wireMu.Lock()
	defer p.w.wireMu.Unlock()
	p.w.disconnect(e, errClosed)
}

// cut takes down all wires of an actor that has ended.
func (w *World) cut(p *proc, why error) {
	w.wireMu.Lock()
	defer w.wireMu.Unlock()
	for _, e := range p.ends {
		if e != nil {
			w.disconnect(e, why)
		}
	}
}

// disconnect ends a wire for its other end, after all that is under way to it.
func (w *World) disconnect(e *wireEnd, why error) {
	switch {
	case e.cut:
	case e.peer == nil:
		delete(w.half, e.key)
	default:
		e.peer.p.box.putWire(wireInput{end: e.peer, kind: host.WireDown, err: why})
	}
	e.cut = true
}
