package cluster

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim"
)

const forever = time.Duration(1<<63 - 1)

// script is an actor made of a function.
type script func(now host.Now, in *host.Input, out *host.Outbox)

func (s script) Step(now host.Now, in *host.Input, out *host.Outbox) { s(now, in, out) }

func (s script) factory(host.Env) host.Actor { return s }

func at(node, name string) host.Address { return host.Address{Node: node, Name: name} }

// empty is a boot that starts nothing.
func empty(*Node) {}

// one adds a node with one actor.
func (w *World) one(node, name string, s script) *Node {
	return w.AddNode(node, func(n *Node) { n.Spawn(name, s.factory) })
}

// log makes an actor that writes down what it gets.
func log(to *[]string) script {
	return func(now host.Now, in *host.Input, _ *host.Outbox) {
		if in.Kind != host.Start {
			*to = append(*to, fmt.Sprintf("%v %v", in.Kind, in.Body))
		}
	}
}

func done(t *testing.T, w *World) {
	t.Helper()
	require.Equal(t, sim.Idle, w.Run(forever), "%v", w.Violations())
}

// busyWorld is a pair of nodes that stream frames, messages, timers and work.
func busyWorld(seed uint64, o Options) *World {
	w := New(seed, o)
	id := host.WireID{Epoch: 1}
	w.one("tm1", "src", func(now host.Now, in *host.Input, out *host.Outbox) {
		switch in.Kind {
		case host.Start:
			out.Open(0, id, host.Producer, at("tm2", "map"))
			out.SetTimer(1, time.Millisecond)
		case host.Credit:
			for range in.N {
				out.Write(0, host.Frame{Data: true, Body: []byte("record"), Size: 6})
			}
		case host.Timer:
			out.Send(at("tm2", "map"), "tick")
			if now.Mono < 50*time.Millisecond {
				out.SetTimer(in.Token+1, time.Millisecond)
			}
		}
	})
	left := 300
	var env host.Env
	w.AddNode("tm2", func(n *Node) {
		n.Spawn("map", func(e host.Env) host.Actor {
			env = e
			return script(func(_ host.Now, in *host.Input, out *host.Outbox) {
				switch in.Kind {
				case host.Start:
					out.Open(0, id, host.Consumer, at("tm1", "src"))
					out.Grant(0, 4, nil)
				case host.FrameIn:
					out.Charge("map", 1+env.Rand("skew").IntN(5))
					env.Listener().On(&host.Event{Kind: host.TaskRunning, Subject: "map"})
					if left--; left >= 0 {
						out.Grant(0, 1, nil)
					}
				case host.Message:
					out.Offload(host.Token(w.EventNumber()), "", func(host.Worker) (any, error) { return 1, nil })
				}
			})
		})
	})
	return w
}

func run(t *testing.T, seed uint64, o Options) (hash uint64, end time.Duration) {
	w := busyWorld(seed, o)
	defer w.Close()
	if end := w.Run(forever); end != sim.Idle {
		t.Errorf("ended %v: %v", end, w.Violations())
	}
	return w.Sum(), w.Now()
}

func TestSameSeedSameHash(t *testing.T) {
	want, _ := run(t, 7, Options{})
	for range 20 {
		got, _ := run(t, 7, Options{})
		require.Equal(t, want, got)
	}
	var beside sync.WaitGroup
	got := make([]uint64, 8)
	for i := range got {
		beside.Go(func() { got[i], _ = run(t, 7+uint64(i%2), Options{}) })
	}
	beside.Wait()
	for i := range got {
		require.Equal(t, i%2 == 0, got[i] == want, "beside others")
	}
	hashes, ends := map[uint64]bool{}, map[time.Duration]bool{}
	for seed := range uint64(20) {
		h, end := run(t, seed, Options{})
		hashes[h], ends[end] = true, true
	}
	require.Len(t, hashes, 20)
	require.Greater(t, len(ends), 15, "seeds change what happens, not just the hash's start")
}

// Operator and node costs, listener events and recording.
func TestOptionsShow(t *testing.T) {
	plain, quick := run(t, 7, Options{})
	_, slow := run(t, 7, Options{OperatorCost: map[string]Percent{"map": 10_000_000}})
	require.Greater(t, slow, quick+time.Second)
	_, drawn := run(t, 7, Options{DrawnCost: 1_000_000_000})
	require.Greater(t, drawn, quick)
	_, slowNode := run(t, 7, Options{NodeCost: map[string]Percent{"tm2": 1_000_000}})
	require.Greater(t, slowNode, quick)
	_, slowLink := run(t, 7, Options{Links: map[[2]string]LinkOptions{{"tm1", "tm2"}: {Slow: 10_000}}})
	require.Greater(t, slowLink, quick)
	_, narrow := run(t, 7, Options{Link: LinkOptions{Bandwidth: 100}})
	require.Greater(t, narrow, quick)

	var r count
	same, _ := run(t, 7, Options{Recorder: &r, VerifyBodies: true})
	require.Equal(t, plain, same, "watching changes nothing")
	require.Greater(t, r['<'], 300)
	require.Greater(t, r['>'], 300)
	require.EqualValues(t, 304, r['='])
	require.EqualValues(t, r['o']-2, r['d'])
	require.EqualValues(t, 2, r['!'])
}

// count counts records by glyph.
type count [256]int

func (c *count) Record(r *sim.Record) { c[r.Glyph]++ }

// N6: a changed payload byte changes the hash, and nothing else does it but that.
func TestPayloadsShowInTheHash(t *testing.T) {
	sum := func(body any) uint64 {
		w := New(1, Options{})
		w.one("a", "a", log(new([]string)))
		w.Send(at("out", ""), at("a", "a"), body)
		done(t, w)
		return w.Sum()
	}
	seen := map[uint64]any{}
	for _, body := range []any{[]byte("abc"), []byte("abd"), "x", "y", 1, uint64(7), int64(3), int32(4), uint32(5), true, false, nil,
		digested(8), fmt.Errorf("e"), struct{ x int }{1}} {
		require.NotContains(t, seen, sum(body), "%v", body)
		seen[sum(body)] = body
	}
	require.Equal(t, sum(struct{ x int }{1}), sum(struct{ x int }{2}), "what can't be digested counts by its type")
}

type digested uint64

func (d digested) Digest() uint64 { return uint64(d) }

// N1: while an actor is busy its inputs wait, and what it sends leaves at the end.
func TestBusyActorDelaysInputs(t *testing.T) {
	w := New(1, Options{StepCost: 10 * time.Millisecond})
	var steps []time.Duration
	var arrived time.Duration
	w.one("a", "busy", func(now host.Now, in *host.Input, out *host.Outbox) {
		steps = append(steps, now.Mono)
		if in.Body == "1" {
			out.Charge("op", 10_000) // at 100 ns
			out.Send(at("a", "other"), "out")
		}
	})
	w.Node("a").Spawn("other", script(func(now host.Now, in *host.Input, _ *host.Outbox) {
		if in.Kind == host.Message {
			arrived = now.Mono
		}
	}).factory)
	for _, s := range []string{"1", "2", "3"} {
		w.Send(at("a", "x"), at("a", "busy"), s)
	}
	done(t, w)
	ms := time.Millisecond
	require.Equal(t, []time.Duration{0, 10 * ms, 21 * ms, 31 * ms}, steps)
	require.Equal(t, 21*ms+time.Microsecond, arrived)
}

// H3: control before wire, GoOn last and once.
func TestGoOnComesAfterWireInputs(t *testing.T) {
	w := New(1, Options{StepCost: 100 * time.Millisecond})
	var got []string
	id := host.WireID{Edge: 3}
	w.AddNode("a", func(n *Node) {
		n.Spawn("to", script(func(_ host.Now, in *host.Input, out *host.Outbox) {
			got = append(got, in.Kind.String())
			switch in.Kind {
			case host.Start:
				out.Open(0, id, host.Consumer, at("a", "from"))
				out.Grant(0, 2, nil)
			case host.WireUp, host.FrameIn:
				out.GoOn()
			}
		}).factory)
		n.Spawn("from", script(func(_ host.Now, in *host.Input, out *host.Outbox) {
			switch in.Kind {
			case host.Start:
				out.Open(5, id, host.Producer, at("a", "to"))
			case host.Credit:
				out.Write(5, host.Frame{Data: true, Size: 1})
				out.Write(5, host.Frame{Size: 1})
				out.Write(5, host.Frame{Data: true, Size: 1})
				out.Send(at("a", "to"), "m")
			}
		}).factory)
	})
	done(t, w)
	require.Equal(t, []string{"start", "wire up", "go on", "frame", "message", "frame", "frame", "go on"}, got)
}

func TestTimersAndClocks(t *testing.T) {
	w := New(1, Options{WallStart: 1e18, Skew: map[string]time.Duration{"a": time.Hour}})
	var fired []host.Token
	n := w.one("a", "a", func(now host.Now, in *host.Input, out *host.Outbox) {
		switch in.Kind {
		case host.Start:
			require.EqualValues(t, 1e18+int64(time.Hour), now.Wall)
			for i := range host.Token(5) {
				out.SetTimer(i, time.Duration(10-i)*time.Second)
			}
			out.SetTimer(9, forever)
			out.SetTimer(10, -5)
			out.CancelTimer(3)
		case host.Timer:
			fired = append(fired, in.Token)
			require.EqualValues(t, 1e18+int64(time.Hour)+int64(now.Mono), now.Wall)
			if in.Token == 0 {
				w.Node("a").SetSkew(-time.Hour)
				out.SetTimer(20, time.Second)
				out.Exit()
				out.SetTimer(21, time.Second)
			}
		}
	})
	require.Equal(t, sim.Limit, w.Run(time.Hour))
	require.Equal(t, []host.Token{10, 4, 2, 1, 0}, fired)
	require.False(t, n.Has("a"))
}

// Rand streams: one object a name, other numbers for other actors, seeds and
// incarnations.
func TestRand(t *testing.T) {
	seen := map[uint64]bool{}
	for seed := range uint64(3) {
		w := New(seed, Options{})
		boot := func(n *Node) {
			for _, name := range []string{"x", "y"} {
				n.Spawn(name, func(env host.Env) host.Actor {
					require.Same(t, env.Rand("r"), env.Rand("r"))
					require.Equal(t, at(n.Name(), name), env.Self())
					seen[env.Rand("r").Uint64()] = true
					seen[env.Rand("s").Uint64()] = true
					return script(func(host.Now, *host.Input, *host.Outbox) {})
				})
			}
		}
		w.AddNode("a", boot)
		w.AddNode("b", boot)
		w.Restart("b")
	}
	require.Len(t, seen, 3*3*4)
}

// The wire and the peers that the breaches are about.
var (
	brokenWire = host.WireID{}
	nearPeer   = at("a", "peer")
	farPeer    = at("b", "peer")
)

// breaches are steps of a:a that end a run; oracle and text tell how.
var breaches = map[string]struct {
	oracle, text string
	step         script
}{
	"panic": {"panic", "boom", func(host.Now, *host.Input, *host.Outbox) { panic("boom") }},
	"write before up": {"contract", "before it is up", func(_ host.Now, _ *host.Input, out *host.Outbox) {
		out.Open(0, brokenWire, host.Producer, nearPeer)
		out.Write(0, host.Frame{Size: 1})
	}},
	"not opened": {"contract", "has not opened", func(_ host.Now, _ *host.Input, out *host.Outbox) { out.Grant(3, 1, nil) }},
	"closed": {"contract", "has not opened", func(_ host.Now, _ *host.Input, out *host.Outbox) {
		out.Open(0, brokenWire, host.Consumer, nearPeer)
		out.CloseWire(0)
		out.Grant(0, 1, nil)
	}},
	"opened twice": {"contract", "is open", func(_ host.Now, _ *host.Input, out *host.Outbox) {
		out.Open(0, brokenWire, host.Producer, nearPeer)
		out.Open(0, host.WireID{Edge: 2}, host.Producer, nearPeer)
	}},
	"same end twice": {"contract", "opened twice", func(_ host.Now, _ *host.Input, out *host.Outbox) {
		out.Open(0, host.WireID{Edge: 9}, host.Producer, nearPeer)
		out.Open(1, host.WireID{Edge: 9}, host.Producer, nearPeer)
	}},
	"credit": {"contract", "without credit", func(_ host.Now, in *host.Input, out *host.Outbox) {
		if in.Kind == host.Start {
			out.Open(0, brokenWire, host.Producer, nearPeer)
		} else if in.Kind == host.WireUp {
			out.Write(0, host.Frame{Data: true, Size: 1})
		}
	}},
	"not bytes": {"contract", "leads to another node", func(_ host.Now, in *host.Input, out *host.Outbox) {
		if in.Kind == host.Start {
			out.Open(0, brokenWire, host.Producer, farPeer)
		} else if in.Kind == host.WireUp {
			out.Write(0, host.Frame{Body: "text", Size: 1})
		}
	}},
	"producer grants": {"contract", "as its producer", func(_ host.Now, _ *host.Input, out *host.Outbox) {
		out.Open(0, brokenWire, host.Producer, nearPeer)
		out.Grant(0, 1, nil)
	}},
	"no work": {"contract", "offloads nothing", func(_ host.Now, _ *host.Input, out *host.Outbox) { out.Offload(1, "", nil) }},
	"no files": {"contract", "there is none", func(_ host.Now, in *host.Input, out *host.Outbox) {
		if in.Kind == host.Start {
			out.Offload(1, "", func(w host.Worker) (any, error) { return w.FS().List("") })
		}
	}},
	"changed body": {"contract", "changed after it was sent", func(_ host.Now, _ *host.Input, out *host.Outbox) {
		body := []byte("x")
		out.Send(nearPeer, body)
		out.Spawn("late", func(host.Env) host.Actor {
			body[0] = 'y'
			return script(func(host.Now, *host.Input, *host.Outbox) {})
		})
	}},
}

func TestViolations(t *testing.T) {
	for name, c := range breaches {
		t.Run(name, func(t *testing.T) {
			w := New(1, Options{VerifyBodies: true})
			defer w.Close()
			idle := func(_ host.Now, in *host.Input, out *host.Outbox) {
				if in.Kind == host.Start {
					out.Open(0, brokenWire, host.Consumer, at("a", "a"))
				}
			}
			w.one("a", "peer", idle)
			w.one("b", "peer", idle)
			w.Node("a").Spawn("a", c.step.factory)
			require.Equal(t, sim.Stopped, w.Run(forever))
			require.Len(t, w.Violations(), 1)
			v := w.Violations()[0]
			require.Equal(t, c.oracle, v.Oracle)
			require.Contains(t, v.Message, c.text)
			require.NotEmpty(t, v.Stack)
		})
	}
}
