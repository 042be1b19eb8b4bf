package task

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/weirstream/weir/engine/barrier"
	"github.com/weirstream/weir/engine/channel"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/must"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
)

// snapshots are the checkpoints a task has begun and not yet acknowledged.
type snapshots struct {
	last      uint64 // newest checkpoint begun or given up
	aborted   uint64 // newest checkpoint that the JobManager gave up
	cancelled uint64 // newest checkpoint whose cancel marker was sent
	pending   []*pending
	account   snapshotAccount
}

// pending is one checkpoint of the task between its synchronous point and its ack.
type pending struct {
	checkpoint uint64
	unaligned  bool
	inputs     bool       // in-flight data of all channels is there
	outputs    bool       // the barrier has left the output queues, or overtaken
	preCommit  host.Token // 0 once done, or if there is no sink
	store      host.Token // 0 until the file is being written
	parts      []part     // by operator
	state      snapshot.TaskState
	in         [][]channel.Captured
	out        [][][]channel.Captured
	entry      snapshot.Task
}

// part is one operator's state: a snapshot to encode, or bytes.
type part struct {
	uid  string
	snap operator.Snapshot
	data []byte
	// owned are a sink's committables, known when the pre-commit has ended.
	owned []connect.Committable
	sink  bool
}

func (s *snapshots) find(match func(*pending) bool) *pending {
	for _, p := range s.pending {
		if match(p) {
			return p
		}
	}
	return nil
}

func (s *snapshots) drop(p *pending) {
	for i := range p.parts {
		if p.parts[i].snap != nil {
			p.parts[i].snap.Release()
			p.parts[i].snap = nil
			s.account.StatesReleased++
		}
	}
	s.account.Released += p.pinned()
	for i, q := range s.pending {
		if p == q {
			s.pending = append(s.pending[:i:i], s.pending[i+1:]...)
			return
		}
	}
}

// dropAll is called when the task is over. What a file is being written from goes
// with the task: it may be read until then.
func (s *snapshots) dropAll() {
	for _, p := range slices.Clone(s.pending) {
		if p.store == 0 {
			s.drop(p)
		}
	}
}

// barrier handles a barrier that has arrived on a channel, behind ahead records.
func (t *Task) barrier(ch int, e stream.Event, ahead uint64, out *host.Outbox) {
	text := ""
	if e.Unaligned && e.Timeout > 0 {
		text = host.Overtook
	}
	t.report(host.Event{
		Kind: host.BarrierIn, Checkpoint: e.Checkpoint, Channel: int32(ch),
		N: int64(t.gate.Taken(ch)), M: int64(ahead), Text: text,
	})
	t.offer(barrier.Barrier, ch, e, out)
}

// offer gives a barrier, or word of it, to who handles them.
func (t *Task) offer(kind barrier.InputKind, ch int, e stream.Event, out *host.Outbox) {
	in := barrier.Input{Kind: kind, Channel: ch, Checkpoint: e.Checkpoint, Unaligned: e.Unaligned, Time: e.Time, Timeout: e.Timeout}
	if t.state == Initializing {
		t.effects = t.barriers.Refuse(in, t.effects[:0])
		t.applyEffects(out)
		return
	}
	t.apply(in, out)
}

func (t *Task) apply(in barrier.Input, out *host.Outbox) {
	t.effects = t.barriers.Step(in, t.effects[:0])
	t.applyEffects(out)
	t.convert(out)
}

func (t *Task) applyEffects(out *host.Outbox) {
	for _, e := range t.effects {
		switch e.Kind {
		case barrier.Block:
			t.gate.Block(e.Channel)
			t.reportChannel(host.ChannelBlocked, e)
		case barrier.Unblock:
			t.gate.Unblock(e.Channel)
			t.reportChannel(host.ChannelUnblocked, e)
		case barrier.Capture:
			t.gate.Capture(e.Channel, e.Checkpoint, e.More)
		case barrier.Pass:
			t.gate.Pass(e.Channel)
		case barrier.Stop:
			t.gate.StopCapture(e.Channel)
		case barrier.Snapshot:
			t.snapshot(stream.Event{Kind: stream.Barrier, Checkpoint: e.Checkpoint, Unaligned: e.Unaligned, Time: e.Time, Timeout: e.Timeout}, out)
		case barrier.Complete:
			t.inputsDone(e.Checkpoint, out)
		case barrier.Abort:
			t.gate.Forget()
			t.decline(e.Checkpoint, e.Why, "", out)
		case barrier.StartTimer:
			t.align.start(t, e.Checkpoint, e.Time, e.Timeout, out)
		case barrier.StopTimer:
			t.align.stop(out)
		case barrier.Switch:
			t.switched(e)
		case barrier.Convert:
			t.converting = append(t.converting, e)
		}
	}
}

func (t *Task) reportChannel(k host.EventKind, e barrier.Effect) {
	t.report(host.Event{
		Kind: k, Channel: int32(e.Channel), Checkpoint: e.Checkpoint,
		N: int64(t.gate.Taken(e.Channel)), M: int64(t.gate.Arrived(e.Channel)),
	})
}

// trigger starts a checkpoint in a source task.
func (t *Task) trigger(m Trigger, out *host.Outbox) {
	if t.source == nil || m.Checkpoint <= t.snaps.last {
		return
	}
	if t.state == Initializing {
		t.decline(m.Checkpoint, barrier.NotReady, "", out)
		return
	}
	t.snapshot(stream.Event{Kind: stream.Barrier, Checkpoint: m.Checkpoint, Unaligned: m.Unaligned, Time: m.Time, Timeout: m.Timeout}, out)
	t.inputsDone(m.Checkpoint, out)
}

// snapshot is the synchronous point (T1): the barrier goes downstream and every
// part of the state is fixed.
func (t *Task) snapshot(barrier stream.Event, out *host.Outbox) {
	id, unaligned := barrier.Checkpoint, barrier.Unaligned
	if id <= t.snaps.aborted {
		t.giveUp(id)
		return
	}
	must.That(id > t.snaps.last, "B1: checkpoint %d after %d", id, t.snaps.last)
	t.snaps.last = id
	p := &pending{checkpoint: id, unaligned: unaligned, outputs: true}
	p.state.Ended, p.state.Watermark = t.state == Ended, t.watermark
	p.entry.Ended = p.state.Ended
	for i := range t.outputs {
		p.out = append(p.out, t.outputs[i].part.Broadcast(barrier))
	}
	overtook := int64(0)
	if unaligned {
		overtook = 1
	}
	t.report(host.Event{Kind: host.BarrierOut, Checkpoint: id, N: t.eventsOut(), M: overtook, Data: &snapshot.Positions{Out: t.emitted(p.out)}})
	t.fixChannels(p)
	t.fixOperators(p, out)
	t.snaps.pending = append(t.snaps.pending, p)
	if barrier.Timeoutable() && len(t.outputs) > 0 {
		p.outputs = false
		t.leave.start(t, id, barrier.Time, barrier.Timeout, out)
	}
	t.report(host.Event{Kind: host.SnapshotTaken, Checkpoint: id, N: t.eventsOut(), M: overtook, Data: t.view()})
}

// giveUp tells downstream, once, that a checkpoint's barrier will not come from here. The
// gate gives up what is under way there even if the task did so before.
func (t *Task) giveUp(id uint64) {
	t.snaps.last = max(t.snaps.last, id)
	if id <= t.snaps.cancelled {
		return
	}
	t.snaps.cancelled = id
	if len(t.outputs) > 0 {
		t.report(host.Event{Kind: host.CancelOut, Checkpoint: id})
	}
	t.broadcast(stream.Event{Kind: stream.CancelMarker, Checkpoint: id})
}

// fixChannels notes where the channels stand.
func (t *Task) fixChannels(p *pending) {
	ch := 0
	for _, e := range t.vertex.In {
		for i := range e.Channels(false) {
			p.state.In = append(p.state.In, snapshot.Channel{Record: t.gate.Taken(ch)})
			p.entry.In = append(p.entry.In, snapshot.ChannelPosition{
				Edge: e.Index, Peer: e.Peer(t.spec.ID.Subtask, i), Record: t.gate.Taken(ch),
			})
			ch++
		}
	}
	for i, o := range t.outputs {
		var cs []snapshot.Channel
		for sub := range o.part.Len() {
			cs = append(cs, snapshot.Channel{Record: o.part.Sent(sub)})
			pos := snapshot.ChannelPosition{Edge: o.edge.Index, Peer: o.edge.Peer(t.spec.ID.Subtask, sub), Record: o.part.Sent(sub)}
			if p.unaligned {
				pos.First, pos.InFlight = span(p.out[i][sub])
			}
			p.entry.Out = append(p.entry.Out, pos)
		}
		p.state.Out = append(p.state.Out, cs)
	}
}

// span is the first record and the number of records of in-flight data.
func span(cs []channel.Captured) (first, n uint64) {
	for i, c := range cs {
		if i == 0 {
			first = c.Batch.First() + uint64(c.From)
		}
		n += uint64(c.Records())
	}
	return first, n
}

// fixOperators takes the operators' snapshots and starts a sink's pre-commit.
func (t *Task) fixOperators(p *pending, out *host.Outbox) {
	for i, op := range t.operators {
		pt := part{uid: t.vertex.Chain[i].UID}
		switch op := op.(type) {
		case operator.Source:
			pt.data = encodeJSON(op.Splits())
			p.entry.Sources = op.Positions()
			n := int64(0)
			for _, s := range p.entry.Sources {
				n += s.Emitted
			}
			t.report(host.Event{Kind: host.SourcePosition, Checkpoint: p.checkpoint, N: n})
		case operator.Sink:
			pt.sink = true
			p.preCommit = t.token()
			out.Offload(p.preCommit, sinkLane, op.PreCommit(p.checkpoint))
		case operator.Stateful:
			pt.snap = op.Snapshot()
			t.snaps.account.States++
		}
		p.parts = append(p.parts, pt)
	}
}

func encodeJSON(v any) []byte {
	b, err := json.Marshal(v)
	must.That(err == nil, "encode state: %v", err)
	return b
}

// inputsDone is called when all barriers are here.
func (t *Task) inputsDone(id uint64, out *host.Outbox) {
	p := t.snaps.find(func(p *pending) bool { return p.checkpoint == id })
	if p == nil { // given up
		if t.gate != nil {
			t.gate.Forget()
		}
		return
	}
	p.inputs = true
	if p.unaligned {
		for ch := range p.state.In {
			cs := t.gate.TakeCaptured(ch)
			p.in = append(p.in, cs)
			p.entry.In[ch].First, p.entry.In[ch].InFlight = span(cs)
		}
	}
	t.store(p, out)
}

// store writes the task's file once everything that goes into it is there.
func (t *Task) store(p *pending, out *host.Outbox) {
	if !p.inputs || !p.outputs || p.preCommit != 0 || p.store != 0 {
		return
	}
	p.store = t.token()
	dir := snapshot.Dir(t.settings.CheckpointDir, p.checkpoint)
	file := fmt.Sprintf("task-%d-%d-%s", t.spec.ID.Vertex, t.spec.ID.Subtask, t.attempt)
	state, entry := p.state, p.entry
	parts := append([]part(nil), p.parts...)
	in, outs := p.in, p.out
	out.Offload(p.store, "", func(w host.Worker) (any, error) {
		entry.InFlight = encodeChannels(&state, in, outs)
		for _, pt := range parts {
			o := snapshot.Operator{UID: pt.uid, Data: pt.data}
			switch {
			case pt.sink:
				o.Data = encodeJSON(pt.owned)
			case pt.snap != nil:
				o.Data = pt.snap.Append(nil, w.Yield)
			}
			state.Operators = append(state.Operators, o)
		}
		var err error
		entry.File = file
		entry.Size, entry.Sum, err = snapshot.WriteTask(w.FS(), dir, file, &state)
		return entry, err
	})
}

// encodeChannels puts in-flight data into the state, in slices of its own, and
// returns its size in bytes.
func encodeChannels(s *snapshot.TaskState, in [][]channel.Captured, outs [][][]channel.Captured) int64 {
	bytes := int64(0)
	encode := func(c *snapshot.Channel, cs []channel.Captured) {
		if len(cs) > 0 {
			c.InFlight = channel.AppendCaptured(nil, cs)
			bytes += int64(len(c.InFlight))
		}
	}
	for ch, cs := range in {
		encode(&s.In[ch], cs)
	}
	for i, subs := range outs {
		for sub, cs := range subs {
			encode(&s.Out[i][sub], cs)
		}
	}
	return bytes
}

// stored ends the asynchronous part of a checkpoint (T2).
func (t *Task) stored(p *pending, in *host.Input, out *host.Outbox) {
	t.snaps.drop(p)
	if in.Err != nil && p.checkpoint <= t.snaps.aborted {
		return // its directory may be gone
	}
	if in.Err != nil {
		t.decline(p.checkpoint, 0, in.Err.Error(), out)
		return
	}
	entry := in.Body.(snapshot.Task)
	t.report(host.Event{Kind: host.SnapshotStored, Checkpoint: p.checkpoint, N: entry.Size, M: entry.InFlight, Data: &entry})
	out.Send(t.settings.JobManager, Ack{t.attempt, p.checkpoint, t.spec.ID, entry})
}

// decline gives a checkpoint up, tells the coordinator and, in its stead,
// everyone downstream.
func (t *Task) decline(id uint64, why barrier.Why, text string, out *host.Outbox) {
	if p := t.snaps.find(func(p *pending) bool { return p.checkpoint == id }); p != nil {
		t.snaps.drop(p)
	}
	d := Decline{t.attempt, id, t.spec.ID, why, text}
	t.report(host.Event{Kind: host.CheckpointDeclined, Checkpoint: id, Text: d.Reason()})
	if id >= t.snaps.last {
		t.giveUp(id)
	}
	out.Send(t.settings.JobManager, d)
}

// aborted is the JobManager's word that a checkpoint will not complete.
func (t *Task) aborted(id uint64) {
	t.snaps.aborted = max(t.snaps.aborted, id)
	t.report(host.Event{Kind: host.AbortNotified, Checkpoint: id})
	if p := t.snaps.find(func(p *pending) bool { return p.checkpoint == id }); p != nil && p.store == 0 {
		t.snaps.drop(p)
	}
}
