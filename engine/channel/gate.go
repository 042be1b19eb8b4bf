package channel

import (
	"encoding/binary"
	"fmt"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/must"
	"github.com/weirstream/weir/engine/stream"
)

// InputChannel is the input queue of one channel of a task.
type InputChannel struct {
	wire    host.Wire
	remote  bool
	blocked bool // by alignment: nothing is taken from it
	// EndOfData and Ended say what has been taken from it, Down that its wire is.
	EndOfData, Ended, Down bool
	// Watermark is the last one taken from it.
	Watermark int64

	queue  queue
	cursor int // records of the first batch that were taken already

	taken   uint64 // running number of the next record to take
	arrived uint64 // running number of the next record to arrive
	// room is how many more frames may be granted.
	room int

	repeats   bool // see Repeat
	capturing bool
	captured  []Captured

	batches int // data batches in the queue
}

// InputGate is the input of a task: the channels of all its edges in the order of
// the edges and, in each, of the producing subtasks.
type InputGate struct {
	Channels []InputChannel
	types    []stream.Type // of each channel
	// ready lists unblocked channels that have something, in turn.
	ready   []int
	turns   []int // memory of ready, twice what it needs
	isReady []bool
	account InputAccount
}

// NewInputGate makes a gate with a channel for each type, each granting the given
// number of credits (frames on the wire or queued).
func NewInputGate(types []stream.Type, credits int) *InputGate {
	must.That(credits > 0, "gate with %d credits a channel", credits)
	n := len(types)
	g := &InputGate{Channels: make([]InputChannel, n), types: types, turns: make([]int, 2*n), isReady: make([]bool, n)}
	g.ready = g.turns[:0]
	for i := range g.Channels {
		g.Channels[i].Watermark = stream.NoTime
		g.Channels[i].room = credits
	}
	g.account.Credits = int64(n * credits)
	return g
}

// Open opens the wire of a channel and grants its first credits. It is called
// after the channel's in-flight data has been restored, so that a long queue is
// worked off first (K4).
func (g *InputGate) Open(out *host.Outbox, ch int, w host.Wire, id host.WireID, self, peer host.Address) {
	c := &g.Channels[ch]
	c.wire, c.remote = w, self.Node != peer.Node
	out.Open(w, id, host.Consumer, peer)
	if c.room > 0 {
		out.Grant(w, c.room, nil)
		g.account.Granted += int64(c.room)
		c.room = 0
	}
}

// Taken is the running number of the next record to be taken from a channel.
func (g *InputGate) Taken(ch int) uint64 { return g.Channels[ch].taken }

// Arrived is the running number of the next record to arrive on a channel.
func (g *InputGate) Arrived(ch int) uint64 { return g.Channels[ch].arrived }

// Restore puts a channel where a checkpoint left it: the next record's number and
// the data that was in flight.
func (g *InputGate) Restore(ch int, taken uint64, inFlight []stream.AnyBatch) {
	c := &g.Channels[ch]
	c.taken, c.arrived = taken, taken
	for _, b := range inFlight {
		must.That(b.First() == c.arrived, "K2: restored channel %d goes on at record %d, batch starts at %d", ch, c.arrived, b.First())
		c.arrived += uint64(b.Len())
		g.account.Restored++
		c.room--
		g.push(ch, item{batch: b})
	}
}

// Repeat lets the producer of a restored channel go on with a record that the
// snapshot has taken already: its first batch or barrier says which. In at-least-once
// mode what came behind a barrier may be in the snapshot, and comes again.
func (g *InputGate) Repeat(ch int) { g.Channels[ch].repeats = true }

// resume goes back to the record with which the producer goes on.
func (c *InputChannel) resume(ch int, first uint64) {
	must.That(first <= c.arrived, "K2: restored channel %d expects record %d or an earlier one, got %d", ch, c.arrived, first)
	c.repeats, c.taken, c.arrived = false, first, first
}

// Receive takes a frame from the wire. Events with priority are returned at once,
// everything else waits in the queue (ok is false); but a barrier with a timeout, which
// waits, is returned, too: it is to be announced. A frame that can't be decoded is an error.
func (g *InputGate) Receive(ch int, f host.Frame) (e stream.Event, ok bool, err error) {
	it, err := g.decode(ch, f)
	if err != nil {
		return e, false, fmt.Errorf("frame on channel %d: %w", ch, err)
	}
	c := &g.Channels[ch]
	if it.batch == nil {
		if c.repeats && it.event.Kind == stream.Barrier {
			c.resume(ch, it.event.Record)
		}
		if it.event.Priority() {
			return it.event, true, nil
		}
		g.push(ch, it)
		return it.event, it.event.Timeoutable(), nil
	}
	if c.repeats {
		c.resume(ch, it.batch.First())
	}
	if it.batch.First() != c.arrived { // not must.That: its arguments would be allocated
		must.Unreachable("K2: channel %d expects record %d, got %d", ch, c.arrived, it.batch.First())
	}
	c.arrived += uint64(it.batch.Len())
	g.account.Received++
	if c.capturing {
		it.batch.Pin()
		g.account.Pinned++
		c.captured = append(c.captured, Captured{Batch: it.batch})
	}
	g.push(ch, it)
	return e, false, nil
}

func (g *InputGate) decode(ch int, f host.Frame) (item, error) {
	switch b := f.Body.(type) {
	case stream.AnyBatch:
		return item{batch: b}, nil
	case stream.Event:
		return item{event: b}, nil
	case []byte:
		if len(b) == 0 {
			return item{}, fmt.Errorf("empty: %w", codec.ErrMalformed)
		}
		switch b[0] {
		case tagEvent:
			e, err := stream.DecodeEvent(b[1:])
			return item{event: e}, err
		case tagBatch:
			batch, err := g.types[ch].Decode(b[1:])
			return item{batch: batch}, err
		}
		return item{}, fmt.Errorf("unknown tag %d: %w", b[0], codec.ErrMalformed)
	}
	return item{}, fmt.Errorf("%T: %w", f.Body, codec.ErrMalformed)
}

func (g *InputGate) push(ch int, it item) {
	c := &g.Channels[ch]
	c.queue.push(it)
	if it.batch != nil {
		c.batches++
	}
	g.enlist(ch)
}

func (g *InputGate) enlist(ch int) {
	c := &g.Channels[ch]
	if !g.isReady[ch] && !c.blocked && !c.queue.empty() {
		g.isReady[ch] = true
		if len(g.ready) == cap(g.ready) { // the list has walked to the end of its memory
			g.ready = append(g.turns[:0], g.ready...)
		}
		g.ready = append(g.ready, ch)
	}
}

// HasInput reports whether something may be taken.
func (g *InputGate) HasInput() bool {
	for len(g.ready) > 0 {
		if c := &g.Channels[g.ready[0]]; !c.blocked && !c.queue.empty() {
			break
		}
		g.unlist()
	}
	return len(g.ready) > 0
}

// Head is what the next channel in turn has at its front: a batch, its records
// from index from on not yet taken, or an event if batch is nil. HasInput must
// have said that there is one.
func (g *InputGate) Head() (ch int, batch stream.AnyBatch, from int, e stream.Event) {
	ch = g.ready[0]
	c := &g.Channels[ch]
	it := c.queue.waiting()[0]
	return ch, it.batch, c.cursor, it.event
}

// Take says that n records of the head batch were taken. When it is used up its
// credit and, if nothing else holds it, the batch go back to the producer; then
// the next channel has its turn.
func (g *InputGate) Take(out *host.Outbox, n int) {
	ch := g.ready[0]
	c := &g.Channels[ch]
	b := c.queue.waiting()[0].batch
	c.cursor += n
	c.taken += uint64(n)
	if c.cursor < b.Len() {
		return
	}
	c.cursor = 0
	c.batches--
	c.queue.pop()
	g.account.Used++
	c.room++
	g.grant(out, c, b)
	g.next()
}

func (g *InputGate) grant(out *host.Outbox, c *InputChannel, b stream.AnyBatch) {
	if c.Down || c.Ended {
		return
	}
	var back any
	if !c.remote && !b.Pinned() {
		back = b
	}
	if c.room > 0 {
		out.Grant(c.wire, c.room, back)
		g.account.Granted += int64(c.room)
		c.room = 0
	}
}

// TakeEvent removes the event at the head, and the next channel has its turn.
func (g *InputGate) TakeEvent() {
	g.Channels[g.ready[0]].queue.pop()
	g.next()
}

// next passes the turn on.
func (g *InputGate) next() {
	ch := g.ready[0]
	g.unlist()
	g.enlist(ch)
}

func (g *InputGate) unlist() {
	g.isReady[g.ready[0]] = false
	g.ready = g.ready[1:]
}

// Block keeps a channel from being taken from, until Unblock.
func (g *InputGate) Block(ch int) { g.Channels[ch].blocked = true }

// Unblock undoes Block.
func (g *InputGate) Unblock(ch int) {
	g.Channels[ch].blocked = false
	g.enlist(ch)
}

// Capture pins the data that waits on a channel for a checkpoint, ahead of its barrier if
// that waits, too, and else, if more is set, everything that arrives until StopCapture.
func (g *InputGate) Capture(ch int, checkpoint uint64, more bool) {
	g.Pass(ch)
	c := &g.Channels[ch]
	c.capturing = more
	for i, it := range c.queue.waiting() {
		if it.batch == nil {
			if it.event.Kind == stream.Barrier && it.event.Checkpoint == checkpoint {
				c.capturing = false
				return
			}
			continue
		}
		from := 0
		if i == 0 {
			from = c.cursor
		}
		g.account.Pinned++
		it.batch.Pin()
		c.captured = append(c.captured, Captured{it.batch, from})
	}
}

// Pass pins nothing of a channel for a checkpoint, whose barrier was taken from it.
func (g *InputGate) Pass(ch int) {
	c := &g.Channels[ch]
	must.That(!c.capturing, "K3: channel %d is being captured already", ch)
	g.account.Released += int64(len(c.captured)) // of a checkpoint that was given up
	c.captured = nil
}

// Forget lets go of what was captured for a checkpoint that is given up: the next one may
// capture nothing.
func (g *InputGate) Forget() {
	for ch := range g.Channels {
		c := &g.Channels[ch]
		g.account.Released += int64(len(c.captured))
		c.captured = nil
	}
}

// Convert takes a barrier out of a channel's queue, where it waits: it overtakes what is
// ahead of it (K3). Ahead is the running number of the record behind it.
func (g *InputGate) Convert(ch int, checkpoint uint64) (e stream.Event, ahead uint64) {
	c := &g.Channels[ch]
	waiting := c.queue.waiting()
	at := barrierAt(waiting, checkpoint)
	must.That(at >= 0, "K3: barrier %d does not wait on channel %d", checkpoint, ch)
	ahead = c.arrived
	for _, it := range waiting[at+1:] {
		if it.batch != nil {
			ahead = it.batch.First()
			break
		}
	}
	e = waiting[at].event
	e.Unaligned = true
	c.queue.remove(at)
	return e, ahead
}

// barrierAt is where a barrier that may overtake waits in a queue, -1 if it does not.
func barrierAt(waiting []item, checkpoint uint64) int {
	for i, it := range waiting {
		if it.batch == nil && it.event.Timeoutable() && it.event.Checkpoint == checkpoint {
			return i
		}
	}
	return -1
}

// StopCapture ends what Capture began.
func (g *InputGate) StopCapture(ch int) { g.Channels[ch].capturing = false }

// TakeCaptured hands the captured data of a channel over.
func (g *InputGate) TakeCaptured(ch int) []Captured {
	c := &g.Channels[ch]
	cs := c.captured
	c.captured, c.capturing = nil, false
	return cs
}

// End says that end of partition was taken from a channel.
func (g *InputGate) End(ch int) { g.Channels[ch].Ended = true }

// Complete reports that end of partition was taken from a channel or waits in its
// queue, so that nothing is missing.
func (g *InputGate) Complete(ch int) bool {
	c := &g.Channels[ch]
	if c.Ended {
		return true
	}
	for _, it := range c.queue.waiting() {
		if it.batch == nil && it.event.Kind == stream.EndOfPartition {
			return true
		}
	}
	return false
}

// EndOfData reports that no channel will bring another record.
func (g *InputGate) EndOfData() bool {
	for i := range g.Channels {
		if !g.Channels[i].EndOfData {
			return false
		}
	}
	return true
}

// Watermark is the least watermark of all channels.
func (g *InputGate) Watermark() int64 {
	wm := int64(stream.MaxWatermark)
	for i := range g.Channels {
		wm = min(wm, g.Channels[i].Watermark)
	}
	return wm
}

// Queued is the number of batches in all queues.
func (g *InputGate) Queued() int {
	n := 0
	for i := range g.Channels {
		n += g.Channels[i].batches
	}
	return n
}

// DecodeCaptured reads what AppendCaptured wrote. Errors wrap codec.ErrMalformed.
func DecodeCaptured(src []byte, t stream.Type) ([]stream.AnyBatch, error) {
	n, k := binary.Uvarint(src)
	if k <= 0 {
		return nil, fmt.Errorf("in-flight data: %w", codec.ErrMalformed)
	}
	src = src[k:]
	var bs []stream.AnyBatch
	for i := range n {
		l, k := binary.Uvarint(src)
		if k <= 0 || l > uint64(len(src)-k) {
			return nil, fmt.Errorf("in-flight batch %d of %d: %w", i, n, codec.ErrMalformed)
		}
		b, err := t.Decode(src[k : k+int(l)])
		if err != nil {
			return nil, fmt.Errorf("in-flight batch %d of %d: %w", i, n, err)
		}
		bs = append(bs, b)
		src = src[k+int(l):]
	}
	if len(src) != 0 {
		return nil, fmt.Errorf("%d bytes behind the in-flight data: %w", len(src), codec.ErrMalformed)
	}
	return bs, nil
}
