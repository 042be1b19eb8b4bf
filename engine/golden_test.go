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
	"stream of another job": func(j *engine.Job) {
		var other engine.Stream[string]
		_, _ = engine.Describe(engine.DefaultConfig(), func(j *engine.Job) { other = lines(j) })
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
