package graph

// Part is what a task of a vertex needs of the plan: a copy of the vertex with its edges,
// and of what is at their other ends how many subtasks and key groups there are. It
// reaches nothing else of the job's description, which may so be let go; of the user's
// functions it has those that its own operators and edges run.
func (p *Plan) Part(vertex int) *Vertex {
	of := p.Vertices[vertex]
	v := &Vertex{Index: of.Index, Parallelism: of.Parallelism}
	for _, n := range of.Chain {
		v.Chain = append(v.Chain, n.stub())
		v.Chain[len(v.Chain)-1].Runtime = n.Runtime
	}
	for _, e := range of.In {
		v.In = append(v.In, e.part(e.From.stub(), v))
	}
	for _, e := range of.Out {
		v.Out = append(v.Out, e.part(v, e.To.stub()))
	}
	return v
}

// part is the edge between other vertices.
func (e *PlanEdge) part(from, to *Vertex) *PlanEdge {
	return &PlanEdge{Index: e.Index, From: from, To: to, Edge: &Edge{
		Partitioner: e.Edge.Partitioner, Input: e.Edge.Input, Runtime: e.Edge.Runtime,
	}}
}

// stub is the head of the vertex, without what it does.
func (v *Vertex) stub() *Vertex {
	return &Vertex{Index: v.Index, Parallelism: v.Parallelism, Chain: []*Node{v.Head().stub()}}
}

func (n *Node) stub() *Node {
	return &Node{UID: n.UID, Kind: n.Kind, Parallelism: n.Parallelism, MaxParallelism: n.MaxParallelism, Committing: n.Committing}
}
