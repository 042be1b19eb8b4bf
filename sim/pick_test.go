package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// picked is one event of a world whose strategy picks, as it was scheduled.
type picked struct {
	Span
	chain Chain
	fixed bool
	order int
	done  bool
}

// TestPick: W7, W5. Whatever is picked, each event happens within its span, those of a
// chain and those of one moment in their order, and all happen.
func TestPick(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := New(rapid.Uint64().Draw(t, "seed"), Options{Chooser: &Uniform{Pick: true}})
		p := w.Point("span", "")
		chains := []Chain{0, w.NewChain(), w.NewChain()}
		ends := make([]Span, len(chains)) // of the last of each chain
		var all []*picked
		var k Kind
		schedule := func() {
			x := &picked{order: len(all)}
			if x.fixed = rapid.Bool().Draw(t, "fixed"); x.fixed {
				d := time.Duration(rapid.IntRange(0, 6).Draw(t, "delay"))
				x.Span = Span{d, d}.Plus(w.Now())
				w.Schedule(d, Event{Kind: k, A: uint64(len(all))})
			} else {
				c := rapid.IntRange(0, 2).Draw(t, "chain")
				lo := time.Duration(rapid.IntRange(0, 6).Draw(t, "lo"))
				s := w.Span(p, lo, lo+time.Duration(rapid.IntRange(0, 9).Draw(t, "wide"))).Plus(w.Now())
				if c > 0 {
					s = Span{max(s.Earliest, ends[c].Earliest), max(s.Latest, ends[c].Latest)}
					ends[c] = s
				}
				x.Span, x.chain = s, chains[c]
				w.ScheduleIn(s.Plus(-w.Now()), x.chain, Event{Kind: k, A: uint64(len(all))})
			}
			all = append(all, x)
		}
		left := rapid.IntRange(1, 40).Draw(t, "events")
		k = w.Handle("k", 'k', func(e *Event) {
			x := all[e.A]
			require.False(t, x.done)
			require.True(t, x.Earliest <= w.Now() && w.Now() <= x.Latest, "at %v, between %v and %v", w.Now(), x.Earliest, x.Latest)
			for _, y := range all {
				if y.done {
					continue
				}
				require.LessOrEqual(t, w.Now(), y.Latest, "one that should have happened still waits")
				if y.fixed && x.fixed {
					require.True(t, x.Earliest < y.Earliest || x.Earliest == y.Earliest && x.order <= y.order)
				}
				if y.chain != 0 && y.chain == x.chain {
					require.LessOrEqual(t, x.order, y.order)
				}
			}
			x.done = true
			for range min(left, rapid.IntRange(0, 3).Draw(t, "more")) {
				left--
				schedule()
			}
		})
		schedule()
		if limit := time.Duration(rapid.IntRange(0, 12).Draw(t, "limit")); w.Run(limit) == Limit {
			require.Equal(t, limit, w.Now())
			for _, x := range all {
				require.True(t, x.done || x.Latest >= limit, "what must happen by the limit has happened")
			}
		}
		require.Equal(t, Idle, w.Run(forever))
		for _, x := range all {
			require.True(t, x.done)
		}
		require.Zero(t, w.Pending())
	})
}

// TestPickIsDeterministic: the same seed picks the same, and another one something else.
func TestPickIsDeterministic(t *testing.T) {
	sums := map[uint64]bool{}
	for seed := range uint64(10) {
		a, b := held(seed, 20), held(seed, 20)
		require.Equal(t, a.Sum(), b.Sum())
		require.Equal(t, a.Now(), b.Now())
		sums[a.Sum()] = true
	}
	require.Len(t, sums, 10)
}

// held is a world in which every event schedules one more, with a span; some are in
// chains, some for one moment.
func held(seed uint64, pending int) *World {
	w := New(seed, Options{Chooser: &Uniform{Pick: true}, Actor: func(e *Event) Name { return Name(e.Target % 4) }})
	var k Kind
	x := seed
	p := w.Point("p", "")
	last := make([]Span, pending)
	k = w.Handle("k", 'k', func(e *Event) {
		x = x*6364136223846793005 + 1442695040888963407
		d := time.Duration(x >> 44)
		if e.Target%4 == 0 {
			w.Schedule(d, Event{Kind: k, Target: e.Target, A: e.A + 1})
			return
		}
		chain := Chain(0)
		s := w.Span(p, d/8, d).Plus(w.Now())
		if e.Target%2 == 0 {
			chain = Chain(e.Target)
			s = Span{max(s.Earliest, last[e.Target].Earliest), max(s.Latest, last[e.Target].Latest)}
			last[e.Target] = s
		}
		w.ScheduleIn(s.Plus(-w.Now()), chain, Event{Kind: k, Target: e.Target, A: e.A + 1})
	})
	for i := range pending {
		w.Schedule(time.Duration(i), Event{Kind: k, Target: uint32(i)})
	}
	for range 20 * pending {
		w.Next(forever)
	}
	return w
}

func TestPickRefusesDisorder(t *testing.T) {
	w := New(1, Options{Chooser: &Uniform{Pick: true}})
	k := w.Handle("k", 'k', func(*Event) {})
	c := w.NewChain()
	w.ScheduleIn(Span{5, 9}, c, Event{Kind: k})
	require.Panics(t, func() { w.ScheduleIn(Span{4, 9}, c, Event{Kind: k}) })
	require.Panics(t, func() { w.ScheduleIn(Span{5, 8}, c, Event{Kind: k}) })
	require.Panics(t, func() { w.ScheduleIn(Span{5, 4}, 0, Event{Kind: k}) })
	require.Panics(t, func() { w.ScheduleIn(Span{-1, 4}, 0, Event{Kind: k}) })
	require.Panics(t, func() { w.Schedule(-1, Event{Kind: k}) })
}

// TestSpanOfDrawnDelays: where the strategy does not pick, a span is one moment.
func TestSpanOfDrawnDelays(t *testing.T) {
	w := New(1, Options{})
	k := w.Handle("k", 'k', func(*Event) {})
	s := w.Span(w.Point("p", ""), 10, 90)
	require.Equal(t, s.Earliest, s.Latest)
	w.ScheduleIn(s, w.NewChain(), Event{Kind: k})
	require.Equal(t, Idle, w.Run(forever))
	require.Equal(t, s.Earliest, w.Now())
}

func BenchmarkPick(b *testing.B) {
	for _, pending := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(pending), func(b *testing.B) {
			w := held(1, pending)
			b.ReportAllocs()
			for b.Loop() {
				w.Next(forever)
			}
		})
	}
}

func TestPickAllocatesNothing(t *testing.T) {
	w := held(1, 40)
	require.Zero(t, testing.AllocsPerRun(1000, func() { w.Next(forever) }))
}
