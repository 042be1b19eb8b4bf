package operator

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/channel"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/must"
	"github.com/weirstream/weir/engine/stream"
)

type counted = codec.Pair[string, int64]

var countedCodec = codec.PairOf[string, int64](codec.String{}, codec.Int64{})

// keyedEdge is an edge by the first of a pair.
func keyedEdge() *TypedEdge[counted] {
	return &TypedEdge[counted]{
		Of: &stream.Of[counted]{Codec: countedCodec}, Partitioner: graph.Hash,
		Hash: func() func(v counted) uint64 {
			k := &Keyer[string]{Codec: codec.String{}}
			return func(v counted) uint64 { return k.Hash(v.First) }
		},
	}
}

func trueHash(v counted) uint64 { return graph.KeyHash(codec.String{}.Append(nil, v.First)) }

// through writes records to an edge and returns the batches that its wire carries,
// some of them after they went through the codec.
func through(t *rapid.T, e *TypedEdge[counted], records []counted) (batches []*stream.Batch[counted]) {
	part, out := channel.NewResultPartition(1, 1<<20), &host.Outbox{}
	push, open := e.Writer(&Env{Parallelism: 1}, OutputSpec{
		Partition: part, BatchRecords: rapid.IntRange(1, 10).Draw(t, "batch"), Parallelism: 1, MaxParallelism: 8,
	})
	part.Open(out, 0, 0, host.WireID{}, host.Address{}, host.Address{})
	part.Up(0)
	part.Credit(0, len(records), nil)
	for i, v := range records {
		push.(stream.Push[counted])(v, int64(i))
		if rapid.IntRange(0, 4).Draw(t, "flush") == 0 {
			part.Flush()
		}
	}
	part.Flush()
	require.False(t, open())
	part.Drain(out)
	for _, effect := range out.Effects {
		if effect.Kind != host.Write {
			continue
		}
		b := effect.Frame.Body.(*stream.Batch[counted])
		require.Len(t, b.Hashes, b.Len())
		if rapid.Bool().Draw(t, "as bytes") {
			any, err := e.Of.Decode(b.Append(nil, 0))
			require.NoError(t, err)
			b = any.(*stream.Batch[counted])
		}
		batches = append(batches, b)
	}
	return batches
}

func TestFeedGivesEachRecordItsHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var records []counted
		for range rapid.IntRange(0, 30).Draw(t, "n") {
			records = append(records, counted{First: rapid.StringN(0, 2, -1).Draw(t, "key"), Second: rapid.Int64().Draw(t, "value")})
		}
		env, e, next := &Env{Parallelism: 1}, keyedEdge(), 0
		env.keyed = HashedPush[counted](func(v counted, ts int64, hash uint64) {
			require.Equal(t, records[next], v)
			require.EqualValues(t, next, ts)
			require.Equal(t, trueHash(v), hash)
			next++
			env.Stop = rapid.Bool().Draw(t, "stop")
		})
		feed := e.Feed(env, nil)
		for _, b := range through(t, e, records) {
			for from := 0; from < b.Len(); {
				before := next
				n := feed(b, from, rapid.IntRange(from+1, b.Len()).Draw(t, "to"))
				require.Equal(t, next-before, n)
				require.Positive(t, n)
				from += n
			}
		}
		require.Len(t, records, next)
	})
}

// What comes over a keyed edge and what is pushed with no hash at all are reduced
// together.
func TestReduceByEdge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		env, got, want := &Env{Parallelism: 1}, map[string]int64{}, map[string]int64{}
		o := &ReduceOperator[string, counted]{
			KeyOf: func(v counted) string { return v.First }, Keys: codec.String{}, Values: countedCodec,
			F: func(acc, v counted) counted { return counted{First: acc.First, Second: acc.Second + v.Second} },
		}
		require.NoError(t, o.Open(env, "sum", 8))
		push := o.Bind(stream.Push[counted](func(v counted, _ int64) { got[v.First] = v.Second })).(stream.Push[counted])
		e := keyedEdge()
		feed := e.Feed(env, push)
		var records []counted
		for i := range rapid.IntRange(0, 40).Draw(t, "n") {
			v := counted{First: rapid.SampledFrom([]string{"", "a", "b", "long key"}).Draw(t, "key"), Second: int64(i)}
			want[v.First] += v.Second
			if rapid.Bool().Draw(t, "direct") {
				push(v, stream.NoTime)
			} else {
				records = append(records, v)
			}
		}
		for _, b := range through(t, e, records) {
			require.Equal(t, b.Len(), feed(b, 0, b.Len()))
		}
		for k, n := range want {
			cell, ok := o.table.Get(trueHash(counted{First: k}), k)
			require.True(t, ok)
			require.Equal(t, n, cell.Second)
			require.Contains(t, got, k)
		}
		require.Equal(t, len(want), o.table.Len())
		require.Panics(t, func() { o.Bind(stream.Push[counted](func(counted, int64) {})) }, "two keyed operators in a chain")
	})
}

// A batch in which some records have a hash is a bug; none is taken from another.
func TestFeedRefusesMissingHashes(t *testing.T) {
	env, e := &Env{Parallelism: 1}, keyedEdge()
	env.keyed = HashedPush[counted](func(counted, int64, uint64) { t.Fatal("pushed") })
	b := e.Of.New(2)
	b.AddHashed(counted{First: "a"}, stream.NoTime, 1)
	b.Add(counted{First: "b"}, stream.NoTime)
	require.PanicsWithValue(t, must.Violation{Text: "a batch of 2 records has 1 hashes"}, func() { e.Feed(env, nil)(b, 0, 2) })
}
