package hashmap

import (
	"math/bits"
	"slices"
)

// block is the unit of search: eight places whose marks are compared at once. So a
// search seldom has a branch to guess, and several can wait for memory together.
type block[K comparable, V any] struct {
	entries [blockPlaces]entry[K, V]
	tags    [blockPlaces]uint32
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

const (
	blockPlaces = 8

	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// page is what a snapshot shares. The marks are apart from the blocks: they are few
// enough to stay in the cache, so that a lookup waits for memory once.
//
// What a lookup needs are methods of generic types even where it has no use for their
// parameters. A user's package instantiates the table, and into that the compiler
// inlines nothing of this package that is not generic.
type page[K comparable, V any] struct {
	// marks has for each block a byte for each place: 0 if it is empty, else mark of
	// the tag.
	marks  []uint64
	blocks []block[K, V]
}

// mark is the part of a tag that is compared first. Its highest bit tells it from
// an empty place.
func (*page[K, V]) mark(tag uint32) uint64 { return uint64(tag&0x7f | 0x80) }

// match has a bit in the byte of every place of block n with the mark of a tag. Now
// and then it has one for another mark, but never for an empty place.
func (p *page[K, V]) match(n, tag uint32) uint64 {
	x := p.marks[n] ^ p.mark(tag)*ones
	return (x - ones) &^ x & highs
}

// used has a bit in the byte of every place of block n with an entry.
func (p *page[K, V]) used(n uint32) uint64 { return p.marks[n] & highs }

func (p *page[K, V]) full(n uint32) bool { return p.marks[n]&highs == highs }

// place is the number of the lowest byte with a bit.
func (*page[K, V]) place(bytes uint64) uint32 {
	return uint32(bits.TrailingZeros64(bytes)) / 8 % blockPlaces
}

func newPage[K comparable, V any](blocks uint32) page[K, V] {
	return page[K, V]{make([]uint64, blocks), make([]block[K, V], blocks)}
}

func (p *page[K, V]) clone() page[K, V] {
	return page[K, V]{slices.Clone(p.marks), slices.Clone(p.blocks)}
}

// same reports whether p and q are one page, and not one a copy of the other.
func (p *page[K, V]) same(q *page[K, V]) bool { return &p.marks[0] == &q.marks[0] }

// add fills the first empty place of block n.
func (p *page[K, V]) add(n, tag uint32) *entry[K, V] {
	i := p.place(^p.used(n) & highs)
	p.marks[n] |= p.mark(tag) << (8 * i)
	b := &p.blocks[n]
	b.tags[i] = tag
	return &b.entries[i]
}

func (p *page[K, V]) remove(n, i uint32) {
	p.marks[n] &^= 0xff << (8 * i)
	b := &p.blocks[n]
	b.entries[i], b.tags[i] = entry[K, V]{}, 0
}

// each calls f for every entry, until it returns false.
func (p *page[K, V]) each(f func(tag uint32, e *entry[K, V]) bool) bool {
	for n := range p.blocks {
		b := &p.blocks[n]
		for m := p.used(uint32(n)); m != 0; m &= m - 1 {
			if i := p.place(m); !f(b.tags[i], &b.entries[i]) {
				return false
			}
		}
	}
	return true
}
