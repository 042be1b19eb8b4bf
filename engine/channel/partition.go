// Package channel moves batches and events between tasks with credit-based flow
// control: a [ResultPartition] holds the output queues of one edge in its
// producer, an [InputGate] the input queues of a task. The wire between them
// belongs to the host and never reorders.
//
// Invariants (K1 to K4 are asserted here):
//
//	K1  a data frame is written only against a credit
//	K2  the running numbers of the records of a channel have no gap and no
//	    repetition, neither on the wire nor from one attempt to the next
//	K3  a priority event overtakes data only inside these two queues, and what it
//	    overtakes is handed to the checkpoint
//	K4  no more than the granted frames are on the wire or in the input queue
package channel

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/must"
	"github.com/weirstream/weir/engine/stream"
)

// Tags of remote frames.
const (
	tagBatch = 0
	tagEvent = 1
)

// Captured is in-flight data that a checkpoint keeps: a batch from an index on.
// The batch is pinned.
type Captured struct {
	Batch stream.AnyBatch
	From  int
}

// Records is the number of captured records.
func (c Captured) Records() int { return c.Batch.Len() - c.From }

// Opener is the typed half of an output: the batches that are still open.
type Opener interface {
	// TakeOpen returns the open batch of a subpartition, or nil if it is empty.
	TakeOpen(sub int) stream.AnyBatch
	// NextOpen is the first subpartition with an open batch, from one on; -1 if there
	// is none.
	NextOpen(from int) int
	// OpenRecords is the number of records in the open batch of a subpartition.
	OpenRecords(sub int) int
	// Recycle takes an unpinned batch back for reuse.
	Recycle(b stream.AnyBatch)
}

type item struct {
	batch stream.AnyBatch // nil for events
	event stream.Event
}

// queue is a FIFO of items.
type queue struct {
	items []item
	head  int // items[head:] is what waits
}

func (q *queue) waiting() []item { return q.items[q.head:] }

func (q *queue) empty() bool { return q.head == len(q.items) }

// push moves what waits to the front before the memory would grow: a queue that is
// never empty must not grow with all that ever passed.
func (q *queue) push(it item) {
	if len(q.items) == cap(q.items) && q.head > len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, it)
}

func (q *queue) pop() item {
	it := q.items[q.head]
	q.items[q.head] = item{}
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return it
}

// remove takes an item out of what waits.
func (q *queue) remove(i int) {
	rest := q.items[q.head+i:]
	copy(rest, rest[1:])
	rest[len(rest)-1] = item{}
	q.items = q.items[:len(q.items)-1]
	if q.empty() {
		q.items, q.head = q.items[:0], 0
	}
}

// subpartition is the output queue of one channel.
type subpartition struct {
	wire   host.Wire
	remote bool
	up     bool
	closed bool
	credit int
	sent   uint64 // running number of the next record to be queued
	queue  queue
}

// ResultPartition is the output of a task on one edge: an output queue for each
// consuming subtask.
type ResultPartition struct {
	subs   []subpartition
	opener Opener
	// queued counts full batches in all queues; limit is where Full begins.
	queued, limit int
	dirty         []int // subpartitions that may have something to send
	isDirty       []bool
	events        int64 // that were ever broadcast
	account       OutputAccount
	// held counts the queues in which the barrier of the checkpoint waiting is, which
	// may overtake later.
	held    int
	waiting uint64
}

// NewResultPartition makes a partition with n subpartitions that is Full at limit
// queued batches.
func NewResultPartition(n, limit int) *ResultPartition {
	must.That(n > 0 && limit > 0, "partition of %d subpartitions and limit %d", n, limit)
	return &ResultPartition{subs: make([]subpartition, n), limit: limit, isDirty: make([]bool, n)}
}

// Attach tells the partition its typed half.
func (p *ResultPartition) Attach(o Opener) { p.opener = o }

// Open opens the wire of a subpartition.
func (p *ResultPartition) Open(out *host.Outbox, sub int, w host.Wire, id host.WireID, self, peer host.Address) {
	p.subs[sub].wire, p.subs[sub].remote = w, self.Node != peer.Node
	out.Open(w, id, host.Producer, peer)
}

// Len is the number of subpartitions.
func (p *ResultPartition) Len() int { return len(p.subs) }

// Full reports that no further record should be produced.
func (p *ResultPartition) Full() bool { return p.queued >= p.limit }

// Sent is the running number of the next record of a subpartition: how many
// records were ever produced into it, open batch aside.
func (p *ResultPartition) Sent(sub int) uint64 { return p.subs[sub].sent }

// Emitted is Sent with the open batch.
func (p *ResultPartition) Emitted(sub int) uint64 {
	return p.subs[sub].sent + uint64(p.opener.OpenRecords(sub))
}

// Events is how many events were ever broadcast.
func (p *ResultPartition) Events() int64 { return p.events }

// Waiting is the number of records in a subpartition's queue, open batch aside.
func (p *ResultPartition) Waiting(sub int) uint64 {
	n := uint64(0)
	for _, it := range p.subs[sub].queue.waiting() {
		if it.batch != nil {
			n += uint64(it.batch.Len())
		}
	}
	return n
}

// RestoreSent sets that number when a task is restored, before anything is queued.
func (p *ResultPartition) RestoreSent(sub int, n uint64) { p.subs[sub].sent = n }

// Queue adds a full batch to a subpartition and numbers its records.
func (p *ResultPartition) Queue(sub int, b stream.AnyBatch) {
	s := &p.subs[sub]
	b.SetFirst(s.sent)
	s.sent += uint64(b.Len())
	s.queue.push(item{batch: b})
	p.queued++
	p.account.Queued++
	p.touch(sub)
}

// QueueRestored adds a batch that a checkpoint found in flight; it keeps its
// number. Restored batches come before anything else, in order.
func (p *ResultPartition) QueueRestored(sub int, b stream.AnyBatch) {
	s := &p.subs[sub]
	s.queue.push(item{batch: b})
	p.queued++
	p.account.Queued++
	p.touch(sub)
}

func (p *ResultPartition) touch(sub int) {
	if !p.isDirty[sub] {
		p.isDirty[sub] = true
		p.dirty = append(p.dirty, sub)
	}
}

// Flush queues the open batches, so that they are sent.
func (p *ResultPartition) Flush() {
	for sub := p.opener.NextOpen(0); sub >= 0; sub = p.opener.NextOpen(sub + 1) {
		p.flush(sub)
	}
}

func (p *ResultPartition) flush(sub int) {
	if b := p.opener.TakeOpen(sub); b != nil {
		p.Queue(sub, b)
	}
}

// Broadcast flushes and sends an event on every subpartition. A priority event
// goes in front of all queued data, behind priority events that wait for the wire, and
// the data is returned per subpartition for the checkpoint (K3); nil otherwise. A barrier is told which record follows it.
func (p *ResultPartition) Broadcast(e stream.Event) [][]Captured {
	var over [][]Captured
	if e.Priority() {
		over = make([][]Captured, len(p.subs))
	}
	p.events++
	for sub := range p.subs {
		p.flush(sub)
		s := &p.subs[sub]
		if e.Kind == stream.Barrier {
			e.Record = s.following(e.Priority())
		}
		p.touch(sub)
		if !e.Priority() {
			s.queue.push(item{event: e})
			continue
		}
		over[sub] = p.overtake(s, e, len(s.queue.waiting()))
	}
	if e.Timeoutable() {
		p.waiting, p.held = e.Checkpoint, len(p.subs)
	}
	return over
}

// overtake puts a priority event in front of the first n items that wait, behind priority
// events, and pins the data among them.
func (p *ResultPartition) overtake(s *subpartition, e stream.Event, n int) (over []Captured) {
	waiting := s.queue.waiting()
	first := 0
	for first < n && waiting[first].batch == nil && waiting[first].event.Priority() {
		first++
	}
	rest := make([]item, 0, len(waiting)+1)
	rest = append(append(rest, waiting[:first]...), item{event: e})
	for _, it := range waiting[first:n] {
		if it.batch != nil {
			p.account.Pinned++
			it.batch.Pin()
			over = append(over, Captured{Batch: it.batch})
		}
	}
	s.queue = queue{items: append(rest, waiting[first:]...)}
	return over
}

// Held reports whether a barrier that may overtake waits in a queue: until it has left
// all of them, or overtaken, it is open what it leaves in flight.
func (p *ResultPartition) Held(checkpoint uint64) bool { return p.waiting == checkpoint && p.held > 0 }

// Overtake lets a barrier overtake in the queues in which it still waits. The data that it
// overtakes is returned per subpartition for the checkpoint (K3).
func (p *ResultPartition) Overtake(checkpoint uint64) [][]Captured {
	over := make([][]Captured, len(p.subs))
	for sub := range p.subs {
		s := &p.subs[sub]
		at := barrierAt(s.queue.waiting(), checkpoint)
		if at < 0 {
			continue
		}
		e := s.queue.waiting()[at].event
		s.queue.remove(at)
		e.Unaligned = true
		e.Record = s.ahead(at, e.Record)
		over[sub] = p.overtake(s, e, at)
		p.touch(sub)
	}
	p.held = 0
	return over
}

// ahead is the number of the first record among the first n items that wait, or else.
func (s *subpartition) ahead(n int, or uint64) uint64 {
	for _, it := range s.queue.waiting()[:n] {
		if it.batch != nil {
			return it.batch.First()
		}
	}
	return or
}

// following is the number of the record behind an event that is queued now.
func (s *subpartition) following(priority bool) uint64 {
	if priority {
		return s.ahead(len(s.queue.waiting()), s.sent)
	}
	return s.sent
}

// Up is told that the wire of a subpartition is up.
func (p *ResultPartition) Up(sub int) {
	p.subs[sub].up = true
	p.touch(sub)
}

// Down is told that the wire of a subpartition went down.
func (p *ResultPartition) Down(sub int) { p.subs[sub].up = false }

// Credit takes n credits and a batch to use again.
func (p *ResultPartition) Credit(sub, n int, back any) {
	p.subs[sub].credit += n
	p.touch(sub)
	if b, ok := back.(stream.AnyBatch); ok && !b.Pinned() {
		p.opener.Recycle(b)
	}
}

// Drain writes what may be written: events always, batches against credit (K1).
func (p *ResultPartition) Drain(out *host.Outbox) {
	for _, sub := range p.dirty {
		p.isDirty[sub] = false
		p.drain(out, &p.subs[sub])
	}
	p.dirty = p.dirty[:0]
}

func (p *ResultPartition) drain(out *host.Outbox, s *subpartition) {
	for s.up && !s.queue.empty() {
		if s.queue.waiting()[0].batch != nil && s.credit == 0 {
			return
		}
		it := s.queue.pop()
		if it.batch == nil {
			if it.event.Timeoutable() && it.event.Checkpoint == p.waiting {
				p.held--
			}
			out.Write(s.wire, eventFrame(it.event, s.remote))
			continue
		}
		s.credit--
		p.queued--
		p.account.Written++
		out.Write(s.wire, batchFrame(it.batch, s.remote))
		if s.remote && !it.batch.Pinned() {
			p.opener.Recycle(it.batch)
		}
	}
}

// Close closes all wires; what was queued and could be sent has been sent.
func (p *ResultPartition) Close(out *host.Outbox) {
	for i := range p.subs {
		if s := &p.subs[i]; s.up && !s.closed {
			s.closed = true
			out.CloseWire(s.wire)
		}
	}
}

// Queued is the number of batches that wait in all queues.
func (p *ResultPartition) Queued() int { return p.queued }

// String says what waits, and for what.
func (p *ResultPartition) String() string {
	var words []string
	for i := range p.subs {
		s := &p.subs[i]
		if s.queue.empty() {
			continue
		}
		w := fmt.Sprintf("%d in subpartition %d", len(s.queue.waiting()), i)
		switch {
		case !s.up:
			w += " without a wire"
		case s.credit == 0:
			w += " without credit"
		}
		words = append(words, w)
	}
	if words == nil {
		return "empty"
	}
	return strings.Join(words, ", ")
}

// Empty reports that nothing waits to be sent.
func (p *ResultPartition) Empty() bool {
	for i := range p.subs {
		if !p.subs[i].queue.empty() {
			return false
		}
	}
	return true
}

func eventFrame(e stream.Event, remote bool) host.Frame {
	if !remote {
		return host.Frame{Body: e, Size: 24}
	}
	b := e.Append([]byte{tagEvent})
	return host.Frame{Body: b, Size: len(b)}
}

func batchFrame(b stream.AnyBatch, remote bool) host.Frame {
	if !remote {
		return host.Frame{Data: true, Body: b, Size: max(1, 16*b.Len())}
	}
	buf := b.Append([]byte{tagBatch}, 0)
	return host.Frame{Data: true, Body: buf, Size: len(buf)}
}

// AppendCaptured appends the encoding of in-flight data: a count, then batches
// with their lengths.
func AppendCaptured(dst []byte, cs []Captured) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(cs)))
	var buf []byte
	for _, c := range cs {
		buf = c.Batch.Append(buf[:0], c.From)
		dst = binary.AppendUvarint(dst, uint64(len(buf)))
		dst = append(dst, buf...)
	}
	return dst
}
