package task

import (
	"fmt"
	"strings"
)

// Pending says what the task waits for, in words; empty if it is over.
func (t *Task) Pending() string {
	var waits []string
	wait := func(format string, args ...any) { waits = append(waits, fmt.Sprintf(format, args...)) }
	switch {
	case t.state == Finished || t.state == Failed:
		return ""
	case t.state == Initializing && t.ready.recovering != 0:
		wait("for its sink's recovery")
	case t.state == Initializing:
		wait("for its state")
	case t.state == Running && t.fetching != 0:
		wait("for a fetch")
	}
	if t.gate != nil {
		if id, pending := t.barriers.Pending(); pending {
			wait("with checkpoint %d: %s", id, t.barriers)
		}
		if n := t.gate.Queued(); n > 0 {
			wait("with %d batches queued", n)
		}
	}
	for i := range t.outputs {
		if o := &t.outputs[i]; !o.part.Empty() {
			wait("with output to %s: %s", o.edge.To.Head().UID, o.part)
		}
	}
	for _, p := range t.snaps.pending {
		wait("for checkpoint %d: %s", p.checkpoint, p.phase())
	}
	if t.writing.committing != 0 {
		wait("for %d commits", len(t.writing.batch))
	} else if n := len(t.writing.pending); n > 0 {
		wait("with %d commits due after checkpoint %d", n, t.writing.notified)
	}
	if t.sink != nil && t.sink.Full() {
		wait("with a full sink")
	}
	s := fmt.Sprintf("%s on %s is %s", t.name, t.host.Self().Node, t.state)
	if len(waits) == 0 {
		return s
	}
	return s + " " + strings.Join(waits, ", ")
}

// phase says what a checkpoint of the task waits for.
func (p *pending) phase() string {
	switch {
	case p.store != 0:
		return "its file"
	case p.preCommit != 0:
		return "its pre-commit"
	case p.inputs && !p.outputs:
		return "its barrier to leave the output queues"
	}
	return "barriers"
}
