package sim

import "math/bits"

// Hash is a rolling 64-bit hash over words. Each step is a bijection of the state
// for a given word, and of the word for a given state: one changed word always
// changes the result, several do but for one chance in 2^64.
type Hash uint64

// Add takes one more word in.
func (h *Hash) Add(word uint64) {
	k := word * 0x87c37b91114253d5
	k ^= k >> 32
	k *= 0x4cf5ad432745937f
	x := bits.RotateLeft64(uint64(*h)^k, 27)
	*h = Hash(x*5 + 0x52dce72952dce729)
}

// Sum is the hash of the words so far.
func (h Hash) Sum() uint64 { return finish(uint64(h)) }

// finish is splitmix64's finalizer.
func finish(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
