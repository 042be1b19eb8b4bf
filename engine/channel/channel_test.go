package channel_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/channel"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/must"
	"github.com/weirstream/weir/engine/stream"
)

// batchOf makes a batch of values that count from first.
func batchOf(first, n int) *stream.Batch[int64] {
	b := numbers.New(n)
	b.SetFirst(uint64(first))
	for i := range n {
		b.Add(int64(first+i), stream.NoTime)
	}
	return b
}

func TestCapturedRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var cs []channel.Captured
		for range rapid.IntRange(0, 4).Draw(t, "batches") {
			b := batchOf(rapid.IntRange(0, 1000).Draw(t, "first"), rapid.IntRange(1, 20).Draw(t, "n"))
			cs = append(cs, channel.Captured{Batch: b, From: rapid.IntRange(0, b.Len()-1).Draw(t, "from")})
		}
		bytes := channel.AppendCaptured([]byte("before"), cs)[len("before"):]
		got, err := channel.DecodeCaptured(bytes, numbers)
		require.NoError(t, err)
		require.Len(t, got, len(cs))
		for i, b := range got {
			require.Equal(t, cs[i].Batch.First()+uint64(cs[i].From), b.First())
			require.Equal(t, cs[i].Batch.(*stream.Batch[int64]).Values[cs[i].From:], b.(*stream.Batch[int64]).Values)
		}
		for cut := range bytes {
			_, err := channel.DecodeCaptured(bytes[:cut], numbers)
			require.ErrorIs(t, err, codec.ErrMalformed, "cut at %d of %d", cut, len(bytes))
		}
		_, err = channel.DecodeCaptured(append(bytes, 0), numbers)
		require.ErrorIs(t, err, codec.ErrMalformed)
	})
}

func TestDecodeGarbage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		if bs, err := channel.DecodeCaptured(bytes, numbers); err != nil {
			require.ErrorIs(t, err, codec.ErrMalformed)
			require.Nil(t, bs)
		}
	})
}

func TestMalformedFrames(t *testing.T) {
	g := channel.NewInputGate([]stream.Type{numbers}, 1)
	for _, c := range []struct {
		body any
		want string
	}{
		{[]byte{}, "frame on channel 0: empty: malformed encoding"},
		{[]byte{0}, "frame on channel 0: batch number: malformed encoding"},
		{[]byte{1, 1}, "frame on channel 0: event: malformed encoding"},
		{[]byte{2, 0, 0, 0}, "frame on channel 0: unknown tag 2: malformed encoding"},
		{"text", "frame on channel 0: string: malformed encoding"},
	} {
		_, _, err := g.Receive(0, host.Frame{Body: c.body})
		require.EqualError(t, err, c.want)
		require.ErrorIs(t, err, codec.ErrMalformed)
		require.False(t, g.HasInput())
	}
}

// A gap, a repetition and a restored batch that does not fit are bugs (K2).
func TestRunningNumbers(t *testing.T) {
	for name, f := range map[string]func(g *channel.InputGate){
		"gap":        func(g *channel.InputGate) { _, _, _ = g.Receive(0, host.Frame{Data: true, Body: batchOf(4, 1)}) },
		"repetition": func(g *channel.InputGate) { _, _, _ = g.Receive(0, host.Frame{Data: true, Body: batchOf(2, 1)}) },
		"restored":   func(g *channel.InputGate) { g.Restore(0, 7, []stream.AnyBatch{batchOf(8, 1)}) },
	} {
		g := channel.NewInputGate([]stream.Type{numbers}, 4)
		g.Restore(0, 0, []stream.AnyBatch{batchOf(0, 3)})
		require.Panics(t, func() { f(g) }, name)
		func() {
			defer func() { require.IsType(t, must.Violation{}, recover(), name) }()
			f(g)
		}()
	}
}

// frames is what a partition has written.
func frames(out *host.Outbox) (bodies []any) {
	for _, e := range out.Effects {
		if e.Kind == host.Write {
			bodies = append(bodies, e.Frame.Body)
		}
	}
	out.Reset()
	return bodies
}

func TestPriorityOvertakes(t *testing.T) {
	var out host.Outbox
	p := channel.NewResultPartition(1, 10)
	w := channel.NewWriter(p, numbers, 2, new(bool))
	p.Open(&out, 0, 0, host.WireID{}, producer, producer)
	p.Up(0)
	for v := range int64(5) {
		w.Push(0, v, stream.NoTime)
	}
	p.Broadcast(stream.Event{Kind: stream.Watermark, Time: 1})
	over := p.Broadcast(stream.Event{Kind: stream.Barrier, Checkpoint: 1, Unaligned: true})
	require.Len(t, over, 1)
	require.Len(t, over[0], 3, "two full batches and the open one")
	p.Drain(&out)
	require.Equal(t, []any{stream.Event{Kind: stream.Barrier, Checkpoint: 1, Unaligned: true}}, frames(&out), "no credit for more")
	p.Credit(0, 3, nil)
	p.Drain(&out)
	require.Equal(t, []any{over[0][0].Batch, over[0][1].Batch, over[0][2].Batch, stream.Event{Kind: stream.Watermark, Time: 1}},
		frames(&out), "the watermark stays behind what it was sent after")
	require.True(t, p.Empty())
}

// Barriers that wait for the wire stay in order: the newer one overtakes data only (T1).
func TestPriorityKeepsItsOrder(t *testing.T) {
	var out host.Outbox
	p := channel.NewResultPartition(1, 10)
	w := channel.NewWriter(p, numbers, 2, new(bool))
	p.Open(&out, 0, 0, host.WireID{}, producer, producer)
	w.Push(0, 1, stream.NoTime)
	first := stream.Event{Kind: stream.Barrier, Checkpoint: 1, Unaligned: true}
	second := stream.Event{Kind: stream.Barrier, Checkpoint: 2, Unaligned: true}
	require.Len(t, p.Broadcast(first)[0], 1)
	over := p.Broadcast(second)
	require.Len(t, over[0], 1)
	p.Up(0)
	p.Credit(0, 9, nil)
	p.Drain(&out)
	require.Equal(t, []any{first, second, over[0][0].Batch}, frames(&out))
}

// A barrier says which record follows it, as far as its receiver can tell.
func TestBarriersKnowTheirPlace(t *testing.T) {
	var out host.Outbox
	p := channel.NewResultPartition(1, 10)
	w := channel.NewWriter(p, numbers, 2, new(bool))
	p.Open(&out, 0, 0, host.WireID{}, producer, producer)
	p.Up(0)
	p.RestoreSent(0, 7)
	aligned := stream.Event{Kind: stream.Barrier, Checkpoint: 1}
	p.Broadcast(aligned)
	for v := range int64(5) {
		w.Push(0, v, stream.NoTime)
	}
	p.Credit(0, 1, nil)
	p.Broadcast(aligned)
	p.Drain(&out)
	got := frames(&out)
	require.Equal(t, stream.Event{Kind: stream.Barrier, Checkpoint: 1, Record: 7}, got[0])
	require.Len(t, got, 2, "one batch against the only credit")
	p.Broadcast(stream.Event{Kind: stream.Barrier, Checkpoint: 2, Unaligned: true})
	p.Credit(0, 9, nil)
	p.Drain(&out)
	got = frames(&out)
	require.Equal(t, stream.Event{Kind: stream.Barrier, Checkpoint: 2, Unaligned: true, Record: 9}, got[0], "two records were sent")
	require.Equal(t, stream.Event{Kind: stream.Barrier, Checkpoint: 1, Record: 12}, got[len(got)-1])
}

// A channel restored from an at-least-once snapshot stands where its producer does, from
// the first batch or barrier on.
func TestRepeatedChannelsFollowTheirProducer(t *testing.T) {
	for _, unaligned := range []bool{false, true} {
		g := channel.NewInputGate([]stream.Type{numbers}, 4)
		g.Restore(0, 10, nil)
		g.Repeat(0)
		require.EqualValues(t, 10, g.Taken(0))
		_, _, err := g.Receive(0, host.Frame{Body: stream.Event{Kind: stream.Watermark, Time: 3}})
		require.NoError(t, err)
		require.EqualValues(t, 10, g.Taken(0), "a watermark has no place")
		_, _, err = g.Receive(0, host.Frame{Body: stream.Event{Kind: stream.Barrier, Checkpoint: 4, Record: 7, Unaligned: unaligned}})
		require.NoError(t, err)
		require.EqualValues(t, 7, g.Taken(0))
		_, _, err = g.Receive(0, host.Frame{Body: stream.Event{Kind: stream.Barrier, Checkpoint: 5, Record: 6, Unaligned: unaligned}})
		require.NoError(t, err)
		require.EqualValues(t, 7, g.Taken(0), "it goes back once")
	}
}

// A batch that a checkpoint reads is neither returned by the consumer nor reused by
// the producer, whoever pinned it.
func TestPinnedBatchesAreNotReused(t *testing.T) {
	var out host.Outbox
	p := channel.NewResultPartition(1, 10)
	w := channel.NewWriter(p, numbers, 1, new(bool))
	pinned := batchOf(0, 1)
	pinned.Pin()
	p.Credit(0, 1, pinned)
	free := batchOf(1, 1)
	p.Credit(0, 1, free)
	w.Push(0, 7, stream.NoTime)
	w.Push(0, 8, stream.NoTime)
	require.Equal(t, []int64{0}, pinned.Values)
	require.Equal(t, []int64{7}, free.Values, "the one that is not pinned is used again")

	g := channel.NewInputGate([]stream.Type{numbers}, 2)
	g.Open(&out, 0, 0, host.WireID{}, producer, producer)
	for i := range 2 {
		_, _, err := g.Receive(0, host.Frame{Data: true, Body: batchOf(i, 1)})
		require.NoError(t, err)
		if i == 0 {
			g.Capture(0, 0, false)
		}
	}
	out.Reset()
	g.Take(&out, 1)
	g.Take(&out, 1)
	require.Len(t, out.Effects, 2)
	require.Nil(t, out.Effects[0].Body)
	require.NotNil(t, out.Effects[1].Body)
	require.Len(t, g.TakeCaptured(0), 1)
	require.Empty(t, g.TakeCaptured(0), "handed over once")
}

// Turns pass from channel to channel, and over those that are blocked.
func TestTurns(t *testing.T) {
	var out host.Outbox
	g := channel.NewInputGate([]stream.Type{numbers, numbers, numbers}, 9)
	for ch := range 3 {
		for i := range 3 {
			_, _, err := g.Receive(ch, host.Frame{Data: true, Body: batchOf(2*i, 2)})
			require.NoError(t, err)
		}
	}
	var order []int
	take := func() {
		for range 2 { // a batch is not left for another channel's
			require.True(t, g.HasInput())
			ch, _, _, _ := g.Head()
			order = append(order, ch)
			g.Take(&out, 1)
		}
	}
	take()
	g.Block(2)
	take()
	take()
	g.Block(0)
	take()
	g.Unblock(2)
	take()
	take()
	require.Equal(t, []int{0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 2, 2}, order)
	take()
	take()
	require.False(t, g.HasInput(), "channel 0 is blocked, the others are empty")
	g.Unblock(0)
	take()
	require.False(t, g.HasInput())
}

// sized is a codec of records whose size is their value.
type sized struct{ codec.Int64 }

func (sized) Size(v int64) int { return int(v) }

func TestWriterLimits(t *testing.T) {
	stop := false
	p := channel.NewResultPartition(1, 2)
	w := channel.NewWriter(p, &stream.Of[int64]{Codec: sized{}}, 3, &stop)
	for _, c := range []struct {
		size   int64
		queued int
		stop   bool
	}{
		{10, 0, false}, {10, 0, false},
		{10, 1, false},                            // three records
		{20 << 10, 1, false}, {20 << 10, 2, true}, // the two would be too large
	} {
		w.Push(0, c.size, stream.NoTime)
		require.Equal(t, c.queued, p.Queued())
		require.Equal(t, c.stop, stop)
	}
	require.True(t, w.Open())
	require.True(t, p.Full())
	p.Flush()
	require.False(t, w.Open())
	require.Equal(t, 3, p.Queued())
	require.EqualValues(t, 5, p.Sent(0))
	p.Flush()
	require.Equal(t, 3, p.Queued(), "empty batches are not sent")

	w.Push(0, 100<<10, stream.NoTime)
	w.Push(0, 1, stream.NoTime)
	require.Equal(t, 4, p.Queued(), "a record larger than a batch has its own")
}

func TestGateSummaries(t *testing.T) {
	g := channel.NewInputGate([]stream.Type{numbers, numbers}, 1)
	require.EqualValues(t, stream.NoTime, g.Watermark())
	g.Channels[0].Watermark = 7
	require.EqualValues(t, stream.NoTime, g.Watermark())
	g.Channels[1].Watermark = 5
	require.EqualValues(t, 5, g.Watermark())
	g.Channels[0].EndOfData = true
	require.False(t, g.EndOfData())
	g.Channels[1].EndOfData = true
	require.True(t, g.EndOfData())

	require.False(t, g.Complete(1))
	_, _, err := g.Receive(1, host.Frame{Body: stream.Event{Kind: stream.EndOfPartition}})
	require.NoError(t, err)
	require.True(t, g.Complete(1), "it waits in the queue")
	g.TakeEvent()
	require.False(t, g.Complete(1))
	g.End(1)
	require.True(t, g.Complete(1))
	require.False(t, g.Complete(0))
}

func TestClose(t *testing.T) {
	var out host.Outbox
	p := channel.NewResultPartition(3, 1)
	channel.NewWriter(p, numbers, 1, new(bool))
	for sub := range 3 {
		p.Open(&out, sub, host.Wire(sub), host.WireID{}, producer, producer)
	}
	p.Up(0)
	p.Up(1)
	p.Down(1)
	p.Broadcast(stream.Event{Kind: stream.EndOfPartition})
	out.Reset()
	p.Drain(&out)
	require.Len(t, frames(&out), 1, "only wires that are up are written to")
	p.Close(&out)
	p.Close(&out)
	require.Len(t, out.Effects, 1)
	require.Equal(t, host.CloseWire, out.Effects[0].Kind)
	require.Equal(t, host.Wire(0), out.Effects[0].Wire)
	require.False(t, p.Empty(), "the end of partition still waits for the others")
}

// Queues that are never empty neither grow nor allocate, and batches go round.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, channels := range []int{1, 3} {
		var out host.Outbox
		p := channel.NewResultPartition(channels, 1000)
		w := channel.NewWriter(p, numbers, 4, new(bool))
		types := make([]stream.Type, channels)
		for ch := range types {
			types[ch] = numbers
		}
		g := channel.NewInputGate(types, 8)
		for ch := range channels {
			p.Open(&out, ch, host.Wire(ch), host.WireID{}, producer, producer)
			g.Open(&out, ch, host.Wire(ch), host.WireID{}, producer, producer)
			p.Up(ch)
			p.Credit(ch, 8, nil)
		}
		out.Reset()
		var effects []host.Effect
		carry := func() {
			effects = append(effects[:0], out.Effects...)
			out.Reset()
			for _, e := range effects {
				if e.Kind == host.Write {
					_, _, _ = g.Receive(int(e.Wire), e.Frame)
				} else {
					p.Credit(int(e.Wire), int(e.N), e.Body)
				}
			}
		}
		push := func() {
			for i := range int64(4) {
				for ch := range channels {
					w.Push(ch, i, i)
				}
			}
			p.Drain(&out)
			carry()
		}
		for range 20 { // more than the credits: both queues have something from now on
			push()
		}
		round := func() {
			push()
			for range channels {
				g.HasInput()
				g.Take(&out, 4)
			}
			carry()
		}
		for range 100 {
			round()
		}
		require.Zero(t, testing.AllocsPerRun(10_000, round), "%d channels", channels)
		require.Equal(t, 13*channels, p.Queued())
	}
}
