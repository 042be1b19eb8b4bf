// Package checkpoint decides when a snapshot of the whole job is durable. Its
// [Coordinator] is a pure machine: inputs in, effects out, in order.
//
//	tick ─▶ locating ─▶ collecting ──last ack──▶ sealing ──sealed──▶ complete
//	            │            │                      │ ▲
//	            └─failed─────┴─declined, expired,   │ └─unknown: probe
//	                           stopped ─▶ aborted ◀─┴─unsealed
//
// Sealing is the point of no return: the metadata may already be durable, so only
// the storage can say how it ended.
//
// Invariants (asserted here; C4 also by the simulated disk):
//
//	C1  checkpoint ids only grow, within and across coordinators
//	C2  a checkpoint is announced once, and only after its metadata is durable
//	C3  at most one checkpoint is pending
//	C4  no file of a checkpoint is discarded while its metadata may be durable,
//	    unless a newer one is complete
//	C5  an acknowledgement counts only once, and only from the current attempt
package checkpoint

import (
	"slices"
	"time"

	"github.com/weirstream/weir/engine/must"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
)

// Limits configure a coordinator; all fields are required.
type Limits struct {
	Interval time.Duration // between triggers, ≥ 10 ms and MinPause
	// MinPause is between the end of one that completes and the next trigger, ≥ 0; the
	// final checkpoint does not wait for it.
	MinPause time.Duration
	Timeout  time.Duration // from trigger to the last ack, ≥ 10 ms
	Retained int           // completed checkpoints that are kept, ≥ 1
	// Tolerable is how many checkpoints in a row may fail before the job does, ≥ 0, or
	// Unlimited.
	Tolerable int
	// Unaligned says which barriers are sent.
	Unaligned bool
}

type phase uint8

const (
	locating phase = iota
	collecting
	sealing
)

func (p phase) String() string { return [...]string{"locating", "collecting", "sealing"}[p] }

// pending is the checkpoint under way.
type pending struct {
	id    uint64
	phase phase
	final bool // triggered after all tasks had ended
	acked []bool
	tasks []snapshot.Task
	left  int
}

// Coordinator is Flink's CheckpointCoordinator for one job.
type Coordinator struct {
	limits    Limits
	running   bool
	attempt   stream.Attempt
	count     int // tasks
	next      uint64
	completed []uint64 // retained, ascending
	pending   *pending
	ended     bool // all tasks have ended
	due       bool // a trigger waits for the pending checkpoint, or the pause, to end
	pausing   bool // since a checkpoint has completed
	finished  bool // a final checkpoint is complete
	// unlocated were given up before Located came; they are discarded when it does.
	unlocated []uint64
	failures  failures
}

// New makes a coordinator that has not started.
func New(l Limits) *Coordinator {
	must.That(l.Interval > 0 && l.Timeout > 0 && l.Retained > 0 && l.Tolerable >= 0 && l.MinPause >= 0 && l.MinPause <= l.Interval, "limits %+v", l)
	return &Coordinator{limits: l, next: 1, failures: failures{tolerable: l.Tolerable}}
}

// Step takes one input and appends what must follow from it to out.
func (c *Coordinator) Step(in Input, out []Effect) []Effect {
	switch in := in.(type) {
	case Start:
		out = c.start(in, out)
	case Stop:
		out = c.stop(out)
	case Tick:
		out = c.tick(out)
	case PauseOver:
		out = c.pauseOver(out)
	case Ended:
		c.ended = true
		out = c.trigger(out)
	case About:
		out = c.about(in, out)
	}
	c.check()
	return out
}

func (c *Coordinator) start(in Start, out []Effect) []Effect {
	must.That(c.pending == nil, "C3: started while checkpoint %d is pending", c.id())
	c.running, c.attempt, c.count = true, in.Attempt, in.Tasks
	c.next = max(c.next, in.Next)
	c.completed = append([]uint64(nil), in.Completed...)
	c.ended, c.due, c.finished = false, false, false
	return append(out, SetTick{c.limits.Interval})
}

// stop gives up what is pending. What is being sealed stays: see [Coordinator.Idle].
func (c *Coordinator) stop(out []Effect) []Effect {
	c.running, c.due, c.ended, c.pausing = false, false, false, false
	if c.pending != nil && c.pending.phase != sealing {
		out = c.abort(JobStopped, "", out)
	}
	return out
}

func (c *Coordinator) tick(out []Effect) []Effect {
	if !c.running || c.finished {
		return out
	}
	return c.trigger(append(out, SetTick{c.limits.Interval}))
}

// pauseOver triggers what waited for it. The interval begins anew.
func (c *Coordinator) pauseOver(out []Effect) []Effect {
	waited := c.pausing && c.due && !c.finished
	c.pausing = false
	if !waited {
		return out
	}
	out = append(out, SetTick{c.limits.Interval})
	return c.trigger(out)
}

func (c *Coordinator) trigger(out []Effect) []Effect {
	if !c.running || c.finished {
		return out
	}
	if c.pending != nil || c.pausing && !c.ended {
		c.due = true
		return out
	}
	c.due = false
	id := c.next
	c.next++
	c.pending = &pending{id: id, final: c.ended, acked: make([]bool, c.count), tasks: make([]snapshot.Task, c.count), left: c.count}
	return append(out, Locate{id}, SetExpiry{id, c.limits.Timeout})
}

// about handles an input about one checkpoint.
func (c *Coordinator) about(in About, out []Effect) []Effect {
	if a, ok := in.(attempted); ok && a.attempt() != c.attempt {
		return append(out, Drop{in, Zombie})
	}
	p := c.pending
	if p == nil || p.id != in.checkpoint() {
		return c.late(in, out)
	}
	switch p.phase {
	case locating:
		return c.stepLocating(p, in, out)
	case collecting:
		return c.stepCollecting(p, in, out)
	}
	return c.stepSealing(p, in, out)
}

// late drops an input about a checkpoint that is over. A directory that was still
// being made when its checkpoint was given up goes now.
func (c *Coordinator) late(in About, out []Effect) []Effect {
	out = append(out, Drop{in, Late})
	if l, ok := in.(Located); ok {
		if i := slices.Index(c.unlocated, l.Checkpoint); i >= 0 {
			c.unlocated = slices.Delete(c.unlocated, i, i+1)
			out = append(out, Discard{l.Checkpoint})
		}
	}
	return out
}

func (c *Coordinator) stepLocating(p *pending, in About, out []Effect) []Effect {
	switch in := in.(type) {
	case Located:
		if in.Err != "" {
			return c.abort(NotLocated, in.Err, out)
		}
		p.phase = collecting
		return append(out, Trigger{p.id, c.limits.Unaligned, p.final})
	case Expire:
		return c.abort(Expired, "", out)
	}
	must.Unreachable("%v while locating checkpoint %d", in, p.id)
	return out
}

func (c *Coordinator) stepCollecting(p *pending, in About, out []Effect) []Effect {
	switch in := in.(type) {
	case Ack:
		if p.acked[in.Task] {
			return append(out, Drop{in, Duplicate}) // C5
		}
		p.acked[in.Task], p.tasks[in.Task] = true, in.Entry
		p.left--
		out = append(out, Counted{in.Attempt, p.id, in.Task})
		if p.left == 0 {
			p.phase = sealing
			out = append(out, Seal{p.id, c.limits.Unaligned, p.tasks})
		}
		return out
	case Decline:
		return c.abort(in.Why, in.Reason, out)
	case Expire:
		return c.abort(Expired, "", out)
	}
	must.Unreachable("%v while collecting checkpoint %d", in, p.id)
	return out
}

func (c *Coordinator) stepSealing(p *pending, in About, out []Effect) []Effect {
	switch in := in.(type) {
	case Sealed:
		return c.finish(p, out)
	case Unsealed:
		return c.abort(Unwritten, in.Err, out)
	case Unknown:
		return append(out, Probe{p.id, c.limits.Timeout})
	case Ack:
		return append(out, Drop{in, Duplicate})
	case Expire, Decline: // C4: the metadata may be durable by now
		return append(out, Drop{in, TooLate})
	}
	must.Unreachable("%v while sealing checkpoint %d", in, p.id)
	return out
}

// finish announces a durable checkpoint (C2) and lets the oldest go. If the job
// has stopped meanwhile nobody is told: recovery finds it in the storage.
func (c *Coordinator) finish(p *pending, out []Effect) []Effect {
	c.pending = nil
	must.That(len(c.completed) == 0 || c.completed[len(c.completed)-1] < p.id, "C1: checkpoint %d completes after %v", p.id, c.completed)
	c.completed = append(c.completed, p.id)
	c.failures.completed()
	out = append(out, Complete{p.id})
	if c.running {
		c.finished = p.final
		out = append(out, Notify{p.id, p.final})
		out = c.pause(out)
	}
	for len(c.completed) > c.limits.Retained {
		out = append(out, Discard{c.completed[0]})
		c.completed = c.completed[1:]
	}
	return c.again(out)
}

// pause begins where a checkpoint has completed. One that is given up needs none.
func (c *Coordinator) pause(out []Effect) []Effect {
	if c.finished || c.limits.MinPause == 0 {
		return out
	}
	c.pausing = true
	return append(out, SetPause{c.limits.MinPause})
}

// abort gives the pending checkpoint up: tell everyone, remove its files, let the
// next one start, unless the job fails for it.
func (c *Coordinator) abort(why Why, detail string, out []Effect) []Effect {
	p := c.pending
	c.pending = nil
	out = append(out, Abort{p.id, why, detail})
	if p.phase != locating {
		out = append(out, TellAborted{p.id})
	}
	if p.phase == locating && why != NotLocated {
		// Removing the directory now could lose the race with making it.
		c.unlocated = append(c.unlocated, p.id)
	} else {
		out = append(out, Discard{p.id})
	}
	if !c.running {
		return out
	}
	if row := c.failures.add(why); row > 0 {
		c.due = false
		return append(out, Fail{Row: row, Last: Abort{p.id, why, detail}})
	}
	return c.again(out)
}

func (c *Coordinator) again(out []Effect) []Effect {
	if c.due {
		return c.trigger(out)
	}
	return out
}

func (c *Coordinator) id() uint64 {
	if c.pending == nil {
		return 0
	}
	return c.pending.id
}

func (c *Coordinator) check() {
	p := c.pending
	if p == nil {
		return
	}
	must.That(p.id < c.next, "C1: checkpoint %d pending, next is %d", p.id, c.next)
	left := 0
	for _, a := range p.acked {
		if !a {
			left++
		}
	}
	must.That(left == p.left, "C5: %d tasks have not acknowledged, %d counted", left, p.left)
	must.That((p.phase == sealing) == (left == 0), "C2: checkpoint %d is %s with %d acks missing", p.id, p.phase, left)
}

// Idle reports that no checkpoint is being sealed, so that the storage says for
// good which ones are complete.
func (c *Coordinator) Idle() bool { return c.pending == nil || c.pending.phase != sealing }

// Pending says what is under way, and what it waits for, in words; empty if
// nothing is. Names are the tasks' in order of their index.
func (c *Coordinator) Pending(names []string) string {
	p := c.pending
	if p == nil {
		return ""
	}
	s := "checkpoint " + itoa(p.id) + " " + p.phase.String()
	if p.phase != collecting {
		return s
	}
	s += ", waits for"
	for i, a := range p.acked {
		if !a {
			s += " " + names[i]
		}
	}
	return s
}
