package cluster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim/cluster"
)

// A job that is stuck says since when, and what each of its tasks waits for.
func TestAStuckJobSaysWhy(t *testing.T) {
	files := []cluster.File{{Name: inputFile, Data: numbers(500)}}
	run := func(limit time.Duration, plan faults.Plan) string {
		c, err := cluster.NewCluster(1, cluster.JobOptions{
			Config: quick(), Job: totals, Workers: 2, Files: files, Hardware: hardware(), Limit: limit, Plan: plan,
		})
		require.NoError(t, err)
		for _, v := range c.Run() {
			require.Equal(t, "progress", v.Oracle)
			return v.Message
		}
		return ""
	}
	require.Equal(t, "the job has not finished 1µs after its start: job is leading", run(time.Microsecond, nil))
	require.Regexp(t, `^the job has not finished 30ms after its start: job is running, .* on tm1 is running.*; \S+ on tm1 is running`, run(30*time.Millisecond, nil))
	require.Empty(t, run(time.Minute, nil))

	// The time counts from the end of the last fault.
	down := faults.Plan{{Name: "f1", Kind: faults.ProcessCrash, Target: "jm", When: faults.Trigger{On: "epoch started", Nth: 1}, For: 10 * time.Second}}
	require.Regexp(t, `^the job has not finished 20ms after the last fault was over: job is `, run(20*time.Millisecond, down))
	require.Empty(t, run(5*time.Second, down))
}
