package scenarios

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/sim/vet"
)

// outlived counts what all attempts, worlds and runs of this process have seen.
var outlived int

// planted are operators that break the rule, each in its own way. What finds them is
// stated, and tested: running twice finds what differs between two runs of a process;
// vet finds what its rules name; the oracles find output that is not the interpreter's.
var planted = []struct {
	name   string
	add    func(s engine.Stream[string]) engine.Stream[string]
	verify bool   // --verify must find it
	chance bool   // --verify may find it
	judged bool   // an oracle must
	vet    string // the finding of vet that excuses name
}{
	{"time.Now in a value", func(s engine.Stream[string]) engine.Stream[string] {
		return engine.Map(s, "planted", func(v string) string {
			return v + " " + letters(int(time.Now().UnixNano())) //weir:allow planted: clock
		})
	}, true, false, false, "clock: uses time.Now"},

	{"a map's order in the output", func(s engine.Stream[string]) engine.Stream[string] {
		return engine.FlatMap(s, "planted", func(v string, emit func(string)) {
			words := map[string]int{}
			for w := range strings.FieldsSeq(v) {
				words[w]++
			}
			for w, n := range words { //weir:allow planted: order
				for range n {
					emit(w)
				}
			}
		})
	}, true, false, false, "order: ranges over a map and calls emit"},

	{"a goroutine that appends", func(s engine.Stream[string]) engine.Stream[string] {
		return engine.FlatMap(s, "planted", func(v string, emit func(string)) {
			var out []string
			var mu sync.Mutex
			var all sync.WaitGroup
			for w := range strings.FieldsSeq(v) {
				all.Go(func() { //weir:allow planted: sync
					mu.Lock()            //weir:allow planted: sync
					out = append(out, w) // the scheduler's order
					mu.Unlock()          //weir:allow planted: sync
				})
			}
			done := make(chan bool)                  //weir:allow planted: parallel
			go func() { all.Wait(); done <- true }() //weir:allow planted: parallel
			<-done                                   //weir:allow planted: parallel
			for _, w := range out {
				emit(w)
			}
		})
	}, false, true, false, "parallel: starts a goroutine"},

	{"a counter that outlives an attempt", func(s engine.Stream[string]) engine.Stream[string] {
		return engine.Map(s, "planted", func(v string) string {
			outlived++ //weir:allow planted: captured
			return v + " " + letters(outlived)
		})
	}, true, false, false, "captured: writes outlived"},

	{"a counter that an attempt begins anew", func(s engine.Stream[string]) engine.Stream[string] {
		n := 0
		return engine.Map(s, "planted", func(v string) string {
			n++ //weir:allow planted: captured
			return v + " " + letters(n)
		})
	}, false, false, true, "captured: writes n "},
}

// letters is a number as a word.
func letters(n int) string {
	return strings.Map(func(r rune) rune { return r - '0' + 'a' }, fmt.Sprint(n))
}

// plant is wordcount with an operator in front of it.
func plant(add func(s engine.Stream[string]) engine.Stream[string]) *Scenario {
	s := wordcount()
	s.Job = func(Pace) func(*engine.Job) {
		return func(j *engine.Job) {
			lines := add(engine.FromSource(j, "lines", file.Lines(InputFile)))
			ones := engine.FlatMap(lines, "words", func(line string, emit func(Count)) {
				for w := range words(line) {
					emit(Count{First: w, Second: 1})
				}
			}, engine.WithCodec(countCodec))
			count := engine.Reduce(engine.KeyBy(ones, func(c Count) string { return c.First }), "count", addCounts)
			text := engine.Map(count, "text", func(c Count) string { return c.First + "\t" + decimal(c.Second) })
			engine.ToSink(text, SinkUID, file.Sink(OutputDir, file.Line))
		}
	}
	s.Modes, s.SweepLines = []Mode{Aligned}, []int{60}
	return s
}

// TestPlantedByVerify: each kind of nondeterminism is found by running twice, or is not,
// as docs/guarantees.md says; and what differs is named.
func TestPlantedByVerify(t *testing.T) {
	for _, p := range planted {
		t.Run(p.name, func(t *testing.T) {
			o := SweepOptions{Seeds: 4, Seed: 1, Verify: true, Failures: t.TempDir(), KeepGoing: true}
			r, err := newSweep(o, []*Scenario{plant(p.add)}).run()
			require.NoError(t, err)
			if p.chance {
				t.Log("verdict", r.Verdict)
				return
			}
			if !p.verify {
				require.Equal(t, p.judged, r.Verdict == Fail, r.Text())
				for _, f := range r.Failures {
					require.NotEqual(t, "determinism", f.Oracle)
					require.Nil(t, f.FirstDifference)
				}
				return
			}
			require.Equal(t, Nondeterministic, r.Verdict)
			require.Len(t, r.Failures, 4)
			for _, f := range r.Failures {
				require.Equal(t, "determinism", f.Oracle)
				d := f.FirstDifference
				require.NotNil(t, d, f.Message)
				require.Positive(t, d.Event)
				require.NotEmpty(t, d.Differs)
				require.True(t, strings.HasPrefix(d.Trace, fmt.Sprint(d.Event, "  ")), d.Trace)
				require.Regexp(t, `  (jm|tm\d)  .*  \d+$`, d.Trace, "node and cause")
				require.Contains(t, f.Message, fmt.Sprintf("\nthe first event that differs is %d\ntrace  %s\nrun    %s\n", d.Event, d.Trace, d.Run))
				require.FileExists(t, f.Trace)
				require.Equal(t, fmt.Sprintf("simrun replay %s --around %d", f.Trace, d.Event), f.Replay)
			}
			require.Contains(t, r.Text(), "NOT DETERMINISTIC  sweep")
		})
	}
}

// TestPlantedByVet: vet finds all of them, which it is told to excuse.
func TestPlantedByVet(t *testing.T) {
	r, err := vet.Run(".", []string{"."})
	require.NoError(t, err)
	require.Empty(t, r.Findings, "%s", r.Text(false))
	require.Positive(t, r.Functions)
	for _, p := range planted {
		found := false
		for _, f := range r.Allowed {
			found = found || f.File == "planted_test.go" && strings.HasPrefix(f.Message, p.vet) && strings.HasPrefix(f.Reason, "planted: ")
		}
		require.True(t, found, "%s: %s", p.name, r.Text(true))
	}
}
