package model

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/stream"
)

// TestCoordinatorTolerance: each step of a dialogue, and what the monitor says to it.
func TestCoordinatorTolerance(t *testing.T) {
	const async, cancel = "CHECKPOINT_ASYNC_EXCEPTION", "CHECKPOINT_DECLINED_ON_CANCELLATION_BARRIER"
	c := &Coordinator{Tolerable: 1}
	decline := func(id uint64, why string) []string {
		require.Empty(t, c.Triggered(id, 0))
		c.Declined(id, why)
		return c.Aborted(id, why)
	}
	require.Empty(t, decline(1, async))
	require.Empty(t, decline(2, cancel), "does not count")
	require.Empty(t, c.Triggered(3, 0))
	require.Empty(t, c.Completed(3, 0))
	require.Empty(t, decline(4, async))
	require.Empty(t, decline(5, async))
	require.Empty(t, c.Failed(true))
	require.Empty(t, c.Aborted(6, "FINALIZE_CHECKPOINT_FAILURE"), "the job does not run")
	require.Empty(t, decline(7, async), "it counts anew")
	require.Empty(t, c.Failed(false), "a crash")
	require.Empty(t, decline(8, async), "the count outlives it")
	require.Equal(t, []string{"T17: checkpoint 9 was triggered, but the job must fail: 2 checkpoints have failed in a row, tolerable are 1"}, c.Triggered(9, 0))

	require.Empty(t, decline(10, async))
	require.Empty(t, decline(11, async))
	require.Equal(t, []string{"T17: the job has finished, but the job must fail: 2 checkpoints have failed in a row, tolerable are 1"}, c.Finished())
	require.Empty(t, decline(12, async))
	c.Led()
	require.Empty(t, decline(13, async), "a new leader has not seen the one before")
	require.Equal(t, []string{"T17: the job fails for 1 failed checkpoints in a row, tolerable are 1"}, c.Failed(true))
	c.Deploying(stream.Attempt{Epoch: 1, Number: 2})
	require.Empty(t, c.Aborted(14, "IO_EXCEPTION"), "it has no directory, and is never triggered")
	require.Empty(t, c.Aborted(15, "IO_EXCEPTION"))
	require.Empty(t, c.Failed(true))
}

// TestCoordinatorReasons: what counts is a reason of Flink's, and a task gave it.
func TestCoordinatorReasons(t *testing.T) {
	c := &Coordinator{Tolerable: -1}
	require.Empty(t, c.Triggered(1, 0))
	c.Declined(1, "CHECKPOINT_DECLINED_SUBSUMED")
	require.Equal(t, []string{"T17: checkpoint 1 was given up for CHECKPOINT_ASYNC_EXCEPTION, for which no task has declined it"}, c.Aborted(1, "CHECKPOINT_ASYNC_EXCEPTION"))
	require.Equal(t, []string{`T17: checkpoint 2 was given up for "bad luck", which is no reason`}, c.Aborted(2, "bad luck"))
	for id := range uint64(100) {
		require.Empty(t, c.Triggered(id+3, 0))
		require.Empty(t, c.Aborted(id+3, "CHECKPOINT_EXPIRED"), "any number is tolerable")
	}
	require.Equal(t, []string{"T17: the job fails for 101 failed checkpoints in a row, tolerable are -1"}, c.Failed(true))
}

// TestCoordinatorPause: what does not complete needs no pause, nor does the checkpoint at
// the end of all input, or the first of a new leader.
func TestCoordinatorPause(t *testing.T) {
	first, second := stream.Attempt{Epoch: 1, Number: 1}, stream.Attempt{Epoch: 1, Number: 2}
	c := &Coordinator{Tolerable: -1, MinPause: time.Second, Tasks: 2}
	c.Deploying(first)
	require.Empty(t, c.Triggered(1, time.Second))
	require.Empty(t, c.Aborted(1, "CHECKPOINT_EXPIRED"))
	require.Empty(t, c.Triggered(2, time.Second))
	require.Empty(t, c.Completed(2, 5*time.Second))
	require.Empty(t, c.Triggered(3, 6*time.Second))
	require.Empty(t, c.Completed(3, 7*time.Second))
	early := []string{"T18: checkpoint 4 was triggered 900ms after the one before had completed, with a pause of 1s"}
	require.Equal(t, early, c.Triggered(4, 7900*time.Millisecond))
	c.Ended(first)
	require.Equal(t, early, c.Triggered(4, 7900*time.Millisecond), "one runs on")
	c.Ended(first)
	require.Empty(t, c.Triggered(4, 7900*time.Millisecond))
	c.Deploying(second)
	c.Ended(first)
	c.Ended(first)
	require.Equal(t, early, c.Triggered(4, 7900*time.Millisecond), "it had ended in another attempt")
	c.Led()
	require.Empty(t, c.Triggered(4, 7900*time.Millisecond))
}
