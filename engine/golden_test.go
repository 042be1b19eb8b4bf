package engine_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/golden"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
)

// source and sink are descriptions that are never run.
type source[T any] struct{}

func (source[T]) Splits(host.Worker, int) ([]connect.Split, error) { return nil, nil }
func (source[T]) Reader() connect.Reader[T]                        { return nil }

type sink[T any] struct{}

func (sink[T]) Writer(connect.SinkContext) connect.Writer[T] { return nil }

// point has no codec unless one is given.
type point struct{ X, Y int64 }

type pointCodec struct{ codec.Int64 }

func (pointCodec) Append(dst []byte, p point) []byte {
	return codec.Int64{}.Append(codec.Int64{}.Append(dst, p.X), p.Y)
}

func (pointCodec) Decode(src []byte) (point, int, error) {
	x, n, err := codec.Int64{}.Decode(src)
	if err != nil {
		return point{}, 0, err
	}
	y, m, err := codec.Int64{}.Decode(src[n:])
	return point{x, y}, n + m, err
}

// function keeps the states that it is given the names of.
type function[V any] struct{ names []string }

func (f *function[V]) Open(s *engine.States[string]) {
	for _, name := range f.names {
		engine.NewValueState[V](s, name)
	}
}
func (*function[V]) Process(*engine.Context[string, string], string) error       { return nil }
func (*function[V]) OnTimer(*engine.Context[string, string], engine.Timer) error { return nil }

func process[V any](names ...string) func() engine.ProcessFunction[string, string, string] {
	return func() engine.ProcessFunction[string, string, string] { return &function[V]{names} }
}

// otherCodec writes points under another name.
type otherCodec struct{ pointCodec }

func (otherCodec) Name() string { return "other/1" }

// coFunction keeps the states that it is given the names of.
type coFunction[V any] struct{ names []string }

func (f *coFunction[V]) Open(s *engine.States[point]) {
	for _, name := range f.names {
		engine.NewValueState[V](s, name)
	}
}
func (*coFunction[V]) ProcessA(*engine.Context[point, string], string) error      { return nil }
func (*coFunction[V]) ProcessB(*engine.Context[point, string], string) error      { return nil }
func (*coFunction[V]) OnTimer(*engine.Context[point, string], engine.Timer) error { return nil }

func keyedPoints(s engine.Stream[string]) engine.KeyedStream[point, string] {
	return engine.KeyBy(s, toPoint, engine.WithCodec[point](pointCodec{}))
}

// both connects a keyed stream with itself.
func both[V any](s engine.KeyedStream[point, string], names ...string) engine.Stream[string] {
	return engine.CoProcess(engine.Connect(s, s), "both", func() engine.CoProcessFunction[point, string, string, string] {
		return &coFunction[V]{names}
	})
}

func lines(j *engine.Job, opts ...engine.Option) engine.Stream[string] {
	return engine.FromSource[string](j, "lines", source[string]{}, opts...)
}

func same(s string) string { return s }

func toPoint(string) point { return point{} }

// jobs are what the golden files name; each is as short as its fault allows.
var jobs = map[string]func(j *engine.Job){
	"shortest": func(j *engine.Job) { engine.ToSink(lines(j), "out", sink[string]{}) },
	"nothing":  func(*engine.Job) {},
	"panic":    func(*engine.Job) { panic("no such table") },
	"no sink":  func(j *engine.Job) { lines(j) },
	"dangling output": func(j *engine.Job) {
		s := lines(j)
		engine.Map(s, "lost", same)
		engine.ToSink(s, "out", sink[string]{})
	},
	"nil source": func(j *engine.Job) { engine.FromSource[string](j, "lines", nil) },
	"nil map":    func(j *engine.Job) { engine.Map[string, string](lines(j), "upper", nil) },
	"nil key":    func(j *engine.Job) { engine.KeyBy[string](lines(j), nil) },
	"nil sink":   func(j *engine.Job) { engine.ToSink(lines(j), "out", nil) },
	"nil process": func(j *engine.Job) {
		engine.Process[point, string, string](keyedPoints(lines(j)), "sum", nil)
	},
	"dangling source": func(j *engine.Job) {
		engine.ToSink(lines(j), "out", sink[string]{})
		engine.FromSource[string](j, "more", source[string]{})
	},
	"duplicate uid": func(j *engine.Job) {
		engine.ToSink(engine.Map(lines(j), "lines", same), "out", sink[string]{})
	},
	"empty uid": func(j *engine.Job) {
		engine.ToSink(engine.Map(lines(j), "", same), "out", sink[string]{})
	},
	"parallelism 0": func(j *engine.Job) {
		engine.ToSink(engine.Map(lines(j), "same", same, engine.Parallelism(0)), "out", sink[string]{})
	},
	"parallelism 40000": func(j *engine.Job) {
		engine.ToSink(lines(j, engine.Parallelism(40000)), "out", sink[string]{})
	},
	"max parallelism 40000": func(j *engine.Job) {
		engine.ToSink(lines(j, engine.MaxParallelism(40000)), "out", sink[string]{})
	},
	"max parallelism -1": func(j *engine.Job) {
		engine.ToSink(lines(j, engine.MaxParallelism(-1)), "out", sink[string]{})
	},
	"parallelism above max": func(j *engine.Job) {
		engine.ToSink(lines(j, engine.Parallelism(4), engine.MaxParallelism(3)), "out", sink[string]{})
	},
	"forward between parallelisms": func(j *engine.Job) {
		engine.ToSink(engine.Map(lines(j, engine.Parallelism(2)), "same", same), "out", sink[string]{})
	},
	"record without codec": func(j *engine.Job) {
		engine.ToSink(engine.Map(lines(j), "points", toPoint), "out", sink[point]{})
	},
	"record with codec": func(j *engine.Job) {
		points := engine.Map(lines(j), "points", toPoint, engine.WithCodec[point](pointCodec{}))
		kept := engine.Filter(points, "kept", func(point) bool { return true })
		timed := engine.Timestamps(kept, "timed", func(p point) int64 { return p.X }, 0)
		engine.ToSink(timed, "out", sink[point]{})
	},
	"key without codec": func(j *engine.Job) {
		engine.ToSink(engine.Reduce(engine.KeyBy(lines(j), toPoint), "sum", func(a, _ string) string { return a }), "out", sink[string]{})
	},
	"key with codec": func(j *engine.Job) {
		keyed := engine.KeyBy(lines(j), toPoint, engine.WithCodec[point](pointCodec{}))
		engine.ToSink(engine.Reduce(keyed, "sum", func(a, _ string) string { return a }), "out", sink[string]{})
	},
	"state without codec": func(j *engine.Job) {
		engine.ToSink(engine.Process(engine.KeyBy(lines(j), same), "seen", process[point]("last")), "out", sink[string]{})
	},
	"state with codec": func(j *engine.Job) {
		keyed := engine.KeyBy(lines(j), same)
		engine.ToSink(engine.Process(keyed, "seen", process[point]("last"), engine.WithCodec[point](pointCodec{})), "out", sink[string]{})
	},
	"state twice": func(j *engine.Job) {
		engine.ToSink(engine.Process(engine.KeyBy(lines(j), same), "seen", process[int64]("last", "last")), "out", sink[string]{})
	},
	"union": func(j *engine.Job) {
		more := engine.FromSource[string](j, "more", source[string]{})
		engine.ToSink(engine.Union(lines(j), more, more), "out", sink[string]{})
	},
	"union between parallelisms": func(j *engine.Job) {
		more := engine.FromSource[string](j, "more", source[string]{}, engine.Parallelism(2))
		engine.ToSink(engine.Map(engine.Union(lines(j), more), "same", same), "out", sink[string]{})
	},
	"union with a rebalance between parallelisms": func(j *engine.Job) {
		more := engine.FromSource[string](j, "more", source[string]{}, engine.Parallelism(2))
		engine.ToSink(engine.Map(engine.Union(lines(j), engine.Rebalance(more)), "same", same), "out", sink[string]{})
	},
	"union without codec": func(j *engine.Job) {
		points := engine.Map(lines(j), "points", toPoint, engine.WithCodec[point](pointCodec{}))
		more := engine.FromSource[string](j, "more", source[string]{})
		without := engine.Map(more, "none", toPoint)
		engine.ToSink(engine.Union(points, without), "out", sink[point]{})
	},
	"union keeps a codec": func(j *engine.Job) {
		points := engine.Map(lines(j), "points", toPoint, engine.WithCodec[point](pointCodec{}))
		kept := engine.Filter(engine.Union(points, points), "kept", func(point) bool { return true })
		engine.ToSink(kept, "out", sink[point]{})
	},
	"rebalance and broadcast": func(j *engine.Job) {
		spread := engine.Map(engine.Rebalance(lines(j)), "spread", same, engine.Parallelism(3))
		engine.ToSink(engine.Broadcast(spread), "out", sink[string]{}, engine.Parallelism(2))
	},
	"key after rebalance": func(j *engine.Job) {
		keyed := engine.KeyBy(engine.Rebalance(lines(j)), same)
		engine.ToSink(engine.Reduce(keyed, "sum", func(a, _ string) string { return a }), "out", sink[string]{})
	},
	"co-process": func(j *engine.Job) {
		engine.ToSink(both[int64](keyedPoints(lines(j)), "n"), "out", sink[string]{})
	},
	"co-process state without codec": func(j *engine.Job) {
		engine.ToSink(both[point](keyedPoints(lines(j)), "last"), "out", sink[string]{})
	},
	"co-process state twice": func(j *engine.Job) {
		engine.ToSink(both[int64](keyedPoints(lines(j)), "last", "last"), "out", sink[string]{})
	},
	"co-process key without codec": func(j *engine.Job) {
		engine.ToSink(both[int64](engine.KeyBy(lines(j), toPoint)), "out", sink[string]{})
	},
	"co-process second key without codec": func(j *engine.Job) {
		s := lines(j)
		c := engine.Connect(keyedPoints(s), engine.KeyBy(s, toPoint))
		engine.ToSink(engine.CoProcess(c, "both", func() engine.CoProcessFunction[point, string, string, string] {
			return &coFunction[int64]{}
		}), "out", sink[string]{})
	},
	"co-process keys with other codecs": func(j *engine.Job) {
		s := lines(j)
		c := engine.Connect(keyedPoints(s), engine.KeyBy(s, toPoint, engine.WithCodec[point](otherCodec{})))
		engine.ToSink(engine.CoProcess(c, "both", func() engine.CoProcessFunction[point, string, string, string] {
			return &coFunction[int64]{}
		}), "out", sink[string]{})
	},
	"stream of another job": func(j *engine.Job) {
		var other engine.Stream[string]
		_, _ = engine.Describe(engine.DefaultConfig(), func(j *engine.Job) { other = lines(j) }) //weir:allow what must be refused
		keyed := engine.KeyBy(other, same)
		engine.ToSink(lines(j), "out", sink[string]{})
		engine.ToSink(engine.Reduce(keyed, "sum", func(a, _ string) string { return a }), "out2", sink[string]{})
	},
}

func TestJobs(t *testing.T) {
	golden.Run(t, "testdata/jobs/*.txt", func() golden.Bench {
		played := map[string]bool{}
		return func(c golden.Command) string {
			if c.Name == "unplayed" {
				var names []string
				for name := range jobs {
					if !played[name] {
						names = append(names, name)
					}
				}
				return strings.Join(names, "\n")
			}
			name := strings.Join(c.Args, " ")
			played[name] = true
			if jobs[name] == nil {
				return "there is no such job"
			}
			g, err := engine.Describe(engine.DefaultConfig(), jobs[name])
			if err != nil {
				return err.Error()
			}
			var uids []string
			for _, n := range g.Nodes {
				uids = append(uids, n.UID)
			}
			return "valid: " + strings.Join(uids, " ")
		}
	})
}

func TestInvalidJobsAreTold(t *testing.T) {
	_, err := engine.Describe(engine.DefaultConfig(), nil)
	require.EqualError(t, err, "invalid job: the job function is nil")
	_, err = engine.Describe(engine.DefaultConfig(), jobs["state twice"])
	invalid, ok := errors.AsType[*graph.InvalidError](err)
	require.True(t, ok)
	require.Equal(t, "seen", invalid.UID)
}

// set gives each line "key=value" to a configuration of its own.
func TestSet(t *testing.T) {
	golden.Run(t, "testdata/config/*.txt", func() golden.Bench {
		return func(c golden.Command) string {
			var out []string
			for _, line := range c.Lines {
				config := engine.DefaultConfig()
				key, value, _ := strings.Cut(line, "=")
				if err := config.Set(key, value); err != nil {
					out = append(out, err.Error())
					continue
				}
				got := ""
				for _, kv := range config.Settings() {
					if kv[0] == key {
						got = kv[1]
					}
				}
				out = append(out, key+" = "+got)
			}
			return strings.Join(out, "\n")
		}
	})
}
