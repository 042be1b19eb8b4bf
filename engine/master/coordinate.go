package master

import (
	"fmt"
	"time"

	"github.com/weirstream/weir/engine/barrier"
	"github.com/weirstream/weir/engine/checkpoint"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/task"
)

// sealLane keeps writing and looking for metadata in order.
const sealLane = "seal"

// step gives the coordinator an input and carries out its effects.
func (m *JobManager) step(in checkpoint.Input, out *host.Outbox) {
	effects := m.coordinator.Step(in, nil)
	for _, e := range effects {
		m.do(e, out)
	}
}

// stopCheckpoints ends the attempt's checkpoints.
func (m *JobManager) stopCheckpoints(out *host.Outbox) {
	m.step(checkpoint.Stop{}, out)
	m.cancel(m.ticking, out)
	m.cancel(m.pausing, out)
}

func (m *JobManager) do(e checkpoint.Effect, out *host.Outbox) {
	switch e := e.(type) {
	case checkpoint.SetTick:
		a := m.attempt
		m.cancel(m.ticking, out)
		m.ticking = m.later(e.After, out, func(out *host.Outbox) {
			if a == m.attempt && m.phase == running {
				m.step(checkpoint.Tick{}, out)
			}
		})
	case checkpoint.SetPause:
		m.pausing = m.later(e.After, out, func(out *host.Outbox) { m.step(checkpoint.PauseOver{}, out) })
	case checkpoint.SetExpiry:
		m.began = m.now.Mono
		m.expiry = m.later(e.After, out, func(out *host.Outbox) { m.step(checkpoint.Expire{Checkpoint: e.Checkpoint}, out) })
	case checkpoint.Locate:
		m.locate(e, out)
	case checkpoint.Trigger:
		m.trigger(e, out)
	case checkpoint.Counted:
		m.report(host.Event{Kind: host.AckCounted, Subject: m.tasks[e.Task].name, Checkpoint: e.Checkpoint,
			N: int64(e.Attempt.Epoch), M: int64(e.Attempt.Number)})
	case checkpoint.Seal:
		m.seal(e, out)
	case checkpoint.Probe:
		m.later(e.After, out, func(out *host.Outbox) { m.probe(e.Checkpoint, out) })
	case checkpoint.Complete:
		m.cancel(m.expiry, out)
		m.known = e.Checkpoint
		m.report(host.Event{Kind: host.CheckpointCompleted, Checkpoint: e.Checkpoint, Data: m.metadata[e.Checkpoint]})
		delete(m.metadata, e.Checkpoint)
		for _, id := range m.choice.Damaged { // a newer one takes their place
			m.discard(id, out)
		}
		m.choice.Damaged = nil
	case checkpoint.Notify:
		if e.Final {
			m.final = e.Checkpoint
		}
		m.tell(task.NotifyComplete{Attempt: m.attempt, Checkpoint: e.Checkpoint, Final: e.Final}, out)
	case checkpoint.Abort:
		m.cancel(m.expiry, out)
		delete(m.metadata, e.Checkpoint)
		m.report(host.Event{Kind: host.CheckpointAborted, Cause: abortCause(e.Why), Checkpoint: e.Checkpoint, N: int64(e.Why), Text: e.String()})
	case checkpoint.TellAborted:
		m.tell(task.NotifyAborted{Attempt: m.attempt, Checkpoint: e.Checkpoint}, out)
	case checkpoint.Discard:
		m.discard(e.Checkpoint, out)
	case checkpoint.Fail:
		m.failure(host.CauseLimit, fmt.Sprintf("failed checkpoints in a row: %d, execution.checkpointing.tolerable-failed-checkpoints is %d; the last one: %s",
			e.Row, m.settings.Checkpoints.Tolerable, e.Last), out)
	case checkpoint.Drop:
		m.report(host.Event{Kind: host.MessageDropped, Text: e.In.String() + ": " + e.Why.String()})
	}
}

func abortCause(w checkpoint.Why) host.Cause {
	switch w {
	case checkpoint.Expired:
		return host.CauseLimit
	case checkpoint.Unwritten, checkpoint.NotLocated:
		return host.CauseIO
	}
	return host.CauseNone // what declined it, or stopped the job, has the cause
}

// declined is the coordinator's reason for a task's. A task that gives none could not
// write its part.
func declined(w barrier.Why) checkpoint.Why {
	switch w {
	case barrier.NotReady:
		return checkpoint.DeclinedNotReady
	case barrier.CancelMarker:
		return checkpoint.DeclinedOnCancel
	case barrier.Subsumed:
		return checkpoint.DeclinedSubsumed
	}
	return checkpoint.Declined
}

// tell sends to all workers that run tasks.
func (m *JobManager) tell(body any, out *host.Outbox) {
	for _, w := range m.workers {
		for _, t := range m.tasks {
			if t.node == w.name && !w.lost {
				out.Send(task.ExecutorAddress(w.name), body)
				break
			}
		}
	}
}

// locate makes a checkpoint's directory.
func (m *JobManager) locate(e checkpoint.Locate, out *host.Outbox) {
	dir := snapshot.Dir(m.settings.CheckpointDir, e.Checkpoint)
	m.offload("", out, func(w host.Worker) (any, error) {
		return nil, fs.MkdirAllSynced(w.FS(), dir)
	}, func(in *host.Input, out *host.Outbox) {
		text := ""
		if in.Err != nil {
			text = in.Err.Error()
			m.trouble = text
		}
		m.step(checkpoint.Located{Checkpoint: e.Checkpoint, Err: text}, out)
	})
}

func (m *JobManager) trigger(e checkpoint.Trigger, out *host.Outbox) {
	ms := m.now.Wall / int64(time.Millisecond)
	m.metadata[e.Checkpoint] = &snapshot.Metadata{
		Job: m.settings.Job, Checkpoint: e.Checkpoint, Attempt: m.attempt, Unaligned: e.Unaligned,
		AtLeastOnce: m.settings.AtLeastOnce, Time: ms,
	}
	if from := m.choice.Metadata; from != nil {
		m.metadata[e.Checkpoint].Repeats = from.AtLeastOnce || from.Repeats
	}
	m.report(host.Event{Kind: host.CheckpointTriggered, Checkpoint: e.Checkpoint, N: int64(m.now.Mono - m.began)})
	msg := task.Trigger{Attempt: m.attempt, Checkpoint: e.Checkpoint, Time: ms, Unaligned: e.Unaligned}
	if e.Unaligned && m.settings.AlignedTimeout > 0 { // it begins as aligned
		msg.Unaligned, msg.Timeout = false, m.settings.AlignedTimeout.Milliseconds()
	}
	for _, w := range m.workers {
		for _, t := range m.tasks {
			if t.source && t.node == w.name {
				out.Send(task.ExecutorAddress(w.name), msg)
				break
			}
		}
	}
}

// seal writes the metadata.
func (m *JobManager) seal(e checkpoint.Seal, out *host.Outbox) {
	md := m.metadata[e.Checkpoint]
	i := 0
	for _, v := range m.plan.Vertices {
		s := snapshot.Vertex{Codec: codecName(v), Parallelism: v.Parallelism, MaxParallelism: v.Head().MaxParallelism}
		for _, n := range v.Chain {
			s.UIDs = append(s.UIDs, n.UID)
		}
		s.Tasks = append(s.Tasks, e.Tasks[i:i+v.Parallelism]...)
		i += v.Parallelism
		md.Vertices = append(md.Vertices, s)
	}
	m.report(host.Event{Kind: host.CheckpointSealing, Checkpoint: e.Checkpoint, Data: md})
	root, ha := m.settings.CheckpointDir, m.settings.HADir
	m.offload(sealLane, out, func(w host.Worker) (any, error) { return sealAndNote(w, root, ha, md) }, m.sealed(e.Checkpoint))
}

// codecName is the codec of what a vertex sends, empty if it ends in a sink.
func codecName(v *graph.Vertex) string {
	if out := v.Tail().Out; out != nil {
		return out.CodecName()
	}
	return ""
}

func (m *JobManager) probe(id uint64, out *host.Outbox) {
	root, ha, md := m.settings.CheckpointDir, m.settings.HADir, m.metadata[id]
	m.offload(sealLane, out, func(w host.Worker) (any, error) { return sealed(w, ha, probe(w, root, md)), nil }, m.sealed(id))
}

// sealed tells the coordinator what the storage said.
func (m *JobManager) sealed(id uint64) func(in *host.Input, out *host.Outbox) {
	return func(in *host.Input, out *host.Outbox) {
		o, _ := in.Body.(outcome)
		m.trouble = o.err
		switch {
		case in.Err != nil:
			m.trouble = in.Err.Error()
			m.step(checkpoint.Unknown{Checkpoint: id, Err: in.Err.Error()}, out)
		case o.sealed:
			m.step(checkpoint.Sealed{Checkpoint: id}, out)
		case o.unknown:
			m.step(checkpoint.Unknown{Checkpoint: id, Err: o.err}, out)
		default:
			m.step(checkpoint.Unsealed{Checkpoint: id, Err: o.err}, out)
		}
	}
}

// discard removes a checkpoint's files. What can't be removed is tried again with
// the next one.
func (m *JobManager) discard(id uint64, out *host.Outbox) {
	m.garbage = append(m.garbage, snapshot.Dir(m.settings.CheckpointDir, id))
	m.report(host.Event{Kind: host.CheckpointDiscarded, Checkpoint: id})
	m.sweep(out)
}

func (m *JobManager) sweep(out *host.Outbox) {
	if m.removing || len(m.garbage) == 0 {
		return
	}
	m.removing = true
	dirs := append([]string(nil), m.garbage...)
	m.offload("", out, func(w host.Worker) (any, error) {
		var left []string
		for _, d := range dirs {
			if fs.RemoveAll(w.FS(), d) != nil {
				left = append(left, d)
			}
		}
		return left, nil
	}, func(in *host.Input, out *host.Outbox) {
		m.removing = false
		left, _ := in.Body.([]string)
		fresh := m.garbage[len(dirs):]
		m.garbage = append(left, fresh...)
		switch {
		case len(fresh) > 0:
			m.sweep(out)
		case m.phase == finished:
			m.finish()
		}
	})
}
