package channel

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/stream"
)

// A queue that is never empty keeps its order and does not grow.
func TestQueueMemory(t *testing.T) {
	var q queue
	next := uint64(0)
	for i := range uint64(10_000) {
		q.push(item{event: stream.Event{Checkpoint: i}})
		if i >= 5 {
			require.Equal(t, next, q.pop().event.Checkpoint)
			next++
			require.Len(t, q.waiting(), 5)
		}
	}
	require.LessOrEqual(t, cap(q.items), 32)
	for i, it := range q.items[:cap(q.items)] {
		waits := i >= q.head && i < len(q.items)
		require.Equal(t, waits, it != item{}, "slot %d of what passed is not held on to", i)
	}
	for !q.empty() {
		require.Equal(t, next, q.pop().event.Checkpoint)
		next++
	}
	require.EqualValues(t, 10_000, next)
	require.Zero(t, q.head, "an empty queue starts again at the front")
}
