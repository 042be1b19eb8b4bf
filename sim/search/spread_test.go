package search

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestSpread: every number comes once in a round, and no beginning leaves a gap that is
// much larger than the others.
func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Spread{Size: rapid.IntRange(1, 3000).Draw(t, "size"), Key: rapid.Uint64().Draw(t, "key")}
		seen := make([]bool, s.Size)
		for i := range uint64(s.Size) {
			at := s.At(i)
			require.False(t, seen[at], "%d comes twice", at)
			seen[at] = true
			require.Equal(t, at, s.At(i+uint64(s.Size)))
		}
	})
	for _, size := range []int{1000, 1024, 2310, 9973} {
		s := Spread{Size: size, Key: 77}
		var first []int
		for i := range uint64(50) {
			first = append(first, s.At(i))
		}
		slices.Sort(first)
		for i, at := range first {
			next := first[(i+1)%len(first)]
			gap := (next - at + size) % size
			require.Less(t, gap, size/50*3, "of %d, between %d and %d", size, at, next)
		}
	}
	require.Panics(t, func() { Spread{}.At(0) })
}
