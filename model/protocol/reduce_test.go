package protocol

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// durable is what a crash leaves, and outsiders see, by attempt.
type durable struct {
	done     checkpoint
	ext      external
	attempt  uint8
	finished bool
}

// visit explores and calls f with each state; sets of states that are reduced, or not.
func visit(c Config, reduced bool, f func(*State)) {
	known := map[fingerprint]bool{}
	s := c.initial()
	stack := []State{s}
	known[s.fingerprint()] = true
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		f(&s)
		for set := c.choices(&s, reduced); set != 0; set &= set - 1 {
			next, _ := c.step(&s, lowest(set))
			if key := next.fingerprint(); !known[key] {
				known[key] = true
				stack = append(stack, next)
			}
		}
	}
}

// sizes are small enough for quick tests that leave nothing out; simrun explore --check
// does larger ones.
func sizes(f func(Config)) {
	for _, m := range Modes {
		f(Config{Mode: m, Records: 1, Checkpoints: 1})
		f(Config{Mode: m, Records: 2, Crashes: 1})
	}
	f(Config{Records: 1, Aborts: 1})
}

// TestReducedAgrees: what is left out changes neither which durable states there are
// nor how the job ends, and both explorations find all promises kept.
func TestReducedAgrees(t *testing.T) {
	sizes(func(c Config) { agree(t, c) })
	agree(t, Config{Records: 1, Checkpoints: 1, Crashes: 1})
}

func agree(t *testing.T, c Config) {
	t.Helper()
	seen := [2]map[durable]bool{{}, {}}
	n := [2]int{}
	for i, reduced := range []bool{false, true} {
		visit(c, reduced, func(s *State) {
			n[i]++
			seen[i][durable{s.done, s.ext, s.jm.attempt, s.finished}] = true
		})
	}
	require.Equal(t, seen[0], seen[1], c)
	require.Less(t, 2*n[1], n[0], c)
	full, err := Explore(c, Options{Memory: memory})
	require.NoError(t, err)
	reduced, err := Explore(c, Options{Memory: memory, Reduced: true})
	require.NoError(t, err)
	require.True(t, full.Complete && reduced.Complete)
	require.Nil(t, full.Violation, c)
	require.Nil(t, reduced.Violation, c)
	require.Equal(t, n[0], full.States, c)
	require.LessOrEqual(t, reduced.States, n[1], c) // sleep sets leave transitions out, and no state
	require.Equal(t, full.Finals, reduced.Finals, c)
}

// TestOrders: what reducing rests on holds in every state.
func TestOrders(t *testing.T) {
	checked := 0
	sizes(func(c Config) {
		r, err := Explore(c, Options{Memory: memory, Check: true})
		require.NoError(t, err)
		checked += r.Checked
	})
	require.Greater(t, checked, 200_000)
}
