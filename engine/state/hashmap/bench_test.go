package hashmap_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/state/hashmap"
)

const draws = 1 << 20

// mixed is a fixed permutation of the integers that looks random.
func mixed(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func uintKeys(n int) []uint64 {
	keys := make([]uint64, draws)
	for i := range keys {
		keys[i] = mixed(uint64(i)) % uint64(n)
	}
	return keys
}

func stringKeys(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("customer-%08d", i)
	}
	keys := make([]string, draws)
	for i := range keys {
		keys[i] = names[mixed(uint64(i))%uint64(n)]
	}
	return keys
}

func uintHash(buf []byte, k uint64) (uint64, []byte) {
	buf = binary.AppendUvarint(buf[:0], k)
	return graph.KeyHash(buf), buf
}

func stringHash(buf []byte, k string) (uint64, []byte) {
	buf = codec.String{}.Append(buf[:0], k)
	return graph.KeyHash(buf), buf
}

// Counting by key: the same hash and key group for all but the single map, which
// needs neither.
func BenchmarkCount(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		count(b, fmt.Sprintf("uint64/%dk", n/1000), uintKeys(n), uintHash)
		count(b, fmt.Sprintf("string/%dk", n/1000), stringKeys(n), stringHash)
	}
}

func count[K comparable](b *testing.B, name string, keys []K, hash func([]byte, K) (uint64, []byte)) {
	buf := make([]byte, 0, 64)
	b.Run(name+"/one map", func(b *testing.B) {
		m := map[K]uint64{}
		for _, k := range keys {
			m[k]++
		}
		i := 0
		for b.Loop() {
			m[keys[i%draws]]++
			i++
		}
	})
	b.Run(name+"/128 maps", func(b *testing.B) {
		var m [128]map[K]uint64
		for i := range m {
			m[i] = map[K]uint64{}
		}
		i := 0
		one := func() {
			k := keys[i%draws]
			var h uint64
			h, buf = hash(buf, k)
			m[graph.KeyGroup(h, 128)][k]++
			i++
		}
		for range draws {
			one()
		}
		for b.Loop() {
			one()
		}
	})
	b.Run(name+"/table", func(b *testing.B) { countTable(b, keys, buf, hash, 0) })
	// A snapshot for every million records, live for half of them.
	b.Run(name+"/table with snapshots", func(b *testing.B) { countTable(b, keys, buf, hash, draws) })
}

func countTable[K comparable](b *testing.B, keys []K, buf []byte, hash func([]byte, K) (uint64, []byte), every int) {
	t := hashmap.New[K, uint64](128, 0, 127)
	i := 0
	one := func() {
		k := keys[i%draws]
		var h uint64
		h, buf = hash(buf, k)
		*t.Ref(h, k)++
		i++
	}
	for range draws {
		one()
	}
	var s *hashmap.Snap[K, uint64]
	b.ReportAllocs()
	for b.Loop() {
		if every > 0 && i%(every/2) == 0 {
			if s == nil {
				s = t.Snapshot()
			} else {
				s.Release()
				s = nil
			}
		}
		one()
	}
}

// BenchmarkPause is the longest single call among a million updates that follow a
// snapshot and copy the table page by page: the least of all rounds, since what
// else the machine does only adds to it.
func BenchmarkPause(b *testing.B) {
	keys := uintKeys(1_000_000)
	t := hashmap.New[uint64, uint64](128, 0, 127)
	hashes := make([]uint64, len(keys))
	var buf []byte
	for i, k := range keys {
		hashes[i], buf = uintHash(buf, k)
		t.Set(hashes[i], k, 0)
	}
	least := time.Duration(math.MaxInt64)
	for b.Loop() {
		longest, last := time.Duration(0), time.Now()
		s := t.Snapshot()
		for i, k := range keys {
			*t.Ref(hashes[i], k)++
			now := time.Now()
			longest, last = max(longest, now.Sub(last)), now
		}
		s.Release()
		least = min(least, longest)
	}
	b.ReportMetric(float64(least.Microseconds()), "longest-µs")
}

func BenchmarkSnapshot(b *testing.B) {
	t := hashmap.New[uint64, uint64](128, 0, 127)
	var buf []byte
	for k := range uint64(1_000_000) {
		var h uint64
		h, buf = uintHash(buf, k)
		t.Set(h, k, k)
	}
	b.Run("synchronous part, 1000k", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			t.Snapshot().Release()
		}
	})
	b.Run("writing, 1000k", func(b *testing.B) {
		s := t.Snapshot()
		defer s.Release()
		var dst []byte
		for b.Loop() {
			dst = s.AppendTo(dst[:0], codec.Uint64{}, codec.Uint64{})
		}
		b.SetBytes(int64(len(dst)))
	})
	b.Run("restoring, 1000k", func(b *testing.B) {
		s := t.Snapshot()
		defer s.Release()
		src := s.AppendTo(nil, codec.Uint64{}, codec.Uint64{})
		b.SetBytes(int64(len(src)))
		for b.Loop() {
			into := hashmap.New[uint64, uint64](128, 0, 127)
			if err := into.Restore(src, codec.Uint64{}, codec.Uint64{}, hashmap.ByEncoding); err != nil {
				b.Fatal(err)
			}
		}
	})
}
