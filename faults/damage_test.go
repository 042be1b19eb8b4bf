package faults

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestDamageString(t *testing.T) {
	when := Trigger{On: "completed", Nth: 3, Changes: 2}
	for want, f := range map[string]Fault{ // unordered: each by itself
		"f1  on completed#3+2  damage newest  bit-flip":                      {Kind: BitFlip, Target: Newest},
		"f1  on completed#3+2  damage newest-1  truncated-file":              {Kind: TruncatedFile, Target: Previous},
		"f1  on completed#3+2  damage newest  lost-file file=_metadata":      {Kind: LostFile, Target: Newest, File: "_metadata"},
		"f1  on completed#3+2  damage newest-1  lost-file file=.":            {Kind: LostFile, Target: Previous, File: Whole},
		"f1  on completed#3+2  crash tm1  machine for=25ms":                  {Kind: MachineCrash, Target: "tm1", For: 25 * time.Millisecond},
		"f1  on completed#3+2  damage newest  truncated-file file=task-0-0-": {Kind: TruncatedFile, Target: Newest, File: "task-0-0-"},
	} {
		f.Name, f.When = "f1", when
		require.Equal(t, want, f.String())
		require.Equal(t, f.Kind != MachineCrash, f.Kind.Damages())
	}
}

// TestWithDamage: what is added comes behind what is there, asks for each decision once,
// and lets a crash follow on what is damaged.
func TestWithDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, c := shapes(t), chance(rapid.Uint64().Draw(t, "seed"))
		before := Plan{{Name: "f1", Kind: ProcessCrash, Target: "jm"}}
		asked := map[string]bool{}
		p := WithDamage(func(where string, n int) int {
			require.False(t, asked[where], where)
			require.Positive(t, n, where)
			asked[where] = true
			return c(where, n)
		}, s, before)
		require.Equal(t, before[0], p[0])
		require.Equal(t, p, WithDamage(c, s, before))
		damages, crashes := 0, 0
		for i, f := range p[1:] {
			require.Equal(t, fmt.Sprintf("f%d", i+2), f.Name)
			require.Positive(t, f.When.Nth)
			require.False(t, f.Essential && i > 1, "%s", f)
			if !f.Kind.Damages() {
				crashes++
				require.True(t, p[i].Kind.Damages(), "%s", f)
				require.Equal(t, p[i].Essential, f.Essential)
				require.Positive(t, f.For)
				continue
			}
			damages++
			require.Contains(t, []string{Newest, Previous}, f.Target)
			require.False(t, f.Essential && f.Target == Previous, "%s", f)
		}
		require.GreaterOrEqual(t, damages, crashes)
		require.LessOrEqual(t, damages, crashes+1)
		require.LessOrEqual(t, crashes, 3)
		require.Positive(t, crashes)
	})
}

// TestEveryDamageIsDrawn: each kind, both targets, each moment, essential or not.
func TestEveryDamageIsDrawn(t *testing.T) {
	s := Shape{JobManager: "jm", Workers: []string{"tm1"}}
	seen := map[string]int{}
	for seed := range uint64(300) {
		for _, f := range WithDamage(chance(seed), s, nil) {
			if f.Kind.Damages() {
				seen[string(f.Kind)]++
				seen[f.Target]++
				seen[f.When.On]++
				seen[fmt.Sprint(f.Essential)]++
			}
		}
	}
	for _, want := range append(slices.Clone(damageMoments), string(BitFlip), string(TruncatedFile), string(LostFile),
		Newest, Previous, "deploying", "true", "false") {
		require.Greater(t, seen[want], 10, want)
	}
}
