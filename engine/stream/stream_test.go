package stream_test

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/stream"
)

var words = &stream.Of[string]{Codec: codec.String{}}

// batch draws a batch in which all, some or no records have an event time.
func batch(t *rapid.T) *stream.Batch[string] {
	b := words.New(4)
	b.SetFirst(rapid.Uint64().Draw(t, "first"))
	timed := rapid.SampledFrom([]*rapid.Generator[int64]{
		rapid.Just[int64](stream.NoTime), rapid.Int64(),
		rapid.SampledFrom([]int64{stream.NoTime, -1, 0, 1, math.MaxInt64}),
	}).Draw(t, "times")
	for range rapid.IntRange(0, 8).Draw(t, "n") {
		b.Add(rapid.String().Draw(t, "value"), timed.Draw(t, "ts"))
	}
	return b
}

func times(b *stream.Batch[string]) (ts []int64) {
	for i := range b.Values {
		ts = append(ts, b.Time(i))
	}
	return ts
}

func TestBatchRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := batch(t)
		from := rapid.IntRange(0, b.Len()).Draw(t, "from")
		bytes := b.Append([]byte("before"), from)
		require.Equal(t, "before", string(bytes[:6]))
		bytes = bytes[6:]
		any, err := words.Decode(bytes)
		require.NoError(t, err)
		got := any.(*stream.Batch[string])
		require.Equal(t, b.First()+uint64(from), got.First())
		require.Equal(t, b.Len()-from, got.Len())
		require.Equal(t, append([]string{}, b.Values[from:]...), append([]string{}, got.Values...))
		require.Equal(t, append([]int64{}, times(b)[from:]...), append([]int64{}, times(got)...))
		if from == 0 {
			require.Equal(t, bytes, got.Append(nil, 0))
			require.Equal(t, b.Digest(), got.Digest())
		}
		for cut := range bytes {
			_, err := words.Decode(bytes[:cut])
			require.ErrorIs(t, err, codec.ErrMalformed, "cut at %d of %d", cut, len(bytes))
		}
		_, err = words.Decode(append(slices.Clone(bytes), 0))
		require.ErrorIs(t, err, codec.ErrMalformed)
	})
}

func TestBatchGarbage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		if b, err := words.Decode(bytes); err != nil {
			require.ErrorIs(t, err, codec.ErrMalformed)
			require.Nil(t, b)
		}
	})
}

func TestBatchDigest(t *testing.T) {
	base := func() *stream.Batch[string] {
		b := words.New(2)
		b.SetFirst(7)
		b.Add("a", stream.NoTime)
		b.Add("b", 5)
		return b
	}
	require.Equal(t, base().Digest(), base().Digest())
	for name, change := range map[string]func(b *stream.Batch[string]){
		"number": func(b *stream.Batch[string]) { b.SetFirst(8) },
		"value":  func(b *stream.Batch[string]) { b.Values[0] = "c" },
		"time":   func(b *stream.Batch[string]) { b.Times[1] = 6 },
		"more":   func(b *stream.Batch[string]) { b.Add("", stream.NoTime) },
	} {
		b := base()
		change(b)
		require.NotEqual(t, base().Digest(), b.Digest(), name)
	}
}

// Hashes stay on this side of the encoding, and go with the records.
func TestBatchHashes(t *testing.T) {
	plain, hashed := words.New(2), words.New(2)
	for i, v := range []string{"a", "b"} {
		plain.Add(v, int64(i))
		hashed.AddHashed(v, int64(i), stream.KeyHash{Hash: uint64(i) + 40})
	}
	require.Equal(t, []stream.KeyHash{{Hash: 40}, {Hash: 41}}, hashed.Hashes)
	require.Equal(t, times(plain), times(hashed))
	require.Equal(t, plain.Append(nil, 0), hashed.Append(nil, 0))
	require.Equal(t, plain.Digest(), hashed.Digest())
	got, err := words.Decode(hashed.Append(nil, 0))
	require.NoError(t, err)
	require.Empty(t, got.(*stream.Batch[string]).Hashes)
	hashed.Clear()
	require.Empty(t, hashed.Hashes)
	hashed.AddHashed("c", stream.NoTime, stream.KeyHash{Hash: 7})
	require.Equal(t, []stream.KeyHash{{Hash: 7}}, hashed.Hashes)
}

// A batch that is used again has nothing of its former life.
func TestBatchClear(t *testing.T) {
	b := words.New(2)
	b.SetFirst(7)
	b.Add("a", 1)
	values := b.Values
	b.Clear()
	require.Zero(t, b.Len())
	require.Zero(t, b.First())
	require.Equal(t, []string{""}, values[:1], "records are not referenced any more")
	b.Add("b", stream.NoTime)
	require.EqualValues(t, stream.NoTime, b.Time(0))
	require.Empty(t, b.Times)
	require.False(t, b.Pinned())
	b.Pin()
	require.True(t, b.Pinned())
	require.Equal(t, "string/1", words.CodecName())
}

func event(t *rapid.T) stream.Event {
	return stream.Event{
		Kind:      stream.EventKind(rapid.IntRange(int(stream.Barrier), int(stream.EndOfPartition)).Draw(t, "kind")),
		Timeout:   rapid.SampledFrom([]int64{0, 0, 1, -1, 1 << 62}).Draw(t, "timeout"),
		Unaligned: rapid.Bool().Draw(t, "unaligned"), Checkpoint: rapid.Uint64().Draw(t, "checkpoint"),
		Time: rapid.Int64().Draw(t, "time"), Record: rapid.Uint64().Draw(t, "record"),
	}
}

func TestEventRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := event(t)
		bytes := e.Append(nil)
		got, err := stream.DecodeEvent(bytes)
		require.NoError(t, err)
		require.Equal(t, e, got)
		require.Equal(t, e.Digest(), got.Digest())
		require.Equal(t, e.Kind == stream.Barrier && e.Unaligned, e.Priority())
		for cut := range bytes {
			_, err := stream.DecodeEvent(bytes[:cut])
			require.ErrorIs(t, err, codec.ErrMalformed, "cut at %d of %d", cut, len(bytes))
		}
		_, err = stream.DecodeEvent(append(bytes, 0))
		require.ErrorIs(t, err, codec.ErrMalformed)
		other := event(t)
		require.Equal(t, e == other, e.Digest() == other.Digest())
	})
}

func TestEventMalformed(t *testing.T) {
	for name, src := range map[string][]byte{
		"kind 0":     {0, 0, 1, 1},
		"kind 6":     {6, 0, 1, 1},
		"flags 4":    {1, 4, 1, 1, 0},
		"no timeout": {1, 2, 1, 1, 0},
		"timeout 0":  {1, 2, 1, 1, 0, 0},
		"endless id": {1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
	} {
		_, err := stream.DecodeEvent(src)
		require.ErrorIs(t, err, codec.ErrMalformed, name)
	}
}

func TestText(t *testing.T) {
	for want, e := range map[string]stream.Event{
		"barrier 7":                {Kind: stream.Barrier, Checkpoint: 7},
		"unaligned barrier 7":      {Kind: stream.Barrier, Checkpoint: 7, Unaligned: true},
		"barrier 7 with a timeout": {Kind: stream.Barrier, Checkpoint: 7, Timeout: 5},
		"cancel 7":                 {Kind: stream.CancelMarker, Checkpoint: 7},
		"watermark -5":             {Kind: stream.Watermark, Time: -5},
		"watermark max":            {Kind: stream.Watermark, Time: stream.MaxWatermark},
		"end of data":              {Kind: stream.EndOfData},
		"end of partition":         {Kind: stream.EndOfPartition},
		"?":                        {Kind: 99},
	} {
		require.Equal(t, want, e.String())
	}
	require.Equal(t, "2.10", stream.Attempt{Epoch: 2, Number: 10}.String())
}

func TestAttemptOrder(t *testing.T) {
	ordered := []stream.Attempt{{}, {0, 1}, {1, 0}, {1, 1}, {1, 10}, {2, 0}}
	for i, a := range ordered {
		for j, b := range ordered {
			require.Equal(t, i < j, a.Before(b), "%v before %v", a, b)
		}
	}
}

func TestBatchOfTooManyRecordsIsMalformed(t *testing.T) {
	of := &stream.Of[struct{}]{Codec: codec.UnitCodec{}}
	src := append(binary.AppendUvarint([]byte{0}, 1<<40), 0)
	_, err := of.Decode(src)
	require.ErrorIs(t, err, codec.ErrMalformed)
}
