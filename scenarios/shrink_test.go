package scenarios

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// failed records a failing run of the canary.
func failed(t *testing.T) (dir string, rep *Report) {
	t.Helper()
	dir = t.TempDir()
	rep, err := Run(RunOptions{Scenario: "canary", Mode: string(Aligned), Seed: 1, Strategy: Swarm, Lines: 300, Failures: dir})
	require.NoError(t, err)
	require.Equal(t, Fail, rep.Verdict)
	require.Contains(t, rep.Again, "simrun shrink "+rep.Saved)
	return dir, rep
}

// TestShrink: a failure of some hundred records and several faults comes down to a
// handful, fails by the same oracle, and what is written says so when it is run again.
func TestShrink(t *testing.T) {
	dir, rep := failed(t)
	s, err := ShrinkTrace(ShrinkOptions{Trace: rep.Saved, Budget: time.Minute})
	require.NoError(t, err)
	require.True(t, s.Minimal)
	require.Equal(t, rep.Violations[0].Oracle, s.Oracle)
	require.Equal(t, s.Oracle, s.Report.Violations[0].Oracle)
	require.Greater(t, s.From.Faults, 2)
	require.Equal(t, 300, s.From.Records)
	require.Equal(t, rep.Events, s.From.Events)
	require.LessOrEqual(t, s.To.Faults, 1)
	require.LessOrEqual(t, s.To.Records, 5)
	require.Equal(t, 1, s.To.Workers)
	require.Zero(t, s.To.Draws, "the schedule is plain")
	require.Less(t, s.Chain, 60)

	require.Equal(t, filepath.Join(dir, "canary-aligned-1.txt"), s.Case)
	c, err := ReadCase(s.Case)
	require.NoError(t, err)
	require.Equal(t, []Failing{{Oracle: s.Oracle}}, c.Fails)
	require.Contains(t, c.Reaches, "fault "+c.Plan[0].Name)
	again, err := RunCase(c, RunOptions{})
	require.NoError(t, err)
	require.Equal(t, s.Oracle+" objects, as it says", again.Case)
	p, err := Replay(s.Trace)
	require.NoError(t, err)
	require.True(t, p.Agreed)
	require.Equal(t, s.Report.TraceHash, p.TraceHash)
	for _, part := range []string{"promise", "cause", "shrunk", "chain", s.Case, "simrun replay " + s.Trace, "Promised: none can be kept", "fault     f"} {
		require.Contains(t, s.Text(), part)
	}

	// The shrunk run's own trace can't be made smaller.
	again2, err := ShrinkTrace(ShrinkOptions{Trace: s.Trace, Out: filepath.Join(dir, "again.txt"), Budget: time.Minute})
	require.NoError(t, err)
	require.Equal(t, s.To, again2.To)
	require.Zero(t, again2.Taken)
}

// TestShrinkIsTheSameBesideOthers: the case, and the runs that it takes, do not depend on
// how many run at a time.
func TestShrinkIsTheSameBesideOthers(t *testing.T) {
	r := runOf(t, RunOptions{Scenario: "canary", Mode: string(Aligned), Seed: 1, Strategy: Swarm, Lines: 300})
	c, err := r.caseOf()
	require.NoError(t, err)
	one, err := shrinkCase(c, ShrinkOptions{Budget: time.Minute, Jobs: 1})
	require.NoError(t, err)
	four, err := shrinkCase(c, ShrinkOptions{Budget: time.Minute, Jobs: 4})
	require.NoError(t, err)
	require.True(t, one.Minimal && four.Minimal)
	require.Equal(t, one.text, four.text)
	require.Equal(t, one.Runs, four.Runs)
}

// TestShrinkWithinItsBudget: what has been found when the time is over is written.
func TestShrinkWithinItsBudget(t *testing.T) {
	_, rep := failed(t)
	s, err := ShrinkTrace(ShrinkOptions{Trace: rep.Saved, Budget: time.Nanosecond})
	require.NoError(t, err)
	require.False(t, s.Minimal)
	require.Equal(t, s.From, s.To)
	require.Contains(t, s.Text(), "the time was over")
	require.Contains(t, s.Text(), "... 280 more records")
	require.Less(t, len(s.Text()), 20_000)
}

func TestShrinkRefuses(t *testing.T) {
	dir := t.TempDir()
	passed := filepath.Join(dir, "run.trace")
	_, err := Run(RunOptions{Scenario: "wordcount", Mode: string(Aligned), Seed: 1, Lines: 20, Trace: passed})
	require.NoError(t, err)
	_, err = ShrinkTrace(ShrinkOptions{Trace: passed})
	usageError(t, err, "is of a run that passed; only a failure can be made smaller")
	_, err = ShrinkTrace(ShrinkOptions{Trace: passed, Budget: -1})
	usageError(t, err, "--budget is -1ns; it must be more than 0")
	_, err = ShrinkTrace(ShrinkOptions{Trace: filepath.Join(dir, "missing")})
	usageError(t, err, "missing")
	_, rep := failed(t)
	_, err = ShrinkTrace(ShrinkOptions{Trace: rep.Saved, Out: dir})
	usageError(t, err, "is a directory; name a file")
	_, err = ShrinkTrace(ShrinkOptions{Trace: rep.Saved, Out: rep.Saved})
	usageError(t, err, "is the same file as")
	_, err = ShrinkTrace(ShrinkOptions{Trace: rep.Saved, Out: filepath.Join(dir, "no", "case.txt")})
	usageError(t, err, "make it first")
}

// TestSweepShrinksItsFirstFailure: and only that.
func TestSweepShrinksItsFirstFailure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "failures")
	small := canary()
	small.SweepLines = []int{300}
	rep, err := newSweep(SweepOptions{Seeds: 6, Jobs: 1, KeepGoing: true, Failures: dir, Shrink: time.Minute}, []*Scenario{small}).run()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(rep.Failures), 2)
	first, second := rep.Failures[0], rep.Failures[1]
	require.Equal(t, strings.TrimSuffix(first.Trace, ".trace")+".txt", first.Case)
	require.Empty(t, second.Case)
	require.NoFileExists(t, strings.TrimSuffix(second.Trace, ".trace")+".txt")
	c, err := ReadCase(first.Case)
	require.NoError(t, err)
	require.LessOrEqual(t, len(c.Records), 10)
	require.Contains(t, rep.Text(), "simrun run --case "+first.Case)
}
