package scenarios

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/engine/statistics"
)

// Verdicts.
const (
	Pass             = "pass"
	Fail             = "fail"
	Nondeterministic = "nondeterministic"
)

// Report is the outcome of a run, as --json prints it.
type Report struct {
	Scenario   string      `json:"scenario"`
	Seed       uint64      `json:"seed"`
	Mode       Mode        `json:"mode"`
	Verdict    string      `json:"verdict"`
	Violations []Violation `json:"violations"`
	TraceHash  string      `json:"trace_hash"`
	Events     uint64      `json:"events"`
	RecordsIn  int64       `json:"records_in"`
	RecordsOut int64       `json:"records_out"`
	Duplicates int64       `json:"duplicates"`
	Checks     Checkpoints `json:"checkpoints"`
	Restores   int         `json:"restores"`
	Kills      int         `json:"kills"`
	// Faults counts the faults that happened, by kind.
	Faults    map[string]int `json:"faults"`
	VirtualMS int64          `json:"virtual_ms"`
	WallMS    int64          `json:"wall_ms"`

	// RestoredInFlight is the bytes of in-flight data in restored checkpoints.
	RestoredInFlight int64 `json:"restored_in_flight_bytes"`
	// Unfired are the faults of the plan that could not happen.
	Unfired []string `json:"unfired,omitempty"`
	// World is what the seed drew, in words; Plan is its faults.
	World string   `json:"world,omitempty"`
	Plan  []string `json:"plan,omitempty"`
	// Stopped says that the run was ended before the job had finished, as asked.
	Stopped bool `json:"stopped,omitempty"`
	// Strategy drew the world; Lines is how many of the input were read, 0 for all.
	Strategy Strategy `json:"strategy,omitempty"`
	Lines    int      `json:"lines,omitempty"`
	Promise  string   `json:"promise"`
	// Linearizability says how a simulated run was seen from outside; History is where the
	// picture of that is, a page for a browser, empty if none was drawn.
	Linearizability *Linearizability `json:"linearizability,omitempty"`
	History         string           `json:"history,omitempty"`
	// Repeated names what was counted twice, by the barriers between which.
	Repeated []string `json:"repeated,omitempty"`
	// FailedAsPromised is why the job failed, where that is what was promised.
	FailedAsPromised string `json:"failed_as_promised,omitempty"`
	// Causes is the chain of causes of the first violation, the event first.
	Causes []string `json:"causes,omitempty"`
	// Replay says whether a second run was the same, if there was one.
	Replay string `json:"replay,omitempty"`
	// FirstDifference is where a run that was not deterministic left its trace.
	FirstDifference *Difference `json:"first_difference,omitempty"`
	// Again are the commands that rerun and replay a failure.
	Again []string `json:"again,omitempty"`

	// Case says whether the outcome is what the case says that was run.
	Case string `json:"case,omitempty"`

	// NotSaved is why the trace or the picture of a failure could not be saved.
	NotSaved string `json:"not_saved,omitempty"`

	// Saved is where the trace of a failure is.
	Saved string `json:"-"`
	// shrunk is where the case is that was made of it, and smaller.
	shrunk string

	watched *sighted
	picture *picture // nil unless the run failed or it was asked for
	// twice says that the run was made twice, and hashes compared.
	twice bool
}

// Violation is a broken promise.
type Violation struct {
	Oracle  string `json:"oracle"`
	Message string `json:"message"`
	Event   uint64 `json:"event"`
	// Stack is where a panic happened; it differs from run to run.
	Stack string `json:"stack,omitempty"`
}

// Checkpoints counts checkpoints by outcome.
type Checkpoints struct {
	Completed  int `json:"completed"`
	Aborted    int `json:"aborted"`
	Declined   int `json:"declined"`
	Expired    int `json:"expired"`
	Savepoints int `json:"savepoints"`
	// History is each checkpoint, if it was asked for.
	History []*statistics.Checkpoint `json:"history,omitempty"`
}

// Text is the report for people.
func (r *Report) Text() string {
	var b strings.Builder
	word := map[string]string{Pass: "PASS", Fail: "FAIL", Nondeterministic: "NOT DETERMINISTIC"}[r.Verdict]
	fmt.Fprintf(&b, "%s  %s  mode=%s  seed=%d\n", word, r.Scenario, r.Mode, r.Seed)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	if r.Verdict != Pass {
		line("promise", "%s", r.Promise)
	}
	for _, v := range r.Violations {
		line(v.Oracle, "%s (event %d)", strings.ReplaceAll(v.Message, "\n", "\n               "), v.Event)
		if v.Stack != "" {
			line("", "%s", strings.ReplaceAll(strings.TrimSpace(v.Stack), "\n", "\n               "))
		}
	}
	for i, c := range r.Causes {
		line([]string{"cause", ""}[min(i, 1)], "%s", c)
	}
	for _, said := range [][2]string{{"rerun", r.Replay}, {"case", r.Case}} {
		if said[1] != "" {
			line(said[0], "%s", said[1])
		}
	}
	if r.FailedAsPromised != "" {
		line("failed", "the job failed, as promised: %s", r.FailedAsPromised)
	}
	line("records", "%d in, %d committed, %d duplicates", r.RecordsIn, r.RecordsOut, r.Duplicates)
	for i, t := range r.Repeated {
		line([]string{"twice", ""}[min(i, 1)], "%s", t)
	}
	line("checkpoints", "%d completed, %d aborted, %d declined, %d expired", r.Checks.Completed, r.Checks.Aborted, r.Checks.Declined, r.Checks.Expired)
	b.WriteString(historyText(r.Checks.History))
	line("restores", "%d, with %d bytes in flight", r.Restores, r.RestoredInFlight)
	if r.World != "" {
		line("world", "%s", r.World)
	}
	for i, f := range r.Plan {
		name := ""
		if i == 0 {
			name = "faults"
		}
		line(name, "%s", f)
	}
	for _, f := range r.Unfired {
		line("not fired", "%s", f)
	}
	if r.Kills > 0 {
		line("kills", "%d", r.Kills)
	}
	if r.TraceHash != "" {
		line("ran", "%d events, %.3f virtual seconds in %d ms, hash %s", r.Events, float64(r.VirtualMS)/1000, r.WallMS, r.TraceHash)
	} else {
		line("ran", "%d ms", r.WallMS)
	}
	if r.Stopped {
		line("stopped", "before the job had finished, as asked; only what had happened by then was judged")
	}
	if r.History != "" {
		line("history", "%s", r.History)
	}
	if r.NotSaved != "" {
		line("not saved", "%s", strings.ReplaceAll(r.NotSaved, "\n", "; "))
	}
	for i, c := range r.Again {
		line(commandName(i, c), "%s", c)
	}
	return b.String()
}

// commandName is what stands before a command that makes a failure again, or shows it.
func commandName(i int, command string) string {
	if i == 0 {
		return "again"
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(command, "simrun "), " ")
	return name
}
