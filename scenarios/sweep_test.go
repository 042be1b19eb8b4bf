package scenarios

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/faults"
)

// timeless is a sweep's report as JSON without what depends on time.
func timeless(t *testing.T, r *SweepReport) string {
	t.Helper()
	c := *r
	c.WallSeconds, c.EventsPerSecond, c.RunsPerSecond = 0, 0, 0
	if c.FirstFailure != nil {
		first := *c.FirstFailure
		first.Seconds, c.FirstFailure = 0, &first
	}
	text, err := json.MarshalIndent(&c, "", " ")
	require.NoError(t, err)
	return string(text)
}

func sweepOf(t *testing.T, o SweepOptions) *SweepReport {
	t.Helper()
	o.Failures = t.TempDir()
	r, err := Sweep(o)
	require.NoError(t, err)
	return r
}

// TestSweep: every scenario in every mode, most points reached, and worlds side by
// side don't show in the report.
func TestSweep(t *testing.T) {
	r := sweepOf(t, SweepOptions{Seeds: 84, Seed: 1000, Jobs: 2})
	require.Equal(t, Pass, r.Verdict, "%s", r.Text())
	require.Equal(t, 84, r.Runs)
	require.Empty(t, r.Failures)
	require.Equal(t, 2, r.Verified, "one run of 64 is made twice unasked")
	require.Len(t, r.ByScenario, len(All()))
	for _, s := range All() {
		for _, m := range s.Modes {
			require.Positive(t, r.ByScenario[s.Name][m].Runs, "%s %s", s.Name, m)
			require.Positive(t, r.ByScenario[s.Name][m].Restores, "%s %s", s.Name, m)
		}
	}
	require.Greater(t, r.Coverage.Hit*10, r.Coverage.Reachable*6, "%s", r.Text())
	require.Equal(t, notReachable, r.Coverage.Points["restore of in-flight data"][Aligned])
	require.Empty(t, r.Violations)
	text := r.Text()
	for _, part := range []string{"PASS  sweep  84 runs, 0 failures, 2 made twice with the same hash\n", "machine-crash ", "a parallelism above 1 ", "\ncoverage  "} {
		require.Contains(t, text, part)
	}
}

// TestDefaultSweep: a sweep as the command makes it unasked shows every kind of fault.
func TestDefaultSweep(t *testing.T) {
	r := sweepOf(t, SweepOptions{Seed: 1})
	require.Equal(t, Pass, r.Verdict, "%s", r.Text())
	for _, kind := range faults.Kinds() {
		require.Positive(t, r.Faults[string(kind)], kind)
	}
}

// TestSweepRepeats: the same list gives the same report, whatever the jobs; and its
// shards together are the whole.
func TestSweepRepeats(t *testing.T) {
	o := SweepOptions{Scenarios: []string{"wordcount"}, Seeds: 24, Seed: 7, Jobs: 1}
	whole := sweepOf(t, o)
	o.Jobs = 5
	require.Equal(t, timeless(t, whole), timeless(t, sweepOf(t, o)))
	runs, events, hits := 0, uint64(0), map[string]int{}
	for i := range 3 {
		o.Shard = Shard{i + 1, 3}
		part := sweepOf(t, o)
		require.Equal(t, 8, part.Runs)
		runs, events = runs+part.Runs, events+part.Events
		for name, row := range part.Coverage.Points { // unordered: sums
			for _, n := range row { // unordered: sums
				if n, ok := n.(int); ok {
					hits[name] += n
				}
			}
		}
	}
	require.Equal(t, whole.Runs, runs)
	require.Equal(t, whole.Events, events)
	for name, row := range whole.Coverage.Points { // unordered: each by itself
		for _, n := range row { // unordered: sums
			if n, ok := n.(int); ok {
				hits[name] -= n
			}
		}
		require.Zero(t, hits[name], name)
	}
}

// TestListOfRuns: seeds count up, pairs come round-robin, and what is drawn for a run
// depends on its seed alone.
func TestListOfRuns(t *testing.T) {
	for _, o := range []SweepOptions{{Seed: 1}, {Seed: 1<<64 - 3}} {
		s := newSweep(o, All())
		n := len(s.pairs)
		every := map[pair]int{}
		for i := range 12 * n {
			sc, r := s.options(i)
			require.Equal(t, o.Seed+uint64(i), r.Seed)
			require.Equal(t, sc.Name, r.Scenario)
			require.Contains(t, []Strategy{Uniform, Swarm, POS, CrashEverywhere}, r.Strategy)
			require.Contains(t, append(sc.sweepLines(), sc.baseLines()...), r.Lines)
			every[pair{sc, Mode(r.Mode)}]++
			if (i+1)%n == 0 {
				for p, times := range every { // unordered: each by itself
					require.Equal(t, (i+1)/n, times, "%s %s", p.scenario.Name, p.mode)
				}
			}
		}
	}
	two := newSweep(SweepOptions{Shard: Shard{2, 2}}, []*Scenario{{Name: "x", Modes: []Mode{Aligned, Unaligned}}})
	modes := map[string]int{}
	for i := range 32 {
		_, r := two.options(two.number(i))
		modes[r.Mode]++
	}
	require.Equal(t, map[string]int{"aligned": 16, "unaligned": 16}, modes, "every second run is not always of the same mode")
}

func TestSweepForAWhile(t *testing.T) {
	begin := time.Now()
	r := sweepOf(t, SweepOptions{Scenarios: []string{"wordcount"}, For: 300 * time.Millisecond, Jobs: 2})
	require.GreaterOrEqual(t, time.Since(begin), 300*time.Millisecond)
	require.Positive(t, r.Runs)
	require.Equal(t, Pass, r.Verdict)
}

// TestCanary: it fails by the output oracle with every strategy, and the first failure
// in the list ends a sweep, whichever comes first in time.
func TestCanary(t *testing.T) {
	for _, strategy := range Strategies() {
		r := sweepOf(t, SweepOptions{Scenarios: []string{"canary"}, Seeds: 50, Seed: 1, Strategy: strategy})
		require.Equal(t, Fail, r.Verdict, "%s", strategy)
		require.Equal(t, "output", r.Failures[0].Oracle)
		require.Contains(t, r.Failures[0].Rerun, "--seed")
		if strategy != Portfolio && strategy != Uniform {
			require.Contains(t, r.Failures[0].Rerun, "--strategy "+string(strategy))
		}
	}
	o := SweepOptions{Scenarios: []string{"canary"}, Seeds: 16, Seed: 1, KeepGoing: true}
	all := sweepOf(t, o)
	require.Equal(t, 16, all.Runs)
	require.Greater(t, len(all.Failures), 4)
	require.Equal(t, Fail, all.Verdict)
	o.KeepGoing = false
	for _, jobs := range []int{1, 3} {
		o.Jobs = jobs
		first := sweepOf(t, o)
		require.Len(t, first.Failures, 1)
		f := first.Failures[0]
		require.Equal(t, all.Failures[0].Seed, f.Seed)
		require.Equal(t, int(f.Seed), first.Runs, "seeds count from 1")
		require.Equal(t, "output", f.Oracle)
		require.Contains(t, first.Text(), f.Rerun+"\n")
		p, err := Replay(f.Trace)
		require.NoError(t, err)
		require.True(t, p.Agreed)
		require.Equal(t, Fail, p.Verdict)
	}
	require.NotContains(t, All(), "canary")
}

// TestNotReproducible: a job that reads what is outside of it has other contents on
// its wires each time, although its output is right.
func TestNotReproducible(t *testing.T) {
	var outside atomic.Int64
	s := wordcount()
	s.Name = "wordcount" // a rerun finds it
	s.Job = func(Pace) func(*engine.Job) {
		return func(j *engine.Job) {
			lines := engine.FromSource(j, "lines", file.Lines(InputFile))
			more := engine.FlatMap(lines, "more", func(line string, emit func(string)) {
				emit(line)
				//weir:allow what a sweep must notice
				emit(fmt.Sprint("\x00", outside.Add(1)))
			})
			keyed := engine.KeyBy(more, func(line string) string { return line })
			own := engine.Process(keyed, "own", func() engine.ProcessFunction[string, string, string] { return own{} })
			engine.ToSink(own, SinkUID, file.Sink(OutputDir, file.Line))
		}
	}
	s.Modes, s.Slow, s.Order = []Mode{Aligned}, nil, Multiset
	r, err := newSweep(SweepOptions{Seeds: 2, Seed: 1, Verify: true, Failures: t.TempDir()}, []*Scenario{s}).run()
	require.NoError(t, err)
	require.Equal(t, Nondeterministic, r.Verdict)
	require.Len(t, r.Failures, 1)
	require.Equal(t, "determinism", r.Failures[0].Oracle)
	require.Contains(t, r.Text(), "NOT DETERMINISTIC  sweep  1 runs, 1 failures")
}

// own passes on what is the input's own.
type own struct{}

func (own) Open(*engine.States[string]) {}
func (own) Process(ctx *engine.Context[string, string], line string) error {
	if !strings.HasPrefix(line, "\x00") {
		ctx.Emit(line)
	}
	return nil
}
func (own) OnTimer(*engine.Context[string, string], engine.Timer) error { return nil }

// TestShares: a share below its floor breaks the sweep's own promise, once there are
// enough runs.
func TestShares(t *testing.T) {
	for _, c := range []struct {
		runs, period int // one run in period has a crash during a checkpoint
		verdict      string
	}{{asserted, 5, Pass}, {asserted, 6, Fail}, {asserted - 1, 6, Pass}} {
		tally := newTally([]pair{{wordcount(), Aligned}, {wordcount(), Unaligned}})
		for i := range c.runs {
			tally.add(&Report{Scenario: "wordcount", Mode: []Mode{Aligned, Unaligned}[i%2], Verdict: Pass, Restores: i % 2,
				RestoredInFlight: int64(i % 4 / 3), watched: &sighted{during: i%c.period == 0, parallel: i%10 < 7}})
		}
		r := tally.report(time.Second)
		require.Equal(t, c.verdict, r.Verdict)
		require.InDelta(t, 0.5, r.Shares["restored-in-flight"].Share, 0.02, "of unaligned runs only")
		require.Empty(t, r.Failures)
		if c.verdict == Pass {
			require.Empty(t, r.Violations)
			continue
		}
		require.Len(t, r.Violations, 1, "the others are at their floors or above")
		require.Equal(t, "shares", r.Violations[0].Oracle)
		require.Contains(t, r.Violations[0].Message, "17 of 100 runs have a crash between trigger and completion")
		require.Contains(t, r.Text(), "FAIL  sweep  100 runs, 0 failures\n\nshares: ")
	}
}

func TestPointsAreDescribed(t *testing.T) {
	var names []string
	for _, p := range points {
		require.NotEmpty(t, p.name)
		require.NotEmpty(t, p.what, p.name)
		require.NotContains(t, names, p.name)
		names = append(names, p.name)
		for m, why := range p.never { // unordered: each by itself
			require.NotEmpty(t, why, "%s %s", p.name, m)
		}
	}
}

// TestWatcher: a crash at a chosen moment reaches the points that are there, and not
// those that are not.
func TestWatcher(t *testing.T) {
	input := write(t, prose(1500))
	crash := func(on string, nth int, node string) faults.Fault {
		return faults.Fault{Name: "f1", Kind: faults.ProcessCrash, Target: node, When: faults.Trigger{On: on, Nth: nth}, For: 50 * time.Millisecond}
	}
	again := func(f faults.Fault) faults.Fault {
		f.Name = "f2"
		return f
	}
	for name, c := range map[string]struct { // unordered: subtests
		plan      faults.Plan
		sees, not []point
	}{
		"nothing": {nil, nil, []point{masterCrash, workerCrash, crashCollecting, restored, recommitted, timedOut, expired}},
		"collecting": {faults.Plan{crash("checkpoint triggered", 2, "tm1")},
			[]point{workerCrash, crashCollecting, restored, abortedCollecting}, []point{masterCrash, crashSealing, crashTwice, crashBeforeFirst, restoredNothing}},
		"sealing": {faults.Plan{crash("sealing", 2, "jm")},
			[]point{masterCrash, crashSealing, sealedLost, restored}, []point{workerCrash, crashCollecting, sealedFound}},
		"uncommitted": {faults.Plan{crash("completed", 2, "tm1")},
			[]point{crashUncommitted, recommitted}, []point{crashCollecting, crashSealing, crashCommitting}},
		"before the first": {faults.Plan{crash("checkpoint triggered", 1, "tm1")},
			[]point{crashBeforeFirst, restoredNothing}, []point{crashTwice}},
		"restoring": {faults.Plan{crash("completed", 1, "tm1"), again(crash("restored", 1, "tm1"))},
			[]point{crashRestoring, crashTwice, restoredTwice}, []point{crashDeploying}},
		"deploying": {faults.Plan{crash("deploying", 1, "tm1")}, []point{crashDeploying, crashBeforeFirst}, []point{crashRestoring, crashTwice}},
		"waiting":   {faults.Plan{crash("completed", 1, "tm1"), again(crash("restarting", 1, "jm"))}, []point{crashWaiting}, []point{crashRestoring}},
		"both":      {faults.Plan{crash("completed", 1, "tm1"), again(crash("completed", 1, "jm"))}, []point{twoDown, masterCrash, workerCrash}, []point{crashRestoring}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := prepare(RunOptions{Scenario: "wordcount", Mode: string(Aligned), Seed: 3, Input: input,
				Set: []string{"execution.checkpointing.interval=20ms", "weir.task.quantum=16"}})
			require.NoError(t, err)
			r.world.plan, r.world.workers = c.plan, 2
			rep, cl, err := r.execute((*recording)(nil).observe)
			require.NoError(t, err)
			require.Equal(t, Pass, rep.Verdict, "%s", rep.Text())
			require.Empty(t, cl.Unfired())
			for _, p := range c.sees {
				require.True(t, rep.watched.points[p], "%s\n%s", points[p].name, rep.Text())
			}
			for _, p := range c.not {
				require.False(t, rep.watched.points[p], "%s\n%s", points[p].name, rep.Text())
			}
		})
	}
}

// TestSwarmMomentsAreEvents: what plans wait for is what the engine says.
func TestSwarmMomentsAreEvents(t *testing.T) {
	var known []string
	for k := host.EpochStarted; k <= host.CorruptFile; k++ {
		known = append(known, k.String())
	}
	for seed := range uint64(200) {
		for _, s := range []Strategy{Uniform, Swarm, POS, CrashEverywhere} {
			c, err := wordcount().Config(Aligned, nil)
			require.NoError(t, err)
			w := draw(s, seed, wordcount(), c, 10_000)
			require.NoError(t, c.Validate())
			require.LessOrEqual(t, c.Parallelism, c.Slots)
			for _, f := range w.plan {
				require.True(t, f.When.On == "" || slices.Contains(known, f.When.On), f.When.On)
			}
		}
	}
}

func TestStrategies(t *testing.T) {
	counts := map[Strategy]int{}
	for seed := range uint64(100) {
		s := Portfolio.of(seed)
		counts[s]++
		require.Equal(t, s, s.of(seed))
	}
	sum := 0
	for _, x := range shares {
		sum += x.parts
	}
	require.Len(t, counts, len(shares))
	for _, x := range shares {
		require.InDelta(t, 100*x.parts/sum, counts[x.strategy], 15, "%s", x.strategy)
		require.Equal(t, x.strategy, x.strategy.of(7))
	}
	for _, text := range []string{"pso", "crash everywhere", "", "Swarm"} {
		_, err := ParseStrategy(text)
		usageError(t, err, "unknown strategy", "there is: "+names(Strategies()))
	}
}

// TestStrategyAndLinesOfARun: a rerun and a replay have them from the command and the
// trace.
func TestStrategyAndLinesOfARun(t *testing.T) {
	input := write(t, prose(60))
	o := RunOptions{Seed: 5, Input: input, Lines: 25}
	seen := map[string]Strategy{hash(t, o): Uniform}
	for _, o.Strategy = range []Strategy{Swarm, POS, CrashEverywhere} {
		path, r := recorded(t, o)
		require.Equal(t, Pass, r.Verdict, "%s", r.Text())
		require.Equal(t, int64(25), r.RecordsIn)
		require.Equal(t, o.Strategy, r.Strategy)
		p, err := Replay(path)
		require.NoError(t, err)
		require.True(t, p.Agreed)
		require.Equal(t, r.TraceHash, p.TraceHash)
		require.Empty(t, seen[r.TraceHash])
		seen[r.TraceHash] = o.Strategy
	}
	prepared, err := prepare(RunOptions{Scenario: "wordcount", Mode: "aligned", Seed: 5, Strategy: Swarm, Lines: 25})
	require.NoError(t, err)
	require.Equal(t, "simrun run wordcount --seed 5 --mode aligned --strategy swarm --lines 25", prepared.command())
	_, err = Run(RunOptions{Scenario: "wordcount", Mode: "aligned", Input: input, Lines: -1})
	usageError(t, err, "--lines is -1")
}

func TestFirstLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b c"}), 1, 6).Draw(t, "lines")
		n := rapid.IntRange(1, 8).Draw(t, "n")
		text := strings.Join(lines, "\n")
		got := string(firstLines([]byte(text), n))
		if n >= len(lines) {
			require.Equal(t, text, got)
			return
		}
		require.Equal(t, strings.Join(lines[:n], "\n")+"\n", got)
	})
}

// TestInputsAreReadOnce: and a reference is computed once, and nobody can write to it.
func TestInputsAreReadOnce(t *testing.T) {
	path := write(t, "a b\na\nb\n")
	is := &inputs{}
	whole, err := is.read(wordcount(), path, 0)
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	two, err := is.read(wordcount(), path, 2)
	require.NoError(t, err)
	require.Equal(t, "a b\na\n", string(two.data))
	same, err := is.read(wordcount(), path, 2)
	require.NoError(t, err)
	require.Same(t, two, same)
	require.NotSame(t, two, whole)
	c, err := wordcount().Config(Aligned, nil)
	require.NoError(t, err)
	g, err := engine.Describe(c, wordcountJob(nil))
	require.NoError(t, err)
	want, err := two.reference(wordcount(), g)
	require.NoError(t, err)
	require.Equal(t, int64(2), want.in)
	require.ElementsMatch(t, []string{"a\t1", "b\t1", "a\t2"}, want.lines)
	require.Equal(t, len(want.lines), cap(want.lines))
	once, err := two.reference(wordcount(), g)
	require.NoError(t, err)
	require.Same(t, want, once)
}

func TestSweepRefuses(t *testing.T) {
	_, err := Sweep(SweepOptions{Scenarios: []string{"nope"}})
	usageError(t, err, `unknown scenario "nope"`)
	_, err = Sweep(SweepOptions{Scenarios: []string{"wordcount", "wordcount"}})
	usageError(t, err, `scenario "wordcount" is named twice`)
	_, err = Sweep(SweepOptions{Seeds: 3, Shard: Shard{5, 8}})
	usageError(t, err, "--shard 5/8 has none of 3 runs")
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	_, err = Sweep(SweepOptions{Failures: file})
	usageError(t, err, "--out "+file+" is not a directory")
}

func TestProgress(t *testing.T) {
	var log strings.Builder
	s := newSweep(SweepOptions{Seeds: 8, Log: &log, Terminal: true}, All())
	s.begin, s.tally = time.Now().Add(-time.Second), newTally(s.pairs)
	s.progress(false)
	require.True(t, strings.HasPrefix(log.String(), "\r0 of 8 runs, 0 failures, 0.0 runs a second"), log.String())
	require.NotContains(t, log.String(), "\n")
	log.Reset()
	s.progress(false)
	require.Empty(t, log.String(), "too soon")
	s.progress(true)
	require.Equal(t, "\r"+strings.Repeat(" ", 79)+"\r", log.String())
	log.Reset()
	s.o.Terminal = false
	s.progress(true)
	require.Empty(t, log.String())
}
