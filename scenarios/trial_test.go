package scenarios

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTrial: a trial runs the list of a sweep, says each run that has ended, and stops at
// one that failed until it is told to go on. Its command makes the same run.
func TestTrial(t *testing.T) {
	for _, s := range Strategies() {
		order := trial{Strategy: s, Seed: 1, Scenario: "canary", Lines: 60}
		var out bytes.Buffer
		require.NoError(t, order.run(json.NewEncoder(&out), bufio.NewReader(strings.NewReader("go on\n"))))
		var failed []tried
		for d := json.NewDecoder(&out); d.More(); {
			var line tried
			require.NoError(t, d.Decode(&line))
			if line.Failed {
				failed = append(failed, line)
			}
		}
		require.Len(t, failed, 2, "the second ends it, since nobody says go on")
		require.Equal(t, "output", failed[0].Oracle)
		require.Contains(t, failed[0].Command, "simrun run canary --seed ")
		require.Contains(t, failed[0].Command, "--lines 60")
	}
	order := trial{Strategy: Uniform, Scenario: "nope"}
	require.ErrorContains(t, order.run(nil, nil), `unknown scenario "nope"`)
}

// TestTrialInTime: what nothing kills is given up when its time is over; what fails in
// the plain build, too, is an error.
func TestTrialInTime(t *testing.T) {
	exe, err := os.Executable()
	require.NoError(t, err)
	h := &hunt{plain: "/nonexistent", dir: t.TempDir(), sane: map[string]bool{}}
	runs, oracle, err := h.search(exe, trial{Strategy: Portfolio, Seed: 1, Scenario: "wordcount", Lines: 20}, time.Second)
	require.NoError(t, err)
	require.Empty(t, oracle)
	require.Positive(t, runs)
	_, _, err = h.search(exe, trial{Strategy: Uniform, Seed: 1, Scenario: "canary", Lines: 20}, time.Minute)
	require.ErrorContains(t, err, "fails without the patch, too")
	_, _, err = h.search(exe, trial{Strategy: Uniform, Seed: 1, Scenario: "nope"}, time.Minute)
	require.ErrorContains(t, err, "unknown scenario")
}

// TestTrialsWatch: what a process says is counted; its mutant is killed by a run that
// passes without the patch, and with settings of its own others are passed over.
func TestTrialsWatch(t *testing.T) {
	h := &hunt{dir: t.TempDir(), plain: "/nonexistent", sane: map[string]bool{"run\nb\n--json": true, "run\na\n--json": false}}
	said := "{}\n{}\n" + `{"failed":true,"oracle":"cut","command":"simrun run a"}` + "\n{}\n" + `{"failed":true,"oracle":"output","command":"simrun run b"}` + "\n{}\n"
	var in strings.Builder
	runs, oracle, err := h.watch(bufio.NewScanner(strings.NewReader(said)), &in, true)
	require.NoError(t, err)
	require.Equal(t, 5, runs)
	require.Equal(t, "output", oracle)
	require.Equal(t, "go on\n", in.String())
	_, _, err = h.watch(bufio.NewScanner(strings.NewReader(said)), &in, false)
	require.EqualError(t, err, "simrun run a fails without the patch, too")
	runs, oracle, err = h.watch(bufio.NewScanner(strings.NewReader("{}\n{\"fai")), &in, false)
	require.NoError(t, err)
	require.Equal(t, 1, runs)
	require.Empty(t, oracle)
}

// TestTrialsSum: medians are those of all trials, and none if half did not kill; means are
// over mutants that every strategy kills.
func TestTrialsSum(t *testing.T) {
	one := func(s Strategy, runs ...int) *TrialsOne {
		o := &TrialsOne{Strategy: s, All: runs}
		for _, n := range runs {
			o.seconds = append(o.seconds, float64(n)/10)
			if n > 0 {
				o.Killed++
			} else {
				o.seconds[len(o.seconds)-1] = math.Inf(1)
			}
		}
		o.medians()
		return o
	}
	o := one(Uniform, 9, 2, 4, -50)
	require.InDelta(t, 6.5, *o.Runs, 1e-9)
	require.InDelta(t, 0.65, *o.Seconds, 1e-9)
	require.Nil(t, one(Uniform, 9, 2, -4, -50).Runs)
	x := &Trials{
		Strategies: []Strategy{Uniform, POS}, Trials: 3, BudgetSeconds: 2,
		Mutants: []*TriedMutant{
			{ID: "a", Results: []*TrialsOne{one(Uniform, 2, 2, 9), one(POS, 8, 8, 8)}},
			{ID: "b", Results: []*TrialsOne{one(Uniform, 8, 7, 9), one(POS, 2, 1, 5)}},
			{ID: "c", Results: []*TrialsOne{one(Uniform, -8, -7, 9), one(POS, 2, 1, 5)}},
			{ID: "d", Problem: "no"},
		},
	}
	x.sum()
	require.Equal(t, []*Searched{
		{Strategy: Uniform, Mutants: 2, Common: 2, Runs: 4, Seconds: 0.4, Best: 1},
		{Strategy: POS, Mutants: 3, Common: 2, Runs: 4, Seconds: 0.4, Best: 1},
	}, x.Summary)
	require.False(t, x.Judged())
	text := x.Text()
	require.Regexp(t, `(?m)^a +2 +8$`, text)
	require.Regexp(t, `(?m)^c +1 of 3 +2$`, text)
	require.Regexp(t, `(?m)^d +NOT JUDGED: no$`, text)
	require.Regexp(t, `(?m)^runs, geometric mean of 2 +4.0 +4.0$`, text)
}
