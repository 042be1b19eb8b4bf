package model

import (
	"encoding/binary"
	"fmt"

	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/stream"
)

// Interpreter computes what a job holds as state and has output when certain records
// are through, and then some more. It is [Interpret] in steps, with the same limits,
// which must hold for the state as well: at a cut both must not depend on the order
// between channels. State and timers can be given, and records that are in flight, so
// that it also says what comes of a snapshot.
//
// Which timers have fired by a cut depends on watermarks; the interpreter is told by
// those that the snapshot still has. Firing them late must make no difference.
type Interpreter struct {
	graph *graph.Graph
	ops   []*execution
	fed   [][]record // by operator
}

// NewInterpreter makes one that has seen nothing. The error is as of [Interpret]; every
// key and state must have a codec.
func NewInterpreter(g *graph.Graph) (*Interpreter, error) {
	it := &Interpreter{graph: g, fed: make([][]record, len(g.Nodes))}
	for _, n := range g.Nodes {
		e := &execution{node: n, watch: true}
		e.sink.UID = n.UID
		if err := e.do(e.open); err != nil {
			return nil, err
		}
		for _, t := range e.tables {
			if t.keys.Append == nil || t.values.Append == nil {
				return nil, fmt.Errorf("operator %q, state %q: has no codec", n.UID, t.name)
			}
		}
		it.ops = append(it.ops, e)
	}
	return it, nil
}

func (it *Interpreter) op(uid string) (int, *execution) {
	for i, e := range it.ops {
		if e.node.UID == uid {
			return i, e
		}
	}
	return 0, nil
}

// Feed gives a source its next records. They are handled by Run.
func (it *Interpreter) Feed(source string, rs []Record) error {
	_, e := it.op(source)
	if e == nil || e.node.Kind != graph.Source {
		return fmt.Errorf("the job has no source %q", source)
	}
	e.emitted(rs)
	return nil
}

// FeedChannel gives the consumer of an edge records that are in flight on one of its
// channels, the next ones there.
func (it *Interpreter) FeedChannel(consumer string, e *graph.Edge, rs []Record) error {
	i, op := it.op(consumer)
	if op == nil || op.node.Kind == graph.Source {
		return fmt.Errorf("the job has no operator %q that is given records", consumer)
	}
	for _, r := range rs {
		it.fed[i] = append(it.fed[i], record{value: r.Value, time: r.Time, input: e.Input})
	}
	return nil
}

// Load gives the job an entry of state, or a timer, before it is fed.
func (it *Interpreter) Load(entry Entry) error {
	_, e := it.op(entry.UID)
	if e == nil {
		return fmt.Errorf("the job has no operator %q", entry.UID)
	}
	if e.node.Logic.Keys.Decode == nil {
		return fmt.Errorf("operator %q has no keys", entry.UID)
	}
	key, n, err := e.node.Logic.Keys.Decode(entry.Key)
	if err != nil || n != len(entry.Key) {
		return fmt.Errorf("operator %q, state %q: key %x can't be decoded: %v", entry.UID, entry.State, entry.Key, err)
	}
	if entry.State == EventTimers && e.process != nil {
		at, n := binary.Varint(entry.Value)
		if n != len(entry.Value) {
			return fmt.Errorf("operator %q: %x is no time of a timer", entry.UID, entry.Value)
		}
		e.process.timers.set(timerID{at, key})
		return nil
	}
	for _, t := range e.tables {
		if t.name == entry.State {
			v, n, err := t.values.Decode(entry.Value)
			if err != nil || n != len(entry.Value) {
				return fmt.Errorf("operator %q, state %q: value %x can't be decoded: %v", entry.UID, entry.State, entry.Value, err)
			}
			t.set(key, t.cell(key), v)
			return nil
		}
	}
	return fmt.Errorf("operator %q has no state %q", entry.UID, entry.State)
}

// Run handles what was fed. Of the timers it fires those that are not pending, at the
// operator's turn; of a nil pending, none.
func (it *Interpreter) Run(pending func(timer Entry) bool) error {
	results := make(map[*graph.Node][]record, len(it.ops))
	for i, e := range it.ops {
		if e.node.Kind != graph.Source {
			in := it.fed[i]
			if from := received(e.node, results); len(in) == 0 {
				in = from
			} else {
				in = append(in, from...)
			}
			it.fed[i] = nil
			if err := e.do(func() { e.handle(in); it.fire(e, pending) }); err != nil {
				return err
			}
		}
		results[e.node] = e.out
		e.out = nil
	}
	return nil
}

func (it *Interpreter) fire(e *execution, pending func(timer Entry) bool) {
	if e.process == nil || pending == nil || len(e.process.timers.live) == 0 {
		return
	}
	e.process.fire(func(id timerID) bool { return pending(e.timer(id)) })
}

// timer is a timer as an entry, good until the next call.
func (e *execution) timer(id timerID) Entry {
	buf := e.node.Logic.Keys.Append(nil, id.key)
	n := len(buf)
	buf = timerValue(buf, id.at)
	return Entry{e.node.UID, EventTimers, buf[:n:n], buf[n:]}
}

// State is the digest of all state, timers among it.
func (it *Interpreter) State() Digest {
	var all Summer
	for _, e := range it.ops {
		for _, t := range e.tables {
			all.Digest = all.Plus(t.digest())
		}
		e.timers(all.Add)
	}
	return all.Digest
}

func (e *execution) timers(yield func(Entry)) {
	if e.process == nil {
		return
	}
	for id := range e.process.timers.live { // unordered: so it is said
		yield(e.timer(id))
	}
}

// Entries is all state, timers among it, in no particular order.
func (it *Interpreter) Entries() []Entry {
	var all []Entry
	keep := func(e Entry) {
		e.Key, e.Value = append([]byte(nil), e.Key...), append([]byte(nil), e.Value...)
		all = append(all, e)
	}
	for _, e := range it.ops {
		for _, t := range e.tables {
			t.each(keep)
		}
		e.timers(keep)
	}
	return all
}

// Lines is what a sink has been given so far, and its digest.
func (it *Interpreter) Lines(sink string) ([]string, Digest) {
	_, e := it.op(sink)
	if e == nil {
		return nil, Digest{}
	}
	return e.sink.Lines, e.lines
}

// LineRecords are the lines of a text whose first byte is in [start, next), as records
// without a time. Start may be in a line, which belongs to whoever has its first byte.
func LineRecords(data []byte, start, next int64) []Record {
	next = min(next, int64(len(data)))
	for start > 0 && start < next && data[start-1] != '\n' {
		start++
	}
	if start >= next {
		return nil
	}
	var rs []Record
	for _, line := range Lines(data[start:next]) {
		rs = append(rs, Record{line, stream.NoTime})
	}
	return rs
}
