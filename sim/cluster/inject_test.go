package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/faults"
)

const ms = time.Millisecond

// telling is a naive pair: node a numbers a message each millisecond and trusts that b
// gets all, once, in order and soon. What b gets is written down, with the time.
func telling(t *testing.T, seed uint64, n int, upset func(w *World)) (got []string, times []time.Duration) {
	t.Helper()
	w := New(seed, Options{Link: LinkOptions{Latency: Range{100 * time.Microsecond, 100 * time.Microsecond}}})
	w.one("b", "b", func(now host.Now, in *host.Input, _ *host.Outbox) {
		if in.Kind == host.Message {
			got, times = append(got, fmt.Sprint(in.Body)), append(times, now.Mono)
		}
	})
	w.one("a", "a", func(_ host.Now, in *host.Input, out *host.Outbox) {
		if in.Kind == host.Timer {
			out.Send(at("b", "b"), int(in.Token))
		}
		if int(in.Token) < n {
			out.SetTimer(in.Token+1, ms)
		}
	})
	upset(w)
	done(t, w)
	return got, times
}

func counted(from, to int) (all []string) {
	for i := from; i <= to; i++ {
		all = append(all, fmt.Sprint(i))
	}
	return all
}

func (l *Link) wrongly(k faults.Kind, until time.Duration, percent int) {
	l.upset(faults.Fault{Name: "f", Kind: k, By: 5 * ms, Chance: percent}, until, l.w.Point(string(k), "f"))
}

// TestMessagesUndisturbed: the naive pair works when nothing is wrong, and when only
// the other direction is.
func TestMessagesUndisturbed(t *testing.T) {
	got, _ := telling(t, 1, 20, func(*World) {})
	require.Equal(t, counted(1, 20), got)
	got, _ = telling(t, 1, 20, func(w *World) { w.Link("b", "a").wrongly(faults.Partition, time.Second, 0) })
	require.Equal(t, counted(1, 20), got)
}

// TestLinkFaults: each kind breaks the naive pair in its own way, and not longer than it
// lasts.
func TestLinkFaults(t *testing.T) {
	run := func(k faults.Kind, percent int) ([]string, []time.Duration) {
		return telling(t, 1, 20, func(w *World) { w.Link("a", "b").wrongly(k, 10*ms, percent) })
	}
	got, _ := run(faults.Partition, 0)
	require.Equal(t, counted(10, 20), got)
	got, _ = run(faults.Lose, 0)
	require.Equal(t, counted(10, 20), got)
	got, times := run(faults.Stall, 0)
	require.ElementsMatch(t, counted(1, 20), got)
	require.GreaterOrEqual(t, times[0], 10*ms)
	got, _ = run(faults.Delay, 50)
	require.ElementsMatch(t, counted(1, 20), got)
	require.NotEqual(t, counted(1, 20), got)
	got, _ = run(faults.Duplicate, 0)
	require.Len(t, got, 29)
	require.Subset(t, got, counted(1, 20))
}

// TestChance: about as many messages are hit as the percentage says.
func TestChance(t *testing.T) {
	got, _ := telling(t, 1, 1000, func(w *World) { w.Link("a", "b").wrongly(faults.Lose, time.Hour, 20) })
	require.InDelta(t, 800, len(got), 60)
}

// TestPause: nothing of a paused process runs, what came in waits, and the clock went on;
// its offloaded work waits too.
func TestPause(t *testing.T) {
	_, times := telling(t, 1, 20, func(w *World) { w.Node("b").Pause(10*ms + ms/2) })
	require.Len(t, times, 20)
	require.InDelta(t, 10*ms+ms/2, times[0], float64(10*time.Microsecond))
	require.Less(t, times[9], 11*ms)
	require.Greater(t, times[10], 11*ms)
	got, times := telling(t, 1, 20, func(w *World) { w.Node("a").Pause(10 * ms) })
	require.Equal(t, counted(1, 20), got)
	require.Greater(t, times[0], 10*ms)

	w := New(1, Options{})
	var worked time.Duration
	w.one("a", "a", func(now host.Now, in *host.Input, out *host.Outbox) {
		switch in.Kind {
		case host.Start:
			out.Offload(1, "", func(host.Worker) (any, error) { return w.Now(), nil })
		case host.Done:
			worked = in.Body.(time.Duration)
		}
	})
	w.Node("a").Pause(50 * ms)
	done(t, w)
	require.GreaterOrEqual(t, worked, 50*ms)
}

// TestReset: both ends of a wire learn that it is down, once, and neither process ended.
// What was under way is lost.
func TestReset(t *testing.T) {
	w := New(1, Options{Link: LinkOptions{Latency: Range{ms, ms}}})
	id := host.WireID{Number: 1}
	var down []string
	frames := 0
	end := func(node string, role host.End, peer string) {
		w.one(node, node, func(now host.Now, in *host.Input, out *host.Outbox) {
			switch in.Kind {
			case host.Start:
				out.Open(0, id, role, at(peer, peer))
				if role == host.Consumer {
					out.Grant(0, 1, nil)
				}
			case host.Credit:
				out.SetTimer(1, 3*ms) // both ends are up then
			case host.Timer:
				out.Write(0, host.Frame{Data: true, Body: []byte("x"), Size: 1})
				out.Send(at("c", "c"), "now")
			case host.FrameIn:
				frames++
			case host.WireDown:
				down = append(down, node+": "+in.Err.Error())
			}
		})
	}
	end("a", host.Producer, "b")
	end("b", host.Consumer, "a")
	w.one("c", "c", func(_ host.Now, in *host.Input, _ *host.Outbox) {
		if in.Kind == host.Message {
			w.Reset("b", "a")
		}
	})
	w.Link("a", "c").SetLatency(Range{ms / 10, ms / 10})
	done(t, w)
	require.ElementsMatch(t, []string{"a: " + ErrReset.Error(), "b: " + ErrReset.Error()}, down)
	require.Zero(t, frames)
	require.True(t, w.Node("a").Up() && w.Node("b").Up())
	for _, r := range w.Resources() {
		for _, a := range r.Actors {
			require.Zero(t, a.Wires)
		}
	}
}
