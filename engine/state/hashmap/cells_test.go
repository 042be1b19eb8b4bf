package hashmap_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/state/hashmap"
	"github.com/weirstream/weir/engine/stream"
)

// As long as Moved says nothing, a cell is the place that Ref gives.
func TestCellsGoStale(t *testing.T) {
	all := make([]uint64, 96) // as many as 16 blocks may hold, so that not every key is where it should be
	for k := range all {
		all[k] = uint64(k)
	}
	rapid.Check(t, func(t *rapid.T) {
		table, n := hashmap.New[uint64, string](1, 0, 0), uint64(len(all))
		for k := range n {
			table.Set(hashOf(k), k, "")
		}
		keys := rapid.Permutation(all).Draw(t, "looked up")[:hashmap.Together]
		cells, hashes := make([]*string, len(keys)), make([]stream.KeyHash, len(keys))
		for i, k := range keys {
			hashes[i].Hash = hashOf(k)
		}
		table.Cells(hashes, keys, cells)
		moved := table.Moved()
		switch rapid.SampledFrom([]string{"nothing", "insert", "delete", "snapshot"}).Draw(t, "then") {
		case "insert":
			for k := range rapid.Uint64Range(1, 300).Draw(t, "new") {
				table.Set(hashOf(n+k), n+k, "")
			}
		case "delete":
			for k := range n { // all others, so that some of the keys move into their places
				if !slices.Contains(keys, k) {
					table.Delete(hashOf(k), k)
				}
			}
		case "snapshot":
			defer table.Snapshot().Release()
		default:
			require.Equal(t, moved, table.Moved())
		}
		if moved != table.Moved() {
			return
		}
		for i, k := range keys {
			require.Same(t, table.Ref(hashOf(k), k), cells[i], "key %d", k)
		}
	})
}

func TestCellsOfTooManyKeys(t *testing.T) {
	const n = hashmap.Together + 1
	table := hashmap.New[uint64, string](1, 0, 0)
	require.Panics(t, func() { table.Cells(make([]stream.KeyHash, n), make([]uint64, n), make([]*string, n)) })
}
