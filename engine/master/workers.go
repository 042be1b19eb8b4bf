package master

import (
	"errors"
	"fmt"
	"slices"

	"github.com/weirstream/weir/engine/checkpoint"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/engine/task"
)

func causeOf(err error) host.Cause {
	var p *host.PanicError
	switch {
	case errors.Is(err, connect.ErrInput):
		return host.CauseInput
	case errors.As(err, &p):
		return host.CauseUser
	}
	return host.CauseIO
}

// watch looks at all workers regularly.
func (m *JobManager) watch(out *host.Outbox) {
	m.watching = m.later(m.settings.Check, out, func(out *host.Outbox) {
		for _, w := range m.workers {
			if !w.lost && m.now.Mono-w.seen > m.settings.HeartbeatTimeout {
				m.lose(w, fmt.Sprintf("no heartbeat for %s", m.settings.HeartbeatTimeout), out)
			}
		}
		if m.phase != finished && m.phase != failed {
			m.watch(out)
		}
	})
}

// lose gives a worker up and, if it ran tasks of this attempt, the attempt.
func (m *JobManager) lose(w *worker, why string, out *host.Outbox) {
	w.lost = true
	m.report(host.Event{Kind: host.WorkerLost, Subject: w.name, Text: why})
	if m.phase == deploying || m.phase == running {
		if slices.ContainsFunc(m.tasks, func(t taskInfo) bool { return t.node == w.name }) {
			m.failure(host.CauseLostPeer, fmt.Sprintf("worker %s lost: %s", w.name, why), out)
		}
	}
}

// message handles what workers and tasks send.
func (m *JobManager) message(in *host.Input, out *host.Outbox) {
	if m.attempt.Epoch == 0 { // not the leader yet
		if h, ok := in.Body.(task.Heartbeat); ok {
			m.early = append(slices.DeleteFunc(m.early, func(e task.Heartbeat) bool { return e.Worker == h.Worker }), h)
		}
		return
	}
	switch msg := in.Body.(type) {
	case task.Heartbeat:
		m.heartbeat(msg, out)
	case task.Ack:
		in := checkpoint.Ack{Attempt: msg.Attempt, Checkpoint: msg.Checkpoint, Entry: msg.Task}
		if msg.Attempt == m.attempt { // another's plan may be another (M2)
			in.Task = m.index(msg.ID)
		}
		m.step(in, out)
	case task.Decline:
		in := checkpoint.Decline{Attempt: msg.Attempt, Checkpoint: msg.Checkpoint, Why: declined(msg.Why), Reason: msg.Reason()}
		if msg.Attempt == m.attempt {
			in.Task = m.index(msg.ID)
			in.Reason = m.tasks[in.Task].name
			if msg.Why == 0 {
				in.Reason += ": " + msg.Text
			}
		}
		m.step(in, out)
	}
}

func (m *JobManager) heartbeat(h task.Heartbeat, out *host.Outbox) {
	i := slices.IndexFunc(m.workers, func(w *worker) bool { return w.name == h.Worker })
	if i < 0 {
		m.workers = append(m.workers, &worker{name: h.Worker, lost: true})
		slices.SortFunc(m.workers, func(a, b *worker) int { return compare(a.name, b.name) })
		i = slices.IndexFunc(m.workers, func(w *worker) bool { return w.name == h.Worker })
	}
	w := m.workers[i]
	if slices.Contains(w.gone, h.Incarnation) {
		// Late, from a process that is gone, or from one that was taken for it.
		out.Send(task.ExecutorAddress(w.name), task.Disconnect{Incarnation: h.Incarnation})
		return
	}
	if h.Incarnation != w.incarnation {
		if !w.lost {
			m.lose(w, "its process started again", out)
		}
		w.gone = append(w.gone, w.incarnation)
	}
	if w.lost {
		m.report(host.Event{Kind: host.WorkerRegistered, Subject: w.name, N: h.Incarnation})
	}
	w.incarnation, w.slots, w.seen, w.lost = h.Incarnation, h.Slots, m.now.Mono, false
	out.Send(task.ExecutorAddress(w.name), task.Welcome{Epoch: m.attempt.Epoch})
	switch m.phase {
	case waiting:
		m.cancelAgain(w, h, out)
		m.deployIfPossible(out)
	case deploying, running:
		m.cancelOlder(w, h, out)
		m.reconcile(w, h, out)
	case finished:
		m.cancelOlder(w, h, out)
	default:
		m.cancelAgain(w, h, out)
	}
}

// cancelAgain tells a worker once more to stop tasks of an attempt that is over: the
// first word may have been lost.
func (m *JobManager) cancelAgain(w *worker, h task.Heartbeat, out *host.Outbox) {
	over := func(s task.Status) bool { return s.State != task.Finished && !m.attempt.Before(s.Attempt) }
	if m.phase != finished && slices.ContainsFunc(h.Tasks, over) {
		out.Send(task.ExecutorAddress(w.name), task.Cancel{Attempt: m.attempt})
	}
}

// cancelOlder tells a worker that was away when this attempt was deployed to stop what
// it still runs of older ones.
func (m *JobManager) cancelOlder(w *worker, h task.Heartbeat, out *host.Outbox) {
	for _, s := range h.Tasks {
		if s.State != task.Finished && s.Attempt.Before(m.attempt) {
			out.Send(task.ExecutorAddress(w.name), task.Cancel{Attempt: s.Attempt})
			return
		}
	}
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// reconcile compares what a worker says of its tasks with what should run there.
func (m *JobManager) reconcile(w *worker, h task.Heartbeat, out *host.Outbox) {
	found := false
	for _, s := range h.Tasks {
		if s.Attempt != m.attempt { // M2
			continue
		}
		found = true
		t := &m.tasks[m.index(s.ID)]
		t.state = max(t.state, s.State)
		if s.State == task.Failed {
			m.failure(s.Cause, t.name+": "+s.Text, out)
			return
		}
		if s.State == task.Ended && m.final != 0 { // the notification was lost
			out.Send(task.ExecutorAddress(w.name), task.NotifyComplete{Attempt: m.attempt, Checkpoint: m.final, Final: true})
		}
	}
	if !found && slices.ContainsFunc(m.tasks, func(t taskInfo) bool { return t.node == w.name }) {
		m.send(w.name, out) // the deployment was lost
		return
	}
	m.progress(out)
}

// progress moves the job on when all tasks have reached a state.
func (m *JobManager) progress(out *host.Outbox) {
	least := task.Finished
	for _, t := range m.tasks {
		least = min(least, t.state)
	}
	if m.phase == deploying && least >= task.Running {
		m.phase = running
		m.step(checkpoint.Start{Attempt: m.attempt, Tasks: len(m.tasks), Next: m.choice.Seen + 1, Completed: m.choice.Completed}, out)
	}
	if m.phase == running && least >= task.Ended && !m.ended {
		m.ended = true
		m.step(checkpoint.Ended{}, out)
	}
	if m.phase == running && least == task.Finished { // M4
		m.stopCheckpoints(out)
		m.cancel(m.watching, out)
		m.phase = finished
		m.sweep(out) // once more what could not be removed before
		m.finish()
	}
}

// finish ends the job when the storage is tidy: at once, or when the removal that is
// under way has ended.
func (m *JobManager) finish() {
	if !m.removing {
		m.report(host.Event{Kind: host.JobFinished})
	}
}

// deployIfPossible deploys a new attempt once there are enough slots: subtask i
// of every vertex goes to slot i, slots are dealt to workers in turn.
func (m *JobManager) deployIfPossible(out *host.Outbox) {
	slots := m.slots(m.plan.MaxParallelism())
	if slots == nil {
		return
	}
	m.phase = deploying
	m.attempt = stream.Attempt{Epoch: m.attempt.Epoch, Number: m.attempt.Number + 1}
	m.ended, m.final = false, 0
	restores := uint64(0)
	if m.choice.Metadata != nil {
		restores = m.choice.Metadata.Checkpoint
	}
	m.report(host.Event{Kind: host.Deploying, Checkpoint: restores})
	for i := range m.tasks {
		t := &m.tasks[i]
		t.node, t.state = slots[t.id.Subtask], task.Initializing
	}
	for _, w := range m.workers {
		if !w.lost {
			m.send(w.name, out)
		}
	}
}

// slots deals n slots to the workers in turn, or returns nil if there are too few.
func (m *JobManager) slots(n int) []string {
	var dealt []string
	for round := 0; len(dealt) < n; round++ {
		before := len(dealt)
		for _, w := range m.workers {
			if !w.lost && round < w.slots && len(dealt) < n {
				dealt = append(dealt, w.name)
			}
		}
		if len(dealt) == before {
			return nil
		}
	}
	return dealt
}

// send deploys a worker's share of the attempt. It may be repeated.
func (m *JobManager) send(node string, out *host.Outbox) {
	d := task.Deploy{Attempt: m.attempt, Nodes: make([][]string, len(m.plan.Vertices))}
	for _, t := range m.tasks {
		d.Nodes[t.id.Vertex] = append(d.Nodes[t.id.Vertex], t.node)
		if t.node == node {
			d.Tasks = append(d.Tasks, m.spec(t))
		}
	}
	out.Send(task.ExecutorAddress(node), d)
}

func (m *JobManager) spec(t taskInfo) task.Spec {
	s := task.Spec{ID: t.id}
	if md := m.choice.Metadata; md != nil {
		s.Checkpoint, s.Dir, s.Repeats = md.Checkpoint, m.choice.Dir, md.AtLeastOnce
		s.Restore = md.Vertices[t.id.Vertex].Tasks[t.id.Subtask]
		return s
	}
	v := m.plan.Vertices[t.id.Vertex]
	for i, split := range m.splits[v.Head().UID] {
		if i%v.Parallelism == t.id.Subtask {
			s.Splits = append(s.Splits, split)
		}
	}
	return s
}
