package model

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/graph"
)

func TestOwner(t *testing.T) {
	n := &graph.Node{Parallelism: 3, MaxParallelism: 128}
	for encoded, key := range map[string]any{ // unordered: each by itself
		"\x00": "", "\x03the": "the", "\x08word\tthe": "word\tthe", "\x07": uint64(7), "\xac\x02": uint64(300),
	} {
		got, ok := Owner(n, key)
		require.True(t, ok)
		require.Equal(t, graph.Subtask(graph.KeyGroup(graph.KeyHash([]byte(encoded)), 128), 128, 3), got, "%v", key)
	}
	owners := map[int]int{}
	for key := range uint64(300) {
		owner, _ := Owner(n, key)
		owners[owner]++
	}
	require.Len(t, owners, 3)
	_, ok := Owner(n, 1.5)
	require.False(t, ok)
}

// TestSent: what a source's subtask sends over each kind of edge.
func TestSent(t *testing.T) {
	source := &graph.Node{UID: "lines", Kind: graph.Source, Parallelism: 2}
	words := &graph.Node{
		UID: "words", Kind: graph.FlatMap, Parallelism: 2, Inputs: []*graph.Edge{{From: source}},
		Logic: graph.Logic{FlatMap: func(v any, emit func(any)) {
			for _, w := range strings.Fields(v.(string)) {
				emit(w)
			}
		}},
	}
	short := &graph.Node{
		UID: "short", Kind: graph.Filter, Parallelism: 2, Inputs: []*graph.Edge{{From: words}},
		Logic: graph.Logic{Filter: func(v any) bool { return len(v.(string)) == 1 }},
	}
	to := &graph.Node{
		UID: "to", Kind: graph.Reduce, Parallelism: 3, MaxParallelism: 128,
		Logic: graph.Logic{Key: func(v any) any { return v }, SecondKey: func(any) any { return "all" }},
	}
	in := []Record{{Value: "a long b"}, {Value: ""}, {Value: "c a d e"}}
	sent := func(p graph.Partitioner, subtask, input int) [][]any {
		e := &graph.Edge{From: short, Partitioner: p, Input: input}
		require.Same(t, source, Feeder(e))
		return Sent(e, to, subtask, in)
	}
	all := []any{"a", "b", "c", "a", "d", "e"}
	require.Equal(t, [][]any{nil, all, nil}, sent(graph.Forward, 1, 0))
	require.Equal(t, [][]any{all, all, all}, sent(graph.Broadcast, 1, 0))
	require.Equal(t, [][]any{{"c", "e"}, {"a", "a"}, {"b", "d"}}, sent(graph.Rebalance, 1, 0), "from the subtask's own number on")
	require.Equal(t, [][]any{{"a", "a"}, {"b", "d"}, {"c", "e"}}, sent(graph.Rebalance, 3, 0))
	n := 0
	for i, values := range sent(graph.Hash, 0, 0) {
		for _, v := range values {
			owner, _ := Owner(to, v)
			require.Equal(t, owner, i)
		}
		n += len(values)
	}
	require.Equal(t, len(all), n)
	owner, _ := Owner(to, "all")
	require.Equal(t, all, sent(graph.Hash, 0, 1)[owner], "the second input has a key of its own")

	for what, e := range map[string]*graph.Edge{ // unordered: each by itself
		"stateful":          {From: to},
		"behind a shuffle":  {From: &graph.Node{Kind: graph.Map, Inputs: []*graph.Edge{{From: source, Partitioner: graph.Rebalance}}}},
		"behind two inputs": {From: &graph.Node{Kind: graph.Map, Inputs: []*graph.Edge{{From: source}, {From: words}}}},
	} {
		require.Nil(t, Feeder(e), what)
		require.Nil(t, Sent(e, to, 0, in), what)
	}
	to.Logic.Key = func(any) any { return 1.5 }
	require.Nil(t, sent(graph.Hash, 0, 0), "a key of which nobody knows the owner")
}

// TestLinesIn: neighbouring ranges have all lines, each once, and as many as are counted.
func TestLinesIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := []byte(rapid.StringOf(rapid.SampledFrom([]rune{'a', 'b', '\n'})).Draw(t, "text"))
		at := rapid.Int64Range(0, int64(len(data))).Draw(t, "at")
		first, second := LinesIn(data, 0, at), LinesIn(data, at, int64(len(data)))
		require.Equal(t, Lines(data), append(first, second...))
		require.EqualValues(t, CountLines(data, 0, at), len(first))
		require.EqualValues(t, CountLines(data, at, int64(len(data))), len(second))
	})
	require.Empty(t, LinesIn([]byte("a\n"), 5, 9))
	require.Equal(t, []string{"a"}, LinesIn([]byte("a\n"), -1, 9))
}
