// Package statistics makes of what a listener is told the history of a job's
// checkpoints, as Flink's web interface shows it: when each began and ended, and what
// each subtask took over its part.
package statistics

import (
	"slices"
	"time"

	"github.com/weirstream/weir/engine/host"
)

// The states of a checkpoint.
const (
	InProgress = "in progress"
	Completed  = "completed"
	Failed     = "failed"
	// Lost: a new JobManager has begun. It may find the checkpoint complete.
	Lost = "lost"
)

// Checkpoint is one checkpoint. Times are in microseconds.
type Checkpoint struct {
	ID     uint64 `json:"id"`
	Status string `json:"status"`
	// Why it failed, in words.
	Why string `json:"why,omitempty"`
	// Triggered is when it began, by the clock of [History.On], and Duration the time
	// until it ended, 0 while it has not.
	Triggered int64 `json:"triggered_us"`
	Duration  int64 `json:"duration_us"`
	// Acknowledged counts subtasks.
	Acknowledged int `json:"acknowledged"`
	// Size is that of all subtasks' files in bytes, InFlight what of it is data that
	// barriers had overtaken.
	Size     int64 `json:"size"`
	InFlight int64 `json:"persisted_in_flight"`
	// Subtasks are those that have heard of it, in the order in which they did.
	Subtasks []Subtask `json:"subtasks"`
}

// Subtask is one subtask's part of a checkpoint. Times are in microseconds, 0 for what
// has not ended.
type Subtask struct {
	Task string `json:"task"`
	// StartDelay is from the trigger to the first barrier, or a source's snapshot.
	StartDelay int64 `json:"start_delay_us"`
	// Alignment is from the first barrier to the last, also where nothing blocks.
	Alignment int64 `json:"alignment_us"`
	// Sync is from sending the barrier to the end of the synchronous part, Async from
	// there until the file is durable.
	Sync     int64 `json:"sync_us"`
	Async    int64 `json:"async_us"`
	Size     int64 `json:"size"`
	InFlight int64 `json:"persisted_in_flight"`

	heard, sent, taken time.Duration
}

// History is the newest checkpoints of a job. It is not safe for concurrent use.
type History struct {
	keep int
	list []*Checkpoint // ascending
}

// New makes an empty history that keeps so many checkpoints, at least 1; the oldest go
// first.
func New(keep int) *History { return &History{keep: max(1, keep)} }

// Checkpoints is what is kept, oldest first. It must not be changed, and is valid until
// the next event.
func (h *History) Checkpoints() []*Checkpoint { return h.list }

// On takes note of an event at a time of the caller's clock, which does not go back. What
// is said of a checkpoint that is not kept changes nothing.
func (h *History) On(at time.Duration, e *host.Event) {
	switch e.Kind {
	case host.CheckpointTriggered:
		h.begin(at-time.Duration(e.N), e.Checkpoint)
	case host.EpochStarted:
		for _, c := range h.list {
			c.end(at, Lost, "")
		}
	case host.CheckpointCompleted:
		h.find(e.Checkpoint).end(at, Completed, "")
	case host.CheckpointAborted:
		if n := len(h.list); n == 0 || h.list[n-1].ID < e.Checkpoint {
			h.begin(at, e.Checkpoint) // given up before any task was told
		}
		h.find(e.Checkpoint).end(at, Failed, e.Text)
	case host.AckCounted:
		if c := h.find(e.Checkpoint); c != nil {
			c.Acknowledged++
		}
	case host.BarrierIn, host.BarrierOut, host.SnapshotTaken, host.SnapshotStored:
		if c := h.find(e.Checkpoint); c != nil && c.Status == InProgress {
			c.on(at, e)
		}
	}
}

func (h *History) begin(at time.Duration, id uint64) {
	if len(h.list) == h.keep {
		h.list = slices.Delete(h.list, 0, 1)
	}
	h.list = append(h.list, &Checkpoint{ID: id, Status: InProgress, Triggered: at.Microseconds(), Subtasks: []Subtask{}})
}

func (h *History) find(id uint64) *Checkpoint {
	for _, c := range slices.Backward(h.list) {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func (c *Checkpoint) end(at time.Duration, status, why string) {
	if c != nil && c.Status == InProgress {
		c.Status, c.Why, c.Duration = status, why, at.Microseconds()-c.Triggered
	}
}

// on takes note of what a subtask did.
func (c *Checkpoint) on(at time.Duration, e *host.Event) {
	i := slices.IndexFunc(c.Subtasks, func(s Subtask) bool { return s.Task == e.Subject })
	if i < 0 {
		i = len(c.Subtasks)
		c.Subtasks = append(c.Subtasks, Subtask{Task: e.Subject, heard: at, StartDelay: at.Microseconds() - c.Triggered})
	}
	switch s := &c.Subtasks[i]; e.Kind {
	case host.BarrierIn:
		s.Alignment = (at - s.heard).Microseconds()
	case host.BarrierOut:
		s.sent = at
	case host.SnapshotTaken:
		s.taken, s.Sync = at, (at - s.sent).Microseconds()
	case host.SnapshotStored:
		s.Async, s.Size, s.InFlight = (at - s.taken).Microseconds(), e.N, e.M
		c.Size, c.InFlight = c.Size+e.N, c.InFlight+e.M
	}
}
