// Package simtest runs a job of yours in go test, in simulated worlds in which its
// processes crash, and judges what it does:
//
//	func TestAlerts(t *testing.T) {
//		simtest.Run(t, simtest.Job{
//			Job: func(j *engine.Job) {
//				Alerts(j, simtest.Source(), simtest.Sink(file.Line))
//			},
//			Input: payments,
//		})
//	}
//
// Each run is a world drawn from a seed: how many workers, the sizes of queues and
// steps, how slow disk and network are, which processes crash and when. The same seed
// gives the same run. The oracles of Weir's own scenarios judge it: committed output
// against a reference interpreter that knows no crashes, each checkpoint's cut, the
// protocol step by step, what is left on disk and in memory, progress, panics; then
// what the job's author adds with Check and Oracles. A failure is made smaller, fewer
// faults and fewer lines, and reported with what was promised, what happened, the
// chain of its causes and the command that makes it again.
//
// Flags of the test binary, beside go test's own:
//
//	-weir.seed N    the first seed; with it alone, one run
//	-weir.runs N    how many seeds, from the first; 60 without, 15 with -short
//	-weir.mode M    aligned, unaligned, at-least-once or timeout; without, the job's, in turn
//	-weir.plan FILE every run goes under these faults, as package faults writes them
//	-weir.out DIR   where a failure's trace and history are kept
//
// A package that does not import simtest does not know them: name packages, not ./...
package simtest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/scenarios"
	"github.com/weirstream/weir/sim"
)

// Mode is how checkpoints treat data in flight.
type Mode = scenarios.Mode

// The modes.
const (
	Aligned     = scenarios.Aligned
	Unaligned   = scenarios.Unaligned
	AtLeastOnce = scenarios.AtLeastOnce
	Timeout     = scenarios.Timeout
)

// SinkUID is the uid that a tested job's sink must have, its only one.
const SinkUID = scenarios.SinkUID

// Source reads the lines of the input, from a file on the simulated disk. A job may
// have several sources of it, each of which reads all lines, and none of anything else.
func Source() connect.Source[string] { return file.Lines(scenarios.InputFile) }

// Sink commits records as lines on the simulated disk, in two phases, where the oracles
// read them; encode appends a record and a newline, as file.Line does for strings.
func Sink[T any](encode func(dst []byte, v T) []byte) connect.Sink[T] {
	return file.Sink(scenarios.OutputDir, encode)
}

// Job is a job, its input, and what of its output can be checked. Job and one of Input
// and Draw are needed; what is not said has a default.
type Job struct {
	// Job describes the job, reading from [Source] and ending in one sink of uid
	// [SinkUID] that is a [Sink].
	Job func(j *engine.Job)
	// Input is the lines to read, without newlines. An input that is read within the
	// first checkpoint proves little: some hundred lines are enough.
	Input []string
	// Draw makes the input of each run, by r alone. It stands for Input.
	Draw func(r *rand.Rand) []string
	// Modes are those to run; all four if empty.
	Modes []Mode
	// Configure sets what the job needs, before the knobs are drawn; see Config for
	// which there are. The default is a job of parallelism 2 that checkpoints often.
	Configure func(c *engine.Config)
	// Slow are uids of operators that a run may make slow.
	Slow []string
	// Promise is what a failure says was promised.
	Promise string
	// Key is what lines have in common whose order must be the reference's. Nil if no
	// order is promised: lines are then compared as a multiset.
	Key func(line string) string
	// Content says that state and output do not depend on the order between channels:
	// the state in checkpoints is compared with the reference, too.
	Content bool
	// Unmodelled says that there is no reference output, since the job reads the clock
	// or its output hangs on the order between channels: only Check judges it.
	Unmodelled bool
	// Check objects to what was committed by a job that has finished, nil for none. At
	// least once, after a restore that repeats records, it is the only judge of output.
	Check func(r *Result) error
	// Oracles makes judges of one run, which see each event of the engine as it
	// happens; nil for none. They must not keep an event.
	Oracles func() []sim.Oracle[host.Event]
}

// Result is what Check judges.
type Result = scenarios.Ended

var (
	seedFlag = flag.Uint64("weir.seed", 0, "simulate from this `seed` on; with it alone, one run")
	runsFlag = flag.Int("weir.runs", 0, "simulate so many seeds; 60 if 0, 15 with -short")
	modeFlag = flag.String("weir.mode", "", "simulate in this `mode` only: aligned, unaligned, at-least-once or timeout")
	planFlag = flag.String("weir.plan", "", "make every run under the faults of this `file`, one a line")
	outFlag  = flag.String("weir.out", "", "keep the trace of a failure in this `directory`")
)

// Numbers of runs.
const (
	defaultRuns = 60
	shortRuns   = 15
)

// Run runs a job once for each seed and fails the test at the first run that breaks a
// promise, with the whole report. It takes about a second unless flags, or a large input, ask for
// more. A test that passes logs how often the job crashed and was restored.
func Run(t testing.TB, j Job) {
	t.Helper()
	o, err := options(t)
	if err != nil {
		t.Fatal(err)
	}
	failure, sum, err := Search(j, o)
	switch {
	case err != nil:
		t.Fatal(err)
	case failure != nil:
		t.Fatal("\n" + failure.Text())
	}
	t.Log(sum)
}

// options reads the flags.
func options(t testing.TB) (Options, error) {
	o := Options{Name: t.Name(), Seed: *seedFlag, Runs: *runsFlag, Keep: *outFlag}
	set := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { set[f.Name] = true })
	switch {
	case o.Runs < 0 || set["weir.runs"] && o.Runs == 0:
		return o, fmt.Errorf("-weir.runs is %d; it must be at least 1", o.Runs)
	case o.Runs > 0:
	case set["weir.seed"]:
		o.Runs = 1
	case testing.Short():
		o.Runs = shortRuns
	}
	if *modeFlag != "" {
		o.Modes = []Mode{Mode(*modeFlag)}
	}
	if *planFlag != "" {
		text, err := os.ReadFile(*planFlag)
		if err != nil {
			return o, fmt.Errorf("-weir.plan: %w; name a file with a fault on each line", err)
		}
		if o.Plan, err = faults.Parse(string(text)); err != nil {
			return o, fmt.Errorf("-weir.plan %s: %w", *planFlag, err)
		}
		o.planText = string(text)
		if o.Plan == nil {
			o.Plan = faults.Plan{}
		}
	}
	if o.Keep == "" {
		o.Keep = t.ArtifactDir()
		f := flag.Lookup("test.artifacts")
		o.fleeting = f == nil || f.Value.String() != "true"
	} else if info, err := os.Stat(o.Keep); err == nil && !info.IsDir() {
		return o, fmt.Errorf("-weir.out %s is not a directory; name one, or what may become one", o.Keep)
	}
	o.Command = func(seed uint64, m Mode) string {
		command := fmt.Sprintf("go test -run '%s' -weir.seed=%d -weir.mode=%s", pattern(t.Name()), seed, m)
		if *planFlag != "" {
			command += " -weir.plan=" + *planFlag
		}
		return command
	}
	return o, nil
}

// pattern matches one test or subtest, for go test -run.
func pattern(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}
