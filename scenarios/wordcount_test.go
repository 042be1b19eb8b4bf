package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWordcountOfTheDefaultInput(t *testing.T) {
	path, err := wordcount().DefaultInput()
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, mode := range bothModes {
		for seed := range uint64(4) {
			r := passes(t, string(text), RunOptions{Mode: string(mode), Seed: seed})
			require.Positive(t, r.Restores, "seed %d, %s", seed, mode)
			require.Equal(t, int64(strings.Count(string(text), "\n")+1), r.RecordsIn)
		}
	}
}

func TestWordcountOfOddInputs(t *testing.T) {
	high := make([]byte, 0, 4096)
	for i := range 4096 {
		high = append(high, byte(i*7))
	}
	for name, text := range map[string]string{ // unordered: subtests
		"one word":             "Word",
		"one line":             "a b a\n",
		"one long line":        strings.Repeat("abcdefg hi ", 70_000/11+1)[:70_000],
		"one long word":        strings.Repeat("x", 70_000),
		"many empty lines":     strings.Repeat("\n", 3000),
		"bytes from 0x80":      string(high),
		"carriage returns":     strings.Repeat("one two\r\n", 50),
		"no newline at end":    "one\ntwo\nthree",
		"word at a line's end": strings.Repeat("a\nb\n", 200),
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, text)
			for _, mode := range bothModes {
				for seed := range uint64(10) {
					r := passes(t, text, RunOptions{Mode: string(mode), Seed: seed, Input: path})
					require.Positive(t, r.Restores, "seed %d, %s: a run without a restore proves nothing", seed, mode)
				}
			}
		})
	}
}

func TestWordcountOfNothing(t *testing.T) {
	path := write(t, "")
	for _, mode := range bothModes {
		for seed := range uint64(10) {
			r := passes(t, "", RunOptions{Mode: string(mode), Seed: seed, Input: path})
			require.Zero(t, r.RecordsIn)
			require.Zero(t, r.RecordsOut)
		}
	}
}

func TestWordcountAtOtherParallelisms(t *testing.T) {
	text := prose(150)
	path := write(t, text)
	for _, p := range []int{1, 3, 7} {
		for _, mode := range bothModes {
			passes(t, text, RunOptions{Mode: string(mode), Seed: uint64(p), Input: path, Set: []string{fmt.Sprintf("parallelism.default=%d", p)}})
		}
	}
}

// TestInFlightData: in unaligned mode a checkpoint holds data in flight where a
// slow operator has made queues, and a restore brings it back.
func TestInFlightData(t *testing.T) {
	text := prose(1500)
	path := write(t, text)
	restored := 0
	for seed := range uint64(10) {
		aligned := passes(t, text, RunOptions{Mode: string(Aligned), Seed: seed, Input: path})
		require.Zero(t, aligned.RestoredInFlight, "seed %d", seed)
		unaligned := passes(t, text, RunOptions{Mode: string(Unaligned), Seed: seed, Input: path})
		if unaligned.RestoredInFlight > 0 {
			restored++
		}
	}
	require.GreaterOrEqual(t, restored, 3, "of ten seeds")
}

func TestStopAndGoOn(t *testing.T) {
	text := prose(800)
	path := write(t, text)
	for _, first := range bothModes {
		for _, then := range bothModes {
			t.Run(fmt.Sprintf("%s then %s", first, then), func(t *testing.T) {
				for seed := range uint64(6) {
					dir := filepath.Join(t.TempDir(), "job")
					r := simulate(t, RunOptions{Mode: string(first), Seed: seed, Input: path, Dir: dir, StopAfter: 2})
					require.Equal(t, Pass, r.Verdict, "%s", r.Text())
					require.True(t, r.Stopped)
					require.Zero(t, r.RecordsOut, "a run that was stopped is not judged by its output")
					ids, err := completed(filepath.Join(dir, checkpointDir))
					require.NoError(t, err)
					require.NotEmpty(t, ids)
					newest := filepath.Join(dir, checkpointDir, fmt.Sprintf("chk-%d", ids[len(ids)-1]))
					for _, from := range []string{dir, filepath.Join(dir, checkpointDir), newest} {
						r = passes(t, text, RunOptions{Mode: string(then), Seed: seed + 100, Input: path, From: from})
						require.Positive(t, r.Restores)
					}
				}
			})
		}
	}
}

func TestLastCounts(t *testing.T) {
	got, err := lastCounts([]string{"b\t1", "a\t1", "b\t2"})
	require.NoError(t, err)
	require.Equal(t, []string{"a\t1", "b\t2"}, got)
	_, err = lastCounts([]string{"no tab"})
	require.ErrorContains(t, err, `committed line "no tab" is not word<TAB>count`)
}
