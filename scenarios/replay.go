package scenarios

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/weirstream/weir/scenarios/mutants"
	"github.com/weirstream/weir/sim/trace"
)

// Names of what a trace's header keeps beyond its own fields.
const (
	extraSet  = "set"
	extraFrom = "from"
	extraStop = "stop-after"
	// extraLines is --lines, empty for all.
	extraLines = "lines"
	// extraGoOn is "yes" if the run went on after a broken promise.
	extraGoOn = "go-on"
	// extraFromHash is that of all files the run started from.
	extraFromHash = "from-xxhash64"
	// extraMutant names the mutant that recorded the trace, if one did.
	extraMutant = "mutant"
)

// header says what a run is, enough to run it again.
func (r *run) header() trace.Header {
	h := trace.Header{
		Scenario: r.scenario.Name, Seed: r.o.Seed, Mode: string(r.mode), Strategy: string(r.o.Strategy),
		Settings: map[string]string{},
		Input:    &trace.Input{Name: r.input, Size: int64(len(r.data)), XXHash64: sum(r.data)},
		Module:   "unknown", Commit: "unknown", Go: runtime.Version(),
		Extra: map[string]string{
			extraSet: strings.Join(r.o.Set, "\n"), extraFrom: r.o.From, extraStop: strconv.Itoa(r.o.StopAfter),
			extraFromHash: r.fromSum(), extraPlan: r.world.plan.String(),
		},
	}
	if r.o.Lines > 0 {
		h.Extra[extraLines] = strconv.Itoa(r.o.Lines)
	}
	if r.o.GoOn {
		h.Extra[extraGoOn] = "yes"
	}
	if r.o.given != nil {
		h.Extra[extraCase] = r.o.given.String()
	}
	if mutants.Built != "" {
		h.Extra[extraMutant] = mutants.Built
	}
	for _, kv := range r.config.Settings() {
		h.Settings[kv[0]] = kv[1]
	}
	if b, ok := debug.ReadBuildInfo(); ok {
		h.Module = b.Main.Path + "@" + b.Main.Version
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" {
				h.Commit = s.Value
			}
		}
	}
	return h
}

func sum(data []byte) string { return fmt.Sprintf("%016x", xxhash.Sum64(data)) }

// fromSum is the hash of the names and contents of what --from gave the run, empty
// if it started from nothing.
func (r *run) fromSum() string {
	if r.origin == nil {
		return ""
	}
	d := xxhash.New()
	for _, f := range r.files[1:] { // the first is the input
		fmt.Fprintf(d, "%q %d ", f.Name, len(f.Data))
		_, _ = d.Write(f.Data) // never fails
	}
	return fmt.Sprintf("%016x", d.Sum64())
}

// Replayed is the outcome of a replay, as --json prints it.
type Replayed struct {
	Agreed bool `json:"agreed"`
	// FirstDifference is where the run left the trace, nil if it agreed.
	FirstDifference *Difference `json:"first_difference"`
	TraceHash       string      `json:"trace_hash"`
	Verdict         string      `json:"verdict"`
	// Records agreed before the first difference, or in all.
	Records uint64 `json:"records"`

	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Recorded string `json:"recorded_verdict"`

	// NotRun says that the trace was only read: whether it agrees is not known.
	NotRun bool `json:"not_run,omitempty"`

	// Shown is the outcome for people, behind the events that were asked for.
	Shown string `json:"-"`

	path       string
	trace      *trace.Trace
	difference string
	report     *Report
}

// Difference names the first event that differs.
type Difference struct {
	Event uint64 `json:"event"` // its number in the trace; in the run if the trace has ended
	Trace string `json:"trace"` // what the trace has there
	Run   string `json:"run"`   // what the run did
	// Differs are the fields in which they do: the two lines may look the same.
	Differs []string `json:"differs"`
}

// Replay runs what a trace records again and compares. An error is a *UsageError.
func Replay(path string) (*Replayed, error) {
	t, err := trace.Open(path)
	if err != nil {
		return nil, &UsageError{err}
	}
	r, err := prepareReplay(path, t)
	if err != nil {
		return nil, err
	}
	rep, follower, err := r.follow(t)
	if err != nil {
		return nil, err
	}
	p := &Replayed{
		Agreed: true, TraceHash: rep.TraceHash, Verdict: rep.Verdict, Scenario: rep.Scenario, Seed: rep.Seed,
		Recorded: t.Verdict, path: path, trace: t, report: rep,
	}
	if d := follower.End(rep.Verdict); d != nil {
		p.Agreed, p.Verdict, p.difference = false, Nondeterministic, d.String()
		p.FirstDifference = newDifference(d)
	}
	p.Records = follower.Matched()
	return p, nil
}

// optionsOf is what a trace's header says was run.
func optionsOf(path string, t *trace.Trace) (RunOptions, error) {
	h := t.Header
	o := RunOptions{Scenario: h.Scenario, Mode: h.Mode, Seed: h.Seed, From: h.Extra[extraFrom], GoOn: h.Extra[extraGoOn] == "yes"}
	if s, ok := h.Extra[extraCase]; ok {
		c, err := ParseCase(s)
		if err != nil {
			return o, usage("trace %s: its header has a case that is none for this build: %w", path, err)
		}
		return RunOptions{GoOn: o.GoOn, given: c}, nil
	}
	if h.Input != nil {
		o.Input = h.Input.Name
	}
	if s := h.Extra[extraSet]; s != "" {
		o.Set = strings.Split(s, "\n")
	}
	if s := h.Extra[extraStop]; s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			return o, usage("trace %s: its header has stop-after %q, which is not a number", path, s)
		}
		o.StopAfter = n
	}
	if s := h.Extra[extraLines]; s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return o, usage("trace %s: its header has lines %q, which is not a number from 1", path, s)
		}
		o.Lines = n
	}
	if s := h.Extra[extraGoOn]; s != "" && s != "yes" {
		return o, usage("trace %s: its header has go-on %q, which is neither \"yes\" nor left out", path, s)
	}
	if s, ok := h.Extra[extraPlan]; ok {
		o.plan = &s
	}
	var err error
	if o.Strategy, err = ParseStrategy(h.Strategy); err != nil {
		return o, usage("trace %s: its header: %w", path, err)
	}
	return o, nil
}

func prepareReplay(path string, t *trace.Trace) (*run, error) {
	h := t.Header
	o, err := optionsOf(path, t)
	if err != nil {
		return nil, err
	}
	var r *run
	if o.given != nil {
		r, err = o.given.prepare(o)
	} else {
		r, err = prepare(o)
	}
	if err != nil {
		return nil, usage("trace %s can't be run again: %w", path, err)
	}
	if h.Input != nil && sum(r.data) != h.Input.XXHash64 {
		return nil, usage("trace %s was recorded with an input of %d bytes, hash %s; %s now has %d bytes, hash %s",
			path, h.Input.Size, h.Input.XXHash64, r.input, len(r.data), sum(r.data))
	}
	if was, now := h.Extra[extraFromHash], r.fromSum(); was != now {
		return nil, usage("trace %s was recorded from %s with hash %s; what is there now has hash %s", path, o.From, was, now)
	}
	return r, nil
}

// Text is the outcome for people, with the rows around an event if it is not 0.
func (p *Replayed) Text(around uint64) (string, error) {
	var b strings.Builder
	if around > 0 {
		first := uint64(0)
		if around > 20 {
			first = around - 20
		}
		if err := p.trace.Text(&b, describing(p.trace), first, around+20); err != nil {
			return "", err
		}
		b.WriteString("\n")
	}
	if p.NotRun {
		fmt.Fprintf(&b, "READ  %s  seed=%d  %d records, the last one's hash %s, recorded verdict %s; not run again\n", p.Scenario, p.Seed, p.Records, p.TraceHash, p.Recorded)
		return b.String(), nil
	}
	if p.Agreed {
		fmt.Fprintf(&b, "AGREED  %s  seed=%d  %d records, hash %s, verdict %s\n", p.Scenario, p.Seed, p.Records, p.TraceHash, p.Verdict)
		for _, v := range p.report.Violations {
			fmt.Fprintf(&b, "  %-12s %s (event %d)\n", v.Oracle, v.Message, v.Event)
		}
		return b.String(), nil
	}
	fmt.Fprintf(&b, "NOT THE SAME  %s  seed=%d  %d records agreed\n%s", p.Scenario, p.Seed, p.Records, p.difference)
	return b.String(), nil
}
