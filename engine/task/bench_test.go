package task

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
)

var (
	attempt = stream.Attempt{Epoch: 1, Number: 2}
	texts   = &stream.Of[string]{Codec: codec.String{}}
)

func settings() *Settings {
	return &Settings{
		Job: "job", JobManager: host.Address{Node: "jm", Name: "jm"}, Chaining: true,
		Quantum: 10, BatchRecords: 4, ChannelBuffers: 2, OutputBuffers: 2,
		BufferTimeout: time.Millisecond, WatermarkInterval: time.Second, CheckpointDir: "chk",
		HeartbeatInterval: time.Second, Slots: 2,
	}
}

// job is two sources and behind them, in one chain, concatenation by key, mapped
// and sink.
func job(mapped operator.Operator, sink connect.Sink[string]) *graph.Graph {
	runtime := func(op operator.Operator) operator.Runtime {
		return operator.Runtime{New: func() operator.Operator { return op }}
	}
	node := func(uid string, kind graph.Kind, parallelism int, op operator.Operator) *graph.Node {
		return &graph.Node{UID: uid, Kind: kind, Parallelism: parallelism, MaxParallelism: 128, Runtime: runtime(op), Out: texts}
	}
	key := func(v string) string { return v[:1] }
	src := node("src", graph.Source, 2, nil)
	count := node("count", graph.Reduce, 1, &operator.ReduceOperator[string, string]{
		KeyOf: key, F: func(acc, v string) string { return acc + v[1:] }, Keys: codec.String{}, Values: codec.String{},
	})
	count.Inputs = []*graph.Edge{{From: src, Partitioner: graph.Hash, Runtime: operator.Edge(operator.HashEdge(texts, key, codec.Codec[string](codec.String{})))}}
	forward := func(from *graph.Node) []*graph.Edge {
		return []*graph.Edge{{From: from, Partitioner: graph.Forward, Runtime: operator.Edge(&operator.TypedEdge[string]{Of: texts})}}
	}
	m := node("map", graph.Map, 1, mapped)
	m.Inputs = forward(count)
	out := node("sink", graph.Sink, 1, &operator.SinkOperator[string]{Sink: sink})
	out.Inputs = forward(m)
	return &graph.Graph{Nodes: []*graph.Node{src, count, m, out}}
}

// same is a map that changes nothing.
func same() operator.Operator {
	return &operator.MapOperator[string, string]{F: func(v string) string { return v }}
}

// ledger is a sink that writes down what it is asked for.
type ledger struct{ written, log []string }

func (l *ledger) Writer(connect.SinkContext) connect.Writer[string] { return l }

func (l *ledger) Recover(restored []connect.Committable) host.Work {
	l.log = append(l.log, fmt.Sprintf("recover %s", tokens(restored)))
	return func(host.Worker) (any, error) { return connect.Recovered{}, nil }
}

func (l *ledger) Write(v string, _ int64) { l.written = append(l.written, v) }
func (l *ledger) Full() bool              { return false }
func (l *ledger) Flush() host.Work        { return nil }
func (l *ledger) Flushed()                {}

func (l *ledger) PreCommit(checkpoint uint64) host.Work {
	return func(host.Worker) (any, error) {
		return []connect.Committable{{Checkpoint: checkpoint, Token: fmt.Sprint("t", checkpoint)}}, nil
	}
}

func (l *ledger) Commit(cs []connect.Committable) host.Work {
	l.log = append(l.log, fmt.Sprintf("commit %s", tokens(cs)))
	return func(host.Worker) (any, error) { return nil, nil }
}

func tokens(cs []connect.Committable) []string {
	names := []string{}
	for _, c := range cs {
		names = append(names, c.Token)
	}
	return names
}

// bench drives one actor on node tm1.
type bench struct {
	actor  host.Actor
	files  disk
	sent   []any    // messages
	others []string // effects that are neither sent nor offloaded nor timers
	works  []host.Effect
	events []host.Event
	more   bool
}

// Self implements host.Env, as do the two below.
func (b *bench) Self() host.Address { return host.Address{Node: "tm1", Name: "test"} }

func (b *bench) Rand(string) *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func (b *bench) Listener() host.Listener { return b }

// On implements host.Listener.
func (b *bench) On(e *host.Event) { b.events = append(b.events, *e) }

// FS implements host.Worker.
func (b *bench) FS() fs.FS { return b.files }

func (b *bench) Yield() {}

// input gives the actor an input, and then the time to do what it can.
func (b *bench) input(in host.Input) {
	b.step(in)
	for b.more {
		b.step(host.Input{Kind: host.GoOn})
	}
}

func (b *bench) step(in host.Input) {
	var out host.Outbox
	b.more = false
	b.actor.Step(host.Now{Mono: time.Second, Wall: int64(time.Hour)}, &in, &out)
	b.more = out.More
	for _, e := range out.Effects {
		switch e.Kind {
		case host.Send:
			b.sent = append(b.sent, e.Body)
		case host.Offload:
			b.works = append(b.works, e)
		case host.SetTimer, host.Grant, host.Open:
		case host.Spawn, host.Stop:
			b.others = append(b.others, e.Kind.String()+" "+e.Lane)
		default:
			b.others = append(b.others, e.Kind.String())
		}
	}
}

func (b *bench) message(body any) { b.input(host.Input{Kind: host.Message, Body: body}) }

// work runs the oldest work and hands the result back.
func (b *bench) work() {
	e := b.works[0]
	b.works = b.works[1:]
	body, err := e.Work(b)
	b.input(host.Input{Kind: host.Done, Token: e.Token, Body: body, Err: err})
}

func (b *bench) allWork() {
	for len(b.works) > 0 {
		b.work()
	}
}

// data brings records on a channel, the first of which has a running number.
func (b *bench) data(ch int, first uint64, records ...string) {
	batch := texts.New(len(records))
	for _, v := range records {
		batch.Add(v, stream.NoTime)
	}
	batch.SetFirst(first)
	b.input(host.Input{Kind: host.FrameIn, Wire: host.Wire(ch), Frame: host.Frame{Data: true, Body: stream.AnyBatch(batch), Size: 1}})
}

func (b *bench) event(ch int, e stream.Event) {
	b.input(host.Input{Kind: host.FrameIn, Wire: host.Wire(ch), Frame: host.Frame{Body: e, Size: 1}})
}

// barriers brings a checkpoint's barrier on both channels.
func (b *bench) barriers(id uint64) {
	for ch := range 2 {
		b.event(ch, stream.Event{Kind: stream.Barrier, Checkpoint: id})
	}
}

// last is the last message that was sent, of type T.
func last[T any](t *testing.T, b *bench) T {
	t.Helper()
	require.NotEmpty(t, b.sent)
	m, ok := b.sent[len(b.sent)-1].(T)
	require.True(t, ok, "sent %T", b.sent[len(b.sent)-1])
	return m
}

// started is the sink's task, restored from a checkpoint if spec names one.
func started(mapped operator.Operator, sink connect.Sink[string], spec Spec, files disk) *bench {
	b := &bench{files: files}
	spec.ID = ID{Vertex: 1}
	b.actor = newTask(b, settings(), attempt, spec, [][]string{{"tm1", "tm2"}, {"tm1"}}, job(mapped, sink).Plan(true).Part(spec.ID.Vertex))
	b.input(host.Input{Kind: host.Start})
	return b
}

// running is the sink's task, with nothing under way.
func running(t *testing.T, mapped operator.Operator, sink connect.Sink[string]) *bench {
	t.Helper()
	b := started(mapped, sink, Spec{}, disk{})
	b.allWork()
	require.Equal(t, Running, last[Status](t, b).State)
	b.input(host.Input{Kind: host.WireUp, Wire: 0})
	b.input(host.Input{Kind: host.WireUp, Wire: 1})
	return b
}

// disk is files that are always durable.
type disk map[string][]byte

func (d disk) Open(name string) (fs.File, error) {
	if _, ok := d[name]; !ok {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return &diskFile{d, name}, nil
}

func (d disk) Create(name string) (fs.File, error) {
	d[name] = nil
	return &diskFile{d, name}, nil
}

func (d disk) CreateNew(name string) (fs.File, error) { return d.Create(name) }
func (d disk) Append(name string) (fs.File, error)    { return d.Open(name) }
func (d disk) MkdirAll(string) error                  { return nil }
func (d disk) List(string) ([]fs.Info, error)         { return nil, nil }
func (d disk) Stat(string) (fs.Info, error)           { return fs.Info{}, nil }
func (d disk) SyncDir(string) error                   { return nil }

func (d disk) Rename(old, new string) error {
	d[new] = d[old]
	return d.Remove(old)
}

func (d disk) Remove(name string) error {
	delete(d, name)
	return nil
}

type diskFile struct {
	d    disk
	name string
}

func (f *diskFile) ReadAt(p []byte, off int64) (int, error) { return copy(p, f.d[f.name][off:]), nil }
func (f *diskFile) Size() (int64, error)                    { return int64(len(f.d[f.name])), nil }
func (f *diskFile) Sync() error                             { return nil }
func (f *diskFile) Close() error                            { return nil }

func (f *diskFile) Write(p []byte) (int, error) {
	f.d[f.name] = append(f.d[f.name], p...)
	return len(p), nil
}

// stored reads the task's file that an ack names.
func stored(t *testing.T, b *bench, a Ack) *snapshot.TaskState {
	t.Helper()
	s, err := snapshot.ReadTask(b.files, snapshot.Dir("chk", a.Checkpoint), a.Task)
	require.NoError(t, err)
	return s
}
