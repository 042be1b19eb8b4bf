// Package cluster hosts the engine's actors in a simulated world: nodes that
// crash and start again, links with latency and bandwidth, a step's cost in
// virtual time, offloaded work that yields at each file-system call.
//
// It keeps the promises H1 to H10 of package host, and these:
//
//	N1  A step at t that costs c leaves its actor busy until t+c. Inputs that
//	    arrive meanwhile wait; what the step sent leaves at t+c.
//	N2  Effects are applied one at a time. A crash before an effect drops it and
//	    those behind it, and no other.
//	N3  What has left a node arrives even if the node crashes; what is on its way
//	    to a node when that crashes does not, also after a restart.
//	N4  A crash takes down the node's wires: the other end learns of it after
//	    everything that was written before, and a link's latency.
//	N5  After a crash nothing of that incarnation has any effect: its offloaded
//	    work sees fs.ErrDead from the next call on, its events are not heard.
//	N6  Every input, effect, file-system call, event and fault is noted in the
//	    world's hash with its payload's digest. Bodies are digested once, when
//	    they are sent; what arrives is tied to that by its cause number.
//	N7  A message arrives, and a file-system call is made, after a latency of its range:
//	    drawn, or, if the Chooser picks, at a moment of its choice (W7 of package sim).
//
// A panic in a step is a violation of oracle "panic", a breach of the host's
// contract one of oracle "contract"; both end the run.
package cluster

import (
	"fmt"
	"time"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim"
)

// Percent scales a duration; 100 leaves it as it is, 0 stands for 100.
type Percent int64

func (p Percent) of(d time.Duration) time.Duration {
	if p == 0 || p == 100 {
		return d
	}
	return d * time.Duration(p) / 100
}

func (p Percent) span(s sim.Span) sim.Span {
	return sim.Span{Earliest: p.of(s.Earliest), Latest: p.of(s.Latest)}
}

// Range is the durations from Min to Max, both included.
type Range struct{ Min, Max time.Duration }

// Options describe the simulated hardware. The zero value is fine: everything in
// it stands for the default named at the field.
type Options struct {
	// Tape, Plain, Chooser, Recorder and MaxEvents are those of the world below.
	Tape      sim.Tape
	Plain     bool
	Chooser   sim.Chooser
	Recorder  sim.Recorder
	MaxEvents uint64

	// FS gives a node's incarnation its view of the shared file system; nil for
	// none, then asking a Worker for it breaks the contract.
	FS func(node string, incarnation int) fs.FS
	// Listener hears every event of the engine, within the event that
	// World.EventNumber tells; nil for none.
	Listener host.Listener

	// WallStart is the wall clock at virtual time 0, in nanoseconds since the
	// Unix epoch.
	WallStart int64
	// Skew is what a node's wall clock is ahead; see also Node.SetSkew.
	Skew map[string]time.Duration

	// StepCost is the cost of a step without records; 1 µs by default.
	StepCost time.Duration
	// RecordCost is the cost of one record in one operator; 100 ns by default.
	RecordCost time.Duration
	// OperatorCost scales RecordCost by operator uid, NodeCost everything by node.
	OperatorCost map[string]Percent
	NodeCost     map[string]Percent
	// DrawnCost bounds factors of operators and nodes that the maps do not name:
	// each is drawn once a run from 100 to DrawnCost. None is drawn up to 100.
	DrawnCost Percent

	// Local is the latency between actors of one node; 1 µs by default.
	Local time.Duration
	// Link describes links that Links does not name by [from, to].
	Link  LinkOptions
	Links map[[2]string]LinkOptions
	// IO is the time that one file-system call takes, and the time that
	// offloaded work takes before its first (N7); 50 µs to 1 ms by default.
	IO Range

	// BeforeEffect is called before each effect of a step is applied. It may
	// crash and restart nodes (N2).
	BeforeEffect func(from host.Address, e *host.Effect)
	// BeforeCall is called before offloaded work makes a file-system call. It may
	// crash and restart nodes.
	BeforeCall func(node string, op Op, name string)
	// OnCrash hears of each crash, after the node is down.
	OnCrash func(node string, incarnation int)
	// VerifyBodies digests messages and frames again when they arrive: one that
	// was changed after it was sent breaks the contract. Costs time.
	VerifyBodies bool
}

func (o *Options) defaults() {
	if o.Listener == nil {
		o.Listener = host.Discard{}
	}
	if o.StepCost <= 0 {
		o.StepCost = time.Microsecond
	}
	if o.RecordCost <= 0 {
		o.RecordCost = 100 * time.Nanosecond
	}
	if o.Local <= 0 {
		o.Local = time.Microsecond
	}
	if o.IO == (Range{}) {
		o.IO = Range{50 * time.Microsecond, time.Millisecond}
	}
}

// World is a world of nodes. It is used from one goroutine.
type World struct {
	*sim.World
	o     Options
	kinds kinds

	nodes  []*Node
	byName map[string]*Node

	places    []*place // by number
	byAddress map[host.Address]*place
	serial    uint64 // of the last actor

	ends     []*end // by id
	freeEnds []uint32
	endGen   []uint32
	opened   map[wireKey]*end // ends that wait for the other

	jobs     []*job // by id
	freeJobs []uint32
	running  *job

	drawn map[[2]string]Percent // cost factors

	in       host.Input
	out      host.Outbox
	stepping *actor        // after a panic: who is to blame
	lag      time.Duration // of what the current step sends (N1)
	slowest  time.Duration // when the last call to a slow disk is over
	aside    uint64        // what the next note's record has beside the note
}

// New makes a world without nodes.
func New(seed uint64, o Options) *World {
	o.defaults()
	w := &World{
		o: o, byName: map[string]*Node{}, byAddress: map[host.Address]*place{}, opened: map[wireKey]*end{}, drawn: map[[2]string]Percent{},
	}
	w.World = sim.New(seed, sim.Options{Tape: o.Tape, Plain: o.Plain, Chooser: o.Chooser, Actor: w.whose, Recorder: o.Recorder, MaxEvents: o.MaxEvents})
	w.kinds.register(w)
	return w
}

// Close ends offloaded work that still waits, so that nothing of the world is
// left behind. The world cannot run afterwards.
func (w *World) Close() {
	w.Stop()
	for _, j := range w.jobs {
		if j != nil {
			w.abandon(j)
		}
	}
}

// Send delivers a message as if the actor at from had sent it, whether or not
// there is one.
func (w *World) Send(from, to host.Address, body any) {
	p := w.place(from)
	e := host.Effect{Kind: host.Send, To: to, Body: body}
	w.send(p, &e)
}

// place is where an actor may be: an address, known by its number.
type place struct {
	number  uint32
	address host.Address
	node    *Node // nil if there is no such node (yet)
	actor   *actor
	name    sim.Name // of the actor
	full    sim.Name // of the address
}

func (w *World) place(a host.Address) *place {
	if p := w.byAddress[a]; p != nil {
		return p
	}
	p := &place{
		number: uint32(len(w.places)), address: a, node: w.byName[a.Node],
		name: w.Name(a.Name), full: w.Name(a.String()),
	}
	w.places = append(w.places, p)
	w.byAddress[a] = p
	return p
}

// breach is the panic value for what host forbids.
type breach struct{ text string }

func (b breach) Error() string  { return "breach of the host's contract: " + b.text }
func (b breach) Oracle() string { return "contract" }

func forbid(format string, args ...any) { panic(breach{fmt.Sprintf(format, args...)}) }
