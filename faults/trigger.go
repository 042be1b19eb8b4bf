package faults

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Trigger says when a fault happens. The zero value is the start of the run.
type Trigger struct {
	// On is the kind of engine event waited for, or Change, Nth which one, from 1.
	On  string
	Nth int
	// Changes is how many changes of crash-surviving state are let pass after
	// the event: a crash between two of them can't be told from one just before
	// the second.
	Changes int
	// Of limits the events to those of a subject, or the calls to files whose path
	// matches it; empty for all.
	Of string
	// Call is the kind of file-system call waited for instead of an event.
	Call string
	// At is a moment of virtual time, and Until when a fault that lasts is over; 0 if
	// its For says that.
	At, Until time.Duration
}

// Change is what a trigger's On is that counts no events of the engine but changes of
// crash-surviving state, as Changes does: it comes right before what follows the Nth.
const Change = "change"

// after is a trigger on an engine event.
func after(on string, nth, changes int) Trigger {
	return Trigger{On: on, Nth: nth, Changes: changes}
}

// Counts reports whether the trigger waits for an event or a call.
func (t Trigger) Counts() bool { return t.On != "" || t.Call != "" }

func (t Trigger) String() string {
	switch {
	case t.Until != 0:
		return fmt.Sprintf("from %s to %s", t.At, t.Until)
	case t.At != 0:
		return fmt.Sprintf("at %s", t.At)
	case !t.Counts():
		return "from the start"
	}
	s := "on " + t.On
	if t.Call != "" {
		s = "on call " + t.Call
	}
	if t.Of != "" {
		s += " of " + quoted(t.Of)
	}
	s += fmt.Sprintf("#%d", t.Nth)
	if t.Changes > 0 {
		s += fmt.Sprintf("+%d", t.Changes)
	}
	return s
}

// quoted is a text as a plan has it: as it is, or as a Go string.
func quoted(text string) string {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r == '"' || r == '#' || r == '=' || !strconv.IsPrint(r)
	}) {
		return strconv.Quote(text)
	}
	return text
}

// Matches reports whether a path matches a glob as a whole: "*" is any text, slashes
// too, "?" any character.
func Matches(glob, path string) bool {
	g, p := []rune(glob), []rune(path)
	star, from := -1, 0 // the last star, and where what follows it was tried
	i, j := 0, 0
	for j < len(p) {
		switch {
		case i < len(g) && g[i] == '*':
			star, from = i, j
			i++
		case i < len(g) && (g[i] == '?' || g[i] == p[j]):
			i, j = i+1, j+1
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(g) && g[i] == '*' {
		i++
	}
	return i == len(g)
}
