package channel

import (
	"github.com/weirstream/weir/engine/stream"
)

// Writer is the typed half of a [ResultPartition]: it collects records into
// batches. A batch is queued when it holds limit records or its estimated size
// reaches the byte limit.
type Writer[T any] struct {
	part  *ResultPartition
	of    *stream.Of[T]
	open  []*stream.Batch[T]
	free  []*stream.Batch[T]
	limit int
	some  int // open batches that are not empty
	stop  *bool

	size  func(v T) int // nil where records are small
	bytes []int         // of the open batches, by size
}

// Sizer is implemented by codecs of records that may be large. Size is the
// approximate encoded size in bytes.
type Sizer[T any] interface{ Size(v T) int }

// batchBytes is the size at which a batch is full however few records it holds. A
// record larger than that gets a batch of its own.
const batchBytes = 32 << 10

// freeLimit bounds the batches kept for reuse.
const freeLimit = 64

// NewWriter makes the typed half of a partition. It sets *stop when the partition
// becomes full. limit is in records a batch.
func NewWriter[T any](p *ResultPartition, of *stream.Of[T], limit int, stop *bool) *Writer[T] {
	w := &Writer[T]{part: p, of: of, open: make([]*stream.Batch[T], p.Len()), limit: limit, stop: stop}
	if s, ok := of.Codec.(Sizer[T]); ok {
		w.size, w.bytes = s.Size, make([]int, p.Len())
	}
	p.Attach(w)
	return w
}

// Push adds a record for a subpartition.
func (w *Writer[T]) Push(sub int, v T, ts int64) {
	b := w.open[sub]
	if b == nil || w.size != nil {
		b = w.room(sub, v)
	}
	b.Add(v, ts)
	if len(b.Values) >= w.limit {
		w.close(sub, b)
	}
}

// PushHashed adds a record with the hash of its key; see [stream.Batch.AddHashed].
func (w *Writer[T]) PushHashed(sub int, v T, ts int64, hash uint64) {
	b := w.open[sub]
	if b == nil || w.size != nil {
		b = w.room(sub, v)
	}
	b.AddHashed(v, ts, hash)
	if len(b.Values) >= w.limit {
		w.close(sub, b)
	}
}

// room is an open batch that v may be added to.
func (w *Writer[T]) room(sub int, v T) *stream.Batch[T] {
	b := w.open[sub]
	if w.size != nil {
		n := w.size(v)
		if b != nil && w.bytes[sub]+n > batchBytes {
			w.close(sub, b)
			b = nil
		}
		if b == nil {
			w.bytes[sub] = 0
		}
		w.bytes[sub] += n
	}
	if b == nil {
		b = w.take()
		w.open[sub] = b
		w.some++
	}
	return b
}

func (w *Writer[T]) close(sub int, b *stream.Batch[T]) {
	w.open[sub] = nil
	w.some--
	w.part.Queue(sub, b)
	if w.part.Full() {
		*w.stop = true
	}
}

func (w *Writer[T]) take() *stream.Batch[T] {
	if n := len(w.free); n > 0 {
		b := w.free[n-1]
		w.free = w.free[:n-1]
		return b
	}
	return w.of.New(min(w.limit, 16))
}

// TakeOpen implements [Opener].
func (w *Writer[T]) TakeOpen(sub int) stream.AnyBatch {
	b := w.open[sub]
	if b == nil {
		return nil
	}
	w.open[sub] = nil
	w.some--
	return b
}

// OpenRecords implements [Opener].
func (w *Writer[T]) OpenRecords(sub int) int {
	if b := w.open[sub]; b != nil {
		return b.Len()
	}
	return 0
}

// Recycle implements [Opener].
func (w *Writer[T]) Recycle(b stream.AnyBatch) {
	t, ok := b.(*stream.Batch[T])
	if !ok || len(w.free) >= freeLimit {
		return
	}
	t.Clear()
	w.free = append(w.free, t)
}

// Open reports whether an open batch holds records.
func (w *Writer[T]) Open() bool { return w.some > 0 }
