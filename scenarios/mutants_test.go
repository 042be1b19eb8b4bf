package scenarios

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/scenarios/mutants"
	"github.com/weirstream/weir/sim/trace"
)

func TestListMutants(t *testing.T) {
	all, err := ListMutants(nil)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all.Mutants), 18)
	for _, m := range all.Mutants {
		require.Contains(t, all.Text(), m.ID)
		require.Contains(t, all.Text(), m.What)
	}
	text, err := json.Marshal(all)
	require.NoError(t, err)
	require.NotContains(t, string(text), `"killed"`, "the list has no results")

	one, err := ListMutants([]string{all.Mutants[3].ID})
	require.NoError(t, err)
	require.Len(t, one.Mutants, 1)
	require.Equal(t, all.Mutants[3].ID, one.Mutants[0].ID)

	_, err = ListMutants([]string{"nope"})
	usageError(t, err, `there is no mutant "nope"; simrun mutants --list names them`)
	_, err = RunMutants(MutantsOptions{IDs: []string{"nope"}, Budget: time.Second})
	usageError(t, err, `there is no mutant "nope"`)
	_, err = RunMutants(MutantsOptions{Budget: -time.Second})
	usageError(t, err, "--budget is -1s; it must be more than 0")
	t.Setenv("PATH", "")
	_, err = RunMutants(MutantsOptions{Budget: time.Second})
	usageError(t, err, mutants.ErrNoGo.Error())
}

// TestContest: every scenario has its turn in every mode.
func TestContest(t *testing.T) {
	turn, err := contest("")
	require.NoError(t, err)
	modes := map[string][]Mode{}
	for _, c := range turn {
		modes[c.scenario.Name] = append(modes[c.scenario.Name], c.mode)
	}
	require.Len(t, modes, len(All()))
	for _, s := range All() {
		require.Equal(t, s.Modes, modes[s.Name])
	}
	turn, err = contest("wordcount")
	require.NoError(t, err)
	require.Equal(t, "wordcount", turn[0].scenario.Name)
	require.Len(t, turn, len(turn[0].scenario.Modes))
	_, err = contest("nope")
	require.Error(t, err)
}

// TestMutantsStrategy: what a patch may name is a strategy, and its runs are drawn by it.
func TestMutantsStrategy(t *testing.T) {
	for _, name := range mutants.Strategies {
		s, err := ParseStrategy(name)
		require.NoError(t, err)
		require.Equal(t, name, string(s))
	}
	c := contestant{scenario: All()[0], mode: Aligned, seed: 7}
	h := &hunt{}
	require.NotContains(t, h.args(&mutants.Patch{}, c), "--strategy")
	args := strings.Join(h.args(&mutants.Patch{Strategy: "swarm", Set: []string{"a=b"}}, c), " ")
	require.Contains(t, args, "--seed 7 --lines 150 --json --strategy swarm --set a=b")
}

// TestOutcomes: what is expected is told from what is not.
func TestOutcomes(t *testing.T) {
	kill := func(oracle string) *Outcome {
		return &Outcome{Killed: true, Oracle: oracle, Scenario: "s", Mode: Aligned, Seed: 7, Seconds: 2, traced: true, Replayed: true}
	}
	lost := kill("cut")
	lost.Replayed, lost.Message = false, "the replay of its kill agreed up to record 9 only"
	m := &Mutants{Mutants: []*Mutant{
		{ID: "a", Outcome: kill("output")},
		{ID: "b", Outcome: kill("panic")},
		{ID: "c", Outcome: &Outcome{}},
		{ID: "d", Outcome: &Outcome{}, Survives: "no oracle"},
		{ID: "e", Outcome: kill("cut"), Survives: "no oracle"},
		{ID: "f", Outcome: &Outcome{Problem: "it does not build"}},
		{ID: "g", Outcome: &Outcome{Problem: "it does not build"}, Survives: "no oracle"},
		{ID: "h", Outcome: lost},
		{ID: "i", Outcome: kill("cut"), Alone: "cut"},
		{ID: "j", Outcome: kill("cut"), Alone: "output"},
		{ID: "k", Outcome: kill("cut"), Strategy: "swarm"},
	}}
	m.score()
	require.Equal(t, &Score{Killed: 7, KilledByPanic: 1, Total: 11, Unexpected: 6}, m.Score)
	text := strings.Join(strings.Fields(m.Text()), " ")
	for _, part := range []string{"killed a 0 runs 2.0 s built in 0.0 s by output: s aligned seed 7", "killed b", "SURVIVED c", "survives d",
		"as expected: no oracle", "KILLED e", "and was expected to survive: no oracle", "NOT JUDGED f", "it does not build", "NOT JUDGED g",
		"NOT REPLAYED h", "agreed up to record 9 only", "killed i", "NOT ALONE j", "expected to be noticed by output alone, was by cut",
		"by cut: s aligned seed 7 strategy swarm",
		"7 of 11 killed, 1 of them only by a panic or an assertion; a kill took 2.0 s in the median, 2.0 s at most; 6 did not end as expected"} {
		require.Contains(t, text, part)
	}
}

// script makes an executable of a shell script.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "exe")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755))
	return path
}

// TestVerdictOfAProcess: only a report is a verdict, or a panic that Go printed.
func TestVerdictOfAProcess(t *testing.T) {
	ctx := context.Background()
	rep, err := simulateBy(ctx, script(t, `echo '{"verdict":"pass"}'`), nil)
	require.NoError(t, err)
	require.Equal(t, Pass, rep.Verdict)

	rep, err = simulateBy(ctx, script(t, `echo '{"verdict":"fail","violations":[{"oracle":"cut"}]}'; exit 1`), nil)
	require.NoError(t, err)
	require.Equal(t, "cut", rep.Violations[0].Oracle)

	rep, err = simulateBy(ctx, script(t, `printf 'panic: boom\n\ngoroutine 1 [running]:\n' >&2; exit 2`), nil)
	require.NoError(t, err)
	require.Equal(t, Fail, rep.Verdict)
	require.Equal(t, []Violation{{Oracle: "panic", Message: "panic: boom"}}, rep.Violations)

	_, err = simulateBy(ctx, script(t, `echo 'simrun: no' >&2; exit 2`), nil)
	require.ErrorContains(t, err, "it printed no report: exit status 2")
	require.ErrorContains(t, err, "simrun: no")
	_, err = simulateBy(ctx, script(t, `echo '{"verdict":"fail","violations":[]}'; exit 1`), nil)
	require.ErrorContains(t, err, "its verdict is fail without a violation")

	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err = simulateBy(ended, script(t, `echo '{"verdict":"pass"}'`), nil)
	require.ErrorIs(t, err, context.Canceled)
}

// TestKill: a mutant is built, killed, and its trace replayed by a plain build.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("builds simrun twice")
	}
	out := t.TempDir()
	var log strings.Builder
	m, err := RunMutants(MutantsOptions{IDs: []string{"commit-at-pre-commit"}, Budget: time.Minute, Out: out, Log: &log})
	require.NoError(t, err)
	require.Equal(t, 1, m.Killed, "%s", m.Text())
	require.Zero(t, m.Unexpected)
	require.Equal(t, "1 of 1  commit-at-pre-commit killed\n", log.String())
	got := m.Mutants[0]
	require.Contains(t, []string{"linearizable", "protocol"}, got.Oracle)
	require.Positive(t, got.BuildSeconds)
	require.Positive(t, got.Runs)
	require.True(t, got.Replayed)
	require.Nil(t, got.Objections)

	recorded, err := trace.Open(got.Trace)
	require.NoError(t, err)
	require.Equal(t, got.patch.Name(), recorded.Header.Extra[extraMutant])
	name, err := TracedMutant(got.Trace)
	require.NoError(t, err)
	require.Equal(t, got.patch.Name(), name)
	var stdout, stderr strings.Builder
	status, err := ReplayMutant(got.Trace, name, []string{"replay", got.Trace, "--json"}, &stdout, &stderr)
	require.NoError(t, err)
	require.Equal(t, 1, status, stderr.String())
	var replayed Replayed
	require.NoError(t, json.Unmarshal([]byte(stdout.String()), &replayed))
	require.True(t, replayed.Agreed)
	require.Equal(t, Fail, replayed.Verdict)
}

// TestReplayOfUnknownMutant: what can't be built is named.
func TestReplayOfUnknownMutant(t *testing.T) {
	_, err := ReplayMutant("t", "nope@0123456789abcdef", nil, nil, nil)
	usageError(t, err, "trace t was recorded by mutant nope@0123456789abcdef, which can't be built", `there is no mutant "nope"`)
	_, err = ReplayMutant("t", "commit-at-pre-commit@0123456789abcdef", nil, nil, nil)
	usageError(t, err, "its patch is another one now, with hash ")
	t.Setenv("PATH", "")
	all, err := ListMutants([]string{"commit-at-pre-commit"})
	require.NoError(t, err)
	_, err = ReplayMutant("t", all.Mutants[0].patch.Name(), nil, nil, nil)
	usageError(t, err, mutants.ErrNoGo.Error())
}
