package protocol

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDeterministic: the same is explored, in the same order, each time.
func TestDeterministic(t *testing.T) {
	c := Config{Mode: Unaligned, Records: 1, Checkpoints: 1}
	a, err := Explore(c, Options{Memory: memory})
	require.NoError(t, err)
	b, err := Explore(c, Options{Memory: memory})
	require.NoError(t, err)
	require.Equal(t, a, b)
}

// TestInterleavings compares the count with that of a walk along every one of them.
func TestInterleavings(t *testing.T) {
	c := Config{Records: 1}
	ways := map[State]float64{}
	var walk func(s State) float64
	walk = func(s State) float64 {
		n, known := ways[s]
		if known {
			return n
		}
		set := c.enabled(&s)
		if set == 0 {
			n = 1
		}
		each(set, func(a Action) {
			next, _ := c.step(&s, a)
			n += walk(next)
		})
		ways[s] = n
		return n
	}
	n := walk(c.initial())
	r, err := Explore(c, Options{Memory: memory})
	require.NoError(t, err)
	require.Equal(t, n, r.Interleavings)
	require.Equal(t, len(ways), r.States)
	require.Greater(t, n, 1e6)
}

// TestMemory: an exploration that is too large says how far it came.
func TestMemory(t *testing.T) {
	for _, bug := range []Bug{NoBug, EarlyUnblock} {
		r, err := Explore(Config{Records: 2, Checkpoints: 2, Crashes: 1, Aborts: 1, Bug: bug}, Options{Memory: 2 << 20})
		require.NoError(t, err)
		require.False(t, r.Complete)
		require.Nil(t, r.Violation)
		require.Greater(t, r.States, 1000)
		require.Less(t, r.Bytes, int64(4<<20))
		require.Zero(t, r.Interleavings)
	}
}

func TestRefused(t *testing.T) {
	for text, c := range map[string]Config{
		"0 records; there may be 1 to 4":     {},
		"5 records; there may be 1 to 4":     {Records: 5},
		"3 checkpoints; there may be 0 to 2": {Records: 1, Checkpoints: 3},
		"2 crashes; there may be 0 to 1":     {Records: 1, Crashes: 2},
		"-1 aborts; there may be 0 to 1":     {Records: 1, Aborts: -1},
	} {
		_, err := Explore(c, Options{Memory: memory})
		require.EqualError(t, err, text)
	}
	_, err := Explore(Config{Records: 1}, Options{Memory: 5})
	require.EqualError(t, err, "5 bytes of memory; at least 1048576 are needed")
	_, err = ParseMode("sideways")
	require.EqualError(t, err, `unknown mode "sideways"; there is: aligned, at-least-once, unaligned, timeout`)
	_, err = ParseBug("nope")
	require.ErrorContains(t, err, `unknown bug "nope"; there is: no-alignment, `)
}

// TestCounterexample: a way to a violation can be read, and ends where it is.
func TestCounterexample(t *testing.T) {
	r, err := Explore(Bugs[NoAlignment-1].Small, Options{Memory: memory})
	require.NoError(t, err)
	v := r.Violation
	require.NotNil(t, v)
	text := strings.Join(v.Actions, "\n")
	require.Contains(t, text, "the coordinator triggers checkpoint 1")
	require.Contains(t, text, "the operator takes record 0 from source 0 -> operator")
	require.Equal(t, "the metadata of checkpoint 1 is durable", v.Actions[len(v.Actions)-1])
	require.Contains(t, strings.Join(v.State, "\n"), "complete: checkpoint 1, offsets 0 and 0, operator's state: record 0 1x")
}
