package scenarios

import (
	"encoding/binary"
	"fmt"

	"github.com/weirstream/weir/engine/channel"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/model"
)

// stored is a completed checkpoint as it is on disk, decoded.
type stored struct {
	meta  *snapshot.Metadata
	tasks []storedTask
}

// codecs finds codecs by name: the built-in ones, and a job's own.
type codecs map[string]codec.Untyped

// codecsOf collects the codecs of a job's keys and state.
func codecsOf(g *graph.Graph) codecs {
	cs := codecs{}
	add := func(b graph.Bytes) {
		if _, err := codec.Named(b.Codec); err != nil && b.Decode != nil {
			cs[b.Codec] = codec.Untyped{Size: func(src []byte) (int, error) {
				_, n, err := b.Decode(src)
				return n, err
			}}
		}
	}
	for _, n := range g.Nodes {
		add(n.Logic.Keys)
		add(n.Logic.Values)
		if n.Logic.Process != nil {
			n.Logic.Process(func(_ string, values graph.Bytes) graph.Slot {
				add(values)
				return noSlot{}
			})
		}
	}
	return cs
}

// noSlot is a state that is declared and not used.
type noSlot struct{}

func (noSlot) Get() (any, bool) { return nil, false }
func (noSlot) Set(any)          {}
func (noSlot) Clear()           {}

func (cs codecs) named(name string) (codec.Untyped, error) {
	if c, ok := cs[name]; ok {
		return c, nil
	}
	return codec.Named(name)
}

// storedTask is one task's file.
type storedTask struct {
	name   string
	vertex *graph.Vertex
	codecs codecs
	state  *snapshot.TaskState
	sum    sums
	flying []flight
}

// flight is the in-flight data of one end of a channel.
type flight struct {
	edge     *graph.PlanEdge
	producer bool
	batches  []stream.AnyBatch
}

// sums are the digests of a task's state: what keys have, timers among it, and splits.
type sums struct{ keyed, splits model.Digest }

// adder adds entries up.
type adder struct{ keyed, splits model.Summer }

func (a *adder) add(uid string, e operator.Entry) { a.sum(e.Kind, neutral(uid, e)) }

func (a *adder) sum(kind operator.EntryKind, e model.Entry) {
	if kind == operator.SplitPosition {
		a.splits.Add(e)
		return
	}
	a.keyed.Add(e)
}

func (a *adder) sums() sums { return sums{a.keyed.Digest, a.splits.Digest} }

// States of what has no name.
const (
	processingTimers = "(processing-time timers)"
	splitPositions   = "(splits)"
)

// neutral is an entry as the model knows it.
func neutral(uid string, e operator.Entry) model.Entry {
	state := e.State
	switch e.Kind {
	case operator.EventTimer:
		state = model.EventTimers
	case operator.ProcessingTimer:
		state = processingTimers
	case operator.SplitPosition:
		state = splitPositions
	}
	return model.Entry{UID: uid, State: state, Key: e.Key, Value: e.Value}
}

// readStored reads and decodes all files of a checkpoint, and compares positions and
// in-flight data with the metadata. It stops at the first file that can't be read.
func readStored(files fs.FS, root string, plan *graph.Plan, cs codecs, m *snapshot.Metadata) (st *stored, wrong []string) {
	st = &stored{meta: m}
	dir := snapshot.Dir(root, m.Checkpoint)
	for i, v := range m.Vertices {
		for subtask, entry := range v.Tasks {
			t := storedTask{name: plan.Vertices[i].Task(subtask), vertex: plan.Vertices[i], codecs: cs}
			var err error
			t.state, err = snapshot.ReadTask(files, dir, entry)
			if err == nil {
				err = t.decode(entry)
			}
			if err != nil {
				return nil, []string{fmt.Sprintf("checkpoint %d is complete, but the state of %s can't be read: %v", m.Checkpoint, t.name, err)}
			}
			for _, w := range t.compare(entry) {
				wrong = append(wrong, fmt.Sprintf("checkpoint %d, %s: %s", m.Checkpoint, t.name, w))
			}
			st.tasks = append(st.tasks, t)
		}
	}
	return st, wrong
}

// each calls yield for the entries of all operators.
func (t *storedTask) each(yield func(uid string, e operator.Entry)) error {
	if len(t.state.Operators) != len(t.vertex.Chain) {
		return fmt.Errorf("%d operators, the chain has %d", len(t.state.Operators), len(t.vertex.Chain))
	}
	for i, o := range t.state.Operators {
		n := t.vertex.Chain[i]
		if o.UID != n.UID {
			return fmt.Errorf("operator %q in place of %q", o.UID, n.UID)
		}
		err := task.StoredEntries(n.Kind, o, t.codecs.named, func(e operator.Entry) bool {
			yield(n.UID, e)
			return true
		})
		if err != nil {
			return fmt.Errorf("operator %q: %w", n.UID, err)
		}
	}
	return nil
}

// decode sums up state and takes in-flight data apart.
func (t *storedTask) decode(entry snapshot.Task) error {
	var a adder
	if err := t.each(a.add); err != nil {
		return err
	}
	t.sum = a.sums()
	outs := 0
	for _, o := range t.state.Out {
		outs += len(o)
	}
	if len(t.state.In) != len(entry.In) || outs != len(entry.Out) {
		return fmt.Errorf("%d input and %d output channels, the metadata has %d and %d", len(t.state.In), outs, len(entry.In), len(entry.Out))
	}
	for _, end := range t.ends(entry) {
		if len(end.channel.InFlight) == 0 {
			continue
		}
		bs, err := channel.DecodeCaptured(end.channel.InFlight, end.edge.Edge.Runtime.(operator.Edge).Type())
		if err != nil {
			return fmt.Errorf("%s: %w", end, err)
		}
		t.flying = append(t.flying, flight{end.edge, end.producer, bs})
	}
	return nil
}

// channelEnd is one end of a channel, in the file and in the metadata.
type channelEnd struct {
	edge     *graph.PlanEdge
	producer bool
	channel  snapshot.Channel
	position snapshot.ChannelPosition
}

func (e channelEnd) String() string {
	direction := "input from"
	if e.producer {
		direction = "output to"
	}
	peer := e.edge.From
	if e.producer {
		peer = e.edge.To
	}
	return fmt.Sprintf("%s %s", direction, peer.Task(e.position.Peer))
}

// ends are the channels in the order of the metadata.
func (t *storedTask) ends(entry snapshot.Task) []channelEnd {
	var ends []channelEnd
	for i := range entry.In {
		if e := edgeOf(t.vertex.In, entry.In[i].Edge); e != nil {
			ends = append(ends, channelEnd{e, false, t.state.In[i], entry.In[i]})
		}
	}
	n := 0
	for _, o := range t.state.Out {
		for _, c := range o {
			if e := edgeOf(t.vertex.Out, entry.Out[n].Edge); e != nil {
				ends = append(ends, channelEnd{e, true, c, entry.Out[n]})
			}
			n++
		}
	}
	return ends
}

func edgeOf(es []*graph.PlanEdge, index int) *graph.PlanEdge {
	for _, e := range es {
		if e.Index == index {
			return e
		}
	}
	return nil
}

// compare says where the file's channels differ from the metadata.
func (t *storedTask) compare(entry snapshot.Task) (wrong []string) {
	flying := t.flying
	ends := t.ends(entry)
	if n := len(entry.In) + len(entry.Out); len(ends) != n {
		wrong = append(wrong, fmt.Sprintf("%d of its %d channels are of edges that it has", len(ends), n))
	}
	for _, end := range ends {
		var bs []stream.AnyBatch
		if len(end.channel.InFlight) > 0 {
			bs, flying = flying[0].batches, flying[1:]
		}
		p := end.position
		if end.channel.Record != p.Record {
			wrong = append(wrong, fmt.Sprintf("%s: the file says record %d, the metadata %d", end, end.channel.Record, p.Record))
		}
		records, next := uint64(0), p.First
		for _, b := range bs {
			if b.First() != next {
				wrong = append(wrong, fmt.Sprintf("%s: in flight is record %d where %d must be", end, b.First(), next))
			}
			records, next = records+uint64(b.Len()), b.First()+uint64(b.Len())
		}
		if records != p.InFlight {
			wrong = append(wrong, fmt.Sprintf("%s: %d records are in flight, the metadata says %d", end, records, p.InFlight))
		}
	}
	return wrong
}

// keyed sums up what keys have in the whole checkpoint.
func (st *stored) keyed() model.Digest {
	var all model.Digest
	for i := range st.tasks {
		all = all.Plus(st.tasks[i].sum.keyed)
	}
	return all
}

// neutral are the entries of keys, for the model and for people.
func (st *stored) neutral() (all []model.Entry, typed []operator.Entry) {
	for i := range st.tasks {
		// It was decoded before.
		_ = st.tasks[i].each(func(uid string, e operator.Entry) {
			if e.Kind != operator.SplitPosition {
				all, typed = append(all, neutral(uid, e)), append(typed, e)
			}
		})
	}
	return all, typed
}

// committables are those that sinks had not committed.
func (st *stored) committables() ([]connect.Committable, error) {
	var all []connect.Committable
	for _, t := range st.tasks {
		for i, n := range t.vertex.Chain {
			if n.Kind != graph.Sink {
				continue
			}
			cs, err := task.StoredCommittables(t.state.Operators[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.name, err)
			}
			all = append(all, cs...)
		}
	}
	return all, nil
}

// copied is state as it was seen, in few pieces of memory: for each entry the number
// of its state, then key and value with their lengths.
type copied struct {
	states []copiedState
	bytes  []byte
}

type copiedState struct{ uid, state string }

func (c *copied) reset() { c.states, c.bytes = c.states[:0], c.bytes[:0] }

func (c *copied) add(e model.Entry) {
	n := len(c.states) - 1
	if n < 0 || c.states[n].uid != e.UID || c.states[n].state != e.State {
		c.states = append(c.states, copiedState{e.UID, e.State})
		n++
	}
	c.bytes = binary.AppendUvarint(c.bytes, uint64(n))
	for _, b := range [...][]byte{e.Key, e.Value} {
		c.bytes = append(binary.AppendUvarint(c.bytes, uint64(len(b))), b...)
	}
}

// entries takes it apart again.
func (c *copied) entries() []model.Entry {
	var all []model.Entry
	src := c.bytes
	take := func() uint64 {
		v, k := binary.Uvarint(src)
		src = src[k:]
		return v
	}
	for len(src) > 0 {
		s := c.states[take()]
		e := model.Entry{UID: s.uid, State: s.state}
		for _, b := range []*[]byte{&e.Key, &e.Value} {
			n := take()
			*b, src = src[:n:n], src[n:]
		}
		all = append(all, e)
	}
	return all
}
