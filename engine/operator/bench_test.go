package operator

import (
	"slices"
	"testing"
	"time"

	"github.com/weirstream/weir/engine/channel"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
)

type numbered = codec.Pair[uint64, uint64]

// BenchmarkKeyedPath is a keyed count without a host, in one goroutine: what a record
// costs from a map to the batch, and from the batch on.
func BenchmarkKeyedPath(b *testing.B) {
	const keys, batch, parallelism, groups = 100_000, 256, 2, 128
	c := codec.PairOf[uint64, uint64](codec.Uint64{}, codec.Uint64{})
	keyOf := func(v numbered) uint64 { return v.First }
	e := HashEdge(&stream.Of[numbered]{Codec: c}, keyOf, codec.Codec[uint64](codec.Uint64{}))
	env, part, out := &Env{Parallelism: parallelism}, channel.NewResultPartition(parallelism, 8), &host.Outbox{}
	edge, _ := e.Writer(env, OutputSpec{Partition: part, BatchRecords: batch, Parallelism: parallelism, MaxParallelism: groups})
	ones := &MapOperator[uint64, numbered]{F: func(k uint64) numbered { return numbered{First: k, Second: 1} }}
	head := ones.Bind(edge).(stream.Push[uint64])
	for sub := range parallelism {
		part.Open(out, sub, host.Wire(sub), host.WireID{}, host.Address{}, host.Address{})
		part.Up(sub)
	}
	var feeds [parallelism]Feed
	n := 0
	for sub := range feeds {
		env := &Env{Subtask: sub, Parallelism: parallelism}
		o := &ReduceOperator[uint64, numbered]{KeyOf: keyOf, Keys: codec.Uint64{}, Values: c,
			F: func(a, v numbered) numbered { return numbered{First: a.First, Second: a.Second + v.Second} }}
		if err := o.Open(env, "count", groups); err != nil {
			b.Fatal(err)
		}
		feeds[sub] = e.Feed(env, o.Bind(stream.Push[numbered](func(numbered, int64) { n++ })))
	}
	key := uint64(0)
	produce := func() {
		out.Reset()
		for sub := range parallelism {
			part.Credit(sub, 8, nil)
		}
		for env.Stop = false; !env.Stop; {
			k := key * 0x9e3779b97f4a7c15
			k = (k ^ k>>30) * 0xbf58476d1ce4e5b9
			key++
			head((k^k>>31)%keys, stream.NoTime)
		}
		part.Drain(out)
	}
	consume := func() {
		for i := range out.Effects {
			e := &out.Effects[i]
			batch := e.Frame.Body.(stream.AnyBatch)
			feeds[e.Wire](batch, 0, batch.Len())
			part.Credit(int(e.Wire), 0, batch)
		}
	}
	for n < 4*keys {
		produce()
		consume()
	}
	var took [2][]time.Duration // for each record of a round, in thousandths of a nanosecond
	for b.Loop() {
		for range 500 {
			n = 0
			start := time.Now()
			produce()
			middle := time.Now()
			consume()
			end, each := time.Now(), func(d time.Duration) time.Duration { return d * 1000 / time.Duration(n) }
			took[0], took[1] = append(took[0], each(middle.Sub(start))), append(took[1], each(end.Sub(middle)))
		}
	}
	b.ReportMetric(0, "ns/op")
	for i, name := range [...]string{"to-batch-ns/rec", "from-batch-ns/rec"} {
		slices.Sort(took[i])
		b.ReportMetric(float64(took[i][len(took[i])/4])/1000, name) // the lower quartile: a round is short, and many are disturbed
	}
}
