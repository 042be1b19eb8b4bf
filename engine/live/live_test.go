package live_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/host/hosttest"
	"github.com/weirstream/weir/engine/live"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// world adapts the live host to the suite.
type world struct {
	*live.World
	mu       sync.Mutex
	listener host.Listener
	panicMu  sync.Mutex
	panics   map[host.Address]any
}

func newWorld(t *testing.T) hosttest.World {
	files, err := live.OpenFS(t.TempDir(), nil)
	require.NoError(t, err)
	w := &world{panics: map[host.Address]any{}}
	w.World = live.New(live.Options{FS: files, Listener: w, Bug: w.bug})
	return w
}

func (w *world) On(e *host.Event) { w.listener.On(e) }

func (w *world) Listen(l host.Listener) { w.listener = l }

func (w *world) bug(actor host.Address, value any, _ string) {
	w.panicMu.Lock()
	defer w.panicMu.Unlock()
	w.panics[actor] = value
}

func (w *world) Panic(a host.Address) any {
	w.panicMu.Lock()
	defer w.panicMu.Unlock()
	return w.panics[a]
}

func (w *world) Exclusive(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) Run(until func() bool) bool {
	holds := false
	for end := time.Now().Add(patience); !holds && time.Now().Before(end); {
		w.Exclusive(func() { holds = until() })
		if !holds {
			time.Sleep(20 * time.Microsecond)
		}
	}
	return holds
}

func (w *world) Stall(_ *host.Outbox, until func() bool) { w.Run(until) }

func TestHost(t *testing.T) { hosttest.Run(t, newWorld) }

// actor is a function.
type actor func(now host.Now, in *host.Input, out *host.Outbox)

func (a actor) Step(now host.Now, in *host.Input, out *host.Outbox) { a(now, in, out) }

func (a actor) factory(host.Env) host.Actor { return a }

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		require.FailNow(t, "nothing came")
		panic("unreachable")
	}
}

func TestSendFromOutside(t *testing.T) {
	w := live.New(live.Options{})
	defer w.Close()
	got := make(chan host.Input, 1)
	w.Send(host.Address{Node: "n", Name: "a"}, "dropped")
	w.Spawn("n", "a", actor(func(_ host.Now, in *host.Input, _ *host.Outbox) {
		if in.Kind == host.Message {
			got <- *in
		}
	}).factory)
	w.Send(host.Address{Node: "n", Name: "a"}, "hello")
	require.Equal(t, host.Input{Kind: host.Message, Body: "hello"}, receive(t, got))
}

func TestCloseEndsAllAndWaits(t *testing.T) {
	w := live.New(live.Options{Offloads: 1})
	begun, release := make(chan bool), make(chan bool)
	var finished, never atomic.Bool
	w.Spawn("n", "worker", actor(func(_ host.Now, in *host.Input, out *host.Outbox) {
		if in.Kind == host.Start {
			out.Offload(1, "", func(host.Worker) (any, error) {
				close(begun)
				<-release
				finished.Store(true)
				return nil, nil
			})
			out.Offload(2, "", func(host.Worker) (any, error) { never.Store(true); return nil, nil })
		}
	}).factory)
	steps := new(atomic.Int64)
	w.Spawn("n", "spinner", actor(func(_ host.Now, _ *host.Input, out *host.Outbox) {
		steps.Add(1)
		out.GoOn()
	}).factory)
	receive(t, begun)
	w.Stop("n", "worker")
	closed := make(chan bool)
	go func() {
		w.Close()
		close(closed)
	}()
	time.Sleep(2 * time.Millisecond) // for a Close that does not wait to be seen
	select {
	case <-closed:
		require.Fail(t, "closed while work runs")
	default:
	}
	close(release)
	receive(t, closed)
	require.True(t, finished.Load())
	require.False(t, never.Load())
	after := steps.Load()
	time.Sleep(2 * time.Millisecond)
	require.Equal(t, after, steps.Load())
	w.Close()
	w.Spawn("n", "late", func(host.Env) host.Actor { panic("spawned in a closed world") })
	w.Crash("n")
	w.Stop("n", "late")
}

func TestOffloadLimit(t *testing.T) {
	const limit, works = 3, 20
	w := live.New(live.Options{Offloads: limit})
	defer w.Close()
	var running, most atomic.Int64
	all := make(chan bool)
	var done int
	w.Spawn("n", "a", actor(func(_ host.Now, in *host.Input, out *host.Outbox) {
		switch in.Kind {
		case host.Start:
			for i := range works {
				out.Offload(host.Token(i), "", func(host.Worker) (any, error) {
					n := running.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					time.Sleep(time.Millisecond)
					running.Add(-1)
					return nil, nil
				})
			}
		case host.Done:
			if done++; done == works {
				close(all)
			}
		}
	}).factory)
	receive(t, all)
	require.LessOrEqual(t, most.Load(), int64(limit))
	require.Panics(t, func() { live.New(live.Options{Offloads: -1}) })
}

func TestGoexitInWorkIsAPanic(t *testing.T) {
	w := live.New(live.Options{})
	defer w.Close()
	got := make(chan error, 1)
	w.Spawn("n", "a", actor(func(_ host.Now, in *host.Input, out *host.Outbox) {
		switch in.Kind {
		case host.Start:
			out.Offload(1, "lane", func(host.Worker) (any, error) { (&testing.T{}).SkipNow(); return nil, nil })
		case host.Done:
			got <- in.Err
		}
	}).factory)
	var p *host.PanicError
	require.ErrorAs(t, receive(t, got), &p)
	require.Contains(t, p.Error(), "Goexit")
}

func TestCancelledTimerNeverArrives(t *testing.T) {
	w := live.New(live.Options{})
	defer w.Close()
	got := make(chan host.Token, 10)
	w.Spawn("n", "a", actor(func(_ host.Now, in *host.Input, out *host.Outbox) {
		switch in.Kind {
		case host.Start:
			out.SetTimer(9, 1<<63-1)
			for i := host.Token(1); i <= 5; i++ {
				out.SetTimer(i, time.Duration(i)*time.Millisecond)
			}
			out.SetTimer(6, 5*time.Millisecond)
			out.CancelTimer(1)
			out.CancelTimer(4)
		case host.Timer:
			got <- in.Token
		}
	}).factory)
	for _, want := range []host.Token{2, 3, 5, 6} {
		require.Equal(t, want, receive(t, got))
	}
}

// An actor that always has a due timer still gets its messages, and the reverse.
func TestTimersAndMessagesTakeTurns(t *testing.T) {
	w := live.New(live.Options{})
	defer w.Close()
	self := host.Address{Node: "n", Name: "a"}
	both := make(chan bool)
	var timers, messages int
	w.Spawn("n", "a", actor(func(_ host.Now, in *host.Input, out *host.Outbox) {
		switch in.Kind {
		case host.Timer:
			timers++
		case host.Message:
			messages++
			out.Send(self, "again")
			out.Send(self, "and again")
			messages = min(messages, 1000)
		}
		if in.Kind == host.Start {
			out.Send(self, "first")
		}
		if in.Kind != host.Message {
			out.SetTimer(1, 0)
		}
		if timers == 100 && messages >= 100 {
			close(both)
			out.Exit()
		}
	}).factory)
	receive(t, both)
}

func TestRandomStreams(t *testing.T) {
	draw := func(seed uint64, node, name, stream string, incarnations int) uint64 {
		w := live.New(live.Options{Seed: seed})
		defer w.Close()
		got := make(chan uint64)
		for i := range incarnations {
			w.Spawn(node, name, func(env host.Env) host.Actor {
				if i == incarnations-1 {
					got <- env.Rand(stream).Uint64()
				}
				return actor(func(host.Now, *host.Input, *host.Outbox) {})
			})
		}
		return receive(t, got)
	}
	first := draw(1, "n", "a", "x", 1)
	require.Equal(t, first, draw(1, "n", "a", "x", 1))
	for _, other := range []uint64{
		draw(2, "n", "a", "x", 1), draw(1, "m", "a", "x", 1), draw(1, "n", "b", "x", 1), draw(1, "n", "a", "y", 1),
		draw(1, "na", "", "x", 1), draw(1, "n", "ax", "", 1), draw(1, "n", "a", "x", 2), draw(0, "n", "a", "x", 1),
	} {
		require.NotEqual(t, first, other)
	}
	require.NotEqual(t, draw(0, "n", "a", "x", 1), draw(0, "n", "a", "x", 1))
}

func TestNothingOfTheDeadReachesTheListener(t *testing.T) {
	events := make(chan string, 10)
	w := live.New(live.Options{Listener: listener(func(e *host.Event) { events <- e.Text })})
	defer w.Close()
	stepping, release := make(chan bool), make(chan bool)
	w.Spawn("n", "zombie", func(env host.Env) host.Actor {
		return actor(func(_ host.Now, _ *host.Input, out *host.Outbox) {
			env.Listener().On(&host.Event{Text: "alive"})
			close(stepping)
			<-release
			env.Listener().On(&host.Event{Text: "dead"})
			out.Spawn("child", func(host.Env) host.Actor { panic("spawned by a zombie") })
		})
	})
	receive(t, stepping)
	w.Stop("n", "zombie")
	close(release)
	w.Close()
	require.Equal(t, "alive", receive(t, events))
	require.Empty(t, events)
}

type listener func(e *host.Event)

func (l listener) On(e *host.Event) { l(e) }

func TestBreachesOfContract(t *testing.T) {
	peer := host.Address{Node: "n", Name: "peer"}
	cases := map[string]func(out *host.Outbox){
		"write on wire 3, which was never opened":  func(out *host.Outbox) { out.Write(3, host.Frame{}) },
		"grant on wire -1, which was never opened": func(out *host.Outbox) { out.Grant(-1, 1, nil) },
		"close on wire 0, which was never opened":  func(out *host.Outbox) { out.CloseWire(0) },
		"wire number -1":                          func(out *host.Outbox) { out.Open(-1, host.WireID{}, host.Producer, peer) },
		"wire number 1048576":                     func(out *host.Outbox) { out.Open(1<<20, host.WireID{}, host.Producer, peer) },
		"write on wire 0 before it is up":         func(out *host.Outbox) { open(out, host.Producer); out.Write(0, host.Frame{}) },
		"write on wire 0 at its consumer":         func(out *host.Outbox) { open(out, host.Consumer); out.Write(0, host.Frame{}) },
		"grant on wire 0 at its producer":         func(out *host.Outbox) { open(out, host.Producer); out.Grant(0, 1, nil) },
		"grant of -1 on wire 0":                   func(out *host.Outbox) { open(out, host.Consumer); out.Grant(0, -1, nil) },
		"wire 0 is opened again":                  func(out *host.Outbox) { open(out, host.Consumer); open(out, host.Consumer) },
		"wire {0 0 0 0 0} of n:a is open already": func(out *host.Outbox) { open(out, host.Producer); out.Open(1, host.WireID{}, host.Producer, peer) },
		"unknown effect 99":                       func(out *host.Outbox) { out.Effects = append(out.Effects, host.Effect{Kind: 99}) },
	}
	for want, f := range cases {
		got := make(chan string, 1)
		w := live.New(live.Options{Bug: func(a host.Address, v any, stack string) {
			if stack != "" {
				got <- fmt.Sprint(a, " ", v)
			}
		}})
		w.Spawn("n", "a", actor(func(_ host.Now, _ *host.Input, out *host.Outbox) { f(out) }).factory)
		require.Equal(t, "n:a breach of contract: "+want, receive(t, got))
		w.Close()
	}
}

func open(out *host.Outbox, end host.End) {
	out.Open(0, host.WireID{}, end, host.Address{Node: "n", Name: "peer"})
}

// Two actors that end each other at the same time must not wait for each other.
func TestMutualStop(t *testing.T) {
	w := live.New(live.Options{})
	defer w.Close()
	for range 200 {
		var ready sync.WaitGroup
		ready.Add(2)
		ended := make(chan bool, 2)
		kill := func(other string) host.Factory {
			return actor(func(_ host.Now, _ *host.Input, out *host.Outbox) {
				ready.Done()
				ready.Wait()
				out.Stop(other)
				out.Send(host.Address{Node: "n", Name: "judge"}, "alive")
			}).factory
		}
		w.Spawn("n", "judge", actor(func(_ host.Now, in *host.Input, _ *host.Outbox) {
			if in.Kind == host.Message {
				ended <- true
			}
		}).factory)
		w.Spawn("n", "a", kill("b"))
		w.Spawn("n", "b", kill("a"))
		receive(t, ended)
	}
}

func TestCrashedNodesFiles(t *testing.T) {
	dir := t.TempDir()
	files, err := live.OpenFS(dir, nil)
	require.NoError(t, err)
	w := live.New(live.Options{FS: files})
	defer w.Close()
	begun, release, got := make(chan bool), make(chan bool), make(chan []error, 1)
	w.Spawn("n", "a", actor(func(_ host.Now, in *host.Input, out *host.Outbox) {
		if in.Kind != host.Start {
			return
		}
		out.Offload(1, "", func(w host.Worker) (any, error) {
			d := w.FS()
			f, err := d.Create("f")
			if err != nil {
				return nil, err
			}
			close(begun)
			<-release
			_, writeErr := f.Write([]byte("x"))
			_, readErr := f.ReadAt(make([]byte, 1), 0)
			_, sizeErr := f.Size()
			_, openErr := d.Open("f")
			_, createErr := d.Create("g")
			_, newErr := d.CreateNew("g")
			_, appendErr := d.Append("f")
			_, listErr := d.List(".")
			_, statErr := d.Stat("f")
			got <- []error{writeErr, readErr, sizeErr, f.Sync(), openErr, createErr, newErr, appendErr, listErr, statErr,
				d.Rename("f", "g"), d.Remove("f"), d.MkdirAll("h"), d.SyncDir("."), f.Close()}
			return nil, nil
		})
	}).factory)
	receive(t, begun)
	w.Crash("n")
	close(release)
	for i, err := range receive(t, got) {
		require.ErrorIs(t, err, fs.ErrDead, "call %d", i)
	}
	infos, err := files.List(".")
	require.NoError(t, err)
	require.Equal(t, []fs.Info{{Name: "f"}}, infos)
}

// Without a hook, an engine bug ends the process.
func TestBugEndsTheProcess(t *testing.T) {
	if os.Getenv("WEIR_LIVE_TEST_BUG") != "" {
		w := live.New(live.Options{})
		w.Spawn("n", "a", actor(func(host.Now, *host.Input, *host.Outbox) { panic("the end") }).factory)
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestBugEndsTheProcess$")
	cmd.Env = append(os.Environ(), "WEIR_LIVE_TEST_BUG=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.True(t, errors.As(err, &exit), "%v", err)
	require.Equal(t, 2, exit.ExitCode())
	require.True(t, strings.HasPrefix(string(out), "engine bug in actor n:a: the end\n"), "%s", out)
	require.Contains(t, string(out), "live_test.go")
}
