package model

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/graph"
)

// edge adds an edge between operators of the job.
func (j *job) edge(from, to string, p graph.Partitioner, input int) *job {
	n := j.Node(to)
	n.Inputs = append(n.Inputs, &graph.Edge{From: j.Node(from), Partitioner: p, Input: input})
	return j
}

func (j *job) parallel(uid string, n int) *job {
	j.Node(uid).Parallelism = n
	return j
}

// twoSources has the sources "lines" and "more" and what a test makes of them.
func twoSources() *job {
	return new(job).add("lines", graph.Source, graph.Logic{}).add("more", graph.Source, graph.Logic{})
}

func linesOf(t *testing.T, j *job, lines, more []Record) []string {
	t.Helper()
	out, err := Interpret(&j.Graph, map[string][]Record{"lines": lines, "more": more})
	require.NoError(t, err)
	return out.Sink("out").Lines
}

// TestUnion: an operator sees the records of all its edges, of one twice if it has
// two edges from there.
func TestUnion(t *testing.T) {
	j := twoSources().add("count", graph.Reduce, countIt, "more", "lines", "more").add("out", graph.Sink, encode, "count")
	require.Equal(t, []string{"a 1", "b 1", "a 3", "a 4", "b 2"},
		linesOf(t, j, records(word{"a", 2}), records(word{"a", 1}, word{"b", 1})))
}

// TestPartitioners: a rebalance changes nothing, over a broadcast edge each subtask
// sees each record.
func TestPartitioners(t *testing.T) {
	for p, want := range map[graph.Partitioner][]string{ // unordered: each by itself
		graph.Forward:   {"1", "2"},
		graph.Rebalance: {"1", "2"},
		graph.Broadcast: {"1", "1", "1", "2", "2", "2"},
	} {
		j := new(job).add("lines", graph.Source, graph.Logic{}).
			add("same", graph.Map, graph.Logic{Map: func(v any) any { return v }}).edge("lines", "same", p, 0).parallel("same", 3).
			add("out", graph.Sink, graph.Logic{Encode: text}, "same")
		require.Equal(t, want, interpret(t, j, 1, 2).Sink("out").Lines, p)
	}
	// Beside another edge, only the broadcast one multiplies; so does a sink.
	j := twoSources().add("out", graph.Sink, graph.Logic{Encode: text}, "lines").edge("more", "out", graph.Broadcast, 0).parallel("out", 2)
	require.Equal(t, []string{"1", "7", "7"}, linesOf(t, j, records(1), records(7)))
}

// matched sums per input and key, in state that both inputs share.
var matched = script{
	process: func(s *script, ctx graph.ProcessContext, key, v any, ts int64) {
		sums, _ := s.states["sums"].Get()
		m, _ := sums.([2]int)
		m[s.input] += v.(word).n
		s.states["sums"].Set(m)
		ctx.SetTimer(100, true)
		if s.input == 1 {
			ctx.Emit(fmt.Sprintf("%v of the second", key), ts)
		}
	},
	timer: func(s *script, ctx graph.ProcessContext, key any, at int64) {
		sums, _ := s.states["sums"].Get()
		ctx.Emit(fmt.Sprint(key, sums), at)
	},
}

// TestCoProcess: each input has its own key, and edges of its own; the state is that
// of the key, whichever input it came by.
func TestCoProcess(t *testing.T) {
	logic := matched.logic("sums")
	logic.SecondKey = func(v any) any { return v.(word).text[1:] }
	j := twoSources().add("both", graph.CoProcess, logic).
		edge("lines", "both", graph.Hash, 0).edge("more", "both", graph.Hash, 1).edge("lines", "both", graph.Hash, 0).
		add("out", graph.Sink, graph.Logic{Encode: text}, "both")
	require.Equal(t, []string{"a of the second", "c of the second", "a[2 5]", "b[4 0]", "c[0 6]"},
		linesOf(t, j, records(word{"a", 1}, word{"b", 2}), records(word{"xa", 5}, word{"xc", 6})))
}
