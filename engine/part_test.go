package engine_test

import (
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/operator"
)

// join is a co-process function without states.
type join struct{}

func (join) Open(*engine.States[string])                                 {}
func (join) ProcessA(*engine.Context[string, string], string) error      { return nil }
func (join) ProcessB(*engine.Context[string, string], string) error      { return nil }
func (join) OnTimer(*engine.Context[string, string], engine.Timer) error { return nil }
func newJoin() engine.CoProcessFunction[string, string, string, string]  { return join{} }
func first(a, _ string) string                                           { return a }
func words(s string, emit func(string))                                  { emit(s) }
func everyKind(j *engine.Job) {
	s := engine.FromSource(j, "source", source[string]{}, engine.Parallelism(2))
	s = engine.Timestamps(engine.Rebalance(s), "timestamps", func(string) int64 { return 1 }, 0)
	s = engine.Filter(engine.Broadcast(s), "filter", func(string) bool { return true })
	s = engine.FlatMap(engine.Map(s, "map", strings.ToUpper), "words", words)
	key := engine.KeyBy(s, strings.ToLower)
	reduced := engine.Reduce(key, "reduce", first)
	processed := engine.Process(key, "process", process[string]("a"))
	both := engine.CoProcess(engine.Connect(engine.KeyBy(reduced, strings.ToLower), engine.KeyBy(processed, strings.ToLower)), "join", newJoin)
	engine.ToSink(engine.Union(both, s), "sink", sink[string]{})
}

// TestPartHoldsNothingElse: what a task keeps of the description of its job does not
// grow with the job. Each of 10,000 tasks has one.
func TestPartHoldsNothingElse(t *testing.T) {
	described := func() *graph.Graph {
		g, err := engine.Describe(engine.DefaultConfig(), everyKind)
		require.NoError(t, err)
		return g
	}
	for i, v := range described().Plan(false).Vertices {
		part, nodes := func() (*graph.Vertex, map[string]weak.Pointer[graph.Node]) {
			g := described()
			nodes := map[string]weak.Pointer[graph.Node]{}
			for _, n := range g.Nodes {
				nodes[n.UID] = weak.Make(n)
			}
			return g.Plan(false).Part(i), nodes
		}()
		runtime.GC()
		for uid, n := range nodes {
			require.Nil(t, n.Value(), "the part of %s holds %s", v.Name(), uid)
		}
		runtime.KeepAlive(part)
	}
}

// TestPart: a task finds in its part what it would find in the plan.
func TestPart(t *testing.T) {
	for _, chaining := range []bool{false, true} {
		g, err := engine.Describe(engine.DefaultConfig(), everyKind)
		require.NoError(t, err)
		plan := g.Plan(chaining)
		for i, v := range plan.Vertices {
			part := plan.Part(i)
			require.Equal(t, []any{v.Index, v.Name(), v.Parallelism, len(v.In), len(v.Out)},
				[]any{part.Index, part.Name(), part.Parallelism, len(part.In), len(part.Out)})
			for j, n := range v.Chain {
				p := part.Chain[j]
				require.Equal(t, n.MaxParallelism, p.MaxParallelism)
				require.IsType(t, n.Runtime.(operator.Runtime).New(), p.Runtime.(operator.Runtime).New())
			}
			for _, es := range [][2][]*graph.PlanEdge{{v.In, part.In}, {v.Out, part.Out}} {
				for j, e := range es[0] {
					p := es[1][j]
					require.Equal(t, end(e.From), end(p.From))
					require.Equal(t, end(e.To), end(p.To))
					require.Equal(t, []any{e.Index, e.Edge.Input, e.Edge.Partitioner, e.Channels(true), e.Channels(false)},
						[]any{p.Index, p.Edge.Input, p.Edge.Partitioner, p.Channels(true), p.Channels(false)})
					require.Same(t, e.Edge.Runtime, p.Edge.Runtime)
				}
			}
		}
	}
}

// end is what a task asks of the vertex at an end of its edges.
func end(v *graph.Vertex) []any {
	return []any{v.Index, v.Parallelism, v.Head().UID, v.Head().MaxParallelism}
}
