package cluster_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

// TestPausedWorld: a world that is left alone at any moment, for others to run, goes on
// as if nothing had been.
func TestPausedWorld(t *testing.T) {
	data := numbers(60)
	fresh := func(seed uint64) *cluster.Cluster {
		plan, err := faults.Parse("f1  on completed#1+2  crash tm2  process for=50ms\nf2  from 20ms to 60ms  stall tm1|jm\n")
		require.NoError(t, err)
		c, err := cluster.NewCluster(seed, cluster.JobOptions{
			Config: quick(), Job: jobs[0].job, Workers: 3, Plan: plan, Hardware: hardware(), Limit: time.Hour,
			Files: []cluster.File{{Name: inputFile, Data: data}},
		})
		require.NoError(t, err)
		return c
	}
	whole := fresh(7)
	require.Empty(t, whole.Run())
	for _, step := range []time.Duration{37 * time.Microsecond, 3 * time.Millisecond, 70 * time.Millisecond} {
		paused, other := fresh(7), fresh(8)
		for at := step; at < 200*time.Millisecond; at += step {
			require.Equal(t, sim.Limit, paused.World.Run(at))
			require.Equal(t, at, paused.World.Now())
			other.World.Run(at + step/2)
		}
		runtime.GC()
		require.Empty(t, paused.Run())
		require.Equal(t, whole.World.Sum(), paused.World.Sum(), "in steps of %v", step)
		require.Equal(t, whole.World.Now(), paused.World.Now())
		require.Empty(t, other.Run())
		require.NotEqual(t, whole.World.Sum(), other.World.Sum())
	}
}
