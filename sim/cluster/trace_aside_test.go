package cluster

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim/trace"
)

func TestCountsOfAnEvent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, m := rapid.Int64().Draw(t, "n"), rapid.Int64().Draw(t, "m")
		cut := func(x int64) int64 { return min(max(x, 0), math.MaxUint32) }
		gotN, gotM := EventCounts(trace.Record{C: packCounts(n, m)})
		require.Equal(t, [2]int64{cut(n), cut(m)}, [2]int64{gotN, gotM})
	})
}

func TestDescribeChannel(t *testing.T) {
	names := []string{"event", "both/0", "crash"}
	name := func(id uint32) string { return names[id] }
	blocked := trace.Record{A: uint64(host.ChannelBlocked) | 2<<32, B: 9, C: packCounts(640, 736), Peer: 1}
	require.Equal(t, "= blocked 9: both/0, channel 2, 640 taken, 96 behind", Describe(blocked, name))
	kind, channel, ok := Engine(blocked, name)
	require.True(t, ok)
	require.Equal(t, host.ChannelBlocked, kind)
	require.Equal(t, 2, channel)
	require.Equal(t, -1, FaultOf(blocked, name))

	cancelled := trace.Record{A: uint64(host.CancelIn) | 1<<32, B: 9, Peer: 1}
	require.Equal(t, "= cancel in 9: both/0, channel 1", Describe(cancelled, name))
	require.Equal(t, "= ack 9: both/0", Describe(trace.Record{A: uint64(host.AckCounted), B: 9, C: 5, Peer: 1}, name))

	require.Equal(t, 1, FaultOf(trace.Record{Kind: 2, C: 2}, name))
	require.Equal(t, -1, FaultOf(trace.Record{Kind: 2}, name), "a power cut")
	_, _, ok = Engine(trace.Record{Kind: 2}, name)
	require.False(t, ok)
}
