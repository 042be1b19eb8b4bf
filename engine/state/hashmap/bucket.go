package hashmap

// bucket is six places of an index in half a cache line. Eight bits of each tag
// are compared at once, so that a lookup seldom has a branch to guess: a wrong
// guess costs more than the rest, as it waits for memory.
type bucket struct {
	// tags has a byte a place, 0 if it is empty, and two more bytes of 0.
	tags  uint64
	slots [bucketPlaces]uint32
}

const (
	bucketPlaces = 6
	// bucketRoom is the greatest mean number of entries in a bucket.
	bucketRoom = 5

	ones  = 0x0101010101010101
	low7  = 0x7f7f7f7f7f7f7f7f
	highs = 0x0000808080808080 // of the six places
)

// place is a bucket's number times 8 plus the place in it.
type place uint32

// short is the part of a tag that a bucket holds; never 0.
func short(tag uint32) uint64 { return uint64(max(1, tag>>24)) }

// zeros has the highest bit of every byte of x that is 0, and no other.
func zeros(x uint64) uint64 { return ^(x&low7 + low7 | x | low7) }

// match has a bit in the byte of every place with that tag.
func (b *bucket) match(short uint64) uint64 { return zeros(b.tags ^ short*ones) }

func (b *bucket) full() bool { return zeros(b.tags)&highs == 0 }

func (b *bucket) has(i uint32) bool { return b.tags>>(8*i)&0xff != 0 }

func (b *bucket) remove(i uint32) { b.tags &^= 0xff << (8 * i) }

// add fills the first empty place.
func (b *bucket) add(short uint64, slot uint32) {
	for i := range b.slots {
		if !b.has(uint32(i)) {
			b.tags |= short << (8 * i)
			b.slots[i] = slot
			return
		}
	}
}
