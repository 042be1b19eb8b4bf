package protocol

import "math/bits"

// table maps fingerprints to a word. It is split, so that growing one part needs little
// room beside it; its size is known to the byte, and does not depend on the machine.
type table struct {
	parts [parts]part
	last  int64 // what bytes said last
}

const (
	parts     = 1024
	entrySize = 24
)

type part struct {
	keys   []fingerprint
	values []uint64
	n      int
}

// bytes is what the table takes, and while it grows takes beside that at most.
func (t *table) bytes() int64 {
	var total, largest int64
	for i := range t.parts {
		n := int64(len(t.parts[i].keys)) * entrySize
		total += n
		largest = max(largest, n)
	}
	t.last = total + 2*largest
	return t.last
}

// find returns where the value of a state is, and whether it was there before. The
// place is good until the next call.
func (t *table) find(f fingerprint) (value *uint64, known bool) {
	p := &t.parts[f.b%parts]
	if p.n >= len(p.keys)/8*7 {
		p.grow()
	}
	i := p.place(f)
	if p.keys[i] == f {
		return &p.values[i], true
	}
	p.keys[i] = f
	p.n++
	return &p.values[i], false
}

// place is where a state is, or may be put: the next in turn from where its hash says.
func (p *part) place(f fingerprint) int {
	hi, _ := bits.Mul64(f.a, uint64(len(p.keys)))
	i := int(hi)
	for p.keys[i] != f && p.keys[i] != (fingerprint{}) {
		if i++; i == len(p.keys) {
			i = 0
		}
	}
	return i
}

func (p *part) grow() {
	old := *p
	n := max(16, len(old.keys)*5/4)
	p.keys, p.values = make([]fingerprint, n), make([]uint64, n)
	for i, k := range old.keys {
		if k != (fingerprint{}) {
			at := p.place(k)
			p.keys[at], p.values[at] = k, old.values[i]
		}
	}
}
