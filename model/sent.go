package model

import (
	"encoding/binary"

	"github.com/weirstream/weir/engine/graph"
)

// Owner is the subtask of a keyed operator of a validated job that a key belongs to.
// It knows the encodings of keys of the types string, a varint of the length and the
// bytes, and uint64, a varint; of any other it is false.
func Owner(n *graph.Node, key any) (subtask int, ok bool) {
	var encoded []byte
	switch key := key.(type) {
	case string:
		encoded = append(binary.AppendUvarint(nil, uint64(len(key))), key...)
	case uint64:
		encoded = binary.AppendUvarint(nil, key)
	default:
		return 0, false
	}
	return graph.Subtask(graph.KeyGroup(graph.KeyHash(encoded), n.MaxParallelism), n.MaxParallelism, n.Parallelism), true
}

// Feeder is the source whose records come to an edge in an order that one subtask
// fixes: there is nothing but stateless operators and forward edges between. It is
// nil if there is no such source.
func Feeder(e *graph.Edge) *graph.Node {
	n := e.From
	for {
		switch n.Kind {
		case graph.Source:
			return n
		case graph.Map, graph.FlatMap, graph.Filter, graph.Timestamps:
		default:
			return nil
		}
		if len(n.Inputs) != 1 || n.Inputs[0].Partitioner != graph.Forward {
			return nil
		}
		n = n.Inputs[0].From
	}
}

// Sent is what one subtask sends to each subtask of the operator at the other end of
// an edge, in order, of records that its part of the [Feeder] emits. A rebalance is
// dealt from the subtask's own number on, as at the start of an attempt. It is nil
// if the edge has no Feeder, or keys that [Owner] does not know. A panic of the user's
// functions goes through.
func Sent(e *graph.Edge, to *graph.Node, subtask int, records []Record) [][]any {
	source := Feeder(e)
	if source == nil {
		return nil
	}
	key := to.Logic.Key
	if e.Input == 1 {
		key = to.Logic.SecondKey
	}
	rs := make([]record, len(records))
	for i, r := range records {
		rs[i] = record{value: r.Value, time: r.Time}
	}
	out, next := make([][]any, to.Parallelism), subtask%to.Parallelism
	for _, r := range through(source, e.From, rs) {
		switch e.Partitioner {
		case graph.Forward:
			out[subtask] = append(out[subtask], r.value)
		case graph.Hash:
			owner, ok := Owner(to, key(r.value))
			if !ok {
				return nil
			}
			out[owner] = append(out[owner], r.value)
		case graph.Rebalance:
			out[next] = append(out[next], r.value)
			next = (next + 1) % to.Parallelism
		case graph.Broadcast:
			for i := range out {
				out[i] = append(out[i], r.value)
			}
		}
	}
	return out
}

// through is what becomes of a source's records behind the last operator of a row of
// stateless ones.
func through(source, last *graph.Node, records []record) []record {
	if last == source {
		return records
	}
	e := &execution{node: last}
	e.open()
	e.handle(through(source, last.Inputs[0].From, records))
	return e.out
}
