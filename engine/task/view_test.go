package task

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/snapshot"
)

// TestViewIsFree: a listener that does not look costs nothing.
func TestViewIsFree(t *testing.T) {
	task := &Task{}
	var e host.Event
	require.Zero(t, testing.AllocsPerRun(100, func() { e = host.Event{Kind: host.SnapshotTaken, Data: task.view()} }))
	e.Data.(View).Entries(func(string, operator.Entry) bool { panic("there is nothing to see") })
}

func TestStoredEntriesOfOtherOperators(t *testing.T) {
	none := func(operator.Entry) bool { return true }
	require.NoError(t, StoredEntries(graph.Sink, snapshot.Operator{Data: []byte("null")}, nil, none))
	require.NoError(t, StoredEntries(graph.Map, snapshot.Operator{}, nil, none))
	require.EqualError(t, StoredEntries(graph.Map, snapshot.Operator{Data: []byte{1}}, nil, none), "1 bytes of a map, which has no state: malformed encoding")

	var seen []string
	splits := encodeJSON([][]byte{[]byte("first"), []byte("second")})
	require.NoError(t, StoredEntries(graph.Source, snapshot.Operator{Data: splits}, nil, func(e operator.Entry) bool {
		seen = append(seen, string(e.Key)+" "+string(e.Value))
		return len(seen) < 2
	}))
	require.Equal(t, []string{"0 first", "1 second"}, seen)
	require.Error(t, StoredEntries(graph.Source, snapshot.Operator{Data: []byte("{")}, nil, none))
	_, err := StoredCommittables(snapshot.Operator{Data: []byte("{")})
	require.Error(t, err)
}
