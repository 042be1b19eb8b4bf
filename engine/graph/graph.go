// Package graph describes a job: its logical operators and edges, what makes them
// valid, and the physical plan of tasks that an execution deploys.
//
// The package knows no operator code. What the engine runs and what the reference
// interpreter in package model reads are attached to nodes: Runtime is opaque
// here, [Logic] is the user's functions without their types.
package graph

import "github.com/weirstream/weir/engine/stream"

// Kind says what a node does to records.
type Kind uint8

// The kinds of node.
const (
	Source Kind = iota
	Map
	FlatMap
	Filter
	Reduce
	Process
	CoProcess // Process over two inputs
	Timestamps
	Sink
)

var kindNames = [...]string{"source", "map", "flat map", "filter", "reduce", "process", "co-process", "timestamps", "sink"}

func (k Kind) String() string { return kindNames[k] }

// Keyed says that the node has state by key.
func (k Kind) Keyed() bool { return k == Reduce || k == Process || k == CoProcess }

// Partitioner says which subtask of the consumer a record goes to.
type Partitioner uint8

// The partitioners.
const (
	Forward   Partitioner = iota // to the subtask of the same index
	Hash                         // by key group
	Rebalance                    // to one after the other, each producer by itself
	Broadcast                    // to all
)

func (p Partitioner) String() string {
	return [...]string{"forward", "hash", "rebalance", "broadcast"}[p]
}

// Node is one logical operator.
type Node struct {
	// UID identifies the operator's state across restarts of the job.
	UID  string
	Kind Kind
	// Parallelism is the number of subtasks; 0 is invalid once validated.
	Parallelism int
	// MaxParallelism is the number of key groups; 0 derives it.
	MaxParallelism int
	Inputs         []*Edge
	// Out is the type of the records it produces; nil for sinks and for types
	// without a codec, which validation refuses.
	Out stream.Type
	// OutName is the Go name of that type, for messages.
	OutName string
	// NoCodec names further Go types (keys, state) that have no codec.
	NoCodec []string
	// Runtime is what engine/task runs: an operator factory.
	Runtime any
	// Committing says that the node is a sink with two-phase commit.
	Committing bool
	Logic      Logic
}

// Edge connects the output of From to an input of the node that holds it.
type Edge struct {
	From        *Node
	Partitioner Partitioner
	// Input says which input of the consumer the edge leads to: 0, or 1 for the
	// second of a CoProcess. An input may have several edges: a union.
	Input int
	// Runtime is what engine/task runs: the typed writer and reader of the edge.
	Runtime any
}

// ReducedState is the name of a Reduce's only state.
const ReducedState = "reduced"

// Logic is what the user's functions compute, without types, for a sequential
// interpreter. Only the fields of the node's kind are set.
type Logic struct {
	Map     func(v any) any
	FlatMap func(v any, emit func(any))
	Filter  func(v any) bool
	// Key is the comparable key of a record, for Reduce, Process and the first
	// input of a CoProcess; SecondKey is for its second.
	Key, SecondKey func(v any) any
	Reduce         func(acc, v any) any
	// Process makes a fresh instance of the user's function, for Process and
	// CoProcess. Values are the bytes of the state's values.
	Process func(state func(name string, values Bytes) Slot) Processor
	// Keys are the bytes of keys, Values those of the state of a Reduce.
	Keys, Values Bytes
	// Time is the event time of a record, for Timestamps.
	Time func(v any) int64
	// Encode is the bytes of a record as a sink writes it.
	Encode func(dst []byte, v any) []byte
}

// Bytes turns values of one type into the bytes that state holds, and back. It is zero
// for a type without a codec.
type Bytes struct {
	// Codec is the codec's name.
	Codec  string
	Append func(dst []byte, v any) []byte
	// Decode reads what Append wrote; errors wrap codec.ErrMalformed.
	Decode func(src []byte) (v any, n int, err error)
}

// Slot is one named state, of the current key, as an interpreter keeps it.
type Slot interface {
	Get() (any, bool)
	Set(v any)
	Clear()
}

// Processor is a user's process function, without types. Emitted records and
// timers refer to the current key.
type Processor interface {
	// Process handles a record of an input: 0, or 1 for the second of a CoProcess.
	Process(ctx ProcessContext, input int, key, v any, ts int64)
	Timer(ctx ProcessContext, key any, at int64, event bool)
}

// ProcessContext is what a [Processor] may ask for.
type ProcessContext interface {
	Emit(v any, ts int64)
	SetTimer(at int64, event bool)
	DeleteTimer(at int64, event bool)
	Watermark() int64
	// ProcessingTime is wall time in milliseconds since the Unix epoch.
	ProcessingTime() int64
}

// Graph is a logical job: nodes in the order in which they were added.
type Graph struct {
	Nodes []*Node
}

// Node returns the node with that uid, or nil.
func (g *Graph) Node(uid string) *Node {
	for _, n := range g.Nodes {
		if n.UID == uid {
			return n
		}
	}
	return nil
}

// Committing reports whether the job has a sink with two-phase commit.
func (g *Graph) Committing() bool {
	for _, n := range g.Nodes {
		if n.Committing {
			return true
		}
	}
	return false
}

// MaxParallelismLimit is the largest number of key groups (Flink's upper bound).
const MaxParallelismLimit = 1 << 15
