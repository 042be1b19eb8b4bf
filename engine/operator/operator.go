// Package operator is the contract between a task and the operators it runs, and
// the operators themselves. Operators are typed inside; a task, which can't name
// their types, binds them from tail to head into a chain of closures.
package operator

import (
	"time"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
)

// Env is what a task offers its operators. One Env serves a chain.
type Env struct {
	Subtask, Parallelism int
	Attempt              stream.Attempt
	// Now is the time of the running step.
	Now host.Now
	// Stop is set when the running step should end: an output is full or the
	// chain failed.
	Stop bool
	err  error
	// keyed is what a keyed operator at the head offers to the edges that feed it, by
	// which keys were hashed already; nil if there is none.
	keyed Feed
}

// Fail ends the task with an error of the user's. The first one counts.
func (e *Env) Fail(err error) {
	if e.err == nil {
		e.err = err
	}
	e.Stop = true
}

// Err is the error given to Fail.
func (e *Env) Err() error { return e.err }

// Operator is one operator of one subtask attempt.
type Operator interface {
	// Open prepares the operator; first is called before Bind.
	Open(env *Env, uid string, maxParallelism int) error
	// Bind takes where the output goes, a stream.Push of the output type (nil for
	// sinks), and returns the input, a stream.Push of the input type (nil for
	// sources), or [Inputs].
	Bind(next any) any
}

// Inputs is the input of an operator that has several: a stream.Push for each.
type Inputs []any

// Snapshot is an operator's state at one instant, encoded later and elsewhere.
type Snapshot interface {
	// Append runs in offloaded work. It calls yield, if that is not nil, now and then.
	Append(dst []byte, yield func()) []byte
	// Release runs in the actor when Append has been called or never will be.
	Release()
}

// Stateful operators take part in checkpoints.
type Stateful interface {
	// Snapshot is the synchronous part; it must be quick.
	Snapshot() Snapshot
	// Restore takes what Append wrote, before any record.
	Restore(src []byte) error
}

// Timed operators have timers. Both calls fire at most limit timers and fewer if
// the step should stop; they report how many and whether all due ones have fired.
type Timed interface {
	OnWatermark(watermark int64, limit int) (n int, done bool)
	OnProcessingTime(now int64, limit int) (n int, done bool)
	// NextProcessingTimer is the earliest processing-time timer, wall ms.
	NextProcessingTimer() (at int64, ok bool)
}

// Watermarker operators make watermarks out of what passes.
type Watermarker interface {
	// CurrentWatermark is the watermark so far, stream.NoTime for none.
	CurrentWatermark() int64
}

// Source is the head of a source task.
type Source interface {
	Operator
	OpenSplits(splits []connect.Split) error
	Emit(limit int) (int, connect.Status)
	Fetch() host.Work
	Fetched(body any, err error) error
	// Poll says when to ask again if Emit is waiting for no fetch; see
	// connect.Poller.
	Poll() (time.Duration, bool)
	Splits() []connect.Split
	Positions() []connect.Position
}

// Sink is the tail of a task with a two-phase-commit writer.
type Sink interface {
	Operator
	Recover(restored []connect.Committable) host.Work
	Full() bool
	Flush() host.Work
	Flushed()
	PreCommit(checkpoint uint64) host.Work
	Commit(cs []connect.Committable) host.Work
}

// Runtime is what a graph node carries for the task.
type Runtime struct {
	New func() Operator
	// Splits lists a source's splits; it runs offloaded.
	Splits func(w host.Worker, parallelism int) ([]connect.Split, error)
}
