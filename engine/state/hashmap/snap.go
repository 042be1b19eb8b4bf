package hashmap

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/must"
)

// Snap is what a table held when it was taken. Its bytes are, for each key group
// that is not empty, in ascending order: the group's number and its number of
// entries as varints, then the entries in order of slots, key before value.
type Snap[K comparable, V any] struct {
	table  *Table[K, V]
	epoch  uint64
	count  int
	groups []snapGroup[K, V]
}

type snapGroup[K comparable, V any] struct {
	number int
	count  int
	pages  []page[K, V]
}

// Snapshot takes what the table holds now. Until its Release every page is copied
// before it is first written to. Several may be live at once.
func (t *Table[K, V]) Snapshot() *Snap[K, V] {
	used := 0
	for i := range t.groups {
		if t.groups[i].count > 0 {
			used++
		}
	}
	s := &Snap[K, V]{table: t, epoch: t.now, count: t.count, groups: make([]snapGroup[K, V], 0, used)}
	for i := range t.groups {
		if g := &t.groups[i]; g.count > 0 {
			s.groups = append(s.groups, snapGroup[K, V]{t.first + i, int(g.count), g.pages})
		}
	}
	t.moved++
	t.live = append(t.live, s)
	t.seen = t.now
	t.now++
	return s
}

// Release ends the snapshot, once and after all reading of it has ended.
func (s *Snap[K, V]) Release() {
	t := s.table
	must.That(t != nil, "M5: a snapshot is released twice")
	i := slices.Index(t.live, s)
	t.live = slices.Delete(t.live, i, i+1)
	t.seen = 0
	if n := len(t.live); n > 0 {
		t.seen = t.live[n-1].epoch
	}
	s.table, s.groups = nil, nil
}

// Len is the number of entries.
func (s *Snap[K, V]) Len() int { return s.count }

// All ranges over the entries in order.
func (s *Snap[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, g := range s.groups {
			for i := range g.pages {
				if !g.pages[i].each(func(_ uint32, e *entry[K, V]) bool { return yield(e.key, e.value) }) {
					return
				}
			}
		}
	}
}

// AppendTo appends all bytes of the snapshot.
func (s *Snap[K, V]) AppendTo(dst []byte, keys codec.Codec[K], values codec.Codec[V]) []byte {
	w := s.Writer(keys, values)
	for more := true; more; {
		dst, more = w.Next(dst, math.MaxInt)
	}
	return dst
}

// Writer writes the same bytes in pieces.
func (s *Snap[K, V]) Writer(keys codec.Codec[K], values codec.Codec[V]) *Writer[K, V] {
	return &Writer[K, V]{rest: s.groups, count: s.count, keys: keys, values: values}
}

// Writer turns a snapshot into bytes piece by piece.
type Writer[K comparable, V any] struct {
	rest    []snapGroup[K, V]
	page    int // of the first group in rest
	count   int // entries to be written
	done    int // of them, were written
	keys    codec.Codec[K]
	values  codec.Codec[V]
	written int64
	offsets []Offset
}

// Offset says where a key group begins.
type Offset struct {
	Group int
	// At counts bytes from the first that the writer wrote.
	At int64
}

// Next appends the next piece to dst, at least atLeast bytes of it unless the
// snapshot ends before, and at most one page of entries more than that. It
// reports whether there is more to come.
func (w *Writer[K, V]) Next(dst []byte, atLeast int) (piece []byte, more bool) {
	from := len(dst)
	for len(w.rest) > 0 && len(dst)-from < atLeast {
		g := &w.rest[0]
		if w.page == 0 {
			w.offsets = append(w.offsets, Offset{g.number, w.written + int64(len(dst)-from)})
			dst = binary.AppendUvarint(dst, uint64(g.number))
			dst = binary.AppendUvarint(dst, uint64(g.count))
		}
		g.pages[w.page].each(func(_ uint32, e *entry[K, V]) bool {
			dst = w.values.Append(w.keys.Append(dst, e.key), e.value)
			w.done++
			return true
		})
		if w.page++; w.page == len(g.pages) {
			w.rest, w.page = w.rest[1:], 0
		}
	}
	w.written += int64(len(dst) - from)
	return dst, len(w.rest) > 0
}

// Ahead is about how many bytes are still to be written, to make room for: before the
// first piece a guess that is too low rather than too high.
func (w *Writer[K, V]) Ahead() int {
	if w.done == 0 {
		return min(16*w.count, 4<<10)
	}
	each := w.written/int64(w.done) + 1
	return int(each)*(w.count-w.done) + 16*len(w.rest)
}

// Offsets are those of the key groups whose writing has begun, in ascending order.
// A key group's bytes end where the next one's begin.
func (w *Writer[K, V]) Offsets() []Offset { return w.offsets }

// Restore adds what the bytes of a snapshot, or of some of its key groups, hold.
// Key groups of other subtasks are passed over; several snapshots may be restored
// into one table as long as none repeats a key. Hash gives a key's hash, by the
// key or its encoding. Errors wrap [codec.ErrMalformed] and say where; the table
// then holds a part and must not be used.
func (t *Table[K, V]) Restore(src []byte, keys codec.Codec[K], values codec.Codec[V], hash func(k K, encoded []byte) uint64) error {
	for at := 0; at < len(src); {
		number, n := binary.Uvarint(src[at:])
		if n <= 0 || number >= uint64(t.maxParallelism) {
			return malformed(at, "expected the number of a key group of %d", t.maxParallelism)
		}
		at += n
		count, n := binary.Uvarint(src[at:])
		if n <= 0 || count == 0 || count > max(1, uint64(len(src)-at-n)) {
			return malformed(at, "expected the number of entries of key group %d", number)
		}
		at += n
		if g := int(number) - t.first; g >= 0 && g < len(t.groups) {
			t.reserve(&t.groups[g], int(count))
		}
		for range count {
			n, err := t.restoreEntry(src[at:], int(number), keys, values, hash)
			if err != nil {
				return fmt.Errorf("key group %d, entry at byte %d: %w", number, at, err)
			}
			at += n
		}
	}
	return nil
}

func (t *Table[K, V]) restoreEntry(src []byte, number int, keys codec.Codec[K], values codec.Codec[V],
	hash func(k K, encoded []byte) uint64) (int, error) {
	k, n, err := keys.Decode(src)
	if err != nil {
		return 0, fmt.Errorf("key: %w", err)
	}
	v, m, err := values.Decode(src[n:])
	if err != nil {
		return 0, fmt.Errorf("value: %w", err)
	}
	h := hash(k, src[:n])
	if kg := graph.KeyGroup(h, t.maxParallelism); kg != number {
		return 0, fmt.Errorf("%w: the key belongs to key group %d", codec.ErrMalformed, kg)
	}
	if i := number - t.first; i >= 0 && i < len(t.groups) {
		g := &t.groups[i]
		_, block, _, ok := g.find(t.tag(h), k)
		if ok {
			return 0, fmt.Errorf("%w: the key is there twice", codec.ErrMalformed)
		}
		t.insert(g, t.tag(h), k, block).value = v
	}
	return n + m, nil
}

// ByEncoding is the hash of keys without a namespace, for [Table.Restore].
func ByEncoding[K any](_ K, encoded []byte) uint64 { return graph.KeyHash(encoded) }

func malformed(at int, format string, args ...any) error {
	return fmt.Errorf("%w: byte %d: %s", codec.ErrMalformed, at, fmt.Sprintf(format, args...))
}
