// Package faults says what goes wrong in a simulated run: what, to whom, and when.
// It knows no engine types; targets and events are text.
//
// A plan prints one fault a line, in four columns: name, when, what, how.
//
//	f1  on completed#2+14  crash tm2   machine for=250ms
//	f2  from the start     slow tm1->tm2  by=400%
//	f3  on completed#3     damage newest  bit-flip
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
)

// Trigger says when a fault happens. The zero value is the start of the run.
type Trigger struct {
	// On is the kind of engine event waited for, Nth which one of them, from 1.
	On  string
	Nth int
	// Changes is how many changes of crash-surviving state are let pass after
	// the event: a crash between two of them can't be told from one just before
	// the second.
	Changes int
}

func (t Trigger) String() string {
	switch {
	case t.On == "":
		return "from the start"
	case t.Changes == 0:
		return fmt.Sprintf("on %s#%d", t.On, t.Nth)
	}
	return fmt.Sprintf("on %s#%d+%d", t.On, t.Nth, t.Changes)
}

// Fault is one thing that goes wrong.
type Fault struct {
	Name string // "f1"; reports and traces use it
	Kind Kind
	// Target is a node for crashes, "from->to" for links, an operator's uid, [Newest]
	// or [Previous] for damage.
	Target string
	// File is the name of the damaged file in its checkpoint, or [Whole]; empty to
	// draw one.
	File string
	When Trigger
	// For is how long a crashed process stays away.
	For time.Duration
	// Percent is by how much a link or operator is slower, 100 for not at all.
	Percent int
	// Essential says that the run proves nothing without this fault: it happens
	// at the latest when the job is about to finish.
	Essential bool
}

func (f Fault) String() string {
	switch f.Kind {
	case ProcessCrash, MachineCrash:
		what := strings.TrimSuffix(string(f.Kind), "-crash")
		return fmt.Sprintf("%s  %s  crash %s  %s for=%s", f.Name, f.When, f.Target, what, f.For)
	case BitFlip, TruncatedFile, LostFile:
		return f.damage()
	}
	return fmt.Sprintf("%s  %s  slow %s  by=%d%%", f.Name, f.When, f.Target, f.Percent)
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
	add(crash(c, s, "essential", Trigger{"completed", 1 + c("essential/nth", 3), c("essential/changes", 24)}, true))
	for i := range c("crashes", s.Crashes) {
		where := fmt.Sprintf("crash%d", i)
		on := []string{"checkpoint triggered", "snapshot stored", "ack", "sealing", "completed", "pre-committed", "committed", "restored", "deploying"}
		add(crash(c, s, where, Trigger{on[c(where+"/on", len(on))], 1 + c(where+"/nth", 8), c(where+"/changes", 12)}, false))
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
