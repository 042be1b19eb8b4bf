package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/host"
)

// Each of these systems works as long as nothing is wrong, and takes for granted what one
// kind of fault takes away. That fault alone breaks it.

// later lets something happen to a world, between two steps.
func later(w *World, after time.Duration, f func()) {
	w.one("fate", "fate", func(_ host.Now, in *host.Input, out *host.Outbox) {
		if in.Kind == host.Start {
			out.SetTimer(1, after)
		} else {
			f()
		}
	})
}

// detecting: a works through 100 records, says that it lives, and begins again, ten times.
// Who has heard nothing of it for 20 ms is sure that it is dead: n times.
func detecting(t *testing.T, upset func(w *World)) (n int) {
	t.Helper()
	w := New(1, Options{RecordCost: 100 * time.Microsecond})
	heard := time.Duration(0)
	w.one("b", "b", func(now host.Now, in *host.Input, out *host.Outbox) {
		switch {
		case in.Kind == host.Message:
			heard = now.Mono
		case in.Token == 200:
			return
		case now.Mono-heard > 20*ms && now.Mono < 100*ms:
			n++
		}
		if in.Kind != host.Message {
			out.SetTimer(in.Token+1, ms)
		}
	})
	w.one("a", "a", func(_ host.Now, in *host.Input, out *host.Outbox) {
		if in.Token == 10 {
			return
		}
		out.Send(at("b", "b"), "a lives")
		out.Charge("work", 100)
		out.SetTimer(in.Token+1, 0)
	})
	upset(w)
	done(t, w)
	return n
}

func TestSlowProcessorBreaksADetector(t *testing.T) {
	require.Zero(t, detecting(t, func(*World) {}))
	require.Zero(t, detecting(t, func(w *World) { w.Node("b").SetCost(1000) }), "it has little to do")
	require.Positive(t, detecting(t, func(w *World) { w.Node("a").SetCost(1000) }))
	require.Positive(t, detecting(t, func(w *World) { later(w, 30*ms, func() { w.Node("a").SetCost(1000) }) }))
}

// asking: a asks b to add one, and again if there is no answer for 10 ms; b adds one
// whenever it is asked.
func asking(t *testing.T, upset func(w *World)) (sum int) {
	t.Helper()
	w := New(1, Options{Link: LinkOptions{Latency: Range{ms, ms}}})
	w.one("b", "b", func(_ host.Now, in *host.Input, out *host.Outbox) {
		if in.Kind == host.Message {
			sum++
			out.Send(at("a", "a"), "done")
		}
	})
	answered := false
	w.one("a", "a", func(_ host.Now, in *host.Input, out *host.Outbox) {
		answered = answered || in.Kind == host.Message
		if !answered {
			out.Send(at("b", "b"), "add one")
			out.SetTimer(in.Token+1, 10*ms)
		}
	})
	upset(w)
	done(t, w)
	return sum
}

func TestSlowLinkBreaksARequest(t *testing.T) {
	require.Equal(t, 1, asking(t, func(*World) {}))
	require.Equal(t, 1, asking(t, func(w *World) { w.Link("a", "b").SetSlow(300) }), "the answer still comes in time")
	for _, link := range [][2]string{{"a", "b"}, {"b", "a"}} {
		require.Equal(t, 2, asking(t, func(w *World) { w.Link(link[0], link[1]).SetSlow(1000) }), link)
	}
}

// stamping: a writes 1 and tells b, which writes 2; the writes bear the time of who made
// them, and the latest counts, whichever comes first.
func stamping(t *testing.T, upset func(w *World)) (value string) {
	t.Helper()
	type write struct {
		value string
		wall  int64
	}
	w := New(1, Options{Link: LinkOptions{Latency: Range{ms, ms}}, WallStart: int64(time.Hour)})
	latest := write{}
	w.one("store", "store", func(_ host.Now, in *host.Input, _ *host.Outbox) {
		if m, ok := in.Body.(write); ok && m.wall > latest.wall {
			latest = m
		}
	})
	w.one("b", "b", func(now host.Now, in *host.Input, out *host.Outbox) {
		if in.Kind == host.Message {
			out.Send(at("store", "store"), write{"2", now.Wall})
		}
	})
	w.one("a", "a", func(now host.Now, in *host.Input, out *host.Outbox) {
		if in.Kind == host.Start {
			out.Send(at("store", "store"), write{"1", now.Wall})
			out.Send(at("b", "b"), "written")
		}
	})
	upset(w)
	done(t, w)
	return latest.value
}

func TestSkewBreaksLastWriteWins(t *testing.T) {
	require.Equal(t, "2", stamping(t, func(*World) {}))
	require.Equal(t, "2", stamping(t, func(w *World) { w.Node("store").SetSkew(-time.Second) }), "it stamps nothing")
	require.Equal(t, "1", stamping(t, func(w *World) { w.Node("a").SetSkew(time.Second) }))
	require.Equal(t, "1", stamping(t, func(w *World) { w.Node("b").SetSkew(-time.Second) }))
}

// leasing: a holds a lease for 50 ms, b takes it 10 ms after that. Each looks at its wall
// clock alone; it says when both hold the lease at once.
func leasing(t *testing.T, upset func(w *World)) (both []string) {
	t.Helper()
	w := New(1, Options{WallStart: int64(time.Hour)})
	holds := map[string]bool{}
	for name, term := range map[string][2]time.Duration{"a": {0, 50 * ms}, "b": {60 * ms, 110 * ms}} { // unordered: they never meet
		begin := int64(0)
		w.one(name, name, func(now host.Now, in *host.Input, out *host.Outbox) {
			if in.Kind == host.Start {
				begin = now.Wall
			}
			since := time.Duration(now.Wall - begin)
			holds[name] = since >= term[0] && since < term[1]
			if holds["a"] && holds["b"] {
				both = append(both, fmt.Sprint(now.Mono/ms))
			}
			if in.Token < 200 {
				out.SetTimer(in.Token+1, ms)
			}
		})
	}
	upset(w)
	done(t, w)
	return both
}

func TestJumpBreaksALease(t *testing.T) {
	require.Empty(t, leasing(t, func(*World) {}))
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		require.Empty(t, leasing(t, func(w *World) {
			w.Node("a").SetSkew(skew)
			w.Node("b").SetSkew(skew)
		}), "a clock that is wrong all the time measures right")
	}
	require.NotEmpty(t, leasing(t, func(w *World) { later(w, 20*ms, func() { w.Node("a").SetSkew(-15 * ms) }) }))
	require.NotEmpty(t, leasing(t, func(w *World) { later(w, 20*ms, func() { w.Node("b").SetSkew(50 * ms) }) }))
	require.Empty(t, leasing(t, func(w *World) { later(w, 20*ms, func() { w.Node("a").SetSkew(time.Minute) }) }), "it gives the lease up early")
}
