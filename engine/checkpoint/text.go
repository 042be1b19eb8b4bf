package checkpoint

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
)

// Why says why a checkpoint was aborted; the closed set of this coordinator.
type Why uint8

// The reasons, with Flink's names in CheckpointFailureReason.
const (
	Declined         Why = iota + 1 // CHECKPOINT_ASYNC_EXCEPTION: a task could not write its part
	Expired                         // CHECKPOINT_EXPIRED
	Unwritten                       // FINALIZE_CHECKPOINT_FAILURE
	NotLocated                      // IO_EXCEPTION
	JobStopped                      // CHECKPOINT_COORDINATOR_SUSPEND: the job restarts or ends
	DeclinedNotReady                // CHECKPOINT_DECLINED_TASK_NOT_READY
	DeclinedOnCancel                // CHECKPOINT_DECLINED_ON_CANCELLATION_BARRIER
	DeclinedSubsumed                // CHECKPOINT_DECLINED_SUBSUMED
)

func (w Why) String() string {
	return [...]string{
		"?", "declined", "expired", "metadata not written", "no location", "job stopped",
		"declined as not ready", "declined for a cancel marker", "declined as subsumed",
	}[w]
}

// Ignored says why an input was dropped.
type Ignored uint8

// The reasons for dropping an input.
const (
	Late      Ignored = iota + 1 // the checkpoint is not pending
	Zombie                       // from another attempt
	Duplicate                    // counted already
	TooLate                      // being sealed: only the storage decides
)

func (i Ignored) String() string {
	return [...]string{"?", "late", "zombie", "duplicate", "sealing"}[i]
}

// Input is what happens to a coordinator.
type Input interface{ String() string }

// About is an input about one checkpoint.
type About interface {
	Input
	checkpoint() uint64
}

type attempted interface{ attempt() stream.Attempt }

// The inputs.
type (
	// Start: all tasks of an attempt run. Next is above every id ever used,
	// Completed are the checkpoints that are retained.
	Start struct {
		Attempt   stream.Attempt
		Tasks     int
		Next      uint64
		Completed []uint64
	}
	Stop struct{} // the attempt has ended
	Tick struct{}
	// PauseOver answers SetPause. It may come after a Stop, and says nothing then.
	PauseOver struct{}
	Ended     struct{} // all tasks have seen the end of their input

	Located struct {
		Checkpoint uint64
		Err        string
	}
	Ack struct {
		Attempt    stream.Attempt
		Checkpoint uint64
		Task       int
		Entry      snapshot.Task
	}
	Decline struct {
		Attempt    stream.Attempt
		Checkpoint uint64
		Task       int
		Why        Why    // one of the four for declining
		Reason     string // in words
	}
	Expire   struct{ Checkpoint uint64 }
	Sealed   struct{ Checkpoint uint64 }
	Unsealed struct {
		Checkpoint uint64
		Err        string
	}
	Unknown struct { // the storage did not say
		Checkpoint uint64
		Err        string
	}
)

func (in Located) checkpoint() uint64  { return in.Checkpoint }
func (in Ack) checkpoint() uint64      { return in.Checkpoint }
func (in Decline) checkpoint() uint64  { return in.Checkpoint }
func (in Expire) checkpoint() uint64   { return in.Checkpoint }
func (in Sealed) checkpoint() uint64   { return in.Checkpoint }
func (in Unsealed) checkpoint() uint64 { return in.Checkpoint }
func (in Unknown) checkpoint() uint64  { return in.Checkpoint }

func (in Ack) attempt() stream.Attempt     { return in.Attempt }
func (in Decline) attempt() stream.Attempt { return in.Attempt }

func (in Start) String() string     { return fmt.Sprintf("start attempt %s", in.Attempt) }
func (in Stop) String() string      { return "stop" }
func (in Tick) String() string      { return "tick" }
func (in Ended) String() string     { return "ended" }
func (in PauseOver) String() string { return "pause over" }
func (in Located) String() string   { return withError("located", in.Checkpoint, in.Err) }
func (in Ack) String() string       { return fmt.Sprintf("ack %d of task %d", in.Checkpoint, in.Task) }
func (in Decline) String() string {
	how := strings.TrimPrefix(in.Why.String(), Declined.String())
	return fmt.Sprintf("decline %d%s: %s", in.Checkpoint, how, in.Reason)
}
func (in Expire) String() string   { return fmt.Sprintf("expire %d", in.Checkpoint) }
func (in Sealed) String() string   { return fmt.Sprintf("sealed %d", in.Checkpoint) }
func (in Unsealed) String() string { return withError("unsealed", in.Checkpoint, in.Err) }
func (in Unknown) String() string  { return withError("unknown", in.Checkpoint, in.Err) }

func withError(what string, id uint64, err string) string {
	if err == "" {
		return fmt.Sprintf("%s %d", what, id)
	}
	return fmt.Sprintf("%s %d: %s", what, id, err)
}

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

// Effect is what must follow from an input.
type Effect interface{ String() string }

// The effects.
type (
	SetTick   struct{ After time.Duration } // takes the place of the one before
	SetPause  struct{ After time.Duration } // answer PauseOver
	SetExpiry struct {
		Checkpoint uint64
		After      time.Duration
	}
	Locate  struct{ Checkpoint uint64 } // make its directory durable; answer Located
	Trigger struct {
		Checkpoint uint64
		Unaligned  bool
		Final      bool
	}
	Counted struct {
		Attempt    stream.Attempt // that the acknowledgement came from
		Checkpoint uint64
		Task       int
	}
	Seal struct { // write the metadata; answer Sealed, Unsealed or Unknown
		Checkpoint uint64
		Unaligned  bool
		Tasks      []snapshot.Task
	}
	Probe struct { // look, after a while, whether the metadata is there; answer as to Seal
		Checkpoint uint64
		After      time.Duration
	}
	Complete struct{ Checkpoint uint64 }
	Notify   struct {
		Checkpoint uint64
		Final      bool
	}
	Abort struct {
		Checkpoint uint64
		Why        Why
		Detail     string
	}
	TellAborted struct{ Checkpoint uint64 }
	// Fail asks for the job to fail over. It is the last effect of its step.
	Fail struct {
		Row  int // checkpoints that failed in a row, more than tolerable
		Last Abort
	}
	Discard struct{ Checkpoint uint64 } // remove its files
	Drop    struct {
		In  Input
		Why Ignored
	}
)

func (e SetTick) String() string     { return "tick after " + e.After.String() }
func (e SetPause) String() string    { return "pause " + e.After.String() }
func (e SetExpiry) String() string   { return fmt.Sprintf("expire %d after %s", e.Checkpoint, e.After) }
func (e Locate) String() string      { return fmt.Sprintf("locate %d", e.Checkpoint) }
func (e Counted) String() string     { return fmt.Sprintf("count %d of task %d", e.Checkpoint, e.Task) }
func (e Seal) String() string        { return fmt.Sprintf("seal %d", e.Checkpoint) }
func (e Probe) String() string       { return fmt.Sprintf("probe %d after %s", e.Checkpoint, e.After) }
func (e Complete) String() string    { return fmt.Sprintf("complete %d", e.Checkpoint) }
func (e TellAborted) String() string { return fmt.Sprintf("tell aborted %d", e.Checkpoint) }
func (e Discard) String() string     { return fmt.Sprintf("discard %d", e.Checkpoint) }
func (e Drop) String() string        { return fmt.Sprintf("drop: %s", e.Why) }

func (e Trigger) String() string {
	s := fmt.Sprintf("trigger %d", e.Checkpoint)
	if e.Unaligned {
		s += " unaligned"
	}
	if e.Final {
		s += " final"
	}
	return s
}

func (e Notify) String() string {
	if e.Final {
		return fmt.Sprintf("notify %d final", e.Checkpoint)
	}
	return fmt.Sprintf("notify %d", e.Checkpoint)
}

func (e Fail) String() string { return fmt.Sprintf("fail after %d in a row", e.Row) }

func (e Abort) String() string {
	if e.Detail == "" {
		return fmt.Sprintf("abort %d: %s", e.Checkpoint, e.Why)
	}
	return fmt.Sprintf("abort %d: %s: %s", e.Checkpoint, e.Why, e.Detail)
}
