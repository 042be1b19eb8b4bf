package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestShardsArePartition: each run of the list is in exactly one shard, and a shard's
// size is what it takes.
func TestShardsArePartition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		runs := rapid.IntRange(1, 300).Draw(t, "runs")
		of := rapid.IntRange(1, runs).Draw(t, "of")
		times := make([]int, runs)
		for i := range of {
			s := newSweep(SweepOptions{Seeds: runs, Shard: Shard{i + 1, of}}, All())
			taken := 0
			for {
				n, ok := s.take()
				if !ok {
					break
				}
				times[n]++
				taken++
			}
			require.Equal(t, s.size(), taken)
			c := covered{shard: s.o.Shard, runs: taken}
			for n := range runs {
				require.Equal(t, n%of == i, c.has(n))
			}
		}
		for n, k := range times {
			require.Equal(t, 1, k, "run %d", n)
		}
	})
}

// TestShardsAgreeWithTheWhole: shards bring the same files as the sweep that they are
// parts of, failures too.
func TestShardsAgreeWithTheWhole(t *testing.T) {
	o := SweepOptions{Scenarios: []string{"canary", "wordcount"}, Seeds: 13, Seed: 5, KeepGoing: true, Failures: t.TempDir(), Coverage: t.TempDir()}
	whole, err := Sweep(o)
	require.NoError(t, err)
	require.NotEmpty(t, whole.Failures)
	one, err := MergeCoverage([]string{o.Coverage}, false)
	require.NoError(t, err)
	require.Equal(t, whole.Coverage, one.Coverage)
	require.Equal(t, len(whole.Failures), one.Failures)
	o.Coverage = t.TempDir()
	seeds := map[uint64]bool{}
	for i := range 4 {
		o.Shard = Shard{i + 1, 4}
		part, err := Sweep(o)
		require.NoError(t, err)
		for _, f := range part.Failures {
			require.False(t, seeds[f.Seed])
			seeds[f.Seed] = true
		}
	}
	for _, f := range whole.Failures {
		require.True(t, seeds[f.Seed])
		delete(seeds, f.Seed)
	}
	require.Empty(t, seeds)
	parts, err := MergeCoverage([]string{o.Coverage}, false)
	require.NoError(t, err)
	require.Len(t, parts.Files, 4)
	require.Equal(t, one.Coverage, parts.Coverage)
	require.Equal(t, one.ByScenario, parts.ByScenario)
	require.Equal(t, one.Runs, parts.Runs)
}

func drawCovered(t *rapid.T) *covered {
	of := rapid.IntRange(1, 5).Draw(t, "of")
	c := &covered{
		path: "p", build: rapid.StringMatching(`[0-9a-f]{16}`).Draw(t, "build"), list: "seed 1, strategy swarm, scenarios a",
		shard: Shard{rapid.IntRange(1, of).Draw(t, "index"), of}, ended: rapid.SampledFrom([]string{endedComplete, endedFailure, endedInterrupted}).Draw(t, "ended"),
		runs: rapid.IntRange(0, 20).Draw(t, "runs"), modes: []Mode{Aligned, Unaligned}[:rapid.IntRange(1, 2).Draw(t, "modes")],
	}
	for range rapid.IntRange(0, 3).Draw(t, "pairs") {
		c.pairs = append(c.pairs, coveredPair{"a", c.modes[0], rapid.IntRange(0, 9).Draw(t, "runs"), rapid.IntRange(0, 9).Draw(t, "failures")})
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "points") {
		row := coveredRow{point: fmt.Sprintf("point %d", i)}
		for range c.modes {
			row.counts = append(row.counts, rapid.IntRange(-1, 9).Draw(t, "count"))
		}
		c.rows = append(c.rows, row)
	}
	return c
}

// TestCoverageFileReadsBack: and any cut or change of it is refused, with its line.
func TestCoverageFileReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCovered(t)
		text := c.text()
		got, err := parseCoverage("p", string(text))
		require.NoError(t, err)
		require.Equal(t, c, got)
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		_, err = parseCoverage("p", string(text[:at]))
		require.ErrorContains(t, err, "p: line ")
		text[at] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
		_, err = parseCoverage("p", string(text))
		require.ErrorContains(t, err, "p: line ")
		require.IsType(t, &UsageError{}, err)
	})
}

// TestFilesShareRuns: that two files have a run in common is found, by the first one.
func TestFilesShareRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawCovered(t), drawCovered(t)
		b.build = a.build
		first, common := 0, false
		for n := 100; n >= 0; n-- {
			if a.has(n) && b.has(n) {
				first, common = n, true
			}
		}
		n, ok := a.shares(b)
		require.Equal(t, common, ok)
		if ok {
			require.Equal(t, first, n)
		}
		b.list = "seed 2"
		_, ok = a.shares(b)
		require.False(t, ok)
	})
}

// TestInterrupted: what had ended is reported, and the files say that it is not all.
func TestInterrupted(t *testing.T) {
	stop := make(chan struct{})
	close(stop)
	dir := filepath.Join(t.TempDir(), "made")
	o := SweepOptions{Scenarios: []string{"wordcount"}, Seeds: 9, Seed: 3, Coverage: dir, Interrupt: stop}
	r, err := Sweep(o)
	require.NoError(t, err)
	require.True(t, r.Interrupted)
	require.Zero(t, r.Runs)
	require.True(t, strings.HasPrefix(r.Text(), "INTERRUPTED  sweep  0 runs, 0 failures\n"))
	require.Contains(t, r.Text(), "interrupted: this is a partial report")
	c, err := MergeCoverage([]string{dir}, false)
	require.NoError(t, err)
	require.Equal(t, endedInterrupted, c.Files[0].Ended)

	stop = make(chan struct{})
	o.Interrupt, o.Seeds, o.Jobs = stop, 100_000, 2
	time.AfterFunc(300*time.Millisecond, func() { close(stop) })
	r, err = Sweep(o)
	require.NoError(t, err)
	require.True(t, r.Interrupted)
	c, err = MergeCoverage([]string{dir}, false)
	require.NoError(t, err)
	require.Len(t, c.Files, 1, "it takes the place of the other")
	require.Equal(t, r.Runs, c.Runs)
	require.Equal(t, r.Coverage, c.Coverage)
}

func TestCoverageHasAPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	_, err := Sweep(SweepOptions{Scenarios: []string{"wordcount"}, Seeds: 1, Coverage: filepath.Join(file, "x")})
	usageError(t, err, "--out "+file, "not a directory")
	require.False(t, strings.Contains(err.Error(), "\n"))
}
