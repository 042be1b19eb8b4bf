package sim

import (
	"math/bits"
	"time"
)

// entry is a pending event; entries are linked by index.
type entry struct {
	at   time.Duration
	next int32
	Event
}

// list is a FIFO list of entries; index 0 means none.
type list struct{ head, tail int32 }

const (
	levelBits  = 8
	levelSlots = 1 << levelBits
	levels     = 8
)

// queue holds pending events in the order W1: those of the current instant in
// run, later ones in a hierarchical timing wheel. An entry lies on the level of
// the highest byte in which its time differs from cur, so that a slot is entered,
// and its entries moved down, before anything else is put on the levels below it:
// that keeps each slot first in, first out.
type queue struct {
	now  time.Duration
	cur  uint64 // the wheel's position, ≤ now between calls
	slab []entry
	free int32
	size int
	run  list

	filled uint8 // levels with entries
	bits   [levels][levelSlots / 64]uint64
	slots  [levels][levelSlots]list
}

func (q *queue) init() { q.slab = make([]entry, 1, 64) }

// push adds an event; at is not before now.
func (q *queue) push(at time.Duration, e *Event) {
	i := q.free
	if i != 0 {
		q.free = q.slab[i].next
	} else {
		i = int32(len(q.slab))
		q.slab = append(q.slab, entry{})
	}
	n := &q.slab[i]
	n.at, n.next, n.Event = at, 0, *e
	q.size++
	if at == q.now {
		q.link(&q.run, i)
		return
	}
	q.place(i)
}

func (q *queue) link(l *list, i int32) {
	if l.head == 0 {
		l.head = i
	} else {
		q.slab[l.tail].next = i
	}
	l.tail = i
}

func (q *queue) place(i int32) {
	at := uint64(q.slab[i].at)
	level := 0
	if x := at ^ q.cur; x != 0 {
		level = (bits.Len64(x) - 1) / levelBits
	}
	slot := at >> (level * levelBits) % levelSlots
	q.link(&q.slots[level][slot], i)
	q.bits[level][slot/64] |= 1 << (slot % 64)
	q.filled |= 1 << level
}

// pop moves the next event that is due by limit into e, its time into now, and
// reports whether there was one. If not, cur is not beyond limit.
func (q *queue) pop(limit time.Duration, e *Event) bool {
	for q.run.head == 0 {
		if !q.turn(limit) {
			return false
		}
	}
	if q.now > limit {
		return false
	}
	i := q.run.head
	n := &q.slab[i]
	*e = n.Event
	q.run.head = n.next
	n.Ref = nil
	n.next, q.free = q.free, i
	q.size--
	return true
}

// turn enters the first slot of the wheel that is not empty, unless it begins
// after limit.
func (q *queue) turn(limit time.Duration) bool {
	if q.filled == 0 {
		return false
	}
	level := bits.TrailingZeros8(q.filled)
	slot := q.first(level)
	shift := level * levelBits
	base := q.cur&^(1<<(shift+levelBits)-1) | slot<<shift
	if base > uint64(limit) || limit < 0 {
		return false
	}
	l := q.slots[level][slot]
	alone := q.slab[l.head].next == 0
	if alone && q.slab[l.head].at > limit {
		return false
	}
	q.slots[level][slot] = list{}
	q.bits[level][slot/64] &^= 1 << (slot % 64)
	if q.bits[level] == [levelSlots / 64]uint64{} {
		q.filled &^= 1 << level
	}
	if level == 0 || alone {
		// All entries have one time, and nothing lies below or before them.
		q.run = l
		q.now = q.slab[l.head].at
		q.cur = uint64(q.now)
		return true
	}
	q.cur = base
	for i := l.head; i != 0; {
		next := q.slab[i].next
		q.slab[i].next = 0
		q.place(i)
		i = next
	}
	return true
}

func (q *queue) first(level int) uint64 {
	for k, word := range q.bits[level] {
		if word != 0 {
			return uint64(k*64 + bits.TrailingZeros64(word))
		}
	}
	panic("sim: level marked as filled is empty")
}
