package statistics_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/statistics"
)

// play tells a history of events, one each 10 µs.
func play(h *statistics.History, events ...host.Event) []*statistics.Checkpoint {
	for i := range events {
		h.On(time.Duration(i+1)*10*time.Microsecond, &events[i])
	}
	return h.Checkpoints()
}

func of(k host.EventKind, task string, checkpoint uint64, n, m int64) host.Event {
	return host.Event{Kind: k, Subject: task, Checkpoint: checkpoint, N: n, M: m}
}

// TestHistory: a source and a task of two channels, to the end.
func TestHistory(t *testing.T) {
	got := play(statistics.New(10),
		of(host.CheckpointTriggered, "jm", 3, 5000, 0), // decided 5 µs ago
		of(host.BarrierOut, "src/0", 3, 9, 0),
		of(host.SnapshotTaken, "src/0", 3, 9, 0),
		of(host.BarrierIn, "sum/0", 3, 9, 9),
		of(host.SnapshotStored, "src/0", 3, 100, 0),
		of(host.AckCounted, "src/0", 3, 1, 1),
		of(host.BarrierIn, "sum/0", 3, 9, 9),
		of(host.BarrierOut, "sum/0", 3, 9, 0),
		of(host.SnapshotTaken, "sum/0", 3, 9, 0),
		of(host.SnapshotStored, "sum/0", 4, 1, 1), // of none that is known
		of(host.SnapshotStored, "sum/0", 3, 200, 30),
		of(host.AckCounted, "sum/0", 3, 1, 1),
		of(host.CheckpointCompleted, "jm", 3, 0, 0),
		of(host.SnapshotStored, "sum/0", 3, 1, 1), // late
	)
	require.Len(t, got, 1)
	src, sum := got[0].Subtasks[0], got[0].Subtasks[1]
	require.Equal(t, []int64{15, 0, 10, 20, 100, 0}, []int64{src.StartDelay, src.Alignment, src.Sync, src.Async, src.Size, src.InFlight})
	require.Equal(t, []int64{35, 30, 10, 20, 200, 30}, []int64{sum.StartDelay, sum.Alignment, sum.Sync, sum.Async, sum.Size, sum.InFlight})
	c := *got[0]
	c.Subtasks = nil
	require.Equal(t, statistics.Checkpoint{
		ID: 3, Status: statistics.Completed, Triggered: 5, Duration: 125, Acknowledged: 2, Size: 300, InFlight: 30,
	}, c)
}

// TestHistoryEnds: what is given up says why, what a new leader does not know of is
// lost, what has ended stays as it is, and the oldest go first.
func TestHistoryEnds(t *testing.T) {
	aborted := of(host.CheckpointAborted, "jm", 2, 2, 0)
	aborted.Text = "abort 2: expired"
	h := statistics.New(3)
	got := play(h,
		of(host.CheckpointTriggered, "jm", 1, 0, 0), of(host.CheckpointCompleted, "jm", 1, 0, 0),
		of(host.CheckpointTriggered, "jm", 2, 0, 0), aborted,
		of(host.CheckpointTriggered, "jm", 3, 0, 0), of(host.EpochStarted, "jm", 0, 0, 0),
		of(host.CheckpointTriggered, "jm", 4, 0, 0))
	unlocated := of(host.CheckpointAborted, "jm", 5, 4, 0)
	unlocated.Text = "abort 5: no location"
	h.On(time.Second, &aborted)
	require.Len(t, got, 3)
	var words []string
	for _, c := range got {
		words = append(words, c.Status+c.Why)
	}
	require.Equal(t, []string{statistics.Failed + "abort 2: expired", statistics.Lost, statistics.InProgress}, words)
	require.EqualValues(t, 10, got[0].Duration)
	require.Zero(t, got[2].Duration)
	h.On(time.Second, &unlocated)
	got = h.Checkpoints()
	require.Equal(t, statistics.Checkpoint{ID: 5, Status: statistics.Failed, Why: unlocated.Text, Triggered: 1_000_000, Subtasks: []statistics.Subtask{}}, *got[2])
}
