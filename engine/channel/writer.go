package channel

import (
	"math/bits"

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
	// begun has a bit for each open batch, so that a flush passes over the rest: a
	// subtask with many consumers has few open batches at a time.
	begun []uint64
	stop  *bool
	// roomy is open, or where records may be large as many times nil.
	roomy []*stream.Batch[T]

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
	w := &Writer[T]{part: p, of: of, open: make([]*stream.Batch[T], p.Len()), limit: limit, stop: stop, begun: make([]uint64, (p.Len()+63)/64)}
	w.roomy = w.open
	if s, ok := of.Codec.(Sizer[T]); ok {
		w.size, w.bytes, w.roomy = s.Size, make([]int, p.Len()), make([]*stream.Batch[T], p.Len())
	}
	p.Attach(w)
	return w
}

// Push adds a record for a subpartition.
func (w *Writer[T]) Push(sub int, v T, ts int64) {
	b := w.Batch(sub)
	if b == nil {
		b = w.Room(sub, v)
	}
	b.Add(v, ts)
	w.Added(sub, b)
}

// Batch is the open batch of a subpartition, to which a record may be added at once;
// nil if [Writer.Room] must make room for it. It and [Writer.Added] are apart from Push
// for the compiler to inline where records are many.
func (w *Writer[T]) Batch(sub int) *stream.Batch[T] { return w.roomy[sub] }

// Added says that a record was added to a batch that Batch or Room gave.
func (w *Writer[T]) Added(sub int, b *stream.Batch[T]) {
	if len(b.Values) >= w.limit {
		w.close(sub, b)
	}
}

// Room is an open batch that v may be added to.
func (w *Writer[T]) Room(sub int, v T) *stream.Batch[T] {
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
		w.begun[sub/64] |= 1 << (sub % 64)
	}
	return b
}

func (w *Writer[T]) close(sub int, b *stream.Batch[T]) {
	w.ended(sub)
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
	w.ended(sub)
	return b
}

// ended takes an open batch away.
func (w *Writer[T]) ended(sub int) {
	w.open[sub] = nil
	w.some--
	w.begun[sub/64] &^= 1 << (sub % 64)
}

// NextOpen implements [Opener].
func (w *Writer[T]) NextOpen(from int) int {
	for i := from / 64; i < len(w.begun); i++ {
		if rest := w.begun[i] &^ (1<<(max(from, 64*i)%64) - 1); rest != 0 {
			return 64*i + bits.TrailingZeros64(rest)
		}
	}
	return -1
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
