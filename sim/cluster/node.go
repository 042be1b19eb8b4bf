package cluster

import (
	"fmt"
	"time"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim"
)

// Node is a process with a name. Each start is a new incarnation.
type Node struct {
	w           *World
	name        string
	id          sim.Name
	index       int
	boot        func(n *Node)
	up          bool
	incarnation int
	started     uint64 // number of the incarnation's start
	skew        time.Duration
	paused      time.Duration // until then nothing of it runs
	cost        Percent
	slow        []*slowDisk
	actors      []*actor // in order of their start
	jobs        []*job   // in order of their start
	links       []*Link  // by the index of the node they lead to
	fs          *nodeFS  // of this incarnation
	io          *sim.Point
}

// AddNode adds a node and starts its first incarnation, number 1. At each start
// boot is called and spawns the first actors. The name must be new.
func (w *World) AddNode(name string, boot func(n *Node)) *Node {
	if w.byName[name] != nil {
		panic(fmt.Sprintf("cluster: a second node %q", name))
	}
	n := &Node{
		w: w, name: name, id: w.Name(name), index: len(w.nodes), boot: boot,
		skew: w.o.Skew[name], cost: w.costOf(w.o.NodeCost, "node-cost", name), io: w.Point("io-time", name),
	}
	w.nodes = append(w.nodes, n)
	w.byName[name] = n
	for _, p := range w.places {
		if p.address.Node == name {
			p.node = n
		}
	}
	n.start()
	return n
}

func (n *Node) start() {
	n.incarnation++
	n.up, n.paused = true, 0
	n.started = n.w.Note(&sim.Note{Kind: n.w.kinds.restart, Node: n.id, A: uint64(n.incarnation)})
	if n.w.o.FS != nil {
		n.fs = &nodeFS{w: n.w, node: n, incarnation: n.incarnation, inner: n.w.o.FS(n.name, n.incarnation)}
	}
	n.boot(n)
}

// Node returns the node of that name, nil if there is none.
func (w *World) Node(name string) *Node { return w.byName[name] }

// Nodes returns all nodes in the order in which they were added.
func (w *World) Nodes() []*Node { return w.nodes }

// Name is the node's name.
func (n *Node) Name() string { return n.name }

// Up reports whether the process runs.
func (n *Node) Up() bool { return n.up }

// Incarnation is the number of the current or last incarnation, from 1.
func (n *Node) Incarnation() int { return n.incarnation }

// Has reports whether an actor of that name runs on the node.
func (n *Node) Has(actor string) bool {
	p := n.w.byAddress[host.Address{Node: n.name, Name: actor}]
	return p != nil && p.actor != nil
}

// SetSkew sets by how much the node's wall clock is ahead; a change is a jump.
func (n *Node) SetSkew(d time.Duration) { n.skew = d }

// SetCost scales the cost of the node's steps and the time of its I/O from now on.
func (n *Node) SetCost(p Percent) { n.cost = p }

// Spawn starts an actor on the node; it must be up.
func (n *Node) Spawn(name string, f host.Factory) {
	if !n.up {
		panic(fmt.Sprintf("cluster: spawn of %s on node %s, which is down", name, n.name))
	}
	n.w.spawn(n, name, f, n.started)
}

// Crash ends the process at once (N3 to N5), and reports false if it was down
// already. What happens to unsynced files is up to the file system and whoever
// hears of it by Options.OnCrash.
func (w *World) Crash(name string) bool {
	n := w.known(name)
	if !n.up {
		return false
	}
	n.up = false
	number := w.Note(&sim.Note{Kind: w.kinds.crash, Node: n.id, A: uint64(n.incarnation)})
	actors, jobs := n.actors, n.jobs
	n.actors, n.jobs = nil, nil
	for _, a := range actors {
		w.end(a, ErrCrashed, number)
	}
	for _, j := range jobs {
		w.abandon(j)
	}
	if w.o.OnCrash != nil {
		w.o.OnCrash(name, n.incarnation)
	}
	return true
}

// Restart starts a new incarnation of a node, after a crash if it is up.
func (w *World) Restart(name string) {
	w.Crash(name)
	w.known(name).start()
}

func (w *World) known(name string) *Node {
	n := w.byName[name]
	if n == nil {
		panic(fmt.Sprintf("cluster: no node %q", name))
	}
	return n
}
