package model

import (
	"fmt"
	"strings"
)

// The causes of trouble that [CheckProvoked] tells apart; any other text is a
// cause that needs a fault.
const (
	CauseUser  = "user function" // a user's function failed
	CauseLimit = "limit"         // a configured timeout or limit
	CauseBug   = "engine bug"    // an assertion of the engine failed
)

// Trouble is something that went wrong: a failure, a decline, an abort, an expiry.
type Trouble struct {
	Event uint64 // when: the number of the event in its run
	What  string // such as "checkpoint 3 aborted: declined"
	Cause string
	// Damage says that What names a file that is damaged or missing: only a fault that
	// damaged it excuses that.
	Damage bool
}

// Fault is an injected fault.
type Fault struct {
	Event        uint64
	Kind, Target string
	// File is the path of what it damaged, empty for a fault that damages no file. One
	// that does excuses only trouble that names the file.
	File string
}

// CheckProvoked checks that all trouble was provoked (M5): that there was a fault
// at or before its event, or a user's function or a configured limit caused it.
// Neither list need be sorted.
func CheckProvoked(troubles []Trouble, faults []Fault) []string {
	var first *Fault
	for i := range faults {
		if faults[i].File == "" && (first == nil || faults[i].Event < first.Event) {
			first = &faults[i]
		}
	}
	var out []string
	for _, t := range troubles {
		switch {
		case t.Cause == CauseBug:
			out = append(out, fmt.Sprintf("event %d: %s (%s)", t.Event, t.What, t.Cause))
		case t.damaged(faults):
		case t.Damage:
			out = append(out, fmt.Sprintf("event %d: %s, but no fault had damaged that", t.Event, t.What))
		case t.Cause == CauseUser, t.Cause == CauseLimit:
		case first == nil:
			out = append(out, fmt.Sprintf("event %d: %s (cause: %s), but the run has no fault", t.Event, t.What, t.cause()))
		case first.Event > t.Event:
			out = append(out, fmt.Sprintf("event %d: %s (cause: %s), but the first fault, %s at %s, came later, at event %d",
				t.Event, t.What, t.cause(), first.Kind, first.Target, first.Event))
		}
	}
	return out
}

// damaged reports whether a fault had damaged a file that the trouble names.
func (t Trouble) damaged(faults []Fault) bool {
	for _, f := range faults {
		if f.File != "" && f.Event <= t.Event && Mentions(t.What, f.File) {
			return true
		}
	}
	return false
}

// Mentions reports whether a text names a path, or one below it: "chk-1" is not named
// by "chk-12".
func Mentions(text, path string) bool {
	for rest := text; path != ""; {
		i := strings.Index(rest, path)
		if i < 0 {
			return false
		}
		before, after := rest[:i], rest[i+len(path):]
		if !strings.HasSuffix(before, "/") && (after == "" || strings.ContainsAny(after[:1], "/:;, \"\n")) {
			return true
		}
		rest = after
	}
	return false
}

func (t Trouble) cause() string {
	if t.Cause == "" {
		return "none"
	}
	return t.Cause
}
