package task

import (
	"fmt"
	"slices"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
)

// sinkLane keeps a sink's work in order.
const sinkLane = "sink"

// sinkWork is what a sink task has asked its writer to do.
type sinkWork struct {
	flushing   host.Token
	committing host.Token
	batch      []connect.Committable // being committed
	// pending are the committables of all checkpoints that are not committed.
	pending []connect.Committable
	// notified is the newest checkpoint known to be complete.
	notified uint64
	// tidying removes, before the task finishes, what zombies have left behind since
	// recovery; tidy once it has.
	tidying host.Token
	tidy    bool
}

// flushSink lets the sink write out what it has buffered.
func (t *Task) flushSink(out *host.Outbox) {
	if t.sink == nil || t.writing.flushing != 0 || t.state == Initializing {
		return
	}
	if work := t.sink.Flush(); work != nil {
		t.writing.flushing = t.token()
		out.Offload(t.writing.flushing, sinkLane, work)
	}
}

// notified is the JobManager's word that a checkpoint is complete (T3). A later
// one covers those before it.
func (t *Task) notified(m NotifyComplete, out *host.Outbox) {
	if m.Checkpoint > t.writing.notified {
		t.writing.notified = m.Checkpoint
		t.report(host.Event{Kind: host.CheckpointNotified, Checkpoint: m.Checkpoint})
	}
	t.finals = t.finals || m.Final && t.state == Ended
	t.commit(out)
}

// commit commits what notified checkpoints own.
func (t *Task) commit(out *host.Outbox) {
	if t.sink == nil || t.writing.committing != 0 || t.state == Initializing {
		return
	}
	var due []connect.Committable
	for _, c := range t.writing.pending {
		if c.Checkpoint <= t.writing.notified {
			due = append(due, c)
		}
	}
	if len(due) == 0 {
		return
	}
	t.writing.batch, t.writing.committing = due, t.token()
	out.Offload(t.writing.committing, sinkLane, t.sink.Commit(due))
}

func (t *Task) committed(out *host.Outbox) {
	for _, c := range t.writing.batch {
		t.report(host.Event{Kind: host.SinkCommitted, Checkpoint: c.Checkpoint, Text: c.Token})
	}
	done := t.writing.batch
	t.writing.pending = slices.DeleteFunc(t.writing.pending, func(c connect.Committable) bool {
		return slices.ContainsFunc(done, func(d connect.Committable) bool { return c.Token == d.Token })
	})
	t.writing.batch, t.writing.committing = nil, 0
	t.commit(out)
}

// recovered ends the recovery of a sink: what was restored is committed.
func (t *Task) recovered(r connect.Recovered, out *host.Outbox) {
	for _, c := range t.writing.pending {
		t.report(host.Event{Kind: host.SinkCommitted, Checkpoint: c.Checkpoint, Text: c.Token})
	}
	t.removed(r)
	t.writing.pending = nil
	t.run(out)
}

// tidyUp asks the sink once more to remove what older attempts left: work of theirs may
// have gone on after this attempt recovered.
func (t *Task) tidyUp(out *host.Outbox) {
	if t.writing.tidying == 0 {
		t.writing.tidying = t.token()
		out.Offload(t.writing.tidying, sinkLane, t.sink.Recover(nil))
	}
}

// tidied lets the task finish. All is committed: an error only leaves files behind.
func (t *Task) tidied(in *host.Input) {
	t.writing.tidy = true
	if r, ok := in.Body.(connect.Recovered); ok {
		t.removed(r)
	}
}

func (t *Task) removed(r connect.Recovered) {
	for _, name := range r.Removed {
		t.report(host.Event{Kind: host.SinkAborted, Text: name})
	}
}

func (t *Task) preCommitted(p *pending, cs []connect.Committable, out *host.Outbox) {
	p.preCommit = 0
	t.writing.pending = append(t.writing.pending, cs...)
	// Pre-commits end in order, so that by now those of earlier checkpoints that
	// were given up are there too: this checkpoint owns them.
	last := &p.parts[len(p.parts)-1]
	for _, c := range t.writing.pending {
		if c.Checkpoint <= p.checkpoint {
			last.owned = append(last.owned, c)
		}
	}
	t.reportPreCommitted(cs)
	t.store(p, out)
}

func (t *Task) reportPreCommitted(cs []connect.Committable) {
	for _, c := range cs {
		t.report(host.Event{Kind: host.SinkPreCommitted, Checkpoint: c.Checkpoint, Text: c.Token, Data: c})
	}
}

// done hands the result of offloaded work to whoever asked for it.
func (t *Task) done(in *host.Input, out *host.Outbox) {
	k := in.Token
	if p := t.snaps.find(func(p *pending) bool { return p.store == k }); p != nil {
		t.stored(p, in, out)
		return
	}
	if k == t.writing.tidying && k != 0 {
		t.tidied(in)
		return
	}
	if in.Err != nil && k != t.fetching {
		t.fail(causeOf(in.Err), fmt.Errorf("%s: %w", t.workName(k), in.Err), out)
		return
	}
	switch k {
	case t.ready.restoring:
		t.open(in.Body.(*snapshot.TaskState), out)
	case t.ready.recovering:
		t.recovered(in.Body.(connect.Recovered), out)
	case t.fetching:
		t.fetching = 0
		if err := t.source.Fetched(in.Body, in.Err); err != nil {
			t.fail(causeOf(err), err, out)
		}
	case t.writing.flushing:
		t.writing.flushing = 0
		t.sink.Flushed()
	case t.writing.committing:
		t.committed(out)
	default:
		if p := t.snaps.find(func(p *pending) bool { return p.preCommit == k }); p != nil {
			t.preCommitted(p, in.Body.([]connect.Committable), out)
			return
		}
		// Of a checkpoint that was given up: its committables are owned by the
		// next one, as the records are.
		if cs, ok := in.Body.([]connect.Committable); ok {
			t.writing.pending = append(t.writing.pending, cs...)
			t.reportPreCommitted(cs)
		}
	}
}

func (t *Task) workName(k host.Token) string {
	switch k {
	case t.ready.restoring:
		return fmt.Sprintf("restore checkpoint %d", t.spec.Checkpoint)
	case t.ready.recovering:
		return "recover sink"
	case t.writing.flushing:
		return "flush sink"
	case t.writing.committing:
		return "commit"
	}
	return "pre-commit"
}

// message handles a message from the TaskExecutor. Those of another attempt were
// dropped there.
func (t *Task) message(in *host.Input, out *host.Outbox) {
	switch m := in.Body.(type) {
	case Trigger:
		t.trigger(m, out)
	case NotifyComplete:
		t.notified(m, out)
	case NotifyAborted:
		t.aborted(m.Checkpoint)
	}
}

// finishIfDone ends the task when its last checkpoint is complete and committed
// (T4).
func (t *Task) finishIfDone(out *host.Outbox) {
	if !t.finals || t.state != Ended || len(t.writing.pending) > 0 || t.writing.committing != 0 {
		return
	}
	if t.sink != nil && !t.writing.tidy {
		t.tidyUp(out)
		return
	}
	if !t.closing {
		t.closing = true
		t.broadcast(stream.Event{Kind: stream.EndOfPartition})
		for i := range t.outputs {
			t.outputs[i].part.Drain(out)
		}
	}
	for i := range t.outputs {
		t.outputs[i].part.Close(out)
	}
	t.snaps.dropAll()
	t.setState(Finished, host.CauseNone, "", out)
	out.Exit()
}
