package scenarios

import (
	"strings"
	"time"

	"github.com/weirstream/weir/engine/barrier"
	"github.com/weirstream/weir/engine/checkpoint"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/model"
	"github.com/weirstream/weir/sim"
)

// coordinatorOracle holds the CheckpointCoordinator to its configuration: the job fails
// over if and only if more checkpoints in a row have failed than are tolerable, and a
// pause follows each that completes.
type coordinatorOracle struct {
	judges  *judges
	monitor *model.Coordinator
}

// ID implements sim.Oracle.
func (o *coordinatorOracle) ID() string { return "coordinator" }

// reasons are Flink's names of the coordinator's.
var reasons = map[checkpoint.Why]string{
	checkpoint.Declined:         "CHECKPOINT_ASYNC_EXCEPTION",
	checkpoint.Expired:          "CHECKPOINT_EXPIRED",
	checkpoint.Unwritten:        "FINALIZE_CHECKPOINT_FAILURE",
	checkpoint.NotLocated:       "IO_EXCEPTION",
	checkpoint.JobStopped:       "CHECKPOINT_COORDINATOR_SUSPEND",
	checkpoint.DeclinedNotReady: "CHECKPOINT_DECLINED_TASK_NOT_READY",
	checkpoint.DeclinedOnCancel: "CHECKPOINT_DECLINED_ON_CANCELLATION_BARRIER",
	checkpoint.DeclinedSubsumed: "CHECKPOINT_DECLINED_SUBSUMED",
}

// ofTask is Flink's name of the reason that a task gives in words.
func ofTask(text string) string {
	switch text {
	case barrier.NotReady.String():
		return reasons[checkpoint.DeclinedNotReady]
	case barrier.CancelMarker.String():
		return reasons[checkpoint.DeclinedOnCancel]
	case barrier.Subsumed.String():
		return reasons[checkpoint.DeclinedSubsumed]
	}
	return reasons[checkpoint.Declined]
}

// OnEvent implements sim.Oracle.
func (o *coordinatorOracle) OnEvent(w *sim.World, e *host.Event) *sim.Violation {
	if o.monitor == nil {
		c := o.judges.run.config
		o.monitor = &model.Coordinator{Tolerable: c.TolerableFailures, MinPause: c.MinPause}
		for _, v := range o.judges.cluster.Graph.Plan(c.Chaining).Vertices {
			o.monitor.Tasks += v.Parallelism
		}
		if o.monitor.Tolerable == checkpoint.Unlimited {
			o.monitor.Tolerable = -1
		}
	}
	var wrong []string
	switch m := o.monitor; e.Kind {
	case host.EpochStarted:
		m.Led()
	case host.CheckpointDeclined:
		m.Declined(e.Checkpoint, ofTask(e.Text))
	case host.CheckpointTriggered:
		wrong = m.Triggered(e.Checkpoint, w.Now()-time.Duration(e.N))
	case host.Deploying:
		m.Deploying(stream.Attempt{Epoch: e.Epoch, Number: e.Number})
	case host.TaskEnded:
		m.Ended(stream.Attempt{Epoch: e.Epoch, Number: e.Number})
	case host.CheckpointAborted:
		wrong = m.Aborted(e.Checkpoint, reasons[checkpoint.Why(e.N)])
	case host.CheckpointCompleted:
		wrong = m.Completed(e.Checkpoint, w.Now())
	case host.Restarting, host.JobFailed:
		wrong = m.Failed(e.Cause == host.CauseLimit && strings.Contains(e.Text, tolerableKey))
	case host.JobFinished:
		wrong = m.Finished()
	}
	return violation(w, wrong)
}

// OnEnd implements sim.Oracle.
func (o *coordinatorOracle) OnEnd(*sim.World) *sim.Violation { return nil }

// pause draws the time between checkpoints.
func (d *drawer) pause() time.Duration {
	if !d.in("pause", 4) {
		return 0
	}
	return time.Duration(d.of("pause", 5, 20, 100, 300)) * time.Millisecond
}

const tolerableKey = "execution.checkpointing.tolerable-failed-checkpoints"

// tolerate draws how many checkpoints in a row may fail, in a world where none expires
// for want of time: there they would fail again in each attempt.
func (d *drawer) tolerate(impatient bool) (int, bool) {
	if impatient || !d.in("intolerant", 3) {
		return 0, false
	}
	return d.of("tolerable failures", 0, 1, 3), true
}
