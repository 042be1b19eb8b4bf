package hashmap

import "github.com/weirstream/weir/engine/stream"

// Cells looks many keys up: cells[i] becomes the value of keys[i] in place, for one
// read and replacement, or nil if [Table.Ref] must be asked, since the key has no value
// or a snapshot still sees it. All three have one length; the group of each hash is the
// one that follows from it. The lookups wait for memory together, not one after the
// other, and that is what it is for. The cells are good until [Table.Moved] changes.
func (t *Table[K, V]) Cells(hashes []stream.KeyHash, keys []K, cells []*V) {
	keys, cells = keys[:len(hashes)], cells[:len(hashes)]
	for i, hash := range hashes {
		cells[i] = nil
		at := uint(int(hash.Group) - t.first)
		if at >= uint(len(t.groups)) {
			t.foreign(int(hash.Group))
		}
		g, tag := &t.groups[at], tag(hash.Hash)
		if g.blocks == 0 {
			continue
		}
		// Nearly always the key is in the block of its home, at the first place with
		// its mark.
		n := g.home(tag)
		p := &g.pages[n>>pageBits]
		m := p.marks[n&pageMask].match(mark(tag))
		e := &p.blocks[n&pageMask].entries[place(m)]
		if m == 0 || e.key != keys[i] {
			var ok bool
			if e, n, _, ok = g.find(tag, keys[i]); !ok {
				continue
			}
		}
		if t.seen == 0 || g.born[n>>pageBits] > t.seen { // M5
			cells[i] = &e.value
		}
	}
}

// Moved changes whenever a cell may have come to another place in memory.
func (t *Table[K, V]) Moved() uint64 { return t.moved }
