// Package vet finds, in the source of users' jobs, what makes a run differ from its
// replay: a job that reads the clock, draws from an unseeded source, starts goroutines,
// lets the order of a map reach its output, looks at the world outside, or keeps what
// it knows where no checkpoint holds it.
//
// It begins at the functions that are given to operators, at the functions that build
// a job, and at the methods of process functions, codecs, readers and writers, and goes
// on to what they use: functions of the same package by their source, of other packages
// of the same module by facts, of the standard library by tables. Code that no job
// reaches is not judged.
//
// What it does not see: calls through interfaces and function values, unless the value
// is a literal or a function that a variable of the package was given; functions of
// other modules; the engine itself; work that connectors hand to their host, which
// talks to the outside on purpose.
//
// A comment "//weir:allow reason" on the line of a finding, or alone on the line above,
// excuses it. Without a reason, or where there is nothing to excuse, the comment is a
// finding.
package vet

import (
	"reflect"

	"golang.org/x/tools/go/analysis"
)

// The engine, whose types and functions are known by name: its own source is held to
// the rule by other means.
const engine = "github.com/weirstream/weir/engine"

// Kind is what a finding is about.
type Kind string

// The kinds.
const (
	Clock    Kind = "clock"    // the time of day, timers
	Random   Kind = "random"   // sources that no seed decides
	Parallel Kind = "parallel" // goroutines, channels
	Order    Kind = "order"    // the order of a map
	Outside  Kind = "outside"  // environment, files, network
	Machine  Kind = "machine"  // what the Go runtime says of the process
	Address  Kind = "address"  // addresses as values or text
	Sync     Kind = "sync"     // locks and the like: a hint
	Captured Kind = "captured" // what is written where no checkpoint holds it
	Allow    Kind = "allow"    // an excuse that is none
)

// advice says why a kind breaks replay, and what to use instead.
var advice = map[Kind]string{
	Clock:    "a replay sees another time; use the record's timestamp, ctx.ProcessingTime or a timer",
	Random:   "a replay draws other values; use a rand.Rand seeded from the record or its key",
	Parallel: "the scheduler's order is not replayed; do it in the function, one step after the other",
	Order:    "a map's order differs each time; sort first, as slices.Sorted(maps.Keys(m)) does",
	Outside:  "it may have changed when the record comes again; read it with a source, or before the job is built",
	Machine:  "it differs between machines and moments; give it to the job as a value",
	Address:  "an address differs each time; use what is there, or a key",
	Captured: "what is in no checkpoint starts anew or lives on after a restore; keep it in state, such as a ValueState",
	Sync:     "a hint: functions of a task run one at a time, so that what needs a lock is shared by tasks; keep it in keyed state",
}

// Impure is the fact that a function does, itself or by what it calls, what a replay
// does not repeat.
type Impure struct {
	Kind Kind
	What string // with where, such as "uses time.Now (stamp.go:9)"
}

// AFact implements analysis.Fact.
func (*Impure) AFact() {}

func (f *Impure) String() string { return string(f.Kind) + ": " + f.What }

// Analyzer is the check of one package.
var Analyzer = &analysis.Analyzer{
	Name:       "weir",
	Doc:        "report what makes a stream job differ from its replay\n\nSee package github.com/weirstream/weir/sim/vet.",
	Run:        run,
	FactTypes:  []analysis.Fact{new(Impure)},
	ResultType: reflect.TypeFor[*Seen](),
}

// Seen is what there was in a package.
type Seen struct {
	// Functions counts those given to operators, Jobs those that build jobs.
	Functions, Jobs int
	// Allowed are the findings that are excused.
	Allowed []Excused
}

// Excused is a finding with its excuse.
type Excused struct {
	analysis.Diagnostic
	Reason string
}

func run(pass *analysis.Pass) (any, error) {
	if !judged(pass) {
		return &Seen{}, nil
	}
	in := newInspector(pass)
	in.collect()
	for i := 0; i < len(in.all); i++ { // scanning may add some
		in.scan(in.all[i])
	}
	in.spread()
	for _, u := range in.all {
		in.orders(u)
	}
	in.export()
	in.judge()
	return in.seen, nil
}

// judged reports whether a package is looked into: those of the module that is being
// worked on, but not the engine's.
func judged(pass *analysis.Pass) bool {
	m := pass.Module
	return m != nil && m.Path != "" && m.Version == "" && m.Path != "std" && !engineOwn(pass.Pkg.Path())
}
