package channel

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/stream"
)

// Every record leaves with its own hash, also in batches that are used again.
func TestWriterHashes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part, stop := NewResultPartition(2, 1<<20), false
		limit := rapid.IntRange(1, 5).Draw(t, "limit")
		w := NewWriter(part, &stream.Of[uint64]{Codec: codec.Uint64{}}, limit, &stop)
		next, sent := uint64(0), [2][]uint64{}
		for range rapid.IntRange(0, 60).Draw(t, "records") {
			sub := rapid.IntRange(0, 1).Draw(t, "sub")
			b := w.Batch(sub)
			if b == nil {
				b = w.Room(sub, next)
			}
			b.AddHashed(next, int64(next), stream.KeyHash{Hash: ^next})
			w.Added(sub, b)
			sent[sub] = append(sent[sub], next)
			next++
			if rapid.IntRange(0, 9).Draw(t, "flush") == 0 {
				part.Flush()
			}
			for sub := range sent {
				q := &part.subs[sub].queue
				for !q.empty() {
					b := q.pop().batch.(*stream.Batch[uint64])
					require.Len(t, b.Hashes, b.Len())
					for i, v := range b.Values {
						require.Equal(t, sent[sub][i], v)
						require.Equal(t, stream.KeyHash{Hash: ^v}, b.Hashes[i])
						require.EqualValues(t, v, b.Time(i))
					}
					sent[sub] = sent[sub][b.Len():]
					w.Recycle(b)
				}
			}
		}
		for sub := range sent {
			require.Less(t, len(sent[sub]), limit, "what is left is in the open batch")
		}
	})
}

// TestFlushFindsOpenBatches: a flush finds the open batches of however many
// subpartitions, in their order, and no others.
func TestFlushFindsOpenBatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "subpartitions")
		p := NewResultPartition(n, 1000)
		stop := false
		w := NewWriter(p, &stream.Of[int]{Codec: codec.Int{}}, 3, &stop)
		open := make([]int, n)
		for _, sub := range rapid.SliceOfN(rapid.IntRange(0, n-1), 0, 100).Draw(t, "records") {
			w.Push(sub, sub, stream.NoTime)
			open[sub] = (open[sub] + 1) % 3
		}
		var want, got []int
		for sub, records := range open {
			if records > 0 {
				want = append(want, sub)
			}
		}
		for sub := w.NextOpen(0); sub >= 0; sub = w.NextOpen(sub + 1) {
			got = append(got, sub)
		}
		require.Equal(t, want, got)
		p.Flush()
		require.Equal(t, -1, w.NextOpen(0))
		require.False(t, w.Open())
	})
}
