package channel_test

import (
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/barrier"
	"github.com/weirstream/weir/engine/channel"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
)

var (
	numbers  = &stream.Of[int64]{Codec: codec.Int64{}}
	producer = host.Address{Node: "n1", Name: "producer"}
)

// line is the wire of one channel: frames one way, grants the other.
type line struct {
	frames []host.Frame
	grants []host.Effect
	up     bool
	data   int // data frames in frames
	queued int // batches in the consumer's queue
	over   int // restored batches there that no credit was granted for
}

// world is one producer and one consumer. Subpartition i is channel i; the value
// of a record is its running number on its channel.
type world struct {
	t         *rapid.T
	credits   int
	unaligned bool
	timeout   bool // barriers are aligned, and overtake later
	consumer  host.Address

	part    *channel.ResultPartition
	writer  *channel.Writer[int64]
	stop    bool
	gate    *channel.InputGate
	barrier *barrier.Gate
	lines   []line
	out     host.Outbox

	pushed    []int64 // next record to push, by channel
	taken     []int64 // next record to take
	last      uint64  // newest checkpoint triggered
	cuts      map[uint64]*cut
	complete  []uint64
	overtaken int // records captured by checkpoints that completed
	restores  int
	marks     [][]uint64 // records before each watermark, by channel
	timer     uint64     // checkpoint whose timer runs at the gate, 0 for none
	converted int        // barriers that overtook in the consumer's queue
	late      int        // that overtook in the producer's
}

// cut is what a checkpoint keeps of one world.
type cut struct {
	unaligned   bool // when the snapshot was taken
	sent, taken []uint64
	out, in     [][]channel.Captured
}

func newWorld(t *rapid.T) *world {
	w := &world{
		t: t, credits: rapid.IntRange(1, 4).Draw(t, "credits"), unaligned: rapid.Bool().Draw(t, "unaligned"),
		consumer: host.Address{Node: rapid.SampledFrom([]string{"n1", "n2"}).Draw(t, "node"), Name: "consumer"},
		cuts:     map[uint64]*cut{},
	}
	w.timeout = !w.unaligned && rapid.Bool().Draw(t, "timeout")
	n := rapid.IntRange(1, 3).Draw(t, "channels")
	w.pushed, w.taken = make([]int64, n), make([]int64, n)
	w.build()
	w.open()
	return w
}

func (w *world) build() {
	n := len(w.pushed)
	types := make([]stream.Type, n)
	for i := range types {
		types[i] = numbers
	}
	w.part = channel.NewResultPartition(n, 3)
	w.writer = channel.NewWriter(w.part, numbers, 4, &w.stop)
	w.gate = channel.NewInputGate(types, w.credits)
	w.barrier = barrier.NewGate(n, w.last)
	w.lines = make([]line, n)
	w.timer = 0
}

func (w *world) open() {
	for ch := range w.lines {
		id := host.WireID{To: uint32(ch)}
		w.part.Open(&w.out, ch, host.Wire(ch), id, producer, w.consumer)
		w.gate.Open(&w.out, ch, host.Wire(ch), id, w.consumer, producer)
	}
	w.carry()
}

// carry puts what was asked for on the wires.
func (w *world) carry() {
	for _, e := range w.out.Effects {
		l := &w.lines[e.Wire]
		switch e.Kind {
		case host.Write:
			require.True(w.t, l.up, "H6: written before the wire is up")
			require.Positive(w.t, e.Frame.Size)
			l.frames = append(l.frames, e.Frame)
			if e.Frame.Data {
				l.data++
			}
		case host.Grant:
			l.grants = append(l.grants, e)
		case host.Open:
		default:
			require.Fail(w.t, "unexpected effect", "%v", e)
		}
	}
	w.out.Reset()
	queued := 0
	for ch := range w.lines {
		l := &w.lines[ch]
		require.LessOrEqual(w.t, l.data+l.queued, w.credits+l.over, "K4: channel %d", ch)
		queued += l.queued
	}
	require.Equal(w.t, queued, w.gate.Queued())
}

func (w *world) push(sub int) bool {
	w.stop = false
	if w.part.Full() {
		return false
	}
	ts := int64(stream.NoTime)
	if w.pushed[sub]%3 != 0 {
		ts = w.pushed[sub]
	}
	w.writer.Push(sub, w.pushed[sub], ts)
	w.pushed[sub]++
	require.Equal(w.t, w.part.Full(), w.stop)
	return true
}

func (w *world) drain() {
	w.part.Drain(&w.out)
	w.carry()
}

func (w *world) up(ch int) bool {
	if w.lines[ch].up {
		return false
	}
	w.lines[ch].up = true
	w.part.Up(ch)
	return true
}

// credit delivers a grant.
func (w *world) credit(ch int) bool {
	l := &w.lines[ch]
	if !l.up || len(l.grants) == 0 {
		return false
	}
	g := l.grants[0]
	l.grants = l.grants[1:]
	if b, ok := g.Body.(stream.AnyBatch); ok {
		require.False(w.t, b.Pinned(), "a pinned batch is returned")
		require.Equal(w.t, producer.Node, w.consumer.Node)
	}
	w.part.Credit(ch, int(g.N), g.Body)
	return true
}

// deliver brings a frame to the consumer.
func (w *world) deliver(ch int) bool {
	l := &w.lines[ch]
	if len(l.frames) == 0 {
		return false
	}
	f := l.frames[0]
	l.frames = l.frames[1:]
	e, priority, err := w.gate.Receive(ch, f)
	require.NoError(w.t, err)
	if f.Data {
		l.data--
		l.queued++
	}
	if priority {
		in := barrier.Input{Kind: barrier.Barrier, Channel: ch, Checkpoint: e.Checkpoint, Unaligned: true}
		if !e.Unaligned {
			require.True(w.t, w.timeout)
			in.Kind, in.Unaligned, in.Timeout = barrier.Announce, false, e.Timeout
		} else {
			require.True(w.t, w.unaligned || w.timeout)
			require.Equal(w.t, w.gate.Arrived(ch), e.Record, "the record behind the barrier")
		}
		w.barriers(in)
	}
	w.carry()
	return true
}

// take takes up to n records of the head batch, or the event at the head.
func (w *world) take(n int) bool {
	if !w.gate.HasInput() {
		return false
	}
	ch, b, from, e := w.gate.Head()
	if b == nil {
		w.gate.TakeEvent()
		w.event(ch, e)
		w.carry()
		return true
	}
	batch := b.(*stream.Batch[int64])
	require.Equal(w.t, uint64(w.taken[ch]), batch.First()+uint64(from), "K2")
	n = min(n, b.Len()-from)
	for i := from; i < from+n; i++ {
		require.Equal(w.t, w.taken[ch], batch.Values[i])
		if batch.Values[i]%3 != 0 {
			require.Equal(w.t, batch.Values[i], batch.Time(i))
		} else {
			require.EqualValues(w.t, stream.NoTime, batch.Time(i))
		}
		w.taken[ch]++
	}
	if from+n == b.Len() {
		l := &w.lines[ch]
		l.queued--
		l.over = max(0, l.over-1)
	}
	w.gate.Take(&w.out, n)
	require.Equal(w.t, uint64(w.taken[ch]), w.gate.Taken(ch))
	w.carry()
	return true
}

func (w *world) event(ch int, e stream.Event) {
	in := barrier.Input{Channel: ch, Checkpoint: e.Checkpoint}
	switch e.Kind {
	case stream.Barrier:
		require.False(w.t, e.Unaligned)
		require.Equal(w.t, w.gate.Taken(ch), e.Record, "the record behind the barrier")
		in.Kind, in.Timeout = barrier.Barrier, e.Timeout
	case stream.CancelMarker:
		in.Kind = barrier.Cancel
	case stream.Watermark:
		require.Equal(w.t, w.marks[e.Time][ch], w.gate.Taken(ch), "a watermark stays between its records")
		return
	}
	w.barriers(in)
}

func (w *world) barriers(in barrier.Input) {
	var convert []barrier.Effect
	for _, e := range w.barrier.Step(in, nil) {
		switch e.Kind {
		case barrier.StartTimer:
			w.timer = e.Checkpoint
		case barrier.StopTimer:
			w.timer = 0
		case barrier.Convert:
			convert = append(convert, e)
		case barrier.Pass:
			w.gate.Pass(e.Channel)
		case barrier.Abort:
			w.gate.Forget()
		case barrier.Block:
			w.gate.Block(e.Channel)
		case barrier.Unblock:
			w.gate.Unblock(e.Channel)
		case barrier.Capture:
			w.gate.Capture(e.Channel, e.Checkpoint, e.More)
		case barrier.Stop:
			w.gate.StopCapture(e.Channel)
		case barrier.Snapshot:
			c := w.cuts[e.Checkpoint]
			c.unaligned = e.Unaligned
			for ch := range w.lines {
				c.taken = append(c.taken, w.gate.Taken(ch))
			}
		case barrier.Complete:
			c := w.cuts[e.Checkpoint]
			c.in = make([][]channel.Captured, len(w.lines))
			for ch := range w.lines {
				if c.unaligned {
					c.in[ch] = w.gate.TakeCaptured(ch)
				}
			}
			w.overtaken += w.check(c)
			w.complete = append(w.complete, e.Checkpoint)
		}
	}
	for _, c := range convert {
		e, ahead := w.gate.Convert(c.Channel, c.Checkpoint)
		require.Equal(w.t, e.Record, ahead, "the record behind the barrier")
		w.converted++
		w.barriers(barrier.Input{Kind: barrier.Barrier, Channel: c.Channel, Checkpoint: e.Checkpoint, Unaligned: e.Unaligned})
	}
}

// due lets a timer run out: the gate's, or the producer's.
func (w *world) due(atGate bool) {
	switch {
	case !w.timeout:
	case atGate && w.timer != 0:
		w.barriers(barrier.Input{Kind: barrier.Timeout, Checkpoint: w.timer})
	case !atGate && w.part.Held(w.last):
		w.cuts[w.last].out = w.part.Overtake(w.last)
		require.False(w.t, w.part.Held(w.last))
		w.late++
	}
}

// check says that nothing is missing in a cut and nothing is in it twice: what was
// taken, then what the consumer had, then what the producer had. It returns the
// number of records in flight.
func (w *world) check(c *cut) (inFlight int) {
	for ch := range w.lines {
		next := c.taken[ch]
		for _, part := range [][]channel.Captured{c.in[ch], c.out[ch]} {
			for _, p := range part {
				require.True(w.t, p.Batch.Pinned())
				require.Positive(w.t, p.Records())
				require.Equal(w.t, next, p.Batch.First()+uint64(p.From), "K2: channel %d", ch)
				for _, v := range p.Batch.(*stream.Batch[int64]).Values[p.From:] {
					require.EqualValues(w.t, next, v, "a pinned batch has changed")
					next++
				}
				inFlight += p.Records()
			}
		}
		require.Equal(w.t, c.sent[ch], next, "K3: channel %d", ch)
	}
	return inFlight
}

// trigger is the producer's synchronous point.
func (w *world) trigger() {
	w.last++
	c := &cut{}
	e := stream.Event{Kind: stream.Barrier, Checkpoint: w.last, Unaligned: w.unaligned}
	if w.timeout {
		e.Timeout = 100
	}
	c.out = w.part.Broadcast(e)
	require.Equal(w.t, w.timeout, w.part.Held(w.last))
	if !w.unaligned {
		require.Nil(w.t, c.out)
		c.out = make([][]channel.Captured, len(w.lines))
	}
	c.sent = w.sent()
	w.cuts[w.last] = c
}

// sent is how many records each channel was ever given; no batch may be open.
func (w *world) sent() (n []uint64) {
	for ch := range w.lines {
		require.EqualValues(w.t, w.pushed[ch], w.part.Sent(ch))
		n = append(n, w.part.Sent(ch))
	}
	return n
}

func (w *world) cancel(ahead bool) {
	if ahead {
		w.last++
	}
	w.part.Broadcast(stream.Event{Kind: stream.CancelMarker, Checkpoint: w.last})
}

func (w *world) watermark() {
	at := int64(len(w.marks))
	w.part.Broadcast(stream.Event{Kind: stream.Watermark, Time: at})
	w.marks = append(w.marks, w.sent())
}

// restore starts both ends again from a checkpoint, by way of its bytes.
func (w *world) restore(id uint64) {
	c := w.cuts[id]
	w.build()
	for ch := range w.lines {
		in, out := w.reread(c.in[ch]), w.reread(c.out[ch])
		w.gate.Restore(ch, c.taken[ch], in)
		w.part.RestoreSent(ch, c.sent[ch])
		for _, b := range out {
			w.part.QueueRestored(ch, b)
		}
		w.lines[ch].queued, w.lines[ch].over = len(in), max(0, len(in)-w.credits)
		w.pushed[ch], w.taken[ch] = int64(c.sent[ch]), int64(c.taken[ch])
	}
	w.open()
	w.restores++
}

func (w *world) reread(cs []channel.Captured) []stream.AnyBatch {
	bytes := channel.AppendCaptured(nil, cs)
	bs, err := channel.DecodeCaptured(bytes, numbers)
	require.NoError(w.t, err)
	require.Len(w.t, bs, len(cs))
	return bs
}

// settle lets everything that waits arrive and be taken.
func (w *world) settle() {
	w.part.Flush()
	for ch := range w.lines {
		w.up(ch)
	}
	for moved := true; moved; {
		w.drain()
		moved = w.take(3)
		for ch := range w.lines {
			moved = w.deliver(ch) || moved
			moved = w.credit(ch) || moved
		}
	}
	require.Equal(w.t, w.pushed, w.taken, "%v", w.barrier)
	require.True(w.t, w.part.Empty())
	require.Zero(w.t, w.part.Queued())
	require.Zero(w.t, w.gate.Queued())
	_, pending := w.barrier.Pending()
	require.False(w.t, pending, "%v", w.barrier)
}
