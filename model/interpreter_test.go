package model

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/stream"
)

// Codecs of the tests: text as it is, a word as its text, '=' and number.
var (
	textBytes = graph.Bytes{
		Append: func(dst []byte, v any) []byte { return append(dst, v.(string)...) },
		Decode: func(src []byte) (any, int, error) { return string(src), len(src), nil },
	}
	wordBytes = graph.Bytes{
		Append: func(dst []byte, v any) []byte { return fmt.Appendf(dst, "%s=%d", v.(word).text, v.(word).n) },
		Decode: func(src []byte) (any, int, error) {
			text, n, ok := strings.Cut(string(src), "=")
			if !ok {
				return nil, 0, errors.New("no word")
			}
			w := word{text: text}
			_, err := fmt.Sscan(n, &w.n)
			return w, len(src), err
		},
	}
)

// remembered counts words in a state that a timer, ten behind the word's number, clears.
func remembered() *job {
	l := graph.Logic{Key: textOf, Keys: textBytes, Process: func(slot func(string, graph.Bytes) graph.Slot) graph.Processor {
		return &memory{slot("sum", wordBytes)}
	}}
	j := processJob(l)
	j.Node("process").Logic.Keys = textBytes
	return j
}

type memory struct{ sum graph.Slot }

func (m *memory) Process(ctx graph.ProcessContext, _ int, key, v any, ts int64) {
	w := v.(word)
	if old, ok := m.sum.Get(); ok {
		w.n += old.(word).n
	}
	m.sum.Set(w)
	ctx.SetTimer(ts+10, true)
	ctx.Emit(w.text+" is counted", ts)
}

func (m *memory) Timer(ctx graph.ProcessContext, key any, at int64, _ bool) {
	if at == 15 {
		m.sum.Clear()
	}
	ctx.Emit(fmt.Sprintf("%v fires at %d", key, at), at)
}

func counting() *job {
	j := wordCount()
	j.Node("count").Logic.Keys, j.Node("count").Logic.Values = textBytes, wordBytes
	return j
}

func newInterpreter(t require.TestingT, j *job) *Interpreter {
	it, err := NewInterpreter(&j.Graph)
	require.NoError(t, err)
	return it
}

func digestOf(es ...Entry) Digest {
	var s Summer
	for _, e := range es {
		s.Add(e)
	}
	return s.Digest
}

// TestInterpreterAtEachCut: after each piece of the input, state and output are those of
// a naive counter, and at the end those of Interpret.
func TestInterpreterAtEachCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(rapid.SliceOfN(rapid.StringMatching(`[abc ]{0,6}`), 0, 4), 1, 5).Draw(t, "pieces")
		it := newInterpreter(t, counting())
		counts, lines := map[string]int{}, []string{}
		var all []any
		for _, piece := range pieces {
			var rs []Record
			for _, line := range piece {
				rs, all = append(rs, Record{line, stream.NoTime}), append(all, line)
				for _, w := range strings.Fields(line) {
					counts[w]++
					lines = append(lines, fmt.Sprint(w, " ", counts[w]))
				}
			}
			require.NoError(t, it.Feed("lines", rs))
			require.NoError(t, it.Run(nil))
			var want []Entry
			for w, n := range counts { // unordered: a digest has no order
				want = append(want, Entry{"count", graph.ReducedState, []byte(w), fmt.Appendf(nil, "%s=%d", w, n)})
			}
			require.Equal(t, digestOf(want...), it.State())
			require.Equal(t, digestOf(want...), digestOf(it.Entries()...))
			got, sum := it.Lines("out")
			require.Nil(t, CheckMultiset(lines, got))
			var d Digest
			for _, l := range lines {
				d.AddLine(l)
			}
			require.Equal(t, d, sum)
		}
		got, _ := it.Lines("out")
		require.Nil(t, CheckMultiset(interpret(t, counting(), all...).Sink("out").Lines, got))
	})
}

// TestInterpreterFromASnapshot: with state loaded and the rest of the records in flight
// it comes to the same state, and to the rest of the output.
func TestInterpreterFromASnapshot(t *testing.T) {
	whole, front, back := newInterpreter(t, counting()), newInterpreter(t, counting()), newInterpreter(t, counting())
	require.NoError(t, whole.Feed("lines", records("a b a", "c a b")))
	require.NoError(t, front.Feed("lines", records("a b a")))
	for _, it := range []*Interpreter{whole, front} {
		require.NoError(t, it.Run(nil))
	}
	for _, e := range front.Entries() {
		require.NoError(t, back.Load(e))
	}
	require.Equal(t, front.State(), back.State())
	j := counting()
	require.NoError(t, back.FeedChannel("count", j.Node("count").Inputs[0], records(word{"b", 1}, word{"c", 1}, word{"a", 1})))
	require.NoError(t, back.Run(nil))
	require.Equal(t, whole.State(), back.State())
	got, rest := back.Lines("out")
	require.ElementsMatch(t, []string{"b 2", "c 1", "a 3"}, got)
	_, sum := front.Lines("out")
	_, want := whole.Lines("out")
	require.Equal(t, want, sum.Plus(rest))
}

func timerEntry(key string, at int64) Entry {
	return Entry{"process", EventTimers, []byte(key), binary.AppendVarint(nil, at)}
}

// TestInterpreterIsToldWhichTimersHaveFired: it fires those that are not pending, once.
func TestInterpreterIsToldWhichTimersHaveFired(t *testing.T) {
	it := newInterpreter(t, remembered())
	require.NoError(t, it.Feed("lines", records(word{"a", 5}, word{"b", 7}, word{"a", 8})))
	require.NoError(t, it.Run(nil))
	a, b := Entry{"process", "sum", []byte("a"), []byte("a=13")}, Entry{"process", "sum", []byte("b"), []byte("b=7")}
	require.Equal(t, digestOf(a, b, timerEntry("a", 15), timerEntry("b", 17), timerEntry("a", 18)), it.State())

	left := func(timer Entry) bool { return digestOf(timer) != digestOf(timerEntry("a", 15)) }
	for range 2 {
		require.NoError(t, it.Run(left))
		require.Equal(t, digestOf(b, timerEntry("b", 17), timerEntry("a", 18)), it.State())
		require.Equal(t, it.State(), digestOf(it.Entries()...))
		got, _ := it.Lines("out")
		require.Equal(t, []string{"a is counted", "b is counted", "a is counted", "a fires at 15"}, got)
	}

	again := newInterpreter(t, remembered())
	for _, e := range it.Entries() {
		require.NoError(t, again.Load(e))
	}
	require.Equal(t, it.State(), again.State())
	require.NoError(t, again.Run(func(Entry) bool { return false }))
	require.Equal(t, digestOf(b), again.State())
	got, _ := again.Lines("out")
	require.Equal(t, []string{"b fires at 17", "a fires at 18"}, got)
}

func TestInterpreterRefuses(t *testing.T) {
	_, err := NewInterpreter(&wordCount().Graph)
	require.EqualError(t, err, `operator "count", state "reduced": has no codec`)
	it := newInterpreter(t, counting())
	require.EqualError(t, it.Feed("words", nil), `the job has no source "words"`)
	require.EqualError(t, it.FeedChannel("lines", &graph.Edge{}, nil), `the job has no operator "lines" that is given records`)
	for want, e := range map[string]Entry{ // unordered: each by itself
		`the job has no operator "other"`:                                       {UID: "other"},
		`operator "words" has no keys`:                                          {UID: "words"},
		`operator "count" has no state "x"`:                                     {UID: "count", State: "x"},
		`operator "count", state "reduced": value 78 can't be decoded: no word`: {UID: "count", State: "reduced", Value: []byte("x")},
		`operator "process": 80 is no time of a timer`:                          {UID: "process", State: EventTimers, Value: []byte{0x80}},
	} {
		on := it
		if e.UID == "process" {
			on = newInterpreter(t, remembered())
		}
		require.EqualError(t, on.Load(e), want)
	}
	require.NoError(t, it.Feed("lines", []Record{{7, stream.NoTime}}))
	require.ErrorContains(t, it.Run(nil), `operator "words", record 1 of 1: interface conversion`)
}

func TestLineRecords(t *testing.T) {
	data := []byte("ab\n\ncd\nlast")
	texts := func(start, next int64) (out []string) {
		for _, r := range LineRecords(data, start, next) {
			out = append(out, r.Value.(string))
		}
		return out
	}
	require.Equal(t, []string{"ab", "", "cd", "last"}, texts(0, 11))
	require.Equal(t, []string{"ab", ""}, texts(0, 4))
	require.Equal(t, []string{"", "cd"}, texts(1, 7), "the rest of a line is not this split's")
	require.Equal(t, []string{"last"}, texts(5, 99))
	require.Nil(t, texts(8, 11))
	require.Nil(t, texts(4, 4))
	rapid.Check(t, func(t *rapid.T) {
		data := []byte(rapid.StringMatching(`[a\n]{0,20}`).Draw(t, "data"))
		start := int64(rapid.IntRange(0, len(data)).Draw(t, "start"))
		require.Equal(t, CountLines(data, start, int64(len(data))), int64(len(LineRecords(data, start, int64(len(data))))))
	})
}

func TestStateDiff(t *testing.T) {
	text := func(e Entry) (string, string) { return string(e.Key), string(e.Value) }
	want := []Entry{{"o", "s", []byte("a"), []byte("1")}, {"o", "s", []byte("b"), []byte("2")}, {"o", EventTimers, []byte("a"), []byte("7")}}
	got := []Entry{{"o", "s", []byte("b"), []byte("3")}, {"o", "s", []byte("c"), []byte("4")}, {"o", EventTimers, []byte("a"), []byte("8")}}
	require.Equal(t, []string{
		`operator "o", state "(event-time timers)", key a: nothing, must be 7`,
		`operator "o", state "(event-time timers)", key a: 8, must be nothing`,
		`operator "o", state "s", key a: nothing, must be 1`,
		`operator "o", state "s", key b: 3, must be 2`,
		`1 more entries differ`,
	}, StateDiff(want, got, 4, text))
	require.Nil(t, StateDiff(want, want, 4, text))
	require.Equal(t, digestOf(want[0], want[1], want[2]), digestOf(want[2], want[0], want[1]))
	require.NotEqual(t, digestOf(want[0], want[0]), digestOf(want[0]))
	require.NotEqual(t, digestOf(want...), digestOf(got...))
}
