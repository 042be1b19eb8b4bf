package scenarios

import (
	"time"

	"github.com/weirstream/weir/engine/graph"
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
	return 100*time.Millisecond + 2*r.world.patience() + 2*r.longestStep()
}

// longestStep bounds the time of one step of a task.
func (r *run) longestStep() time.Duration {
	operators := 1 // of the longest chain
	for _, v := range r.graph.Plan(r.config.Chaining).Vertices {
		operators = max(operators, len(v.Chain))
	}
	return time.Duration(r.config.Quantum*operators) * r.slowestRecord()
}

// punctuality bounds the time from when a timer of a vertex's task is due to the end of the
// step in which it is handled.
func (r *run) punctuality(v *graph.Vertex) time.Duration {
	hw := r.world.hardware
	uneven := max(time.Duration(hw.DrawnCost), 100)
	record := time.Duration(0)
	for _, n := range v.Chain {
		factor := uneven
		for _, f := range r.world.plan {
			if f.Kind == faults.SlowOperator && f.Target == n.UID {
				factor = max(factor, time.Duration(f.Percent))
			}
		}
		record += max(hw.RecordCost, 100*time.Nanosecond) * factor / 100 * uneven / 100
	}
	return stampUnit + time.Duration(r.config.Quantum)*record + 4*max(hw.StepCost, time.Microsecond)*uneven/100
}

// stampUnit is how exactly a barrier says when its checkpoint was triggered.
const stampUnit = time.Millisecond

// word bounds what the JobManager's word takes until a task has heard it: no link of
// the JobManager is made slow.
func (r *run) word() time.Duration {
	hw := r.world.hardware
	uneven := max(time.Duration(hw.DrawnCost), 100)
	queued := 64 * 256 * time.Second / time.Duration(hw.Link.Bandwidth) // behind other messages
	return 20*time.Millisecond + 4*hw.Link.Latency.Max*uneven/100 + queued + 2*r.longestStep()
}

// limit is the virtual time that a run's job has to finish once the last fault is over:
// enough to begin again from nothing. It is computed from the world, as if every
// operator handled all records, one after the other.
func (r *run) limit() time.Duration {
	c, hw := r.config, r.world.hardware
	uneven, slow := max(time.Duration(hw.DrawnCost), 100), time.Duration(100)
	for _, f := range r.world.plan {
		if f.Kind == faults.SlowLink {
			slow = max(slow, time.Duration(f.Percent))
		}
	}
	sources := 0
	for _, n := range r.graph.Nodes {
		if n.Kind == graph.Source {
			sources++
		}
	}
	records := time.Duration(1 + len(r.data)*sources/bytesOfRecord)
	step := max(hw.StepCost, time.Microsecond) * uneven / 100
	work := records * time.Duration(len(r.graph.Nodes)) * (r.slowestRecord() + step)
	// Each frame of an edge may wait for the credit of the one before.
	frames := records / time.Duration(min(c.BatchRecords, c.Quantum)*c.ChannelBuffers)
	wires := frames*2*hw.Link.Latency.Max*slow/100 + records*recordBytes*time.Second/time.Duration(hw.Link.Bandwidth)*slow/100
	// A failure is noticed, the job restored and checkpointed; a checkpoint may have to
	// expire before.
	again := c.HeartbeatTimeout + c.RestartDelay + c.BaseInterval() + c.CheckpointTimeout + 4*r.slack()
	if c.CheckpointTimeout < r.world.patience() { // as the user set it: it takes luck to complete one
		again += 2 * time.Minute
	}
	return 2*(work+wires) + again
}

// recordBytes is about the size of a record on a wire.
const recordBytes = 32
