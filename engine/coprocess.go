package engine

import (
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/stream"
)

// ConnectedStreams are two keyed streams whose records of equal keys meet in one
// operator.
type ConnectedStreams[K comparable, A, B any] struct {
	a KeyedStream[K, A]
	b KeyedStream[K, B]
}

// Connect joins two streams for [CoProcess]. Both must have the same codec of keys.
func Connect[K comparable, A, B any](a KeyedStream[K, A], b KeyedStream[K, B]) ConnectedStreams[K, A, B] {
	return ConnectedStreams[K, A, B]{a, b}
}

// CoProcessFunction handles the records of two keyed streams with state and timers
// that both share (Flink's KeyedCoProcessFunction). Records of one input come in no
// particular order with those of the other. One instance serves one subtask attempt.
type CoProcessFunction[K comparable, A, B, U any] interface {
	// Open declares the states with [NewValueState]. It is also called when the
	// job is validated, so it must do nothing else that can be noticed.
	Open(states *States[K])
	// ProcessA handles a record of the first stream; an error fails the task.
	ProcessA(ctx *Context[K, U], v A) error
	// ProcessB handles a record of the second stream; an error fails the task.
	ProcessB(ctx *Context[K, U], v B) error
	// OnTimer handles a timer that has come due; an error fails the task.
	OnTimer(ctx *Context[K, U], t Timer) error
}

// CoProcess handles two keyed streams with one function; newFunction is called once
// for each subtask attempt. Event time is the earlier of the two streams'.
func CoProcess[K comparable, A, B, U any](s ConnectedStreams[K, A, B], uid string, newFunction func() CoProcessFunction[K, A, B, U], opts ...Option) Stream[U] {
	needed(uid, "function", newFunction == nil)
	job, keys := s.a.stream.job, s.a.codec
	n := s.a.keyed(&graph.Node{UID: uid, Kind: graph.CoProcess})
	n.Inputs = append(n.Inputs, s.b.edges(1)...)
	n.Logic.SecondKey = s.b.anyKey
	o := job.options(opts)
	switch {
	case keys == nil:
	case s.b.codec == nil: // the first has one by WithCodec
		n.NoCodec = append(n.NoCodec, nameOf[K]())
	case keys.Name() != s.b.codec.Name(): // their key groups would not be the same
		job.fail(uid, "connects streams whose keys have different codecs, %s and %s", keys.Name(), s.b.codec.Name())
	default:
		probe[K, U](job, n, keys, o, newFunction())
	}
	keyA, keyB := s.a.key, s.b.key
	n.Runtime = runtime(func() operator.Operator {
		f := newFunction()
		return &coProcessOperator[K, A, B, U]{keyedOperator[K, U]{function: f, keys: keys, codecs: o}, f, keyA, keyB}
	})
	n.Logic.Process = func(slots slots) graph.Processor {
		f := newFunction()
		f.Open(&States[K]{slots: slots, codecs: o})
		return interpreted[K, U]{f, func(ctx *Context[K, U], input int, v any) error {
			if input == 0 {
				return f.ProcessA(ctx, v.(A))
			}
			return f.ProcessB(ctx, v.(B))
		}}
	}
	return add[U](job, n, o)
}

// coProcessOperator runs a co-process function.
type coProcessOperator[K comparable, A, B, U any] struct {
	keyedOperator[K, U]
	typed  CoProcessFunction[K, A, B, U]
	keyOfA func(v A) K
	keyOfB func(v B) K
}

// Bind implements operator.Operator.
func (o *coProcessOperator[K, A, B, U]) Bind(next any) any {
	o.bind(next)
	return operator.Inputs{
		stream.Push[A](func(v A, ts int64) {
			o.use(o.keyOfA(v), ts)
			if err := o.typed.ProcessA(&o.ctx, v); err != nil {
				o.env.Fail(err)
			}
		}),
		stream.Push[B](func(v B, ts int64) {
			o.use(o.keyOfB(v), ts)
			if err := o.typed.ProcessB(&o.ctx, v); err != nil {
				o.env.Fail(err)
			}
		}),
	}
}
