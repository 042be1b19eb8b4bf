package sim

import (
	"math/bits"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Draw names one draw: what decides, where, and the how-manieth use (from 0).
type Draw struct {
	Point, Where string
	N            uint64
}

// Tape replaces draws. The value is the outcome of the draw as the methods of
// [Point] describe it, so that recorded outcomes can be played back.
type Tape map[Draw]uint64

// Point is a place where the world makes choices. Its draws follow W2.
type Point struct {
	w           *World
	key         uint64
	n           uint64
	name, where Name
	over        map[uint64]uint64
}

// Point returns the point of that name and place, always the same one. Callers
// keep it: the lookup is not for hot paths.
func (w *World) Point(name, where string) *Point {
	k := [2]Name{w.Name(name), w.Name(where)}
	if p := w.points[k]; p != nil {
		return p
	}
	key := finish(w.seed ^ finish(xxhash.Sum64String(name)))
	key = finish(key ^ bits.RotateLeft64(xxhash.Sum64String(where), 17))
	p := &Point{w: w, key: key, name: k[0], where: k[1]}
	p.over = w.tape[pointKey{name, where}]
	w.points[k] = p
	return p
}

type pointKey struct{ name, where string }

// byPoint sorts a tape by point, so that a draw needs no lookup by name.
func (t Tape) byPoint() map[pointKey]map[uint64]uint64 {
	if len(t) == 0 {
		return nil
	}
	out := map[pointKey]map[uint64]uint64{}
	for d, v := range t { // unordered: filling a map
		k := pointKey{d.Point, d.Where}
		if out[k] == nil {
			out[k] = map[uint64]uint64{}
		}
		out[k][d.N] = v
	}
	return out
}

// next makes one draw: its raw value, or its replacement.
func (p *Point) next() (v uint64, replaced bool) {
	n := p.n
	p.n++
	if p.over != nil {
		if v, ok := p.over[n]; ok {
			return v, true
		}
	}
	return finish(p.key + n*0x9e3779b97f4a7c15), false
}

// choice makes one draw that chooses: its raw value, or its replacement, which is 0 in
// a plain world unless the tape has one.
func (p *Point) choice() (v uint64, replaced bool) {
	v, replaced = p.next()
	if !replaced && p.w.plain {
		return 0, true
	}
	return v, replaced
}

// took tells hash and recorder the outcome of the draw just made.
func (p *Point) took(v uint64) {
	w := p.w
	w.hash.Add(p.key + p.n)
	w.hash.Add(v)
	if w.recorder != nil {
		w.record(&Record{Number: w.event, Cause: w.event, Kind: DrawKind, Actor: p.where, Peer: p.name, A: p.n - 1, B: v})
	}
}

// Uses is the number of draws made so far.
func (p *Point) Uses() uint64 { return p.n }

// Uint64 draws a number of 64 bits. It makes a Point a source for math/rand/v2. Even a
// plain world draws it: generators do not end on a source that is always 0.
func (p *Point) Uint64() uint64 {
	v, _ := p.next()
	p.took(v)
	return v
}

// Intn draws from [0, n); n must be positive. A replacement is taken modulo n.
func (p *Point) Intn(n int) int {
	if n <= 0 {
		panic("sim: Intn of nothing")
	}
	return int(p.below(uint64(n)))
}

func (p *Point) below(n uint64) uint64 {
	v, replaced := p.choice()
	if replaced {
		v %= n
	} else {
		v, _ = bits.Mul64(v, n)
	}
	p.took(v)
	return v
}

// Between draws from [lo, hi]; its outcome on the tape is the distance from lo.
// If hi ≤ lo it is lo, without a draw.
func (p *Point) Between(lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return lo + time.Duration(p.below(uint64(hi-lo)+1))
}

// Chance is true in num of den cases; its outcome on the tape is 0 or not 0.
// den must be positive. If num ≤ 0 it is false, without a draw.
func (p *Point) Chance(num, den int) bool {
	if den <= 0 {
		panic("sim: Chance without cases")
	}
	if num <= 0 {
		return false
	}
	v, replaced := p.choice()
	if !replaced {
		v, _ = bits.Mul64(v, uint64(den))
		v = b2u(v < uint64(num))
	}
	p.took(b2u(v != 0))
	return v != 0
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
