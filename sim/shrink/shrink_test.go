package shrink

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// toy is a case: numbers, and a knob.
type toy struct {
	list []int
	knob int
}

func key(c toy) string { return fmt.Sprint(c) }

func without(c toy, from, to int) (toy, bool) {
	return toy{slices.Delete(slices.Clone(c.list), from, to), c.knob}, true
}

func passes() []Pass[toy] {
	return []Pass[toy]{
		List("list", func(c toy) int { return len(c.list) }, without),
		Simpler("knob", func(c toy) []toy {
			var all []toy
			for _, k := range []int{0, c.knob / 2, c.knob - 1} {
				if k < c.knob {
					all = append(all, toy{c.list, k})
				}
			}
			return all
		}),
	}
}

// needs fails if all of the wanted numbers are there in order, and the knob is high.
func needs(want []int, knob int) func(c toy) (bool, error) {
	return func(c toy) (bool, error) {
		at := 0
		for _, v := range c.list {
			if at < len(want) && v == want[at] {
				at++
			}
		}
		return at == len(want) && c.knob >= knob, nil
	}
}

func drawToy(t *rapid.T) (start toy, want []int, knob int) {
	start.list = rapid.SliceOfN(rapid.IntRange(0, 9), 0, 200).Draw(t, "list")
	start.knob = rapid.IntRange(0, 100).Draw(t, "knob")
	for _, v := range start.list {
		if rapid.IntRange(0, 20).Draw(t, "wanted") == 0 {
			want = append(want, v)
		}
	}
	return start, want, rapid.IntRange(0, start.knob).Draw(t, "least knob")
}

// TestLeastCase: what is needed is found exactly, each case that was taken fails, no case
// is run twice, and none is left to try (K1, K3, K4).
func TestLeastCase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start, want, knob := drawToy(t)
		ran := map[string]bool{key(start): true}
		fails := needs(want, knob)
		r, err := Minimize(Problem[toy]{start, key, func(c toy) (bool, error) {
			if ran[key(c)] {
				t.Fatalf("%v was run twice", c)
			}
			ran[key(c)] = true
			return fails(c)
		}}, Options{}, passes()...)
		require.NoError(t, err)
		require.True(t, r.Minimal)
		require.Equal(t, len(ran)-1, r.Runs)
		require.Equal(t, knob, r.Case.knob)
		require.Equal(t, len(want), len(r.Case.list))
		ok, _ := fails(r.Case)
		require.True(t, ok)
	})
}

// TestJobsDoNotShow: however many run at a time, result and runs are the same, also
// when a number of runs ends the search (K2).
func TestJobsDoNotShow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start, want, knob := drawToy(t)
		o := Options{Runs: rapid.IntRange(0, 60).Draw(t, "runs")}
		p := Problem[toy]{start, key, needs(want, knob)}
		one, err := Minimize(p, o, passes()...)
		require.NoError(t, err)
		o.Jobs = rapid.IntRange(2, 9).Draw(t, "jobs")
		many, err := Minimize(p, o, passes()...)
		require.NoError(t, err)
		require.Equal(t, one, many)
		if o.Runs > 0 {
			require.LessOrEqual(t, one.Runs, o.Runs)
		}
	})
}

// TestFewRuns: a few needed elements of many are found in about as many runs as it takes
// to look for each by halves.
func TestFewRuns(t *testing.T) {
	var start toy
	for i := range 1024 {
		start.list = append(start.list, i)
	}
	r, err := Minimize(Problem[toy]{start, key, needs([]int{100, 700}, 0)}, Options{}, passes()...)
	require.NoError(t, err)
	require.Equal(t, []int{100, 700}, r.Case.list)
	require.Less(t, r.Runs, 80)
}

func TestBudgetsEndASearch(t *testing.T) {
	start := toy{knob: 100}
	fails := func(c toy) (bool, error) { return c.knob >= 7, nil }
	r, err := Minimize(Problem[toy]{start, key, fails}, Options{Runs: 3}, passes()...)
	require.NoError(t, err)
	require.Equal(t, Result[toy]{Case: toy{knob: 25}, Runs: 3, Taken: 2}, r)

	left := 2
	r, err = Minimize(Problem[toy]{start, key, fails}, Options{Over: func() bool { left--; return left < 0 }}, passes()...)
	require.NoError(t, err)
	require.False(t, r.Minimal)
	require.Equal(t, toy{knob: 50}, r.Case)
}

func TestAnErrorEndsASearch(t *testing.T) {
	broken := errors.New("the machine is on fire")
	r, err := Minimize(Problem[toy]{toy{knob: 100}, key, func(c toy) (bool, error) {
		if c.knob < 40 {
			return c.knob > 0, broken
		}
		return c.knob >= 40, nil
	}}, Options{Jobs: 1}, passes()...)
	require.ErrorIs(t, err, broken)
	require.Equal(t, toy{knob: 100}, r.Case)
}

func TestProgressCounts(t *testing.T) {
	var last Progress
	var calls atomic.Int32
	r, err := Minimize(Problem[toy]{toy{list: []int{1, 2, 3}, knob: 9}, key, needs([]int{2}, 0)},
		Options{Jobs: 4, Progress: func(p Progress) { last = p; calls.Add(1) }}, passes()...)
	require.NoError(t, err)
	require.Equal(t, Progress{Pass: "knob", Runs: r.Runs, Taken: r.Taken}, last)
	require.GreaterOrEqual(t, int(calls.Load()), r.Runs)
}
