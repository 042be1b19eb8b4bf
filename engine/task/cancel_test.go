package task

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/stream"
)

// A checkpoint that is given up twice, by word and by a newer barrier, has one cancel
// marker.
func TestOneCancelMarker(t *testing.T) {
	g := job(same(), &ledger{})
	g.Nodes[2].Inputs[0].Partitioner = graph.Hash // count has an output
	g.Nodes[2].Inputs[0].Runtime = operator.Edge(operator.HashEdge(texts, func(v string) string { return v }, codec.Codec[string](codec.String{})))
	b := &bench{files: disk{}}
	b.actor = newTask(b, settings(), attempt, Spec{ID: ID{Vertex: 1}}, [][]string{{"tm1", "tm2"}, {"tm1"}, {"tm1"}}, g.Plan(true).Part(1))
	b.input(host.Input{Kind: host.Start})
	b.allWork()
	require.Equal(t, Running, last[Status](t, b).State)
	b.message(NotifyAborted{Attempt: attempt, Checkpoint: 1})
	b.event(0, stream.Event{Kind: stream.Barrier, Checkpoint: 1, Unaligned: true})
	b.event(1, stream.Event{Kind: stream.Barrier, Checkpoint: 2, Unaligned: true})
	require.Equal(t, []uint64{1}, cancelled(b.events))
	b.message(NotifyAborted{Attempt: attempt, Checkpoint: 3})
	b.event(0, stream.Event{Kind: stream.Barrier, Checkpoint: 3, Unaligned: true})
	require.Equal(t, []uint64{1, 2, 3}, cancelled(b.events))
}

// cancelled is the checkpoints of the cancel markers that a task has sent.
func cancelled(events []host.Event) (ids []uint64) {
	for _, e := range events {
		if e.Kind == host.CancelOut {
			ids = append(ids, e.Checkpoint)
		}
	}
	return ids
}
