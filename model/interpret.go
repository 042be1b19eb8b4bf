package model

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/engine/graph"
)

// ErrNoReference is wrapped by the errors of [Interpret] that say that nobody can
// tell what the job must output.
var ErrNoReference = errors.New("such a job has no reference output")

// Record is a record as a source emits it: a value of the source's type and its
// event time in milliseconds since the Unix epoch, or stream.NoTime.
type Record struct {
	Value any
	Time  int64
}

// Output is what a job must output.
type Output struct {
	Sinks []SinkOutput // in the order of the graph
}

// Sink returns the output of the sink with that uid, or nil.
func (o *Output) Sink(uid string) *SinkOutput {
	for i := range o.Sinks {
		if o.Sinks[i].UID == uid {
			return &o.Sinks[i]
		}
	}
	return nil
}

// SinkOutput is what one sink must have committed when all input is through.
type SinkOutput struct {
	UID string
	// Lines are the encoded records in the interpreter's order. A record that ends
	// in '\n' is the lines it has, without their '\n'; any other is one line, and
	// would run into the next one in a file.
	Lines []string
	// Chains has for each line the keys of the keyed operators that it came
	// through, such as `"the"` or `"the"/3`; empty if there was none. A record
	// that a timer emitted has the timer's key only.
	Chains []string
}

// KeyedBy is the lines for [CheckPerKeyOrder] with their keys. Lines of one key
// that came through different key chains are an error: nothing orders them in a
// job that runs in parallel. Use [Keyed] where something else does.
func (s *SinkOutput) KeyedBy(key func(line string) string) ([]KeyedLine, error) {
	chains := make(map[string]string)
	for i, line := range s.Lines {
		k := key(line)
		chain, ok := chains[k]
		if !ok {
			chains[k] = s.Chains[i]
		} else if chain != s.Chains[i] {
			return nil, fmt.Errorf("sink %q: key %q has lines by way of the keys %s and %s, whose order the job leaves open",
				s.UID, k, orNone(chain), orNone(s.Chains[i]))
		}
	}
	return Keyed(s.Lines, key), nil
}

func orNone(chain string) string {
	if chain == "" {
		return "(none)"
	}
	return chain
}

// Interpret computes what a validated job must output: it runs one operator after
// the other over all of its input, with the user's functions and a Go map for
// state. Inputs has the records of each source by uid, in an order in which its
// splits may be read. It is deterministic if the user's functions are.
//
// An operator sees the records of its edges edge by edge, in the order of the graph.
// Over a broadcast edge it sees each record as often as it has subtasks, together:
// so that is what all subtasks see; which of them does what is not told apart.
//
// Event time stands still until an operator has seen all its input; then the
// watermark is stream.MaxWatermark and timers fire in order of time, those of one
// time in the order in which they were set. The multiset of output is therefore
// exact for jobs of which every operator emits the same multiset
//
//   - in whatever order records of different channels arrive: stateless ones; a
//     Reduce whose intermediate results don't depend on the order of a key's
//     records, such as a count; any keyed operator that gets the records of a key
//     through one channel, from one split, and so not by way of a rebalance, nor
//     from several streams;
//   - whenever between the last record a timer is about and the end of the input
//     the watermark passes it: a Process that doesn't ask for the watermark, and
//     for which a timer's result is not touched by later records of its key, such
//     as a window without late records.
//
// The order of lines is exact within a key chain if that of the records is and
// neither a rebalance nor a union comes behind its last keyed operator.
//
// Errors: inputs that lack a source or name something else; a panic or an error
// of a user's function, which is wrapped and named with its operator and record; a
// job without reference output (see [ErrNoReference]): one that sets
// processing-time timers or reads the clock, whose timers never come to an end, or
// with a sink that can't say what it writes.
func Interpret(g *graph.Graph, inputs map[string][]Record) (*Output, error) {
	return InterpretAt(g, inputs, nil)
}

// InterpretAt is [Interpret] for jobs that may set processing-time timers and read the
// clock, in milliseconds since the Unix epoch. An operator asks for the time before each
// of its records, and when it has seen all; timers that are due then fire, in order of
// time, and what is due later never does. A job has a reference output only if it is the
// same whatever the clock says.
func InterpretAt(g *graph.Graph, inputs map[string][]Record, clock func() int64) (*Output, error) {
	if err := checkInputs(g, inputs); err != nil {
		return nil, err
	}
	out := &Output{}
	results := make(map[*graph.Node][]record, len(g.Nodes))
	for _, n := range g.Nodes {
		e := &execution{node: n, chains: chains{}, clock: clock}
		if n.Kind == graph.Source {
			e.emitted(inputs[n.UID])
		} else if err := e.do(func() { e.open(); e.handle(received(n, results)); e.end() }); err != nil {
			return nil, err
		}
		results[n] = e.out
		if n.Kind == graph.Sink {
			e.sink.UID = n.UID
			out.Sinks = append(out.Sinks, e.sink)
		}
	}
	return out, nil
}

func checkInputs(g *graph.Graph, inputs map[string][]Record) error {
	for _, n := range g.Nodes {
		if _, ok := inputs[n.UID]; n.Kind == graph.Source && !ok {
			return fmt.Errorf("source %q has no input records", n.UID)
		}
	}
	var strange []string
	for uid := range inputs { // unordered: sorted below
		if n := g.Node(uid); n == nil || n.Kind != graph.Source {
			strange = append(strange, uid)
		}
	}
	if len(strange) > 0 {
		slices.Sort(strange)
		return fmt.Errorf("input records for %q, which the job has no source for", strange)
	}
	return nil
}

// record is a record on its way, with the keys it came through.
type record struct {
	value any
	time  int64
	keys  *chain
	input int // of the operator that receives it
}

// received is all input of a node.
func received(n *graph.Node, results map[*graph.Node][]record) []record {
	if len(n.Inputs) == 1 && n.Inputs[0].Partitioner != graph.Broadcast {
		return results[n.Inputs[0].From]
	}
	var in []record
	for _, e := range n.Inputs {
		copies := 1
		if e.Partitioner == graph.Broadcast {
			copies = n.Parallelism
		}
		for _, r := range results[e.From] {
			r.input = e.Input
			for range copies {
				in = append(in, r)
			}
		}
	}
	return in
}

// chain is the key of the last keyed operator and the chain before it.
type chain struct {
	before *chain
	key    any
	text   string
}

func (c *chain) String() string {
	if c == nil {
		return ""
	}
	if c.text == "" {
		key := fmt.Sprint(c.key)
		if s, ok := c.key.(string); ok {
			key = strconv.Quote(s)
		}
		c.text = strings.TrimPrefix(c.before.String()+"/"+key, "/")
	}
	return c.text
}

// chains makes the chains of a keyed operator; most records of a key share one. A nil
// one makes none.
type chains map[any]*chain

// unchained is what is known of the keys where nobody asks.
var unchained = &chain{}

func (cs chains) through(before *chain, key any) *chain {
	if cs == nil {
		return unchained
	}
	if c := cs[key]; c != nil && c.before == before {
		return c
	}
	c := &chain{before: before, key: key}
	cs[key] = c
	return c
}
