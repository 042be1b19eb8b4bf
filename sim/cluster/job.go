package cluster

import (
	"fmt"
	"strings"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/disk"
)

// JobOptions describe a simulated run of a job on a cluster of one JobManager and
// some workers.
type JobOptions struct {
	Config *engine.Config
	Job    func(*engine.Job)
	// Workers are TaskExecutors, "tm1" and so on; at least 1.
	Workers int
	// Files are there, durable, when the run begins.
	Files []File
	Plan  faults.Plan
	// Limit is the virtual time that the job has to finish, from the moment when the
	// last crashed process is there again.
	Limit time.Duration
	// StopAfter ends every process at once after that many checkpoints have
	// completed, as a power cut would; 0 lets the job finish.
	StopAfter int
	// Hardware is the simulated hardware. FS, Listener, BeforeEffect, BeforeCall
	// and OnCrash are set by the run.
	Hardware Options
	// Oracles judge the run by the engine's events.
	Oracles []sim.Oracle[host.Event]
	// GoOn lets the run go on when one of them objects, see sim.Panel.
	GoOn bool
	// Created is given the world before anything happens in it; nil for nobody.
	Created func(w *World)
}

// File is a file of the simulated disk.
type File struct {
	Name string
	Data []byte
}

// Cluster is a simulated run of a job.
type Cluster struct {
	World *World
	Disk  *disk.Disk
	Graph *graph.Graph

	o        JobOptions
	panel    sim.Panel[host.Event]
	restart  sim.Kind
	damaged  sim.Kind
	inject   injector
	armed    []*armed
	offered  uint64 // durable version at the last offer of a crash
	changes  int    // offers before which it had changed
	machine  bool   // the crash under way is a machine's
	lost     bool   // it took unsynced changes
	master   string // the JobManager's node
	rest     sim.Kind
	troubled time.Duration // when the last other fault that lasts is over
	mended   time.Duration // when the last crashed process is there again

	// Counts is what happened; Fired counts faults by kind, Injected are the
	// crashes and the damage, in order.
	Counts   Counts
	Fired    map[faults.Kind]int
	Injected []Injection
	// Troubles are the other faults that happened, in order; a failing disk once for
	// each file of which a call was hit. Hits counts these calls, and Unremoved says
	// of names, and their directories, when a call last failed that a removal needs: how
	// many events and notes there were.
	Troubles  []Injection
	Hits      int
	Unremoved map[string]uint64
	// Outcome is the engine's word on how the job ended, empty if it did not.
	Outcome  string
	Finished bool
	stopping bool
}

// Counts are the run's checkpoints and restores.
type Counts struct {
	Triggered, Completed, Aborted, Declined, Expired int
	// Restores counts deployments from a completed checkpoint.
	Restores int
	// InFlightBytes were restored as in-flight data, over all restores.
	InFlightBytes int64
}

// Injection is a crash or damage that happened, and the number of the event in which.
type Injection struct {
	Event uint64
	Fault faults.Fault
	// Node is the one that crashed; an essential fault may have been moved.
	Node string
	// Lost says that the crash took changes that were not synced.
	Lost bool
	// Down counts the nodes that are down from then on.
	Down int
	// Damage is what was damaged, nil for a crash.
	Damage *Damage
	// File is what a call failed on, or read wrong or in part, empty for other faults.
	File string
}

// armed is a fault of the plan that waits.
type armed struct {
	fault   faults.Fault
	index   uint32
	subject string // of the events waited for
	seen    int    // events of its kind
	reached bool   // the event has come
	changes int    // still to be let pass
	done    bool
	missed  bool // what it aims at was not there
	times   int  // crashes so far
	over    bool
	disk    failing
}

// NewCluster makes the world of a run. The error is a *graph.InvalidError or one
// about the configuration.
func NewCluster(seed uint64, o JobOptions) (*Cluster, error) {
	if err := o.Config.Validate(); err != nil {
		return nil, err
	}
	g, err := engine.Describe(o.Config, o.Job)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Graph: g, o: o, Fired: map[faults.Kind]int{}, Unremoved: map[string]uint64{}}
	hw := o.Hardware
	hw.Listener = c
	hw.BeforeEffect = func(host.Address, *host.Effect) { c.offer() }
	hw.BeforeCall = func(_ string, op Op, name string) {
		c.onCall(op, name)
		c.offer()
	}
	hw.FS = func(node string, _ int) fs.FS { return c.Disk.Node(node) }
	hw.OnCrash = func(node string, _ int) {
		if c.machine {
			c.Disk.MachineCrash(node)
		} else {
			c.Disk.ProcessCrash(node)
		}
	}
	hw.OperatorCost = slowOperators(hw.OperatorCost, o.Plan)
	c.World = New(seed, hw)
	if o.Created != nil {
		o.Created(c.World)
	}
	c.Disk = disk.New(&chance{c: c})
	for _, f := range o.Files {
		if err := c.Disk.Import(f.Name, f.Data); err != nil {
			return nil, err
		}
	}
	c.panel = sim.Panel[host.Event]{World: c.World.World, Oracles: o.Oracles, GoOn: o.GoOn}
	c.restart = c.World.Handle("restart is due", '!', func(e *sim.Event) {
		if n := c.World.Nodes()[e.Target]; !n.Up() && !c.stopping {
			c.World.Restart(n.Name())
		}
	})
	c.damaged = c.World.NoteKind("damage", '!')
	c.rest = c.restPoint()
	c.injectors()
	c.boot()
	c.arm()
	return c, nil
}

// slowOperators adds the plan's slow operators to the costs.
func slowOperators(costs map[string]Percent, p faults.Plan) map[string]Percent {
	all := map[string]Percent{}
	for uid, c := range costs { // unordered: copied into another map
		all[uid] = c
	}
	for _, f := range p {
		if f.Kind == faults.SlowOperator {
			all[f.Target] = Percent(f.Percent)
		}
	}
	return all
}

// chance draws what the disk loses.
type chance struct{ c *Cluster }

func (d *chance) Intn(n int) int { return d.c.World.Point("disk", "").Intn(n) }

// Decide implements disk.Named.
func (d *chance) Decide(decision, path string, n int) int {
	v := d.c.World.Point(decision, path).Intn(n)
	switch decision {
	case disk.LostEntries, disk.LostWrites, disk.LostTruncate:
		d.c.lost = d.c.lost || v > 0
	}
	return v
}

// boot starts the processes. The job function is called by every task for itself.
func (c *Cluster) boot() {
	jm := engine.JobManagerAddress()
	c.master = jm.Node
	c.World.AddNode(jm.Node, func(n *Node) {
		n.Spawn(jm.Name, c.o.Config.JobManager(c.describe()))
	})
	for i := range c.o.Workers {
		name := Worker(i)
		c.World.AddNode(name, func(n *Node) {
			n.Spawn(task.ExecutorAddress(name).Name, c.o.Config.TaskExecutor(c.o.Job))
		})
	}
}

// describe calls the job function for one more process.
func (c *Cluster) describe() *graph.Graph {
	g, err := engine.Describe(c.o.Config, c.o.Job)
	if err != nil {
		panic(fmt.Sprintf("the job was valid before: %v", err))
	}
	return g
}

// Worker is the name of the i-th worker's node.
func Worker(i int) string { return fmt.Sprintf("tm%d", i+1) }

// arm applies what holds from the start and readies the rest.
func (c *Cluster) arm() {
	for _, f := range c.o.Plan {
		switch {
		case f.Kind == faults.SlowLink && f.When == faults.Trigger{} && f.For == 0:
			from, to, _ := strings.Cut(f.Target, "->")
			c.World.Link(from, to).SetSlow(Percent(f.Percent))
			c.Fired[f.Kind]++
		case f.Kind == faults.SlowOperator:
			c.Fired[f.Kind]++
		default:
			c.ready(f)
		}
	}
}

// On implements host.Listener.
func (c *Cluster) On(e *host.Event) {
	c.count(e)
	c.panel.On(e)
	final := isFinal(e)
	for _, a := range c.armed {
		if !a.done && !a.reached && a.waits(e) {
			a.seen++
			a.reached = a.seen == a.fault.When.Nth
		}
		if final && a.fault.Essential {
			a.reached, a.changes = true, 0
		}
	}
	switch e.Kind {
	case host.JobFinished:
		c.Finished, c.Outcome = true, "finished"
		c.World.Schedule(0, sim.Event{Kind: c.rest})
	case host.JobFailed:
		c.Outcome = e.Text
		c.World.Stop()
	case host.CheckpointCompleted:
		c.stopping = c.o.StopAfter > 0 && c.Counts.Completed >= c.o.StopAfter
	}
}

// isFinal says that a checkpoint has completed after all tasks had ended.
func isFinal(e *host.Event) bool {
	m, ok := e.Data.(*snapshot.Metadata)
	if !ok || e.Kind != host.CheckpointCompleted {
		return false
	}
	for _, v := range m.Vertices {
		for _, t := range v.Tasks {
			if !t.Ended {
				return false
			}
		}
	}
	return true
}

func (c *Cluster) count(e *host.Event) {
	switch e.Kind {
	case host.CheckpointTriggered:
		c.Counts.Triggered++
	case host.CheckpointCompleted:
		c.Counts.Completed++
	case host.CheckpointAborted:
		c.Counts.Aborted++
		if strings.Contains(e.Text, "expired") {
			c.Counts.Expired++
		}
	case host.CheckpointDeclined:
		c.Counts.Declined++
	case host.Deploying:
		if e.Checkpoint > 0 {
			c.Counts.Restores++
		}
	case host.Restored:
		c.Counts.InFlightBytes += e.N
	}
}

// offer is called wherever a process may crash. A crash that is due happens once
// enough changes of crash-surviving state have passed.
func (c *Cluster) offer() {
	if c.stopping {
		c.stopAll()
		return
	}
	if c.Finished {
		return
	}
	changed := c.World.DurableVersion() != c.offered
	c.offered = c.World.DurableVersion()
	if changed {
		c.changes++
	}
	for _, a := range c.armed {
		if changed && a.fault.When.On == faults.Change && !a.reached {
			a.seen++
			a.reached = a.seen == a.fault.When.Nth
		}
		if a.done || a.missed || !a.reached {
			continue
		}
		if a.changes > 0 {
			if changed {
				a.changes--
			}
			continue
		}
		c.carryOut(a)
	}
}

func (c *Cluster) crash(a *armed) {
	n := c.World.Node(a.fault.Target)
	if a.fault.Essential && n.Up() && len(n.actors) == 1 {
		// A worker without tasks: nobody would notice.
		n = c.World.Node(engine.JobManagerAddress().Node)
	}
	if !n.Up() {
		a.done = !a.fault.Essential
		return
	}
	a.done = true
	c.crashOf(a, n)
}

// crashOf crashes a node, and lets it crash again if the fault wants that. A node that
// is down already is spared this time.
func (c *Cluster) crashOf(a *armed, n *Node) {
	if a.times++; a.times < a.fault.Times {
		c.World.Schedule(a.fault.For+a.fault.Up, sim.Event{Kind: c.inject.again, Target: a.index, A: uint64(n.index)})
	}
	if !n.Up() {
		return
	}
	c.Fired[a.fault.Kind]++
	c.machine, c.lost = a.fault.Kind == faults.MachineCrash, false
	number := c.World.EventNumber()
	c.mended = max(c.mended, c.World.Now()+a.fault.For)
	c.World.Schedule(a.fault.For, sim.Event{Kind: c.restart, Target: uint32(n.index)})
	c.World.aside = c.position(a.fault)
	c.World.Crash(n.Name())
	down := 0
	for _, other := range c.World.Nodes() {
		if !other.Up() {
			down++
		}
	}
	c.Injected = append(c.Injected, Injection{Event: number, Fault: a.fault, Node: n.Name(), Lost: c.lost, Down: down})
}

// stopAll is a power cut: every machine crashes.
func (c *Cluster) stopAll() {
	c.machine = true
	for _, n := range c.World.Nodes() {
		c.World.Crash(n.Name())
	}
	c.World.Stop()
}

// Unfired are the faults of the plan that did not happen, or hit nothing.
func (c *Cluster) Unfired() faults.Plan {
	var p faults.Plan
	for _, a := range c.armed {
		if !a.done || a.idle() {
			p = append(p, a.fault)
		}
	}
	return p
}

// Run runs the job to its end, or to a violation unless it goes on after one, and
// lets the oracles judge.
func (c *Cluster) Run() []sim.Violation {
	end := c.run()
	if (end == sim.Idle || end == sim.Limit) && c.Outcome == "" && !c.stopping {
		c.World.Fail(sim.Violation{Oracle: "progress", Message: c.stuck(end)})
	}
	if !c.stopping {
		c.panel.End()
	}
	c.World.Close()
	return c.World.Violations()
}

// Changes is how often a process could have crashed so far with another outcome than the
// time before: as many as faults.Change can count.
func (c *Cluster) Changes() int { return c.changes }

// Stopped reports that the run was ended by StopAfter.
func (c *Cluster) Stopped() bool { return c.stopping }
