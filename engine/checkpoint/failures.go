package checkpoint

import "math"

// Unlimited tolerates any number of failed checkpoints (Flink's
// UNLIMITED_TOLERABLE_FAILURE_NUMBER).
const Unlimited = math.MaxInt32

// failures counts checkpoints that failed one after the other: Flink's
// CheckpointFailureManager. Each checkpoint ends once, and only one is pending, so that
// none counts twice, and none that is older than one that has completed. The count
// outlives an attempt.
type failures struct {
	tolerable int // before the job fails
	row       int
}

// counts reports whether a checkpoint that ended for a reason counts. What passes of
// itself, or only follows from something else, does not.
func (w Why) counts() bool {
	switch w {
	case Declined, Expired, Unwritten, NotLocated:
		return true
	}
	return false
}

// add notes a failure, and returns how many there are in a row if they are more than
// tolerable, else 0. Then it begins to count anew.
func (f *failures) add(w Why) int {
	if !w.counts() {
		return 0
	}
	f.row++
	row := f.row
	if f.tolerable == Unlimited || row <= f.tolerable {
		return 0
	}
	f.row = 0
	return row
}

// completed notes that a checkpoint is complete.
func (f *failures) completed() { f.row = 0 }
