package graph

import (
	"encoding/binary"
	"math/bits"

	"github.com/cespare/xxhash/v2"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/stream"
)

// KeyHasher makes a function that hashes keys as [AppendKeyHash] does and finds their
// key groups, for use by one subtask. The built-in codecs of integers and strings are
// faster with it.
func KeyHasher[K any](c codec.Codec[K], maxParallelism int) func(key K) stream.KeyHash {
	var fast any
	limit := uint32(maxParallelism)
	switch any(c).(type) {
	case codec.Int:
		fast = func(key int) stream.KeyHash { return hashUvarint(zigzag(int64(key)), limit) }
	case codec.Int32:
		fast = func(key int32) stream.KeyHash { return hashUvarint(zigzag(int64(key)), limit) }
	case codec.Int64:
		fast = func(key int64) stream.KeyHash { return hashUvarint(zigzag(key), limit) }
	case codec.Uint32:
		fast = func(key uint32) stream.KeyHash { return hashUvarint(uint64(key), limit) }
	case codec.Uint64:
		fast = func(key uint64) stream.KeyHash { return hashUvarint(key, limit) }
	case codec.String:
		fast = stringHasher(limit)
	}
	if f, ok := fast.(func(key K) stream.KeyHash); ok {
		return f
	}
	var buf []byte
	return func(key K) stream.KeyHash {
		var hash uint64
		hash, buf = AppendKeyHash(buf, c, key)
		return keyHash(hash, limit)
	}
}

func keyHash(hash uint64, limit uint32) stream.KeyHash {
	return stream.KeyHash{Hash: hash, Group: within(murmur(fold(hash)), limit)}
}

func zigzag(v int64) uint64 { return uint64(v)<<1 ^ uint64(v>>63) }

func stringHasher(limit uint32) func(key string) stream.KeyHash {
	var buf []byte
	return func(key string) stream.KeyHash {
		buf = binary.AppendUvarint(buf[:0], uint64(len(key)))
		buf = append(buf, key...)
		return keyHash(xxhash.Sum64(buf), limit)
	}
}

// hashUvarint hashes a number by its varint. It is one function, since a call costs as
// much as a few of its steps.
func hashUvarint(v uint64, limit uint32) stream.KeyHash {
	if v >= 1<<56 {
		var buf [binary.MaxVarintLen64]byte
		return keyHash(xxhash.Sum64(binary.AppendUvarint(buf[:0], v)), limit)
	}
	// At most eight bytes fit in a register, seven bits to a byte: halves apart,
	// then their halves, then theirs.
	n := (bits.Len64(v|1)*9 + 64) / 64 // as (length + 6) / 7, without a multiplication
	v = v&0x0fffffff | v<<4&0x0fffffff00000000
	v = v&0x00003fff00003fff | v<<2&0x3fff00003fff0000
	v = v&0x007f007f007f007f | v<<1&0x7f007f007f007f00
	more := uint64(1)<<(8*(n-1)) - 1 // every byte but the last
	v |= more & 0x8080808080808080

	// xxhash64 of these bytes.
	h := prime5 + uint64(n)
	switch {
	case n == 8:
		h ^= bits.RotateLeft64(v*prime2, 31) * prime1
		h = bits.RotateLeft64(h, 27)*prime1 + prime4
		n = 0
	case n >= 4:
		h ^= v & 0xffffffff * prime1
		h = bits.RotateLeft64(h, 23)*prime2 + prime3
		v, n = v>>32, n-4
	}
	// All steps are made and those wanted are kept: a loop would end unpredictably.
	if step := hashByte(h, v); n > 0 {
		h = step
	}
	if step := hashByte(h, v>>8); n > 1 {
		h = step
	}
	if step := hashByte(h, v>>16); n > 2 {
		h = step
	}
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	h ^= h >> 32
	return stream.KeyHash{Hash: h, Group: within(murmur(fold(h)), limit)}
}

// The primes of xxhash64.
const (
	prime1 = 11400714785074694791
	prime2 = 14029467366897019727
	prime3 = 1609587929392839161
	prime4 = 9650029242287828579
	prime5 = 2870177450012600261
)

func hashByte(h, w uint64) uint64 { return bits.RotateLeft64(h^w&0xff*prime5, 11) * prime1 }
