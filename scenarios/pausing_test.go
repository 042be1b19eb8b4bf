package scenarios

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/sim/cluster"
)

// paused is the cluster of a run, with its oracles, that has not begun.
func paused(t *testing.T, o RunOptions) (*run, *judges, *cluster.Cluster) {
	t.Helper()
	r, err := prepare(o)
	require.NoError(t, err)
	j := newJudges(r)
	c, err := cluster.NewCluster(o.Seed, cluster.JobOptions{
		Config: r.config, Job: r.scenario.Job(nil), Workers: r.world.workers, Files: r.files,
		Plan: r.world.plan, Limit: r.limit(), Hardware: r.world.hardware, Oracles: j.oracles(),
	})
	require.NoError(t, err)
	j.cluster = c
	return r, j, c
}

// finished is the report of a cluster that is run to its end.
func finished(r *run, j *judges, c *cluster.Cluster) *Report { return r.report(c, j, c.Run()) }

// TestPausing: a world that is run in pieces, by time or event by event, and one that
// another is run in between, is the world that is run at once.
func TestPausing(t *testing.T) {
	path := write(t, prose(80))
	for _, mode := range bothModes {
		for seed := range uint64(4) {
			o := RunOptions{Scenario: "wordcount", Mode: string(mode), Seed: seed, Strategy: Portfolio, Input: path}
			want, err := Run(o)
			require.NoError(t, err)
			require.Equal(t, Pass, want.Verdict, "%s", want.Text())
			same := func(how string, got *Report) {
				require.Equal(t, want.TraceHash, got.TraceHash, "%s, seed %d, %s", mode, seed, how)
				require.Equal(t, want.Events, got.Events)
				require.Equal(t, want.Checks, got.Checks)
				require.Equal(t, Pass, got.Verdict)
			}

			r, j, c := paused(t, o)
			for until := time.Millisecond; until < time.Duration(want.VirtualMS)*time.Millisecond; until += 7 * time.Millisecond {
				c.World.Run(until)
			}
			same("in pieces of time", finished(r, j, c))

			r, j, c = paused(t, o)
			for c.World.Next(r.limit()) {
			}
			same("event by event", finished(r, j, c))

			other := o
			other.Seed += 100
			_, _, c2 := paused(t, other)
			r, j, c = paused(t, o)
			for n := 0; c.World.Next(r.limit()); n++ {
				for range n % 3 {
					c2.World.Next(r.limit())
				}
			}
			c2.World.Close()
			same("in turns with another", finished(r, j, c))
		}
	}
}
