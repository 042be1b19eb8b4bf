package checkpoint_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/checkpoint"
	"github.com/weirstream/weir/engine/stream"
)

// driver gives a coordinator what a JobManager could, in any order, and keeps the
// truth of storage and tasks beside it.
type driver struct {
	t        *rapid.T
	c        *checkpoint.Coordinator
	retained int
	// tolerable failures in a row; row is how many there are, failed whether the job is
	// asked to fail in this step
	tolerable, row int
	failed         bool
	pause          time.Duration
	pausing        bool
	tasks          int
	attempts       uint32
	running        bool
	ended          bool

	locates  []uint64 // waiting for their answer
	seals    []uint64 // being written or looked for
	sealed   []uint64 // ids handed to Seal in this life, durable or not
	expiries []uint64
	acks     []checkpoint.Input // on their way, any order, repeated or late

	last      uint64 // largest id located
	begun     map[uint64]bool
	over      map[uint64]string
	durable   []uint64 // complete and not discarded, ascending
	discarded map[uint64]bool
	counted   map[[2]uint64]bool
	finals    map[uint64]bool // triggered as final
	pending   uint64
}

var uncounted = []checkpoint.Why{checkpoint.DeclinedNotReady, checkpoint.DeclinedOnCancel, checkpoint.DeclinedSubsumed}

func (d *driver) step(in checkpoint.Input) {
	d.failed = false
	for _, e := range d.c.Step(in, nil) {
		require.False(d.t, d.failed, "%v behind a failure", e)
		d.do(in, e)
	}
	require.Equal(d.t, d.row > d.tolerable, d.failed, "%d failed in a row, tolerable are %d", d.row, d.tolerable)
	if d.failed {
		d.row, d.running, d.pausing = 0, false, false
		d.step(checkpoint.Stop{})
	}
	if d.pending == 0 {
		require.Empty(d.t, d.c.Pending(make([]string, d.tasks)))
	}
	require.Equal(d.t, len(d.seals) == 0, d.c.Idle(), "being sealed: %v", d.seals)
}

func (d *driver) do(in checkpoint.Input, e checkpoint.Effect) {
	switch e := e.(type) {
	case checkpoint.Locate:
		require.True(d.t, d.running, "%v: stopped", e)
		require.Zero(d.t, d.pending, "C3: %v", e)
		require.True(d.t, !d.pausing || d.ended, "%v in the pause", e)
		require.Greater(d.t, e.Checkpoint, d.last, "C1")
		d.pending, d.last = e.Checkpoint, e.Checkpoint
		d.locates = append(d.locates, e.Checkpoint)
	case checkpoint.SetPause:
		require.Equal(d.t, d.pause, e.After)
		require.False(d.t, d.pausing || d.finals[d.durable[len(d.durable)-1]])
		d.pausing = true
	case checkpoint.SetExpiry:
		d.expiries = append(d.expiries, e.Checkpoint)
	case checkpoint.Trigger:
		require.Equal(d.t, d.pending, e.Checkpoint)
		d.begun[e.Checkpoint], d.finals[e.Checkpoint] = true, e.Final
		require.True(d.t, !e.Final || d.ended, "%v before the end", e)
		for task := range d.tasks {
			d.acks = append(d.acks,
				checkpoint.Ack{Attempt: d.attempt(), Checkpoint: e.Checkpoint, Task: task},
				checkpoint.Decline{Attempt: d.attempt(), Checkpoint: e.Checkpoint, Task: task, Why: checkpoint.Declined, Reason: "no"},
				checkpoint.Decline{Attempt: d.attempt(), Checkpoint: e.Checkpoint, Task: task, Why: uncounted[task%len(uncounted)], Reason: "no"})
		}
	case checkpoint.Counted:
		require.Equal(d.t, d.pending, e.Checkpoint)
		require.Equal(d.t, d.attempt(), in.(checkpoint.Ack).Attempt, "C5")
		key := [2]uint64{e.Checkpoint, uint64(e.Task)}
		require.False(d.t, d.counted[key], "C5: %v", e)
		d.counted[key] = true
	case checkpoint.Seal:
		require.Len(d.t, e.Tasks, d.tasks)
		for task := range d.tasks {
			require.True(d.t, d.counted[[2]uint64{e.Checkpoint, uint64(task)}], "C5: sealed without task %d", task)
		}
		d.seals, d.sealed = append(d.seals, e.Checkpoint), append(d.sealed, e.Checkpoint)
	case checkpoint.Probe:
		d.seals = append(d.seals, e.Checkpoint)
	case checkpoint.Complete:
		require.IsType(d.t, checkpoint.Sealed{}, in, "C2")
		d.end(e.Checkpoint, "complete")
		d.durable = append(d.durable, e.Checkpoint)
		d.row = 0
	case checkpoint.Notify:
		require.True(d.t, d.running, "%v: stopped", e)
		require.Equal(d.t, "complete", d.over[e.Checkpoint], "C2")
		require.Equal(d.t, checkpoint.Sealed{Checkpoint: e.Checkpoint}, in, "C2: once")
		require.Equal(d.t, d.finals[e.Checkpoint], e.Final)
	case checkpoint.Abort:
		if slices.Contains(d.sealed, e.Checkpoint) {
			require.IsType(d.t, checkpoint.Unsealed{}, in, "C4: only the storage ends it")
		}
		d.end(e.Checkpoint, "abort")
		if decline, ok := in.(checkpoint.Decline); d.running && (!ok || decline.Why == checkpoint.Declined) {
			d.row++
		}
	case checkpoint.Fail:
		require.True(d.t, d.running, "%v: stopped", e)
		require.Equal(d.t, d.row, e.Row)
		d.failed = true
	case checkpoint.TellAborted:
		require.True(d.t, d.begun[e.Checkpoint], "%v was not told of", e)
		require.Equal(d.t, "abort", d.over[e.Checkpoint])
	case checkpoint.Discard:
		d.discard(e.Checkpoint)
	}
}

func (d *driver) end(id uint64, how string) {
	require.Equal(d.t, d.pending, id)
	require.Empty(d.t, d.over[id], "%d ends twice", id)
	d.over[id], d.pending = how, 0
}

func (d *driver) discard(id uint64) {
	require.False(d.t, d.discarded[id], "discard %d twice", id)
	require.NotContains(d.t, d.locates, id, "the directory is still being made")
	d.discarded[id] = true
	if d.over[id] == "abort" {
		return
	}
	require.Contains(d.t, d.durable, id, "C4")
	require.Greater(d.t, len(d.durable), d.retained, "C4: %d is retained", id)
	require.Equal(d.t, d.durable[0], id, "the oldest goes first")
	d.durable = d.durable[1:]
}

func (d *driver) attempt() stream.Attempt { return stream.Attempt{Epoch: 1, Number: d.attempts} }

// take draws one of what is under way; it comes back if again is drawn.
func take[T any](t *rapid.T, from *[]T, mayRepeat bool) T {
	if len(*from) == 0 {
		t.Skip("nothing is under way")
	}
	i := rapid.IntRange(0, len(*from)-1).Draw(t, "which")
	x := (*from)[i]
	if !mayRepeat || rapid.IntRange(0, 3).Draw(t, "again") > 0 {
		*from = slices.Delete(slices.Clone(*from), i, i+1)
	}
	return x
}

func (d *driver) start(t *rapid.T) {
	if d.running || d.pending != 0 {
		t.Skip("runs, or is being sealed (M3)")
	}
	d.tasks, d.running, d.ended = rapid.IntRange(1, 3).Draw(t, "tasks"), true, false
	d.attempts++
	// The storage may not show aborted checkpoints any more.
	next := uint64(1)
	if n := len(d.durable); n > 0 {
		next = d.durable[n-1] + 1
	}
	d.step(checkpoint.Start{Attempt: d.attempt(), Tasks: d.tasks, Next: next, Completed: d.durable})
}

func (d *driver) storage(t *rapid.T) {
	id := take(t, &d.seals, false)
	switch rapid.IntRange(0, 4).Draw(t, "outcome") {
	case 0:
		d.step(checkpoint.Unknown{Checkpoint: id, Err: "no answer"})
	case 1:
		d.step(checkpoint.Unsealed{Checkpoint: id, Err: "no space"})
	default:
		d.step(checkpoint.Sealed{Checkpoint: id})
	}
}

func (d *driver) located(t *rapid.T) {
	in := checkpoint.Located{Checkpoint: take(t, &d.locates, false)}
	if rapid.IntRange(0, 5).Draw(t, "fails") == 0 {
		in.Err = "no space"
	}
	d.step(in)
}

func TestCoordinator(t *testing.T) {
	ends := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		d := &driver{
			t: t, retained: rapid.IntRange(1, 3).Draw(t, "retained"), tasks: 1,
			tolerable: rapid.SampledFrom([]int{0, 1, 3, checkpoint.Unlimited}).Draw(t, "tolerable"),
			pause:     rapid.SampledFrom([]time.Duration{0, time.Second}).Draw(t, "pause"),
			begun:     map[uint64]bool{}, over: map[uint64]string{}, discarded: map[uint64]bool{},
			counted: map[[2]uint64]bool{}, finals: map[uint64]bool{},
		}
		d.c = checkpoint.New(checkpoint.Limits{Interval: time.Second, Timeout: time.Second, Retained: d.retained, Tolerable: d.tolerable, MinPause: d.pause})
		ack := func(t *rapid.T) {
			in := take(t, &d.acks, true)
			if _, ok := in.(checkpoint.Decline); ok && rapid.IntRange(0, 3).Draw(t, "declines") > 0 {
				t.Skip("did not decline")
			}
			d.step(in)
		}
		t.Repeat(map[string]func(*rapid.T){
			"start": d.start,
			"tick":  func(*rapid.T) { d.step(checkpoint.Tick{}) },
			"pause over": func(t *rapid.T) {
				if !d.pausing && rapid.IntRange(0, 9).Draw(t, "late") > 0 {
					t.Skip("not in a pause")
				}
				d.pausing = false
				d.step(checkpoint.PauseOver{})
			},
			"located":  d.located,
			"located2": d.located,
			"ack":      ack, "ack2": ack, "ack3": ack, "ack4": ack,
			"storage": d.storage, "storage2": d.storage,
			"expire": func(t *rapid.T) { d.step(checkpoint.Expire{Checkpoint: take(t, &d.expiries, false)}) },
			"ended": func(t *rapid.T) {
				if !d.running || d.ended {
					t.Skip()
				}
				d.ended = true
				d.step(checkpoint.Ended{})
			},
			"stop": func(t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "really") > 0 {
					t.Skip()
				}
				d.running, d.pausing = false, false
				d.step(checkpoint.Stop{})
			},
		})
		d.quiet()
		for id := range d.over {
			ends[d.over[id]]++
		}
	})
	require.Positive(t, ends["complete"])
	require.Positive(t, ends["abort"])
	t.Logf("%d checkpoints complete, %d aborted", ends["complete"], ends["abort"])
}

// quiet stops the job and lets the storage answer: nothing may be left over.
func (d *driver) quiet() {
	d.running = false
	d.step(checkpoint.Stop{})
	for len(d.locates) > 0 {
		id := d.locates[0]
		d.locates = d.locates[1:]
		d.step(checkpoint.Located{Checkpoint: id})
	}
	for len(d.seals) > 0 {
		id := d.seals[0]
		d.seals = d.seals[1:]
		d.step(checkpoint.Sealed{Checkpoint: id})
	}
	for id := uint64(1); id <= d.last; id++ {
		require.NotEmpty(d.t, d.over[id], "checkpoint %d", id)
		require.Equal(d.t, !slices.Contains(d.durable, id), d.discarded[id], "checkpoint %d, %s", id, d.over[id])
	}
	require.LessOrEqual(d.t, len(d.durable), d.retained)
}
