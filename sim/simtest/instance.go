package simtest

import (
	"fmt"
	"slices"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/stream"
)

// instance is an operator of the engine as a task has it, of one subtask.
type instance struct {
	uid  string
	op   operator.Operator
	env  *operator.Env
	take []func(v any, ts int64) error
	out  []string
	// tight lets the operator be interrupted after each record of output.
	tight bool
}

// nowhere is the end of the described job; the harness takes records before it.
type nowhere[U any] struct{}

func (nowhere[U]) Writer(connect.SinkContext) connect.Writer[U] { return nil }

// handed is its beginning: the harness hands records to the operator itself.
type handed[T any] struct{}

func (handed[T]) Splits(host.Worker, int) ([]connect.Split, error) { return nil, nil }
func (handed[T]) Reader() connect.Reader[T]                        { return nil }

func given[T any](j *engine.Job, uid string, c codec.Codec[T]) engine.Stream[T] {
	if c == nil {
		return engine.FromSource(j, uid, handed[T]{})
	}
	return engine.FromSource(j, uid, handed[T]{}, engine.WithCodec(c))
}

// newInstance describes the operator afresh and opens it, given a taker for each input.
func newInstance[U any](describe func(j *engine.Job) engine.Stream[U], takers ...func(push any) func(v any, ts int64) error) (*instance, error) {
	config := engine.DefaultConfig()
	config.Parallelism = 1
	g, err := engine.Describe(config, func(j *engine.Job) { engine.ToSink(describe(j), "nowhere", nowhere[U]{}) })
	if err != nil {
		return nil, fmt.Errorf("simtest: %w", err)
	}
	var nodes []*graph.Node
	for _, n := range g.Nodes {
		if n.Kind != graph.Source && n.Kind != graph.Sink {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) != 1 {
		return nil, fmt.Errorf("simtest: Of adds %s; it must add one", count(len(nodes), "operator"))
	}
	n := nodes[0]
	in := &instance{uid: n.UID, op: n.Runtime.(operator.Runtime).New(), env: &operator.Env{Parallelism: 1}}
	if err := in.op.Open(in.env, n.UID, n.MaxParallelism); err != nil {
		return nil, fmt.Errorf("simtest: operator %q: %w", n.UID, err)
	}
	bound := in.op.Bind(stream.Push[U](func(u U, _ int64) {
		in.out = append(in.out, shownAs(u))
		in.env.Stop = in.env.Stop || in.tight
	}))
	pushes, ok := bound.(operator.Inputs)
	if !ok {
		pushes = operator.Inputs{bound}
	}
	if len(pushes) != len(takers) {
		return nil, fmt.Errorf("simtest: operator %q has %s; it must have %d", n.UID, count(len(pushes), "input"), len(takers))
	}
	for i, taker := range takers {
		in.take = append(in.take, taker(pushes[i]))
	}
	return in, nil
}

// taker gives records to an input, if they are of its type.
func taker[T any](push any) func(v any, ts int64) error {
	typed := push.(stream.Push[T])
	return func(v any, ts int64) error {
		t, ok := v.(T)
		if !ok {
			return fmt.Errorf("is of type %T; the input takes %T", v, t)
		}
		typed(t, ts)
		return nil
	}
}

// entries is the operator's state, sorted.
func (in *instance) entries() []string {
	v, ok := in.op.(operator.Viewer)
	if !ok {
		return nil
	}
	var all []string
	v.Entries(func(e operator.Entry) bool {
		key, value := e.Text()
		all = append(all, fmt.Sprintf("%s %q of key %s is %s", e.Kind, e.State, key, value))
		return true
	})
	slices.Sort(all)
	return all
}
