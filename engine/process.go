package engine

import (
	"fmt"
	"time"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/stream"
)

// ProcessFunction handles the records of a keyed stream with keyed state and
// timers (Flink's KeyedProcessFunction). One instance serves one subtask attempt.
type ProcessFunction[K comparable, T, U any] interface {
	// Open declares the states with [NewValueState]. It is also called when the
	// job is validated, so it must do nothing else that can be noticed.
	Open(states *States[K])
	// Process handles a record; an error fails the task.
	Process(ctx *Context[K, U], v T) error
	// OnTimer handles a timer that has come due; an error fails the task.
	OnTimer(ctx *Context[K, U], t Timer) error
}

// Timer is a timer that fires.
type Timer struct {
	// At is the time it was set for, in milliseconds since the Unix epoch.
	At int64
	// EventTime says that the watermark has passed At; else the clock has.
	EventTime bool
}

// States is where a process function declares its keyed states.
type States[K comparable] struct {
	keyed   *operator.KeyedState[K] // in a task
	slots   slots                   // in an interpreter
	codecs  *options                // given with the operator
	noCodec []string                // types without one
	err     error
}

// slots makes the states of an interpreter.
type slots = func(name string, values graph.Bytes) graph.Slot

// ValueState is one value for each key.
type ValueState[V any] struct {
	get   func() (V, bool)
	set   func(v V)
	clear func()
}

// Get returns the current key's value, and whether it has one.
func (s *ValueState[V]) Get() (V, bool) { return s.get() }

// Set replaces the current key's value. The value must not be changed afterwards.
func (s *ValueState[V]) Set(v V) { s.set(v) }

// Clear removes the current key's value.
func (s *ValueState[V]) Clear() { s.clear() }

// NewValueState declares a state. Names must differ within an operator.
func NewValueState[V any, K comparable](states *States[K], name string) *ValueState[V] {
	c, ok := codecOf[V](states.codecs)
	if states.slots != nil {
		return slotState[V](states.slots(name, bytesOf(c)))
	}
	if !ok {
		states.noCodec = append(states.noCodec, nameOf[V]())
		return &ValueState[V]{}
	}
	get, set, clear, err := operator.NewValue(states.keyed, name, codec.Codec[V](c))
	if err != nil {
		states.err = err
	}
	return &ValueState[V]{get, set, clear}
}

func slotState[V any](slot graph.Slot) *ValueState[V] {
	return &ValueState[V]{
		get: func() (V, bool) {
			v, ok := slot.Get()
			if !ok {
				var zero V
				return zero, false
			}
			return v.(V), true
		},
		set:   func(v V) { slot.Set(v) },
		clear: slot.Clear,
	}
}

// Context is what a process function may ask for while it handles one record or
// timer. It must not be kept.
type Context[K comparable, U any] struct {
	key     K
	ts      int64
	push    func(u U, ts int64)
	set     func(at int64, event bool)
	remove  func(at int64, event bool)
	mark    func() int64
	process func() int64
}

// Key is the current key.
func (c *Context[K, U]) Key() K { return c.key }

// Timestamp is the record's or timer's event time, stream.NoTime if it has none.
func (c *Context[K, U]) Timestamp() int64 { return c.ts }

// Emit emits a record with the current event time.
func (c *Context[K, U]) Emit(u U) { c.push(u, c.ts) }

// SetEventTimer asks for OnTimer, for the current key, when the watermark reaches
// at.
func (c *Context[K, U]) SetEventTimer(at int64) { c.set(at, true) }

// SetProcessingTimer asks for OnTimer, for the current key, when the clock reaches
// at. One that is due, as after a restore, fires before the next record. Once the
// input has ended none fires any more, as in Flink; what still waits for one then is
// for an event timer to handle.
func (c *Context[K, U]) SetProcessingTimer(at int64) { c.set(at, false) }

// DeleteEventTimer takes an event timer of the current key back.
func (c *Context[K, U]) DeleteEventTimer(at int64) { c.remove(at, true) }

// DeleteProcessingTimer takes a processing timer of the current key back.
func (c *Context[K, U]) DeleteProcessingTimer(at int64) { c.remove(at, false) }

// Watermark is the operator's event time, stream.NoTime at the start.
func (c *Context[K, U]) Watermark() int64 { return c.mark() }

// ProcessingTime is the wall clock in milliseconds since the Unix epoch.
func (c *Context[K, U]) ProcessingTime() int64 { return c.process() }

// Process handles a keyed stream with a process function; newFunction is called
// once for each subtask attempt.
func Process[K comparable, T, U any](s KeyedStream[K, T], uid string, newFunction func() ProcessFunction[K, T, U], opts ...Option) Stream[U] {
	needed(uid, "function", newFunction == nil)
	n := s.keyed(&graph.Node{UID: uid, Kind: graph.Process})
	o := s.stream.job.options(opts)
	if s.codec != nil {
		probe[K, U](s.stream.job, n, s.codec, o, newFunction())
	}
	key, keys := s.key, s.codec
	n.Runtime = runtime(func() operator.Operator {
		f := newFunction()
		return &processOperator[K, T, U]{keyedOperator[K, U]{function: f, keys: keys, codecs: o}, f, key}
	})
	n.Logic.Process = func(slots slots) graph.Processor {
		f := newFunction()
		f.Open(&States[K]{slots: slots, codecs: o})
		return interpreted[K, U]{f, func(ctx *Context[K, U], _ int, v any) error { return f.Process(ctx, v.(T)) }}
	}
	return add[U](s.stream.job, n, o)
}

// keyedFunction is what functions with keyed state and timers have in common.
type keyedFunction[K comparable, U any] interface {
	Open(states *States[K])
	OnTimer(ctx *Context[K, U], t Timer) error
}

// probe opens a function to see what it declares.
func probe[K comparable, U any](j *Job, n *graph.Node, keys codec.Codec[K], o *options, f keyedFunction[K, U]) {
	s := &States[K]{keyed: &operator.KeyedState[K]{Codec: keys}, codecs: o}
	s.keyed.Open(&operator.Env{Parallelism: 1}, 1)
	f.Open(s)
	n.NoCodec = append(n.NoCodec, s.noCodec...)
	if s.err != nil {
		j.fail(n.UID, "can't be opened: %v", s.err)
	}
}

// fail notes a fault of the job that the graph can't show. The first one counts.
func (j *Job) fail(uid, format string, args ...any) {
	if j.fault == nil {
		j.fault = &graph.InvalidError{UID: uid, Text: fmt.Sprintf(format, args...)}
	}
}

// keyedOperator is the part that operators with a keyed function share.
type keyedOperator[K comparable, U any] struct {
	function keyedFunction[K, U]
	keys     codec.Codec[K]
	codecs   *options

	operator.KeyedState[K]
	env       *operator.Env
	ctx       Context[K, U]
	watermark int64
}

// Open implements operator.Operator.
func (o *keyedOperator[K, U]) Open(env *operator.Env, _ string, maxParallelism int) error {
	o.env, o.watermark = env, stream.NoTime
	o.KeyedState.Codec = o.keys
	o.KeyedState.Open(env, maxParallelism)
	states := &States[K]{keyed: &o.KeyedState, codecs: o.codecs}
	o.function.Open(states)
	if len(states.noCodec) > 0 {
		return fmt.Errorf("state type %s has no codec", states.noCodec[0])
	}
	return states.err
}

// bind makes the context, by which the function emits to next.
func (o *keyedOperator[K, U]) bind(next any) {
	o.ctx = Context[K, U]{
		push: next.(stream.Push[U]), set: o.SetTimer, remove: o.DeleteTimer,
		mark:    func() int64 { return o.watermark },
		process: func() int64 { return o.env.Now.Wall / int64(time.Millisecond) },
	}
}

func (o *keyedOperator[K, U]) use(key K, ts int64) {
	o.Use(key)
	o.ctx.key, o.ctx.ts = key, ts
}

// OnWatermark implements operator.Timed.
func (o *keyedOperator[K, U]) OnWatermark(watermark int64, limit int) (int, bool) {
	o.watermark = watermark
	return o.fire(watermark, limit, true)
}

// OnProcessingTime implements operator.Timed.
func (o *keyedOperator[K, U]) OnProcessingTime(now int64, limit int) (int, bool) {
	return o.fire(now, limit, false)
}

func (o *keyedOperator[K, U]) fire(now int64, limit int, event bool) (n int, done bool) {
	for {
		if at, ok := o.Timers.Next(event); !ok || at > now {
			return n, true
		}
		if n >= limit || o.env.Stop {
			return n, false
		}
		at, key, _ := o.Timers.Take(now, event)
		ts := int64(stream.NoTime)
		if event {
			ts = at
		}
		o.use(key, ts)
		n++
		if err := o.function.OnTimer(&o.ctx, Timer{at, event}); err != nil {
			o.env.Fail(err)
		}
	}
}

// NextProcessingTimer implements operator.Timed.
func (o *keyedOperator[K, U]) NextProcessingTimer() (int64, bool) { return o.Timers.Next(false) }

// processOperator runs a process function.
type processOperator[K comparable, T, U any] struct {
	keyedOperator[K, U]
	typed ProcessFunction[K, T, U]
	keyOf func(v T) K
}

// Bind implements operator.Operator.
func (o *processOperator[K, T, U]) Bind(next any) any {
	o.bind(next)
	return stream.Push[T](func(v T, ts int64) {
		o.use(o.keyOf(v), ts)
		if err := o.typed.Process(&o.ctx, v); err != nil {
			o.env.Fail(err)
		}
	})
}

// interpreted runs a keyed function for a reference interpreter.
type interpreted[K comparable, U any] struct {
	function keyedFunction[K, U]
	process  func(ctx *Context[K, U], input int, v any) error
}

func (p interpreted[K, U]) context(ctx graph.ProcessContext, key any, ts int64) *Context[K, U] {
	return &Context[K, U]{
		key: key.(K), ts: ts,
		push: func(u U, ts int64) { ctx.Emit(u, ts) },
		set:  ctx.SetTimer, remove: ctx.DeleteTimer, mark: ctx.Watermark, process: ctx.ProcessingTime,
	}
}

// Process implements graph.Processor.
func (p interpreted[K, U]) Process(ctx graph.ProcessContext, input int, key, v any, ts int64) {
	if err := p.process(p.context(ctx, key, ts), input, v); err != nil {
		panic(err)
	}
}

// Timer implements graph.Processor.
func (p interpreted[K, U]) Timer(ctx graph.ProcessContext, key any, at int64, event bool) {
	ts := int64(stream.NoTime)
	if event {
		ts = at
	}
	if err := p.function.OnTimer(p.context(ctx, key, ts), Timer{at, event}); err != nil {
		panic(err)
	}
}
