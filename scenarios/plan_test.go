package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim/trace"
)

// planFile writes a plan to a file.
func planFile(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "faults.plan")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644))
	return path
}

// TestPlanOfAFile: a run has the faults of its plan and no others, its trace has the plan
// in full, and is replayed with it though the file is gone.
func TestPlanOfAFile(t *testing.T) {
	plan := planFile(t, "# two", "f1!  on completed of jm#1  crash jm process for=50ms", "", "lost from 10ms to 300ms lose jm|tm1 with 20%")
	path := filepath.Join(t.TempDir(), "run.trace")
	rep, err := Run(RunOptions{Scenario: "wordcount", Mode: "aligned", Seed: 7, Lines: 300, Plan: plan, Trace: path})
	require.NoError(t, err)
	require.Equal(t, Pass, rep.Verdict, rep.Text())
	want := []string{"f1!  on completed of jm#1  crash jm  process for=50ms", "lost  from 10ms to 300ms  lose jm|tm1  with 20%"}
	require.Equal(t, want, rep.Plan)
	require.Equal(t, map[string]int{"process-crash": 1, "lose": 1}, rep.Faults)

	opened, err := trace.Open(path)
	require.NoError(t, err)
	require.Equal(t, strings.Join(want, "\n")+"\n", opened.Header.Extra[extraPlan])
	require.NoError(t, os.Remove(plan))
	again, err := Replay(path)
	require.NoError(t, err)
	require.True(t, again.Agreed)
	require.Equal(t, rep.TraceHash, again.TraceHash)
}

// TestDrawnPlanInAFile: the plan that a seed draws, given as a file, makes the same run.
func TestDrawnPlanInAFile(t *testing.T) {
	for _, s := range []Strategy{Uniform, Swarm, POS, CrashEverywhere} {
		o := RunOptions{Scenario: "wordcount", Mode: "unaligned", Seed: 3, Lines: 300, Strategy: s}
		drawn, err := Run(o)
		require.NoError(t, err)
		o.Plan = planFile(t, drawn.Plan...)
		given, err := Run(o)
		require.NoError(t, err)
		require.Equal(t, drawn.TraceHash, given.TraceHash)
		o.Plan = planFile(t)
		none, err := Run(o)
		require.NoError(t, err)
		require.NotEqual(t, drawn.TraceHash, none.TraceHash)
		require.Empty(t, none.Faults)
	}
}

// TestPlanNotFired: what could not happen is reported.
func TestPlanNotFired(t *testing.T) {
	rep, err := Run(RunOptions{Scenario: "wordcount", Mode: "aligned", Seed: 7, Lines: 20, Plan: planFile(t, "f1 on completed#100000 reset jm|tm1")})
	require.NoError(t, err)
	require.Equal(t, []string{"f1  on completed#100000  reset jm|tm1"}, rep.Unfired)
	require.Zero(t, rep.Faults["reset"])
}

// TestKnownTasks: a plan names subtasks as the engine's events do.
func TestKnownTasks(t *testing.T) {
	for _, s := range All() {
		r, err := s.prepare(RunOptions{Mode: string(s.Modes[0]), Seed: 1})
		require.NoError(t, err)
		_, err = faults.ParseFor("f1 on pre-committed of "+SinkUID+"/0#1 crash jm process for=1s", r.known())
		require.NoError(t, err, s.Name)
		_, err = faults.ParseFor("f1 on pre-committed of "+SinkUID+"/99#1 crash jm process for=1s", r.known())
		require.ErrorContains(t, err, `line 1, column 24: unknown subject "sink/99"; there is: `, s.Name)
	}
}

// TestViewOfAFault: a fault that is neither a crash nor damage is found in a trace, too.
func TestViewOfAFault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	_, err := Run(RunOptions{Scenario: "wordcount", Mode: "aligned", Seed: 3, Lines: 20, Trace: path,
		Plan: planFile(t, "calm  at 1ms  stall tm1|jm  for=5ms", "late  at 2ms  pause tm1  for=1ms")})
	require.NoError(t, err)
	for fault, what := range map[string]string{"calm": "! calm: stall tm1|jm", "late": "! late: pause tm1"} { // unordered: each by itself
		p, err := ReplayTrace(path, ReplayOptions{View: View{Fault: fault}, NoRun: true})
		require.NoError(t, err)
		require.Contains(t, p.Shown, what)
	}
}
