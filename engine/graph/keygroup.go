package graph

import (
	"math"
	"math/bits"

	"github.com/cespare/xxhash/v2"

	"github.com/weirstream/weir/engine/codec"
)

// A key group is the unit in which keyed state moves between subtasks. A key's
// group depends on the encoded key and the max parallelism only, never on the
// process or the parallelism, so it is the same after every restore. The formulas
// are Flink's; only the hash of the key is our own.

// floorMaxParallelism is the least max parallelism derived from a parallelism.
const floorMaxParallelism = 1 << 7

// DefaultMaxParallelism is the max parallelism of an operator that has none
// configured: 1.5 times the parallelism rounded up to a power of two, within 128
// and 32,768. It stays that of the first run over later changes of parallelism.
func DefaultMaxParallelism(parallelism int) int {
	want := uint(parallelism + parallelism/2)
	if want <= floorMaxParallelism {
		return floorMaxParallelism
	}
	return min(1<<bits.Len(want-1), MaxParallelismLimit)
}

// KeyHash is the stable hash of an encoded key.
func KeyHash(encoded []byte) uint64 { return xxhash.Sum64(encoded) }

// AppendKeyHash hashes a key by its encoding, for which it overwrites buf; the
// buffer it returns is to be used again, so that nothing is allocated for long.
func AppendKeyHash[K any](buf []byte, c codec.Codec[K], key K) (hash uint64, reuse []byte) {
	buf = c.Append(buf[:0], key)
	return xxhash.Sum64(buf), buf
}

// WithNamespace is a hash for a key together with a namespace, such as a window,
// of which namespace is a hash: it spreads the namespaces of one key over a table,
// and has the key group of hash.
func WithNamespace(hash, namespace uint64) uint64 {
	// The key group sees only the xor of both halves, which this leaves alone.
	n := uint64(fold(namespace))
	return hash ^ (n<<32 | n)
}

// KeyGroup is the key group, from 0 and below maxParallelism, of a key with that
// hash. MaxParallelism is from 1 to [MaxParallelismLimit].
func KeyGroup(hash uint64, maxParallelism int) int {
	return int(within(murmur(fold(hash)), uint32(maxParallelism)))
}

// within is m modulo limit, without a division for each record where that can be.
func within(m, limit uint32) uint32 {
	if limit&(limit-1) == 0 {
		return m & (limit - 1)
	}
	return m % limit
}

func fold(hash uint64) uint32 { return uint32(hash>>32) ^ uint32(hash) }

// murmur is MurmurHash3 of one 32-bit block, made non-negative as Flink does.
func murmur(c uint32) uint32 {
	c *= 0xcc9e2d51
	c = bits.RotateLeft32(c, 15)
	c *= 0x1b873593
	c = bits.RotateLeft32(c, 13)
	c = c*5 + 0xe6546b64
	c ^= 4
	c ^= c >> 16
	c *= 0x85ebca6b
	c ^= c >> 13
	c *= 0xc2b2ae35
	c ^= c >> 16
	// Without a branch: the sign can't be predicted. The least number becomes 0.
	sign := uint32(int32(c) >> 31)
	return (c ^ sign - sign) & math.MaxInt32
}

// Subtask is the index of the subtask that owns a key group.
func Subtask(keyGroup, maxParallelism, parallelism int) int {
	return keyGroup * parallelism / maxParallelism
}

// Range is the key groups, first and last included, of a subtask. The ranges of
// all subtasks split the key groups without gap or overlap; none is empty, since
// parallelism is at most maxParallelism.
func Range(subtask, maxParallelism, parallelism int) (first, last int) {
	first = (subtask*maxParallelism + parallelism - 1) / parallelism
	last = ((subtask+1)*maxParallelism - 1) / parallelism
	return first, last
}
