package graph_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/golden"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/stream"
)

// A line of a golden file is one node: its uid, kind, and arguments p= (default 1),
// max=, from= with the uids it reads from, type=none for an output without codec,
// state= for a type without one. Behind a uid to read from, # means by hash, % by
// rebalance, * by broadcast; behind that @1 the second input.
//
//	validate   the error, or the max parallelism of each node
//	plan       the execution graph [chaining=false]
func TestGolden(t *testing.T) {
	golden.Run(t, "testdata/*.txt", func() golden.Bench {
		return func(c golden.Command) string {
			g := parse(c.Lines)
			if err := g.Validate(); err != nil {
				return err.Error()
			}
			if c.Name == "plan" {
				return describe(g.Plan(c.Value("chaining") != "false"))
			}
			var out []string
			for _, n := range g.Nodes {
				out = append(out, fmt.Sprintf("%s max=%d", n.UID, n.MaxParallelism))
			}
			return strings.Join(out, "\n")
		}
	})
}

func parse(lines []string) *graph.Graph {
	g := &graph.Graph{}
	for _, line := range lines {
		words := strings.Fields(line)
		c := golden.Command{Args: words}
		n := &graph.Node{UID: words[0], Kind: kind(words[1]), Parallelism: number(c, "p", 1), MaxParallelism: number(c, "max", 0), OutName: "T"}
		if n.UID == "-" {
			n.UID = ""
		}
		if n.Kind != graph.Sink && c.Value("type") != "none" {
			n.Out = &stream.Of[int64]{Codec: codec.Int64{}}
		}
		if state := c.Value("state"); state != "" {
			n.NoCodec = []string{state}
		}
		if from := c.Value("from"); from != "" {
			for _, uid := range strings.Split(from, ",") {
				e := &graph.Edge{}
				uid, input, second := strings.Cut(uid, "@")
				if second {
					e.Input = number(golden.Command{Args: []string{"input=" + input}}, "input", 0)
				}
				for mark, p := range map[string]graph.Partitioner{"#": graph.Hash, "%": graph.Rebalance, "*": graph.Broadcast} {
					if by, ok := strings.CutSuffix(uid, mark); ok { // unordered: one at most
						uid, e.Partitioner = by, p
					}
				}
				e.From = g.Node(uid)
				n.Inputs = append(n.Inputs, e)
			}
		}
		g.Nodes = append(g.Nodes, n)
	}
	return g
}

func number(c golden.Command, key string, otherwise int) int {
	if c.Value(key) == "" {
		return otherwise
	}
	n, err := strconv.Atoi(c.Value(key))
	if err != nil {
		panic(err)
	}
	return n
}

func kind(name string) graph.Kind {
	for k := graph.Source; k <= graph.Sink; k++ {
		if strings.NewReplacer(" ", "", "-", "").Replace(k.String()) == name {
			return k
		}
	}
	panic("no kind " + name)
}

// describe is a line for each vertex and each edge.
func describe(p *graph.Plan) string {
	var out []string
	for _, v := range p.Vertices {
		out = append(out, fmt.Sprintf("%d %s: %s to %s, head %s, tail %s", v.Index, v.Name(), v.Task(0), v.Task(v.Parallelism-1), v.Head().UID, v.Tail().UID))
	}
	for _, e := range p.Edges {
		out = append(out, fmt.Sprintf("edge %d %s %s > %s: %d channels out, %d in; the last is to %d, from %d",
			e.Index, e.Edge.Partitioner, e.From.Name(), e.To.Name(), e.Channels(true), e.Channels(false),
			e.Peer(e.From.Parallelism-1, e.Channels(true)-1), e.Peer(e.To.Parallelism-1, e.Channels(false)-1)))
	}
	return strings.Join(append(out, fmt.Sprintf("%d tasks in %d slots", p.Tasks(), p.MaxParallelism())), "\n")
}

// Every edge is listed where it begins and where it ends, in the order of its index.
func TestPlanEdges(t *testing.T) {
	g := parse([]string{
		"a source p=2", "b map p=2 from=a", "c reduce p=3 from=b#,a#", "d sink p=3 from=c", "e sink p=3 from=c",
	})
	require.NoError(t, g.Validate())
	for _, chaining := range []bool{true, false} {
		p := g.Plan(chaining)
		in, out := 0, 0
		for i, v := range p.Vertices {
			require.Equal(t, i, v.Index)
			for _, e := range v.In {
				require.Same(t, v, e.To)
				require.Same(t, e, p.Edges[e.Index])
				require.Same(t, e.From.Tail(), e.Edge.From)
				in++
			}
			for _, e := range v.Out {
				require.Same(t, v, e.From)
				out++
			}
		}
		require.Equal(t, len(p.Edges), in)
		require.Equal(t, len(p.Edges), out)
	}
	require.False(t, g.Committing())
	g.Nodes[3].Committing = true
	require.True(t, g.Committing())
	require.Nil(t, g.Node("x"))
}
