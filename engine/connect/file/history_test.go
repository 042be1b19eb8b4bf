package file

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
)

// lane is the queue of works of one attempt.
type lane struct {
	w     *fuse
	works []host.Work
	done  []func(body any) // what to do with the result; nothing once a zombie
	live  bool
}

func (l *lane) add(work host.Work, done func(any)) {
	l.works, l.done = append(l.works, work), append(l.done, done)
}

// step runs the next work; a zombie's may end in the middle.
func (l *lane) step(t *rapid.T) {
	work, done := l.works[0], l.done[0]
	l.works, l.done = l.works[1:], l.done[1:]
	body, err := work(l.w)
	if l.live {
		require.NoError(t, err)
		done(body)
	}
}

func (l *lane) drain(t *rapid.T) {
	for len(l.works) > 0 {
		l.step(t)
	}
}

// history is a job and all attempts it ever had; its methods that take a rapid.T
// alone are what may happen next.
type history struct {
	m          *memFS
	j          *job
	lanes      []*lane // the last is the attempt that runs
	checkpoint uint64  // the newest triggered
	next       uint64  // the oldest that may complete
}

func (h *history) running() *lane { return h.lanes[len(h.lanes)-1] }

func (h *history) start(t *rapid.T) {
	promised := slices.Clone(h.j.promised)
	l := &lane{w: &fuse{fs: h.m, left: forever}, live: true}
	l.add(h.j.start(), func(any) { require.True(t, isPrefix(promised, committed(t, h.m)), "S4: not recovered") })
	h.lanes = append(h.lanes, l)
	h.next = h.checkpoint + 1 // those triggered before are dead
}

func (h *history) Write(t *rapid.T) {
	if h.j.w.Full() {
		t.Skip("full")
	}
	h.j.write(rapid.IntRange(1, 4).Draw(t, "records"))
}

func (h *history) Flush(t *rapid.T) {
	work := h.j.w.Flush()
	if work == nil {
		t.Skip("not worth while")
	}
	h.running().add(work, func(any) { h.j.w.Flushed() })
}

func (h *history) Barrier(*rapid.T) {
	h.checkpoint++
	n, records := h.checkpoint, slices.Clone(h.j.written)
	h.running().add(h.j.w.PreCommit(n), func(body any) { h.j.preCommitted(n, records, body) })
}

func (h *history) Complete(t *rapid.T) {
	n := rapid.Uint64Range(h.next, max(h.next, h.checkpoint)).Draw(t, "checkpoint")
	if _, ok := h.j.snapshot[n]; !ok {
		t.Skip("not acknowledged")
	}
	h.next = n + 1
	h.running().add(h.j.w.Commit(h.j.complete(n)), func(any) { h.j.committed(n) })
}

// Work lets an attempt go on, the running one or a zombie.
func (h *history) Work(t *rapid.T) {
	l := h.lanes[rapid.IntRange(0, len(h.lanes)-1).Draw(t, "lane")]
	if len(l.works) == 0 {
		t.Skip("idle")
	}
	l.step(t)
}

// Restart leaves a zombie whose work goes on for some operations.
func (h *history) Restart(t *rapid.T) {
	h.running().live = false
	h.running().w.left = rapid.IntRange(0, 20).Draw(t, "zombie's operations")
	h.start(t)
}

// Crash is one of the machine. Of what was not synced anything may survive.
func (h *history) Crash(t *rapid.T) {
	h.m.crash(survival{
		func() bool { return rapid.Bool().Draw(t, "entries survive") },
		func(n int) int { return rapid.IntRange(0, n).Draw(t, "bytes survive") },
	})
	for _, l := range h.lanes {
		l.w.left, l.live = 0, false
	}
	h.start(t)
}

// Check holds after each step.
func (h *history) Check(t *rapid.T) {
	visible := committed(t, h.m)
	require.True(t, isPrefix(visible, h.j.promised), "%v visible though not complete", visible)
}

// TestAnyHistory draws histories with any order of writes, barriers, completions,
// late work, crashes, and zombies whose work runs on beside the next attempts.
func TestAnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &history{m: newDisk(t), j: &job{attempt: stream.Attempt{Epoch: 1}, others: foreign}}
		h.start(t)
		t.Repeat(rapid.StateMachineActions(h))
		h.running().drain(t)
		require.Equal(t, h.j.promised, committed(t, h.m), "all that is complete is committed")
		for _, l := range h.lanes { // the zombies come to their end
			l.live = false
			l.drain(t)
		}
		require.Equal(t, h.j.promised, committed(t, h.m), "F4: a zombie changed what is committed")
		h.start(t)
		h.running().drain(t)
		settled(t, h.m, h.j, "at the end")
	})
}
