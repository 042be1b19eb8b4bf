// Package host is the seam between the engine's actors and the world they run in.
//
// An [Actor] is single-threaded: its host gives it one [Input] at a time and it
// answers with effects, in order, in an [Outbox]. It never reads a clock, starts
// a goroutine, or touches a file or socket. There are two hosts, engine/live and
// sim/cluster, and one suite, engine/host/hosttest, that both must pass.
//
// What every host promises (the suite cites these numbers):
//
//	H1  An actor's steps never overlap. The first input is Start, given once.
//	H2  Effects take place in the order they were added to the outbox.
//	H3  Delivery order: control inputs (Start, Message, Timer, Done) before wire
//	    inputs (WireUp, Frame, Credit, WireDown), wire inputs in order of
//	    arrival, GoOn only when nothing else is ready. Several GoOn asked for in
//	    one or many steps before it is delivered are one GoOn.
//	H4  Messages between actors of one node arrive once, in order, unless the
//	    receiver does not exist (then they are dropped). Messages between nodes
//	    arrive once while nothing is wrong; else perhaps late, in no promised order,
//	    twice, or never.
//	H5  A wire comes up when both ends have opened it, and each end gets WireUp
//	    once. Frames of one wire arrive in order, without gap, until the wire
//	    goes down; then the other end gets WireDown after every frame and credit
//	    that still arrives, and nothing more on that handle. The end that closed
//	    a wire itself gets no WireDown.
//	H6  A data frame takes one credit of the wire; an event frame (Data false)
//	    takes none. Credits granted before WireUp arrive after it. Writing a data
//	    frame without credit, or anything before WireUp, breaks the contract and
//	    panics.
//	H7  A timer fires once, at or after its delay, with its token, unless
//	    cancelled. A cancelled timer may still arrive: compare tokens.
//	H8  An offload runs away from the actor, and ends with exactly one Done
//	    carrying its token, unless the actor has stopped (then the result is
//	    dropped). Offloads of one actor that share a non-empty lane run one after
//	    the other in the order they were asked for.
//	H9  Stop and Exit end an actor at once: no further input, its wires go down
//	    at the other end, its timers and offload results are dropped. Offloaded
//	    work already running may go on until its next file-system call or to its
//	    end: whoever names its files must expect a zombie.
//	H10 An actor that is spawned under a name that exists replaces it, as if the
//	    old one had been stopped first.
package host

import (
	"math/rand/v2"
	"time"

	"github.com/weirstream/weir/engine/fs"
)

// Address names an actor: the node (process) it runs on and its name there.
type Address struct{ Node, Name string }

func (a Address) String() string { return a.Node + ":" + a.Name }

// Now is the time at which a step runs.
type Now struct {
	// Mono only grows; its origin is arbitrary. For timeouts and heartbeats.
	Mono time.Duration
	// Wall is nanoseconds since the Unix epoch; it may jump. For stamps only.
	Wall int64
}

// Token tells timers and offloads apart; each actor draws its own, never twice.
type Token uint64

// Wire is an actor's own small number for an end of a wire; the actor chooses it
// in [Outbox.Open] and uses it until the wire is down. Numbers should be dense.
type Wire int32

// WireID names a wire for both of its ends: the execution attempt it belongs to,
// the edge of the job graph, and the producing and consuming subtask.
type WireID struct{ Epoch, Number, Edge, From, To uint32 }

// End says which end of a wire an actor holds.
type End uint8

// The ends of a wire.
const (
	Producer End = iota // writes frames, receives credits
	Consumer            // receives frames, grants credits
)

// Frame is what travels on a wire. It belongs to the receiver once written.
type Frame struct {
	// Data frames take a credit, event frames do not.
	Data bool
	// Body is the content: a typed batch or event between actors of one node, or
	// bytes ([]byte, never changed after writing) between nodes.
	Body any
	// Size is the approximate size in bytes, for bandwidth; at least 1.
	Size int
}

// Digester is implemented by frame bodies and messages that are not plain bytes
// and can be hashed: equal contents give equal digests, on every machine.
type Digester interface{ Digest() uint64 }

// InputKind says which fields of an [Input] are set.
type InputKind uint8

// The kinds of input.
const (
	Start    InputKind = iota // nothing
	Message                   // From, Body
	Timer                     // Token
	Done                      // Token, Body, Err
	WireUp                    // Wire
	FrameIn                   // Wire, Frame
	Credit                    // Wire, N, Body (what the consumer returned, may be nil)
	WireDown                  // Wire, Err (why)
	GoOn                      // nothing
)

var inputNames = [...]string{"start", "message", "timer", "done", "wire up", "frame", "credit", "wire down", "go on"}

func (k InputKind) String() string { return inputNames[k] }

// Control reports whether inputs of this kind come before wire inputs (H3).
func (k InputKind) Control() bool { return k <= Done }

// Input is one thing that happens to an actor. It is valid during the step only;
// what it points to may be kept.
type Input struct {
	Kind  InputKind
	Wire  Wire
	N     int32
	From  Address
	Token Token
	Frame Frame
	Body  any
	Err   error
}

// Actor is a single-threaded part of the engine.
type Actor interface {
	// Step takes one input. What must follow from it outside the actor's memory
	// is added to out. Step must not keep now, in or out.
	Step(now Now, in *Input, out *Outbox)
}

// Factory makes an actor when it is spawned, on the node it will run on.
type Factory func(env Env) Actor

// Env is what an actor may ask its host for at any time; all of it is
// deterministic in the simulator. It belongs to one actor and is not to be given
// to offloaded work.
type Env interface {
	// Self is the actor's own address.
	Self() Address
	// Rand returns the random stream of that name. The same name gives the same
	// stream object. In the simulator it is derived from the run's seed, the
	// actor's address and the name.
	Rand(name string) *rand.Rand
	// Listener is told what the actor does. Never nil.
	Listener() Listener
}

// Worker is what offloaded work may use. Not to be kept after it returns.
type Worker interface {
	// FS is the shared file system as this node sees it. After the node's crash
	// every call on it and on its files fails and changes nothing.
	FS() fs.FS
	// Yield lets others run. Work that computes for long calls it now and then, since
	// actors wait meanwhile. In virtual time that computing takes none, it does nothing.
	Yield()
}

// Work is what an actor offloads. It must be given values only, never the actor's
// fields, since it runs concurrently with the actor. Its result must not be
// changed by the work afterwards. A panic in it becomes a [PanicError].
type Work func(w Worker) (any, error)

// PanicError is the error of offloaded work that panicked.
type PanicError struct {
	Value any
	Stack string
}

func (e *PanicError) Error() string { return "panic in offloaded work: " + text(e.Value) }
