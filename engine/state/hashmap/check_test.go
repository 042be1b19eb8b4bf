package hashmap

import (
	"fmt"

	"github.com/weirstream/weir/engine/graph"
)

// Check says which invariant does not hold, given the hash of each key.
func (t *Table[K, V]) Check(hash func(K) uint64) error {
	total := 0
	for i := range t.groups {
		g := &t.groups[i]
		if err := g.check(t, t.first+i, hash); err != nil {
			return fmt.Errorf("key group %d: %w", t.first+i, err)
		}
		total += g.count
	}
	if total != t.count {
		return fmt.Errorf("the table counts %d entries, its key groups %d", t.count, total)
	}
	return nil
}

func (g *group[K, V]) check(t *Table[K, V], number int, hash func(K) uint64) error {
	used, zero := 0, entry[K, V]{}
	for slot := range uint32(len(g.tags)) {
		e := g.pages[slot>>pageBits][slot&pageMask]
		if !g.meta[slot>>pageBits].used.has(slot) {
			if any(e) != any(zero) {
				return fmt.Errorf("free slot %d still holds %v", slot, e)
			}
			continue
		}
		used++
		h := hash(e.key)
		if kg := graph.KeyGroup(h, t.maxParallelism); kg != number {
			return fmt.Errorf("M1: key %v of key group %d", e.key, kg)
		}
		if _, at, ok := g.find(tag(h), e.key); !ok || at != slot {
			return fmt.Errorf("M3: key %v of slot %d is found in %d (%v)", e.key, slot, at, ok)
		}
	}
	places := 0
	for n := range g.index {
		for i := range uint32(bucketPlaces) {
			if g.index[n].has(i) {
				places++
			}
		}
	}
	if used != g.count || places != g.count || used+len(g.free) != len(g.tags) || len(g.pages) != len(g.meta) {
		return fmt.Errorf("count %d, used %d, places %d, free %d, slots %d, pages %d and %d",
			g.count, used, places, len(g.free), len(g.tags), len(g.pages), len(g.meta))
	}
	return nil
}

// Pages is the number of pages the table holds memory for.
func (t *Table[K, V]) Pages() (n int) {
	for i := range t.groups {
		n += len(t.groups[i].pages)
	}
	return n
}
