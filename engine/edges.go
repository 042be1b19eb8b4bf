package engine

import "github.com/weirstream/weir/engine/graph"

// Union is the records of all the streams, in no particular order between two of
// them. It is no operator: who reads it has an edge from each. Its event time is
// the earliest of theirs, so one that makes no watermarks holds it back to its end.
func Union[T any](s Stream[T], more ...Stream[T]) Stream[T] {
	u := Stream[T]{job: s.job, from: append([]upstream[T](nil), s.from...)}
	for _, m := range more {
		u.from = append(u.from, m.from...)
	}
	return u
}

// Rebalance has each subtask that produces s deal its records to the subtasks that
// read it, one after the other, from the one of its own number on. The dealing starts
// anew after a restore, so it must not matter which subtask gets a record. Parallelisms may differ. A later Rebalance,
// Broadcast or KeyBy of the stream takes its place.
func Rebalance[T any](s Stream[T]) Stream[T] { return s.partitioned(graph.Rebalance) }

// Broadcast gives each record to every subtask that reads the stream. Parallelisms
// may differ. A later Rebalance, Broadcast or KeyBy of the stream takes its place.
func Broadcast[T any](s Stream[T]) Stream[T] { return s.partitioned(graph.Broadcast) }

func (s Stream[T]) partitioned(p graph.Partitioner) Stream[T] {
	from := append([]upstream[T](nil), s.from...)
	for i := range from {
		from[i].partitioner = p
	}
	return Stream[T]{s.job, from}
}
