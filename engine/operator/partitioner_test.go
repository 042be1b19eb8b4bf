package operator

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/channel"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/stream"
)

// written is how many of n records a producer gives to each of its subpartitions.
func written(t *testing.T, p graph.Partitioner, subtask, subpartitions, n int) []uint64 {
	t.Helper()
	part := channel.NewResultPartition(subpartitions, 1000)
	edge := &TypedEdge[int64]{Of: &stream.Of[int64]{Codec: codec.Int64{}}, Partitioner: p}
	push, open := edge.Writer(&Env{Subtask: subtask}, OutputSpec{Partition: part, BatchRecords: 2})
	require.False(t, open())
	for i := range n {
		push.(stream.Push[int64])(int64(i), stream.NoTime)
	}
	part.Flush()
	require.False(t, open())
	var out []uint64
	for sub := range part.Len() {
		out = append(out, part.Sent(sub))
	}
	return out
}

func TestPartitioners(t *testing.T) {
	require.Equal(t, []uint64{7}, written(t, graph.Forward, 2, 1, 7))
	require.Equal(t, []uint64{5, 5, 5}, written(t, graph.Broadcast, 2, 3, 5))
	// Rebalance deals in turn; each producer begins with its own index.
	require.Equal(t, []uint64{2, 2, 1}, written(t, graph.Rebalance, 0, 3, 5))
	require.Equal(t, []uint64{2, 1, 2}, written(t, graph.Rebalance, 2, 3, 5))
	require.Equal(t, []uint64{1, 0, 0}, written(t, graph.Rebalance, 3, 3, 1))
	require.Equal(t, []uint64{4}, written(t, graph.Rebalance, 5, 1, 4))
	require.Panics(t, func() { written(t, graph.Hash, 0, 2, 1) }, "a hash edge has keys")
}
