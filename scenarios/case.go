package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

// Case is one run that says everything itself: nothing of it is drawn from the seed but
// what happens on the way, and with a plain schedule not even that. Its text is described
// in docs/trace.md.
type Case struct {
	// Comment is what stands above it, a line each.
	Comment  []string
	Scenario string
	Mode     Mode
	Seed     uint64
	Strategy Strategy
	// StopAfter ends the run after that many completed checkpoints; 0 for never.
	StopAfter int
	// Set are the settings that differ from the scenario's own, key=value, by key.
	Set []string
	World
	// Records are the lines of the input.
	Records []string
	Plan    faults.Plan
	// Plain makes every draw of the run 0 that Draws does not replace.
	Plain bool
	Draws []Draw

	// Passes says that the run must pass in the engine as it is; Fails is how it fails.
	Passes bool
	Fails  []Failing
	// Reaches are points of coverage, and "fault NAME" for each fault that must happen:
	// a case that has lost one shows nothing any more.
	Reaches []string

	path  string // it was read from there
	plan  string // text of the plan, with line and column as in the file
	lines map[string]int
}

// World is the cluster of a case and its hardware.
type World struct {
	Workers              int
	StepCost, RecordCost time.Duration
	// IO is the time of a file-system call, Latency that of a message.
	IO, Latency cluster.Range
	Bandwidth   int64 // bytes a second of a link
	// Uneven bounds the factors of nodes and operators, in percent, from 100.
	Uneven cluster.Percent
}

// Draw replaces one draw of a run: Value is its outcome.
type Draw struct {
	sim.Draw
	Value uint64
}

// Failing says which oracle objects first, and in which mutant; none for the engine as
// it is.
type Failing struct{ Oracle, Mutant string }

func (f Failing) String() string {
	if f.Mutant == "" {
		return f.Oracle
	}
	return f.Oracle + " with " + f.Mutant
}

// caseMagic is the first line of a case.
const caseMagic = "weir case v1"

// String is the case as a file, one thing a line.
func (c *Case) String() string {
	var b strings.Builder
	b.WriteString(caseMagic + "\n")
	for _, line := range c.Comment {
		b.WriteString(strings.TrimSpace("# "+line) + "\n")
	}
	field := func(key, format string, args ...any) { fmt.Fprintf(&b, "%-9s %s\n", key, fmt.Sprintf(format, args...)) }
	field("scenario", "%s", c.Scenario)
	field("mode", "%s", c.Mode)
	field("seed", "%d", c.Seed)
	field("strategy", "%s", c.Strategy)
	if c.StopAfter > 0 {
		field("stop", "%d", c.StopAfter)
	}
	for _, kv := range c.Set {
		field("set", "%s", kv)
	}
	for _, p := range worldParts {
		field("world", "%s=%s", p.key, p.get(&c.World))
	}
	for _, r := range c.Records {
		field("record", "%s", strconv.Quote(r))
	}
	for _, f := range c.Plan {
		field("fault", "%s", f)
	}
	field("schedule", "%s", scheduleWords[c.Plain])
	for _, d := range c.Draws {
		field("draw", "%s %s %d = %d", quoteWord(d.Point), quoteWord(d.Where), d.N, d.Value)
	}
	if c.Passes {
		b.WriteString("passes\n")
	}
	for _, f := range c.Fails {
		field("fails", "%s", f)
	}
	for _, p := range c.Reaches {
		field("reaches", "%s", p)
	}
	return b.String()
}

var scheduleWords = map[bool]string{true: "plain", false: "drawn"}

// quoteWord is a word of a line: as it is, or as a Go string.
func quoteWord(s string) string {
	if s == "" || s != strings.ToValidUTF8(s, "") || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || strings.ContainsRune("\"`'", r) || !strconv.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// worldPart is one value of a case's world.
type worldPart struct {
	key string
	get func(w *World) string
	set func(w *World, value string) error
	// plain sets it to what is easiest to understand, without anything to draw.
	plain func(w *World)
}

var worldParts = []worldPart{
	{"workers", func(w *World) string { return strconv.Itoa(w.Workers) }, func(w *World, v string) (err error) {
		w.Workers, err = wholeFrom(v, 1, 1000)
		return err
	}, nil},
	durationPart("step-cost", func(w *World) *time.Duration { return &w.StepCost }, time.Microsecond),
	durationPart("record-cost", func(w *World) *time.Duration { return &w.RecordCost }, time.Microsecond),
	rangePart("io", func(w *World) *cluster.Range { return &w.IO }, 100*time.Microsecond),
	rangePart("latency", func(w *World) *cluster.Range { return &w.Latency }, 100*time.Microsecond),
	{"bandwidth", func(w *World) string { return strconv.FormatInt(w.Bandwidth, 10) }, func(w *World, v string) error {
		n, err := wholeFrom(v, 1, 1<<40)
		w.Bandwidth = int64(n)
		return err
	}, func(w *World) { w.Bandwidth = 100 << 20 }},
	{"uneven", func(w *World) string { return fmt.Sprintf("%d%%", max(w.Uneven, 100)) }, func(w *World, v string) error {
		digits, ok := strings.CutSuffix(v, "%")
		n, err := wholeFrom(digits, 100, 100_000)
		if !ok || err != nil {
			return fmt.Errorf("%q is not a percentage from 100%% to 100000%%", v)
		}
		w.Uneven = cluster.Percent(n)
		return nil
	}, func(w *World) { w.Uneven = 100 }},
}

func wholeFrom(text string, from, to int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < from || n > to {
		return 0, fmt.Errorf("%q is not a whole number from %d to %d", text, from, to)
	}
	return n, nil
}

func durationPart(key string, of func(w *World) *time.Duration, plain time.Duration) worldPart {
	return worldPart{key, func(w *World) string { return of(w).String() }, func(w *World, v string) (err error) {
		*of(w), err = spanOf(v)
		return err
	}, func(w *World) { *of(w) = plain }}
}

func rangePart(key string, of func(w *World) *cluster.Range, plain time.Duration) worldPart {
	return worldPart{key, func(w *World) string {
		r := of(w)
		if r.Min == r.Max {
			return r.Min.String()
		}
		return r.Min.String() + ".." + r.Max.String()
	}, func(w *World, v string) (err error) {
		r := of(w)
		low, high, two := strings.Cut(v, "..")
		if !two {
			high = low
		}
		if r.Min, err = spanOf(low); err != nil {
			return err
		}
		if r.Max, err = spanOf(high); err == nil && r.Max < r.Min {
			err = fmt.Errorf("%q ends before it begins", v)
		}
		return err
	}, func(w *World) { *of(w) = cluster.Range{Min: plain, Max: plain} }}
}

func spanOf(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > time.Hour {
		return 0, fmt.Errorf("%q is not a duration such as 50µs, above 0 and at most 1h", text)
	}
	return d, nil
}

// hardware is the simulated hardware of the case.
func (c *Case) hardware() cluster.Options {
	hw := cluster.Options{
		WallStart: start.UnixNano(), StepCost: c.StepCost, RecordCost: c.RecordCost, IO: c.IO,
		Link:      cluster.LinkOptions{Latency: c.Latency, Bandwidth: c.Bandwidth},
		DrawnCost: c.Uneven, Plain: c.Plain, Tape: sim.Tape{},
	}
	for _, d := range c.Draws {
		hw.Tape[d.Draw] = d.Value
	}
	return hw
}

// data is the case's input.
func (c *Case) data() []byte {
	var all []byte
	for _, r := range c.Records {
		all = append(append(all, r...), '\n')
	}
	return all
}

// caseOf is what a run is, said explicitly. It is the same run.
func (r *run) caseOf() (*Case, error) {
	if r.o.given != nil {
		return r.o.given.clone(), nil
	}
	hw := &r.world.hardware
	c := &Case{
		Scenario: r.scenario.Name, Mode: r.mode, Seed: r.o.Seed, Strategy: r.o.Strategy, StopAfter: r.o.StopAfter,
		World: World{
			Workers: r.world.workers, StepCost: max(hw.StepCost, time.Microsecond), RecordCost: max(hw.RecordCost, 100*time.Nanosecond),
			IO: hw.IO, Latency: hw.Link.Latency, Bandwidth: hw.Link.Bandwidth, Uneven: max(hw.DrawnCost, 100),
		},
		Plan: slices.Clone(r.world.plan),
	}
	if hw.RecordCost > 0 {
		c.RecordCost = hw.RecordCost
	}
	if hw.StepCost > 0 {
		c.StepCost = hw.StepCost
	}
	for line := range strings.Lines(string(r.data)) {
		c.Records = append(c.Records, strings.TrimSuffix(line, "\n"))
	}
	plain, err := r.scenario.Config(r.mode, nil)
	if err != nil {
		return nil, err
	}
	c.Set = differing(r.config, plain)
	return c, nil
}

// differing are the settings of one configuration that another has not, by key.
func differing(c, from *engine.Config) []string {
	var set []string
	theirs := from.Settings()
	for i, kv := range c.Settings() {
		if kv != theirs[i] {
			set = append(set, kv[0]+"="+kv[1])
		}
	}
	return set
}

// clone is a copy of which the parts may be changed.
func (c *Case) clone() *Case {
	d := *c
	d.Set, d.Records, d.Plan, d.Draws = slices.Clone(c.Set), slices.Clone(c.Records), slices.Clone(c.Plan), slices.Clone(c.Draws)
	d.Fails, d.Reaches = slices.Clone(c.Fails), slices.Clone(c.Reaches)
	d.path, d.plan, d.lines = "", "", nil
	return &d
}
