package operator

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/stream"
)

// keyed is a keyed operator's state with two named values, beside the truth.
type keyed struct {
	KeyedState[string]
	count  access[int64]
	name   access[string]
	counts map[string]int64
	names  map[string]string
}

type access[V any] struct {
	get   func() (V, bool)
	set   func(V)
	clear func()
}

func newKeyed(t require.TestingT) *keyed {
	k := &keyed{counts: map[string]int64{}, names: map[string]string{}}
	k.Codec = codec.String{}
	k.Open(&Env{Parallelism: 1}, 8)
	var err error
	k.count.get, k.count.set, k.count.clear, err = NewValue[string, int64](&k.KeyedState, "count", codec.Int64{})
	require.NoError(t, err)
	k.name.get, k.name.set, k.name.clear, err = NewValue[string, string](&k.KeyedState, "name", codec.String{})
	require.NoError(t, err)
	return k
}

func (k *keyed) check(t require.TestingT, keys []string) {
	for _, key := range keys {
		k.Use(key)
		require.Equal(t, key, k.Key())
		n, ok := k.count.get()
		want, has := k.counts[key]
		require.Equal(t, has, ok)
		require.Equal(t, want, n)
		s, ok := k.name.get()
		text, has := k.names[key]
		require.Equal(t, has, ok)
		require.Equal(t, text, s)
	}
}

func TestKeyedStateRoundTrip(t *testing.T) {
	keys := []string{"", "a", "b", "c", "d", "e"}
	rapid.Check(t, func(t *rapid.T) {
		k := newKeyed(t)
		key := rapid.SampledFrom(keys)
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				x, n := key.Draw(t, "key"), rapid.Int64().Draw(t, "n")
				k.Use(x)
				k.count.set(n)
				k.name.set(x + "!")
				k.counts[x], k.names[x] = n, x+"!"
			},
			"clear": func(t *rapid.T) {
				x := key.Draw(t, "key")
				k.Use(x)
				k.count.clear()
				delete(k.counts, x)
			},
			"timer": func(t *rapid.T) {
				k.Use(key.Draw(t, "key"))
				k.SetTimer(rapid.Int64Range(0, 5).Draw(t, "at"), rapid.Bool().Draw(t, "event"))
			},
			"delete timer": func(t *rapid.T) {
				k.Use(key.Draw(t, "key"))
				k.DeleteTimer(rapid.Int64Range(0, 5).Draw(t, "at"), rapid.Bool().Draw(t, "event"))
			},
			"restore": func(t *rapid.T) {
				snap := k.Snapshot()
				// What happens between the synchronous point and the encoding is not in it.
				k.Use("a")
				k.count.set(-1)
				k.Use("z")
				k.name.set("late")
				late := k.Timers.Len()
				k.SetTimer(99, true)
				bytes := snap.Append(nil, nil)
				snap.Release()
				next := newKeyed(t)
				next.counts, next.names = k.counts, k.names
				require.NoError(t, next.Restore(bytes))
				require.Equal(t, late, next.Timers.Len())
				next.Use("z")
				_, ok := next.name.get()
				require.False(t, ok)
				for cut := range bytes {
					require.ErrorIs(t, newKeyed(t).Restore(bytes[:cut]), codec.ErrMalformed, "cut at %d of %d", cut, len(bytes))
				}
				require.ErrorIs(t, newKeyed(t).Restore(append(bytes, 0)), codec.ErrMalformed)
				k = next
			},
			"": func(t *rapid.T) { k.check(t, keys) },
		})
	})
}

func TestKeyedStateNames(t *testing.T) {
	k := newKeyed(t)
	_, _, _, err := NewValue[string, int64](&k.KeyedState, "count", codec.Int64{})
	require.EqualError(t, err, `state "count" is declared twice`)

	snap := k.Snapshot()
	bytes := snap.Append(nil, nil)
	snap.Release()
	less := &KeyedState[string]{Codec: codec.String{}}
	less.Open(&Env{Parallelism: 1}, 8)
	require.EqualError(t, less.Restore(bytes), `state "count" is in the snapshot but not in the job`)

	// A state that is new in the job is empty after a restore.
	snap = less.Snapshot()
	bytes = snap.Append(nil, nil)
	snap.Release()
	require.NoError(t, k.Restore(bytes))
	k.Use("a")
	_, ok := k.count.get()
	require.False(t, ok)
}

// Each subtask has the key groups of its range, and no other.
func TestKeyedStateRange(t *testing.T) {
	for subtask := range 3 {
		k := &KeyedState[string]{Codec: codec.String{}}
		k.Open(&Env{Subtask: subtask, Parallelism: 3}, 8)
		get, set, _, err := NewValue[string, int64](k, "n", codec.Int64{})
		require.NoError(t, err)
		own := 0
		for i := range 50 {
			key := strings.Repeat("x", i)
			k.Use(key)
			if graph.Subtask(int(k.Hash(key).Group), 8, 3) != subtask {
				require.Panics(t, func() { set(1) })
				continue
			}
			set(int64(i))
			n, ok := get()
			require.True(t, ok)
			require.EqualValues(t, i, n)
			own++
		}
		require.Positive(t, own)
	}
}

func TestReduceRestores(t *testing.T) {
	type pair = codec.Pair[string, int64]
	pairs := codec.PairOf[string, int64](codec.String{}, codec.Int64{})
	start := func(out *[]pair) (*ReduceOperator[string, pair], stream.Push[pair]) {
		o := &ReduceOperator[string, pair]{
			KeyOf: func(v pair) string { return v.First }, Keys: codec.String{}, Values: pairs,
			F: func(acc, v pair) pair { return pair{First: acc.First, Second: acc.Second + v.Second} },
		}
		require.NoError(t, o.Open(&Env{Parallelism: 1}, "sum", 8))
		return o, o.Bind(stream.Push[pair](func(v pair, _ int64) { *out = append(*out, v) })).(stream.Push[pair])
	}
	var out []pair
	o, push := start(&out)
	push(pair{First: "a", Second: 1}, 0)
	push(pair{First: "b", Second: 10}, 0)
	push(pair{First: "a", Second: 2}, 0)
	snap := o.Snapshot()
	push(pair{First: "a", Second: 100}, 0)
	bytes := snap.Append(nil, nil)
	snap.Release()
	require.Equal(t, []pair{{First: "a", Second: 1}, {First: "b", Second: 10}, {First: "a", Second: 3}, {First: "a", Second: 103}}, out)

	out = nil
	o, push = start(&out)
	require.NoError(t, o.Restore(bytes))
	push(pair{First: "a", Second: 4}, 0)
	push(pair{First: "c", Second: 5}, 0)
	require.Equal(t, []pair{{First: "a", Second: 7}, {First: "c", Second: 5}}, out)
}

// TestSnapshotYields: a large state is written in pieces, between which others can run;
// the bytes are the same.
func TestSnapshotYields(t *testing.T) {
	s := &KeyedState[uint64]{Codec: codec.Uint64{}}
	s.Open(&Env{Parallelism: 1}, 128)
	_, set, _, err := NewValue(s, "count", codec.Codec[uint64](codec.Uint64{}))
	require.NoError(t, err)
	for k := range uint64(100_000) {
		s.Use(k)
		set(k)
	}
	snap := s.Snapshot()
	defer snap.Release()
	yields := 0
	require.Equal(t, snap.Append(nil, nil), snap.Append(nil, func() { yields++ }))
	require.GreaterOrEqual(t, yields, len(snap.Append(nil, nil))/piece-1)
	require.Positive(t, yields)
}
