package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/sim/cluster"
	"github.com/weirstream/weir/sim/trace"
)

// hash is the trace hash of a run that passes.
func hash(t *testing.T, o RunOptions) string {
	t.Helper()
	r := simulate(t, o)
	require.Equal(t, Pass, r.Verdict, "%s", r.Text())
	require.Len(t, r.TraceHash, 16)
	return r.TraceHash
}

func TestSameSeedSameHash(t *testing.T) {
	path := write(t, prose(120))
	for _, mode := range bothModes {
		o := RunOptions{Mode: string(mode), Seed: 7, Input: path}
		want := hash(t, o)
		for range 20 {
			require.Equal(t, want, hash(t, o))
		}
	}
}

// TestSameHashBesideOthers: a world shares nothing with those in other goroutines,
// whatever the number of processors and the collector's pace.
func TestSameHashBesideOthers(t *testing.T) {
	path := write(t, prose(120))
	const runs = 8
	options := func(i int) RunOptions {
		return RunOptions{Scenario: "wordcount", Mode: string(bothModes[i%2]), Seed: uint64(i), Input: path, Strategy: Strategies()[i/2]}
	}
	var want [runs]string
	for i := range runs {
		want[i] = hash(t, options(i))
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	for _, procs := range []int{1, 2} {
		for _, percent := range []int{20, 400} {
			runtime.GOMAXPROCS(procs)
			debug.SetGCPercent(percent)
			var got [runs]string
			var errs [runs]error
			var all sync.WaitGroup
			for i := range runs {
				all.Go(func() {
					for range 3 {
						r, err := Run(options(i))
						if errs[i] = err; err != nil {
							return
						}
						got[i] = r.TraceHash
						if got[i] != want[i] {
							return
						}
					}
				})
			}
			all.Wait()
			for i := range runs {
				require.NoError(t, errs[i])
			}
			require.Equal(t, want, got, "GOMAXPROCS %d, GC percent %d", procs, percent)
		}
	}
}

func TestOtherSeedsOtherHashes(t *testing.T) {
	path := write(t, prose(40))
	seen := map[string]string{}
	for seed := range uint64(50) {
		for _, mode := range bothModes {
			h, who := hash(t, RunOptions{Mode: string(mode), Seed: seed, Input: path}), fmt.Sprintf("seed %d, %s", seed, mode)
			require.Empty(t, seen[h], "%s has the hash of", who)
			seen[h] = who
		}
	}
}

// recorded records a run and returns the trace's path and the run's report.
func recorded(t *testing.T, o RunOptions) (string, *Report) {
	t.Helper()
	o.Trace = filepath.Join(t.TempDir(), "run.trace")
	return o.Trace, simulate(t, o)
}

func TestRecordingChangesNothing(t *testing.T) {
	path := write(t, prose(120))
	for seed := range uint64(5) {
		o := RunOptions{Mode: string(Unaligned), Seed: seed, Input: path}
		_, r := recorded(t, o)
		require.Equal(t, hash(t, o), r.TraceHash)
	}
}

func TestReplayAgrees(t *testing.T) {
	input := write(t, prose(120))
	stopped := filepath.Join(t.TempDir(), "job")
	simulate(t, RunOptions{Seed: 1, Input: input, Dir: stopped, StopAfter: 2})
	for name, o := range map[string]RunOptions{ // unordered: subtests
		"aligned":   {Seed: 3},
		"unaligned": {Seed: 4, Mode: string(Unaligned)},
		"settings":  {Seed: 5, Set: []string{"parallelism.default=3", "execution.checkpointing.interval=15ms"}},
		"stopped":   {Seed: 6, StopAfter: 1},
		"from":      {Seed: 7, From: stopped},
	} {
		t.Run(name, func(t *testing.T) {
			o.Input = input
			path, r := recorded(t, o)
			p, err := Replay(path)
			require.NoError(t, err)
			require.True(t, p.Agreed, p.difference)
			require.Nil(t, p.FirstDifference)
			require.Equal(t, r.TraceHash, p.TraceHash)
			require.Equal(t, r.Verdict, p.Verdict)
			require.Positive(t, p.Records)
			text, err := p.Text(r.Events / 2)
			require.NoError(t, err)
			require.Contains(t, text, "AGREED  wordcount")
			require.Contains(t, text, r.TraceHash)
		})
	}
}

// TestReplayOfAFailure: a failing run is saved, and replays to the same failure.
func TestReplayOfAFailure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "failures")
	o := RunOptions{
		Scenario: "wordcount", Mode: string(Aligned), Seed: 1, Input: write(t, prose(40)), Failures: dir,
		Set: []string{"restart-strategy.fixed-delay.attempts=0"},
	}
	r, err := Run(o)
	require.NoError(t, err)
	require.Equal(t, Fail, r.Verdict)
	require.Equal(t, "output", r.Violations[0].Oracle)
	require.Contains(t, r.Violations[0].Message, "after 0 restarts, as configured")
	saved := filepath.Join(dir, "wordcount-aligned-1.trace")
	require.Equal(t, []string{
		"simrun run wordcount --seed 1 --mode aligned --input " + o.Input + " --set restart-strategy.fixed-delay.attempts=0",
		fmt.Sprintf("simrun replay %s --around %d", saved, r.Violations[0].Event),
		fmt.Sprintf("simrun replay %s --html %s", saved, filepath.Join(dir, "wordcount-aligned-1-run.html")),
		"simrun shrink " + saved,
	}, r.Again)
	p, err := Replay(saved)
	require.NoError(t, err)
	require.True(t, p.Agreed, p.difference)
	require.Equal(t, Fail, p.Verdict)
	text, err := p.Text(r.Violations[0].Event)
	require.NoError(t, err)
	require.Contains(t, text, "as configured")
}

func TestReplayWantsTheSameInput(t *testing.T) {
	input := write(t, "a b c\n")
	path, _ := recorded(t, RunOptions{Seed: 3, Input: input})
	require.NoError(t, os.WriteFile(input, []byte("a b d\n"), 0o644))
	_, err := Replay(path)
	usageError(t, err, "was recorded with an input of 6 bytes", input+" now has 6 bytes")
	require.NoError(t, os.Remove(input))
	_, err = Replay(path)
	usageError(t, err, "can't be run again: --input "+input)
}

func TestReplayWantsTheSameOrigin(t *testing.T) {
	input, job := write(t, prose(40)), filepath.Join(t.TempDir(), "job")
	simulate(t, RunOptions{Seed: 1, Input: input, Dir: job, StopAfter: 2})
	path, _ := recorded(t, RunOptions{Seed: 3, Input: input, From: job})
	require.NoError(t, os.WriteFile(filepath.Join(job, OutputDir, "part-more"), nil, 0o644))
	_, err := Replay(path)
	usageError(t, err, "was recorded from "+job)
	require.NoError(t, os.RemoveAll(job))
	_, err = Replay(path)
	usageError(t, err, "can't be run again: --from "+job)
}

// TestReplayNamesTheFirstDifference: the header says seed 2, the records are seed 1's.
func TestReplayNamesTheFirstDifference(t *testing.T) {
	r, err := prepare(RunOptions{Scenario: "wordcount", Mode: string(Aligned), Seed: 1, Input: write(t, prose(40))})
	require.NoError(t, err)
	rec := &recording{path: filepath.Join(t.TempDir(), "run.trace"), header: r.header()}
	rec.header.Seed = 2
	rep, _, err := r.execute(rec.observe)
	require.NoError(t, err)
	require.NoError(t, rec.writer.Close(rep.Verdict))

	p, err := Replay(rec.path)
	require.NoError(t, err)
	require.False(t, p.Agreed)
	require.Equal(t, Nondeterministic, p.Verdict)
	require.NotNil(t, p.FirstDifference)
	require.Positive(t, p.FirstDifference.Event)
	require.NotEmpty(t, p.FirstDifference.Differs)
	text, err := p.Text(0)
	require.NoError(t, err)
	require.Contains(t, text, "NOT THE SAME  wordcount  seed=2")
	require.Contains(t, text, "first difference at record")

	// The event it names is the first that seed 2 has otherwise.
	other, err := prepare(RunOptions{Scenario: "wordcount", Mode: string(Aligned), Seed: 2, Input: r.input})
	require.NoError(t, err)
	t1, err := trace.Open(rec.path)
	require.NoError(t, err)
	var at *trace.Difference
	_, _, err = other.execute(func() (*cluster.Recorder, error) {
		c := &cluster.Recorder{}
		f := t1.Follow(c.Name, cluster.Describe)
		c.To = func(r *trace.Record) {
			if at == nil {
				at = f.Next(r)
			}
		}
		return c, nil
	})
	require.NoError(t, err)
	require.NotNil(t, at)
	require.Equal(t, p.FirstDifference.Event, at.Want.Number)
	require.Equal(t, p.Records, at.Position)
	require.Equal(t, p.FirstDifference.Trace, at.WantLine)
}

func TestRefusedRunsWriteNothing(t *testing.T) {
	dir := t.TempDir()
	input := filepath.Join(dir, "input")
	require.NoError(t, os.WriteFile(input, []byte("a\n"), 0o644))
	at := func(name string) string { return filepath.Join(dir, name) }
	for text, o := range map[string]RunOptions{ // unordered: each by itself
		"above its max parallelism 1":  {Set: []string{"pipeline.max-parallelism=1"}, Trace: at("trace"), Dir: at("job")},
		"is the same file as --input":  {Output: input},
		"same file as --output":        {Output: at("x"), Trace: at(".") + "/x"},
		"is a directory; name a file":  {Output: dir},
		"is not a regular file":        {Output: os.DevNull},
		"there is no completed":        {From: dir, Trace: at("trace"), Output: at("output"), Dir: at("job")},
		"must be at least parallelism": {Set: []string{"taskmanager.numberOfTaskSlots=1"}, Trace: at("trace")},
		"contradicts --mode aligned":   {Set: []string{"execution.checkpointing.unaligned.enabled=true"}},
		"--stop-after is -1":           {StopAfter: -1, Dir: at("job")},
		"is not empty; name a new":     {Dir: dir},
		at("no") + ": no such file":    {Trace: at("no/trace")},
	} {
		o.Scenario, o.Mode, o.Input, o.Failures = "wordcount", string(Aligned), input, at("failures")
		_, err := Run(o)
		usageError(t, err, text)
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, 1, "after %q", text)
	}
	data, err := os.ReadFile(input)
	require.NoError(t, err)
	require.Equal(t, "a\n", string(data))
}

func TestALinkIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	input := filepath.Join(dir, "input")
	require.NoError(t, os.WriteFile(input, []byte("a\n"), 0o644))
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(os.DevNull, link))
	_, err := Run(RunOptions{Scenario: "wordcount", Mode: string(Aligned), Input: input, Output: link})
	usageError(t, err, "--output "+link+" is a symbolic link; name a file")
}
