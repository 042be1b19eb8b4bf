package operator

import (
	"encoding/binary"
	"strconv"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/graph"
)

// EntryKind says what an [Entry] is.
type EntryKind uint8

// The kinds of entry.
const (
	KeyedValue      EntryKind = iota // State names it; Key and Value as their codecs write them
	EventTimer                       // Value is its time as a varint, in milliseconds
	ProcessingTimer                  // likewise
	SplitPosition                    // Key is the split's number in decimal, Value as the source encodes it
)

var entryNames = [...]string{"keyed value", "event-time timer", "processing-time timer", "split"}

func (k EntryKind) String() string { return entryNames[k] }

// Entry is one entry of an operator's logical state. Its bytes are good until the
// function that is given it returns.
type Entry struct {
	Kind  EntryKind
	State string // of a keyed value
	// KeyCodec and ValueCodec name the codecs of Key and Value; empty if none
	// encodes them, and where a live operator shows its state.
	KeyCodec, ValueCodec string
	Key, Value           []byte
}

// Viewer is a [Stateful] operator that shows what it would find in its state now, by
// the path by which it reads: that is what a snapshot must hold.
type Viewer interface {
	// Entries calls yield for each entry until it returns false, and reports
	// whether it was true of all. It changes nothing.
	Entries(yield func(Entry) bool) bool
}

// Entries implements [Viewer].
func (s *KeyedState[K]) Entries(yield func(Entry) bool) bool {
	for _, t := range s.tables {
		if !t.entries(yield) {
			return false
		}
	}
	return s.Timers.entries(s.Codec, yield)
}

// entries shows the keys that a search finds, with what it finds.
func (t *valueTable[K, V]) entries(yield func(Entry) bool) bool {
	var key, value []byte
	return t.table.Keys(func(k K) bool {
		key = t.keys.Append(key[:0], k)
		v, ok := t.table.Get(graph.KeyHash(key), k)
		if !ok {
			return true
		}
		value = t.values.Append(value[:0], v)
		return yield(Entry{Kind: KeyedValue, State: t.named, Key: key, Value: value})
	})
}

// entries shows the timers that would fire.
func (s *TimerService[K]) entries(keys codec.Codec[K], yield func(Entry) bool) bool {
	var key, at []byte
	for _, kind := range [...]EntryKind{EventTimer, ProcessingTimer} {
		q := s.queue(kind == EventTimer)
		for _, t := range q.heap {
			if q.deleted(t) {
				continue
			}
			key, at = keys.Append(key[:0], t.key), binary.AppendVarint(at[:0], t.at)
			if !yield(Entry{Kind: kind, Key: key, Value: at}) {
				return false
			}
		}
	}
	return true
}

// Entries implements [Viewer].
func (o *ReduceOperator[K, T]) Entries(yield func(Entry) bool) bool { return o.state.Entries(yield) }

// SplitEntry is the i-th split of a source subtask as an [Entry].
func SplitEntry(i int, split []byte) Entry {
	return Entry{Kind: SplitPosition, Key: strconv.AppendInt(nil, int64(i), 10), Value: split}
}
