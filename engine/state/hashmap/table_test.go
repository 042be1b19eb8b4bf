package hashmap_test

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/must"
	"github.com/weirstream/weir/engine/state/hashmap"
	"github.com/weirstream/weir/engine/stream"
)

type table = hashmap.Table[uint64, string]

func hashOf(k uint64) uint64 { return graph.KeyHash(codec.Uint64{}.Append(nil, k)) }

func write(s *hashmap.Snap[uint64, string]) []byte {
	return s.AppendTo(nil, codec.Uint64{}, codec.String{})
}

func restore(t require.TestingT, maxParallelism, first, last int, sources ...[]byte) *table {
	into := hashmap.New[uint64, string](maxParallelism, first, last)
	for _, src := range sources {
		require.NoError(t, into.Restore(src, codec.Uint64{}, codec.String{}, hashmap.ByEncoding))
	}
	require.NoError(t, into.Check(hashOf))
	return into
}

// taken is a snapshot with what it must hold.
type taken struct {
	snap  *hashmap.Snap[uint64, string]
	want  map[uint64]string
	bytes []byte
}

// machine runs a table beside a Go map, and a second table that gets the same
// calls: its snapshots must have the same bytes.
type machine struct {
	table, twin *table
	model       map[uint64]string
	limit       uint64 // keys are below it
	groups      int
	live        []taken
}

func (m *machine) key(t *rapid.T) uint64 { return rapid.Uint64Range(0, m.limit-1).Draw(t, "key") }

func (m *machine) both(f func(*table)) {
	f(m.table)
	f(m.twin)
}

func (m *machine) set(k uint64, v string) {
	m.both(func(t *table) { t.Set(hashOf(k), k, v) })
	m.model[k] = v
}

func (m *machine) delete(t *rapid.T, k uint64) {
	_, want := m.model[k]
	m.both(func(table *table) { require.Equal(t, want, table.Delete(hashOf(k), k)) })
	delete(m.model, k)
}

// cells replaces the values of keys, some of which may be new, in one go.
func (m *machine) cells(t *rapid.T, keys []uint64) {
	m.both(func(table *table) {
		cells, hashes := make([]*string, len(keys)), make([]stream.KeyHash, len(keys))
		for i, k := range keys {
			hashes[i] = stream.KeyHash{Hash: hashOf(k), Group: uint32(graph.KeyGroup(hashOf(k), m.groups))}
		}
		table.Cells(hashes, keys, cells)
		moved, has := table.Moved(), map[uint64]string{}
		for i, k := range keys {
			want, ok := m.model[k]
			if again, is := has[k]; is {
				want = again
			}
			has[k] = want + "c"
			if cells[i] != nil {
				require.True(t, ok, "key %d has a cell and no value", k)
			}
			if len(m.live) == 0 && ok {
				require.NotNil(t, cells[i], "key %d", k)
			}
			if cells[i] == nil || moved != table.Moved() {
				cells[i] = table.Ref(hashOf(k), k)
			}
			require.Equal(t, want, *cells[i])
			*cells[i] += "c"
		}
	})
	for _, k := range keys {
		m.model[k] += "c"
	}
}

func (m *machine) actions() map[string]func(*rapid.T) {
	text := rapid.StringN(0, 3, -1)
	return map[string]func(*rapid.T){
		"Set": func(t *rapid.T) { m.set(m.key(t), text.Draw(t, "value")) },
		"Update": func(t *rapid.T) {
			k, add := m.key(t), text.Draw(t, "add")
			was, had := m.model[k]
			m.both(func(table *table) {
				table.Update(hashOf(k), k, func(v string, ok bool) string {
					require.Equal(t, had, ok)
					require.Equal(t, was, v)
					return v + add
				})
			})
			m.model[k] = was + add
		},
		"Ref": func(t *rapid.T) {
			k := m.key(t)
			m.both(func(table *table) {
				ref := table.Ref(hashOf(k), k)
				require.Equal(t, m.model[k], *ref)
				*ref += "r"
			})
			m.model[k] += "r"
		},
		"Cells": func(t *rapid.T) {
			m.cells(t, rapid.SliceOfN(rapid.Uint64Range(0, m.limit-1), 0, hashmap.Together).Draw(t, "keys"))
		},
		"Delete": func(t *rapid.T) { m.delete(t, m.key(t)) },
		"SetMany": func(t *rapid.T) {
			from := m.key(t)
			for k := from; k < min(m.limit, from+300); k++ {
				m.set(k, "many")
			}
		},
		"DeleteMany": func(t *rapid.T) {
			from := m.key(t)
			for k := from; k < min(m.limit, from+300); k++ {
				m.delete(t, k)
			}
		},
		"DeleteWhileRanging": func(t *rapid.T) {
			seen := 0
			m.both(func(table *table) {
				seen = 0
				for k := range table.All() {
					seen++
					if k%3 == 0 {
						table.Delete(hashOf(k), k)
					}
				}
			})
			require.Equal(t, len(m.model), seen)
			maps.DeleteFunc(m.model, func(k uint64, _ string) bool { return k%3 == 0 })
		},
		"Snapshot": func(t *rapid.T) {
			if len(m.live) == 4 {
				return
			}
			one := taken{snap: m.table.Snapshot(), want: maps.Clone(m.model)}
			other := m.twin.Snapshot()
			one.bytes = write(other)
			other.Release()
			m.live = append(m.live, one)
		},
		"Release": func(t *rapid.T) {
			if len(m.live) == 0 {
				return
			}
			i := rapid.IntRange(0, len(m.live)-1).Draw(t, "which")
			m.inspect(t, m.live[i])
			m.live[i].snap.Release()
			m.live = append(m.live[:i:i], m.live[i+1:]...)
		},
		"": m.check,
	}
}

func (m *machine) check(t *rapid.T) {
	require.NoError(t, m.table.Check(hashOf))
	require.Equal(t, len(m.model), m.table.Len())
	require.Equal(t, m.model, maps.Collect(m.table.All()))
	k := m.key(t)
	want, had := m.model[k]
	got, ok := m.table.Get(hashOf(k), k)
	require.Equal(t, had, ok)
	require.Equal(t, want, got)
	for _, s := range m.live {
		require.Equal(t, len(s.want), s.snap.Len())
		require.Equal(t, s.want, maps.Collect(s.snap.All()))
	}
}

// inspect reads a snapshot in every way.
func (m *machine) inspect(t *rapid.T, s taken) {
	require.Equal(t, s.bytes, write(s.snap), "equal history, equal bytes")
	whole := restore(t, m.groups, 0, m.groups-1, s.bytes)
	require.Equal(t, s.want, maps.Collect(whole.All()))

	atLeast := rapid.IntRange(1, 2000).Draw(t, "piece")
	w := s.snap.Writer(codec.Uint64{}, codec.String{})
	var all []byte
	for more := true; more; {
		var piece []byte
		piece, more = w.Next([]byte("old"), atLeast)
		require.Equal(t, "old", string(piece[:3]))
		require.True(t, !more || len(piece)-3 >= atLeast)
		require.LessOrEqual(t, len(piece)-3, atLeast+8+256*64)
		all = append(all, piece[3:]...)
	}
	require.True(t, bytes.Equal(s.bytes, all))

	// Rescaled: every subtask finds its keys, in the whole or by offset.
	parallelism := rapid.IntRange(1, min(5, m.groups)).Draw(t, "parallelism")
	offsets, keys := w.Offsets(), 0
	for i := range parallelism {
		first, last := graph.Range(i, m.groups, parallelism)
		var parts [][]byte
		for j, o := range offsets {
			end := int64(len(all))
			if j+1 < len(offsets) {
				end = offsets[j+1].At
			}
			if first <= o.Group && o.Group <= last {
				parts = append(parts, all[o.At:end])
			}
		}
		byWhole, byParts := restore(t, m.groups, first, last, all), restore(t, m.groups, first, last, parts...)
		require.Equal(t, maps.Collect(byWhole.All()), maps.Collect(byParts.All()))
		for k, v := range byWhole.All() {
			require.Equal(t, s.want[k], v)
		}
		keys += byWhole.Len()
	}
	require.Equal(t, len(s.want), keys)
}

func TestTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := machine{model: map[uint64]string{}}
		m.groups = rapid.SampledFrom([]int{1, 3, 128}).Draw(t, "groups")
		m.limit = rapid.SampledFrom([]uint64{1, 20, 600, 3000}).Draw(t, "keys")
		m.table = hashmap.New[uint64, string](m.groups, 0, m.groups-1)
		m.twin = hashmap.New[uint64, string](m.groups, 0, m.groups-1)
		t.Repeat(m.actions())
		for _, s := range m.live {
			m.inspect(t, s)
		}
	})
}

// Equal tags, and long runs in the index, must not confuse keys.
func TestCollidingHashes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		few := func(k uint64) uint64 { return k % 3 }
		table, model := hashmap.New[uint64, int](1, 0, 0), map[uint64]int{}
		for i, k := range rapid.SliceOfN(rapid.Uint64Range(0, 40), 1, 200).Draw(t, "keys") {
			if _, ok := model[k]; ok && i%2 == 0 {
				require.True(t, table.Delete(few(k), k))
				delete(model, k)
			} else {
				table.Set(few(k), k, i)
				model[k] = i
			}
			require.NoError(t, table.Check(few))
			require.Equal(t, model, maps.Collect(table.All()))
		}
	})
}

// Keys with a namespace stay in the key group of the key.
func TestNamespaces(t *testing.T) {
	type windowed = codec.Pair[uint64, int64]
	keys := codec.PairOf(codec.Uint64{}, codec.Int64{})
	hash := func(p windowed) uint64 {
		return graph.WithNamespace(hashOf(p.First), graph.KeyHash(codec.Int64{}.Append(nil, p.Second)))
	}
	from := hashmap.New[windowed, string](128, 0, 127)
	for k := range uint64(50) {
		for w := range int64(50) {
			from.Set(hash(windowed{First: k, Second: w}), windowed{First: k, Second: w}, "v")
		}
	}
	require.NoError(t, from.Check(hash))
	src := from.Snapshot().AppendTo(nil, keys, codec.String{})
	into := hashmap.New[windowed, string](128, 0, 127)
	require.NoError(t, into.Restore(src, keys, codec.String{}, func(p windowed, _ []byte) uint64 { return hash(p) }))
	require.Equal(t, maps.Collect(from.All()), maps.Collect(into.All()))
}

// A range shows what there was when it began, with the values of now, whatever
// moves meanwhile.
func TestRangeWhileChanging(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]uint64{1, 3, 90, 700}).Draw(t, "keys")
		table, model := hashmap.New[uint64, int](2, 0, 1), map[uint64]int{}
		for k := range n {
			table.Set(hashOf(k), k, 0)
			model[k] = 0
		}
		left := maps.Clone(model)
		for k, v := range table.All() {
			require.Contains(t, model, k)
			require.Equal(t, model[k], v)
			require.Contains(t, left, k, "seen once")
			delete(left, k)
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				k := rapid.Uint64Range(0, 2*n).Draw(t, "key")
				if rapid.Bool().Draw(t, "delete") {
					table.Delete(hashOf(k), k)
					delete(model, k)
					delete(left, k)
				} else if _, ok := model[k]; ok || k >= n {
					table.Set(hashOf(k), k, len(model))
					model[k] = len(model)
				}
			}
		}
		require.Empty(t, left)
		require.NoError(t, table.Check(hashOf))
		require.Equal(t, model, maps.Collect(table.All()))
	})
}

// Equal history gives equal order, another history may not.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.Uint64Range(0, 300), 0, 400).Draw(t, "keys")
		run := func() (order []uint64) {
			table := hashmap.New[uint64, bool](1, 0, 0)
			for _, k := range keys {
				if !table.Delete(hashOf(k), k) {
					table.Set(hashOf(k), k, true)
				}
			}
			for k := range table.All() {
				order = append(order, k)
			}
			return order
		}
		require.Equal(t, run(), run())
	})
}

func TestEmpty(t *testing.T) {
	table := hashmap.New[uint64, string](128, 3, 9)
	s := table.Snapshot()
	require.Empty(t, write(s))
	require.Zero(t, s.Len())
	require.Zero(t, restore(t, 128, 3, 9, nil).Len())
}

// Snapshots are written by other goroutines while the table goes on.
func TestConcurrentWriting(t *testing.T) {
	const keys = 20_000
	random := rand.New(rand.NewPCG(1, 2))
	table := hashmap.New[uint64, string](128, 0, 127)
	model := map[uint64]string{}
	change := func() {
		k := random.Uint64N(keys)
		if random.IntN(4) == 0 {
			table.Delete(hashOf(k), k)
			delete(model, k)
			return
		}
		*table.Ref(hashOf(k), k) += "x"
		model[k] += "x"
	}
	for range keys {
		change()
	}
	var working sync.WaitGroup
	type result struct {
		snap *hashmap.Snap[uint64, string]
		want map[uint64]string
		got  []byte
	}
	var results []*result
	for range 4 {
		r := &result{snap: table.Snapshot(), want: maps.Clone(model)}
		results = append(results, r)
		working.Go(func() { r.got = write(r.snap) })
		for range keys {
			change()
		}
	}
	working.Wait()
	for _, r := range results {
		r.snap.Release()
		require.Equal(t, r.want, maps.Collect(restore(t, 128, 0, 127, r.got).All()))
	}
	require.NoError(t, table.Check(hashOf))
	require.Equal(t, model, maps.Collect(table.All()))
}

func TestRestoreRefuses(t *testing.T) {
	from := hashmap.New[uint64, string](128, 0, 127)
	for k := range uint64(40) {
		from.Set(hashOf(k), k, "value")
	}
	src := write(from.Snapshot())
	try := func(src []byte) error {
		return hashmap.New[uint64, string](128, 0, 127).Restore(src, codec.Uint64{}, codec.String{}, hashmap.ByEncoding)
	}
	whole := 0
	for cut := range src {
		if err := try(src[:cut]); err == nil {
			whole++ // between two key groups
		} else {
			require.ErrorIs(t, err, codec.ErrMalformed)
		}
	}
	w := from.Snapshot().Writer(codec.Uint64{}, codec.String{})
	w.Next(nil, len(src))
	require.Len(t, w.Offsets(), whole)
	key, group := uint64(7), graph.KeyGroup(hashOf(7), 128)
	one := func(group int, count byte, keys ...uint64) []byte {
		b := append(codec.Uint64{}.Append(nil, uint64(group)), count)
		for _, k := range keys {
			b = codec.String{}.Append(codec.Uint64{}.Append(b, k), "v")
		}
		return b
	}
	require.NoError(t, try(one(group, 1, key)))
	require.ErrorContains(t, try(one(group, 2, key, key)), "twice")
	require.ErrorContains(t, try(append(one(group, 1, key), one(group, 1, key)...)), "twice")
	require.ErrorContains(t, try(one(group^1, 1, key)), "belongs to key group")
	require.ErrorContains(t, try(one(128, 1, key)), "number of a key group of 128")
	require.ErrorContains(t, try(one(group, 0)), "number of entries")
	require.ErrorContains(t, try(codec.Uint64{}.Append([]byte{5}, 1<<40)), "number of entries")
	require.ErrorContains(t, try(one(group, 1, 1)[:3]), "value: ")
	rapid.Check(t, func(t *rapid.T) {
		if err := try(rapid.SliceOf(rapid.Byte()).Draw(t, "src")); err != nil {
			require.ErrorIs(t, err, codec.ErrMalformed)
		}
	})
}

func TestForeignKeyGroupIsABug(t *testing.T) {
	k := uint64(0)
	kg := graph.KeyGroup(hashOf(k), 128)
	for _, r := range [][2]int{{0, kg - 1}, {kg + 1, 127}} {
		table := hashmap.New[uint64, string](128, r[0], r[1])
		require.Panics(t, func() { table.Get(hashOf(k), k) })
		require.Panics(t, func() { table.Set(hashOf(k), k, "") })
	}
	s := hashmap.New[uint64, string](128, 0, 127).Snapshot()
	s.Release()
	require.PanicsWithValue(t, must.Violation{Text: "M5: a snapshot is released twice"}, s.Release)
	require.Panics(t, func() { hashmap.New[uint64, string](128, 5, 4) })
	require.Panics(t, func() { hashmap.New[uint64, string](128, 0, 128) })
}

// In steady state no call allocates, with or without a live snapshot.
func TestAllocations(t *testing.T) {
	table := hashmap.New[uint64, uint64](128, 0, 127)
	for k := range uint64(10_000) {
		table.Set(hashOf(k), k, k)
	}
	h := hashOf(77)
	steady := func() {
		*table.Ref(h, 77)++
		table.Update(h, 77, func(v uint64, _ bool) uint64 { return v + 1 })
		table.Get(h, 77)
		table.Delete(h, 77)
		table.Set(h, 77, 1)
	}
	require.Zero(t, testing.AllocsPerRun(100, steady))
	s := table.Snapshot()
	steady()
	require.Zero(t, testing.AllocsPerRun(100, steady))
	s.Release()
	require.Zero(t, testing.AllocsPerRun(100, steady))
}

// A table that was emptied gives its pages back.
func TestEmptiedTableIsSmall(t *testing.T) {
	table := hashmap.New[uint64, string](1, 0, 0)
	for round := range 2 {
		for k := range uint64(5000) {
			table.Set(hashOf(k), k, "v")
		}
		for k := range uint64(5000) {
			require.True(t, table.Delete(hashOf(k), k), round)
		}
		require.NoError(t, table.Check(hashOf))
		require.Less(t, table.Pages(), 2)
	}
}
