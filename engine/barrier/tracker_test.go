package barrier_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/barrier"
)

// TestTrackerOnlyGrows is B1 at least once: what a task sends on, a barrier for each
// snapshot and a cancel marker for each abort, is never of an older checkpoint.
func TestTrackerOnlyGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		channels := rapid.IntRange(1, 4).Draw(t, "channels")
		rest := scripts(t, channels, false)
		tracker := barrier.NewTracker(channels, 0)
		last := uint64(0)
		for {
			var can []int
			for ch := range rest {
				if len(rest[ch]) > 0 {
					can = append(can, ch)
				}
			}
			if len(can) == 0 {
				break
			}
			ch := rapid.SampledFrom(can).Draw(t, "channel")
			for _, e := range tracker.Step(rest[ch][0], nil) {
				if e.Kind == barrier.Snapshot || e.Kind == barrier.Abort {
					require.Greater(t, e.Checkpoint, last, "%v", e)
					last = e.Checkpoint
				}
			}
			rest[ch] = rest[ch][1:]
		}
	})
}
