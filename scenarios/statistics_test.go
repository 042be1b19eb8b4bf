package scenarios

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/statistics"
)

// TestCheckpointStatistics: a run's history agrees with what else is known of it, changes
// nothing of the run, and shows what tells modes apart.
func TestCheckpointStatistics(t *testing.T) {
	input := write(t, prose(200))
	for _, mode := range []Mode{Aligned, Unaligned} {
		o := RunOptions{Scenario: "wordcount", Mode: string(mode), Seed: 3, Input: input}
		plain, err := Run(o)
		require.NoError(t, err)
		require.Empty(t, plain.Checks.History, "nobody has asked")
		o.Checkpoints = true
		rep, err := Run(o)
		require.NoError(t, err)
		require.Equal(t, Pass, rep.Verdict)
		require.Equal(t, plain.TraceHash, rep.TraceHash)

		count, inFlight, aligned, tasks := map[string]int{}, int64(0), int64(0), 0
		for _, c := range rep.Checks.History {
			count[c.Status]++
			if c.Status != statistics.Completed {
				continue
			}
			if tasks == 0 {
				tasks = len(c.Subtasks)
			}
			require.Equal(t, tasks, len(c.Subtasks), "checkpoint %d", c.ID)
			require.Equal(t, tasks, c.Acknowledged, "checkpoint %d", c.ID)
			size := int64(0)
			for _, s := range c.Subtasks {
				require.Positive(t, s.Size, "checkpoint %d, %s", c.ID, s.Task)
				require.Positive(t, s.Async, "checkpoint %d, %s", c.ID, s.Task)
				require.LessOrEqual(t, s.StartDelay+s.Sync+s.Async, c.Duration, "checkpoint %d, %s", c.ID, s.Task)
				size += s.Size
				aligned += s.Alignment
			}
			require.Equal(t, size, c.Size)
			inFlight += c.InFlight
		}
		require.Equal(t, rep.Checks.Completed, count[statistics.Completed])
		require.Equal(t, rep.Checks.Aborted, count[statistics.Failed])
		require.Positive(t, aligned)
		require.Equal(t, mode == Unaligned, inFlight > 0, "%d bytes", inFlight)

		text := rep.Text()
		require.Contains(t, text, "start delay")
		require.GreaterOrEqual(t, strings.Count(text, "\n  chk-"), rep.Checks.Completed)
	}
}
