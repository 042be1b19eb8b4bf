package sim

import (
	"fmt"
	"runtime/debug"
	"time"
)

// Event is something that will happen. What the fields mean is up to the handler
// of its kind.
type Event struct {
	Kind   Kind
	Target uint32
	A, B   uint64
	// Ref is not part of the hash unless Options.Digest says how.
	Ref any
	// Cause is a number; in [World.Schedule], 0 stands for the event being executed.
	Cause uint64
}

// Handler executes events of one kind. The event is valid during the call.
type Handler func(e *Event)

type kind struct {
	name   string
	glyph  byte
	handle Handler
}

// Options configure a world. The zero value is fine.
type Options struct {
	// Tape replaces draws.
	Tape Tape
	// Plain makes the outcome of each draw 0 that Tape does not replace: the shortest
	// delay, the first choice, no chance. Those of Point.Uint64 are drawn all the same.
	Plain bool
	// Chooser makes the choices that a search strategy may want to make; nil is
	// a new Uniform without faults. It belongs to this world alone.
	Chooser Chooser
	// Actor says whose an event is, if the Chooser picks: events of one actor race; nil
	// if all do.
	Actor func(e *Event) Name
	// Recorder writes the trace; nil for none.
	Recorder Recorder
	// Digest hashes the Ref of an executed event; nil if arguments already
	// carry the digest.
	Digest func(ref any) uint64
	// MaxEvents ends a run that never comes to rest; 0 for no limit.
	MaxEvents uint64
}

// World is a deterministic world; see the package comment.
type World struct {
	seed     uint64
	queue    queue
	picker   *picker // nil unless the chooser picks
	actor    func(e *Event) Name
	chains   Chain
	hash     Hash
	number   uint64 // of the last event or note
	event    uint64 // of the one being executed
	executed uint64
	durable  uint64
	current  Event
	kinds    []kind
	recorder Recorder
	scratch  Record
	chooser  Chooser
	digest   func(any) uint64
	max      uint64

	names  map[string]Name
	texts  []string
	points map[[2]Name]*Point
	tape   map[pointKey]map[uint64]uint64
	plain  bool

	stopped    bool
	violations []Violation
}

// New makes a world at time 0.
func New(seed uint64, o Options) *World {
	w := &World{
		seed: seed, hash: Hash(finish(seed)), recorder: o.Recorder, digest: o.Digest, max: o.MaxEvents,
		names: map[string]Name{"": 0}, texts: []string{""},
		points: map[[2]Name]*Point{}, tape: o.Tape.byPoint(), plain: o.Plain,
		kinds:   []kind{{name: "draw", glyph: '~'}},
		chooser: o.Chooser,
	}
	w.queue.init()
	if w.chooser == nil {
		w.chooser = &Uniform{}
	}
	if w.chooser.Picks() {
		w.picker, w.actor = newPicker(), o.Actor
	}
	return w
}

// Handle registers a kind of event. Events whose glyph is 0 are hashed, not recorded.
func (w *World) Handle(name string, glyph byte, h Handler) Kind {
	w.kinds = append(w.kinds, kind{name, glyph, h})
	return Kind(len(w.kinds) - 1)
}

// NoteKind registers a kind of note.
func (w *World) NoteKind(name string, glyph byte) Kind { return w.Handle(name, glyph, nil) }

// Seed is the run's seed.
func (w *World) Seed() uint64 { return w.seed }

// Now is virtual time since the world's beginning.
func (w *World) Now() time.Duration { return w.queue.now }

// EventNumber is the number of the event being executed, or 0 before the first.
func (w *World) EventNumber() uint64 { return w.event }

// Numbers is how many events and notes there were so far.
func (w *World) Numbers() uint64 { return w.number }

// Executed is how many events were executed so far.
func (w *World) Executed() uint64 { return w.executed }

// Pending is how many events wait.
func (w *World) Pending() int { return w.queue.size }

// Sum is the rolling hash so far.
func (w *World) Sum() uint64 { return w.hash.Sum() }

// Schedule lets an event happen after a delay, which must not be negative.
func (w *World) Schedule(delay time.Duration, e Event) {
	if w.picker != nil {
		w.wait(Span{delay, delay}, 0, false, e)
		return
	}
	at := w.queue.now + delay
	if delay < 0 || at < 0 {
		panic(fmt.Sprintf("sim: event %s scheduled at %v after %v", w.kinds[e.Kind].name, w.queue.now, delay))
	}
	if e.Cause == 0 {
		e.Cause = w.event
	}
	w.queue.push(at, &e)
}

// Next executes the next event if it is due by limit, and reports whether it did.
// If none is due but some wait, time goes on to limit (W5). A panic in a handler
// goes through; Run catches it.
func (w *World) Next(limit time.Duration) bool {
	if w.stopped {
		return false
	}
	e := &w.current
	if w.picker == nil && !w.queue.pop(limit, e) || w.picker != nil && !w.pick(limit, e) {
		if w.queue.size > 0 && limit > w.queue.now {
			w.queue.now = limit
		}
		return false
	}
	w.number++
	w.executed++
	k := &w.kinds[e.Kind]
	w.event = w.number
	if k.glyph == 0 && e.Cause != 0 {
		w.event = e.Cause // no trace has it: causes lead past it
	}
	var digest uint64
	h := w.hash
	h.Add(uint64(w.queue.now))
	h.Add(uint64(e.Kind)<<32 | uint64(e.Target))
	h.Add(e.A)
	h.Add(e.B)
	h.Add(e.Cause)
	if w.digest != nil && e.Ref != nil {
		digest = w.digest(e.Ref)
		h.Add(digest)
	}
	w.hash = h
	if w.recorder != nil && k.glyph != 0 {
		w.record(&Record{Number: w.number, Cause: e.Cause, Kind: e.Kind, Actor: Name(e.Target), A: e.A, B: e.B, Digest: digest})
	}
	k.handle(e)
	return true
}

// End says why a run ended.
type End uint8

// The ends of a run.
const (
	Idle    End = iota // no event waits
	Limit              // what waits is due after the limit
	Stopped            // Stop or Fail was called, or a handler panicked
	TooLong            // Options.MaxEvents was reached; it is a violation too
)

var endNames = [...]string{"idle", "limit", "stopped", "too long"}

func (e End) String() string { return endNames[e] }

// Run executes events until none is due by limit. A panic in a handler becomes a
// violation with its stack, of oracle "panic" or of the one it names (see
// [Accuser]), and ends the run for good.
func (w *World) Run(limit time.Duration) (end End) {
	defer func() {
		if v := recover(); v != nil {
			w.Fail(accuse(v))
			end = Stopped
		}
	}()
	for w.Next(limit) {
		if w.executed == w.max {
			w.Fail(Violation{Oracle: "too-long", Message: fmt.Sprintf("no rest after %d events", w.max)})
			return TooLong
		}
	}
	switch {
	case w.stopped:
		return Stopped
	case w.queue.size > 0:
		return Limit
	}
	return Idle
}

// Accuser is implemented by panic values that know which oracle they speak for.
type Accuser interface {
	error
	Oracle() string
}

func accuse(v any) Violation {
	oracle := "panic"
	if a, ok := v.(Accuser); ok {
		oracle = a.Oracle()
	}
	stack := string(debug.Stack())
	if t, ok := v.(interface{ Trace() string }); ok { // caught once before, and thrown on
		stack = t.Trace()
	}
	return Violation{Oracle: oracle, Message: fmt.Sprint(v), Stack: stack}
}

// Stop ends the run after the current event.
func (w *World) Stop() { w.stopped = true }

// Stopped reports whether the run has been ended.
func (w *World) Stopped() bool { return w.stopped }

// Fail reports a violation as Object does, and ends the run after the event being
// executed.
func (w *World) Fail(v Violation) {
	w.Object(v)
	w.stopped = true
}

// Object reports a violation, at the event being executed unless it names another,
// and lets the run go on.
func (w *World) Object(v Violation) {
	if v.Event == 0 {
		v.Event = w.event
	}
	if v.Time == 0 {
		v.Time = w.queue.now
	}
	w.violations = append(w.violations, v)
}

// Violations are the broken promises so far, the first cause first.
func (w *World) Violations() []Violation { return w.violations }

// Durable says that something changed that survives a crash: bytes on a disk, an
// entry of a store, a message that outlives its sender.
func (w *World) Durable() { w.durable++ }

// DurableVersion counts the changes that Durable was told of.
func (w *World) DurableVersion() uint64 { return w.durable }
