package operator

import (
	"fmt"
	"maps"
	"strings"
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
	return HashEdge(&stream.Of[counted]{Codec: countedCodec}, func(v counted) string { return v.First }, codec.Codec[string](codec.String{}))
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

// concat is a reduce that keeps what it has seen, on all key groups, and where its
// records go.
func concat(t require.TestingT, env *Env, push func(v string, ts int64)) *ReduceOperator[string, string] {
	o := &ReduceOperator[string, string]{
		KeyOf: func(v string) string { return v[:strings.Index(v, ":")] }, Keys: codec.String{}, Values: codec.String{},
		F: func(acc, v string) string { return acc + v[strings.Index(v, ":"):] },
	}
	require.NoError(t, o.Open(env, "concat", 8))
	o.Bind(stream.Push[string](push))
	return o
}

// A reduce that is fed batches does what one does that is given record after record:
// with hashes or without, stopped anywhere, while its table grows and while snapshots
// see it.
func TestReduceByBatch(t *testing.T) {
	hash := graph.KeyHasher[string](codec.String{}, 8)
	rapid.Check(t, func(t *rapid.T) {
		env, next := &Env{Parallelism: 1}, 0
		want, state := []string{}, map[string]string{}
		o := concat(t, env, func(v string, ts int64) {
			require.Equal(t, want[next], v)
			require.EqualValues(t, next, ts)
			next++
			env.Stop = rapid.IntRange(0, 9).Draw(t, "stop") == 0
		})
		var snaps []Snapshot
		var truths []map[string]string
		for range rapid.IntRange(0, 8).Draw(t, "batches") {
			b, hashed := (&stream.Of[string]{Codec: codec.String{}}).New(4), rapid.Bool().Draw(t, "hashed")
			keys := rapid.SampledFrom([]int{1, 20, 1000}).Draw(t, "keys")
			for range rapid.IntRange(1, 60).Draw(t, "records") {
				k := fmt.Sprint(rapid.IntRange(0, keys).Draw(t, "key"))
				v, ts := fmt.Sprint(k, ":", len(want)), int64(len(want))
				if hashed {
					b.AddHashed(v, ts, hash(k))
				} else {
					b.Add(v, ts)
				}
				if was, ok := state[k]; ok {
					v = was + v[len(k):]
				}
				state[k] = v
				want = append(want, v)
			}
			for from := 0; from < b.Len(); {
				before := next
				n := env.keyed(b, from, rapid.IntRange(from+1, b.Len()).Draw(t, "to"))
				require.Equal(t, next-before, n)
				require.Positive(t, n)
				from += n
			}
			if rapid.Bool().Draw(t, "snapshot") {
				snaps, truths = append(snaps, o.Snapshot()), append(truths, maps.Clone(state))
			}
		}
		require.Len(t, want, next)
		for i, s := range snaps {
			restored := concat(t, &Env{Parallelism: 1}, nil)
			require.NoError(t, restored.Restore(s.Append(nil, nil)))
			got := map[string]string{}
			for k, v := range restored.table.All() {
				got[k] = v
			}
			require.Equal(t, truths[i], got, "snapshot %d", i)
			s.Release()
		}
	})
}

func TestReduceByBatchAllocatesNothing(t *testing.T) {
	env, hash, n := &Env{Parallelism: 1}, graph.KeyHasher[string](codec.String{}, 8), 0
	o := &ReduceOperator[string, counted]{
		KeyOf: func(v counted) string { return v.First }, Keys: codec.String{}, Values: countedCodec,
		F: func(acc, v counted) counted { return counted{First: acc.First, Second: acc.Second + v.Second} },
	}
	require.NoError(t, o.Open(env, "sum", 8))
	o.Bind(stream.Push[counted](func(counted, int64) { n++ }))
	b := (&stream.Of[counted]{Codec: countedCodec}).New(100)
	for i := range 100 {
		v := counted{First: strings.Repeat("k", i)}
		b.AddHashed(v, stream.NoTime, hash(v.First))
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { env.keyed(b, 0, b.Len()) }))
	require.Equal(t, 101*100, n)
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
func TestReduceRefusesMissingHashes(t *testing.T) {
	env := &Env{Parallelism: 1}
	concat(t, env, func(string, int64) { t.Fatal("pushed") })
	b := (&stream.Of[string]{Codec: codec.String{}}).New(2)
	b.AddHashed("a:", stream.NoTime, stream.KeyHash{Hash: 1})
	b.Add("b:", stream.NoTime)
	require.PanicsWithValue(t, must.Violation{Text: "a batch of 2 records has 1 hashes"}, func() { env.keyed(b, 0, 2) })
}
