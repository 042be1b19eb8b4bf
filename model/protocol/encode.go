package protocol

import "math/bits"

// words is how many words a state is encoded in.
const words = 40

// encode packs all of a state into words, each field in a place of its own.
func (s *State) encode(w *[words]uint64) {
	copy3(w[0:], &s.out)
	copy3(w[3:], &s.in)
	for t := range tasks {
		w[6+t], w[10+t] = uint64(s.toTask[t]), uint64(s.toJM[t])
	}
	s.open.encode(w[14:24])
	s.done.encode(w[24:34])
	w[34] = pack(s.source[0].offset, s.source[0].last, s.source[0].pend, s.source[1].offset, s.source[1].last, s.source[1].pend, s.up, flags(s.finished))
	g := &s.operator
	w[35] = uint64(g.seen) | pack(0, 0, g.current, g.taken, g.pend, g.aborted, g.arrived|g.blocked<<2|g.capture<<4|g.ended<<6, flags(g.pending, g.overtook, g.complete))
	k := &s.sink
	w[36] = uint64(k.open) | pack(0, 0, k.got, k.current, k.pend, k.aborted, flags(k.ended, k.recovered), 0)
	w[37] = k.txns.whats()
	j := &s.jm
	w[38] = pack(j.attempt, uint8(j.phase), j.id, j.acked, j.next, flags(j.crashed, j.final, j.ended), s.used.checkpoints, s.used.crashes|s.used.aborts<<4)
	w[39] = uint64(s.ext.committed) | uint64(s.ghost.licences)<<16 | uint64(k.txns.ids())<<32 | uint64(s.ghost.newest)<<48
	w[33] |= uint64(s.ghost.aborted)<<16 | uint64(s.ext.txns)<<32
}

func copy3(w []uint64, q *[channels]queue) {
	w[0], w[1], w[2] = uint64(q[0]), uint64(q[1]), uint64(q[2])
}

func (c *checkpoint) encode(w []uint64) {
	copy3(w[0:], &c.in)
	copy3(w[3:], &c.out)
	w[6] = pack(c.id, c.attempt, c.stored, c.offset[0], c.offset[1], c.got, 0, 0)
	w[7] = uint64(c.seen)
	w[8] = c.txns.whats()
	w[9] = uint64(c.txns.ids())
}

func pack(b ...uint8) (w uint64) {
	for i, x := range b {
		w |= uint64(x) << (8 * i)
	}
	return w
}

func flags(b ...bool) (f uint8) {
	for i, x := range b {
		if x {
			f |= 1 << i
		}
	}
	return f
}

func (t *txns) whats() uint64 {
	return uint64(t[0].what) | uint64(t[1].what)<<16 | uint64(t[2].what)<<32 | uint64(t[3].what)<<48
}

func (t *txns) ids() uint16 {
	return uint16(t[0].id) | uint16(t[1].id)<<4 | uint16(t[2].id)<<8 | uint16(t[3].id)<<12
}

// fingerprint stands for a state. Two of n states have the same one with a probability
// of about n² / 2^129: 10^-23 for 10^8 states.
type fingerprint struct{ a, b uint64 }

const (
	mix0 = 0x9e3779b97f4a7c15
	mix1 = 0xbf58476d1ce4e5b9
	mix2 = 0x94d049bb133111eb
	mix3 = 0xd6e8feb86659fd93
)

// fingerprint mixes the words of a state in two lanes, each of which takes all words.
func (s *State) fingerprint() fingerprint {
	var w [words]uint64
	s.encode(&w)
	a, b := uint64(mix2), uint64(mix3)
	for i := 0; i < words; i += 2 {
		a = fold(w[i]^mix0^a, w[i+1]^mix1)
		b = fold(w[i]^mix2, w[i+1]^mix3^b)
	}
	a, b = fold(a^mix1, b^mix2), fold(a^mix3, bits.RotateLeft64(b, 17)^mix0)
	if a|b == 0 {
		a = 1 // 0 marks an empty place
	}
	return fingerprint{a, b}
}

func fold(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x, y)
	return hi ^ lo
}
