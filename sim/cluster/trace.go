package cluster

import (
	"fmt"
	"time"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/trace"
)

// The ids of a trace are those of the world's names, of kinds and of messages in
// turn: recording adds no names to the world's own, which its hash covers.
const (
	_ = iota // the world's names
	kindID
	messageID
	idClasses
)

// Recorder turns a world's records into those of a trace file and passes them on.
type Recorder struct {
	World *World // set before the first record
	To    func(r *trace.Record)
	// Draws says whether draws are recorded too; there are many.
	Draws bool

	record   trace.Record
	messages map[[2]sim.Name]uint32
	texts    []string
}

// Record implements sim.Recorder.
func (t *Recorder) Record(r *sim.Record) {
	if r.Kind == sim.DrawKind && !t.Draws {
		return
	}
	t.record = trace.Record{
		Number: r.Number, Cause: r.Cause, Time: int64(r.Time),
		Kind: uint32(r.Kind)*idClasses + kindID, Where: uint32(r.Node) * idClasses,
		Actor: uint32(r.Actor) * idClasses, Peer: uint32(r.Peer) * idClasses,
		A: r.A, B: r.B, C: t.World.aside, Digest: r.Digest, Hash: r.Hash,
	}
	k := &t.World.kinds
	if r.Kind == k.inputs[host.Message] || r.Kind == k.effects[host.Send] {
		t.record.Peer = t.message(r.Peer, sim.Name(r.A))
	}
	t.World.aside = 0
	t.To(&t.record)
}

// message is the id of an address with what is sent to or received from it.
func (t *Recorder) message(address, what sim.Name) uint32 {
	key := [2]sim.Name{address, what}
	id, ok := t.messages[key]
	if !ok {
		if t.messages == nil {
			t.messages = map[[2]sim.Name]uint32{}
		}
		id = uint32(len(t.texts))*idClasses + messageID
		t.messages[key] = id
		t.texts = append(t.texts, t.World.Text(address)+": "+t.World.Text(what))
	}
	return id
}

// Name is the text of an id in a record.
func (t *Recorder) Name(id uint32) string {
	switch n := id / idClasses; id % idClasses {
	case kindID:
		return t.World.KindName(sim.Kind(n))
	case messageID:
		return t.texts[n]
	default:
		return t.World.Text(sim.Name(n))
	}
}

// Describe is what a record says, in words; names gives the text of ids.
func Describe(r trace.Record, names trace.Names) string {
	kind, actor, peer := names(r.Kind), names(r.Actor), names(r.Peer)
	switch kind {
	case "send":
		return fmt.Sprintf("> %s to %s", actor, peer)
	case "message":
		return fmt.Sprintf("< %s from %s", actor, peer)
	case "event":
		return describeEvent(r, peer)
	case "crash", "restart":
		return fmt.Sprintf("! %s, incarnation %d", kind, r.A)
	case "damage":
		return fmt.Sprintf("! %s of %s", actor, peer)
	case "fault":
		return fmt.Sprintf("! %s: %s %s", peer, actor, names(r.Where))
	case "restart is due", "fault is due", "fault is over", "crash again":
		return "! " + kind
	case "set timer":
		return fmt.Sprintf("* %s: %s %d after %s", actor, kind, r.A, time.Duration(r.B))
	case "timer", "cancel timer", "offload", "done":
		return fmt.Sprintf("* %s: %s %d %s", actor, kind, r.A, peer)
	case "write", "read":
		return fmt.Sprintf("%c %s: %s %d bytes, %s, digest %x", kind[0], actor, kind, r.A, peer, r.Digest)
	case "sync", "sync directory":
		return fmt.Sprintf("s %s: %s %s", actor, kind, peer)
	case "send frame":
		return fmt.Sprintf("> %s: %d bytes to %s, digest %x", actor, r.B, peer, r.Digest)
	case "frame":
		return fmt.Sprintf("< %s: %d bytes from %s, digest %x", actor, r.A, peer, r.Digest)
	case "credit", "grant":
		return fmt.Sprintf(". %s: %s %d on %s", actor, kind, uint32(r.B), peer)
	case "draw":
		return fmt.Sprintf("~ %s %s: %d", peer, actor, r.B)
	}
	s := fmt.Sprintf("  %s: %s %s", actor, kind, peer)
	if r.Digest != 0 {
		s += fmt.Sprintf(", digest %x", r.Digest)
	}
	return s
}

func describeEvent(r trace.Record, about string) string {
	kind, cause := host.EventKind(r.A), host.Cause(r.A>>8)
	s := "= " + kind.String()
	if r.B != 0 {
		s += fmt.Sprintf(" %d", r.B)
	}
	s += ": " + about + describeChannel(r)
	if cause != host.CauseNone {
		s += fmt.Sprintf(" (%s)", cause)
	}
	return s
}
