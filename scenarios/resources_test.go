package scenarios

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim/cluster"
)

func TestWhatIsLeftAtTheEnd(t *testing.T) {
	tm := cluster.ActorResources{Name: "tm", Timers: 1} // of its heartbeat
	at := func(node string, actors ...cluster.ActorResources) []string {
		return atEnd([]cluster.NodeResources{{Node: node, Actors: actors}})
	}
	require.Empty(t, at("jm", cluster.ActorResources{Name: "jm"}))
	require.Empty(t, at("tm1", tm))
	require.Equal(t, []string{"the job has finished, but jm on jm has 2 timers set"}, at("jm", cluster.ActorResources{Name: "jm", Timers: 2}))
	require.Equal(t, []string{"the job has finished, but task-0-0@1.1 is there on tm1"}, at("tm1", tm, cluster.ActorResources{Name: "task-0-0@1.1"}))
	require.Equal(t, []string{
		"the job has finished, but tm on tm1 has 1 wires open", "the job has finished, but tm on tm1 has 1 timers set",
		"the job has finished, but tm on tm1 has 3 offloads under way", "the job has finished, but tm on tm1 has 4 inputs waiting",
	}, at("tm1", cluster.ActorResources{Name: "tm", Wires: 1, Timers: 2, Offloads: 3, Mail: 4}))
}

// The time that a run may take follows from its world.
func TestLimitFollowsFromTheWorld(t *testing.T) {
	of := func(change func(r *run)) (limit time.Duration) {
		r, err := prepare(RunOptions{Scenario: "two-inputs", Mode: "aligned", Seed: 1, Lines: 50})
		require.NoError(t, err)
		r.world.plan = nil
		change(r)
		require.Less(t, r.word(), r.slack())
		require.Less(t, r.slack(), r.limit())
		return r.limit()
	}
	plain := of(func(*run) {})
	require.Less(t, plain, time.Minute)
	require.Less(t, plain, of(func(r *run) {
		r.world.plan = faults.Plan{{Kind: faults.SlowOperator, Target: "left", Percent: 3200}}
	}))
	require.Less(t, plain, of(func(r *run) {
		r.world.plan = faults.Plan{{Kind: faults.SlowLink, Target: "tm1->tm2", Percent: 3200}}
	}))
	require.Less(t, plain, of(func(r *run) { r.data = append(r.data, r.data...) }))
	require.Less(t, plain, of(func(r *run) { r.config.CheckpointTimeout = time.Hour }))
}
