package cluster

import (
	"fmt"
	"math"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim/trace"
)

// Field C of a trace's record is what the hash has by other ways: of an engine event
// its counts, of a fault that happens which one of the plan it is.

// packCounts puts N in the low half and M in the high one, each at most 1<<32-1.
func packCounts(n, m int64) uint64 {
	half := func(x int64) uint64 { return uint64(min(max(x, 0), math.MaxUint32)) }
	return half(n) | half(m)<<32
}

// EventCounts are N and M of an engine event in a trace, cut off at 1<<32-1.
func EventCounts(r trace.Record) (n, m int64) { return int64(uint32(r.C)), int64(r.C >> 32) }

// Engine is what an engine's event in a trace reports, and the channel that it names;
// it is false for other records.
func Engine(r trace.Record, names trace.Names) (k host.EventKind, channel int, ok bool) {
	if names(r.Kind) != "event" {
		return 0, 0, false
	}
	return host.EventKind(r.A), int(uint32(r.A >> 32)), true
}

// FaultOf is the position in the plan, from 0, of the fault that a record in a trace
// says the beginning of, and -1 for other records, and a power cut.
func FaultOf(r trace.Record, names trace.Names) int {
	switch names(r.Kind) {
	case "crash", "damage", "fault":
		return int(r.C) - 1
	}
	return -1
}

// position is that of a fault in the plan, from 1.
func (c *Cluster) position(f faults.Fault) uint64 {
	for i, g := range c.o.Plan {
		if g.Name == f.Name {
			return uint64(i) + 1
		}
	}
	return 0
}

// describeChannel says which channel an event is about, and what it holds.
func describeChannel(r trace.Record) string {
	channel := uint32(r.A >> 32)
	n, m := EventCounts(r)
	switch host.EventKind(r.A) {
	case host.BarrierIn, host.BarrierAnnounced, host.ChannelBlocked, host.ChannelUnblocked:
		return fmt.Sprintf(", channel %d, %d taken, %d behind", channel, n, max(m-n, 0))
	case host.CancelIn, host.ChannelEnded:
		return fmt.Sprintf(", channel %d", channel)
	}
	return ""
}
