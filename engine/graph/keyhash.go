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

// hashUvarint hashes a number by its varint. Numbers of up to three bytes are hashed here,
// since a call costs as much as a few steps; of the first byte the step is in a table.
func hashUvarint(v uint64, limit uint32) stream.KeyHash {
	if v >= 1<<21 {
		return keyHash(hashLonger(v), limit)
	}
	second, third := uint64(0), uint64(0)
	if v >= 1<<7 {
		second = 1
	}
	if v >= 1<<14 {
		third = 1
	}
	h := firstByte[(second+third)%4][v%0x80]
	// All steps are made and those wanted are kept: a loop would end unpredictably.
	if step := hashByte(h, v>>7&0x7f|third<<7); second != 0 {
		h = step
	}
	if step := hashByte(h, v>>14); third != 0 {
		h = step
	}
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	h ^= h >> 32
	return stream.KeyHash{Hash: h, Group: within(murmur(fold(h)), limit)}
}

// firstByte is xxhash64 after the first byte of a varint of up to three bytes, by how
// many follow and by its seven bits.
var firstByte = func() (t [4][0x80]uint64) {
	for more := range t {
		for b := range t[more] {
			w := uint64(b)
			if more > 0 {
				w |= 0x80
			}
			t[more][b] = hashByte(prime5+uint64(more)+1, w)
		}
	}
	return t
}()

// hashLonger is xxhash64 of a varint of four bytes or more.
func hashLonger(v uint64) uint64 {
	if v >= 1<<56 {
		var buf [binary.MaxVarintLen64]byte
		return xxhash.Sum64(binary.AppendUvarint(buf[:0], v))
	}
	// At most eight bytes fit in a register, seven bits to a byte: halves apart,
	// then their halves, then theirs.
	n := (bits.Len64(v)*9 + 64) / 64 // as (length + 6) / 7, without a multiplication
	v = v&0x0fffffff | v<<4&0x0fffffff00000000
	v = v&0x00003fff00003fff | v<<2&0x3fff00003fff0000
	v = v&0x007f007f007f007f | v<<1&0x7f007f007f007f00
	more := uint64(1)<<(8*(n-1)) - 1 // every byte but the last
	v |= more & 0x8080808080808080

	h := prime5 + uint64(n)
	switch n {
	case 8:
		h ^= bits.RotateLeft64(v*prime2, 31) * prime1
		h = bits.RotateLeft64(h, 27)*prime1 + prime4
	default:
		h ^= v & 0xffffffff * prime1
		h = bits.RotateLeft64(h, 23)*prime2 + prime3
		if step := hashByte(h, v>>32); n > 4 {
			h = step
		}
		if step := hashByte(h, v>>40); n > 5 {
			h = step
		}
		if step := hashByte(h, v>>48); n > 6 {
			h = step
		}
	}
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return h ^ h>>32
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
