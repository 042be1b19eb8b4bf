package cluster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

// against objects to every event of a kind.
type against host.EventKind

func (a against) ID() string { return "against " + host.EventKind(a).String() }
func (a against) OnEvent(_ *sim.World, e *host.Event) *sim.Violation {
	if e.Kind == host.EventKind(a) {
		return &sim.Violation{Message: e.Kind.String()}
	}
	return nil
}
func (a against) OnEnd(*sim.World) *sim.Violation { return nil }

func oraclesOf(vs []sim.Violation) (ids []string) {
	for _, v := range vs {
		ids = append(ids, v.Oracle)
	}
	return ids
}

// TestGoOn: a run that goes on hears every oracle once, in order of time, and ends
// as it would have without objections.
func TestGoOn(t *testing.T) {
	data := numbers(60)
	o := func() cluster.JobOptions {
		return cluster.JobOptions{Config: quick(), Job: totals, Workers: 2, Files: []cluster.File{{Name: inputFile, Data: data}}, Hardware: hardware()}
	}
	content, none := play(t, 3, o())
	require.Empty(t, none)

	stopped := o()
	stopped.Oracles = []sim.Oracle[host.Event]{against(host.CheckpointCompleted), against(host.CheckpointTriggered)}
	c, vs := play(t, 3, stopped)
	require.Equal(t, []string{"against checkpoint triggered"}, oraclesOf(vs))
	require.False(t, c.Finished)

	on := o()
	on.Oracles, on.GoOn = stopped.Oracles, true
	c, vs = play(t, 3, on)
	require.Equal(t, []string{"against checkpoint triggered", "against completed"}, oraclesOf(vs))
	require.Less(t, vs[0].Event, vs[1].Event)
	requireExact(t, c, data)
	require.Equal(t, content.hash, c.hash, "the same run")

	on.Limit = 20 * time.Millisecond
	c, vs = play(t, 3, on)
	require.Contains(t, oraclesOf(vs), "progress", "it is asked of a run that went on, too")
	require.False(t, c.Finished)
}
