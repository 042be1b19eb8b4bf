package operator

import (
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/must"
	"github.com/weirstream/weir/engine/state/hashmap"
	"github.com/weirstream/weir/engine/stream"
)

// ReduceOperator folds the records of a key into one and emits it each time, as
// Flink's KeyedStream.reduce.
type ReduceOperator[K comparable, T any] struct {
	KeyOf  func(v T) K
	F      func(acc, v T) T
	Keys   codec.Codec[K]
	Values codec.Codec[T]

	env    *Env
	state  KeyedState[K]
	table  *hashmap.Table[K, T]
	hashes []stream.KeyHash // of records that came as bytes
}

// Open implements [Operator].
func (o *ReduceOperator[K, T]) Open(env *Env, _ string, maxParallelism int) error {
	o.env, o.state.Codec = env, o.Keys
	o.state.Open(env, maxParallelism)
	o.table = hashmap.New[K, T](maxParallelism, o.state.first, o.state.last)
	o.state.tables = append(o.state.tables, &valueTable[K, T]{graph.ReducedState, o.table, o.Keys, o.Values})
	return nil
}

// Bind implements [Operator].
func (o *ReduceOperator[K, T]) Bind(next any) any {
	push := next.(stream.Push[T])
	must.That(o.env.keyed == nil, "two keyed operators in a chain")
	o.env.keyed = o.feed(push)
	return stream.Push[T](func(v T, ts int64) {
		k := o.KeyOf(v)
		push(o.fold(o.state.Hash(k).Hash, k, v), ts)
	})
}

// fold replaces a key's value by what the function makes of it and v.
func (o *ReduceOperator[K, T]) fold(hash uint64, k K, v T) T {
	n := o.table.Len()
	cell := o.table.Ref(hash, k)
	if o.table.Len() == n {
		v = o.F(*cell, v)
	}
	*cell = v
	return v
}

// feed takes records by the batch, with the hashes that came with them.
//
//go:noinline
func (o *ReduceOperator[K, T]) feed(push stream.Push[T]) Feed {
	env, table, keyOf, f := o.env, o.table, o.KeyOf, o.F
	return func(any stream.AnyBatch, from, to int) int {
		const together = hashmap.Together
		var keys [together]K
		var cells [together]*T
		b := any.(*stream.Batch[T])
		hashes, values := o.hashesOf(b, from, to), b.Values[from:to]
		for begin := 0; begin < len(values); begin += together {
			some := values[begin:min(begin+together, len(values))]
			hashes := hashes[begin:][:len(some)]
			for i, v := range some {
				keys[i%together] = keyOf(v)
			}
			table.Cells(hashes, keys[:len(some)], cells[:len(some)])
			moved := table.Moved()
			for i, v := range some {
				if cell := cells[i%together]; cell != nil && moved == table.Moved() {
					v = f(*cell, v)
					*cell = v
				} else {
					v = o.fold(hashes[i].Hash, keys[i%together], v)
				}
				push(v, b.Time(from+begin+i))
				if env.Stop {
					return begin + i + 1
				}
			}
		}
		return len(values)
	}
}

// hashesOf is the hashes of records of a batch: its own or, if it came as bytes, new
// ones.
func (o *ReduceOperator[K, T]) hashesOf(b *stream.Batch[T], from, to int) []stream.KeyHash {
	switch len(b.Hashes) {
	case len(b.Values):
		return b.Hashes[from:to]
	case 0:
		o.hashes = o.hashes[:0]
		for _, v := range b.Values[from:to] {
			o.hashes = append(o.hashes, o.state.Hash(o.KeyOf(v)))
		}
		return o.hashes
	}
	must.Unreachable("a batch of %d records has %d hashes", len(b.Values), len(b.Hashes))
	return nil
}

// Snapshot implements [Stateful].
func (o *ReduceOperator[K, T]) Snapshot() Snapshot { return o.state.Snapshot() }

// Restore implements [Stateful].
func (o *ReduceOperator[K, T]) Restore(src []byte) error { return o.state.Restore(src) }
