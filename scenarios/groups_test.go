package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNormalised(t *testing.T) {
	same := [][]string{
		{"chk-3 has 17 records", "chk-12 has 9 records"},
		{`missing "the\t3"`, `missing "an\" apple\t12"`},
		{`missing "a", "b" and "c" of 3`, `missing "x", "y" of 12`},
		{"hash 4cf520c8116bdd75 and then 008ece473d1424ae", "hash 1234567890123456 and then abcdefabcdefabcd"},
		{"waits since 1.250\nline of 3", "waits since 99.1\nanother"},
		{"tasks 1, 2 and 3 of task-0-1@1.1", "tasks 7, 8 of task-2-0@3.2"},
	}
	for i, texts := range same {
		require.Equal(t, normalised(texts[0]), normalised(texts[1]))
		for _, other := range same[i+1:] {
			require.NotEqual(t, normalised(texts[0]), normalised(other[0]))
		}
	}
	require.Equal(t, "chk-N has N records", normalised(same[0][0]))
}

// failing is the report of a run that failed, as a sweep sees it.
func failing(seed uint64, oracle, message, last string, crashes int, events uint64) *Report {
	return &Report{
		Scenario: "wordcount", Mode: Aligned, Seed: seed, Verdict: Fail, Violations: []Violation{{Oracle: oracle, Message: message}},
		Events: events, Faults: map[string]int{"process-crash": crashes, "slow-link": 1}, watched: &sighted{lastFault: last},
	}
}

func TestGroups(t *testing.T) {
	const last = "process-crash while collecting"
	tally := newTally([]pair{{wordcount(), Aligned}})
	for _, rep := range []*Report{
		failing(4, "output", `missing "a" 3 times`, last, 2, 10),
		failing(5, "cut", `missing "a" 3 times`, last, 2, 10),
		failing(6, "output", `missing "b" 4 times`, last, 1, 90),
		failing(7, "output", `missing "b" 4 times`, "machine-crash while collecting", 1, 9),
		failing(8, "output", `missing "c" 5 times`, last, 1, 80),
		failing(9, "output", `missing "c" 5 times`, last, 3, 1),
		failing(10, "output", `twice "c" 5 times`, last, 3, 1),
	} {
		tally.add(rep)
	}
	r := tally.report(0)
	require.Len(t, r.Failures, 7, "all are kept")
	require.Len(t, r.Groups, 4)
	g := *r.Groups[0]
	require.Equal(t, uint64(8), g.best.Seed)
	g.best = nil
	require.Equal(t, Group{Oracle: "output", Message: `missing "..." N times`, LastFault: last, Count: 4, FirstSeed: 4, Best: 8,
		Seeds: []uint64{4, 6, 8, 9}}, g)
	text := r.Text()
	require.Contains(t, text, "4 failures alike, all after "+last+", seeds 4 6 8 9; the one with the fewest faults and events:\nFAIL  wordcount  mode=aligned  seed=8\n")
	require.NotContains(t, text, "seed=4\n", "a group is printed once")
	require.Contains(t, text, "seed=5\n", "another oracle")
	require.Contains(t, text, "seed=7\n", "another last fault")
	require.Contains(t, text, "seed=10\n", "another message")
}

// TestCanaryIsGrouped: what fails in a real sweep has its last fault, and how long it
// took is told.
func TestCanaryIsGrouped(t *testing.T) {
	r := sweepOf(t, SweepOptions{Scenarios: []string{"canary"}, Seeds: 16, Seed: 1, KeepGoing: true, Strategy: Uniform})
	require.Less(t, len(r.Groups), len(r.Failures), "%s", r.Text())
	count := 0
	for _, g := range r.Groups {
		require.Len(t, g.Seeds, g.Count)
		require.Equal(t, g.Seeds[0], g.FirstSeed)
		require.Contains(t, g.Seeds, g.Best)
		require.Contains(t, g.LastFault, "crash")
		count += g.Count
	}
	require.Equal(t, len(r.Failures), count)
	require.Equal(t, r.Failures[0].Seed, r.FirstFailure.Seed)
	require.Equal(t, int(r.FirstFailure.Seed), r.FirstFailure.Runs, "seeds count from 1")
	require.Positive(t, r.FirstFailure.Seconds)
	require.LessOrEqual(t, r.FirstFailure.Seconds, r.WallSeconds)
}

// lost is what a failing run must still say when its trace could not be saved.
func lost(t *testing.T, dir, why string) {
	t.Helper()
	var log strings.Builder
	r, err := Sweep(SweepOptions{Scenarios: []string{"canary"}, Seeds: 16, Seed: 1, Failures: dir, Log: &log})
	require.NoError(t, err)
	require.Equal(t, Fail, r.Verdict)
	require.Len(t, r.Failures, 1)
	f := r.Failures[0]
	require.Contains(t, f.NotSaved, why)
	require.Empty(t, f.Trace)
	require.Empty(t, f.Replay)
	require.True(t, strings.HasPrefix(f.Rerun, "simrun run canary --seed "), f.Rerun)
	require.Contains(t, log.String(), "could not be saved: ")
	require.Contains(t, r.Text(), "\n  not saved    ")
	require.Contains(t, r.Text(), "\n  again        "+f.Rerun+"\n")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range left {
		require.NotContains(t, e.Name(), ".tmp")
	}
}

// TestTraceCanNotBeSaved: something is in the way of each trace.
func TestTraceCanNotBeSaved(t *testing.T) {
	dir := t.TempDir()
	for seed := range uint64(17) {
		for _, m := range canary().Modes {
			require.NoError(t, os.Mkdir(filepath.Join(dir, failureName(canary(), m, seed)), 0o755))
		}
	}
	lost(t, dir, "is a directory, not a place for a file")
}
