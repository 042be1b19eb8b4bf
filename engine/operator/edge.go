package operator

import (
	"github.com/weirstream/weir/engine/channel"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/stream"
)

// Feed pushes records of a batch into a chain, from index from to below to, fewer
// if the step should stop, and returns how many.
type Feed func(b stream.AnyBatch, from, to int) int

// OutputSpec says how one subtask writes to an edge.
type OutputSpec struct {
	Partition *channel.ResultPartition
	// BatchRecords is the limit of a batch.
	BatchRecords int
	// Parallelism and MaxParallelism are the consumer's.
	Parallelism, MaxParallelism int
}

// Edge is what a graph edge carries for the task.
type Edge interface {
	Type() stream.Type
	// Writer returns a stream.Push of the edge's type, and whether batches are open.
	Writer(env *Env, spec OutputSpec) (push any, open func() bool)
	// Tee returns a push that gives each record to all of pushes.
	Tee(pushes []any) any
	// Feed returns the reading side: batches to push.
	Feed(env *Env, push any) Feed
}

// TypedEdge is the [Edge] of T. See [HashEdge] for one that is partitioned by hash.
type TypedEdge[T any] struct {
	Of          *stream.Of[T]
	Partitioner graph.Partitioner
	// keyed makes the push of an edge that is partitioned by hash.
	keyed func(w *channel.Writer[T], spec OutputSpec) stream.Push[T]
}

// HashEdge is the [Edge] of T that is partitioned by the hash of a key.
func HashEdge[K comparable, T any](of *stream.Of[T], keyOf func(v T) K, c codec.Codec[K]) *TypedEdge[T] {
	return &TypedEdge[T]{of, graph.Hash, func(w *channel.Writer[T], spec OutputSpec) stream.Push[T] {
		return pushByKey(w, spec, keyOf, graph.KeyHasher(c, spec.MaxParallelism))
	}}
}

// pushByKey makes the push of such an edge. As with other makers of closures that run
// for each record, it is not to be inlined: the compiler then inlines nothing into what
// it makes.
//
//go:noinline
func pushByKey[K comparable, T any](w *channel.Writer[T], spec OutputSpec, keyOf func(v T) K, hash func(k K) stream.KeyHash) stream.Push[T] {
	subtask := make([]int32, spec.MaxParallelism)
	for kg := range subtask {
		subtask[kg] = int32(graph.Subtask(kg, spec.MaxParallelism, spec.Parallelism))
	}
	return func(v T, ts int64) {
		h := hash(keyOf(v))
		sub := int(subtask[h.Group])
		b := w.Batch(sub)
		if b == nil {
			b = w.Room(sub, v)
		}
		b.AddHashed(v, ts, h)
		w.Added(sub, b)
	}
}

// Type implements [Edge].
func (e *TypedEdge[T]) Type() stream.Type { return e.Of }

// Writer implements [Edge].
func (e *TypedEdge[T]) Writer(env *Env, spec OutputSpec) (any, func() bool) {
	w := channel.NewWriter(spec.Partition, e.Of, spec.BatchRecords, &env.Stop)
	if e.keyed == nil {
		return e.unkeyed(env, spec, w), w.Open
	}
	return e.keyed(w, spec), w.Open
}

// Tee implements [Edge].
func (e *TypedEdge[T]) Tee(pushes []any) any {
	typed := make([]stream.Push[T], len(pushes))
	for i, p := range pushes {
		typed[i] = p.(stream.Push[T])
	}
	return stream.Push[T](func(v T, ts int64) {
		for _, p := range typed {
			p(v, ts)
		}
	})
}

// Feed implements [Edge].
func (e *TypedEdge[T]) Feed(env *Env, push any) Feed {
	if env.keyed != nil && e.keyed != nil {
		return env.keyed
	}
	p := push.(stream.Push[T])
	return func(any stream.AnyBatch, from, to int) int {
		b := any.(*stream.Batch[T])
		if len(b.Times) > 0 {
			for i := from; i < to; i++ {
				p(b.Values[i], b.Times[i])
				if env.Stop {
					return i + 1 - from
				}
			}
			return to - from
		}
		for i, v := range b.Values[from:to] {
			p(v, stream.NoTime)
			if env.Stop {
				return i + 1
			}
		}
		return to - from
	}
}
