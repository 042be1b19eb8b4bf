package model

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/stream"
)

type word struct {
	text string
	n    int
}

// job builds a graph node by node; each is forward of the one before.
type job struct{ graph.Graph }

func (j *job) add(uid string, k graph.Kind, l graph.Logic, from ...string) *job {
	n := &graph.Node{UID: uid, Kind: k, Parallelism: 1, Logic: l}
	for _, f := range from {
		n.Inputs = append(n.Inputs, &graph.Edge{From: j.Node(f)})
	}
	j.Nodes = append(j.Nodes, n)
	return j
}

func text(dst []byte, v any) []byte { return fmt.Append(dst, v) }

var (
	textOf  = func(v any) any { return v.(word).text }
	countIt = graph.Logic{Key: textOf, Reduce: func(acc, v any) any {
		return word{acc.(word).text, acc.(word).n + v.(word).n}
	}}
	encode = graph.Logic{Encode: func(dst []byte, v any) []byte {
		return fmt.Appendf(dst, "%s %d", v.(word).text, v.(word).n)
	}}
	split = graph.Logic{FlatMap: func(v any, emit func(any)) {
		for _, w := range strings.Fields(v.(string)) {
			emit(word{w, 1})
		}
	}}
)

func wordCount() *job {
	return new(job).
		add("lines", graph.Source, graph.Logic{}).
		add("words", graph.FlatMap, split, "lines").
		add("count", graph.Reduce, countIt, "words").
		add("out", graph.Sink, encode, "count")
}

func records(vs ...any) []Record {
	var rs []Record
	for _, v := range vs {
		rs = append(rs, Record{v, stream.NoTime})
	}
	return rs
}

func interpret(t require.TestingT, j *job, vs ...any) *Output {
	out, err := Interpret(&j.Graph, map[string][]Record{"lines": records(vs...)})
	require.NoError(t, err)
	return out
}

func TestWordCount(t *testing.T) {
	out := interpret(t, wordCount(), "a b a", "", "b a")
	require.Equal(t, &SinkOutput{
		UID:    "out",
		Lines:  []string{"a 1", "b 1", "a 2", "b 2", "a 3"},
		Chains: []string{`"a"`, `"b"`, `"a"`, `"b"`, `"a"`},
	}, out.Sink("out"))
	require.Nil(t, out.Sink("count"))
}

func TestWordCountIsThatOfANaiveCounter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.StringMatching(`[ab ]{0,6}`)).Draw(t, "lines")
		var in, moved []any
		var want []string
		counts := map[string]int{}
		for _, line := range lines {
			in = append(in, line)
			for _, w := range strings.Fields(line) {
				counts[w]++
				want = append(want, fmt.Sprint(w, " ", counts[w]))
			}
		}
		got := interpret(t, wordCount(), in...).Sink("out")
		require.Equal(t, want, got.Lines)

		for _, i := range rapid.Permutation(lines).Draw(t, "order") {
			moved = append(moved, i)
		}
		other := interpret(t, wordCount(), moved...).Sink("out")
		require.Nil(t, CheckMultiset(got.Lines, other.Lines))
		key := func(line string) string { w, _, _ := strings.Cut(line, " "); return w }
		a, err := got.KeyedBy(key)
		require.NoError(t, err)
		require.Nil(t, CheckPerKeyOrder(a, Keyed(other.Lines, key)))
	})
}

func TestStatelessOperatorsAndFanOut(t *testing.T) {
	j := new(job).
		add("lines", graph.Source, graph.Logic{}).
		add("more", graph.Source, graph.Logic{}).
		add("twice", graph.Map, graph.Logic{Map: func(v any) any { return 2 * v.(int) }}, "lines").
		add("big", graph.Filter, graph.Logic{Filter: func(v any) bool { return v.(int) > 2 }}, "twice").
		add("left", graph.Sink, graph.Logic{Encode: text}, "big").
		add("right", graph.Sink, graph.Logic{Encode: text}, "twice", "more")
	out, err := Interpret(&j.Graph, map[string][]Record{"lines": records(1, 2, 3), "more": records(7)})
	require.NoError(t, err)
	require.Equal(t, []SinkOutput{
		{UID: "left", Lines: []string{"4", "6"}, Chains: []string{"", ""}},
		{UID: "right", Lines: []string{"2", "4", "6", "7"}, Chains: []string{"", "", "", ""}},
	}, out.Sinks)
}

func TestRecordsAndLines(t *testing.T) {
	j := new(job).
		add("lines", graph.Source, graph.Logic{}).
		add("out", graph.Sink, graph.Logic{Encode: text}, "lines")
	out := interpret(t, j, "a\n", "b\n\nc\n", "", "d\ne", "\n")
	require.Equal(t, []string{"a", "b", "", "c", "", "d\ne", ""}, out.Sink("out").Lines)
	require.Len(t, out.Sink("out").Chains, 7)
}

func TestKeyChains(t *testing.T) {
	j := new(job).
		add("lines", graph.Source, graph.Logic{}).
		add("words", graph.FlatMap, split, "lines").
		add("count", graph.Reduce, countIt, "words").
		add("by length", graph.Reduce, graph.Logic{
			Key:    func(v any) any { return len(v.(word).text) },
			Reduce: func(_, v any) any { return v },
		}, "count").
		add("out", graph.Sink, encode, "by length")
	out := interpret(t, j, "a b/c", "a c b/c").Sink("out")
	require.Equal(t, []string{`"a"/1`, `"b/c"/3`, `"a"/1`, `"c"/1`, `"b/c"/3`}, out.Chains)

	keyed, err := out.KeyedBy(func(line string) string { return strings.Fields(line)[0] })
	require.NoError(t, err)
	require.Equal(t, KeyedLine{"b/c", "b/c 2"}, keyed[4])
	_, err = out.KeyedBy(func(line string) string { return fmt.Sprint(len(strings.Fields(line)[0])) })
	require.EqualError(t, err, `sink "out": key "1" has lines by way of the keys "a"/1 and "c"/1, whose order the job leaves open`)
}

// script is a process function made of a function for each callback.
type script struct {
	states  map[string]graph.Slot
	input   int // of the record in work
	process func(s *script, ctx graph.ProcessContext, key, v any, ts int64)
	timer   func(s *script, ctx graph.ProcessContext, key any, at int64)
}

func (s *script) Process(ctx graph.ProcessContext, input int, key, v any, ts int64) {
	s.input = input
	s.process(s, ctx, key, v, ts)
}

func (s *script) Timer(ctx graph.ProcessContext, key any, at int64, event bool) {
	if !event {
		panic("a processing-time timer")
	}
	s.timer(s, ctx, key, at)
}

func (s script) logic(states ...string) graph.Logic {
	return graph.Logic{Key: textOf, Process: func(slot func(string, graph.Bytes) graph.Slot) graph.Processor {
		s := s
		s.states = map[string]graph.Slot{}
		for _, name := range states {
			s.states[name] = slot(name, graph.Bytes{})
		}
		return &s
	}}
}

func processJob(l graph.Logic) *job {
	return new(job).
		add("lines", graph.Source, graph.Logic{}).
		add("time", graph.Timestamps, graph.Logic{Time: func(v any) int64 { return int64(v.(word).n) }}, "lines").
		add("process", graph.Process, l, "time").
		add("out", graph.Sink, graph.Logic{Encode: text}, "process")
}

// windows sums a key's records by tens of event time; the window is emitted when
// it ends.
var windows = script{
	process: func(s *script, ctx graph.ProcessContext, _, v any, ts int64) {
		end := ts - ts%10 + 9
		sums, _ := s.states["sums"].Get()
		m, _ := sums.(map[int64]int)
		if m == nil {
			m = map[int64]int{}
		}
		m[end] += v.(word).n
		s.states["sums"].Set(m)
		ctx.SetTimer(end, true)
	},
	timer: func(s *script, ctx graph.ProcessContext, key any, at int64) {
		sums, _ := s.states["sums"].Get()
		ctx.Emit(fmt.Sprint(key, " ", at, " ", sums.(map[int64]int)[at]), at)
	},
}

func TestWindowsAreThoseOfANaiveSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type window struct {
			key string
			end int
		}
		sums := map[window]int{}
		var in []any
		for range rapid.IntRange(0, 30).Draw(t, "n") {
			w := word{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key"), rapid.IntRange(0, 49).Draw(t, "time")}
			in = append(in, w)
			sums[window{w.text, w.n - w.n%10 + 9}] += w.n
		}
		want := []string{}
		for w, n := range sums {
			want = append(want, fmt.Sprint(w.key, " ", w.end, " ", n))
		}
		got := interpret(t, processJob(windows.logic("sums")), in...).Sink("out")
		require.Nil(t, CheckMultiset(want, got.Lines))
		end := func(i int) int {
			var key string
			var end, n int
			fmt.Sscan(got.Lines[i], &key, &end, &n)
			return end
		}
		require.True(t, sort.SliceIsSorted(got.Lines, func(i, j int) bool { return end(i) < end(j) }))
	})
}

func TestTimers(t *testing.T) {
	s := script{
		process: func(s *script, ctx graph.ProcessContext, key, v any, ts int64) {
			require.EqualValues(t, stream.NoTime, ctx.Watermark())
			ctx.SetTimer(20, true)
			ctx.SetTimer(20, true) // one a time
			ctx.SetTimer(10, true)
			ctx.SetTimer(30, true)
			ctx.DeleteTimer(30, true)
			ctx.DeleteTimer(40, true) // there is none
			if key == "b" {
				ctx.DeleteTimer(20, true)
				ctx.SetTimer(20, true) // now behind that of c
				ctx.DeleteTimer(10, false)
			}
			s.states["seen"].Set(v)
		},
		timer: func(s *script, ctx graph.ProcessContext, key any, at int64) {
			require.EqualValues(t, stream.MaxWatermark, ctx.Watermark())
			v, ok := s.states["seen"].Get()
			require.True(t, ok)
			require.Equal(t, key, v.(word).text)
			_, done := s.states["done"].Get()
			ctx.Emit(fmt.Sprint(key, at, done), at)
			switch {
			case at == 10:
				s.states["done"].Set(true)
				ctx.SetTimer(5, true) // late, so due at once
			case at == 20:
				s.states["done"].Clear()
				ctx.SetTimer(stream.MaxWatermark, true)
			}
		},
	}
	out := interpret(t, processJob(s.logic("seen", "done")), word{"b", 1}, word{"c", 2}, word{"b", 3}).Sink("out")
	require.Equal(t, []string{
		"b10 false", "b5 true", "c10 false", "c5 true", "c20 true", "b20 true",
		"c9223372036854775807 false", "b9223372036854775807 false",
	}, out.Lines)
	require.Equal(t, `"b"`, out.Chains[0])
}

func TestTimersOfOneTimeFireInTheOrderTheyWereSet(t *testing.T) {
	var in []any
	var want []string
	for i := range 40 {
		in = append(in, word{fmt.Sprint(i * 7 % 40), 0})
		want = append(want, fmt.Sprint(i*7%40))
	}
	s := script{
		process: func(_ *script, ctx graph.ProcessContext, _, _ any, _ int64) { ctx.SetTimer(1, true) },
		timer: func(s *script, ctx graph.ProcessContext, key any, at int64) {
			ctx.Emit(key, at)
			if _, again := s.states["again"].Get(); !again {
				s.states["again"].Set(true)
				ctx.SetTimer(at, true) // behind those of the other keys
			}
		},
	}
	require.Equal(t, append(want, want...), interpret(t, processJob(s.logic("again")), in...).Sink("out").Lines)
}

func TestEventTimeTravels(t *testing.T) {
	var times []int64
	s := script{process: func(_ *script, ctx graph.ProcessContext, _, v any, ts int64) {
		times = append(times, ts)
		ctx.Emit(v, ts+1)
	}}
	j := new(job).
		add("lines", graph.Source, graph.Logic{}).
		add("first", graph.Process, s.logic(), "lines").
		add("keep", graph.Filter, graph.Logic{Filter: func(any) bool { return true }}, "first").
		add("second", graph.Process, s.logic(), "keep").
		add("out", graph.Sink, encode, "second")
	_, err := Interpret(&j.Graph, map[string][]Record{"lines": {{word{"a", 1}, 100}}})
	require.NoError(t, err)
	require.Equal(t, []int64{100, 101}, times)
}

func TestRefusals(t *testing.T) {
	noTimer := func(*script, graph.ProcessContext, any, int64) {}
	process := func(f func(ctx graph.ProcessContext)) graph.Logic {
		return script{process: func(_ *script, ctx graph.ProcessContext, _, _ any, _ int64) { f(ctx) }, timer: noTimer}.logic()
	}
	for _, c := range []struct {
		text string
		job  *job
	}{
		{`operator "process" sets processing-time timers: such a job has no reference output`,
			processJob(process(func(ctx graph.ProcessContext) { ctx.SetTimer(1, false) }))},
		{`operator "process" reads the clock: such a job has no reference output`,
			processJob(process(func(ctx graph.ProcessContext) {
				defer func() { _ = recover() }() // does not help
				ctx.ProcessingTime()
			}))},
		{`operator "process" has timers that still come due after 1049600 have fired at the end of the input: such a job has no reference output`,
			processJob(script{
				process: func(_ *script, ctx graph.ProcessContext, _, _ any, _ int64) { ctx.SetTimer(0, true) },
				timer:   func(_ *script, ctx graph.ProcessContext, _ any, at int64) { ctx.SetTimer(at+1, true) },
			}.logic())},
		{`operator "out" is a sink that can't say what it writes (it has no Encode method): such a job has no reference output`,
			new(job).add("lines", graph.Source, graph.Logic{}).add("out", graph.Sink, graph.Logic{}, "lines")},
	} {
		_, err := Interpret(&c.job.Graph, map[string][]Record{"lines": records(word{"a", 1})})
		require.ErrorIs(t, err, ErrNoReference)
		require.EqualError(t, err, c.text)
	}
}

func TestUserFailures(t *testing.T) {
	bad := errors.New("bad word")
	process := func(f func(s *script, ctx graph.ProcessContext), states ...string) *job {
		return processJob(script{
			process: func(s *script, ctx graph.ProcessContext, key, _ any, _ int64) {
				if key == "bad" {
					f(s, ctx)
				}
			},
			timer: func(*script, graph.ProcessContext, any, int64) { panic(bad) },
		}.logic(states...))
	}
	_, err := Interpret(&process(func(*script, graph.ProcessContext) { panic(bad) }).Graph,
		map[string][]Record{"lines": records(word{"a", 1}, word{"bad", 1}, word{"a", 2})})
	require.ErrorIs(t, err, bad)
	require.EqualError(t, err, `operator "process", record 2 of 3: bad word`)

	for text, j := range map[string]*job{
		`operator "process", timer at 7 of key bad: bad word`:      process(func(_ *script, ctx graph.ProcessContext) { ctx.SetTimer(7, true) }),
		`operator "process", record 1 of 1: panic: no`:             process(func(*script, graph.ProcessContext) { panic("no") }),
		`operator "process", opening: state "x" is declared twice`: process(nil, "x", "x"),
		`operator "process", opening: state "x" is used without a key`: processJob(graph.Logic{Process: func(slot func(string, graph.Bytes) graph.Slot) graph.Processor {
			slot("x", graph.Bytes{}).Set(1)
			return nil
		}}),
		`operator "m", record 1 of 1: panic: map`:                     new(job).add("lines", graph.Source, graph.Logic{}).add("m", graph.Map, graph.Logic{Map: func(any) any { panic("map") }}, "lines"),
		`operator "r", record 1 of 1: hash of unhashable type: []int`: new(job).add("lines", graph.Source, graph.Logic{}).add("r", graph.Reduce, graph.Logic{Key: func(any) any { return []int{} }}, "lines"),
	} {
		_, err := Interpret(&j.Graph, map[string][]Record{"lines": records(word{"bad", 1})})
		require.EqualError(t, err, text)
		require.NotErrorIs(t, err, ErrNoReference)
	}
}

func TestInputsMustFit(t *testing.T) {
	j := wordCount()
	_, err := Interpret(&j.Graph, nil)
	require.EqualError(t, err, `source "lines" has no input records`)
	_, err = Interpret(&j.Graph, map[string][]Record{"lines": nil, "words": nil, "x": nil})
	require.EqualError(t, err, `input records for ["words" "x"], which the job has no source for`)
	out, err := Interpret(&j.Graph, map[string][]Record{"lines": nil})
	require.NoError(t, err)
	require.Empty(t, out.Sink("out").Lines)
}

func TestInputsStayAsTheyAre(t *testing.T) {
	in := records("a b", "b")
	keep := slices.Clone(in)
	j := wordCount()
	first, err := Interpret(&j.Graph, map[string][]Record{"lines": in})
	require.NoError(t, err)
	again, err := Interpret(&j.Graph, map[string][]Record{"lines": in})
	require.NoError(t, err)
	require.Equal(t, keep, in)
	require.Equal(t, first, again)
}

func BenchmarkInterpret(b *testing.B) {
	j := wordCount()
	var in []Record
	for i := range 1000 {
		in = append(in, Record{fmt.Sprintf("w%d x%d", i%50, i%7), stream.NoTime})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Interpret(&j.Graph, map[string][]Record{"lines": in}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*2000), "ns/word")
}
