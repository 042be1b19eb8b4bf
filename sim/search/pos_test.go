package search

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/sim"
)

// order is the order in which events of some actors happen that may all be next at once.
func order(seed uint64, c sim.Chooser, actors string) string {
	w := sim.New(seed, sim.Options{Chooser: c, Actor: func(e *sim.Event) sim.Name { return sim.Name(e.A) }})
	for a := 'a'; a <= 'c'; a++ {
		w.Name(string(a))
	}
	got := ""
	k := w.Handle("k", 'k', func(e *sim.Event) { got += fmt.Sprint(e.B) })
	p := w.Point("p", "")
	for i, a := range actors {
		w.ScheduleIn(w.Span(p, 0, time.Second), 0, sim.Event{Kind: k, A: uint64(w.Name(string(a))), B: uint64(i)})
	}
	w.Run(time.Hour)
	return got
}

// TestPOS: all orders of racing events come up, about as often, and a seed always gives
// the same.
func TestPOS(t *testing.T) {
	counts := map[string]int{}
	for seed := range uint64(6000) {
		o := order(seed, &POS{}, "aaa")
		counts[o]++
		if seed < 100 {
			require.Equal(t, o, order(seed, &POS{}, "aaa"))
		}
	}
	require.Len(t, counts, 6)
	for o, n := range counts { // unordered: each by itself
		require.InDelta(t, 1000, n, 150, o)
	}
}

// TestPOSDrawsRacingPrioritiesAgain: that is what makes it more than random priorities.
func TestPOSDrawsRacingPrioritiesAgain(t *testing.T) {
	w := sim.New(1, sim.Options{Chooser: &POS{}})
	w.Name("a")
	w.Name("b")
	s := &POS{}
	three := []sim.Candidate{{Key: sim.EventKey{Actor: 1}}, {Key: sim.EventKey{Actor: 1}}, {Key: sim.EventKey{Actor: 2}}}
	for range 100 {
		before := append([]sim.Candidate(nil), three...)
		first := s.Choose(w, three)
		for i := range three {
			require.LessOrEqual(t, three[i].Priority, three[first].Priority)
			switch {
			case i == first:
				require.NotZero(t, three[i].Priority)
			case three[i].Key.Actor == three[first].Key.Actor:
				require.Zero(t, three[i].Priority, "it raced with the one that happens")
			case before[i].Priority != 0:
				require.Equal(t, before[i].Priority, three[i].Priority, "it did not race")
			}
		}
		three[first].Priority = 0 // another event in its place
	}
}
