// Package hashmap keeps keyed state in memory.
//
// A [Table] holds one named state of one subtask: for each of its key groups an
// open-addressing index of hash tags over pages of 256 entries. A snapshot copies
// the page headers; a page that a snapshot still sees is copied when it is first
// written to. So no call does work in proportion to the table: the most is a new
// index (and lists of tags, pages and free slots) for one key group, or at a
// snapshot one header a page.
//
// Values are replaced, never mutated: what a value points to (a slice, a map) must
// not change once it is in a table, since a snapshot may be reading it.
//
// Order is that of slots: an entry takes the slot that was freed last in its key
// group, or else the next new one. It depends on the history of calls only, and so
// do the bytes of a snapshot.
//
// Invariants (M1, M4 asserted here, all checked by the tests):
//
//	M1  every key is in the key group of its hash, which is one of the table's
//	M2  an entry keeps its slot as long as it lives
//	M3  the index of a key group holds its live slots, each reachable from the
//	    home of its tag by passing full buckets only
//	M4  a key group has at most 5 * 2^29 entries
//	M5  the memory of a page that a live snapshot sees is not written
//
// A table and the Snapshot and Release of its snapshots belong to one actor. What
// a snapshot holds may be read anywhere until Release.
package hashmap

import (
	"iter"
	"math/bits"

	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/must"
)

const (
	pageBits    = 8
	pageEntries = 1 << pageBits
	pageMask    = pageEntries - 1
	// leastPage is the first size of the first page of a key group.
	leastPage = 4
	// maxIndex is the greatest number of buckets in an index.
	maxIndex = 1 << 29
)

// Table is the state of the key groups first to last. Every method takes the
// key's stable hash (graph.KeyHash of its encoding, or what graph.WithNamespace
// makes of it), the same for equal keys; a hash of another subtask's key group is
// a bug of the engine. A key that is not equal to itself, such as NaN, is never
// found.
type Table[K comparable, V any] struct {
	groups         []group[K, V]
	first          int
	maxParallelism int
	count          int
	// now is the epoch in which pages are born; each snapshot ends one.
	now uint64
	// seen is the latest epoch that a live snapshot sees, 0 if there is none.
	seen uint64
	live []*Snap[K, V]
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

// page is what of a page a snapshot copies. Entries come apart from it in a group,
// since lookups need nothing else and the cache is small.
type page[K comparable, V any] struct {
	entries []entry[K, V]
	used    bitmap
}

type bitmap [pageEntries / 64]uint64

func (b *bitmap) has(i uint32) bool { return b[i&pageMask/64]>>(i%64)&1 != 0 }
func (b *bitmap) add(i uint32)      { b[i&pageMask/64] |= 1 << (i % 64) }
func (b *bitmap) remove(i uint32)   { b[i&pageMask/64] &^= 1 << (i % 64) }

type meta struct {
	born uint64
	used bitmap
}

type group[K comparable, V any] struct {
	// index has 2^n buckets, or none. A tag's home is the bucket of its low bits.
	index []bucket
	// pages and meta have an element a page.
	pages [][]entry[K, V]
	meta  []meta
	// tags has an element a slot.
	tags []uint32
	// free is a stack of slots that have no entry.
	free  []uint32
	count int
}

// New makes an empty table for the key groups first to last, both included, of
// maxParallelism.
func New[K comparable, V any](maxParallelism, first, last int) *Table[K, V] {
	must.That(0 <= first && first <= last && last < maxParallelism && maxParallelism <= graph.MaxParallelismLimit,
		"M1: key groups %d to %d of %d", first, last, maxParallelism)
	return &Table[K, V]{groups: make([]group[K, V], last-first+1), first: first, maxParallelism: maxParallelism, now: 1}
}

// Len is the number of entries.
func (t *Table[K, V]) Len() int { return t.count }

func (t *Table[K, V]) group(hash uint64) *group[K, V] {
	kg := graph.KeyGroup(hash, t.maxParallelism)
	i := uint(kg - t.first)
	if i >= uint(len(t.groups)) {
		t.foreign(kg)
	}
	return &t.groups[i]
}

func (t *Table[K, V]) foreign(kg int) {
	must.Unreachable("M1: key group %d in a table of %d to %d", kg, t.first, t.first+len(t.groups)-1)
}

// tag mixes the hash once more: within a key group its bits are not independent,
// and a linear index suffers from every pattern.
func tag(hash uint64) uint32 { return uint32(hash * 0x9e3779b97f4a7c15 >> 32) }

// find returns the place in the index and the slot of a key.
func (g *group[K, V]) find(tag uint32, k K) (at place, slot uint32, ok bool) {
	if len(g.index) == 0 {
		return 0, 0, false
	}
	mask := uint32(len(g.index) - 1)
	part := short(tag)
	for n := tag & mask; ; n = (n + 1) & mask {
		b := &g.index[n]
		for m := b.match(part); m != 0; m &= m - 1 {
			i := uint32(bits.TrailingZeros64(m)) / 8
			slot = b.slots[i]
			if g.pages[slot>>pageBits][slot&pageMask].key == k {
				return place(n<<3 | i), slot, true
			}
		}
		if !b.full() {
			return 0, 0, false
		}
	}
}

// writable returns an entry whose page no snapshot sees (M5).
func (t *Table[K, V]) writable(g *group[K, V], slot uint32) *entry[K, V] {
	if t.seen != 0 {
		t.unshare(g, slot>>pageBits)
	}
	return &g.pages[slot>>pageBits][slot&pageMask]
}

func (t *Table[K, V]) unshare(g *group[K, V], page uint32) {
	if m := &g.meta[page]; m.born <= t.seen {
		g.pages[page] = append([]entry[K, V](nil), g.pages[page]...)
		m.born = t.now
	}
}

// Get returns a key's value; zero and false if it has none.
func (t *Table[K, V]) Get(hash uint64, k K) (V, bool) {
	g := t.group(hash)
	_, slot, ok := g.find(tag(hash), k)
	if !ok {
		var zero V
		return zero, false
	}
	return g.pages[slot>>pageBits][slot&pageMask].value, true
}

// Set gives a key a value, in place of the one it may have.
func (t *Table[K, V]) Set(hash uint64, k K, v V) { *t.Ref(hash, k) = v }

// Update replaces a key's value by what f makes of it; f gets zero and false if
// there is none. f must not use the table.
func (t *Table[K, V]) Update(hash uint64, k K, f func(v V, ok bool) V) {
	g, tag := t.group(hash), tag(hash)
	if _, slot, ok := g.find(tag, k); ok {
		e := t.writable(g, slot)
		e.value = f(e.value, true)
		return
	}
	var zero V
	v := f(zero, false)
	t.insert(g, tag, k).value = v
}

// Ref returns a key's value in place, for one read and replacement at the cost of
// one lookup; a key without a value gets zero first. It is good until the next
// call on the table.
func (t *Table[K, V]) Ref(hash uint64, k K) *V {
	g, tag := t.group(hash), tag(hash)
	if _, slot, ok := g.find(tag, k); ok {
		return &t.writable(g, slot).value
	}
	return &t.insert(g, tag, k).value
}

// Delete removes a key and reports whether it had a value.
func (t *Table[K, V]) Delete(hash uint64, k K) bool {
	g := t.group(hash)
	place, slot, ok := g.find(tag(hash), k)
	if !ok {
		return false
	}
	g.vacate(place)
	g.count--
	t.count--
	*t.writable(g, slot) = entry[K, V]{}
	g.meta[slot>>pageBits].used.remove(slot)
	if g.count == 0 {
		g.reset()
		return true
	}
	g.free = append(g.free, slot)
	return true
}

// vacate empties a place. If its bucket was full, keys may have gone on to later
// ones: one that may come back takes the place, and so on, so that M3 holds
// without tombstones.
func (g *group[K, V]) vacate(at place) {
	mask := uint32(len(g.index) - 1)
	hole := uint32(at >> 3)
	passed := g.index[hole].full()
	g.index[hole].remove(uint32(at & 7))
	for n := (hole + 1) & mask; passed; n = (n + 1) & mask {
		b := &g.index[n]
		passed = b.full()
		for i, slot := range b.slots {
			if b.has(uint32(i)) && (n-g.tags[slot])&mask >= (n-hole)&mask {
				g.index[hole].add(short(g.tags[slot]), slot)
				b.remove(uint32(i))
				hole = n
				break
			}
		}
	}
}

// reset gives back the memory of an empty key group, but for what a few keys that
// come and go need.
func (g *group[K, V]) reset() {
	g.tags, g.free = g.tags[:0], g.free[:0]
	if len(g.pages) > 1 {
		*g = group[K, V]{pages: [][]entry[K, V]{g.pages[0]}, meta: []meta{g.meta[0]}}
	}
}

func (t *Table[K, V]) insert(g *group[K, V], tag uint32, k K) *entry[K, V] {
	if g.count >= len(g.index)*bucketRoom {
		g.grow(max(1, 2*len(g.index)))
	}
	slot := t.take(g)
	g.tags[slot] = tag
	g.enter(slot)
	g.count++
	t.count++
	e := t.writable(g, slot)
	e.key = k
	g.meta[slot>>pageBits].used.add(slot)
	return e
}

// enter puts a slot into the first bucket with an empty place from its home on.
func (g *group[K, V]) enter(slot uint32) {
	mask := uint32(len(g.index) - 1)
	tag := g.tags[slot]
	n := tag & mask
	for g.index[n].full() {
		n = (n + 1) & mask
	}
	g.index[n].add(short(tag), slot)
}

func (g *group[K, V]) grow(buckets int) {
	if buckets > maxIndex {
		must.Unreachable("M4: a key group with %d entries", g.count)
	}
	old := g.index
	g.index = make([]bucket, buckets)
	for n := range old {
		for i, slot := range old[n].slots {
			if old[n].has(uint32(i)) {
				g.enter(slot)
			}
		}
	}
}

// take takes the slot that was freed last, or a new one.
func (t *Table[K, V]) take(g *group[K, V]) uint32 {
	if n := len(g.free); n > 0 {
		slot := g.free[n-1]
		g.free = g.free[:n-1]
		return slot
	}
	slot := len(g.tags)
	g.tags = append(g.tags, 0)
	at := slot >> pageBits
	switch {
	case at == len(g.pages):
		size := pageEntries
		if slot == 0 {
			size = leastPage
		}
		g.pages = append(g.pages, make([]entry[K, V], size))
		g.meta = append(g.meta, meta{born: t.now})
	case slot&pageMask >= len(g.pages[at]):
		// Only the first page grows, so that a key group with few keys stays small.
		larger := make([]entry[K, V], min(pageEntries, 4*len(g.pages[at])))
		copy(larger, g.pages[at])
		g.pages[at], g.meta[at].born = larger, t.now
	}
	return uint32(slot)
}

// All ranges over the entries by key group, then slot. During it entries may be
// replaced and deleted; one that is inserted may be seen or not.
func (t *Table[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for i := range t.groups {
			g := &t.groups[i]
			for slot := uint32(0); int(slot) < len(g.tags); slot++ {
				if !g.meta[slot>>pageBits].used.has(slot) {
					continue
				}
				if e := &g.pages[slot>>pageBits][slot&pageMask]; !yield(e.key, e.value) {
					return
				}
			}
		}
	}
}

// reserve makes room for that many more entries of a key group in its index.
func (g *group[K, V]) reserve(n int) {
	if want := (g.count + n + bucketRoom - 1) / bucketRoom; want > len(g.index) {
		g.grow(1 << bits.Len(uint(want-1)))
	}
}
