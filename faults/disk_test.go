package faults

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestWithBadDisk: what is added comes behind what is there, is of the disk, over soon,
// parses, and asks for each decision once; a bit is flipped once at most, and never of a
// file that may have no checksum.
func TestWithBadDisk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, c := shapes(t), chance(rapid.Uint64().Draw(t, "seed"))
		before := Plan{{Name: "f1", Kind: ProcessCrash, Target: "jm", For: time.Second}}
		asked := map[string]bool{}
		p := WithBadDisk(func(where string, n int) int {
			require.False(t, asked[where], where)
			require.Positive(t, n, where)
			asked[where] = true
			return c(where, n)
		}, s, before)
		require.Equal(t, before[0], p[0])
		again, err := ParseFor(p.String(), Known{Nodes: append([]string{"jm"}, s.Workers...)})
		require.NoError(t, err)
		require.Equal(t, p, again)
		flips := 0
		for _, f := range WithTroubles(c, s, p)[len(p):] {
			if f.Kind == ReadFlip {
				flips++
			}
		}
		for _, f := range p[1:] {
			require.True(t, f.Kind.OfDisk(), "%s", f)
			require.LessOrEqual(t, f.Lasts()+f.By, 3*time.Second)
			require.True(t, f.Calls() > 0 || f.Lasts() > 0, "%s", f)
			if f.Kind == ReadFlip {
				flips++
				require.Equal(t, "*/chk-*", f.File)
				require.Equal(t, 1, f.Calls())
			}
		}
		require.LessOrEqual(t, flips, 1)
		for _, f := range WithBadDisk(c, s, Plan{{Name: "f1", Kind: LostFile, Target: Newest}}) {
			require.NotEqual(t, ReadFlip, f.Kind, "what is whole could read as damaged twice")
		}
		require.LessOrEqual(t, len(p), 5)
	})
}

// TestEveryBadDiskIsDrawn: each kind, at calls and after events, with effect and without,
// for a time and for some calls, of one node and of all.
func TestEveryBadDiskIsDrawn(t *testing.T) {
	s := Shape{JobManager: "jm", Workers: []string{"tm1"}}
	seen := map[string]int{}
	for seed := range uint64(1200) {
		for _, f := range WithBadDisk(chance(seed), s, nil) {
			seen[string(f.Kind)]++
			seen[f.Target]++
			seen["call "+f.Call]++
			for what, so := range map[string]bool{ // unordered: counted
				"applied": f.Applied, "at a call": f.When.Call != "", "after an event": f.When.On != "",
				"for a time": f.For > 0, "some calls": f.Times > 0, "by chance": f.Chance > 0, "stalls": f.By > 0,
			} {
				if so {
					seen[what]++
				}
			}
		}
	}
	want := []string{"jm", "tm1", All, "applied", "at a call", "after an event", "for a time", "some calls", "by chance", "stalls"}
	for _, k := range diskKinds {
		want = append(want, string(k))
	}
	for _, a := range diskCalls {
		want = append(want, "call "+a.call)
	}
	slices.Sort(want)
	for _, w := range slices.Compact(want) {
		require.Greater(t, seen[w], 5, w)
	}
}
