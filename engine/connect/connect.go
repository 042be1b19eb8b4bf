// Package connect is the contract between the engine and connectors: sources with
// replayable positions and sinks with two-phase commit.
//
// A reader or writer lives inside its task's actor, single-threaded. Whatever may
// block it returns as [host.Work]: the task offloads it and hands the result back.
// The work gets values only, never the reader's or writer's fields.
//
// Sinks follow the contract of Flink's TwoPhaseCommitSinkFunction:
//
//	S1  What was written before the barrier of checkpoint n is pre-committed
//	    under n: durable, invisible, named by committables in the snapshot of n.
//	S2  Committables of n are committed when some m ≥ n is known to be complete.
//	S3  Commit is idempotent: it may be repeated by later attempts, and by zombies.
//	S4  On recovery the restored committables are committed, and whatever earlier
//	    attempts left that no checkpoint owns is removed.
package connect

import (
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
)

// Split is one part of a source's input with the position reached in it, encoded
// by the source.
type Split []byte

// Position is the neutral view of a split, for reports and checks.
type Position struct {
	Split   string // names the part of the input, such as "input.txt[0:4096]"
	Start   int64  // where it begins
	Next    int64  // where the next record begins
	End     int64  // where the split ends
	Emitted int64  // records emitted from it so far, over all attempts
}

// Source is a replayable input. It is a description: values only.
type Source[T any] interface {
	// Splits lists the parts of the input, in a deterministic order. It runs as
	// offloaded work in the JobManager before the first deployment of a job that
	// restores nothing; split i goes to subtask i mod parallelism.
	Splits(w host.Worker, parallelism int) ([]Split, error)
	// Reader makes the reader of one subtask attempt.
	Reader() Reader[T]
}

// Status says what a reader can do next.
type Status uint8

// The states of a reader.
const (
	Ready     Status = iota // has records to emit now
	Waiting                 // needs the result of a fetch
	Exhausted               // all splits are at their end
)

// Reader reads the splits of one subtask.
type Reader[T any] interface {
	// Open gives the reader its splits, fresh or restored, before anything else.
	Open(splits []Split) error
	// Emit hands at most limit records to push, fewer if push returns false
	// (after that record). It returns how many and what can be done next.
	Emit(limit int, push func(v T, ts int64) bool) (int, Status)
	// Fetch returns work that brings in more input, or nil if none is needed
	// now. At most one fetch is under way; Fetched is called before the next.
	Fetch() host.Work
	// Fetched takes the result of a fetch. An error fails the task; it wraps
	// [ErrInput] if the input is not what it was when the splits were made.
	Fetched(body any, err error) error
	// Snapshot returns the splits with positions just behind the last record
	// that Emit has handed out.
	Snapshot() []Split
	// Positions is the neutral view of Snapshot.
	Positions() []Position
}

// SinkContext tells a writer who it is.
type SinkContext struct {
	UID         string
	Subtask     int
	Parallelism int
	Attempt     stream.Attempt
}

// Committable is what one pre-commit made, until it is committed.
type Committable struct {
	Checkpoint uint64
	// Token names it to people: unique over subtasks, attempts and checkpoints.
	Token string
	Data  []byte
}

// Sink is an output. It is a description: values only.
type Sink[T any] interface {
	// Writer makes the writer of one subtask attempt.
	Writer(ctx SinkContext) Writer[T]
}

// Writer writes the records of one subtask. All its work runs on one lane, one
// after the other, in the order in which it was asked for.
type Writer[T any] interface {
	// Recover returns the work of S4: it commits restored and removes orphans of
	// earlier attempts of this subtask. It runs before any other work, also when
	// nothing was restored; and once more, with nothing restored, before the task
	// finishes, for what zombies have left since. Its result is a Recovered.
	Recover(restored []Committable) host.Work
	// Write takes one record.
	Write(v T, ts int64)
	// Full reports that no record should be written until a flush has ended.
	Full() bool
	// Flush returns work that writes out what is buffered if that is worth
	// while, else nil. Its result is nil.
	Flush() host.Work
	// Flushed is told that the work of Flush ended without error.
	Flushed()
	// PreCommit closes what was written so far under a checkpoint (S1) and
	// returns the work that makes it durable; later writes belong to the next
	// checkpoint. Its result is a []Committable, empty if nothing was written.
	PreCommit(checkpoint uint64) host.Work
	// Commit returns the work that makes committables visible (S2, S3). Its
	// result is nil.
	Commit(cs []Committable) host.Work
}

// Recovered is the result of recovery work.
type Recovered struct {
	Removed []string // orphans, by token or name
}
