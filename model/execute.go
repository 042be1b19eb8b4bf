package model

import (
	"bytes"
	"fmt"

	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/stream"
)

// execution is one operator at work.
type execution struct {
	node   *graph.Node
	chains chains // nil if nobody asks by which keys records came
	watch  bool   // state is summed up as it changes
	out    []record
	sink   SinkOutput
	lines  Digest // of sink.Lines, if watched

	step      func(r record) // of a stateless operator
	tables    []*table       // by state, in the order of declaration
	process   *process
	processor graph.Processor

	clock   func() int64 // nil if the job may not ask
	at, of  int          // the record in work, from 1, of how many
	during  string       // what else is in work
	refusal error        // why the job has no reference output
}

// refused is the panic that takes a refusal through the user's function. The
// refusal holds also if the function recovers.
type refused struct{}

func (e *execution) refuse(format string, args ...any) {
	if e.refusal == nil {
		e.refusal = fmt.Errorf(" "+format+": %w", append(args, ErrNoReference)...)
	}
	panic(refused{})
}

// do calls f, which may run the user's functions, and makes an error of its panic.
func (e *execution) do(f func()) (err error) {
	defer func() {
		v := recover()
		switch {
		case e.refusal != nil:
			err = e.refusal
		case v != nil:
			err = e.failure(v)
		default:
			return
		}
		err = fmt.Errorf("operator %q%w", e.node.UID, err)
	}()
	f()
	return nil
}

func (e *execution) failure(v any) error {
	where := e.during
	if where == "" {
		where = fmt.Sprintf("record %d of %d", e.at, e.of)
	}
	if err, ok := v.(error); ok {
		return fmt.Errorf(", %s: %w", where, err)
	}
	return fmt.Errorf(", %s: panic: %v", where, v)
}

// open makes the operator's state.
func (e *execution) open() {
	switch e.node.Kind {
	case graph.Source:
	case graph.Reduce:
		e.declare(graph.ReducedState, e.node.Logic.Values)
	case graph.Process, graph.CoProcess:
		e.during = "opening"
		e.process = &process{execution: e, watermark: stream.NoTime}
		e.processor = e.node.Logic.Process(e.process.declare)
		e.during = ""
	default:
		e.step = e.stateless()
	}
}

// emitted is what a source hands out.
func (e *execution) emitted(rs []Record) {
	for _, r := range rs {
		e.out = append(e.out, record{value: r.Value, time: r.Time})
	}
}

// handle handles records, one after the other.
func (e *execution) handle(in []record) {
	e.of = len(in)
	switch e.node.Kind {
	case graph.Reduce:
		e.reduce(in)
	case graph.Process, graph.CoProcess:
		e.processAll(in)
	default:
		for i, r := range in {
			e.at = i + 1
			e.step(r)
		}
	}
}

// end is the end of the input.
func (e *execution) end() {
	if e.process != nil {
		e.process.tick()
		e.process.watermark = stream.MaxWatermark
		e.process.fire(nil)
	}
}

// stateless is what a stateless operator does with a record.
func (e *execution) stateless() func(r record) {
	logic := &e.node.Logic
	push := func(v any, r record) { e.out = append(e.out, record{value: v, time: r.time, keys: r.keys}) }
	switch e.node.Kind {
	case graph.Map:
		return func(r record) { push(logic.Map(r.value), r) }
	case graph.FlatMap:
		return func(r record) { logic.FlatMap(r.value, func(v any) { push(v, r) }) }
	case graph.Filter:
		return func(r record) {
			if logic.Filter(r.value) {
				push(r.value, r)
			}
		}
	case graph.Timestamps:
		return func(r record) {
			e.out = append(e.out, record{value: r.value, time: logic.Time(r.value), keys: r.keys})
		}
	case graph.Sink:
		if logic.Encode == nil {
			e.refuse("is a sink that can't say what it writes (it has no Encode method)")
		}
		var buf []byte
		return func(r record) {
			buf = logic.Encode(buf[:0], r.value)
			e.write(buf, r.keys)
		}
	}
	panic(fmt.Errorf("the interpreter knows no %s", e.node.Kind))
}

// write takes what a sink is given: lines, or a part of one.
func (e *execution) write(encoded []byte, keys *chain) {
	if !bytes.HasSuffix(encoded, []byte{'\n'}) {
		e.line(string(encoded), keys)
		return
	}
	for _, line := range Lines(encoded) {
		e.line(line, keys)
	}
}

func (e *execution) line(line string, keys *chain) {
	e.sink.Lines = append(e.sink.Lines, line)
	if e.watch {
		e.lines.AddLine(line)
		return
	}
	e.sink.Chains = append(e.sink.Chains, keys.String())
}

func (e *execution) reduce(in []record) {
	logic, state := &e.node.Logic, e.tables[0]
	for i, r := range in {
		e.at = i + 1
		key, v := logic.Key(r.value), r.value
		c := state.cell(key)
		if c.present {
			v = logic.Reduce(c.value, v)
		}
		state.set(key, c, v)
		e.out = append(e.out, record{value: v, time: r.time, keys: e.chains.through(r.keys, key)})
	}
}

func (e *execution) processAll(in []record) {
	p := e.process
	for i, r := range in {
		e.at = i + 1
		p.tick()
		key := e.node.Logic.Key
		if r.input == 1 {
			key = e.node.Logic.SecondKey
		}
		p.use(key(r.value), r.keys)
		e.processor.Process(p, r.input, p.key, r.value, r.time)
	}
}

// declare makes a state.
func (e *execution) declare(name string, values graph.Bytes) *table {
	t := &table{
		uid: e.node.UID, name: name, keys: e.node.Logic.Keys, values: values,
		watch: e.watch, seed: stateSeed(e.node.UID, name), cells: map[any]*cell{},
	}
	e.tables = append(e.tables, t)
	return t
}
