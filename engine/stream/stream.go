// Package stream holds what flows between operators: records in typed batches,
// and the events that travel in band with them.
package stream

import (
	"math"
	"strconv"
)

// NoTime is the timestamp of a record that has none.
const NoTime = math.MinInt64

// MaxWatermark says that no record will follow.
const MaxWatermark = math.MaxInt64

// Push takes one record and its event time (milliseconds since the Unix epoch, or
// NoTime). An operator chain is a chain of these.
type Push[T any] func(v T, ts int64)

// KeyHash is the stable hash of a record's key and the key group it is in, which costs
// as much to find and so is carried along.
type KeyHash struct {
	Hash  uint64
	Group uint32
}

// Attempt names one deployment of the whole job: the leader epoch of the
// JobManager and a number that grows within it. Stale messages are told by it.
type Attempt struct{ Epoch, Number uint32 }

// Before reports whether a is older than b.
func (a Attempt) Before(b Attempt) bool {
	return a.Epoch < b.Epoch || a.Epoch == b.Epoch && a.Number < b.Number
}

func (a Attempt) String() string {
	return strconv.FormatUint(uint64(a.Epoch), 10) + "." + strconv.FormatUint(uint64(a.Number), 10)
}
