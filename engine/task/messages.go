package task

import (
	"fmt"
	"strconv"
	"time"

	"github.com/weirstream/weir/engine/barrier"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
)

// State is where a task is in its life.
type State uint8

// The states of a task.
const (
	Initializing State = iota // restoring, opening
	Running
	Ended    // saw the end of its input; still takes part in checkpoints
	Finished // committed its last checkpoint
	Failed
)

func (s State) String() string {
	return [...]string{"initializing", "running", "ended", "finished", "failed"}[s]
}

// ID names a task of a plan.
type ID struct{ Vertex, Subtask int }

// Spec is what a TaskExecutor needs to run one task.
type Spec struct {
	ID ID
	// Restore is the task's part of the checkpoint it starts from, if Checkpoint
	// is not 0.
	Checkpoint uint64
	Dir        string
	Restore    snapshot.Task
	// Repeats says that the checkpoint is an at-least-once one.
	Repeats bool
	// Splits are a source task's when it starts from nothing.
	Splits []connect.Split
}

// Settings are the parts of the job's configuration that tasks use.
type Settings struct {
	Job        string
	JobManager host.Address
	Chaining   bool
	// AtLeastOnce says that barriers block nothing.
	AtLeastOnce bool
	// Quantum is the most records a step handles, at least 1.
	Quantum int
	// BatchRecords is the most records of a batch, at least 1.
	BatchRecords int
	// ChannelBuffers is the credit of a channel, in frames, at least 1.
	ChannelBuffers int
	// OutputBuffers is the number of queued batches at which an output is full.
	OutputBuffers     int
	BufferTimeout     time.Duration
	WatermarkInterval time.Duration
	// CheckpointDir holds the chk-N directories.
	CheckpointDir string
	// HeartbeatInterval is how often a TaskExecutor reports to the JobManager.
	HeartbeatInterval time.Duration
	Slots             int
}

// Messages from the JobManager to TaskExecutors.
type (
	// Deploy starts tasks and stops those of older attempts.
	Deploy struct {
		Attempt stream.Attempt
		Tasks   []Spec
		// Nodes says where each task of the attempt runs, by vertex and subtask.
		Nodes [][]string
	}
	// Trigger asks source tasks to start a checkpoint.
	Trigger struct {
		Attempt    stream.Attempt
		Checkpoint uint64
		Time       int64 // wall ms
		Unaligned  bool
		// Timeout is when aligned barriers begin to overtake, in ms after Time; 0 for
		// never.
		Timeout int64
	}
	// NotifyComplete tells tasks that a checkpoint is durable; Final that it was
	// triggered after all tasks had ended, so that they can finish.
	NotifyComplete struct {
		Attempt    stream.Attempt
		Checkpoint uint64
		Final      bool
	}
	// NotifyAborted tells tasks that a checkpoint will not complete.
	NotifyAborted struct {
		Attempt    stream.Attempt
		Checkpoint uint64
	}
	// Welcome answers a heartbeat: it names the leader's epoch.
	Welcome struct{ Epoch uint32 }
	// Cancel stops all tasks of attempts up to and including one.
	Cancel struct{ Attempt stream.Attempt }
	// Disconnect tells a TaskExecutor that the JobManager takes its process for one that
	// is gone: it stops its tasks and registers as a new one. Heartbeats may overtake each
	// other, so that the last word of a dead process can come after its successor's first.
	Disconnect struct{ Incarnation int64 }
)

// Messages to the JobManager.
type (
	// Heartbeat is a TaskExecutor's report: that it lives, and how its tasks are.
	Heartbeat struct {
		Worker      string
		Incarnation int64
		Slots       int
		Tasks       []Status
	}
	// Ack is a task's part of a checkpoint.
	Ack struct {
		Attempt    stream.Attempt
		Checkpoint uint64
		ID         ID
		Task       snapshot.Task
	}
	// Decline says that a task can't take part in a checkpoint.
	Decline struct {
		Attempt    stream.Attempt
		Checkpoint uint64
		ID         ID
		Why        barrier.Why // 0 if Text says it
		Text       string
	}
)

// Status is the state of one task of one attempt. Tasks send it to their
// TaskExecutor, which passes it on with each heartbeat, so that a lost report is
// repeated.
type Status struct {
	Attempt stream.Attempt
	ID      ID
	State   State
	Cause   host.Cause
	Text    string
}

func (m Deploy) String() string {
	return fmt.Sprintf("deploy %d tasks of attempt %s", len(m.Tasks), m.Attempt)
}
func (m Trigger) String() string        { return "trigger " + strconv.FormatUint(m.Checkpoint, 10) }
func (m NotifyComplete) String() string { return "complete " + strconv.FormatUint(m.Checkpoint, 10) }
func (m NotifyAborted) String() string  { return fmt.Sprintf("aborted %d", m.Checkpoint) }
func (m Welcome) String() string {
	return "welcome to epoch " + strconv.FormatUint(uint64(m.Epoch), 10)
}
func (m Disconnect) String() string {
	return "disconnect process " + strconv.FormatInt(m.Incarnation, 10)
}
func (m Cancel) String() string    { return fmt.Sprintf("cancel attempt %s", m.Attempt) }
func (m Heartbeat) String() string { return "heartbeat of " + m.Worker }
func (m Ack) String() string       { return "ack " + strconv.FormatUint(m.Checkpoint, 10) }
func (m Decline) String() string   { return fmt.Sprintf("decline %d: %s", m.Checkpoint, m.Reason()) }
func (m Status) String() string    { return m.State.String() }

// Reason says why, in words.
func (m Decline) Reason() string {
	if m.Why != 0 {
		return m.Why.String()
	}
	return m.Text
}
