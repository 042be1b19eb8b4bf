package operator

import (
	"time"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
)

// SourceOperator runs a reader.
type SourceOperator[T any] struct {
	Source connect.Source[T]

	env    *Env
	reader connect.Reader[T]
	push   func(v T, ts int64) bool
}

// Open implements [Operator].
func (o *SourceOperator[T]) Open(env *Env, _ string, _ int) error {
	o.env, o.reader = env, o.Source.Reader()
	return nil
}

// Bind implements [Operator].
func (o *SourceOperator[T]) Bind(next any) any {
	push, env := next.(stream.Push[T]), o.env
	o.push = func(v T, ts int64) bool {
		push(v, ts)
		return !env.Stop
	}
	return nil
}

// OpenSplits implements [Source], as do the methods below.
func (o *SourceOperator[T]) OpenSplits(splits []connect.Split) error { return o.reader.Open(splits) }

// Emit implements [Source].
func (o *SourceOperator[T]) Emit(limit int) (int, connect.Status) {
	return o.reader.Emit(limit, o.push)
}

// Fetch implements [Source].
func (o *SourceOperator[T]) Fetch() host.Work { return o.reader.Fetch() }

// Fetched implements [Source].
func (o *SourceOperator[T]) Fetched(body any, err error) error { return o.reader.Fetched(body, err) }

// Splits implements [Source].
func (o *SourceOperator[T]) Splits() []connect.Split { return o.reader.Snapshot() }

// Positions implements [Source].
func (o *SourceOperator[T]) Positions() []connect.Position { return o.reader.Positions() }

// Poll implements [Source].
func (o *SourceOperator[T]) Poll() (time.Duration, bool) {
	if p, ok := o.reader.(connect.Poller); ok {
		return p.Poll(), true
	}
	return 0, false
}

// SinkOperator runs a writer.
type SinkOperator[T any] struct {
	Sink connect.Sink[T]

	env    *Env
	writer connect.Writer[T]
}

// Open implements [Operator].
func (o *SinkOperator[T]) Open(env *Env, uid string, _ int) error {
	o.env = env
	o.writer = o.Sink.Writer(connect.SinkContext{
		UID: uid, Subtask: env.Subtask, Parallelism: env.Parallelism, Attempt: env.Attempt,
	})
	return nil
}

// Bind implements [Operator].
func (o *SinkOperator[T]) Bind(any) any {
	w, env := o.writer, o.env
	return stream.Push[T](func(v T, ts int64) {
		w.Write(v, ts)
		if w.Full() {
			env.Stop = true
		}
	})
}

// Recover implements [Sink], as do the methods below.
func (o *SinkOperator[T]) Recover(restored []connect.Committable) host.Work {
	return o.writer.Recover(restored)
}

// Full implements [Sink].
func (o *SinkOperator[T]) Full() bool { return o.writer.Full() }

// Flush implements [Sink].
func (o *SinkOperator[T]) Flush() host.Work { return o.writer.Flush() }

// Flushed implements [Sink].
func (o *SinkOperator[T]) Flushed() { o.writer.Flushed() }

// PreCommit implements [Sink].
func (o *SinkOperator[T]) PreCommit(checkpoint uint64) host.Work {
	return o.writer.PreCommit(checkpoint)
}

// Commit implements [Sink].
func (o *SinkOperator[T]) Commit(cs []connect.Committable) host.Work { return o.writer.Commit(cs) }
