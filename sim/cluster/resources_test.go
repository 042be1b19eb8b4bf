package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim"
)

// What an actor holds is counted until it is given back.
func TestResources(t *testing.T) {
	w := New(1, Options{})
	id := host.WireID{Number: 1}
	w.one("b", "b", func(_ host.Now, in *host.Input, out *host.Outbox) {
		if in.Kind == host.Start {
			out.Open(0, id, host.Consumer, at("a", "a"))
		}
	})
	w.one("a", "a", func(_ host.Now, in *host.Input, out *host.Outbox) {
		switch in.Kind {
		case host.Start:
			out.Open(0, id, host.Producer, at("b", "b"))
			out.SetTimer(1, time.Second)
			out.SetTimer(2, time.Hour)
			out.SetTimer(3, time.Hour)
			out.CancelTimer(3)
			for k := range 3 { // two wait for the first
				out.Offload(host.Token(10+k), "lane", func(host.Worker) (any, error) { return nil, nil })
			}
		case host.Timer:
			out.CloseWire(0)
		}
	})
	of := func(node string) ActorResources {
		for _, n := range w.Resources() {
			if n.Node == node {
				require.Len(t, n.Actors, 1)
				return n.Actors[0]
			}
		}
		return ActorResources{}
	}
	require.Equal(t, ActorResources{Name: "a", Mail: 1}, of("a"))
	require.False(t, w.quiet())
	require.True(t, w.Next(time.Minute))
	require.True(t, w.Next(time.Minute))
	require.Equal(t, ActorResources{Name: "a", Wires: 1, Timers: 2, Offloads: 3}, of("a"))
	require.Equal(t, sim.Limit, w.Run(time.Minute))
	require.Equal(t, ActorResources{Name: "a", Timers: 1}, of("a"))
	require.Equal(t, ActorResources{Name: "b"}, of("b"))
	require.True(t, w.quiet())
	w.Crash("a")
	require.Empty(t, of("a"))
}

// Work of an actor that was stopped is nobody's, if it goes on.
func TestZombiesAreCountedApart(t *testing.T) {
	seen := 0
	for seed := range uint64(20) {
		w := New(seed, Options{})
		w.one("a", "boss", func(_ host.Now, in *host.Input, out *host.Outbox) {
			if in.Kind == host.Start {
				out.Spawn("worker", script(func(_ host.Now, in *host.Input, out *host.Outbox) {
					if in.Kind == host.Start {
						out.Offload(1, "", func(host.Worker) (any, error) { return nil, nil })
					}
				}).factory)
				out.SetTimer(1, 20*time.Microsecond)
			} else {
				out.Stop("worker")
			}
		})
		w.Run(30 * time.Microsecond)
		r := w.Resources()
		require.Len(t, r[0].Actors, 1)
		seen += r[0].Zombies
	}
	require.Positive(t, seen)
	require.Less(t, seen, 20)
}
