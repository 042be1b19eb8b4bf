package simtest_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/scenarios"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/simtest"
)

// numbered are lines that are all different.
func numbered(n int) []string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("line %d", i))
	}
	return lines
}

func upper(j *engine.Job) {
	lines := engine.FromSource(j, "lines", simtest.Source())
	engine.ToSink(engine.Map(lines, "upper", strings.ToUpper), simtest.SinkUID, simtest.Sink(file.Line))
}

// firsts are the first six bytes of each line, by themselves.
func firsts(j *engine.Job) engine.KeyedStream[string, string] {
	first := engine.Map(engine.FromSource(j, "lines", simtest.Source()), "first", func(l string) string { return l[:6] })
	return engine.KeyBy(first, func(l string) string { return l[:6] })
}

// growing commits for each line how many like it there were, from state.
func growing(j *engine.Job) {
	sum := engine.Reduce(firsts(j), "sum", func(acc, _ string) string { return acc + "+" })
	engine.ToSink(sum, simtest.SinkUID, simtest.Sink(file.Line))
}

// remembering does so from what no checkpoint has.
func remembering(j *engine.Job) {
	seen := map[string]int{}
	last := engine.Reduce(firsts(j), "last", func(_, l string) string { return l })
	text := engine.Map(last, "number", func(l string) string { seen[l]++; return fmt.Sprint(l, " ", seen[l]) }) //weir:allow it must be found
	engine.ToSink(text, simtest.SinkUID, simtest.Sink(file.Line))
}

func TestRun(t *testing.T) {
	simtest.Run(t, simtest.Job{Job: upper, Input: numbered(300), Content: true})
}

func TestARunIsAllOfASeed(t *testing.T) {
	job := simtest.Job{Job: remembering, Input: numbered(200)}
	first, _, err := simtest.Search(job, simtest.Options{Runs: 20})
	require.NoError(t, err)
	require.NotNil(t, first)
	require.Len(t, first.Plan, 1)
	require.Less(t, len(first.Input), 10)
	require.Contains(t, first.Text(), "none of them can be left out")
	again, _, err := simtest.Search(job, simtest.Options{Seed: first.Seed, Runs: 1})
	require.NoError(t, err)
	require.Equal(t, first.Report.TraceHash, again.Report.TraceHash)
	require.Equal(t, first.Input, again.Input)
	require.Equal(t, first.Plan, again.Plan)
}

func TestCheck(t *testing.T) {
	seen := map[simtest.Mode]int{}
	repeated := 0
	job := simtest.Job{Job: growing, Draw: func(r *rand.Rand) []string { return numbered(150 + r.IntN(50)) }, Content: true, Slow: []string{"sum"}}
	job.Check = func(r *simtest.Result) error {
		seen[r.Mode]++
		if r.Repeats {
			repeated++
		} else {
			require.ElementsMatch(t, r.Want, r.Committed)
		}
		if len(r.Input) < 150 || r.Input[0] != "line 0" || len(r.Committed) < len(r.Input) {
			return errors.New("lines are lost")
		}
		return nil
	}
	simtest.Run(t, job)
	require.Len(t, seen, 4)
	require.Positive(t, repeated, "some run at least once has come to this")

	job.Check = func(r *simtest.Result) error {
		if r.Restores > 0 {
			return errors.New("restored, and I do not like that")
		}
		return nil
	}
	f, _, err := simtest.Search(job, simtest.Options{Keep: t.TempDir(), Command: func(seed uint64, m simtest.Mode) string { return fmt.Sprint("go ", seed, m) }})
	require.NoError(t, err)
	require.NotNil(t, f)
	require.Len(t, f.Plan, 1)
	require.Len(t, f.Input, 1)
	text := f.Text()
	for _, part := range []string{
		"FAIL  job  mode=", "\n  promise      what is committed is what the reference", "\n  check        restored, and I do not like that (event ",
		"\n  cause        ", "\n  rerun        agreed, hash ", "\n  shrunk       to 1 line and 1 fault, of ", "\n  input        line ",
		fmt.Sprint("\n  again        go ", f.Seed, f.Mode), "\n  trace        " + f.Report.Saved,
	} {
		require.Contains(t, text, part)
	}
	require.FileExists(t, f.Report.Saved)
}

// Lines are what they are, empty ones too.
func TestLines(t *testing.T) {
	input := append(numbered(30), "", "x", "")
	simtest.Run(t, simtest.Job{Job: upper, Input: input, Check: func(r *simtest.Result) error {
		if !slices.Equal(r.Input, input) || len(r.Committed) != len(input) {
			return fmt.Errorf("%q became %q", input, r.Committed)
		}
		return nil
	}})
}

func TestPlan(t *testing.T) {
	job := simtest.Job{Job: remembering, Input: numbered(100)}
	f, sum, err := simtest.Search(job, simtest.Options{Runs: 6, Plan: faults.Plan{}})
	require.NoError(t, err)
	require.Nil(t, f, "without a crash nothing is forgotten")
	require.Zero(t, sum.Crashes)
	plan := faults.Plan{{Name: "f1", Kind: faults.ProcessCrash, Target: "jm", When: faults.Trigger{On: "completed", Nth: 1}, For: time.Millisecond}}
	f, _, err = simtest.Search(job, simtest.Options{Runs: 6, Plan: plan})
	require.NoError(t, err)
	require.NotNil(t, f)
	require.Equal(t, plan, f.Plan)
}

// first objects to the first event of a kind.
type first struct{ kind host.EventKind }

func (o first) ID() string { return "first" }
func (o first) OnEvent(w *sim.World, e *host.Event) *sim.Violation {
	if e.Kind != o.kind {
		return nil
	}
	return &sim.Violation{Message: "it is here", Event: w.EventNumber(), Time: w.Now()}
}
func (o first) OnEnd(*sim.World) *sim.Violation { return nil }

func TestOracles(t *testing.T) {
	for kind, want := range map[host.EventKind]bool{host.CheckpointCompleted: true, host.TaskFailed: false} { // unordered: cases
		made := 0
		f, sum, err := simtest.Search(simtest.Job{Job: upper, Input: numbered(50), Modes: []simtest.Mode{simtest.Aligned},
			Oracles: func() []sim.Oracle[host.Event] { made++; return []sim.Oracle[host.Event]{first{kind}} }}, simtest.Options{Runs: 2})
		require.NoError(t, err)
		require.Equal(t, want, f != nil)
		require.GreaterOrEqual(t, made, 2)
		if !want {
			require.Equal(t, 2, sum.Runs)
			continue
		}
		require.Equal(t, "first", f.Report.Violations[0].Oracle)
		require.Len(t, f.Input, 1)
		require.Empty(t, f.Plan, "it happens without faults")
	}
}

var outlived int

// A job that is not the same each time is told from one that breaks a promise.
func TestNondeterminism(t *testing.T) {
	f, _, err := simtest.Search(simtest.Job{Input: numbered(100), Job: func(j *engine.Job) {
		lines := engine.FromSource(j, "lines", simtest.Source())
		text := engine.Map(lines, "n", func(l string) string { outlived++; return l + strings.Repeat("x", outlived%7) }) //weir:allow it must be found
		engine.ToSink(text, simtest.SinkUID, simtest.Sink(file.Line))
	}, Unmodelled: true, Check: func(*simtest.Result) error { return nil }}, simtest.Options{Runs: 3, Keep: t.TempDir()})
	require.NoError(t, err)
	require.NotNil(t, f)
	require.Equal(t, scenarios.Nondeterministic, f.Report.Verdict)
	require.Contains(t, f.Text(), "NOT DETERMINISTIC")
}

func TestUnmodelled(t *testing.T) {
	job := simtest.Job{Job: remembering, Input: numbered(200), Unmodelled: true}
	job.Check = func(r *simtest.Result) error {
		if len(r.Committed) < len(r.Input) || r.Mode != simtest.AtLeastOnce && len(r.Committed) > len(r.Input) {
			return fmt.Errorf("%d lines of %d", len(r.Committed), len(r.Input))
		}
		return nil
	}
	simtest.Run(t, job)
}

func TestRefusals(t *testing.T) {
	good := simtest.Job{Job: upper, Input: numbered(20)}
	with := func(change func(j *simtest.Job)) simtest.Job {
		j := good
		change(&j)
		return j
	}
	for _, c := range []struct {
		job  simtest.Job
		o    simtest.Options
		want string
	}{
		{with(func(j *simtest.Job) { j.Job = nil }), simtest.Options{}, "simtest: Job.Job is nil; it must describe the job"},
		{with(func(j *simtest.Job) { j.Input = nil }), simtest.Options{}, "simtest: Job has neither Input nor Draw; it must have one of them"},
		{with(func(j *simtest.Job) { j.Draw = func(*rand.Rand) []string { return nil } }), simtest.Options{}, "simtest: Job has both Input and Draw; it must have one of them"},
		{with(func(j *simtest.Job) { j.Input = []string{"a", "b\nc"} }), simtest.Options{}, `simtest: line 2 of the input, "b\nc", has a newline in it; give one line each`},
		{with(func(j *simtest.Job) { j.Modes = []simtest.Mode{"quick"} }), simtest.Options{}, `simtest: unknown mode "quick"; there is: aligned, unaligned, at-least-once, timeout`},
		{good, simtest.Options{Modes: []simtest.Mode{"quick"}}, `simtest: unknown mode "quick"; job has: aligned, unaligned, at-least-once, timeout`},
		{good, simtest.Options{Runs: -1}, "simtest: Options.Runs is -1; it must be at least 0"},
		{with(func(j *simtest.Job) { j.Unmodelled = true }), simtest.Options{}, "simtest: Job is Unmodelled and has neither Check nor Oracles: nothing would judge its output"},
		{with(func(j *simtest.Job) { j.Job = func(*engine.Job) {} }), simtest.Options{}, "simtest: invalid job: it has no source; add one with FromSource"},
		{with(func(j *simtest.Job) {
			j.Job = func(j *engine.Job) {
				engine.ToSink(engine.FromSource(j, "lines", simtest.Source()), "out", simtest.Sink(file.Line))
			}
		}), simtest.Options{}, `simtest: job has the sinks ["out"]; it must have one, of uid "sink"`},
	} {
		f, _, err := simtest.Search(c.job, c.o)
		require.Nil(t, f)
		require.EqualError(t, err, c.want)
	}
}

// record is a test that notes how it ends.
type record struct {
	testing.TB
	fatal, log string
	dir        string
}

func (r *record) Helper()             {}
func (r *record) Name() string        { return "TestIt/a b" }
func (r *record) ArtifactDir() string { return r.dir }
func (r *record) Log(args ...any)     { r.log = fmt.Sprint(args...) }
func (r *record) Fatal(args ...any)   { r.fatal = fmt.Sprint(args...); panic(r) }
func (r *record) Fatalf(format string, args ...any) {
	r.fatal = fmt.Sprintf(format, args...)
	panic(r)
}

// under runs a job as a test would with these flags, and says how it ended.
func under(t *testing.T, j simtest.Job, flags ...string) *record {
	r := &record{TB: t, dir: t.TempDir()}
	for _, f := range flags {
		name, value, _ := strings.Cut(f, "=")
		require.NoError(t, flag.Set(name, value))
	}
	func() {
		defer func() {
			if v := recover(); v != nil && v != any(r) {
				panic(v)
			}
		}()
		simtest.Run(r, j)
	}()
	return r
}

func TestFlags(t *testing.T) {
	for _, f := range []string{"weir.seed", "weir.runs", "weir.mode", "weir.plan", "weir.out"} {
		old := flag.Lookup(f).Value.String()
		t.Cleanup(func() { require.NoError(t, flag.Set(f, old)) })
	}
	good := simtest.Job{Job: upper, Input: numbered(100)}
	require.Contains(t, under(t, good, "weir.runs=4").log, "4 runs, ")
	require.Equal(t, "-weir.runs is -1; it must be at least 1", under(t, good, "weir.runs=-1").fatal)
	require.Equal(t, "-weir.runs is 0; it must be at least 1", under(t, good, "weir.runs=0").fatal)
	require.Equal(t, `simtest: unknown mode "x"; TestIt-a-b has: aligned, unaligned, at-least-once, timeout`, under(t, good, "weir.runs=1", "weir.mode=x").fatal)

	bad := simtest.Job{Job: remembering, Input: numbered(100)}
	text := under(t, bad, "weir.runs=20", "weir.mode=unaligned").fatal
	require.Contains(t, text, "FAIL  TestIt-a-b  mode=unaligned  seed=")
	require.Contains(t, text, "again        go test -run '^TestIt$/^a b$' -weir.seed=")
	require.Contains(t, text, "trace        is kept with -artifacts, or with -weir.out DIR")

	dir := filepath.Join(t.TempDir(), "kept")
	text = under(t, bad, "weir.out="+dir).fatal
	require.Contains(t, text, "trace        "+dir)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	require.Equal(t, "-weir.out "+files[0]+" is not a directory; name one, or what may become one", under(t, good, "weir.out="+files[0]).fatal)
}

// TestPlanFlag: every run goes under the faults of a file, with as many workers as it
// names, and a mistake in it is named with its place.
func TestPlanFlag(t *testing.T) {
	for _, f := range []string{"weir.runs", "weir.plan"} {
		old := flag.Lookup(f).Value.String()
		t.Cleanup(func() { require.NoError(t, flag.Set(f, old)) })
	}
	good := simtest.Job{Job: upper, Input: numbered(200)}
	plan := filepath.Join(t.TempDir(), "plan")
	as := func(text string) *record {
		require.NoError(t, os.WriteFile(plan, []byte(text), 0o644))
		return under(t, good, "weir.runs=3", "weir.plan="+plan)
	}
	require.Contains(t, as("# one crash, and it must happen\nf1! on completed#1  crash tm6 process for=100ms\n").log, "3 runs, 3 of which restored a checkpoint: 3 crashes")
	require.Contains(t, as("# none\n").log, "3 runs, 0 of which restored a checkpoint: 0 crashes")
	require.Equal(t, "-weir.plan "+plan+`: line 2, column 20: unknown fault "crush"; there is: `, before(as("\nf1! on completed#1 crush tm1\n").fatal, "crash,"))
	require.Equal(t, `simtest: the plan for TestIt-a-b: line 3, column 27: unknown node "tm9"; there is: jm, tm1, tm2, tm3, tm4, tm5, tm6, tm7, tm8`,
		as("# far\n\nf1! on completed#1  crash tm9 process for=100ms\n").fatal)
	require.Equal(t, `simtest: the plan for TestIt-a-b: line 1, column 27: unknown operator "lower"; there is: lines, upper, sink`, as("f1 from the start    slow lower by=200%").fatal)
	require.Equal(t, "-weir.plan: open "+plan+"s: no such file or directory; name a file with a fault on each line", under(t, good, "weir.plan="+plan+"s").fatal)

	require.NoError(t, os.WriteFile(plan, []byte("a on completed#1  crash jm process for=100ms\n"), 0o644))
	text := under(t, simtest.Job{Job: remembering, Input: numbered(300), Modes: []simtest.Mode{simtest.Aligned}}, "weir.runs=20", "weir.plan="+plan).fatal
	require.Contains(t, text, "faults       a  on completed#1  crash jm  process for=100ms")
	require.Contains(t, text, "-weir.plan="+plan+"\n")
}

// before is what a text has before another.
func before(text, end string) string {
	head, _, _ := strings.Cut(text, end)
	return head
}
