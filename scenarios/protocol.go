package scenarios

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/model"
	"github.com/weirstream/weir/sim"
)

// protocolOracle is oracle 5: barriers, snapshots, acknowledgements, commits and
// restores keep the rules of the protocol, one by one as they happen.
type protocolOracle struct {
	judges            *judges
	monitor           *model.Protocol
	byName            map[string]int
	crashes, troubles int // of the lists of the cluster, dealt with
	told              int // of the damage
	durable           fs.FS
	seen              fs.FS // with what is not synced
	in, out           []model.Stand
}

// ID implements sim.Oracle.
func (o *protocolOracle) ID() string { return "protocol" }

// prepare learns the job's shape.
func (o *protocolOracle) prepare() {
	if o.monitor != nil {
		return
	}
	j := o.judges
	c := j.run.config
	vertices := j.cluster.Graph.Plan(c.Chaining)
	plan := protocolPlan(vertices, c)
	plan.Slack, plan.Word = j.run.slack(), j.run.word()
	i := 0
	for _, v := range vertices.Vertices {
		for range v.Parallelism {
			plan.Tasks[i].Step = j.run.punctuality(v)
			i++
		}
	}
	o.monitor, o.byName = model.NewProtocol(plan), map[string]int{}
	for i, t := range plan.Tasks {
		o.byName[t.Name] = i
	}
	if j.run.origin != nil {
		o.monitor.Known(j.run.origin.Checkpoint)
	}
	o.durable, o.seen = j.cluster.Disk.Durable(), j.cluster.Disk.Node("observer")
}

// protocolPlan is the neutral view of a job's tasks and channels.
func protocolPlan(p *graph.Plan, c *engine.Config) model.ProtocolPlan {
	plan := model.ProtocolPlan{
		AtLeastOnce: c.AtLeastOnce, Interval: c.BaseInterval(), Timeout: c.CheckpointTimeout, AlignedTimeout: c.AlignedTimeout,
	}
	numbers := map[[3]int]int{}
	channel := func(e *graph.PlanEdge, from, to int) int {
		key := [3]int{e.Index, from, to}
		n, ok := numbers[key]
		if !ok {
			n = len(plan.Channels)
			numbers[key] = n
			plan.Channels = append(plan.Channels, fmt.Sprintf("%s->%s %d->%d", e.From.Tail().UID, e.To.Head().UID, from, to))
		}
		return n
	}
	for _, v := range p.Vertices {
		for i := range v.Parallelism {
			t := model.ProtocolTask{Name: v.Task(i), Source: v.Head().Kind == graph.Source}
			for _, e := range v.In {
				for ch := range e.Channels(false) {
					t.In = append(t.In, channel(e, e.Peer(i, ch), i))
				}
			}
			for _, e := range v.Out {
				for ch := range e.Channels(true) {
					t.Out = append(t.Out, channel(e, i, e.Peer(i, ch)))
				}
			}
			plan.Tasks = append(plan.Tasks, t)
		}
	}
	return plan
}

// OnEvent implements sim.Oracle.
func (o *protocolOracle) OnEvent(w *sim.World, e *host.Event) *sim.Violation {
	o.prepare()
	if o.disturbed() {
		o.monitor.Disturbed()
	}
	wrong := o.monitor.At(w.Now())
	o.judges.damages.tell(o.monitor, &o.told, e)
	if task, ok := o.byName[e.Subject]; ok {
		wrong = append(wrong, o.onTask(task, e)...)
	} else {
		wrong = append(wrong, o.onJob(e)...)
	}
	return violation(w, wrong)
}

// disturbed says that a fault holds, or has happened since it was asked last, of which
// trouble may come: a wall clock is for stamps only.
func (o *protocolOracle) disturbed() bool {
	c := o.judges.cluster
	is := c.Troubled() || len(c.Injected)+c.Hits > o.crashes
	o.crashes = len(c.Injected) + c.Hits
	for ; o.troubles < len(c.Troubles); o.troubles++ {
		is = is || c.Troubles[o.troubles].Excuses()
		if k := c.Troubles[o.troubles].Fault.Kind; k == faults.Skew || k == faults.Jump {
			o.monitor.ClocksWrong()
		}
	}
	return is
}

// OnEnd implements sim.Oracle.
func (o *protocolOracle) OnEnd(w *sim.World) *sim.Violation {
	if o.monitor == nil {
		return nil
	}
	return violation(w, o.monitor.At(w.Now()))
}

func (o *protocolOracle) onTask(task int, e *host.Event) []string {
	m, a, ch := o.monitor, stream.Attempt{Epoch: e.Epoch, Number: e.Number}, int(e.Channel)
	switch e.Kind {
	case host.Restored:
		in, out := o.stands(e)
		return m.Restored(task, a, e.Checkpoint, in, out)
	case host.TaskRunning:
		m.Running(task, a)
	case host.TaskEnded:
		m.Ended(task, a)
	case host.TaskFinished:
		m.Finished(task, a)
	case host.TaskFailed:
		m.Disturbed()
	case host.BarrierIn:
		return m.BarrierIn(task, a, ch, e.Checkpoint, uint64(e.N), uint64(e.M), e.Text == host.Overtook)
	case host.BarrierAnnounced:
		return m.Announced(task, a, ch, e.Checkpoint)
	case host.AlignmentTimedOut:
		return m.TimedOut(task, a, e.Checkpoint, e.Text == host.ByTimer)
	case host.OutputTimedOut:
		_, out := o.stands(e)
		return m.OutputTimedOut(task, a, e.Checkpoint, out)
	case host.BarrierOut:
		_, out := o.stands(e)
		return m.BarrierOut(task, a, e.Checkpoint, e.M == 1, e.N, out)
	case host.CancelIn:
		return m.CancelIn(task, a, ch, e.Checkpoint)
	case host.CancelOut:
		return m.CancelOut(task, a, e.Checkpoint)
	case host.ChannelEnded:
		m.ChannelEnded(task, a, ch)
	case host.ChannelUnblocked:
		return m.Unblocked(task, a, ch, e.Checkpoint, uint64(e.N))
	case host.SnapshotTaken:
		in, out := o.stands(e)
		return m.SnapshotTaken(task, a, e.Checkpoint, e.M == 1, e.N, in, out)
	case host.SnapshotStored:
		in, out := o.stands(e)
		return m.SnapshotStored(task, a, e.Checkpoint, o.isDurable(e.Checkpoint, e.Data.(*snapshot.Task).File), in, out)
	case host.CheckpointDeclined:
		m.Declined(task, a, e.Checkpoint)
	case host.AbortNotified:
		m.Told(task, a, e.Checkpoint)
	case host.AckCounted:
		return m.AckCounted(task, stream.Attempt{Epoch: uint32(e.N), Number: uint32(e.M)}, e.Checkpoint)
	case host.CheckpointNotified:
		return m.Notified(task, a, e.Checkpoint)
	case host.SinkPreCommitted:
		return m.PreCommitted(task, a, e.Checkpoint, e.Text)
	case host.SinkCommitted:
		return m.Committed(task, e.Text, e.Checkpoint)
	}
	return nil
}

func (o *protocolOracle) onJob(e *host.Event) []string {
	m := o.monitor
	switch e.Kind {
	case host.EpochStarted:
		m.Led()
	case host.WorkerLost, host.Restarting:
		m.Disturbed()
	case host.Deploying:
		return m.Deploying(stream.Attempt{Epoch: e.Epoch, Number: e.Number}, e.Checkpoint)
	case host.CheckpointTriggered:
		return m.Triggered(e.Checkpoint, time.Duration(e.N))
	case host.CheckpointSealing:
		m.Sealing(e.Checkpoint)
	case host.CheckpointCompleted:
		return m.Completed(e.Checkpoint, o.isDurable(e.Checkpoint, snapshot.MetadataName))
	case host.CheckpointAborted:
		return m.Aborted(e.Checkpoint, strings.Contains(e.Text, "expired"))
	}
	return nil
}

// stands is the neutral view of an event's positions, valid until the next.
func (o *protocolOracle) stands(e *host.Event) (in, out []model.Stand) {
	var p snapshot.Positions
	switch d := e.Data.(type) {
	case task.View:
		p = *d.Positions()
	case *snapshot.Positions:
		p = *d
	case *snapshot.Task:
		p.In, p.Out = d.In, d.Out
	}
	o.in, o.out = appendStands(o.in[:0], p.In), appendStands(o.out[:0], p.Out)
	return o.in, o.out
}

func appendStands(to []model.Stand, ps []snapshot.ChannelPosition) []model.Stand {
	for _, p := range ps {
		to = append(to, model.Stand{Record: p.Record, First: p.First, InFlight: p.InFlight})
	}
	return to
}

// isDurable reports whether all of a checkpoint's file would survive the loss of every
// machine. Files of a checkpoint that is over may be gone.
func (o *protocolOracle) isDurable(checkpoint uint64, file string) bool {
	if d := &o.judges.damages; o.monitor.Under() != checkpoint || d.of(checkpoint, d.all) != nil {
		return true // or damaged, behind the engine's back
	}
	name := path.Join(snapshot.Dir(o.judges.run.config.CheckpointDir, checkpoint), file)
	durable, err := o.durable.Stat(name)
	if err != nil {
		return false
	}
	seen, err := o.seen.Stat(name)
	return err == nil && seen.Size == durable.Size
}
