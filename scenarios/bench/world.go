package bench

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

const forever = time.Duration(1<<63 - 1)

// hold is a world in which every event schedules one more, so that the number of
// those that wait stays.
func hold(pending int) *sim.World {
	w := sim.New(1, sim.Options{})
	var k sim.Kind
	x := uint64(1)
	k = w.Handle("k", 'k', func(e *sim.Event) {
		x = x*6364136223846793005 + 1442695040888963407
		w.Schedule(time.Duration(x>>44), sim.Event{Kind: k, Target: e.Target, A: e.A + 1})
	})
	for i := range pending {
		w.Schedule(time.Duration(i), sim.Event{Kind: k, Target: uint32(i)})
	}
	for range 4 * pending {
		w.Next(forever)
	}
	return w
}

// world measures worlds of several sizes in turn.
func world(s *session) error {
	sizes := []int{10, 100, 1000, 10_000}
	events := pick(s, 400_000, 1000)
	rounds := pick(s, 7, 2)
	costs, allocs := make([][]float64, len(sizes)), make([]float64, len(sizes))
	var worlds []*sim.World
	for _, pending := range sizes {
		worlds = append(worlds, hold(pending))
	}
	for range rounds {
		for i, w := range worlds {
			took, n := timed(func() {
				for range events {
					w.Next(forever)
				}
			})
			costs[i] = append(costs[i], float64(took.Nanoseconds())/float64(events))
			allocs[i] = max(allocs[i], float64(n)/float64(events))
		}
	}
	for i, pending := range sizes {
		name := fmt.Sprintf("world/%d", pending)
		s.add(within(name, median(costs[i]), "ns/event", 100).note("median of %d rounds of %d events, %d pending", rounds, events, pending))
		// What the runtime allocates for itself meanwhile is no allocation of an event.
		s.add(within(name+"/allocs", float64(int(allocs[i]*100))/100, "allocs/event", 0))
	}
	return nil
}

// fresh measures making a world, without and with nodes.
func fresh(s *session) error {
	n := pick(s, 2000, 10)
	bare, _ := timed(func() {
		for i := range n {
			sim.New(uint64(i), sim.Options{}).Point("p", "x").Uint64()
		}
	})
	nodes, _ := timed(func() {
		for i := range n {
			w := cluster.New(uint64(i), cluster.Options{})
			for _, name := range []string{"jm", "tm1", "tm2"} {
				w.AddNode(name, func(*cluster.Node) {})
			}
			w.Close()
		}
	})
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(n) }
	s.add(within("fresh/world", each(bare), "µs", 50).note("the world below, and its first draw"))
	s.add(within("fresh/cluster", each(nodes), "µs", 50).note("with the simulated hardware of three nodes"))
	return nil
}

// timed is the processor time that f takes, and how often it allocates.
func timed(f func()) (took time.Duration, allocs uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := processor()
	f()
	took = processor() - begin
	runtime.ReadMemStats(&after)
	return took, after.Mallocs - before.Mallocs
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
