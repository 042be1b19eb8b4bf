package task

import (
	"github.com/weirstream/weir/engine/channel"
	"github.com/weirstream/weir/engine/snapshot"
)

// Account is what a task holds of what it has to give back: batches, credits, pinned
// batches and snapshots of state.
type Account struct {
	Input  channel.InputAccount
	Output channel.OutputAccount // of all edges
	// Released are the pinned batches that checkpoints let go, Writing those of
	// checkpoints whose file is being written.
	Released, Writing int64
	// States are the snapshots of keyed state that were taken, StatesReleased those
	// let go, StatesWriting those whose file is being written.
	States, StatesReleased, StatesWriting int64
}

// snapshotAccount counts what checkpoints of a task hold.
type snapshotAccount struct{ Released, States, StatesReleased int64 }

// account is how the task stands.
func (t *Task) account() *Account {
	s := &t.snaps
	a := &Account{Released: s.account.Released, States: s.account.States, StatesReleased: s.account.StatesReleased}
	if t.gate != nil {
		a.Input = t.gate.Account()
	}
	for i := range t.outputs {
		a.Output.Add(t.outputs[i].part.Account())
	}
	for _, p := range s.pending {
		if p.store == 0 {
			continue
		}
		a.Writing += p.pinned()
		for i := range p.parts {
			if p.parts[i].snap != nil {
				a.StatesWriting++
			}
		}
	}
	return a
}

// pinned is the number of batches that a checkpoint keeps in memory.
func (p *pending) pinned() int64 {
	n := 0
	for _, cs := range p.in {
		n += len(cs)
	}
	for _, subs := range p.out {
		for _, cs := range subs {
			n += len(cs)
		}
	}
	return int64(n)
}

// taken is where the input channels stand: what was taken from each, and what waits
// in its queue.
func (t *Task) taken() []snapshot.ChannelPosition {
	if t.gate == nil {
		return nil
	}
	in := make([]snapshot.ChannelPosition, 0, len(t.gate.Channels))
	for _, e := range t.vertex.In {
		for i := range e.Channels(false) {
			ch := len(in)
			taken := t.gate.Taken(ch)
			in = append(in, snapshot.ChannelPosition{
				Edge: e.Index, Peer: e.Peer(t.spec.ID.Subtask, i), Record: taken, First: taken, InFlight: t.gate.Arrived(ch) - taken,
			})
		}
	}
	return in
}

// emitted is what was emitted into each output channel, with the in-flight data
// that a barrier overtook, nil for none.
func (t *Task) emitted(over [][][]channel.Captured) []snapshot.ChannelPosition {
	n := 0
	for i := range t.outputs {
		n += t.outputs[i].part.Len()
	}
	out := make([]snapshot.ChannelPosition, 0, n)
	for i, o := range t.outputs {
		for sub := range o.part.Len() {
			p := snapshot.ChannelPosition{Edge: o.edge.Index, Peer: o.edge.Peer(t.spec.ID.Subtask, sub), Record: o.part.Emitted(sub)}
			if over != nil && over[i] != nil {
				p.First, p.InFlight = span(over[i][sub])
			}
			out = append(out, p)
		}
	}
	return out
}

// restored is emitted with what a checkpoint put into the output queues.
func (t *Task) restored() []snapshot.ChannelPosition {
	out := t.emitted(nil)
	ch := 0
	for _, o := range t.outputs {
		for sub := range o.part.Len() {
			out[ch].InFlight = o.part.Waiting(sub)
			out[ch].First = out[ch].Record - out[ch].InFlight
			ch++
		}
	}
	return out
}

// eventsOut is the number of events that were sent on all outputs.
func (t *Task) eventsOut() int64 {
	n := int64(0)
	for i := range t.outputs {
		n += t.outputs[i].part.Events()
	}
	return n
}
