package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim"
)

// N2: for each k, exactly the effects before the k-th happen.
func TestCrashBetweenTwoEffects(t *testing.T) {
	for k := range 6 {
		var got []string
		effects := 0
		var w *World
		w = New(1, Options{BeforeEffect: func(from host.Address, e *host.Effect) {
			if from.Node == "a" {
				if effects == k {
					require.True(t, w.Crash("a"))
				}
				effects++
			}
		}})
		w.one("b", "b", log(&got))
		n := w.one("a", "a", func(_ host.Now, in *host.Input, out *host.Outbox) {
			for i := range 5 {
				out.Send(at("b", "b"), i)
			}
		})
		w.Link("a", "b").SetLatency(Range{5, 5})
		done(t, w)
		var want []string
		for i := range min(k, 5) {
			want = append(want, fmt.Sprintf("message %d", i))
		}
		require.Equal(t, want, got)
		require.Equal(t, k < 5, !n.Up())
	}
}

// N3, N4: what has left arrives, then the wire goes down; what was on its way to
// the node is lost, also after its restart.
func TestCrash(t *testing.T) {
	w := New(1, Options{Link: LinkOptions{Latency: Range{time.Millisecond, 3 * time.Millisecond}}})
	id := host.WireID{Number: 1}
	var atB, atA []string
	w.one("b", "b", func(now host.Now, in *host.Input, out *host.Outbox) {
		switch in.Kind {
		case host.Start:
			out.Open(0, id, host.Consumer, at("a", "a"))
			out.Grant(0, 3, nil)
		case host.FrameIn:
			atB = append(atB, "frame "+string(in.Frame.Body.([]byte)))
			out.Grant(0, 1, nil)
			out.Send(at("a", "a"), "to the dead")
		case host.WireDown:
			atB = append(atB, "down: "+in.Err.Error())
		}
	})
	starts := 0
	var crashedAt time.Duration
	a := w.AddNode("a", func(n *Node) {
		starts++
		require.Equal(t, starts, n.Incarnation())
		n.Spawn("a", script(func(now host.Now, in *host.Input, out *host.Outbox) {
			switch {
			case n.Incarnation() > 1:
				atA = append(atA, in.Kind.String())
			case in.Kind == host.Start:
				out.Open(0, id, host.Producer, at("b", "b"))
				out.SetTimer(1, time.Second)
			case in.Kind == host.Credit:
				for _, s := range []string{"x", "y", "z"} {
					out.Write(0, host.Frame{Data: true, Body: []byte(s), Size: 1})
				}
				out.Spawn("killer", func(host.Env) host.Actor {
					crashedAt = now.Mono
					w.Crash("a")
					return script(nil)
				})
				out.Send(at("b", "b"), "never")
			}
		}).factory)
	})
	require.Equal(t, sim.Idle, w.Run(forever))
	require.False(t, a.Up())
	require.False(t, w.Crash("a"), "it is down")
	require.Equal(t, []string{"frame x", "frame y", "frame z", "down: " + ErrCrashed.Error()}, atB)
	require.NotZero(t, crashedAt)

	// Again, with a restart while answers are on their way.
	w.Send(at("b", "b"), at("a", "a"), "to nobody")
	w.Restart("a")
	w.Send(at("b", "b"), at("a", "a"), "lost with the second incarnation")
	w.Restart("a")
	w.Send(at("b", "b"), at("a", "a"), "heard")
	done(t, w)
	require.Equal(t, 3, starts)
	require.Equal(t, []string{"start", "message"}, atA, "the second incarnation never got to its start")
	require.Empty(t, w.opened)
}

// H5 over links whose latency differs wildly, H4's freedom beside it.
func TestSlowLinkDoesNotReorderWires(t *testing.T) {
	w := New(3, Options{Link: LinkOptions{Latency: Range{1, time.Second}, Bandwidth: 1000, Slow: 300}})
	id := host.WireID{}
	var frames, messages []int
	w.one("a", "a", func(_ host.Now, in *host.Input, out *host.Outbox) {
		switch in.Kind {
		case host.Start:
			out.Open(0, id, host.Producer, at("b", "b"))
		case host.WireUp:
			for i := range 50 {
				out.Write(0, host.Frame{Body: []byte{byte(i)}, Size: 1 + i%7*10})
				out.Send(at("b", "b"), i)
			}
			out.CloseWire(0)
		default:
			require.Fail(t, "the end that closed hears no more", "%v", in.Kind)
		}
	})
	down := 0
	w.one("b", "b", func(_ host.Now, in *host.Input, out *host.Outbox) {
		switch in.Kind {
		case host.Start:
			out.Open(0, id, host.Consumer, at("a", "a"))
		case host.FrameIn:
			frames = append(frames, int(in.Frame.Body.([]byte)[0]))
		case host.Message:
			messages = append(messages, in.Body.(int))
		case host.WireDown:
			require.Equal(t, ErrClosed, in.Err)
			require.Len(t, frames, 50)
			down++
		}
	})
	done(t, w)
	require.Equal(t, 1, down)
	require.IsIncreasing(t, frames)
	require.Len(t, messages, 50)
	require.NotEqual(t, frames, messages, "messages have no promised order")
	require.Greater(t, w.Now(), 15*time.Second, "50 frames of 31 bytes and 50 messages of 128 at 333 bytes a second")
}

// An end that is closed or crashes before the wire is up leaves nothing behind.
func TestWireClosedBeforeItIsUp(t *testing.T) {
	w := New(1, Options{})
	id := host.WireID{Edge: 1}
	var got []string
	w.one("a", "a", func(_ host.Now, in *host.Input, out *host.Outbox) {
		if in.Kind == host.Start {
			out.Open(0, id, host.Producer, at("b", "b"))
			out.CloseWire(0)
			out.Open(0, host.WireID{Edge: 2}, host.Producer, at("b", "b"))
		} else {
			got = append(got, "a "+in.Kind.String())
		}
	})
	w.one("b", "b", func(_ host.Now, in *host.Input, out *host.Outbox) {
		if in.Kind == host.Start {
			out.Open(0, id, host.Consumer, at("a", "a"))
			out.Open(1, host.WireID{Edge: 2}, host.Consumer, at("a", "a"))
			out.CloseWire(1)
		} else {
			got = append(got, "b "+in.Kind.String())
		}
	})
	done(t, w)
	require.Equal(t, []string{"a wire up", "a wire down"}, got)
	require.Len(t, w.opened, 1)
	require.True(t, w.Crash("b"))
	require.Empty(t, w.opened)
	for _, e := range w.ends {
		require.Nil(t, e)
	}
}

// H10, H9, and that a dead actor's events are not heard (N5).
func TestSpawnReplaces(t *testing.T) {
	w := New(1, Options{})
	var got []string
	life := func(name string) host.Factory {
		return script(func(_ host.Now, in *host.Input, out *host.Outbox) {
			got = append(got, name+" "+in.Kind.String())
			out.SetTimer(1, time.Minute)
		}).factory
	}
	w.one("a", "root", func(_ host.Now, in *host.Input, out *host.Outbox) {
		if in.Kind == host.Start {
			out.Spawn("x", life("first"))
			out.Spawn("x", life("second"))
			out.SetTimer(1, time.Second)
			out.SetTimer(2, 3*time.Second)
		} else if in.Token == 1 {
			out.Spawn("x", life("third"))
		} else {
			out.Stop("x")
			out.Stop("nobody")
			out.Spawn("root", life("root"))
			out.Send(at("a", "x"), "dropped with its sender")
		}
	})
	require.Equal(t, sim.Limit, w.Run(10*time.Second))
	require.Equal(t, []string{"second start", "third start", "root start"}, got)
	require.False(t, w.Node("a").Has("x"))
	require.True(t, w.Node("a").Has("root"))
}

type heard struct {
	w      *World
	events []host.EventKind
	on     func(e *host.Event)
}

func (h *heard) On(e *host.Event) {
	h.events = append(h.events, e.Kind)
	h.on(e)
}

// A listener may crash the node in the middle of a step: its effects and further
// events are gone.
func TestListenerMayCrashTheNode(t *testing.T) {
	h := &heard{}
	w := New(1, Options{Listener: h})
	h.on = func(e *host.Event) {
		require.NotZero(t, w.EventNumber())
		if e.Kind == host.BarrierIn {
			w.Crash("a")
		}
	}
	var got []string
	w.one("b", "b", log(&got))
	w.AddNode("a", func(n *Node) {
		n.Spawn("a", func(env host.Env) host.Actor {
			return script(func(_ host.Now, in *host.Input, out *host.Outbox) {
				out.Send(at("b", "b"), "x")
				env.Listener().On(&host.Event{Kind: host.TaskRunning})
				env.Listener().On(&host.Event{Kind: host.BarrierIn})
				env.Listener().On(&host.Event{Kind: host.BarrierOut})
			})
		})
	})
	done(t, w)
	require.Equal(t, []host.EventKind{host.TaskRunning, host.BarrierIn}, h.events)
	require.Empty(t, got)
}

// A chooser's crashes come where durable state has changed, and stay in the hash.
func TestChooserCrashes(t *testing.T) {
	play := func(seed uint64) (crashes int, hash uint64) {
		var w *World
		var crash []sim.FaultKey
		w = busyWorld(seed, Options{
			Chooser: &sim.Uniform{Num: 1, Den: 40},
			BeforeEffect: func(from host.Address, e *host.Effect) {
				if _, ok := w.OfferFault(crash); ok {
					w.Restart(from.Node)
				}
			},
			OnCrash: func(string, int) { crashes++ },
		})
		defer w.Close()
		crash = []sim.FaultKey{{Kind: w.Name("crash")}}
		w.Run(200 * time.Millisecond)
		require.Empty(t, w.Violations())
		return crashes, w.Sum()
	}
	total := 0
	for seed := range uint64(10) {
		n, h := play(seed)
		m, again := play(seed)
		require.Equal(t, h, again)
		require.Equal(t, n, m)
		total += n
	}
	require.Greater(t, total, 10)
}

func TestTransmission(t *testing.T) {
	require.Equal(t, time.Second, transmission(1000, 1000))
	require.Equal(t, time.Duration(0), transmission(0, 1000))
	require.Equal(t, 3*time.Nanosecond, transmission(7, 2_000_000_000))
	require.Equal(t, 365*24*time.Hour, transmission(1<<62, 1))
}

// H5: an input that waits for a wire that is closed meanwhile is not given.
func TestClosingDropsWhatWaits(t *testing.T) {
	w := New(1, Options{StepCost: time.Millisecond})
	id := host.WireID{}
	var got []string
	w.AddNode("a", func(n *Node) {
		n.Spawn("to", script(func(_ host.Now, in *host.Input, out *host.Outbox) {
			got = append(got, in.Kind.String())
			switch in.Kind {
			case host.Start:
				out.Open(0, id, host.Consumer, at("a", "from"))
			case host.WireUp:
				out.Charge("long", 10_000_000)
			case host.Message:
				out.CloseWire(0)
			}
		}).factory)
		n.Spawn("from", script(func(_ host.Now, in *host.Input, out *host.Outbox) {
			switch in.Kind {
			case host.Start:
				out.Open(0, id, host.Producer, at("a", "to"))
			case host.WireUp:
				out.Write(0, host.Frame{Size: 1})
				out.Send(at("a", "to"), "close")
			}
		}).factory)
	})
	done(t, w)
	require.Equal(t, []string{"start", "wire up", "message"}, got)
}

// H10: neither the timers nor the rest of a step of the replaced actor reach its
// successor.
func TestSuccessorInheritsNothing(t *testing.T) {
	w := New(1, Options{})
	var got []time.Duration
	life := func(after, cost time.Duration) host.Factory {
		return script(func(now host.Now, in *host.Input, out *host.Outbox) {
			if in.Kind == host.Start {
				out.SetTimer(1, after)
			} else {
				got = append(got, now.Mono.Truncate(100*time.Millisecond))
			}
			out.Charge("x", int(cost/(100*time.Nanosecond)))
		}).factory
	}
	w.one("a", "root", func(_ host.Now, in *host.Input, out *host.Outbox) {
		switch {
		case in.Kind == host.Start:
			out.Spawn("x", life(3*time.Second, time.Second))
			out.SetTimer(1, time.Millisecond)
			out.SetTimer(2, 2*time.Millisecond)
		case in.Token == 1:
			out.Send(at("a", "x"), "waits for a second")
		case in.Token == 2:
			out.Spawn("x", life(5*time.Second, 2*time.Second))
			out.Send(at("a", "x"), "waits for two seconds")
		}
	})
	done(t, w)
	require.Equal(t, []time.Duration{2 * time.Second, 5 * time.Second}, got)
}
