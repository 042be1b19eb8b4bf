package host

// EventKind says what an [Event] reports.
type EventKind uint8

// What the engine reports to its listener. Subject is a task ("count/1"), a node
// or "jm"; unnamed fields are zero.
const (
	EpochStarted        EventKind = iota // JobManager became leader of Epoch
	WorkerRegistered                     // Subject joined; N its incarnation
	WorkerLost                           // Subject's heartbeats stopped; Text why
	LeaderHeard                          // worker Subject heard for the first time of the leader of Epoch: of no older epoch may a task run there
	Deploying                            // attempt (Epoch, Number) starts; Checkpoint it restores, 0 for none
	Restored                             // task took its state from Checkpoint; N in-flight bytes, M in-flight records restored; Data *snapshot.Positions
	TaskRunning                          // task runs; Data task.View of what it starts with, from Checkpoint, 0 for none
	TaskEnded                            // task saw the end of data on all inputs; Data *task.Account
	TaskFinished                         // task is done for good; Data *task.Account
	TaskFailed                           // task failed; Text why, Cause its class
	Restarting                           // job restarts after a failure; Text why
	JobFinished                          // job is done
	JobFailed                            // job gave up; Text why
	CheckpointTriggered                  // coordinator asked the sources to start Checkpoint; N nanoseconds of its timeout are over
	BarrierIn                            // task took Checkpoint's barrier from Channel, from which it had taken N records; M had arrived; Text is Overtook if it was ahead of its time: then M are those ahead of it
	BarrierOut                           // task sent Checkpoint's barrier downstream, behind N events; M is 1 if it overtook data; Data *snapshot.Positions
	CancelIn                             // task took Checkpoint's cancel marker from Channel
	CancelOut                            // task sent Checkpoint's cancel marker downstream
	ChannelEnded                         // task took the end of partition from Channel, from which it had taken N records
	ChannelBlocked                       // Channel waits for alignment of Checkpoint; N records taken from it, M had arrived
	ChannelUnblocked                     // Channel goes on; N records taken from it, M had arrived: M-N were held back
	SnapshotTaken                        // task passed the synchronous point; N events sent, M is 1 if unaligned; Data task.View of its state there
	SnapshotStored                       // task's files are durable; N bytes, M of them in flight; Data *snapshot.Task
	CheckpointDeclined                   // task declined; Text why
	AckCounted                           // coordinator counted Subject's ack, which came from attempt (N, M)
	MessageDropped                       // coordinator or task dropped a stale input; Text which and why
	CheckpointSealing                    // all acks there, metadata being written; Data *snapshot.Metadata
	CheckpointCompleted                  // metadata durable; Data *snapshot.Metadata
	CheckpointAborted                    // Text why (closed set of checkpoint.Why)
	CheckpointNotified                   // task was told of completion
	AbortNotified                        // task was told that Checkpoint was given up
	CheckpointDiscarded                  // files removed
	SinkPreCommitted                     // sink task made Text (a commit token) ready; Data connect.Committable
	SinkCommitted                        // sink task committed Text; Checkpoint it belongs to
	SinkAborted                          // sink task removed orphan Text
	SourcePosition                       // source task's position at a snapshot; N records emitted
	BarrierAnnounced                     // Checkpoint's barrier, which may overtake later, waits on Channel, from which N records were taken; M are ahead of it or were taken
	AlignmentTimedOut                    // task aligns Checkpoint no longer, N nanoseconds after its trigger by the wall clocks; Text why; its barriers overtake
	OutputTimedOut                       // task's barrier of Checkpoint has overtaken what was ahead of it in output queues; Data *snapshot.Positions, as of BarrierOut
	CorruptFile                          // Text names the file and what is wrong
)

var eventNames = [...]string{
	"epoch started", "worker registered", "worker lost", "leader heard", "deploying", "restored", "running", "ended", "finished", "failed",
	"restarting", "job finished", "job failed", "checkpoint triggered", "barrier in", "barrier out", "cancel in", "cancel out",
	"channel ended", "blocked", "unblocked",
	"snapshot taken", "snapshot stored", "declined", "ack", "dropped", "sealing", "completed", "aborted", "notified", "abort notified", "discarded",
	"pre-committed", "committed", "orphan removed", "position",
	"barrier announced", "alignment timed out", "output timed out", "corrupt file",
}

func (k EventKind) String() string { return eventNames[k] }

// Texts of events of checkpoints that are aligned until a timeout.
const (
	Overtook  = "overtook"              // BarrierIn: the barrier has overtaken
	ByTimer   = "timer"                 // AlignmentTimedOut: the timer of the task was due
	ByBarrier = "barrier that overtook" // AlignmentTimedOut: it came before that
)

// Cause is the class of a failure, for the provocation oracle: every failure must
// come from outside or from a user's function.
type Cause uint8

// The causes of failures.
const (
	CauseNone     Cause = iota
	CauseUser           // a user's function returned an error or panicked
	CauseIO             // a file system or port call failed
	CauseInput          // input is not what it was: vanished, shrunk
	CauseLostPeer       // another task or worker went away
	CauseLimit          // a configured timeout or limit
	CauseCorrupt        // a file failed its checksum
	CauseBug            // an assertion of the engine failed
)

var causeNames = [...]string{"none", "user function", "i/o", "input", "lost peer", "limit", "corrupt file", "engine bug"}

func (c Cause) String() string { return causeNames[c] }

// Event is one thing the engine did. Data, if set, must not be changed; a task.View
// must not be kept.
type Event struct {
	Kind       EventKind
	Cause      Cause
	Channel    int32
	Epoch      uint32
	Number     uint32
	Subject    string
	Checkpoint uint64
	N, M       int64
	Text       string
	Data       any
}

// Listener is told what the engine does: metrics and logs live, oracles, coverage
// and trace in the simulator. It must not block, and live it must be safe for
// concurrent use.
type Listener interface{ On(e *Event) }

// Discard is a listener that ignores everything.
type Discard struct{}

// On does nothing.
func (Discard) On(*Event) {}
