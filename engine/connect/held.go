package connect

import "time"

// Poller is implemented by readers that may have to wait for something no fetch
// brings.
type Poller interface {
	// Poll says after how long to call Emit again when it said [Waiting] and no
	// fetch is under way. It is positive.
	Poll() time.Duration
}

// heldPoll is how often a held reader wants to be asked.
const heldPoll = 10 * time.Millisecond

// Held wraps src so that a subtask hands out a record only while allow is true of
// the number of records it has emitted before, over all attempts. A record that
// is held back makes Emit say [Waiting] although no fetch may be under way: the
// task must poll, as the reader's [Poller] says. The end of the input is held back
// likewise: as one more record.
//
// Allow runs in the task's actor, any number of times per record; it must be
// quick. The readers of src must accept an Emit with limit 0.
func Held[T any](src Source[T], allow func(emitted int64) bool) Source[T] {
	return held[T]{src, allow}
}

type held[T any] struct {
	Source[T]
	allow func(emitted int64) bool
}

// Reader implements [Source].
func (h held[T]) Reader() Reader[T] {
	r := &heldReader[T]{Reader: h.Source.Reader(), allow: h.allow}
	r.each = r.one
	return r
}

type heldReader[T any] struct {
	Reader[T]
	allow func(emitted int64) bool
	total int64
	push  func(v T, ts int64) bool // of the Emit that runs
	each  func(v T, ts int64) bool // r.one, bound once: a bound method allocates
}

// Open implements [Reader].
func (r *heldReader[T]) Open(splits []Split) error {
	if err := r.Reader.Open(splits); err != nil {
		return err
	}
	r.total = 0
	for _, p := range r.Positions() {
		r.total += p.Emitted
	}
	return nil
}

// Emit implements [Reader].
func (r *heldReader[T]) Emit(limit int, push func(v T, ts int64) bool) (int, Status) {
	if !r.allow(r.total) {
		limit = 0
	}
	r.push = push
	n, st := r.Reader.Emit(limit, r.each)
	r.push = nil
	if st != Waiting && !r.allow(r.total) {
		st = Waiting
	}
	return n, st
}

func (r *heldReader[T]) one(v T, ts int64) bool {
	r.total++
	more := r.push(v, ts)
	return r.allow(r.total) && more
}

// Poll implements [Poller].
func (r *heldReader[T]) Poll() time.Duration {
	if p, ok := r.Reader.(Poller); ok {
		return min(heldPoll, p.Poll())
	}
	return heldPoll
}
