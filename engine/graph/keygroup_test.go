package graph_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/stream"
)

// The vectors are Flink's key groups of these Java hash codes.
func TestKeyGroupVectors(t *testing.T) {
	for _, v := range []struct {
		hash    int32
		at128   int
		at4096  int
		comment string
	}{
		{0, 94, 2526, ""}, {1, 86, 4054, ""}, {2, 127, 2943, ""}, {3, 113, 2417, ""}, {7, 113, 241, ""},
		{42, 29, 3613, ""}, {97, 81, 3025, "the hash of \"a\""}, {1000, 7, 135, ""}, {-1, 80, 2896, ""},
		{math.MaxInt32, 62, 3262, ""}, {math.MinInt32, 108, 2156, ""},
	} {
		low := uint64(uint32(v.hash))
		for _, hash := range []uint64{low, low << 32, 0xabcdef<<32 | (low ^ 0xabcdef)} {
			require.Equal(t, v.at128, graph.KeyGroup(hash, 128), "%d at 128 %s", v.hash, v.comment)
			require.Equal(t, v.at4096, graph.KeyGroup(hash, 4096), "%d at 4096 %s", v.hash, v.comment)
		}
	}
}

// A changed hash would send restored keys to the wrong subtask.
func TestKeyHashVectors(t *testing.T) {
	require.Equal(t, uint64(0xef46db3751d8e999), graph.KeyHash(nil))
	require.Equal(t, uint64(0xd24ec4f1a98c6e5b), graph.KeyHash([]byte("a")))
}

func TestDefaultMaxParallelism(t *testing.T) {
	for parallelism, want := range map[int]int{
		1: 128, 85: 128, 86: 256, 128: 256, 170: 256, 171: 256, 172: 512, 10_000: 16_384, 10_923: 16_384, 10_924: 32_768, 21_846: 32_768, 32_768: 32_768,
	} {
		require.Equal(t, want, graph.DefaultMaxParallelism(parallelism), parallelism)
	}
}

func TestKeyGroupInRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hash := rapid.Uint64().Draw(t, "hash")
		limit := rapid.IntRange(1, graph.MaxParallelismLimit).Draw(t, "max parallelism")
		kg := graph.KeyGroup(hash, limit)
		require.True(t, kg >= 0 && kg < limit)
		// The group at 32,768 holds all bits that a smaller power of two looks at.
		power := 1 << rapid.IntRange(0, 15).Draw(t, "power")
		require.Equal(t, graph.KeyGroup(hash, graph.MaxParallelismLimit)%power, graph.KeyGroup(hash, power))
	})
}

func TestRangesPartition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, graph.MaxParallelismLimit).Draw(t, "max parallelism")
		parallelism := rapid.IntRange(1, min(limit, 300)).Draw(t, "parallelism")
		if rapid.Bool().Draw(t, "large") {
			parallelism = rapid.IntRange(1, limit).Draw(t, "large parallelism")
		}
		next := 0
		for i := range parallelism {
			first, last := graph.Range(i, limit, parallelism)
			if first != next || last < first ||
				graph.Subtask(first, limit, parallelism) != i || graph.Subtask(last, limit, parallelism) != i {
				t.Fatalf("subtask %d of %d has groups %d to %d of %d, the next free is %d", i, parallelism, first, last, limit, next)
			}
			next = last + 1
		}
		require.Equal(t, limit, next)
	})
}

func TestAppendKeyHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number, text := rapid.Uint64().Draw(t, "number"), rapid.String().Draw(t, "text")
		hash, buf := graph.AppendKeyHash(nil, codec.Codec[uint64](codec.Uint64{}), number)
		require.Equal(t, graph.KeyHash(binary.AppendUvarint(nil, number)), hash)
		hash, _ = graph.AppendKeyHash(buf, codec.Codec[string](codec.String{}), text)
		require.Equal(t, graph.KeyHash(codec.String{}.Append(nil, text)), hash)
	})
	buf, c := make([]byte, 0, 16), codec.Codec[uint64](codec.Uint64{})
	require.Zero(t, testing.AllocsPerRun(100, func() { _, buf = graph.AppendKeyHash(buf, c, math.MaxUint64) }))
}

func TestNamespaceKeepsTheKeyGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hash, a, b := rapid.Uint64().Draw(t, "hash"), rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b")
		limit := rapid.IntRange(1, graph.MaxParallelismLimit).Draw(t, "max parallelism")
		require.Equal(t, graph.KeyGroup(hash, limit), graph.KeyGroup(graph.WithNamespace(hash, a), limit))
		if uint32(a>>32)^uint32(a) != uint32(b>>32)^uint32(b) {
			require.NotEqual(t, graph.WithNamespace(hash, a), graph.WithNamespace(hash, b))
		}
	})
}

// Sequential keys land on every group in about equal numbers.
func TestKeysSpread(t *testing.T) {
	var count [128]int
	for key := range uint64(100_000) {
		count[graph.KeyGroup(graph.KeyHash(binary.AppendUvarint(nil, key)), len(count))]++
	}
	for kg, n := range count {
		require.InDelta(t, 100_000/len(count), n, 160, "group %d", kg)
	}
}

// sameHash compares the fast path for a key with xxhash of its encoding, and its group.
func sameHash[K any](t require.TestingT, c codec.Codec[K], keys ...K) {
	for _, limit := range []int{1, 3, 128, graph.MaxParallelismLimit} {
		fast := graph.KeyHasher(c, limit)
		for _, key := range keys {
			hash := graph.KeyHash(c.Append(nil, key))
			want := stream.KeyHash{Hash: hash, Group: uint32(graph.KeyGroup(hash, limit))}
			require.Equal(t, want, fast(key), "%s %v, max parallelism %d", c.Name(), key, limit)
		}
	}
}

func TestKeyHasher(t *testing.T) {
	// Around every length of a varint.
	for shift := range 65 {
		for _, v := range []uint64{1<<shift - 2, 1<<shift - 1, 1 << shift, 1<<shift + 1, 0x5bd1e995a7c3f2e1 >> shift} {
			sameHash(t, codec.Codec[uint64](codec.Uint64{}), v)
			sameHash(t, codec.Codec[int64](codec.Int64{}), int64(v), -int64(v))
			sameHash(t, codec.Codec[int](codec.Int{}), int(v), -int(v))
			sameHash(t, codec.Codec[uint32](codec.Uint32{}), uint32(v))
			sameHash(t, codec.Codec[int32](codec.Int32{}), int32(v), -int32(v))
		}
	}
	for n := range 300 {
		sameHash(t, codec.Codec[string](codec.String{}), strings.Repeat("key-", n)[:n])
	}
	type pair = codec.Pair[uint64, string]
	rapid.Check(t, func(t *rapid.T) {
		number, text := rapid.Uint64().Draw(t, "number"), rapid.String().Draw(t, "text")
		sameHash(t, codec.Codec[uint64](codec.Uint64{}), number, number>>(number%64))
		sameHash(t, codec.Codec[int64](codec.Int64{}), int64(number))
		sameHash(t, codec.Codec[string](codec.String{}), text, text+text)
		sameHash(t, codec.PairOf[uint64, string](codec.Uint64{}, codec.String{}), pair{First: number, Second: text}, pair{})
		sameHash(t, codec.Codec[bool](codec.Bool{}), false, true)
	})
	text, number := graph.KeyHasher[string](codec.String{}, 8), graph.KeyHasher[uint64](codec.Uint64{}, 8)
	long := strings.Repeat("long", 50)
	require.Zero(t, testing.AllocsPerRun(100, func() { text(long); number(math.MaxUint64); number(7) }))
}

func BenchmarkKeyGroup(b *testing.B) {
	buf, c := make([]byte, 0, 16), codec.Codec[uint64](codec.Uint64{})
	benchmarkKeyGroup(b, "by encoding", func(key uint64) stream.KeyHash {
		var hash uint64
		hash, buf = graph.AppendKeyHash(buf, c, key)
		return stream.KeyHash{Hash: hash, Group: uint32(graph.KeyGroup(hash, 128))}
	})
	benchmarkKeyGroup(b, "by number", graph.KeyHasher(c, 128))
}

func benchmarkKeyGroup(b *testing.B, name string, hash func(key uint64) stream.KeyHash) {
	for _, limit := range []uint64{1<<17 - 1, math.MaxUint64} {
		b.Run(fmt.Sprintf("%s, keys to %d", name, limit), func(b *testing.B) {
			var key, sum uint64
			for b.Loop() {
				sum += uint64(hash(key >> 3 & limit).Group)
				key += 0x9e3779b97f4a7c15
			}
			if sum == 0 {
				b.Fatal("every key in group 0")
			}
		})
	}
}
