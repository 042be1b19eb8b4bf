package model

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/weirstream/weir/engine/graph"
)

// Entry is one entry of a job's state, in neutral form: the value of a key in a named
// state of an operator. Bytes are as their codecs write them.
type Entry struct {
	UID, State string
	Key, Value []byte
}

// EventTimers is the State of a timer: its Value is the time as a varint.
const EventTimers = "(event-time timers)"

// Digest sums up entries or lines regardless of their order: equal multisets have
// equal digests, others different ones but for chance. The zero value is that of
// nothing.
type Digest struct{ Sum, Count uint64 }

// Plus is the digest of both.
func (d Digest) Plus(o Digest) Digest { return Digest{d.Sum + o.Sum, d.Count + o.Count} }

// AddLine adds a line.
func (d *Digest) AddLine(line string) { d.add(mix(xxhash.Sum64String(line))) }

func (d *Digest) add(sum uint64) {
	d.Sum += sum
	d.Count++
}

func (d *Digest) remove(sum uint64) {
	d.Sum -= sum
	d.Count--
}

// mix is the finalizer of SplitMix64: sums of it differ where sums of its arguments may
// not.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

func stateSeed(uid, state string) uint64 {
	return xxhash.Sum64String(uid)*0x9e3779b97f4a7c15 + xxhash.Sum64String(state)
}

func entrySum(seed uint64, key, value []byte) uint64 {
	return mix(seed ^ bits.RotateLeft64(mix(xxhash.Sum64(key)), 17) + xxhash.Sum64(value))
}

// Summer adds up entries. Those of one state should come together.
type Summer struct {
	Digest
	uid, state string
	seed       uint64
}

// Add adds an entry.
func (s *Summer) Add(e Entry) {
	if s.seed == 0 || s.uid != e.UID || s.state != e.State {
		s.uid, s.state, s.seed = e.UID, e.State, stateSeed(e.UID, e.State)
	}
	s.add(entrySum(s.seed, e.Key, e.Value))
}

// table is one named state: a value for each key.
type table struct {
	uid, name    string
	keys, values graph.Bytes
	cells        map[any]*cell

	// Of a table that is watched: what has changed since the last sum.
	watch bool
	seed  uint64
	dirty []any
	sum   Digest
	buf   []byte
}

// cell is a key's value, if it has one.
type cell struct {
	value          any
	present, dirty bool
	counted        bool // in the table's sum, as
	sum            uint64
}

func (t *table) cell(key any) *cell {
	c := t.cells[key]
	if c == nil {
		c = &cell{}
		t.cells[key] = c
	}
	return c
}

func (t *table) set(key any, c *cell, v any) {
	c.value, c.present = v, true
	t.changed(key, c)
}

func (t *table) clear(key any) {
	if c := t.cells[key]; c != nil {
		c.value, c.present = nil, false
		t.changed(key, c)
		if !t.watch {
			delete(t.cells, key)
		}
	}
}

func (t *table) changed(key any, c *cell) {
	if t.watch && !c.dirty {
		c.dirty = true
		t.dirty = append(t.dirty, key)
	}
}

// digest brings the sum up to date: the cost is that of what has changed.
func (t *table) digest() Digest {
	for _, key := range t.dirty {
		c := t.cells[key]
		if c.counted {
			t.sum.remove(c.sum)
		}
		c.dirty, c.counted = false, c.present
		if !c.present {
			delete(t.cells, key)
			continue
		}
		k, v := t.encode(key, c.value)
		c.sum = entrySum(t.seed, k, v)
		t.sum.add(c.sum)
	}
	t.dirty = t.dirty[:0]
	return t.sum
}

// encode gives key and value in bytes, good until the next call.
func (t *table) encode(key, value any) (k, v []byte) {
	t.buf = t.keys.Append(t.buf[:0], key)
	n := len(t.buf)
	t.buf = t.values.Append(t.buf, value)
	return t.buf[:n:n], t.buf[n:]
}

// each calls yield for every entry.
func (t *table) each(yield func(Entry)) {
	for key, c := range t.cells { // unordered: so it is said
		if c.present {
			k, v := t.encode(key, c.value)
			yield(Entry{t.uid, t.name, k, v})
		}
	}
}

func timerValue(dst []byte, at int64) []byte { return binary.AppendVarint(dst, at) }

// StateDiff says how state differs from the reference, entry by entry in order of
// operator, state and key; at most most entries, and how many more.
func StateDiff(want, got []Entry, most int, text func(e Entry) (key, value string)) []string {
	index := func(es []Entry) map[string]Entry {
		m := make(map[string]Entry, len(es))
		for _, e := range es {
			k := e.UID + "\x00" + e.State + "\x00" + string(e.Key)
			if e.State == EventTimers { // a key may have several
				k += "\x00" + string(e.Value)
			}
			m[k] = e
		}
		return m
	}
	wants, gots := index(want), index(got)
	keys := map[string]bool{}
	for k, w := range wants { // unordered: sorted below
		if g, ok := gots[k]; !ok || string(g.Value) != string(w.Value) {
			keys[k] = true
		}
	}
	for k := range gots { // unordered: sorted below
		if _, ok := wants[k]; !ok {
			keys[k] = true
		}
	}
	sorted := make([]string, 0, len(keys))
	for k := range keys { // unordered: sorted below
		sorted = append(sorted, k)
	}
	slices.Sort(sorted)
	var out []string
	for i, k := range sorted {
		if i == most {
			out = append(out, fmt.Sprintf("%d more entries differ", len(sorted)-most))
			break
		}
		w, inWant := wants[k]
		g, inGot := gots[k]
		any := w
		if !inWant {
			any = g
		}
		key, _ := text(any)
		say := func(e Entry, ok bool) string {
			if !ok {
				return "nothing"
			}
			_, v := text(e)
			return v
		}
		out = append(out, fmt.Sprintf("operator %q, state %q, key %s: %s, must be %s", any.UID, any.State, key, say(g, inGot), say(w, inWant)))
	}
	return out
}
