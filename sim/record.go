package sim

import "time"

// Name is an interned string; see [World.Name] and [World.Text].
type Name uint32

// Kind is a registered kind of event or note; see [World.Handle] and [World.NoteKind].
type Kind uint16

// DrawKind is the kind of records about draws: Peer is what decides, Actor is
// where, A counts the uses of the point from 0, B is the outcome.
const DrawKind Kind = 0

// Record is one line of a trace. Its size is fixed, names are interned.
type Record struct {
	// Number grows; draws carry that of the event in which they were made.
	Number, Cause uint64
	Time          time.Duration
	Kind          Kind
	Glyph         byte
	Node          Name
	Actor         Name
	Peer          Name
	A, B          uint64
	// Digest is that of the payload, 0 if there is none.
	Digest uint64
	// Hash is the world's rolling hash after this.
	Hash uint64
}

// Recorder is told what happens. Records must not be kept: they are reused.
// Recording changes neither the run nor its hash.
type Recorder interface{ Record(r *Record) }

// Note is something that happens within an event, such as one effect of a step.
type Note struct {
	Kind              Kind
	Node, Actor, Peer Name
	A, B, Digest      uint64
	// Cause is a number; 0 stands for the event being executed.
	Cause uint64
}

// Note takes a note into hash and trace, and returns its number.
func (w *World) Note(n *Note) uint64 {
	w.number++
	cause := n.Cause
	if cause == 0 {
		cause = w.event
	}
	h := w.hash
	h.Add(uint64(n.Kind)<<32 | uint64(n.Node))
	h.Add(uint64(n.Actor)<<32 | uint64(n.Peer))
	h.Add(n.A)
	h.Add(n.B)
	h.Add(n.Digest)
	h.Add(cause)
	w.hash = h
	if w.recorder != nil {
		w.record(&Record{Number: w.number, Cause: cause, Kind: n.Kind, Node: n.Node, Actor: n.Actor, Peer: n.Peer, A: n.A, B: n.B, Digest: n.Digest})
	}
	return w.number
}

// Act takes a note, as Note does, and makes it the event being executed: what is
// noted, drawn and scheduled from here on has its number as cause.
func (w *World) Act(n *Note) uint64 {
	w.event = w.Note(n)
	return w.event
}

// Mix takes words into the hash that belong to no note.
func (w *World) Mix(words ...uint64) {
	for _, x := range words {
		w.hash.Add(x)
	}
}

func (w *World) record(r *Record) {
	r.Time, r.Glyph, r.Hash = w.queue.now, w.kinds[r.Kind].glyph, w.hash.Sum()
	w.scratch = *r
	w.recorder.Record(&w.scratch)
}

// Name interns a string. Equal strings have equal names within a world.
func (w *World) Name(s string) Name {
	if n, ok := w.names[s]; ok {
		return n
	}
	n := Name(len(w.texts))
	w.texts = append(w.texts, s)
	w.names[s] = n
	return n
}

// Text is the string of a name.
func (w *World) Text(n Name) string { return w.texts[n] }

// Names returns all interned strings, indexed by name. Not to be changed.
func (w *World) Names() []string { return w.texts }

// KindName is the name under which a kind was registered.
func (w *World) KindName(k Kind) string { return w.kinds[k].name }
