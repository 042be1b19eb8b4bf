package task

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/weirstream/weir/engine/barrier"
	"github.com/weirstream/weir/engine/channel"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
)

func isCorrupt(err error) bool {
	return errors.Is(err, fs.ErrCorrupt) || errors.Is(err, fs.ErrNotExist)
}

// start builds the chain and reads the state back, if there is any.
func (t *Task) start(out *host.Outbox) {
	if err := t.build(); err != nil {
		t.fail(host.CauseUser, err, out)
		return
	}
	if t.spec.Checkpoint == 0 {
		t.open(nil, out)
		return
	}
	t.ready.restoring = t.token()
	dir, part := t.spec.Dir, t.spec.Restore
	out.Offload(t.ready.restoring, "", func(w host.Worker) (any, error) {
		return snapshot.ReadTask(w.FS(), dir, part)
	})
}

// build makes the operators, gate and partitions.
func (t *Task) build() error {
	v := t.vertex
	t.operators = make([]operator.Operator, len(v.Chain))
	t.timed = make([]operator.Timed, len(v.Chain))
	for i, n := range v.Chain {
		op := n.Runtime.(operator.Runtime).New()
		if err := op.Open(&t.env, n.UID, n.MaxParallelism); err != nil {
			return fmt.Errorf("operator %q: %w", n.UID, err)
		}
		t.operators[i] = op
		t.timed[i], _ = op.(operator.Timed)
		if m, ok := op.(operator.Watermarker); ok {
			t.marks = append(t.marks, m)
		}
	}
	t.source, _ = t.operators[0].(operator.Source)
	t.sink, _ = t.operators[len(t.operators)-1].(operator.Sink)
	next := t.buildOutputs()
	for i := len(t.operators) - 1; i >= 0; i-- {
		next = t.operators[i].Bind(next)
	}
	t.buildInputs(next)
	return nil
}

func (t *Task) buildOutputs() any {
	pushes := make([]any, 0, len(t.vertex.Out))
	var first operator.Edge
	for _, e := range t.vertex.Out {
		edge := e.Edge.Runtime.(operator.Edge)
		part := channel.NewResultPartition(e.Channels(true), max(t.settings.OutputBuffers, 1))
		push, open := edge.Writer(&t.env, operator.OutputSpec{
			Partition: part, BatchRecords: t.settings.BatchRecords,
			Parallelism: e.To.Parallelism, MaxParallelism: e.To.Head().MaxParallelism,
		})
		t.outputs = append(t.outputs, output{edge: e, part: part, open: open})
		pushes = append(pushes, push)
		first = edge
	}
	switch len(pushes) {
	case 0:
		return nil
	case 1:
		return pushes[0]
	}
	return first.Tee(pushes)
}

func (t *Task) buildInputs(head any) {
	var types []stream.Type
	for _, e := range t.vertex.In {
		edge := e.Edge.Runtime.(operator.Edge)
		push := head
		if inputs, ok := head.(operator.Inputs); ok {
			push = inputs[e.Edge.Input]
		}
		feed := edge.Feed(&t.env, push)
		for range e.Channels(false) {
			types = append(types, edge.Type())
			t.feeds = append(t.feeds, feed)
		}
	}
	wires := host.Wire(len(types))
	for i := range t.outputs {
		t.outputs[i].base = wires
		wires += host.Wire(t.outputs[i].part.Len())
	}
	if len(types) > 0 {
		t.gate = channel.NewInputGate(types, t.settings.ChannelBuffers)
		if t.settings.AtLeastOnce {
			t.barriers = barrier.NewTracker(len(types), t.spec.Checkpoint)
		} else {
			t.barriers = barrier.NewGate(len(types), t.spec.Checkpoint)
		}
	}
}

// open restores the state, opens the wires and starts what must be ready before
// the first record.
func (t *Task) open(s *snapshot.TaskState, out *host.Outbox) {
	splits, restored := t.spec.Splits, []connect.Committable(nil)
	if s != nil {
		if err := t.restore(s, &splits, &restored); err != nil {
			t.fail(host.CauseCorrupt, fmt.Errorf("restore %s from %s: %w", t.name, t.spec.Dir, err), out)
			return
		}
	}
	t.openWires(out)
	if t.source != nil {
		if err := t.source.OpenSplits(splits); err != nil {
			t.fail(causeOf(err), err, out)
			return
		}
	}
	if t.sink != nil {
		t.writing.pending = restored
		t.ready.recovering = t.token()
		out.Offload(t.ready.recovering, sinkLane, t.sink.Recover(restored))
		return
	}
	t.run(out)
}

// run is called when nothing is missing any more.
func (t *Task) run(out *host.Outbox) {
	t.setState(Running, host.CauseNone, "", out)
	if len(t.marks) > 0 {
		t.timers.watermark = t.token()
		out.SetTimer(t.timers.watermark, t.settings.WatermarkInterval)
	}
}

func (t *Task) openWires(out *host.Outbox) {
	self := t.host.Self()
	ch := 0
	for _, e := range t.vertex.In {
		for i := range e.Channels(false) {
			from := e.Peer(t.spec.ID.Subtask, i)
			id := t.wireID(e.Index, from, t.spec.ID.Subtask)
			t.gate.Open(out, ch, host.Wire(ch), id, self, t.peer(e.From.Index, from))
			ch++
		}
	}
	for _, o := range t.outputs {
		for sub := range o.part.Len() {
			to := o.edge.Peer(t.spec.ID.Subtask, sub)
			id := t.wireID(o.edge.Index, t.spec.ID.Subtask, to)
			o.part.Open(out, sub, o.base+host.Wire(sub), id, self, t.peer(o.edge.To.Index, to))
		}
	}
}

func (t *Task) wireID(edge, from, to int) host.WireID {
	return host.WireID{Epoch: t.attempt.Epoch, Number: t.attempt.Number, Edge: uint32(edge), From: uint32(from), To: uint32(to)}
}

func (t *Task) peer(vertex, subtask int) host.Address {
	return host.Address{Node: t.nodes[vertex][subtask], Name: taskActor(t.attempt, ID{vertex, subtask})}
}

func taskActor(a stream.Attempt, id ID) string {
	return "task-" + strconv.Itoa(id.Vertex) + "-" + strconv.Itoa(id.Subtask) + "@" + a.String()
}

// restore puts a snapshot's contents into channels and operators.
func (t *Task) restore(s *snapshot.TaskState, splits *[]connect.Split, pending *[]connect.Committable) error {
	t.watermark = stream.NoTime // the sources make watermarks anew
	bytes, records, err := t.restoreChannels(s)
	if err != nil {
		return err
	}
	if len(s.Operators) != len(t.operators) {
		return fmt.Errorf("%d operators in the snapshot, %d in the chain", len(s.Operators), len(t.operators))
	}
	for i, o := range s.Operators {
		if uid := t.vertex.Chain[i].UID; uid != o.UID {
			return fmt.Errorf("operator %q in the snapshot, %q in the chain", o.UID, uid)
		}
		switch op := t.operators[i].(type) {
		case operator.Source:
			err = json.Unmarshal(o.Data, splits)
		case operator.Sink:
			err = json.Unmarshal(o.Data, pending)
		case operator.Stateful:
			err = op.Restore(o.Data)
		}
		if err != nil {
			return fmt.Errorf("state of %q: %w", o.UID, err)
		}
	}
	t.report(host.Event{
		Kind: host.Restored, Checkpoint: t.spec.Checkpoint, N: bytes, M: records,
		Data: &snapshot.Positions{In: t.taken(), Out: t.restored()},
	})
	return nil
}

func (t *Task) restoreChannels(s *snapshot.TaskState) (bytes, records int64, err error) {
	if len(s.In) != len(t.feeds) || len(s.Out) != len(t.outputs) {
		return 0, 0, fmt.Errorf("%d input channels and %d outputs in the snapshot, %d and %d in the job",
			len(s.In), len(s.Out), len(t.feeds), len(t.outputs))
	}
	ch := 0
	for _, e := range t.vertex.In {
		for range e.Channels(false) {
			bs, err := inFlight(s.In[ch], e.Edge.Runtime.(operator.Edge).Type())
			if err != nil {
				return 0, 0, fmt.Errorf("input channel %d: %w", ch, err)
			}
			t.gate.Restore(ch, s.In[ch].Record, bs)
			if t.spec.Repeats {
				t.gate.Repeat(ch)
			}
			bytes, records = bytes+int64(len(s.In[ch].InFlight)), records+count(bs)
			ch++
		}
	}
	for i, o := range t.outputs {
		if len(s.Out[i]) != o.part.Len() {
			return 0, 0, fmt.Errorf("output %d has %d channels in the snapshot, %d in the job", i, len(s.Out[i]), o.part.Len())
		}
		for sub, c := range s.Out[i] {
			bs, err := inFlight(c, o.edge.Edge.Runtime.(operator.Edge).Type())
			if err != nil {
				return 0, 0, fmt.Errorf("output %d channel %d: %w", i, sub, err)
			}
			o.part.RestoreSent(sub, c.Record)
			for _, b := range bs {
				o.part.QueueRestored(sub, b)
			}
			bytes, records = bytes+int64(len(c.InFlight)), records+count(bs)
		}
	}
	return bytes, records, nil
}

func inFlight(c snapshot.Channel, t stream.Type) ([]stream.AnyBatch, error) {
	if len(c.InFlight) == 0 {
		return nil, nil
	}
	return channel.DecodeCaptured(c.InFlight, t)
}

func count(bs []stream.AnyBatch) int64 {
	n := 0
	for _, b := range bs {
		n += b.Len()
	}
	return int64(n)
}
