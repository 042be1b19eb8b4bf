package cluster

import (
	"fmt"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim"
)

// injector is what carries faults out that are no crashes and no damage, and those that
// wait for a time or a call.
type injector struct {
	fault, due, again, over sim.Kind
}

func (c *Cluster) injectors() {
	w := c.World
	c.inject.fault = w.NoteKind("fault", '!')
	c.inject.due = w.Handle("fault is due", '!', func(e *sim.Event) {
		a := c.armed[e.Target]
		a.reached = true
		c.due(a)
	})
	c.inject.again = w.Handle("crash again", '!', func(e *sim.Event) {
		if a := c.armed[e.Target]; !c.Finished && !c.stopping {
			c.crashOf(a, w.nodes[e.A])
		}
	})
	c.inject.over = w.Handle("fault is over", '!', func(e *sim.Event) { c.end(c.armed[e.Target]) })
}

// ready arms a fault that waits.
func (c *Cluster) ready(f faults.Fault) {
	a := &armed{fault: f, changes: f.When.Changes, index: uint32(len(c.armed)), subject: c.subject(f.When.Of)}
	c.armed = append(c.armed, a)
	if !f.When.Counts() {
		c.World.Schedule(f.When.At, sim.Event{Kind: c.inject.due, Target: a.index})
	}
}

// subtask is what a plan calls a subtask of an operator.
func subtask(uid string, i int) string { return fmt.Sprintf("%s/%d", uid, i) }

// subject is what events about a subtask of an operator are about: the task of its chain.
func (c *Cluster) subject(of string) string {
	for _, v := range c.Graph.Plan(c.o.Config.Chaining).Vertices {
		for _, n := range v.Chain {
			for i := range v.Parallelism {
				if subtask(n.UID, i) == of {
					return v.Task(i)
				}
			}
		}
	}
	return of
}

// due carries out a fault whose time has come, between two steps.
func (c *Cluster) due(a *armed) {
	if !a.done && !a.missed && !c.Finished && !c.stopping {
		c.carryOut(a)
	}
}

// carryOut makes a fault happen.
func (c *Cluster) carryOut(a *armed) {
	switch k := a.fault.Kind; {
	case k.Damages():
		c.damage(a)
	case k.Crashes():
		c.crash(a)
	default:
		c.trouble(a)
	}
}

// waits reports whether an armed fault waits for an event of the engine.
func (a *armed) waits(e *host.Event) bool {
	w := &a.fault.When
	return w.On != "" && e.Kind.String() == w.On && (w.Of == "" || a.subject == e.Subject)
}

// onCall counts a file-system call that is about to be made.
func (c *Cluster) onCall(op Op, name string) {
	for _, a := range c.armed {
		w := &a.fault.When
		if a.done || a.reached || w.Call == "" || w.Call != op.String() || w.Of != "" && !faults.Matches(w.Of, name) {
			continue
		}
		a.seen++
		a.reached = a.seen == w.Nth
	}
}

// trouble makes a fault happen that is neither a crash nor damage.
func (c *Cluster) trouble(a *armed) {
	f, w := a.fault, c.World
	if n := w.Node(f.Target); f.Kind == faults.Pause && !n.up {
		a.missed = !f.Essential // there is nothing to pause
		return
	}
	a.done = true
	until := f.Ends(w.Now())
	c.troubled = max(c.troubled, until)
	c.mended = max(c.mended, until)
	if f.Kind.OfDisk() {
		c.failDisk(a, until)
		return
	}
	c.Fired[f.Kind]++
	w.aside = c.position(f)
	number := w.Note(&sim.Note{Kind: c.inject.fault, Node: w.Name(f.Target), Actor: w.Name(string(f.Kind)), Peer: w.Name(f.Name)})
	switch f.Kind {
	case faults.Pause:
		w.Node(f.Target).Pause(until)
	case faults.SlowCPU:
		c.slowNode(f.Target)
	case faults.SlowLink:
		c.slowLinks(f)
	case faults.Skew:
		w.Node(f.Target).SetSkew(f.By)
	case faults.Jump:
		n := w.Node(f.Target)
		n.SetSkew(n.skew + f.By)
	case faults.Reset:
		for _, way := range f.Ways() {
			w.Reset(way[0], way[1])
		}
	default:
		for _, l := range c.linksOf(f) {
			l.upset(f, until, w.Point(string(f.Kind), f.Name))
		}
	}
	if (f.Kind == faults.SlowCPU || f.Kind == faults.SlowLink) && until > w.Now() {
		w.Schedule(until-w.Now(), sim.Event{Kind: c.inject.over, Target: a.index})
	}
	c.Troubles = append(c.Troubles, Injection{Event: number, Fault: f, Node: f.Target})
}

// Excuses reports whether trouble may come of the injection: a wall clock is for stamps
// only, and of a short read there is more to read.
func (in *Injection) Excuses() bool {
	switch in.Fault.Kind {
	case faults.Skew, faults.Jump, faults.ShortRead:
		return false
	}
	return true
}

// TroubledUntil is when the last fault that lasts so far, other than a crash, is over; 0
// if there was none.
func (c *Cluster) TroubledUntil() time.Duration { return c.troubled }

// Troubled reports whether a fault that lasts, other than a crash, is not over.
func (c *Cluster) Troubled() bool { return c.World.Now() < c.troubled }

// end ends what does not end by itself.
func (c *Cluster) end(a *armed) {
	a.over = true
	switch k := a.fault.Kind; {
	case k == faults.SlowCPU:
		c.slowNode(a.fault.Target)
	case k.OfDisk():
		c.mendDisk(a)
	default:
		c.slowLinks(a.fault)
	}
}

// slowNode makes a node as slow as the faults that hold say together.
func (c *Cluster) slowNode(name string) {
	n := c.World.Node(name)
	cost := max(c.World.costOf(c.World.o.NodeCost, "node-cost", name), 100)
	for _, a := range c.armed {
		if a.fault.Kind == faults.SlowCPU && a.done && !a.over && a.fault.Target == name {
			cost = cost * Percent(a.fault.Percent) / 100
		}
	}
	n.SetCost(cost)
}

// slowLinks makes a link as slow as the slowest of the faults that hold, or as the plan
// has it for the whole run.
func (c *Cluster) slowLinks(f faults.Fault) {
	for _, l := range c.linksOf(f) {
		slow := l.slow
		for _, o := range c.o.Plan {
			if o.Kind == faults.SlowLink && o.When == (faults.Trigger{}) && o.For == 0 && o.Target == f.Target {
				slow = max(slow, Percent(o.Percent))
			}
		}
		for _, a := range c.armed {
			if a.fault.Kind == faults.SlowLink && a.done && !a.over && a.fault.Target == f.Target {
				slow = max(slow, Percent(a.fault.Percent))
			}
		}
		l.SetSlow(slow)
	}
}

func (c *Cluster) linksOf(f faults.Fault) []*Link {
	var all []*Link
	for _, way := range f.Ways() {
		all = append(all, c.World.Link(way[0], way[1]))
	}
	return all
}

// Known is what a plan for a run of the job may name; slow are the operators that may be
// slow. Parse a plan with it before the cluster is made: a node that is not there is a
// mistake of the caller's then.
func (o *JobOptions) Known(g *graph.Graph, slow []string) faults.Known {
	k := faults.Known{Operators: slow}
	for _, v := range g.Plan(o.Config.Chaining).Vertices {
		for _, n := range v.Chain {
			for i := range v.Parallelism {
				k.Subjects = append(k.Subjects, subtask(n.UID, i))
			}
		}
	}
	k.Nodes = append(k.Nodes, engine.JobManagerAddress().Node)
	for i := range o.Workers {
		k.Nodes = append(k.Nodes, Worker(i))
	}
	k.Subjects = append(k.Subjects, k.Nodes...)
	for e := host.EventKind(0); e <= host.CorruptFile; e++ {
		k.Events = append(k.Events, e.String())
	}
	for op := range opCount {
		k.Calls = append(k.Calls, op.String())
	}
	return k
}
