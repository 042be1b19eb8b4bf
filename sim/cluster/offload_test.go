package cluster

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/disk"
)

// withDisk makes options whose file system is a fresh disk.
func withDisk(o Options) (Options, *disk.Disk) {
	d := disk.New(sim.New(1, sim.Options{}).Point("disk", ""))
	o.FS = func(node string, _ int) fs.FS { return d.Node(node) }
	return o, d
}

// worker is an actor that offloads work at its start and keeps the results.
func worker(results *[]string, works ...host.Work) script {
	return func(_ host.Now, in *host.Input, out *host.Outbox) {
		if in.Kind == host.Done {
			*results = append(*results, fmt.Sprintf("%d %v %v", in.Token, in.Body, in.Err))
		}
		for i, work := range works {
			if in.Kind == host.Start {
				out.Offload(host.Token(i), "", work)
			}
		}
	}
}

func put(files fs.FS, name, text string) error {
	f, err := files.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.Write([]byte(text)); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// Every call takes its own time, and two pieces of work interleave.
func TestCallsInterleave(t *testing.T) {
	orders := map[string]bool{}
	for seed := range uint64(20) {
		order := ""
		o, _ := withDisk(Options{BeforeCall: func(_ string, _ Op, name string) { order += name }})
		w := New(seed, o)
		var results []string
		work := func(name string) host.Work {
			return func(w host.Worker) (any, error) { return name, put(w.FS(), name, "text") }
		}
		w.one("a", "a", worker(&results, work("x"), work("y")))
		done(t, w)
		require.ElementsMatch(t, []string{"0 x <nil>", "1 y <nil>"}, results)
		require.Greater(t, w.Now(), 5*50*time.Microsecond)
		require.Len(t, order, 8)
		orders[order] = true
	}
	require.Greater(t, len(orders), 10)
}

// All methods reach the file system, and all are noted.
func TestEveryCallIsNoted(t *testing.T) {
	var calls []Op
	var r count
	o, _ := withDisk(Options{BeforeCall: func(_ string, op Op, _ string) { calls = append(calls, op) }, Recorder: &r})
	w := New(1, o)
	var results []string
	w.one("a", "a", worker(&results, func(wk host.Worker) (any, error) {
		f := wk.FS()
		var errs []error
		ok := func(err error) { errs = append(errs, err) }
		ok(f.MkdirAll("d"))
		ok(put(f, "d/x", "hello"))
		x, err := f.Append("d/x")
		ok(err)
		_, err = x.Write([]byte(" there"))
		ok(err)
		n, err := x.Size()
		ok(err)
		y, err := f.CreateNew("d/y")
		ok(err)
		ok(y.Close())
		ok(f.Rename("d/x", "d/z"))
		ok(f.Remove("d/y"))
		ok(f.SyncDir("d"))
		infos, err := f.List("d")
		ok(err)
		info, err := f.Stat("d/z")
		ok(err)
		z, err := f.Open("d/z")
		ok(err)
		p := make([]byte, 100)
		k, err := z.ReadAt(p, 2)
		if !errors.Is(err, io.EOF) {
			ok(fmt.Errorf("no end: %w", err))
		}
		_, err = f.Open("d/x")
		if !errors.Is(err, fs.ErrNotExist) {
			ok(fmt.Errorf("still there: %w", err))
		}
		return fmt.Sprint(n, infos, info, " ", string(p[:k])), errors.Join(errs...)
	}))
	before := w.DurableVersion()
	done(t, w)
	require.Equal(t, []string{"0 11 [{z 11 false}] {z 11 false} llo there <nil>"}, results)
	seen, changes := map[Op]bool{}, 0
	for _, op := range calls {
		seen[op] = true
		if op.Changes() {
			changes++
		}
	}
	require.Len(t, seen, int(opCount))
	require.Equal(t, len(calls), r['r']+r['w']+r['s'])
	require.Equal(t, 2, r['s'])
	require.EqualValues(t, changes, w.DurableVersion()-before)
}

// N5: a crash before the k-th call lets exactly the calls before it happen, and
// nothing is left behind.
func TestCrashBetweenTwoCalls(t *testing.T) {
	for k := range 5 {
		calls := 0
		var w *World
		o, d := withDisk(Options{BeforeCall: func(node string, _ Op, _ string) {
			if calls++; calls == k+1 {
				w.Crash(node)
			}
		}})
		w = New(1, o)
		var results []string
		var zombie error
		w.one("a", "a", worker(&results, func(w host.Worker) (any, error) {
			zombie = put(w.FS(), "x", "text")
			return nil, zombie
		}))
		done(t, w)
		if k == 4 {
			require.NoError(t, zombie)
			require.Equal(t, []string{"0 <nil> <nil>"}, results)
			continue
		}
		require.ErrorIs(t, zombie, fs.ErrDead)
		require.ErrorContains(t, zombie, "x")
		require.Empty(t, results)
		info, err := d.Node("b").Stat("x")
		require.Equal(t, k == 0, errors.Is(err, fs.ErrNotExist))
		require.Equal(t, map[bool]int64{true: 4, false: 0}[k > 1], info.Size)
	}
}

// Work that runs when its node crashes within a call of its own, or that never
// gives up, ends nevertheless; so does what waits when the world is closed.
func TestDeadWorkEnds(t *testing.T) {
	before := runtime.NumGoroutine()
	var w *World
	started, ended := 0, 0
	stubborn := func(wk host.Worker) (any, error) {
		started++
		defer func() { ended++ }()
		for {
			_ = put(wk.FS(), "x", "text")
		}
	}
	o, _ := withDisk(Options{})
	plain := o.FS
	o.FS = func(node string, incarnation int) fs.FS {
		return &crashes{FS: plain(node, incarnation), w: &w, node: node}
	}
	w = New(1, o)
	var results []string
	w.one("a", "a", worker(&results, stubborn, stubborn))
	w.one("b", "b", worker(&results, stubborn))
	require.Equal(t, sim.Limit, w.Run(time.Second))
	require.False(t, w.Node("a").Up(), "its file system crashed it")
	require.GreaterOrEqual(t, ended, 1)
	require.Equal(t, ended+1, started, "that of node b goes on")
	w.Close()
	require.Equal(t, ended, started)
	require.Empty(t, results)
	require.LessOrEqual(t, runtime.NumGoroutine(), before)
	require.Equal(t, sim.Stopped, w.Run(forever))
}

// crashes is a file system that crashes node a within a call.
type crashes struct {
	fs.FS
	w    **World
	node string
}

func (c *crashes) Create(name string) (fs.File, error) {
	if c.node == "a" {
		(*c.w).Crash("a")
	}
	return c.FS.Create(name)
}

// A file may go from one piece of work to the next, but not into a step.
func TestFilesOutliveTheirWork(t *testing.T) {
	o, _ := withDisk(Options{})
	w := New(1, o)
	var text string
	w.one("a", "a", func(_ host.Now, in *host.Input, out *host.Outbox) {
		switch {
		case in.Kind == host.Start:
			out.Offload(1, "", func(w host.Worker) (any, error) {
				if err := put(w.FS(), "x", "hello"); err != nil {
					return nil, err
				}
				return w.FS().Open("x")
			})
		case in.Token == 1:
			file := in.Body.(fs.File)
			out.Offload(2, "", func(host.Worker) (any, error) {
				p := make([]byte, 5)
				_, err := file.ReadAt(p, 0)
				text = string(p)
				return file, err
			})
		case in.Token == 2:
			_, _ = in.Body.(fs.File).Size()
		}
	})
	require.Equal(t, sim.Stopped, w.Run(forever))
	require.Equal(t, "hello", text)
	require.Equal(t, "contract", w.Violations()[0].Oracle)
	require.Contains(t, w.Violations()[0].Message, "outside of offloaded work")
}

// H9: the work of a stopped actor is a zombie in some runs, and not in others.
func TestZombies(t *testing.T) {
	finished := 0
	for seed := range uint64(40) {
		o, d := withDisk(Options{})
		w := New(seed, o)
		w.one("a", "a", func(_ host.Now, in *host.Input, out *host.Outbox) {
			require.NotEqual(t, host.Done, in.Kind)
			if in.Kind == host.Timer {
				out.Exit()
				return
			}
			out.Offload(1, "lane", func(w host.Worker) (any, error) { return nil, put(w.FS(), "x", "text") })
			out.Offload(2, "lane", func(w host.Worker) (any, error) { return nil, put(w.FS(), "waits", "text") })
			out.SetTimer(1, 200*time.Microsecond)
		})
		done(t, w)
		if info, err := d.Node("b").Stat("x"); err == nil && info.Size == 4 {
			finished++
		}
		_, err := d.Node("b").Stat("waits")
		require.ErrorIs(t, err, fs.ErrNotExist, "it never starts: the first takes 250 µs at least")
	}
	require.Greater(t, finished, 5)
	require.Less(t, finished, 40)
}

// N5: no call is announced for work of a dead process, and a file that outlived
// its process in a variable is dead in the next one.
func TestDeadProcessesMakeNoCalls(t *testing.T) {
	var w *World
	crashed := false
	o, _ := withDisk(Options{BeforeCall: func(node string, op Op, name string) {
		require.True(t, w.Node(node).Up())
		if !crashed && name == "x" && op == OpClose {
			crashed = w.Crash(node)
		}
	}})
	w = New(1, o)
	var leaked fs.File
	var results []string
	busy := func(w host.Worker) (any, error) {
		for range 20 {
			if err := put(w.FS(), "y", "text"); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
	w.one("a", "a", worker(&results, func(w host.Worker) (any, error) {
		if leaked != nil {
			_, err := leaked.Size()
			return nil, err
		}
		var err error
		if leaked, err = w.FS().Create("x"); err != nil {
			return nil, err
		}
		return nil, leaked.Close()
	}, busy, busy))
	done(t, w)
	require.True(t, crashed)
	require.Empty(t, results)
	w.Restart("a")
	done(t, w)
	require.ElementsMatch(t, []string{"0 <nil> size x: " + fs.ErrDead.Error(), "1 <nil> <nil>", "2 <nil> <nil>"}, results)
}
