package scenarios

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestResumed: wherever a journal was cut, the sweep that goes on with it brings the
// same report and the same coverage file as one that was never stopped.
func TestResumed(t *testing.T) {
	o := SweepOptions{Scenarios: []string{"canary", "wordcount"}, Seeds: 12, Seed: 5, KeepGoing: true, Failures: t.TempDir(), Coverage: t.TempDir()}
	whole, err := Sweep(o)
	require.NoError(t, err)
	require.Greater(t, len(whole.Failures), 1)
	path := filepath.Join(o.Coverage, "seed-5.journal")
	journal, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, 13, bytes.Count(journal, []byte("\n")))
	file := filepath.Join(o.Coverage, "seed-5.coverage")
	covered, err := os.ReadFile(file)
	require.NoError(t, err)
	head := bytes.IndexByte(journal, '\n') + 1
	o.Resume = true
	for _, cut := range []int{head, head + 1, (head + len(journal)) / 2, len(journal) - 1, len(journal)} {
		require.NoError(t, os.WriteFile(path, journal[:cut], 0o644))
		require.NoError(t, os.Remove(file))
		again, err := Sweep(o)
		require.NoError(t, err)
		require.Equal(t, timeless(t, whole), timeless(t, again))
		again.Groups[0].best.WallMS = whole.Groups[0].best.WallMS
		require.Equal(t, whole.Groups[0].best.Text(), again.Groups[0].best.Text())
		now, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(covered), string(now))
		now, err = os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, 13, bytes.Count(now, []byte("\n")))
		if cut < len(journal)-1 {
			continue
		}
		// What was there is not run again.
		require.True(t, bytes.HasPrefix(now, journal[:bytes.LastIndexByte(journal[:cut], '\n')+1]))
	}
}

// TestResumeStopsWhereItHadStopped: at the first failure, and at the end of its time.
func TestResumeStopsWhereItHadStopped(t *testing.T) {
	o := SweepOptions{Scenarios: []string{"canary"}, Seeds: 16, Seed: 1, Failures: t.TempDir(), Coverage: t.TempDir()}
	first, err := Sweep(o)
	require.NoError(t, err)
	require.Equal(t, Fail, first.Verdict)
	o.Resume = true
	again, err := Sweep(o)
	require.NoError(t, err)
	require.Equal(t, timeless(t, first), timeless(t, again))

	o = SweepOptions{Scenarios: []string{"wordcount"}, For: 200 * time.Millisecond, Coverage: t.TempDir()}
	first, err = Sweep(o)
	require.NoError(t, err)
	o.Resume = true
	again, err = Sweep(o)
	require.NoError(t, err)
	require.Equal(t, timeless(t, first), timeless(t, again), "its time had passed")
}

func TestResumeRefuses(t *testing.T) {
	o := SweepOptions{Scenarios: []string{"wordcount"}, Seeds: 3, Seed: 1, Coverage: t.TempDir()}
	_, err := Sweep(o)
	require.NoError(t, err)
	path := filepath.Join(o.Coverage, "seed-1.journal")
	journal, err := os.ReadFile(path)
	require.NoError(t, err)
	o.Resume = true
	for want, change := range map[string]func(o *SweepOptions){ // unordered: each by itself
		"--seeds was 3, now it is 4":                                                 func(o *SweepOptions) { o.Seeds = 4 },
		"--for was 0s, now it is 1m0s":                                               func(o *SweepOptions) { o.Seeds, o.For = 0, time.Minute },
		"--verify was false, now it is true":                                         func(o *SweepOptions) { o.Verify = true },
		"--keep-going was false, now it is true":                                     func(o *SweepOptions) { o.KeepGoing = true },
		"strategy portfolio, scenarios wordcount, now it is seed 1, strategy swarm,": func(o *SweepOptions) { o.Strategy = Swarm },
		"scenarios wordcount, now it is seed 1, strategy portfolio, scenarios canary": func(o *SweepOptions) {
			o.Scenarios = []string{"canary"}
		},
		"there is no " + filepath.Join(o.Coverage, "seed-2.journal"): func(o *SweepOptions) { o.Seed = 2 },
		"seed-1-shard-1-of-2.journal":                                func(o *SweepOptions) { o.Shard = Shard{1, 2} },
		"--resume needs --out":                                       func(o *SweepOptions) { o.Coverage = "" },
		"no such file or directory":                                  func(o *SweepOptions) { o.Coverage += "/missing" },
	} {
		other := o
		change(&other)
		_, err := Sweep(other)
		usageError(t, err, want)
	}
	lines := strings.SplitAfter(string(journal), "\n")
	for want, text := range map[string]string{ // unordered: each by itself
		"line 1 is not the head":        "what\n",
		"line 1 is not the head of a w": "",
		"line 2 is damaged":             lines[0] + strings.Replace(lines[1], "wordcount", "wordcounT", 1) + lines[2],
		"line 2: it is of run 1; run 0": lines[0] + lines[2],
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		_, err := Sweep(o)
		usageError(t, err, "--resume: "+path, want)
		now, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(now), "it is left as it was")
	}
	other, err := journalLine(journalHead{Format: journalFormat, Build: "0123456789abcdef"})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, other, 0o644))
	_, err = Sweep(o)
	usageError(t, err, "is of another sweep: the build was 0123456789abcdef, now it is ")
}

func TestJournalLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.String().Draw(t, "text")
		line, err := journalLine(want)
		require.NoError(t, err)
		var got string
		require.True(t, readJournalLine(line, &got))
		require.Equal(t, strings.ToValidUTF8(want, "\uFFFD"), got)
		at := rapid.IntRange(0, len(line)-1).Draw(t, "at")
		require.False(t, readJournalLine(line[:at], &got))
		line[at] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
		require.False(t, readJournalLine(line, &got))
	})
}
