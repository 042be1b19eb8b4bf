package barrier_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/barrier"
)

// queued is one channel as a gate's task has it: barriers that wait in its queue behind
// data, each announced, and those that are still to come.
type queued struct {
	coming, waiting []barrier.Input
	over            bool // its end was taken
}

// alternating restates what a gate with a timeout promises, for one run of it, with whole
// histories in place of phases.
type alternating struct {
	t        *rapid.T
	gate     *barrier.Gate
	channels []queued
	newest   uint64
	over     map[uint64]string // complete, abort
	heard    map[uint64]bool
	late     map[uint64]bool // its timeout or a barrier that overtook has come
	taken    map[uint64][]bool
	blocked  []uint64 // for which checkpoint each waits, 0 for none
	captures []uint64
	snaps    map[uint64]bool // whether unaligned
	timer    uint64          // that runs, 0 for none
	passed   map[uint64][]bool
}

func TestAlternatingAgainstNaive(t *testing.T) {
	switched, halfway, inTime := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		a := newAlternating(t)
		for a.move() {
		}
		for ch := range a.channels {
			require.True(t, a.channels[ch].over, "channel %d is blocked for good; %v", ch, a.gate)
		}
		_, pending := a.gate.Pending()
		require.False(t, pending)
		require.Zero(t, a.timer, "the timer of checkpoint %d runs on", a.timer)
		for id, unaligned := range a.snaps { // unordered: counted
			switch {
			case !unaligned:
				inTime++
			case slices.Contains(a.passed[id], true):
				halfway++
			default:
				switched++
			}
		}
	})
	require.Positive(t, switched)
	require.Positive(t, halfway)
	require.Positive(t, inTime)
}

func newAlternating(t *rapid.T) *alternating {
	n := rapid.IntRange(1, 4).Draw(t, "channels")
	a := &alternating{
		t: t, gate: barrier.NewGate(n, 0), channels: make([]queued, n), over: map[uint64]string{}, heard: map[uint64]bool{},
		late: map[uint64]bool{}, taken: map[uint64][]bool{}, blocked: make([]uint64, n), captures: make([]uint64, n),
		snaps: map[uint64]bool{}, passed: map[uint64][]bool{},
	}
	last := rapid.IntRange(1, 5).Draw(t, "checkpoints")
	for ch := range a.channels {
		c := &a.channels[ch]
		for id := uint64(1); id <= uint64(last); id++ {
			in := barrier.Input{Kind: barrier.Barrier, Channel: ch, Checkpoint: id, Timeout: 100}
			switch rapid.IntRange(0, 9).Draw(t, "item") {
			case 0:
				in.Kind = barrier.Cancel
			case 1, 2:
				in.Unaligned = true // it has overtaken upstream
			case 3:
				continue
			}
			c.coming = append(c.coming, in)
		}
		c.coming = append(c.coming, barrier.Input{Kind: barrier.End, Channel: ch})
	}
	return a
}

// move does one thing that can happen: something arrives, is taken from the front of a
// queue, or the timer is due. It is false if nothing can.
func (a *alternating) move() bool {
	var can []func()
	for ch := range a.channels {
		c := &a.channels[ch]
		if len(c.coming) > 0 {
			can = append(can, func() { a.arrive(c) })
		}
		if len(c.waiting) > 0 && a.blocked[ch] == 0 {
			can = append(can, func() {
				in := c.waiting[0]
				c.waiting = c.waiting[1:]
				a.step(in)
			})
		}
	}
	if a.timer != 0 {
		can = append(can, func() { a.step(barrier.Input{Kind: barrier.Timeout, Checkpoint: a.timer}) })
	}
	if len(can) == 0 {
		return false
	}
	can[rapid.IntRange(0, len(can)-1).Draw(a.t, "move")]()
	return true
}

func (a *alternating) arrive(c *queued) {
	in := c.coming[0]
	c.coming = c.coming[1:]
	if in.Unaligned {
		a.step(in)
		return
	}
	c.waiting = append(c.waiting, in)
	if in.Kind == barrier.Barrier {
		in.Kind = barrier.Announce
		a.step(in)
	}
}

// step gives the gate an input, does what it wants and compares.
func (a *alternating) step(in barrier.Input) {
	a.expect(in)
	var convert []int
	for _, e := range a.gate.Step(in, nil) {
		if e.Kind == barrier.Convert {
			convert = append(convert, e.Channel)
			continue
		}
		a.do(e)
	}
	for _, ch := range convert {
		a.convert(ch)
	}
	if len(convert) == 0 {
		a.compare()
	}
}

// convert takes the barrier out of the queue, ahead of what waits there.
func (a *alternating) convert(ch int) {
	c := &a.channels[ch]
	i := slices.IndexFunc(c.waiting, func(in barrier.Input) bool { return in.Kind == barrier.Barrier && in.Checkpoint == a.newest })
	require.GreaterOrEqual(a.t, i, 0, "barrier %d does not wait on channel %d", a.newest, ch)
	in := c.waiting[i]
	c.waiting = slices.Delete(c.waiting, i, i+1)
	in.Unaligned = true
	a.step(in)
}

// expect notes what an input means.
func (a *alternating) expect(in barrier.Input) {
	id := in.Checkpoint
	pending := func() bool { return a.heard[id] && id == a.newest && a.over[id] == "" }
	begin := func() {
		if id > a.newest {
			if a.heard[a.newest] && a.over[a.newest] == "" {
				a.over[a.newest] = "abort"
			}
			a.newest, a.heard[id] = id, true
			a.taken[id], a.passed[id] = make([]bool, len(a.channels)), make([]bool, len(a.channels))
		}
	}
	switch in.Kind {
	case barrier.Announce:
		begin()
	case barrier.Barrier:
		begin()
		if pending() {
			a.late[id] = a.late[id] || in.Unaligned
			a.taken[id][in.Channel] = true
		}
	case barrier.Cancel:
		begin()
		if pending() {
			a.over[id] = "abort"
		}
	case barrier.End:
		a.channels[in.Channel].over = true
	case barrier.Timeout:
		if pending() {
			a.late[id] = true
		}
	}
	id = a.newest
	if !pending() {
		return
	}
	for ch := range a.channels {
		if !a.taken[id][ch] && !a.channels[ch].over {
			return
		}
	}
	a.over[id] = "complete"
}

func (a *alternating) do(e barrier.Effect) {
	ch, id := e.Channel, e.Checkpoint
	switch e.Kind {
	case barrier.Block:
		require.Zero(a.t, a.blocked[ch])
		a.blocked[ch] = id
	case barrier.Unblock:
		require.Equal(a.t, id, a.blocked[ch])
		a.blocked[ch] = 0
	case barrier.Capture:
		require.Zero(a.t, a.blocked[ch], "nothing of a channel whose barrier was taken belongs to the checkpoint")
		require.Zero(a.t, a.captures[ch])
		if e.More {
			a.captures[ch] = id
		}
	case barrier.Pass:
		require.NotZero(a.t, a.blocked[ch])
		a.passed[a.newest][ch] = true
	case barrier.Stop:
		require.NotZero(a.t, a.captures[ch])
		a.captures[ch] = 0
	case barrier.Snapshot:
		require.NotContains(a.t, a.snaps, id)
		a.snaps[id] = e.Unaligned
	case barrier.StartTimer:
		require.Zero(a.t, a.timer)
		a.timer = id
	case barrier.StopTimer:
		require.Equal(a.t, id, a.timer)
		a.timer = 0
	}
}

// compare is what must hold after each input, of the newest checkpoint.
func (a *alternating) compare() {
	id, pending := a.gate.Pending()
	require.Equal(a.t, a.newest, id)
	require.Equal(a.t, a.heard[id] && a.over[id] == "", pending)
	late := a.late[id]
	unaligned, taken := a.snaps[id]
	if a.over[id] == "complete" {
		require.True(a.t, taken, "B4: checkpoint %d is complete without a snapshot", id)
	}
	if taken {
		require.Equal(a.t, late, unaligned, "a snapshot waits for all barriers unless the time is over")
	}
	require.False(a.t, pending && late && !taken, "the time is over and no snapshot was taken")
	for ch := range a.channels {
		here := pending && (a.taken[id][ch] || a.channels[ch].over)
		require.Equal(a.t, pending && late && !here, a.captures[ch] != 0, "channel %d captures from the snapshot to its barrier", ch)
		if !pending {
			require.Zero(a.t, a.blocked[ch], "channel %d is blocked for nothing", ch)
		} else if !late {
			require.Equal(a.t, a.taken[id][ch], a.blocked[ch] != 0, "channel %d waits from its barrier on", ch)
		}
	}
	if !pending || late {
		require.Zero(a.t, a.timer)
	}
}
