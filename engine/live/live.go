// Package live is the host that runs actors for real: one goroutine per actor,
// the system's clocks and its files. It keeps the promises H1 to H10 of package
// host and decides nothing else: it knows no streams, checkpoints or protocol.
//
// A [World] has any number of named nodes, all in this process, so that frames
// and messages are handed over as they are. What it adds to the promises:
//
//	L1  Messages are never lost or late, between nodes neither.
//	L2  After Stop, Spawn under the same name, Crash or Close has returned, the
//	    ended actor has no more effects and reports nothing to the listener. A
//	    step that runs at that moment runs on to its end, unseen.
//	L3  After a wire has gone down or was closed, writing, granting and closing
//	    on it do nothing. On a wire that was never opened they panic.
//	L4  A wire that is closed before both ends have opened it never was: the
//	    other end is told nothing, and waits for its peer to open it anew.
//	L5  Offloaded work of an ended actor that has not begun never begins.
//	L6  Results of offloads that share a lane arrive in the order of the lane.
//
// Locks are taken in this order: World.life, proc.mu, then one of World.dirMu,
// World.wireMu and pool.mu, then mailbox.mu.
package live

import (
	"cmp"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
)

// DefaultOffloads is how much offloaded work runs at a time if [Options] do not
// say. Most of it waits for a disk.
const DefaultOffloads = 64

// Options say what a world is made of. The zero value is valid.
type Options struct {
	// FS is what offloaded work gets. It may be nil if no work uses files.
	FS fs.FS
	// Listener must be safe for concurrent use, and must not call Spawn, Stop,
	// Crash or Close. Nil discards.
	Listener host.Listener
	// Seed of the random streams; 0 draws one from the system.
	Seed uint64
	// Offloads is how much offloaded work runs at a time, over all actors;
	// 0 is DefaultOffloads, less than 0 panics. Work that waits for long counts.
	Offloads int
	// Bug is told of a panic that escaped an actor, which is a bug in the engine;
	// the actor then ends as if stopped. It is bound as Listener is. Nil prints
	// the panic and ends the process with exit code 2.
	Bug func(actor host.Address, value any, stack string)

	_ struct{}
}

// World runs actors. Its methods may be called from any goroutine that is not an
// actor's; actors use their outbox.
type World struct {
	fs       fs.FS
	listener host.Listener
	seed     uint64
	bug      func(actor host.Address, value any, stack string)
	start    time.Time
	running  sync.WaitGroup // actors and offloaded work
	pool     pool

	life   sync.Mutex // serialises spawning and ending
	closed bool
	nodes  map[string]*gate
	spawns map[host.Address]uint64

	dirMu sync.RWMutex
	dir   map[host.Address]*proc

	wireMu sync.Mutex // guards also the shared fields of every wireEnd
	half   map[wireKey]*wireEnd
}

// Why a wire went down, as its other end is told.
var (
	errClosed  = errors.New("closed by the other end")
	errEnded   = errors.New("the actor at the other end has ended")
	errCrashed = errors.New("the node at the other end has crashed")
)

// New returns a world without actors.
func New(o Options) *World {
	if o.Offloads < 0 {
		panic(fmt.Sprintf("live: Options.Offloads is %d", o.Offloads))
	}
	w := &World{
		fs: o.FS, listener: o.Listener, seed: o.Seed, bug: o.Bug, start: time.Now(),
		nodes: map[string]*gate{}, spawns: map[host.Address]uint64{},
		dir: map[host.Address]*proc{}, half: map[wireKey]*wireEnd{},
	}
	w.pool.limit = cmp.Or(o.Offloads, DefaultOffloads)
	if w.listener == nil {
		w.listener = host.Discard{}
	}
	if w.bug == nil {
		w.bug = exit
	}
	for w.seed == 0 {
		var b [8]byte
		_, _ = crand.Read(b[:]) // never fails
		w.seed = binary.LittleEndian.Uint64(b[:])
	}
	return w
}

func exit(actor host.Address, value any, stack string) {
	fmt.Fprintf(os.Stderr, "engine bug in actor %s: %v\n%s", actor, value, stack)
	os.Exit(2)
}

// Spawn starts an actor on a node, replacing one of that name (H10). In a closed
// world it does nothing.
func (w *World) Spawn(node, name string, f host.Factory) {
	w.life.Lock()
	defer w.life.Unlock()
	w.spawn(host.Address{Node: node, Name: name}, f)
}

func (w *World) spawn(addr host.Address, f host.Factory) {
	if w.closed {
		return
	}
	if old := w.find(addr); old != nil {
		w.end(old, errEnded)
	}
	g := w.nodes[addr.Node]
	if g == nil {
		g = &gate{fs: w.fs}
		w.nodes[addr.Node] = g
	}
	w.spawns[addr]++
	p := newProc(w, addr, g, w.spawns[addr])
	w.dirMu.Lock()
	w.dir[addr] = p
	w.dirMu.Unlock()
	w.running.Add(1)
	go p.run(f)
}

// Stop ends an actor (H9), if it exists.
func (w *World) Stop(node, name string) {
	w.life.Lock()
	defer w.life.Unlock()
	w.stop(host.Address{Node: node, Name: name})
}

func (w *World) stop(addr host.Address) {
	if p := w.find(addr); p != nil {
		w.end(p, errEnded)
	}
}

// Send gives a message from outside, with no sender, to an actor. It is dropped
// if there is none at that address.
func (w *World) Send(to host.Address, body any) { w.send(host.Address{}, to, body) }

func (w *World) send(from, to host.Address, body any) {
	if p := w.find(to); p != nil {
		p.box.putControl(control{kind: host.Message, from: from, body: body})
	}
}

// Crash ends every actor of a node as a crash of its process would: besides what
// Stop does, every further call of their offloaded work on files fails with
// fs.ErrDead and changes nothing. It waits for calls under way. Actors may be
// spawned on the node again.
func (w *World) Crash(node string) {
	w.life.Lock()
	defer w.life.Unlock()
	if g := w.nodes[node]; g != nil {
		g.shut()
		delete(w.nodes, node)
	}
	for _, p := range w.procs() {
		if p.addr.Node == node {
			w.end(p, errCrashed)
		}
	}
}

// Close ends all actors and returns when they and all offloaded work that runs
// have come to their end. Closing again waits likewise.
func (w *World) Close() {
	w.life.Lock()
	w.closed = true
	for _, p := range w.procs() {
		w.end(p, errEnded)
	}
	w.life.Unlock()
	w.running.Wait()
}

func (w *World) find(addr host.Address) *proc {
	w.dirMu.RLock()
	defer w.dirMu.RUnlock()
	return w.dir[addr]
}

func (w *World) procs() []*proc {
	w.dirMu.RLock()
	defer w.dirMu.RUnlock()
	all := make([]*proc, 0, len(w.dir))
	for _, p := range w.dir {
		all = append(all, p)
	}
	return all
}

// end makes p do nothing any more (H9, L2). Called with life held, never with
// p.mu held; an actor that has ended already is left alone.
func (w *World) end(p *proc, why error) {
	p.mu.Lock()
	was := p.ended.Swap(true)
	p.mu.Unlock()
	if was {
		return
	}
	w.dirMu.Lock()
	if w.dir[p.addr] == p {
		delete(w.dir, p.addr)
	}
	w.dirMu.Unlock()
	w.cut(p, why)
	p.box.close()
}
