package stream

import (
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"github.com/weirstream/weir/engine/codec"
)

// EventKind says which event travels in band.
type EventKind uint8

// The events.
const (
	// Barrier has Checkpoint, Time (its trigger, wall ms), Unaligned, Timeout, Record.
	Barrier EventKind = iota + 1
	// CancelMarker tells that the barrier of Checkpoint will not come
	// (Flink's CancelCheckpointMarker).
	CancelMarker
	Watermark      // Time: no record with an earlier event time will follow
	EndOfData      // no record will follow; barriers still do
	EndOfPartition // nothing will follow
)

var kindNames = [...]string{"?", "barrier", "cancel", "watermark", "end of data", "end of partition"}

func (k EventKind) String() string {
	if int(k) >= len(kindNames) {
		return "?"
	}
	return kindNames[k]
}

// Event is what travels in band with records. Events take no credit.
type Event struct {
	Kind       EventKind
	Unaligned  bool
	Checkpoint uint64
	Time       int64
	// Timeout is, in ms after Time, when a barrier that is aligned begins to overtake; 0
	// for never. One that overtakes keeps it: it may have begun as aligned.
	Timeout int64
	// Record is the running number of the record that a barrier is followed by on its
	// channel.
	Record uint64
}

// Priority reports whether the event overtakes the data in queues.
func (e Event) Priority() bool { return e.Kind == Barrier && e.Unaligned }

// Timeoutable reports whether the event is a barrier that is aligned and may yet
// overtake (Flink's CheckpointOptions.isTimeoutable).
func (e Event) Timeoutable() bool { return e.Kind == Barrier && !e.Unaligned && e.Timeout > 0 }

func (e Event) String() string {
	switch e.Kind {
	case Barrier:
		switch {
		case e.Unaligned:
			return fmt.Sprintf("unaligned barrier %d", e.Checkpoint)
		case e.Timeout > 0:
			return fmt.Sprintf("barrier %d with a timeout", e.Checkpoint)
		}
		return fmt.Sprintf("barrier %d", e.Checkpoint)
	case CancelMarker:
		return fmt.Sprintf("cancel %d", e.Checkpoint)
	case Watermark:
		if e.Time == MaxWatermark {
			return "watermark max"
		}
		return fmt.Sprintf("watermark %d", e.Time)
	}
	return e.Kind.String()
}

// Append appends the event's encoding.
func (e Event) Append(dst []byte) []byte {
	flags := byte(0)
	if e.Unaligned {
		flags |= flagUnaligned
	}
	if e.Timeout != 0 {
		flags |= flagTimeout
	}
	dst = append(dst, byte(e.Kind), flags)
	dst = binary.AppendUvarint(dst, e.Checkpoint)
	dst = binary.AppendVarint(dst, e.Time)
	dst = binary.AppendUvarint(dst, e.Record)
	if e.Timeout != 0 {
		dst = binary.AppendVarint(dst, e.Timeout)
	}
	return dst
}

// Flags of an encoded event; a timeout follows only if its flag says so.
const (
	flagUnaligned = 1 << iota
	flagTimeout
	flagsEnd
)

// Digest is the hash of the encoding.
func (e Event) Digest() uint64 {
	var scratch [48]byte
	return xxhash.Sum64(e.Append(scratch[:0]))
}

// DecodeEvent reads an event back. Errors wrap codec.ErrMalformed.
func DecodeEvent(src []byte) (Event, error) {
	if len(src) < 5 || src[0] == 0 || src[0] > byte(EndOfPartition) || src[1] >= flagsEnd {
		return Event{}, fmt.Errorf("event: %w", codec.ErrMalformed)
	}
	e := Event{Kind: EventKind(src[0]), Unaligned: src[1]&flagUnaligned != 0}
	cp, k := binary.Uvarint(src[2:])
	if k <= 0 {
		return Event{}, fmt.Errorf("event's checkpoint: %w", codec.ErrMalformed)
	}
	t, m := binary.Varint(src[2+k:])
	if m <= 0 {
		return Event{}, fmt.Errorf("event's time: %w", codec.ErrMalformed)
	}
	r, l := binary.Uvarint(src[2+k+m:])
	if l <= 0 {
		return Event{}, fmt.Errorf("event's record: %w", codec.ErrMalformed)
	}
	end := 2 + k + m + l
	if src[1]&flagTimeout != 0 {
		after, n := binary.Varint(src[end:])
		if n <= 0 || after == 0 {
			return Event{}, fmt.Errorf("event's timeout: %w", codec.ErrMalformed)
		}
		e.Timeout = after
		end += n
	}
	if end != len(src) {
		return Event{}, fmt.Errorf("%d bytes behind the event: %w", len(src)-end, codec.ErrMalformed)
	}
	e.Checkpoint, e.Time, e.Record = cp, t, r
	return e, nil
}
