package hashmap

import "github.com/weirstream/weir/engine/stream"

// Together is the most keys that [Table.Cells] takes: more than memory brings at a
// time, and few enough for what is known of them to stay in the cache.
const Together = 16

// Cells looks up to [Together] keys up: cells[i] becomes the value of keys[i] in place,
// for one read and replacement, or nil if [Table.Ref] must be asked, since the key has
// no value or a snapshot still sees it. All three have one length; the group of each
// hash is the one that follows from it. The cells are good until [Table.Moved] changes.
//
// Where a key should be is found for all of them before any is looked at there, so that
// they wait for memory together and not one after the other.
func (t *Table[K, V]) Cells(hashes []stream.KeyHash, keys []K, cells []*V) {
	// The first place with its mark in the block of its home, where a key nearly always
	// is; nil if there is none or it may not be written to (M5).
	var all [Together]*entry[K, V]
	guesses := all[:len(hashes)]
	for i := range guesses {
		number := uint(int(hashes[i].Group) - t.first)
		if number >= uint(len(t.groups)) {
			t.foreign(int(hashes[i].Group))
		}
		g, tag := &t.groups[number], t.tag(hashes[i].Hash)
		if g.blocks == 0 {
			continue
		}
		n := g.home(tag)
		if t.seen != 0 && g.born[n>>pageBits] <= t.seen {
			continue
		}
		p, at := g.page(n)
		if m := p.match(at, tag); m != 0 {
			guesses[i] = &p.blocks[at].entries[p.place(m)]
		}
	}
	keys, cells = keys[:len(guesses)], cells[:len(guesses)]
	for i, e := range guesses {
		if k := keys[i]; e != nil && e.key == k {
			cells[i] = &e.value
		} else {
			cells[i] = t.cell(hashes[i], k)
		}
	}
}

// cell is what Cells says of a key that is not where it was guessed.
func (t *Table[K, V]) cell(hash stream.KeyHash, k K) *V {
	g := &t.groups[int(hash.Group)-t.first]
	e, n, _, ok := g.find(t.tag(hash.Hash), k)
	if !ok || g.born[n>>pageBits] <= t.seen {
		return nil
	}
	return &e.value
}

// Moved changes whenever a cell may have come to another place in memory, or where it
// is may not be written to any more.
func (t *Table[K, V]) Moved() uint64 { return t.moved }
