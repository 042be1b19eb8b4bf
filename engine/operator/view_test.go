package operator

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/codec"
)

// collect is entries in words, sorted. Codecs are left out: only stored ones know them.
func collect(into *[]string) func(Entry) bool {
	return func(e Entry) bool {
		*into = append(*into, fmt.Sprintf("%s %q %x %x", e.Kind, e.State, e.Key, e.Value))
		return true
	}
}

// TestStoredEntriesAreThoseOfTheView: what a reader finds in a snapshot is what the
// operator would have found in its state when it was taken, and what was set.
func TestStoredEntriesAreThoseOfTheView(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := newKeyed(t)
		var truth []string
		set := collect(&truth)
		for _, key := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-e]{0,3}`), 0, 20, rapid.ID[string]).Draw(t, "keys") {
			k.Use(key)
			encoded := codec.String{}.Append(nil, key)
			n := rapid.Int64().Draw(t, "count")
			k.count.set(n)
			if rapid.Bool().Draw(t, "cleared") {
				k.count.clear()
			} else {
				set(Entry{Kind: KeyedValue, State: "count", Key: encoded, Value: codec.Int64{}.Append(nil, n)})
			}
			for _, at := range rapid.SliceOfNDistinct(rapid.Int64Range(-5, 5), 0, 4, rapid.ID[int64]).Draw(t, "timers") {
				event := at%2 == 0
				k.SetTimer(at, event)
				if rapid.Bool().Draw(t, "deleted") {
					k.DeleteTimer(at, event)
					continue
				}
				kind := ProcessingTimer
				if event {
					kind = EventTimer
				}
				set(Entry{Kind: kind, Key: encoded, Value: binary.AppendVarint(nil, at)})
			}
		}
		var live, stored []string
		require.True(t, k.Entries(collect(&live)))
		snap := k.Snapshot()
		data := snap.Append(nil, nil)
		snap.Release()
		require.NoError(t, StoredEntries(data, codec.Named, collect(&stored)))
		for _, s := range [][]string{truth, live, stored} {
			slices.Sort(s)
		}
		require.Equal(t, truth, live)
		require.Equal(t, truth, stored)

		for cut := range data {
			require.ErrorIs(t, StoredEntries(data[:cut], codec.Named, func(Entry) bool { return true }), codec.ErrMalformed, "cut at %d of %d", cut, len(data))
		}
	})
}

func TestEntriesStop(t *testing.T) {
	k := newKeyed(t)
	for _, key := range []string{"a", "b"} {
		k.Use(key)
		k.count.set(1)
		k.SetTimer(7, true)
	}
	for stop := 1; stop <= 4; stop++ {
		n, m := 0, 0
		require.False(t, k.Entries(func(Entry) bool { n++; return n < stop }))
		snap := k.Snapshot()
		require.NoError(t, StoredEntries(snap.Append(nil, nil), codec.Named, func(Entry) bool { m++; return m < stop }))
		snap.Release()
		require.Equal(t, stop, n)
		require.Equal(t, stop, m)
	}
}

func TestEntryText(t *testing.T) {
	k := newKeyed(t)
	k.Use("a key")
	k.count.set(-3)
	k.SetTimer(25, false)
	snap := k.Snapshot()
	defer snap.Release()
	var got []string
	require.NoError(t, StoredEntries(snap.Append(nil, nil), codec.Named, func(e Entry) bool {
		key, value := e.Text()
		got = append(got, key+" "+value)
		return true
	}))
	require.Equal(t, []string{`"a key" -3`, `"a key" 25`}, got)
	key, value := Entry{KeyCodec: "mine/1", ValueCodec: "bool/1", Key: []byte{1}, Value: []byte{7}}.Text()
	require.Equal(t, []string{`"\x01"`, `"\a"`}, []string{key, value})
	key, value = SplitEntry(3, []byte("f")).Text()
	require.Equal(t, []string{"3", `"f"`}, []string{key, value})
}

// TestTimersNameTheirKeys: also where no state does, and a job with other keys is refused.
func TestTimersNameTheirKeys(t *testing.T) {
	var s KeyedState[string]
	s.Codec = codec.String{}
	s.Open(&Env{Parallelism: 1}, 8)
	s.Use("a")
	s.SetTimer(1, true)
	data := s.Snapshot().Append(nil, nil)
	var got []string
	require.NoError(t, StoredEntries(data, codec.Named, collect(&got)))
	require.Equal(t, []string{`event-time timer "" 0161 02`}, got)

	var other KeyedState[int64]
	other.Codec = codec.Int64{}
	other.Open(&Env{Parallelism: 1}, 8)
	require.EqualError(t, other.Restore(data), "timers have keys of string/1 in the snapshot and of int64/1 in the job; restoring with other codecs is not supported")
}
