package graph

import (
	"strconv"
	"strings"
)

// Plan is the execution graph: chains of operators with the edges between them.
type Plan struct {
	Vertices []*Vertex
	Edges    []*PlanEdge
}

// Vertex is a chain of operators that one task runs per subtask.
type Vertex struct {
	Index int
	// Chain is from head to tail, at least one.
	Chain       []*Node
	Parallelism int
	// In and Out are edges of the plan.
	In, Out []*PlanEdge
}

// PlanEdge is an edge between two vertices. Its index names its wires.
type PlanEdge struct {
	Index    int
	From, To *Vertex
	Edge     *Edge
}

// Name is the uids of the chain, such as "lines,words".
func (v *Vertex) Name() string {
	uids := make([]string, len(v.Chain))
	for i, n := range v.Chain {
		uids[i] = n.UID
	}
	return strings.Join(uids, ",")
}

// Task is the name of one subtask, such as "count/1"; it is the head's uid and
// the subtask index.
func (v *Vertex) Task(subtask int) string { return v.Chain[0].UID + "/" + strconv.Itoa(subtask) }

// Head and Tail are the ends of the chain.
func (v *Vertex) Head() *Node { return v.Chain[0] }

// Tail is the last operator of the chain.
func (v *Vertex) Tail() *Node { return v.Chain[len(v.Chain)-1] }

// Tasks is the number of subtasks of all vertices.
func (p *Plan) Tasks() int {
	n := 0
	for _, v := range p.Vertices {
		n += v.Parallelism
	}
	return n
}

// MaxParallelism is the largest parallelism of a vertex: the slots a job needs.
func (p *Plan) MaxParallelism() int {
	n := 0
	for _, v := range p.Vertices {
		n = max(n, v.Parallelism)
	}
	return n
}

// Plan makes the execution graph of a validated job. Operators are chained, as in
// Flink, over forward edges when the consumer has no other input and the producer
// no other consumer.
func (g *Graph) Plan(chaining bool) *Plan {
	consumers := map[*Node]int{}
	for _, n := range g.Nodes {
		for _, e := range n.Inputs {
			consumers[e.From]++
		}
	}
	p := &Plan{}
	of := map[*Node]*Vertex{}
	for _, n := range g.Nodes {
		if chaining && len(n.Inputs) == 1 {
			e := n.Inputs[0]
			if up := of[e.From]; e.Partitioner == Forward && consumers[e.From] == 1 {
				up.Chain = append(up.Chain, n)
				of[n] = up
				continue
			}
		}
		v := &Vertex{Index: len(p.Vertices), Chain: []*Node{n}, Parallelism: n.Parallelism}
		p.Vertices = append(p.Vertices, v)
		of[n] = v
	}
	for _, v := range p.Vertices {
		for _, e := range v.Head().Inputs {
			pe := &PlanEdge{Index: len(p.Edges), From: of[e.From], To: v, Edge: e}
			p.Edges = append(p.Edges, pe)
			v.In = append(v.In, pe)
			pe.From.Out = append(pe.From.Out, pe)
		}
	}
	return p
}

// Channels is the number of channels that a subtask of the edge's producer
// (out = true) or consumer has on it.
func (e *PlanEdge) Channels(out bool) int {
	switch {
	case e.Edge.Partitioner == Forward:
		return 1
	case out:
		return e.To.Parallelism
	}
	return e.From.Parallelism
}

// Peer is the subtask at the other end of channel ch of a subtask.
func (e *PlanEdge) Peer(subtask, ch int) int {
	if e.Edge.Partitioner == Forward {
		return subtask
	}
	return ch
}
