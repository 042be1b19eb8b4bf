package faults

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestWithTroubles: what is added comes behind what is there, asks for each decision once,
// can be written in a plan, and is over soon.
func TestWithTroubles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, c := shapes(t), chance(rapid.Uint64().Draw(t, "seed"))
		before := Plan{{Name: "f1", Kind: ProcessCrash, Target: "jm", For: time.Second, When: after("completed", 1, 0)}}
		asked := map[string]bool{}
		p := WithTroubles(func(where string, n int) int {
			require.False(t, asked[where], where)
			require.Positive(t, n, where)
			asked[where] = true
			return c(where, n)
		}, s, before)
		require.Equal(t, before[0], p[0])
		require.LessOrEqual(t, len(p), 9)
		again, err := ParseFor(p.String(), Known{Nodes: append([]string{"jm"}, s.Workers...)})
		require.NoError(t, err)
		require.Equal(t, p, again)
		for _, f := range p {
			require.LessOrEqual(t, f.Lasts(), 2*time.Second)
		}
	})
}

// TestEveryTroubleIsDrawn: each kind but damage and slow operators, and calm.
func TestEveryTroubleIsDrawn(t *testing.T) {
	s := Shape{JobManager: "jm", Workers: []string{"tm1", "tm2"}}
	seen, calm := map[Kind]int{}, 0
	for seed := range uint64(1200) {
		p := WithTroubles(chance(seed), s, nil)
		if len(p) == 0 {
			calm++
		}
		for _, f := range p {
			seen[f.Kind]++
		}
	}
	require.Greater(t, calm, 60)
	for _, k := range Everything.kinds() {
		require.Greater(t, seen[k], 20, "%s", k)
	}
}
