// Package faults says what goes wrong in a simulated run: what, to whom, and when.
// It knows no engine types; targets and events are text.
//
// A plan is text, one fault a line: name, when, what, how. [Parse] reads what
// [Plan.String] prints; blank lines, and what follows a "#" at the beginning of a line
// or behind a space, are left out.
//
//	f1!  on completed#2+14                   crash tm2  machine for=250ms
//	f2   from the start                      slow tm1->tm2  by=400%
//	f3   on completed#3                      damage newest  bit-flip
//	f4   on call sync of */_metadata*#1      crash jm  process for=25ms
//	f5   from 100ms to 300ms                 lose jm->tm1,tm2  with 5%
//	f6   on pre-committed of sink/0#2        partition jm|tm1  for=1s
//	f7   on call sync of */task-*#2          sync-error all  file=*/task-* times=1
//
// Name. Letters, digits, "-" and "_"; a "!" behind it makes the fault essential. No two
// faults have the same.
//
// When. "from the start"; "at 1s" of virtual time; "from 1s to 2s", for faults that last;
// "on EVENT#N", the N-th engine event of a kind, or "on EVENT of SUBJECT#N" of those about
// a task or node; "on call OP#N", before the N-th file-system call of a kind, or "on call
// OP of GLOB#N" of those on files whose whole path matches, where "*" is any text and "?"
// any character; "on change#N", after N changes of crash-surviving state since the run
// began. "+C" behind N lets C more of these changes pass.
//
// What and how: see [Forms]. Durations are Go's, above 0 and at most an hour. Texts with
// spaces or other special characters are quoted as in Go.
package faults

import (
	"fmt"
	"strings"
	"time"
)

// Kind is a kind of fault.
type Kind string

// The kinds of fault.
const (
	// ProcessCrash ends a process; its machine's page cache survives.
	ProcessCrash Kind = "process-crash"
	// MachineCrash ends a process and loses what its machine had not synced.
	MachineCrash Kind = "machine-crash"
	// SlowLink makes a link slower in both latency and bandwidth.
	SlowLink Kind = "slow-link"
	// SlowOperator makes an operator slower per record.
	SlowOperator Kind = "slow-operator"
	// SlowCPU makes all that a process does slower, its files too.
	SlowCPU Kind = "slow-cpu"
	// Pause stops a process, as SIGSTOP does: what comes in waits, clocks go on.
	Pause Kind = "pause"
	// Stall holds back all that is sent on links.
	Stall Kind = "stall"
	// Partition loses messages on links and holds their wires back.
	Partition Kind = "partition"
	// Reset breaks the wires between nodes; their processes live on.
	Reset Kind = "reset"
	// Lose loses messages on links, Delay makes them late, Duplicate delivers them
	// twice. Wires are spared.
	Lose      Kind = "lose"
	Delay     Kind = "delay"
	Duplicate Kind = "duplicate"
	// Skew sets by how much a node's wall clock is ahead, Jump changes it.
	Skew Kind = "skew"
	Jump Kind = "jump"
)

// Fault is one thing that goes wrong.
type Fault struct {
	Name string // "f1"; reports and traces use it
	Kind Kind
	// Target is a node, "from->to" for a slow link, an operator's uid, sides (see
	// [Fault.Ways]) for other faults of links, [Newest] or [Previous] for damage. For a
	// failure of the disk it may be [All].
	Target string
	// File is the name of the damaged file in its checkpoint, or [Whole]; empty to
	// draw one. For a failure of the disk it is a glob over whole paths, see [Matches];
	// empty for all.
	File string
	// Call is the kind of file-system call that a failure of the disk hits, empty for
	// all.
	Call string
	// Applied says that a call took its effect and failed all the same.
	Applied bool
	// Room is how many more bytes a full disk takes.
	Room int
	When Trigger
	// For is how long a crashed process stays away, or a fault lasts; 0 if When says it
	// or, for a slow link, for ever.
	For time.Duration
	// Percent is by how much a link, node or operator is slower, 100 for not at all.
	Percent int
	// By is how late a message is, how long a call stalls, or how much a wall clock is
	// ahead; that may be negative.
	By time.Duration
	// Times is how often a process crashes, 0 or 1 for once; Up is how long it is
	// there between two crashes. For failures of the disk see [Fault.Calls].
	Times int
	Up    time.Duration
	// Chance is the percentage of messages or calls that are hit, 0 for all.
	Chance int
	// Essential says that the run proves nothing without this fault: it happens
	// at the latest when the job is about to finish. Plans mark its name with "!".
	Essential bool
}

// Plan is the faults of one run, in order.
type Plan []Fault

func (p Plan) String() string {
	var b strings.Builder
	for _, f := range p {
		b.WriteString(f.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// Chance draws decisions; where names what is decided.
type Chance func(where string, n int) int

// Shape is what a plan may be drawn for.
type Shape struct {
	JobManager string
	Workers    []string
	// Operators are uids that may be slow.
	Operators []string
	// Crashes is the largest number of crashes, at least 1.
	Crashes int
}

// Draw makes a plan: one essential crash after a completed checkpoint, further
// crashes at any phase of a checkpoint, slow links and slow operators.
func Draw(c Chance, s Shape) Plan {
	var p Plan
	add := func(f Fault) {
		f.Name = fmt.Sprintf("f%d", len(p)+1)
		p = append(p, f)
	}
	add(crash(c, s, "essential", after("completed", 1+c("essential/nth", 3), c("essential/changes", 24)), true))
	for i := range c("crashes", s.Crashes) {
		where := fmt.Sprintf("crash%d", i)
		on := []string{"checkpoint triggered", "snapshot stored", "ack", "sealing", "completed", "pre-committed", "committed", "restored", "deploying"}
		add(crash(c, s, where, after(on[c(where+"/on", len(on))], 1+c(where+"/nth", 8), c(where+"/changes", 12)), false))
	}
	for _, from := range s.Workers {
		for _, to := range s.Workers {
			if from != to && c("slow/"+from+to, 3) == 0 {
				add(Fault{Kind: SlowLink, Target: from + "->" + to, Percent: 200 << c("slow/by/"+from+to, 5)})
			}
		}
	}
	for _, uid := range s.Operators {
		if c("slow/"+uid, 2) == 0 {
			add(Fault{Kind: SlowOperator, Target: uid, Percent: 200 << c("slow/by/"+uid, 5)})
		}
	}
	return p
}

func crash(c Chance, s Shape, where string, when Trigger, essential bool) Fault {
	nodes := append([]string{s.JobManager}, s.Workers...)
	f := Fault{Kind: ProcessCrash, Target: nodes[c(where+"/target", len(nodes))], When: when, Essential: essential}
	if c(where+"/machine", 2) == 0 {
		f.Kind = MachineCrash
	}
	f.For = time.Duration(1+c(where+"/for", 40)) * 25 * time.Millisecond
	return f
}
