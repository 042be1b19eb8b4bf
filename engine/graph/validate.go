package graph

import "fmt"

// InvalidError says what is wrong with a job, and where.
type InvalidError struct {
	UID  string // of the node, empty for the whole job
	Text string
}

func (e *InvalidError) Error() string {
	if e.UID == "" {
		return "invalid job: " + e.Text
	}
	return fmt.Sprintf("invalid job: operator %q %s", e.UID, e.Text)
}

func invalid(n *Node, format string, args ...any) error {
	return &InvalidError{n.UID, fmt.Sprintf(format, args...)}
}

// Validate checks a job and fills in what was derived (max parallelism). The
// error is an *InvalidError that names the first fault in the order of the nodes.
func (g *Graph) Validate() error {
	seen := map[string]bool{}
	sources, sinks := 0, 0
	for _, n := range g.Nodes {
		if err := n.validate(); err != nil {
			return err
		}
		if seen[n.UID] {
			return invalid(n, "appears twice: every operator needs a uid of its own")
		}
		seen[n.UID] = true
		switch n.Kind {
		case Source:
			sources++
		case Sink:
			sinks++
		}
	}
	switch {
	case sources == 0:
		return &InvalidError{Text: "it has no source; add one with FromSource"}
	case sinks == 0:
		return &InvalidError{Text: "it has no sink; end every stream with ToSink"}
	}
	return g.validateEdges()
}

func (n *Node) validate() error {
	switch {
	case n.UID == "":
		return &InvalidError{Text: fmt.Sprintf("a %s operator has no uid", n.Kind)}
	case n.Parallelism < 1:
		return invalid(n, "has parallelism %d; it must be at least 1", n.Parallelism)
	case n.MaxParallelism < 0 || n.MaxParallelism > MaxParallelismLimit:
		return invalid(n, "has max parallelism %d; it must be between 1 and %d", n.MaxParallelism, MaxParallelismLimit)
	case n.MaxParallelism != 0 && n.MaxParallelism < n.Parallelism:
		return invalid(n, "has parallelism %d above its max parallelism %d", n.Parallelism, n.MaxParallelism)
	case n.MaxParallelism == 0 && n.Parallelism > MaxParallelismLimit:
		return invalid(n, "has parallelism %d; it must be at most %d", n.Parallelism, MaxParallelismLimit)
	case n.Kind == Source && len(n.Inputs) > 0:
		return invalid(n, "is a source and has an edge into it%s; sources take no input", from(n.Inputs[0]))
	case n.Kind != Source && len(n.Inputs) == 0:
		return invalid(n, "is a %s without an input", n.Kind)
	case n.Kind == CoProcess && !(n.reads(0) && n.reads(1)):
		return invalid(n, "is a %s with one input; it needs two", n.Kind)
	case n.Kind != Sink && n.Out == nil:
		return invalid(n, "produces %s, which has no codec; give one with engine.WithCodec, or use codec/cbor for structs", n.OutName)
	case len(n.NoCodec) > 0:
		return invalid(n, "uses %s, which has no codec; give one with engine.WithCodec, or use codec/cbor for structs", n.NoCodec[0])
	}
	if n.MaxParallelism == 0 {
		n.MaxParallelism = DefaultMaxParallelism(n.Parallelism)
	}
	return nil
}

// reads reports whether an edge leads to an input.
func (n *Node) reads(input int) bool {
	for _, e := range n.Inputs {
		if e.Input == input {
			return true
		}
	}
	return false
}

func from(e *Edge) string {
	if e.From == nil {
		return ""
	}
	return fmt.Sprintf(" from %q", e.From.UID)
}

// keyed reports whether the node keeps state by key.
func (n *Node) keyed() bool { return n.Kind == Reduce || n.Kind == Process || n.Kind == CoProcess }

func (g *Graph) validateEdges() error {
	known := map[*Node]bool{}
	used := map[*Node]bool{}
	for _, n := range g.Nodes {
		for _, e := range n.Inputs {
			switch {
			case e.From == nil || !known[e.From]:
				return invalid(n, "has an input that does not come from an earlier operator of this job")
			case e.From.Kind == Sink:
				return invalid(n, "reads from sink %q; sinks have no output", e.From.UID)
			case e.Input < 0 || e.Input > 1 || e.Input == 1 && n.Kind != CoProcess:
				return invalid(n, "is a %s and has no input %d, into which %q leads", n.Kind, e.Input, e.From.UID)
			case n.keyed() && e.Partitioner != Hash:
				return invalid(n, "is a %s and has a %s edge from %q; its input must be keyed", n.Kind, e.Partitioner, e.From.UID)
			case e.Partitioner == Forward && e.From.Parallelism != n.Parallelism:
				return invalid(n, "has parallelism %d but a forward edge from %q with parallelism %d; they must be equal",
					n.Parallelism, e.From.UID, e.From.Parallelism)
			}
			used[e.From] = true
		}
		known[n] = true
	}
	for _, n := range g.Nodes {
		if n.Kind != Sink && !used[n] {
			return invalid(n, "has an output that nothing reads; end every stream with ToSink")
		}
	}
	return nil
}
