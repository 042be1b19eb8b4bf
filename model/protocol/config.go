package protocol

import (
	"fmt"
	"strings"
)

// Mode is how barriers are handled.
type Mode uint8

// The modes, as in RULES of the barrier handlers.
const (
	Aligned Mode = iota
	AtLeastOnce
	Unaligned
	Timeout // aligned, and turns unaligned when alignment takes too long
)

// Modes are all of them, in order.
var Modes = []Mode{Aligned, AtLeastOnce, Unaligned, Timeout}

func (m Mode) String() string {
	return [...]string{"aligned", "at-least-once", "unaligned", "timeout"}[m]
}

// ParseMode is the inverse of [Mode.String]. The error lists the modes.
func ParseMode(name string) (Mode, error) {
	var names []string
	for _, m := range Modes {
		if m.String() == name {
			return m, nil
		}
		names = append(names, m.String())
	}
	return 0, fmt.Errorf("unknown mode %q; there is: %s", name, strings.Join(names, ", "))
}

// Bug is a mistake that the model can be given, to see that exploring it finds it.
type Bug uint8

// The mistakes; [Bugs] describes them.
const (
	NoBug Bug = iota
	NoAlignment
	CancelNotForwarded
	CommitAtPreCommit
	LateOffset
	LostChannel
	LateAck
	RestoreOlder
	StaleAttempt
	NoRecommit
	TimeoutForgets
	EarlyUnblock
	CommitNewer
	ExpireSealing
	NotifyEarly
	BarrierForgotten
	StaysBlocked
	CommitTwice
	ObsoleteKept
)

// BugInfo describes a [Bug]: in which mode it shows, and what the smallest run needs.
type BugInfo struct {
	Bug  Bug
	Name string // as --bug has it
	What string // what is done wrong
	Mode Mode   // in which it shows
	// Small is the smallest configuration that shows it, Property what it breaks.
	Small    Config
	Property string
}

// Bugs are all mistakes, in order.
var Bugs = bugs()

func bugs() []BugInfo {
	list := []BugInfo{
		{Bug: NoAlignment, Name: "no-alignment", What: "a channel whose barrier has come is read on",
			Small: Config{Records: 1, Checkpoints: 1}, Property: "cut"},
		{Bug: CancelNotForwarded, Name: "cancel-not-forwarded", What: "a source that gives a checkpoint up sends no cancel marker in place of the barrier",
			Small: Config{Records: 1, Checkpoints: 1, Aborts: 1}, Property: "progress"},
		{Bug: CommitAtPreCommit, Name: "commit-at-pre-commit", What: "the sink commits at the barrier",
			Small: Config{Records: 1}, Property: "commit"},
		{Bug: LateOffset, Name: "late-offset", What: "a source stores the offset it has when it writes its file, not the one at the barrier",
			Small: Config{Records: 1, Checkpoints: 1}, Property: "cut"},
		{Bug: LostChannel, Name: "lost-channel", What: "the operator does not store what is in flight on its second channel",
			Mode: Unaligned, Small: Config{Records: 2, Checkpoints: 1}, Property: "cut"},
		{Bug: LateAck, Name: "late-ack", What: "acks of a checkpoint that was given up go on counting",
			Small: Config{Records: 1, Aborts: 1}, Property: "aborted"},
		{Bug: RestoreOlder, Name: "restore-older", What: "a new leader starts from nothing, though a checkpoint was committed",
			Small: Config{Records: 1, Crashes: 1}, Property: "restore"},
		{Bug: StaleAttempt, Name: "stale-attempt", What: "acks of an older attempt count for the checkpoint that has the same id now",
			Small: Config{Records: 1, Crashes: 1}, Property: "cut"},
		{Bug: NoRecommit, Name: "no-recommit", What: "a sink that recovers does not commit what the checkpoint owns",
			Small: Config{Records: 1, Crashes: 1}, Property: "exactly-once"},
		{Bug: TimeoutForgets, Name: "timeout-forgets", What: "an alignment that times out does not store the records queued ahead of the barrier",
			Mode: Timeout, Small: Config{Records: 1, Checkpoints: 1}, Property: "cut"},
		{Bug: EarlyUnblock, Name: "early-unblock", What: "word that an older checkpoint was given up ends the blocking of an alignment",
			Small: Config{Records: 1, Checkpoints: 2, Aborts: 1}, Property: "cut"},
		{Bug: CommitNewer, Name: "commit-newer", What: "a notification commits what newer checkpoints own, too",
			Small: Config{Records: 1, Checkpoints: 1}, Property: "commit"},
		{Bug: ExpireSealing, Name: "expire-sealing", What: "a checkpoint may expire while its metadata is being written",
			Small: Config{Records: 1, Aborts: 1}, Property: "aborted"},
		{Bug: NotifyEarly, Name: "notify-early", What: "tasks are notified after the last ack, before the metadata is durable",
			Small: Config{Records: 1}, Property: "commit"},
		{Bug: BarrierForgotten, Name: "barrier-forgotten", What: "the operator takes its snapshot and sends no barrier on",
			Small: Config{Records: 1}, Property: "progress"},
		{Bug: StaysBlocked, Name: "stays-blocked", What: "the end of an alignment unblocks the channel of the last barrier only",
			Small: Config{Records: 1}, Property: "blocked"},
		{Bug: CommitTwice, Name: "commit-twice", What: "a sink that recovers commits again what is committed",
			Mode: AtLeastOnce, Small: Config{Records: 1, Crashes: 1}, Property: "at-least-once"},
		{Bug: ObsoleteKept, Name: "obsolete-kept", What: "a barrier of a checkpoint that is over goes back into the queue",
			Small: Config{Records: 1, Aborts: 1}, Property: "progress"},
	}
	for i := range list {
		list[i].Small.Mode, list[i].Small.Bug = list[i].Mode, list[i].Bug
	}
	return list
}

func (b Bug) String() string {
	if b == NoBug {
		return "none"
	}
	return Bugs[b-1].Name
}

// ParseBug is the inverse of [Bug.String]. The error lists the bugs.
func ParseBug(name string) (Bug, error) {
	var names []string
	for _, b := range Bugs {
		if b.Name == name {
			return b.Bug, nil
		}
		names = append(names, b.Name)
	}
	return 0, fmt.Errorf("unknown bug %q; there is: %s", name, strings.Join(names, ", "))
}

// Bounds of a [Config].
const (
	RecordsMax     = 4
	CheckpointsMax = 2
	CrashesMax     = 1
	AbortsMax      = 1
)

// Config is the size of what is explored.
type Config struct {
	Mode Mode
	// Records are dealt to the two sources in turn, 1 to [RecordsMax].
	Records int
	// Checkpoints may be triggered at any time, 0 to [CheckpointsMax]; after the end of
	// all input come as many more as it takes to commit everything.
	Checkpoints int
	// Crashes of one process each, 0 to [CrashesMax].
	Crashes int
	// Aborts, 0 to [AbortsMax]: a task that declines, or a checkpoint that expires.
	Aborts int
	Bug    Bug
}

// Validate says what is out of bounds.
func (c Config) Validate() error {
	for _, b := range []struct {
		name         string
		n, low, high int
	}{
		{"records", c.Records, 1, RecordsMax},
		{"checkpoints", c.Checkpoints, 0, CheckpointsMax},
		{"crashes", c.Crashes, 0, CrashesMax},
		{"aborts", c.Aborts, 0, AbortsMax},
	} {
		if b.n < b.low || b.n > b.high {
			return fmt.Errorf("%d %s; there may be %d to %d", b.n, b.name, b.low, b.high)
		}
	}
	return nil
}

func (c Config) String() string {
	s := fmt.Sprintf("%s, %d records, %d checkpoints, %d crashes, %d aborts", c.Mode, c.Records, c.Checkpoints, c.Crashes, c.Aborts)
	if c.Bug != NoBug {
		s += ", bug " + c.Bug.String()
	}
	return s
}
