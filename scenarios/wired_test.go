package scenarios

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/model"
)

// wordsOf is the words of a line, found without any of Weir.
func wordsOf(line string) []string {
	return strings.FieldsFunc(strings.ToLower(line), func(r rune) bool { return r < 'a' || r > 'z' })
}

// sorted is lines made of a map, as --output has them.
func sorted[K comparable, V any](m map[K]V, line func(k K, v V) string) string {
	var lines []string
	for k, v := range m { // unordered: sorted below
		lines = append(lines, line(k, v)+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func expectTwoInputs(lines []string) string {
	counts := map[string]*[2]int{}
	for _, line := range lines {
		for _, w := range wordsOf(line) {
			if counts[w] == nil {
				counts[w] = new([2]int)
			}
			counts[w][lineHash(line)%2]++
		}
	}
	return sorted(counts, func(w string, n *[2]int) string { return fmt.Sprintf("%s\t%d\t%d", w, n[0], n[1]) })
}

func expectRebalanceBroadcast(lines []string) string {
	counts := map[string]int{}
	for _, line := range lines {
		ws := wordsOf(line)
		for _, w := range ws {
			counts["word\t"+w]++
		}
		if lineHash(line)%16 == 0 {
			counts[fmt.Sprintf("length\t%d", len(ws))] += 3 // the subtasks that each hear it
		}
	}
	return sorted(counts, func(what string, n int) string { return fmt.Sprintf("%s\t%d", what, n) })
}

func expectAllround(lines []string) string {
	ranges := [16]int{}
	for _, line := range lines {
		ranges[lineHash(line)%16]++
	}
	out := ""
	for r, n := range ranges {
		for k := range 8 {
			if events := (n + 7 - k) / 8; events > 0 {
				out += fmt.Sprintf("%d\t%d\t%d\n", r*8+k, events, events/4*4)
			}
		}
	}
	return out
}

// wired are the scenarios with several inputs, rebalance, broadcast or unequal
// parallelisms, and what --output must hold.
var wired = map[string]func(lines []string) string{
	"two-inputs":          expectTwoInputs,
	"rebalance-broadcast": expectRebalanceBroadcast,
	"allround":            expectAllround,
	"timers":              func(lines []string) string { return counted(strings.Join(lines, "\n")) },
}

func TestWiredSimulated(t *testing.T) {
	for name, expect := range wired { // unordered: subtests
		for _, mode := range bothModes {
			t.Run(name+"/"+string(mode), func(t *testing.T) {
				s, err := Find(name)
				require.NoError(t, err)
				data := prose(1500)
				input, inFlight := write(t, data), 0
				for seed := range uint64(10) {
					o := RunOptions{Scenario: name, Mode: string(mode), Seed: seed, Input: input, Output: filepath.Join(t.TempDir(), "output"), Failures: t.TempDir()}
					r, err := Run(o)
					require.NoError(t, err)
					require.Equal(t, Pass, r.Verdict, "%s", r.Text())
					require.Positive(t, r.Restores, "seed %d: a run without a restore proves nothing", seed)
					if s.AlwaysSlow {
						require.Positive(t, r.Faults["slow-link"]+r.Faults["slow-operator"], "seed %d", seed)
					}
					if r.RestoredInFlight > 0 {
						inFlight++
					}
					requireOutput(t, expect, data, o.Output)
					if seed == 0 {
						again, err := Run(o)
						require.NoError(t, err)
						require.Equal(t, r.TraceHash, again.TraceHash)
					}
				}
				if mode == Unaligned {
					require.Greater(t, inFlight, 2, "of ten seeds")
				} else {
					require.Zero(t, inFlight)
				}
			})
		}
	}
}

func requireOutput(t *testing.T, expect func([]string) string, data, path string) {
	t.Helper()
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, expect(model.Lines([]byte(data))), string(got))
}

// TestWiredGoesOn: what one mode has left half done the other takes up, simulated and
// live.
func TestWiredGoesOn(t *testing.T) {
	data := prose(1000)
	input := write(t, data)
	for name, expect := range wired { // unordered: subtests
		for i, mode := range bothModes {
			t.Run(name+"/"+string(mode), func(t *testing.T) {
				dir, output := filepath.Join(t.TempDir(), "job"), filepath.Join(t.TempDir(), "output")
				then := string(bothModes[1-i])
				r, err := Run(RunOptions{Scenario: name, Mode: string(mode), Seed: 3, Input: input, Dir: dir, StopAfter: 2})
				require.NoError(t, err)
				require.True(t, r.Stopped, "%s", r.Text())
				r, err = Run(RunOptions{Scenario: name, Mode: then, Seed: 4, Input: input, From: dir, Output: output})
				require.NoError(t, err)
				require.Equal(t, Pass, r.Verdict, "%s", r.Text())
				requireOutput(t, expect, data, output)
				t.Setenv("TMPDIR", t.TempDir())
				r, err = Live(LiveOptions{Scenario: name, Mode: then, Input: input, From: dir, Output: output, Set: liveSettings, Log: &bytes.Buffer{}})
				require.NoError(t, err)
				require.Equal(t, Pass, r.Verdict, "%s", r.Text())
				require.Positive(t, r.Restores)
				requireOutput(t, expect, data, output)
			})
		}
	}
}

func TestWiredOfOddInputs(t *testing.T) {
	for name, expect := range wired { // unordered: subtests
		for what, data := range map[string]string{ // unordered: subtests
			"nothing": "", "one line": "One word\n", "empty lines": strings.Repeat("\n", 400),
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				for i, mode := range bothModes {
					for _, parallelism := range []int{1, 3, 5} {
						if name == "rebalance-broadcast" && parallelism != 3 {
							continue // how often a broadcast is heard depends on it
						}
						o := RunOptions{
							Scenario: name, Mode: string(mode), Seed: uint64(2*parallelism + i), Input: write(t, data),
							Output: filepath.Join(t.TempDir(), "output"), Set: []string{fmt.Sprintf("parallelism.default=%d", parallelism)},
						}
						r, err := Run(o)
						require.NoError(t, err)
						require.Equal(t, Pass, r.Verdict, "%s", r.Text())
						requireOutput(t, expect, data, o.Output)
					}
				}
			})
		}
	}
}

func TestWiredLive(t *testing.T) {
	data := prose(1000)
	input := write(t, data)
	for name, expect := range wired { // unordered: subtests
		for _, mode := range []Mode{Aligned, AtLeastOnce, Unaligned, Timeout} {
			t.Run(name+"/"+string(mode), func(t *testing.T) {
				t.Setenv("TMPDIR", t.TempDir())
				o := LiveOptions{
					Scenario: name, Mode: string(mode), Kills: 2, Input: input, Output: filepath.Join(t.TempDir(), "output"),
					Set: liveSettings, Log: &bytes.Buffer{},
				}
				r, err := Live(o)
				require.NoError(t, err)
				require.Equal(t, Pass, r.Verdict, "%s", r.Text())
				require.Equal(t, 2, r.Kills)
				require.GreaterOrEqual(t, r.Restores, 2)
				if mode != AtLeastOnce {
					require.Zero(t, r.Duplicates)
					requireOutput(t, expect, data, o.Output)
				}
			})
		}
	}
}

// TestAlerts: the stages of allround see an event that is missing, repeated or out of
// order. The reference interpreter runs them.
func TestAlerts(t *testing.T) {
	parse := func(number string) (e event) {
		_, err := fmt.Sscanf(number, "%d %d", &e.First, &e.Second)
		require.NoError(t, err)
		return e
	}
	alerts := func(events ...string) (out []string) {
		g, err := engine.Describe(engine.DefaultConfig(), func(j *engine.Job) {
			es := engine.Map(linesOf(j, "lines", nil), "events", parse, engine.WithCodec(eventCodec))
			engine.ToSink(checked(j, engine.Timestamps(es, "time", eventTime, lateness)), SinkUID, file.Sink(OutputDir, file.Line))
		})
		require.NoError(t, err)
		var in []model.Record
		for _, e := range events {
			in = append(in, model.Record{Value: e})
		}
		o, err := model.Interpret(g, map[string][]model.Record{"lines": in})
		require.NoError(t, err)
		for _, line := range o.Sink(SinkUID).Lines {
			if strings.HasPrefix(line, "Alert: ") {
				out = append(out, line)
				_, err := lastEvents([]string{line})
				require.ErrorContains(t, err, line)
			}
		}
		return out
	}
	require.Empty(t, alerts("7 1", "7 2", "8 1", "7 3", "7 4"))
	require.Equal(t, []string{"Alert: map: key 7 has event 3 after 1", "Alert: check: key 7 has event 3 after 1"}, alerts("7 1", "8 1", "7 3", "7 4"))
	require.Equal(t, []string{"Alert: map: key 7 has event 1 after 1", "Alert: check: key 7 has event 1 after 1"}, alerts("7 1", "8 1", "7 1"))
}

func TestOutputsOfWired(t *testing.T) {
	for text, bad := range map[string][]string{ // unordered: each by itself
		`committed line "sides\ta\t1" is no count`:      {"sides\ta\t1"},
		`committed line "both\ta\tx\t1\t7" is no count`: {"both\ta\tx\t1\t7"},
		`committed line "both\ta\t1\t1\tx" is no count`: {"both\ta\t1\t1\tx"},
		`committed line "union\ta\t-1" is no count`:     {"union\ta\t1", "union\ta\t-1"},
	} {
		_, err := sidesOfWords(bad)
		require.ErrorContains(t, err, text)
	}
	for _, bad := range []string{"word\ta", "a\t1", "word\ta\tx", "sum\ta\t1", ""} {
		_, err := lastOfEach([]string{bad})
		require.ErrorContains(t, err, fmt.Sprintf("committed line %q is not word or length", bad))
	}
	for _, bad := range []string{"event\t1", "event\t1\tx", "window\t1\t1", ""} {
		_, err := lastEvents([]string{bad})
		require.ErrorContains(t, err, fmt.Sprintf("committed line %q is not event or timer", bad))
	}
}
