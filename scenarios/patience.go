package scenarios

import (
	"time"

	"github.com/weirstream/weir/faults"
)

// slowestRecord bounds the time that one record takes in one operator of a run.
func (r *run) slowestRecord() time.Duration {
	hw := r.world.hardware
	uneven, slow := max(hw.DrawnCost, 100), 100
	for _, f := range r.world.plan {
		if f.Kind == faults.SlowOperator {
			slow = max(slow, f.Percent)
		}
	}
	operator := max(time.Duration(uneven), time.Duration(slow))
	return max(hw.RecordCost, 100*time.Nanosecond) * operator / 100 * time.Duration(uneven) / 100
}

// slack bounds what a step, a message and a checkpoint's files take together in a run
// while nothing is broken.
func (r *run) slack() time.Duration {
	operators := 8 // of a chain; a few more change nothing
	step := time.Duration(r.config.Quantum*operators) * r.slowestRecord()
	return 100*time.Millisecond + 2*r.world.patience() + 4*step
}
