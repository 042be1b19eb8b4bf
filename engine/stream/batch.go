package stream

import (
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"github.com/weirstream/weir/engine/codec"
)

// MaxRecords is the most records of a batch.
const MaxRecords = 1 << 16

// Batch is a run of records of one channel. It has one owner: the producer until
// it is written to a wire, then the consumer, who gives it back with the credit.
type Batch[T any] struct {
	Values []T
	// Times holds the records' event times; empty if none has one.
	Times []int64
	// Hashes holds those of the records' keys if they were added by AddHashed;
	// otherwise it is empty, as after [Type.Decode]. It is no part of the encoding.
	Hashes []KeyHash

	of     *Of[T]
	first  uint64
	pinned bool
	// encoded is memory for Digest.
	encoded []byte
}

// AnyBatch is a batch whose record type the holder can't name.
type AnyBatch interface {
	// Len is the number of records.
	Len() int
	// First is the running number, on its channel, of the first record; numbers
	// of a channel count from 0 over the whole life of the job.
	First() uint64
	SetFirst(n uint64)
	// At is record i and its event time, for those who look at few.
	At(i int) (v any, ts int64)
	// Append appends the encoding of the records from index from on, which
	// [Type.Decode] reads back.
	Append(dst []byte, from int) []byte
	// Pin says that a checkpoint still reads the batch: it must not be reused.
	Pin()
	Pinned() bool
	// Clear empties the batch for reuse; its records must not be referenced by it
	// any longer.
	Clear()
	Digest() uint64
}

// Type is what the engine needs of a record type that it can't name.
type Type interface {
	CodecName() string
	// Decode reads one batch back. Errors wrap codec.ErrMalformed.
	Decode(src []byte) (AnyBatch, error)
}

// Of is the [Type] of T.
type Of[T any] struct{ Codec codec.Codec[T] }

// CodecName names the codec and its version.
func (o *Of[T]) CodecName() string { return o.Codec.Name() }

// New makes an empty batch with room for n records.
func (o *Of[T]) New(n int) *Batch[T] { return &Batch[T]{Values: make([]T, 0, n), of: o} }

// Add appends a record.
func (b *Batch[T]) Add(v T, ts int64) {
	if ts != NoTime || len(b.Times) > 0 {
		b.addTime(ts)
	}
	b.Values = append(b.Values, v)
}

// AddHashed appends a record and the hash of its key, for batches of which every
// record has one.
func (b *Batch[T]) AddHashed(v T, ts int64, hash KeyHash) {
	b.Hashes = append(b.Hashes, hash)
	b.Add(v, ts)
}

func (b *Batch[T]) addTime(ts int64) {
	for len(b.Times) < len(b.Values) {
		b.Times = append(b.Times, NoTime)
	}
	b.Times = append(b.Times, ts)
}

// Time is the event time of record i.
func (b *Batch[T]) Time(i int) int64 {
	if len(b.Times) == 0 {
		return NoTime
	}
	return b.Times[i]
}

// Len implements [AnyBatch], as do the methods below.
func (b *Batch[T]) Len() int { return len(b.Values) }

// At implements [AnyBatch].
func (b *Batch[T]) At(i int) (v any, ts int64) { return b.Values[i], b.Time(i) }

// First implements [AnyBatch].
func (b *Batch[T]) First() uint64 { return b.first }

// SetFirst implements [AnyBatch].
func (b *Batch[T]) SetFirst(n uint64) { b.first = n }

// Pin implements [AnyBatch].
func (b *Batch[T]) Pin() { b.pinned = true }

// Pinned implements [AnyBatch].
func (b *Batch[T]) Pinned() bool { return b.pinned }

// Clear implements [AnyBatch].
func (b *Batch[T]) Clear() {
	clear(b.Values)
	b.Values, b.Times, b.Hashes, b.first = b.Values[:0], b.Times[:0], b.Hashes[:0], 0
}

// Append implements [AnyBatch].
func (b *Batch[T]) Append(dst []byte, from int) []byte {
	timed := len(b.Times) > 0
	dst = binary.AppendUvarint(dst, b.first+uint64(from))
	dst = binary.AppendUvarint(dst, uint64(len(b.Values)-from))
	if timed {
		dst = append(dst, 1)
	} else {
		dst = append(dst, 0)
	}
	for i := from; i < len(b.Values); i++ {
		if timed {
			dst = binary.AppendVarint(dst, b.Times[i])
		}
		dst = b.of.Codec.Append(dst, b.Values[i])
	}
	return dst
}

// Digest implements [AnyBatch]: it is the hash of the encoding. It is for the batch's
// owner: two may not ask for it at a time.
func (b *Batch[T]) Digest() uint64 {
	b.encoded = b.Append(b.encoded[:0], 0)
	return xxhash.Sum64(b.encoded)
}

// Decode implements [Type].
func (o *Of[T]) Decode(src []byte) (AnyBatch, error) {
	first, k := binary.Uvarint(src)
	if k <= 0 {
		return nil, fmt.Errorf("batch number: %w", codec.ErrMalformed)
	}
	src = src[k:]
	n, k := binary.Uvarint(src)
	if k <= 0 || len(src) == k || src[k] > 1 {
		return nil, fmt.Errorf("batch header: %w", codec.ErrMalformed)
	}
	if n > MaxRecords { // records may be empty: the length of src bounds nothing
		return nil, fmt.Errorf("batch of %d records, at most %d: %w", n, MaxRecords, codec.ErrMalformed)
	}
	timed := src[k] == 1
	src = src[k+1:]
	b := o.New(int(min(n, 1024)))
	b.first = first
	for i := range n {
		ts := int64(NoTime)
		if timed {
			t, k := binary.Varint(src)
			if k <= 0 {
				return nil, fmt.Errorf("time of record %d of %d: %w", i, n, codec.ErrMalformed)
			}
			ts, src = t, src[k:]
		}
		v, k, err := o.Codec.Decode(src)
		if err != nil {
			return nil, fmt.Errorf("record %d of %d: %w", i, n, err)
		}
		src = src[k:]
		b.Add(v, ts)
	}
	if len(src) != 0 {
		return nil, fmt.Errorf("%d bytes behind the last record: %w", len(src), codec.ErrMalformed)
	}
	return b, nil
}
