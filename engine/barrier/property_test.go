package barrier_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/barrier"
)

// naive restates what a gate promises with sets in place of counters.
type naive struct {
	t         *rapid.T
	unaligned bool
	newest    uint64
	begun     map[uint64]bool
	over      map[uint64]string // how a checkpoint ended
	seen      map[uint64][]bool // whose barrier came, by channel
	ended     []bool
}

func newNaive(t *rapid.T, channels int, unaligned bool) *naive {
	return &naive{
		t: t, unaligned: unaligned, ended: make([]bool, channels), begun: map[uint64]bool{},
		over: map[uint64]string{}, seen: map[uint64][]bool{},
	}
}

func (m *naive) pending() bool { return m.begun[m.newest] && m.over[m.newest] == "" }

// waits says whether a channel's barrier of the pending checkpoint may still come.
func (m *naive) waits(ch int) bool {
	return m.pending() && !m.ended[ch] && !m.seen[m.newest][ch]
}

// step is what an input must lead to.
func (m *naive) step(in barrier.Input) {
	id := in.Checkpoint
	switch in.Kind {
	case barrier.End:
		m.ended[in.Channel] = true
	case barrier.Cancel:
		if id > m.newest {
			m.subsume(id)
			m.over[id] = "abort"
		} else if id == m.newest && m.over[id] == "" {
			m.over[id] = "abort"
		}
	case barrier.Barrier:
		if id > m.newest {
			m.subsume(id)
			m.begun[id], m.seen[id] = true, make([]bool, len(m.ended))
		}
		if id == m.newest && m.over[id] == "" {
			m.seen[id][in.Channel] = true
		}
	}
	if m.pending() && !slices.ContainsFunc(indices(m.ended), m.waits) {
		m.over[m.newest] = "complete"
	}
}

func (m *naive) subsume(id uint64) {
	if m.pending() {
		m.over[m.newest] = "abort"
	}
	m.newest = id
}

func indices(s []bool) (is []int) {
	for i := range s {
		is = append(is, i)
	}
	return is
}

// watch follows a gate's effects as a task would carry them out.
type watch struct {
	t         *rapid.T
	blocked   []bool
	capturing []bool
	over      map[uint64]string
	snapshots []uint64
}

func (w *watch) do(e barrier.Effect) {
	switch e.Kind {
	case barrier.Block, barrier.Unblock:
		require.Equal(w.t, e.Kind == barrier.Unblock, w.blocked[e.Channel], "%v", e)
		w.blocked[e.Channel] = e.Kind == barrier.Block
	case barrier.Snapshot:
		if n := len(w.snapshots); n > 0 {
			require.Greater(w.t, e.Checkpoint, w.snapshots[n-1], "B1")
		}
		w.snapshots = append(w.snapshots, e.Checkpoint)
	case barrier.Capture:
		require.False(w.t, w.capturing[e.Channel], "%v", e)
		w.capturing[e.Channel] = e.More
	case barrier.Stop:
		require.True(w.t, w.capturing[e.Channel], "%v", e)
		w.capturing[e.Channel] = false
	case barrier.Complete, barrier.Abort:
		require.Empty(w.t, w.over[e.Checkpoint], "B4: %v", e)
		w.over[e.Checkpoint] = map[barrier.EffectKind]string{barrier.Complete: "complete", barrier.Abort: "abort"}[e.Kind]
	}
}

// scripts draws what each channel brings: for each checkpoint a barrier, a cancel
// marker, both, or, where a newer one follows, nothing; at last its end.
func scripts(t *rapid.T, channels int, unaligned bool) [][]barrier.Input {
	all := make([][]barrier.Input, channels)
	checkpoints := rapid.IntRange(1, 6).Draw(t, "checkpoints")
	for ch := range all {
		for id := uint64(1); id <= uint64(checkpoints); id++ {
			kind := rapid.SampledFrom([]string{"|", "|", "|", "|", "|", "x", "|x", ""}).Draw(t, "item")
			for _, k := range kind {
				in := barrier.Input{Kind: barrier.Barrier, Channel: ch, Checkpoint: id, Unaligned: unaligned}
				if k == 'x' {
					in.Kind, in.Unaligned = barrier.Cancel, false
				}
				all[ch] = append(all[ch], in)
			}
			if rapid.IntRange(0, 15).Draw(t, "ends") == 0 {
				break
			}
		}
		all[ch] = append(all[ch], barrier.Input{Kind: barrier.End, Channel: ch})
	}
	return all
}

func TestGateAgainstNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unaligned := rapid.Bool().Draw(t, "unaligned")
		channels := rapid.IntRange(1, 4).Draw(t, "channels")
		rest := scripts(t, channels, unaligned)
		g, m := barrier.NewGate(channels, 0), newNaive(t, channels, unaligned)
		w := &watch{t: t, blocked: make([]bool, channels), capturing: make([]bool, channels), over: map[uint64]string{}}
		for {
			var can []int
			for ch := range rest {
				if len(rest[ch]) > 0 && !w.blocked[ch] { // B2: the task takes nothing from it
					can = append(can, ch)
				}
			}
			if len(can) == 0 {
				break
			}
			ch := rapid.SampledFrom(can).Draw(t, "channel")
			in := rest[ch][0]
			rest[ch] = rest[ch][1:]
			for _, e := range g.Step(in, nil) {
				w.do(e)
			}
			m.step(in)
			compare(t, g, m, w)
		}
		for ch := range rest {
			require.Empty(t, rest[ch], "channel %d is blocked for good; %v", ch, g)
		}
		_, pending := g.Pending()
		require.False(t, pending, "every channel has ended")
	})
}

func compare(t *rapid.T, g *barrier.Gate, m *naive, w *watch) {
	id, pending := g.Pending()
	require.Equal(t, m.newest, id)
	require.Equal(t, m.pending(), pending)
	require.Equal(t, m.over, w.over, "B4")
	for ch := range w.blocked {
		has := pending && m.seen[id][ch]
		require.Equal(t, !m.unaligned && has, w.blocked[ch], "channel %d blocks from its barrier to the snapshot", ch)
		require.Equal(t, m.unaligned && m.waits(ch), w.capturing[ch], "channel %d captures from the snapshot to its barrier", ch)
	}
	var want []uint64 // snapshots: at the first barrier, or at the last
	for id := range m.newest + 1 {
		if m.begun[id] && (m.unaligned || m.over[id] == "complete") {
			want = append(want, id)
		}
	}
	require.Equal(t, want, w.snapshots)
}
