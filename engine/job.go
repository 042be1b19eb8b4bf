// Package engine is what a user of Weir imports: jobs are described with [Job],
// [Stream] and the operators, configured with [Config], and run by a host: package
// engine/live for real, package sim/cluster under simulation.
//
// A job is a function func(*Job). It is called afresh for every task attempt, in
// every process, so that variables it captures inside itself are never shared
// between tasks and never outlive a crash. It must do the same each time.
package engine

import (
	"fmt"
	"reflect"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/stream"
)

// Job collects the operators of a job while its function runs.
type Job struct {
	config *Config
	graph  graph.Graph
	fault  error // the first that the graph can't show
	// described is set when the job function has returned.
	described bool
}

// Config is the job's configuration; it must not be changed.
func (j *Job) Config() *Config { return j.config }

// Describe calls a job function and returns the graph it describes, validated. A
// job that is not valid gives a *graph.InvalidError, a panic in the function an
// error with its message.
func Describe(c *Config, job func(*Job)) (g *graph.Graph, err error) {
	if job == nil {
		return nil, &graph.InvalidError{Text: "the job function is nil"}
	}
	j := &Job{config: c}
	defer func() {
		switch v := recover().(type) {
		case nil:
		case *graph.InvalidError:
			g, err = nil, v
		default:
			g, err = nil, fmt.Errorf("the job function panicked: %v", v)
		}
	}()
	job(j)
	j.described = true
	if err := j.graph.Validate(); err != nil {
		return nil, err
	}
	if j.fault != nil {
		return nil, j.fault
	}
	return &j.graph, nil
}

// Stream is the output of an operator, or of several after [Union].
type Stream[T any] struct {
	job  *Job
	from []upstream[T]
}

// upstream is an operator whose output is part of a stream, and how it gets to who
// reads it.
type upstream[T any] struct {
	node        *graph.Node
	of          *stream.Of[T]
	partitioner graph.Partitioner
}

// KeyedStream is a stream partitioned by a key of its records.
type KeyedStream[K comparable, T any] struct {
	stream Stream[T]
	key    func(v T) K
	codec  codec.Codec[K] // nil if K has none
}

// Option is an optional property of an operator.
type Option func(o *options)

type options struct {
	parallelism, maxParallelism int
	codecs                      []any
	set                         bool
}

// Parallelism sets the operator's number of subtasks, from 1 to 32768; the default
// is parallelism.default.
func Parallelism(n int) Option {
	return func(o *options) { o.parallelism, o.set = n, true }
}

// MaxParallelism sets the operator's number of key groups, from its parallelism to
// 32768; the default is derived from the parallelism as in Flink.
func MaxParallelism(n int) Option { return func(o *options) { o.maxParallelism = n } }

// WithCodec gives the codec of a type the operator produces, keys by or keeps in
// state. It wins over a built-in codec.
func WithCodec[T any](c codec.Codec[T]) Option {
	return func(o *options) { o.codecs = append(o.codecs, c) }
}

func (j *Job) options(opts []Option) *options {
	o := &options{}
	for _, f := range opts {
		f(o)
	}
	if !o.set {
		o.parallelism = j.config.Parallelism
	}
	if o.maxParallelism == 0 {
		o.maxParallelism = j.config.MaxParallelism
	}
	return o
}

// codecOf finds the codec of T.
func codecOf[T any](o *options) (codec.Codec[T], bool) {
	for _, c := range o.codecs {
		if c, ok := c.(codec.Codec[T]); ok {
			return c, true
		}
	}
	return codec.Of[T]()
}

func nameOf[T any]() string { return reflect.TypeFor[T]().String() }

// add adds a node that produces U.
func add[U any](j *Job, n *graph.Node, o *options) Stream[U] {
	n.Parallelism, n.MaxParallelism, n.OutName = o.parallelism, o.maxParallelism, nameOf[U]()
	of := &stream.Of[U]{}
	if c, ok := codecOf[U](o); ok {
		of.Codec = c
		n.Out = of
	}
	j.append(n)
	return Stream[U]{j, []upstream[U]{{n, of, graph.Forward}}}
}

// append refuses operators on a stream that was kept from an earlier call of a job
// function: nothing would run them.
func (j *Job) append(n *graph.Node) {
	if j.described {
		panic(&graph.InvalidError{UID: n.UID, Text: "is added to a stream of a job whose function has returned; streams can't be kept"})
	}
	j.graph.Nodes = append(j.graph.Nodes, n)
}

// edges lead from the stream to an operator that reads it.
func (s Stream[T]) edges() []*graph.Edge {
	var edges []*graph.Edge
	for _, u := range s.from {
		edges = append(edges, &graph.Edge{
			From: u.node, Partitioner: u.partitioner,
			Runtime: operator.Edge(&operator.TypedEdge[T]{Of: u.of, Partitioner: u.partitioner}),
		})
	}
	return edges
}

// codec is the first of the stream's, nil if it has none.
func (s Stream[T]) codec() codec.Codec[T] {
	for _, u := range s.from {
		if u.of.Codec != nil {
			return u.of.Codec
		}
	}
	return nil
}

// runtime is what a node runs. Since tasks keep it, f must not capture a stream: it
// leads to all that is above it in the job.
func runtime(f func() operator.Operator) operator.Runtime { return operator.Runtime{New: f} }

// needed refuses an operator without what it applies, where it is added: a task would
// take the nil for a bug of the engine.
func needed(uid, what string, missing bool) {
	switch {
	case missing && uid == "":
		panic(&graph.InvalidError{Text: "a KeyBy has a nil " + what})
	case missing:
		panic(&graph.InvalidError{UID: uid, Text: "has a nil " + what})
	}
}

// FromSource adds a source.
func FromSource[T any](j *Job, uid string, src connect.Source[T], opts ...Option) Stream[T] {
	needed(uid, "source", src == nil)
	return add[T](j, &graph.Node{
		UID: uid, Kind: graph.Source,
		Runtime: operator.Runtime{
			New: func() operator.Operator { return &operator.SourceOperator[T]{Source: src} },
			Splits: func(w host.Worker, parallelism int) ([]connect.Split, error) {
				return src.Splits(w, parallelism)
			},
		},
	}, j.options(opts))
}

// Map applies f to each record. F must depend on the record only.
func Map[T, U any](s Stream[T], uid string, f func(v T) U, opts ...Option) Stream[U] {
	needed(uid, "function", f == nil)
	return add[U](s.job, &graph.Node{
		UID: uid, Kind: graph.Map, Inputs: s.edges(),
		Runtime: runtime(func() operator.Operator { return &operator.MapOperator[T, U]{F: f} }),
		Logic:   graph.Logic{Map: func(v any) any { return f(v.(T)) }},
	}, s.job.options(opts))
}

// FlatMap applies f to each record; f emits any number of records.
func FlatMap[T, U any](s Stream[T], uid string, f func(v T, emit func(U)), opts ...Option) Stream[U] {
	needed(uid, "function", f == nil)
	return add[U](s.job, &graph.Node{
		UID: uid, Kind: graph.FlatMap, Inputs: s.edges(),
		Runtime: runtime(func() operator.Operator { return &operator.FlatMapOperator[T, U]{F: f} }),
		Logic: graph.Logic{FlatMap: func(v any, emit func(any)) {
			f(v.(T), func(u U) { emit(u) })
		}},
	}, s.job.options(opts))
}

// Filter keeps the records for which f is true. The stream's codec is kept.
func Filter[T any](s Stream[T], uid string, f func(v T) bool, opts ...Option) Stream[T] {
	needed(uid, "function", f == nil)
	return add[T](s.job, &graph.Node{
		UID: uid, Kind: graph.Filter, Inputs: s.edges(),
		Runtime: runtime(func() operator.Operator { return &operator.FilterOperator[T]{F: f} }),
		Logic:   graph.Logic{Filter: func(v any) bool { return f(v.(T)) }},
	}, s.keep(opts))
}

// Timestamps gives records their event time in milliseconds since the Unix epoch
// and makes watermarks that allow for records up to lateness milliseconds late,
// every pipeline.auto-watermark-interval.
func Timestamps[T any](s Stream[T], uid string, f func(v T) int64, lateness int64, opts ...Option) Stream[T] {
	needed(uid, "function", f == nil)
	return add[T](s.job, &graph.Node{
		UID: uid, Kind: graph.Timestamps, Inputs: s.edges(),
		Runtime: runtime(func() operator.Operator {
			return &operator.TimestampsOperator[T]{F: f, Lateness: lateness}
		}),
		Logic: graph.Logic{Time: func(v any) int64 { return f(v.(T)) }},
	}, s.keep(opts))
}

// keep is the options with the codec of the stream as a default.
func (s Stream[T]) keep(opts []Option) *options {
	o := s.job.options(opts)
	if c := s.codec(); c != nil {
		o.codecs = append(o.codecs, c)
	}
	return o
}

// KeyBy partitions a stream by a key. Of the options only WithCodec of the key's
// type counts. Key must depend on the record only.
func KeyBy[K comparable, T any](s Stream[T], key func(v T) K, opts ...Option) KeyedStream[K, T] {
	needed("", "key function", key == nil)
	c, _ := codecOf[K](s.job.options(opts))
	return KeyedStream[K, T]{s, key, c}
}

// keyed completes a node that reads from a keyed stream.
func (s KeyedStream[K, T]) keyed(n *graph.Node) *graph.Node {
	if s.codec == nil {
		n.NoCodec = append(n.NoCodec, nameOf[K]())
	}
	n.Inputs = append(n.Inputs, s.edges(0)...)
	n.Logic.Key, n.Logic.Keys = s.anyKey, bytesOf(s.codec)
	return n
}

// edges lead from the stream to an input of an operator.
func (s KeyedStream[K, T]) edges(input int) []*graph.Edge {
	var edges []*graph.Edge
	for _, u := range s.stream.from {
		edges = append(edges, &graph.Edge{
			From: u.node, Partitioner: graph.Hash, Input: input,
			Runtime: operator.Edge(operator.HashEdge(u.of, s.key, s.codec)),
		})
	}
	return edges
}

func (s KeyedStream[K, T]) anyKey(v any) any { return s.key(v.(T)) }

// Reduce folds the records of a key with f and emits the result each time.
func Reduce[K comparable, T any](s KeyedStream[K, T], uid string, f func(acc, v T) T, opts ...Option) Stream[T] {
	needed(uid, "function", f == nil)
	n := s.keyed(&graph.Node{UID: uid, Kind: graph.Reduce})
	key, keys, values := s.key, s.codec, s.stream.codec()
	n.Runtime = runtime(func() operator.Operator {
		return &operator.ReduceOperator[K, T]{KeyOf: key, F: f, Keys: keys, Values: values}
	})
	n.Logic.Reduce = func(acc, v any) any { return f(acc.(T), v.(T)) }
	n.Logic.Values = bytesOf(values)
	return add[T](s.stream.job, n, s.stream.keep(opts))
}

// Encoder is implemented by sinks that write a record's bytes as they are, so that
// a reference interpreter can say what they should have written.
type Encoder[T any] interface {
	Encode(dst []byte, v T) []byte
}

// ToSink ends a stream in a sink with two-phase commit.
func ToSink[T any](s Stream[T], uid string, sink connect.Sink[T], opts ...Option) {
	needed(uid, "sink", sink == nil)
	o := s.job.options(opts)
	n := &graph.Node{
		UID: uid, Kind: graph.Sink, Inputs: s.edges(), Committing: true,
		Parallelism: o.parallelism, MaxParallelism: o.maxParallelism,
		Runtime: runtime(func() operator.Operator { return &operator.SinkOperator[T]{Sink: sink} }),
	}
	if e, ok := sink.(Encoder[T]); ok {
		n.Logic.Encode = func(dst []byte, v any) []byte { return e.Encode(dst, v.(T)) }
	}
	s.job.append(n)
}
