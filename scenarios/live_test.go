package scenarios

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/live"
)

// runLive runs a child process of this test binary, with what is temporary in the
// test's directory.
func runLive(t *testing.T, o LiveOptions) *Report {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	o.Scenario, o.Log = "wordcount", &bytes.Buffer{}
	if o.Mode == "" {
		o.Mode = string(Aligned)
	}
	r, err := Live(o)
	require.NoError(t, err)
	if r.Verdict == Pass {
		left, err := os.ReadDir(os.Getenv("TMPDIR"))
		require.NoError(t, err)
		require.Empty(t, left, "a passing run leaves nothing behind but --dir")
	}
	return r
}

// livePasses runs live and compares the output with a count of the text.
func livePasses(t *testing.T, text string, o LiveOptions) *Report {
	t.Helper()
	o.Output = filepath.Join(t.TempDir(), "output")
	r := runLive(t, o)
	require.Equal(t, Pass, r.Verdict, "%s", r.Text())
	require.Equal(t, o.Kills, r.Kills)
	got, err := os.ReadFile(o.Output)
	require.NoError(t, err)
	require.Equal(t, counted(text), string(got))
	return r
}

// liveSettings make a process's life short.
var liveSettings = []string{"execution.checkpointing.interval=20ms", "heartbeat.interval=100ms", "heartbeat.timeout=2s"}

func TestLiveKilled(t *testing.T) {
	text := prose(2000)
	input := write(t, text)
	for _, mode := range bothModes {
		r := livePasses(t, text, LiveOptions{Mode: string(mode), Kills: 3, Input: input})
		require.GreaterOrEqual(t, r.Restores, 3)
		require.GreaterOrEqual(t, r.Checks.Completed, 4)
		require.Equal(t, map[string]int{"kill": 3}, r.Faults)
		require.Equal(t, int64(2000), r.RecordsIn)
		require.Zero(t, r.Duplicates)
	}
}

func TestLiveOfOddInputs(t *testing.T) {
	for name, text := range map[string]string{ // unordered: subtests
		"nothing":       "",
		"one word":      "Word",
		"one long line": strings.Repeat("abcdefg hi ", 70_000/11+1)[:70_000],
	} {
		t.Run(name, func(t *testing.T) {
			r := livePasses(t, text, LiveOptions{Mode: string(Unaligned), Kills: 1, Input: write(t, text), Set: liveSettings})
			require.GreaterOrEqual(t, r.Restores, 1)
		})
	}
}

// TestLiveAtAParallelismAboveItsSlots: the one worker has room for the whole job.
func TestLiveAtAParallelismAboveItsSlots(t *testing.T) {
	text := prose(100)
	livePasses(t, text, LiveOptions{Input: write(t, text), Set: append([]string{"parallelism.default=5"}, liveSettings...)})
}

func TestLiveFromASimulatedRun(t *testing.T) {
	text := prose(800)
	input := write(t, text)
	for i, mode := range bothModes {
		dir := filepath.Join(t.TempDir(), "job")
		simulate(t, RunOptions{Mode: string(mode), Seed: 3, Input: input, Dir: dir, StopAfter: 2})
		r := livePasses(t, text, LiveOptions{Mode: string(bothModes[1-i]), Kills: 1, Input: input, From: dir, Set: liveSettings})
		require.GreaterOrEqual(t, r.Restores, 2)
	}
}

// TestFromALiveJob goes on, simulated and live, from what kills have left. From an
// older checkpoint it must lose nothing, and repeat exactly what was committed
// after that checkpoint: the report says so.
func TestFromALiveJob(t *testing.T) {
	text := prose(2000)
	input, dir := write(t, text), filepath.Join(t.TempDir(), "job")
	livePasses(t, text, LiveOptions{Mode: string(Unaligned), Kills: 3, Input: input, Dir: dir, Set: liveSettings})
	ids, err := completed(filepath.Join(dir, checkpointDir))
	require.NoError(t, err)
	require.Len(t, ids, 3, "as many as are retained")
	chk := func(id uint64) string { return filepath.Join(dir, checkpointDir, fmt.Sprintf("chk-%d", id)) }
	newest := chk(ids[2])
	for _, mode := range bothModes {
		passes(t, text, RunOptions{Mode: string(mode), Seed: 5, Input: input, From: newest})
		passes(t, text, RunOptions{Mode: string(mode), Seed: 6, Input: input, From: dir})
	}

	older := RunOptions{Seed: 5, Input: input, From: chk(ids[0])}
	repeated := committedAfter(t, dir, ids[0])
	require.Positive(t, repeated)
	requireRepeated(t, repeated, simulate(t, older))
	requireRepeated(t, repeated, runLive(t, LiveOptions{Input: input, From: older.From, Set: liveSettings}))

	// The newest is damaged: that is said, with the file and the way out.
	damage(t, newest)
	damaged := func(r *Report) {
		require.Equal(t, Fail, r.Verdict)
		require.Contains(t, messages(r), "chk-"+fmt.Sprint(ids[2])+"/task-1-0-")
		require.Contains(t, messages(r), fmt.Sprintf("to restore the older chk-%d and accept duplicate output, start again with --from checkpoints/chk-%d", ids[1], ids[1]))
		require.Zero(t, r.Restores)
	}
	simulated := simulate(t, RunOptions{Seed: 5, Input: input, From: dir})
	damaged(simulated)
	require.Contains(t, messages(simulated), "; checkpoints is "+filepath.Join(dir, checkpointDir))
	damaged(runLive(t, LiveOptions{Input: input, From: dir, Set: liveSettings}))
	requireRepeated(t, committedAfter(t, dir, ids[1]), runLive(t, LiveOptions{Input: input, From: chk(ids[1]), Set: liveSettings}))
}

// committedAfter is the number of lines that a job has committed for checkpoints
// after one.
func committedAfter(t *testing.T, dir string, id uint64) (n int64) {
	t.Helper()
	files, err := live.OpenFS(dir, nil)
	require.NoError(t, err)
	parts, err := file.ReadCommitted(files, OutputDir, SinkUID)
	require.NoError(t, err)
	for _, p := range parts {
		if p.Checkpoint > id {
			n += int64(len(p.Lines))
		}
	}
	return n
}

// requireRepeated: exactly the lines committed before are there twice, which whoever
// starts from an older checkpoint accepts.
func requireRepeated(t *testing.T, lines int64, r *Report) {
	t.Helper()
	require.Equal(t, Pass, r.Verdict, "%s", r.Text())
	require.Equal(t, lines, r.Duplicates, "%s", r.Text())
}

func messages(r *Report) string {
	var all []string
	for _, v := range r.Violations {
		all = append(all, v.Message)
	}
	return strings.Join(all, "\n")
}

// damage flips a bit of a keyed task's state.
func damage(t *testing.T, chk string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(chk, "task-1-0-*"))
	require.NoError(t, err)
	require.Len(t, names, 1)
	data, err := os.ReadFile(names[0])
	require.NoError(t, err)
	data[len(data)/2] ^= 1
	require.NoError(t, os.WriteFile(names[0], data, 0o644))
}

func TestLiveRefused(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	input := filepath.Join(dir, "input")
	require.NoError(t, os.WriteFile(input, []byte("a\n"), 0o644))
	for text, o := range map[string]LiveOptions{ // unordered: each by itself
		"--dir " + dir + " is not empty": {Dir: dir},
		"--kills is -1":                  {Kills: -1, Dir: filepath.Join(dir, "job")},
		"above its max parallelism 1":    {Set: []string{"pipeline.max-parallelism=1"}, Dir: filepath.Join(dir, "job")},
		"is the same file as --input":    {Output: input},
		"there is no completed":          {From: dir, Dir: filepath.Join(dir, "job")},
		"must be at least parallelism":   {Set: []string{"taskmanager.numberOfTaskSlots=1"}},
	} {
		o.Scenario, o.Mode, o.Input, o.Log = "wordcount", string(Aligned), input, &bytes.Buffer{}
		_, err := Live(o)
		usageError(t, err, text)
		for _, d := range []string{dir, os.Getenv("TMPDIR")} {
			entries, err := os.ReadDir(d)
			require.NoError(t, err)
			require.Len(t, entries, map[bool]int{true: 1, false: 0}[d == dir], "after %q", text)
		}
	}
}

// TestLiveInputChanges: the input is no longer what the job began with. Whatever
// it has read by then, the verdict says so and names the file.
func TestLiveInputChanges(t *testing.T) {
	text := prose(2000)
	for name, change := range map[string]func(path string) error{ // unordered: subtests
		"shortened": func(path string) error { return os.Truncate(path, 100) },
		"emptied":   func(path string) error { return os.Truncate(path, 0) },
		"removed":   os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			input, dir := write(t, text), filepath.Join(t.TempDir(), "job")
			changed := make(chan error, 1)
			go func() { // once a second process leads the job, the first was killed
				for until := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
					if _, err := os.Stat(filepath.Join(dir, "ha", "epoch-2")); err == nil {
						changed <- change(input)
						return
					}
					if time.Now().After(until) {
						changed <- fmt.Errorf("the job was not started again")
						return
					}
				}
			}()
			r := runLive(t, LiveOptions{Kills: 3, Input: input, Dir: dir, Set: liveSettings})
			require.NoError(t, <-changed)
			require.Equal(t, Fail, r.Verdict, "%s", r.Text())
			require.Contains(t, messages(r), input)
		})
	}
}
