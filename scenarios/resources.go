package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/model"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

// resourcesOracle is oracle 8: what was taken is given back. A task's buffers and
// credits when it ends, transactions and processes when the job does, the tasks of an
// older attempt when a newer one has come through a checkpoint, and those of an older
// leader when their worker has heard of a newer one.
type resourcesOracle struct {
	judges       *judges
	transactions model.Transactions
	attempt      stream.Attempt
	deployed     time.Duration
	away         map[string]bool // workers that were lost when the attempt was deployed, or since
	checked      bool            // nothing of older attempts is left
	fence        fence
	pending      uint64
}

// ID implements sim.Oracle.
func (o *resourcesOracle) ID() string { return "resources" }

// OnEvent implements sim.Oracle.
func (o *resourcesOracle) OnEvent(w *sim.World, e *host.Event) *sim.Violation {
	if wrong := o.fence.on(o.judges.cluster.World, o.judges.cluster.Injected, e); wrong != nil {
		return violation(w, wrong)
	}
	a := stream.Attempt{Epoch: e.Epoch, Number: e.Number}
	switch e.Kind {
	case host.Deploying:
		o.attempt, o.deployed, o.checked = a, w.Now(), false
		o.transactions.Deploying(a, e.Checkpoint)
	case host.WorkerLost:
		if o.away == nil {
			o.away = map[string]bool{}
		}
		o.away[e.Subject] = true
	case host.TaskRunning:
		return violation(w, o.transactions.Running(e.Subject, a))
	case host.TaskEnded, host.TaskFinished:
		if d, ok := e.Data.(*task.Account); ok {
			return violation(w, buffers(d).Check(e.Subject, e.Kind == host.TaskFinished))
		}
	case host.SinkPreCommitted:
		o.transactions.PreCommitted(e.Subject, a, e.Checkpoint, e.Text)
	case host.SinkCommitted:
		o.transactions.Committed(e.Subject, e.Text)
	case host.CheckpointTriggered:
		o.pending = e.Checkpoint
	case host.EpochStarted, host.CheckpointAborted:
		o.pending = 0
	case host.CheckpointCompleted:
		o.pending = 0
		return violation(w, o.superseded(w.Now()))
	case host.JobFinished:
		return violation(w, o.finished())
	}
	return nil
}

// OnEnd implements sim.Oracle.
func (o *resourcesOracle) OnEnd(w *sim.World) *sim.Violation {
	if !o.judges.cluster.Finished {
		return nil
	}
	nodes := o.judges.cluster.World.Resources()
	if w.Now() < o.deployed+o.grace() {
		for i := range nodes {
			nodes[i].Actors = slices.DeleteFunc(nodes[i].Actors, o.older)
		}
	}
	return violation(w, atEnd(nodes))
}

// grace is how long tasks of an older attempt may go on after a newer one is deployed:
// until their worker has heard of it.
func (o *resourcesOracle) grace() time.Duration {
	return o.judges.run.config.HeartbeatInterval + o.judges.run.slack()
}

// older reports whether an actor is a task of an older attempt.
func (o *resourcesOracle) older(a cluster.ActorResources) bool {
	_, attempt, ok := strings.Cut(a.Name, "@")
	return ok && attempt != o.attempt.String()
}

func (o *resourcesOracle) finished() []string {
	wrong := o.transactions.Finished()
	if o.pending != 0 {
		wrong = append(wrong, fmt.Sprintf("the job has finished, but checkpoint %d is under way", o.pending))
	}
	return wrong
}

// superseded looks once an attempt, when its tasks have run for a while, for what is
// left of older ones. A worker that was away may not have heard of it.
func (o *resourcesOracle) superseded(now time.Duration) (wrong []string) {
	if o.checked || now < max(o.deployed, o.judges.cluster.TroubledUntil())+o.grace() {
		return nil
	}
	o.checked = true
	for _, n := range o.judges.cluster.World.Resources() {
		for _, a := range n.Actors {
			if o.older(a) && !o.away[n.Node] {
				wrong = append(wrong, fmt.Sprintf("%s runs %s, %v after attempt %s was deployed", n.Node, a.Name, now-o.deployed, o.attempt))
			}
		}
	}
	return wrong
}

// atEnd says what is left in the processes of a finished job. By design there are the
// JobManager and the TaskExecutors, these with the timer of their next heartbeat.
func atEnd(nodes []cluster.NodeResources) (wrong []string) {
	for _, n := range nodes {
		for _, a := range n.Actors {
			say := func(count int, what string) {
				if count > 0 {
					wrong = append(wrong, fmt.Sprintf("the job has finished, but %s on %s has %d %s", a.Name, n.Node, count, what))
				}
			}
			timers := a.Timers
			switch (host.Address{Node: n.Node, Name: a.Name}) {
			case engine.JobManagerAddress():
			case task.ExecutorAddress(n.Node):
				timers--
			default:
				wrong = append(wrong, fmt.Sprintf("the job has finished, but %s is there on %s", a.Name, n.Node))
			}
			say(a.Wires, "wires open")
			say(timers, "timers set")
			say(a.Offloads, "offloads under way")
			say(a.Mail, "inputs waiting")
		}
	}
	return wrong
}

// buffers is the neutral view of a task's account.
func buffers(a *task.Account) model.Buffers {
	in, out := a.Input, a.Output
	return model.Buffers{
		Credits: in.Credits, Granted: in.Granted, Room: in.Room,
		Received: in.Received, Restored: in.Restored, Used: in.Used, Waiting: in.Waiting,
		Queued: out.Queued, Written: out.Written, Unsent: out.Waiting,
		Pinned: in.Pinned + out.Pinned, Released: in.Released + a.Released, Writing: a.Writing,
		States: a.States, StatesReleased: a.StatesReleased, StatesWriting: a.StatesWriting,
	}
}
