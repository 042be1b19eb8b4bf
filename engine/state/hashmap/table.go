// Package hashmap keeps keyed state in memory.
//
// A [Table] holds one named state of one subtask: for each of its key groups an
// open-addressing table of blocks of eight entries, in pages of 16 blocks. A
// snapshot copies the headers of the key groups; a page that a snapshot still sees
// is copied when it is first written to. So no call does work in proportion to the
// table: the most is new pages for one key group when it has outgrown them, or a
// copy of its list of pages.
//
// Values are replaced, never mutated: what a value points to (a slice, a map) must
// not change once it is in a table, since a snapshot may be reading it.
//
// Order is that of key groups, then of blocks and places. It depends on the history
// of calls only, and so do the bytes of a snapshot.
//
// Invariants (M1, M4 asserted here, all checked by the tests):
//
//	M1  every key is in the key group of its hash, which is one of the table's
//	M2  a key has one entry; from the home of its tag to its block all blocks are
//	    full
//	M3  at most 3/4 of the places of a key group are in use, so that every search
//	    meets a block that is not full
//	M4  a key group has at most 2^28 blocks
//	M5  the memory that a live snapshot sees is not written
//
// A table and the Snapshot and Release of its snapshots belong to one actor. What
// a snapshot holds may be read anywhere until Release.
package hashmap

import (
	"iter"
	"slices"

	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/must"
)

const (
	pageBits   = 4
	pageBlocks = 1 << pageBits
	pageMask   = pageBlocks - 1
	maxBlocks  = 1 << 28
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
	// moved counts what makes the results of Cells stale.
	moved uint64
}

type group[K comparable, V any] struct {
	// pages has one page of blocks, or as many of pageBlocks as there are blocks.
	pages []page[K, V]
	// born has the epoch of each page, list that of pages itself.
	born   []uint64
	list   uint64
	blocks uint32
	count  uint32
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

//go:noinline
func (t *Table[K, V]) foreign(kg int) {
	must.Unreachable("M1: key group %d in a table of %d to %d", kg, t.first, t.first+len(t.groups)-1)
}

// tag mixes the hash once more: within a key group its bits are not independent,
// and a search suffers from every pattern.
func (t *Table[K, V]) tag(hash uint64) uint32 { return uint32(hash * 0x9e3779b97f4a7c15 >> 32) }

// home is the block where the search for a tag begins. Blocks are in the order of
// tags, but for collisions, so that new pages are filled from front to back.
func (g *group[K, V]) home(tag uint32) uint32 {
	return uint32(uint64(tag) * uint64(g.blocks) >> 32)
}

func (g *group[K, V]) next(n uint32) uint32 {
	if n++; n == g.blocks {
		return 0
	}
	return n
}

// page returns the page of a block and its number there.
func (g *group[K, V]) page(n uint32) (*page[K, V], uint32) {
	return &g.pages[n>>pageBits], n & pageMask
}

// find returns a key's entry with the numbers of its block and place. If the key
// has none, ok is false and n is the block where the search ended, if the group has
// blocks at all.
func (g *group[K, V]) find(tag uint32, k K) (e *entry[K, V], n, i uint32, ok bool) {
	if g.blocks == 0 {
		return nil, 0, 0, false
	}
	for n = g.home(tag); ; n = g.next(n) {
		p, at := g.page(n)
		for m := p.match(at, tag); m != 0; m &= m - 1 {
			i = p.place(m)
			if e = &p.blocks[at].entries[i]; e.key == k {
				return e, n, i, true
			}
		}
		if !p.full(at) {
			return nil, n, 0, false
		}
	}
}

// writable returns a block's page, which no snapshot sees any more (M5), and its
// number there.
func (t *Table[K, V]) writable(g *group[K, V], n uint32) (*page[K, V], uint32) {
	if t.seen != 0 {
		t.unshare(g, n>>pageBits)
	}
	return g.page(n)
}

// entry is that at a place, for writing to it.
func (t *Table[K, V]) entry(g *group[K, V], n, i uint32) *entry[K, V] {
	p, at := t.writable(g, n)
	return &p.blocks[at].entries[i]
}

func (t *Table[K, V]) unshare(g *group[K, V], page uint32) {
	if g.born[page] > t.seen {
		return
	}
	if g.list <= t.seen {
		g.pages, g.list = slices.Clone(g.pages), t.now
	}
	g.pages[page], g.born[page] = g.pages[page].clone(), t.now
}

// Get returns a key's value; zero and false if it has none.
func (t *Table[K, V]) Get(hash uint64, k K) (V, bool) {
	e, _, _, ok := t.group(hash).find(t.tag(hash), k)
	if !ok {
		var zero V
		return zero, false
	}
	return e.value, true
}

// Set gives a key a value, in place of the one it may have.
func (t *Table[K, V]) Set(hash uint64, k K, v V) { *t.Ref(hash, k) = v }

// Update replaces a key's value by what f makes of it; f gets zero and false if
// there is none. f must not use the table.
func (t *Table[K, V]) Update(hash uint64, k K, f func(v V, ok bool) V) {
	g, tag := t.group(hash), t.tag(hash)
	_, n, i, ok := g.find(tag, k)
	if ok {
		e := t.entry(g, n, i)
		e.value = f(e.value, true)
		return
	}
	var zero V
	v := f(zero, false)
	t.insert(g, tag, k, n).value = v
}

// Ref returns a key's value in place, for one read and replacement at the cost of
// one lookup; a key without a value gets zero first. It is good until the next
// call on the table.
func (t *Table[K, V]) Ref(hash uint64, k K) *V {
	g, tag := t.group(hash), t.tag(hash)
	e, n, i, ok := g.find(tag, k)
	switch {
	case !ok:
		e = t.insert(g, tag, k, n)
	case t.seen != 0:
		e = t.entry(g, n, i)
	}
	return &e.value
}

// insert fills a place in the block where the search for a key has ended.
func (t *Table[K, V]) insert(g *group[K, V], tag uint32, k K, n uint32) *entry[K, V] {
	if !fits(uint64(g.count)+1, g.blocks) {
		t.resize(g, larger(g.blocks))
		n = g.vacant(tag)
	}
	g.count++
	t.count++
	p, at := t.writable(g, n)
	e := p.add(at, tag)
	e.key = k
	return e
}

// vacant is the first block from the home of a tag on that is not full.
func (g *group[K, V]) vacant(tag uint32) uint32 {
	n := g.home(tag)
	for g.full(n) {
		n = g.next(n)
	}
	return n
}

func (g *group[K, V]) full(n uint32) bool {
	p, at := g.page(n)
	return p.full(at)
}

// fits reports whether that many entries may be in that many blocks (M3).
func fits(count uint64, blocks uint32) bool { return count*4 <= uint64(blocks)*blockPlaces*3 }

// larger is the size after blocks: twice as much up to a page, then about half as
// much again, in whole pages, so that little memory is idle.
func larger(blocks uint32) uint32 {
	switch {
	case blocks == 0:
		return 1
	case blocks < pageBlocks:
		return 2 * blocks
	}
	pages := blocks >> pageBits
	return (pages + (pages+1)/2) << pageBits
}

// reserve makes room for that many more entries of a key group.
func (t *Table[K, V]) reserve(g *group[K, V], n int) {
	blocks := g.blocks
	for !fits(uint64(g.count)+uint64(n), blocks) && blocks <= maxBlocks {
		blocks = larger(blocks)
	}
	if blocks != g.blocks {
		t.resize(g, blocks)
	}
}

// resize moves the entries of a key group to new pages.
func (t *Table[K, V]) resize(g *group[K, V], blocks uint32) {
	if blocks > maxBlocks {
		must.Unreachable("M4: a key group with %d entries", g.count)
	}
	old := g.pages
	n := (blocks + pageMask) >> pageBits
	g.pages, g.born = make([]page[K, V], n), make([]uint64, n)
	g.list, g.blocks = t.now, blocks
	t.moved++
	for i := range g.pages {
		g.pages[i], g.born[i] = newPage[K, V](min(blocks, pageBlocks)), t.now
	}
	for i := range old {
		old[i].each(func(tag uint32, e *entry[K, V]) bool {
			p, at := g.page(g.vacant(tag))
			*p.add(at, tag) = *e
			return true
		})
	}
}

// Delete removes a key and reports whether it had a value.
func (t *Table[K, V]) Delete(hash uint64, k K) bool {
	g := t.group(hash)
	_, n, i, ok := g.find(t.tag(hash), k)
	if !ok {
		return false
	}
	t.vacate(g, n, i)
	g.count--
	t.count--
	if g.count == 0 && len(g.pages) > 1 {
		*g = group[K, V]{} // gives the memory back, but for what a few keys need
	}
	return true
}

// vacate empties a place. If its block was full, keys may have gone on to later
// ones: one that may come back takes the place, and so on, so that M2 holds
// without tombstones.
func (t *Table[K, V]) vacate(g *group[K, V], hole, i uint32) {
	t.moved++
	passed := g.full(hole)
	p, at := t.writable(g, hole)
	p.remove(at, i)
	for n := g.next(hole); passed; n = g.next(n) {
		passed = g.full(n)
		from, at := g.page(n)
		for m := from.used(at); m != 0; m &= m - 1 {
			i := from.place(m)
			tag := from.blocks[at].tags[i]
			if g.distance(g.home(tag), n) < g.distance(hole, n) {
				continue
			}
			e := from.blocks[at].entries[i]
			to, into := t.writable(g, hole)
			*to.add(into, tag) = e
			from, at = t.writable(g, n)
			from.remove(at, i)
			hole = n
			break
		}
	}
}

// distance is how many steps a search takes from one block to another.
func (g *group[K, V]) distance(from, to uint32) uint32 {
	if to < from {
		to += g.blocks
	}
	return to - from
}

// All ranges over the entries in order, as they were when it began. During it
// entries may be replaced, which it shows, and deleted, which it passes over;
// those that are inserted are not seen.
func (t *Table[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		s := t.Snapshot()
		defer s.Release()
		for _, then := range s.groups {
			g := &t.groups[then.number-t.first]
			for i := range then.pages {
				p := &then.pages[i]
				if !p.each(func(tag uint32, e *entry[K, V]) bool {
					// A page that is still the group's has not been written to.
					if i < len(g.pages) && p.same(&g.pages[i]) {
						return yield(e.key, e.value)
					}
					now, _, _, ok := g.find(tag, e.key)
					return !ok || yield(now.key, now.value)
				}) {
					return
				}
			}
		}
	}
}
