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
		total += int(g.count)
	}
	if total != t.count {
		return fmt.Errorf("the table counts %d entries, its key groups %d", t.count, total)
	}
	return nil
}

func (g *group[K, V]) check(t *Table[K, V], number int, hash func(K) uint64) error {
	used, blocks := uint64(0), 0
	for i, p := range g.pages {
		if len(p.blocks) != pageBlocks && len(g.pages) > 1 || len(g.born) != len(g.pages) || g.born[i] > t.now || g.list > t.now {
			return fmt.Errorf("page %d of %d has %d blocks, born %v in %d, now %d", i, len(g.pages), len(p.blocks), g.born, g.list, t.now)
		}
		for j := range p.blocks {
			n, err := g.checkBlock(t, uint32(blocks), number, hash)
			if err != nil {
				return fmt.Errorf("block %d of page %d: %w", j, i, err)
			}
			used, blocks = used+n, blocks+1
		}
	}
	if used != uint64(g.count) || blocks != int(g.blocks) || !fits(used, g.blocks) {
		return fmt.Errorf("M3: count %d, used %d, blocks %d and %d", g.count, used, g.blocks, blocks)
	}
	return nil
}

func (g *group[K, V]) checkBlock(t *Table[K, V], n uint32, number int, hash func(K) uint64) (used uint64, err error) {
	p, at := g.page(n)
	b, zero := &p.blocks[at], entry[K, V]{}
	for i, e := range b.entries {
		byte := p.marks[at] >> (8 * i) & 0xff
		if byte == 0 {
			if any(e) != any(zero) || b.tags[i] != 0 {
				return 0, fmt.Errorf("empty place %d still holds %v, tag %d", i, e, b.tags[i])
			}
			continue
		}
		used++
		h := hash(e.key)
		if kg := graph.KeyGroup(h, t.maxParallelism); kg != number {
			return 0, fmt.Errorf("M1: key %v of key group %d", e.key, kg)
		}
		if b.tags[i] != t.tag(h) || byte != p.mark(t.tag(h)) {
			return 0, fmt.Errorf("key %v has tag %d and mark %d of %x", e.key, t.tag(h), b.tags[i], p.marks[at])
		}
		if in, _, at, ok := g.find(t.tag(h), e.key); !ok || in != &b.entries[i] || int(at) != i {
			return 0, fmt.Errorf("M2: key %v of place %d is not found there but in %d (%v)", e.key, i, at, ok)
		}
	}
	return used, nil
}

// Pages is the number of pages the table holds memory for.
func (t *Table[K, V]) Pages() (n int) {
	for i := range t.groups {
		n += len(t.groups[i].pages)
	}
	return n
}
