package operator

import (
	"github.com/weirstream/weir/engine/channel"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/must"
	"github.com/weirstream/weir/engine/stream"
)

// unkeyed is the push of an edge that looks at no key.
func (e *TypedEdge[T]) unkeyed(env *Env, spec OutputSpec, w *channel.Writer[T]) stream.Push[T] {
	n := spec.Partition.Len()
	switch e.Partitioner {
	case graph.Forward:
		return func(v T, ts int64) { w.Push(0, v, ts) }
	case graph.Rebalance:
		// Each producer begins with another consumer, so that few records spread
		// too. Where it stands is in no checkpoint: any consumer will do.
		next := env.Subtask % n
		return func(v T, ts int64) {
			w.Push(next, v, ts)
			if next++; next == n {
				next = 0
			}
		}
	case graph.Broadcast:
		return func(v T, ts int64) {
			for sub := range n {
				w.Push(sub, v, ts)
			}
		}
	}
	must.Unreachable("a %s edge without keys", e.Partitioner)
	return nil
}
