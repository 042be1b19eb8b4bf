// Package scenarios is the registry of jobs that Weir runs against itself, in the
// simulator and live, and the runs: what is drawn from a seed, which oracles
// judge, and what is reported.
package scenarios

import (
	"fmt"
	"strings"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/model"
)

// Mode is how checkpoints treat data in flight.
type Mode string

// The modes.
const (
	Aligned     Mode = "aligned"
	Unaligned   Mode = "unaligned"
	AtLeastOnce Mode = "at-least-once"
	// Timeout is aligned at first, and unaligned from the aligned checkpoint timeout on.
	Timeout Mode = "timeout"
)

// alignedTimeout is the aligned checkpoint timeout where none is drawn or set.
const alignedTimeout = 10 * time.Millisecond

// Scenario is a job with an input, a promise and the means to check it.
type Scenario struct {
	Name    string
	Promise string
	Modes   []Mode
	Faults  []string
	// DefaultInput is the path of the input if the user names none.
	DefaultInput func() (string, error)
	// Job describes the job over the input file and the output directory; pace
	// may hold the source back, nil for never.
	Job func(pace Pace) func(*engine.Job)
	// Configure sets what the scenario needs, before modes and user settings.
	Configure func(c *engine.Config)
	// SweepLines are how many lines of the input a run of a sweep may read, of which
	// one is drawn; nil for 20, 300 or 2000.
	SweepLines []int
	// Canary says that the scenario must fail: its job breaks the rules.
	Canary bool
	// Slow are uids of operators that a run may make slow.
	Slow []string
	// AlwaysSlow says that each run makes at least one of them, or a link, slow.
	AlwaysSlow bool
	// Damaged says that each run damages completed checkpoints, BadDisk that its disk
	// fails.
	Damaged, BadDisk bool
	// Order is the order in which lines must be committed, and Key is what lines that
	// must be in order have in common, which come from one subtask; a witnessed line has
	// no key. Nil if the order is Multiset.
	Order Order
	Key   func(line string) (key string, witnessed bool)
	// Witnessed is the operator whose rows are witnessed, without its channels.
	Witnessed func(g *graph.Graph) *model.Witnessed
	// Repeats checks what is committed, in commit order, after restores of
	// at-least-once checkpoints, and counts what is there twice; nil if the scenario has
	// no such mode.
	Repeats func(g *graph.Graph, want, got []string, l *licences) (wrong []string, extra int64)
	// CutContent says that what the job holds and has output at a cut does not depend
	// on the order between channels, nor, but for what timers do that have fired, on
	// when they do: every checkpoint looked into is compared with the reference.
	CutContent bool
	// Ahead is by how many records of its key a value in state is ahead of another, nil
	// for none; needed for at-least-once checkpoints if CutContent is set.
	Ahead func(value, of []byte) (int64, error)
	// Clock is the time that the reference sees, in milliseconds, of a job that asks for
	// the time, or for timers of it: what is output must not depend on it. Nil for others.
	Clock func() int64
	// Output turns committed lines, in commit order for each subtask, into the
	// lines of --output.
	Output func(committed []string) ([]string, error)
	// Own is nil for the scenarios of the registry.
	Own *Own
}

// Pace says whether the source's subtask may emit its next record, given how many
// it has emitted.
type Pace func(emitted int64) bool

// Files of every scenario, relative to the root of its file system.
const (
	InputFile = "input/data"
	OutputDir = "out"
	SinkUID   = "sink"
)

// All is every scenario, in order of name.
func All() []*Scenario {
	return []*Scenario{allround(), badDisk(), damagedCheckpoint(), rebalanceBroadcast(), timers(), twoInputs(), wordcount()}
}

// sweepLines is what a run of a sweep may read.
func (s *Scenario) sweepLines() []int {
	if s.SweepLines == nil {
		return []int{20, 300, 2000, 2000, 2000, 2000}
	}
	return s.SweepLines
}

// baseLines is what the bases of CrashEverywhere may read in a sweep: little, so that it
// gets around.
func (s *Scenario) baseLines() []int {
	if s.SweepLines == nil {
		return []int{20, 60, 150}
	}
	return s.SweepLines[:1]
}

// Canaries are the scenarios that must fail; no sweep has them that does not name them.
func Canaries() []*Scenario { return []*Scenario{canary()} }

// Find returns the scenario or canary of that name; the error names the scenarios.
func Find(name string) (*Scenario, error) {
	var names []string
	for _, s := range append(All(), Canaries()...) {
		if s.Name == name {
			return s, nil
		}
		if !s.Canary {
			names = append(names, s.Name)
		}
	}
	return nil, fmt.Errorf("unknown scenario %q; there is: %s", name, strings.Join(names, ", "))
}

// Mode finds one of the scenario's modes; the error names those there are.
func (s *Scenario) Mode(name string) (Mode, error) {
	var names []string
	for _, m := range s.Modes {
		if string(m) == name {
			return m, nil
		}
		names = append(names, string(m))
	}
	return "", fmt.Errorf("unknown mode %q; %s has: %s", name, s.Name, strings.Join(names, ", "))
}

// Config is the configuration of a run in a mode, with the user's settings on top.
func (s *Scenario) Config(m Mode, set []string) (*engine.Config, error) {
	c := engine.DefaultConfig()
	c.Name = s.Name
	s.Configure(c)
	c.Unaligned, c.AtLeastOnce = m == Unaligned || m == Timeout, m == AtLeastOnce
	if m == Timeout {
		c.AlignedTimeout = alignedTimeout
	}
	if err := Apply(c, set); err != nil {
		return nil, err
	}
	// The job fits on the last worker left, unless the user says otherwise.
	c.Slots = max(c.Slots, c.Parallelism)
	if err := Apply(c, set); err != nil {
		return nil, err
	}
	if c.Slots < c.Parallelism {
		return nil, fmt.Errorf("--set: taskmanager.numberOfTaskSlots is %d; it must be at least parallelism.default, which is %d: one worker may have to run the whole job", c.Slots, c.Parallelism)
	}
	if (c.AlignedTimeout > 0) != (m == Timeout) && c.Unaligned {
		return nil, fmt.Errorf("--set: execution.checkpointing.aligned-checkpoint-timeout is %s, which contradicts --mode %s; it is for --mode timeout, and there more than 0s", c.AlignedTimeout, m)
	}
	if c.Unaligned != (m == Unaligned || m == Timeout) {
		return nil, fmt.Errorf("--set: execution.checkpointing.unaligned.enabled is %t, which contradicts --mode %s; leave it out", c.Unaligned, m)
	}
	return c, nil
}

// Apply sets key=value settings and validates the result.
func Apply(c *engine.Config, set []string) error {
	for _, kv := range set {
		k, v, ok := strings.Cut(kv, "=")
		if !ok {
			return fmt.Errorf("--set %q is not of the form key=value", kv)
		}
		if err := c.Set(k, v); err != nil {
			return fmt.Errorf("--set: %w", err)
		}
	}
	return c.Validate()
}
