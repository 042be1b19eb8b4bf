package faults

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPlanString(t *testing.T) {
	p := Plan{
		{Name: "f1", Kind: MachineCrash, Target: "tm2", When: Trigger{On: "completed", Nth: 2, Changes: 14}, For: 250 * time.Millisecond, Essential: true},
		{Name: "f2", Kind: ProcessCrash, Target: "jm", When: Trigger{On: "checkpoint triggered", Nth: 1}, For: time.Second},
		{Name: "f3", Kind: ProcessCrash, Target: "tm1", For: 25 * time.Millisecond},
		{Name: "f4", Kind: SlowLink, Target: "tm1->tm2", Percent: 400},
		{Name: "f5", Kind: SlowOperator, Target: "count", Percent: 3200},
	}
	require.Equal(t, strings.Join([]string{
		"f1!  on completed#2+14  crash tm2  machine for=250ms",
		"f2  on checkpoint triggered#1  crash jm  process for=1s",
		"f3  from the start  crash tm1  process for=25ms",
		"f4  from the start  slow tm1->tm2  by=400%",
		"f5  from the start  slow count  by=3200%",
		"",
	}, "\n"), p.String())
	require.Empty(t, Plan{}.String())
}

// shapes draws a cluster.
func shapes(t *rapid.T) Shape {
	s := Shape{JobManager: "jm", Crashes: rapid.IntRange(1, 6).Draw(t, "crashes")}
	for i := range rapid.IntRange(1, 5).Draw(t, "workers") {
		s.Workers = append(s.Workers, fmt.Sprintf("tm%d", i+1))
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "operators") {
		s.Operators = append(s.Operators, fmt.Sprintf("op%d", i))
	}
	return s
}

// chance draws from a seed, each name by itself.
func chance(seed uint64) Chance {
	return func(where string, n int) int {
		var name uint64
		for _, b := range []byte(where) {
			name = name*31 + uint64(b)
		}
		return rand.New(rand.NewPCG(seed, name)).IntN(n)
	}
}

// drawers are the ways to draw a plan, with the most crashes that each may have.
var drawers = []struct {
	name    string
	draw    func(Chance, Shape) Plan
	crashes func(s Shape) int
}{
	{"uniform", Draw, func(s Shape) int { return s.Crashes }},
	{"swarm", DrawSwarm, func(Shape) int { return 1 + most }},
}

func TestDrawIsDeterministic(t *testing.T) {
	for _, d := range drawers {
		rapid.Check(t, func(t *rapid.T) {
			s, seed := shapes(t), rapid.Uint64().Draw(t, "seed")
			require.Equal(t, d.draw(chance(seed), s), d.draw(chance(seed), s))
		})
	}
}

func TestDrawAsksForEachDecisionOnce(t *testing.T) {
	for _, d := range drawers {
		rapid.Check(t, func(t *rapid.T) {
			s, c := shapes(t), chance(rapid.Uint64().Draw(t, "seed"))
			asked := map[string]bool{}
			d.draw(func(where string, n int) int {
				require.False(t, asked[where], where)
				require.Positive(t, n, where)
				asked[where] = true
				return c(where, n)
			}, s)
		})
	}
}

func TestDrawnPlans(t *testing.T) {
	for _, d := range drawers {
		t.Run(d.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				s := shapes(t)
				p := d.draw(chance(rapid.Uint64().Draw(t, "seed")), s)
				requirePlan(t, s, p, d.crashes(s))
			})
		})
	}
}

func requirePlan(t *rapid.T, s Shape, p Plan, most int) {
	nodes := append([]string{s.JobManager}, s.Workers...)
	crashes := 0
	for i, f := range p {
		require.Equal(t, fmt.Sprintf("f%d", i+1), f.Name)
		require.Equal(t, i == 0, f.Essential, "%s", f)
		switch f.Kind {
		case ProcessCrash, MachineCrash:
			crashes++
			require.Contains(t, nodes, f.Target)
			require.NotEmpty(t, f.When.On)
			require.Positive(t, f.When.Nth)
			require.GreaterOrEqual(t, f.When.Changes, 0)
			require.Positive(t, f.For)
		case SlowLink:
			from, to, ok := strings.Cut(f.Target, "->")
			require.True(t, ok && from != to, f.Target)
			require.Contains(t, s.Workers, from)
			require.Contains(t, s.Workers, to)
			require.Greater(t, f.Percent, 100)
		case SlowOperator:
			require.Contains(t, s.Operators, f.Target)
			require.Greater(t, f.Percent, 100)
		default:
			t.Fatalf("kind %q", f.Kind)
		}
	}
	require.Contains(t, []Kind{ProcessCrash, MachineCrash}, p[0].Kind, "the first fault is the essential crash")
	require.Equal(t, "completed", p[0].When.On)
	require.LessOrEqual(t, crashes, most)
}

// TestEveryKindIsDrawn keeps plans from becoming all alike.
func TestEveryKindIsDrawn(t *testing.T) {
	s := Shape{JobManager: "jm", Workers: []string{"tm1", "tm2"}, Operators: []string{"count"}, Crashes: 4}
	var kinds, targets, on []string
	for seed := range uint64(200) {
		for _, f := range Draw(chance(seed), s) {
			kinds = append(kinds, string(f.Kind))
			targets = append(targets, f.Target)
			on = append(on, f.When.On)
		}
	}
	distinct := func(texts []string) []string {
		slices.Sort(texts)
		return slices.Compact(texts)
	}
	require.Equal(t, []string{"machine-crash", "process-crash", "slow-link", "slow-operator"}, distinct(kinds))
	require.Equal(t, []string{"count", "jm", "tm1", "tm1->tm2", "tm2", "tm2->tm1"}, distinct(targets))
	require.Equal(t, []string{"", "ack", "checkpoint triggered", "committed", "completed", "deploying", "pre-committed",
		"restored", "sealing", "snapshot stored"}, distinct(on))
}

// TestSwarmsDiffer: some plans have only the essential crash, some many; some have
// only crashes of one kind, and some only of the JobManager.
func TestSwarmsDiffer(t *testing.T) {
	s := Shape{JobManager: "jm", Workers: []string{"tm1", "tm2"}, Operators: []string{"count"}, Crashes: 1}
	alone, many, oneKind, oneTarget := 0, 0, 0, 0
	var on []string
	for seed := range uint64(400) {
		kinds, targets := map[Kind]bool{}, map[string]bool{}
		crashes := 0
		for _, f := range DrawSwarm(chance(seed), s) {
			if f.Kind == ProcessCrash || f.Kind == MachineCrash {
				crashes++
				kinds[f.Kind], targets[f.Target] = true, true
				on = append(on, f.When.On)
			}
		}
		alone += map[bool]int{true: 1}[crashes == 1]
		if crashes > 6 {
			many++
			oneKind += map[bool]int{true: 1}[len(kinds) == 1]
			oneTarget += map[bool]int{true: 1}[len(targets) == 1]
		}
	}
	require.Greater(t, alone, 80)
	require.Greater(t, many, 40)
	require.Positive(t, oneKind)
	require.Less(t, oneKind, many)
	require.Positive(t, oneTarget)
	require.Less(t, oneTarget, many)
	slices.Sort(on)
	require.Subset(t, slices.Compact(on), moments)
}
