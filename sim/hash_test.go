package sim

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func sum(words []uint64) uint64 {
	var h Hash
	for _, x := range words {
		h.Add(x)
	}
	return h.Sum()
}

// W3 at its root: flipped bits, swapped, missing and added words all show.
func TestHashSeesEveryChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.Uint64(), 2, 40).Draw(t, "words")
		want := sum(words)
		i := rapid.IntRange(0, len(words)-1).Draw(t, "i")
		bit := uint64(1) << rapid.IntRange(0, 63).Draw(t, "bit")
		words[i] ^= bit
		if sum(words) == want {
			t.Fatalf("bit %x of word %d does not show", bit, i)
		}
		j := (i + 1) % len(words)
		words[j] ^= bit
		if sum(words) == want {
			t.Fatalf("bit %x of words %d and %d does not show", bit, i, j)
		}
		words[i], words[j] = words[j]^bit, words[i]^bit
		if words[i] != words[j] && sum(words) == want {
			t.Fatal("order does not show")
		}
	})
	require.NotEqual(t, sum([]uint64{0}), sum([]uint64{0, 0}))
}

func TestHashSpreadsBits(t *testing.T) {
	seen := map[uint32]bool{}
	for i := range uint64(1 << 12) {
		seen[uint32(sum([]uint64{i << 52, 1}))] = true
		seen[uint32(sum([]uint64{i << 52, 1})>>32)] = true
	}
	require.Greater(t, len(seen), 2<<12-8, "both halves of the sum tell top bits apart")
}
