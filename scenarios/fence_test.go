package scenarios

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim/cluster"
)

// running is the actors of workers, in turn tm1 and tm2.
type running [][]string

func (r running) Resources() (all []cluster.NodeResources) {
	for i, names := range r {
		n := cluster.NodeResources{Node: cluster.Worker(i)}
		for _, name := range names {
			n.Actors = append(n.Actors, cluster.ActorResources{Name: name})
		}
		all = append(all, n)
	}
	return all
}

func TestFence(t *testing.T) {
	heard := func(node string, epoch uint32) *host.Event {
		return &host.Event{Kind: host.LeaderHeard, Subject: node, Epoch: epoch}
	}
	other := &host.Event{Kind: host.WorkerRegistered, Subject: "tm1", Epoch: 2}
	zombie := &host.Event{Kind: host.BarrierOut, Subject: "a/0", Epoch: 1, Number: 3}
	old := running{{"tm", "task-0-1@1.3"}, {"tm", "task-1-0@1.3"}}
	gone := running{{"tm", "task-0-1@2.1"}, {"tm"}}

	var f fence
	require.Empty(t, f.on(old, nil, heard("tm1", 1)))
	require.Empty(t, f.on(old, nil, other), "they are of the epoch that it has heard of")
	require.Empty(t, f.on(old, nil, heard("tm1", 2)), "its step is not over")
	require.Equal(t, []string{"tm1 runs task-0-1@1.3, but has heard of the leader of epoch 2"}, f.on(old, nil, other), "tm2 has not heard")
	require.Empty(t, f.on(old, nil, other), "said once")
	require.NotEmpty(t, f.on(old, nil, zombie), "and whenever such a task speaks")
	require.Empty(t, f.on(gone, nil, zombie))

	require.Empty(t, f.on(gone, nil, heard("tm1", 3)))
	require.Equal(t, []string{"tm1 runs task-0-1@2.1, but has heard of the leader of epoch 3"}, f.on(gone, nil, heard("tm2", 3)), "another worker's word is an event, too")

	require.Empty(t, f.on(old, []cluster.Injection{{Node: "tm1"}, {Node: "tm2"}}, zombie), "new processes")
	require.Empty(t, f.on(old, []cluster.Injection{{Node: "tm1"}, {Node: "tm2"}}, heard("tm2", 2)))
	damage := []cluster.Injection{{Node: "tm1"}, {Node: "tm2"}, {Node: "tm2", Damage: &cluster.Damage{}}}
	require.NotEmpty(t, f.on(old, damage, zombie), "damage stops no process")
}
