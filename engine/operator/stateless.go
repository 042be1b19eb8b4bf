package operator

import (
	"github.com/weirstream/weir/engine/stream"
)

// stateless is the part that operators without state or start-up share.
type stateless struct{}

func (stateless) Open(*Env, string, int) error { return nil }

// MapOperator applies a function to each record.
type MapOperator[T, U any] struct {
	stateless
	F func(v T) U
}

// Bind implements [Operator].
func (o *MapOperator[T, U]) Bind(next any) any {
	f, push := o.F, next.(stream.Push[U])
	return stream.Push[T](func(v T, ts int64) { push(f(v), ts) })
}

// FlatMapOperator applies a function that emits any number of records.
type FlatMapOperator[T, U any] struct {
	stateless
	F func(v T, emit func(U))
}

// Bind implements [Operator].
func (o *FlatMapOperator[T, U]) Bind(next any) any {
	f, push := o.F, next.(stream.Push[U])
	now := int64(stream.NoTime)
	emit := func(u U) { push(u, now) }
	return stream.Push[T](func(v T, ts int64) {
		now = ts
		f(v, emit)
	})
}

// FilterOperator keeps the records for which a function is true.
type FilterOperator[T any] struct {
	stateless
	F func(v T) bool
}

// Bind implements [Operator].
func (o *FilterOperator[T]) Bind(next any) any {
	f, push := o.F, next.(stream.Push[T])
	return stream.Push[T](func(v T, ts int64) {
		if f(v) {
			push(v, ts)
		}
	})
}

// TimestampsOperator gives records their event time and makes watermarks that
// allow for records up to Lateness milliseconds out of order.
type TimestampsOperator[T any] struct {
	stateless
	F        func(v T) int64
	Lateness int64

	newest int64
	any    bool
}

// Bind implements [Operator].
func (o *TimestampsOperator[T]) Bind(next any) any {
	f, push := o.F, next.(stream.Push[T])
	return stream.Push[T](func(v T, _ int64) {
		ts := f(v)
		if !o.any || ts > o.newest {
			o.newest, o.any = ts, true
		}
		push(v, ts)
	})
}

// CurrentWatermark implements [Watermarker]. As in Flink's
// BoundedOutOfOrdernessWatermarks it is one millisecond behind what may still come.
func (o *TimestampsOperator[T]) CurrentWatermark() int64 {
	if !o.any {
		return stream.NoTime
	}
	return o.newest - o.Lateness - 1
}
