package cluster

import (
	"iter"
	"runtime/debug"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim"
)

// job is one piece of offloaded work: a coroutine that yields at each
// file-system call.
type job struct {
	w     *World
	id    uint32
	a     *actor
	node  *Node
	fs    *nodeFS
	token host.Token
	lane  *lane // nil if it shares none
	work  host.Work

	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	op    Op // the call it is about to make
	name  string
	dead  bool
	calls int // made after its death

	body any
	err  error
}

// lane runs an actor's work one after the other (H8).
type lane struct {
	name    string
	running *job
	waiting []*job
}

// abandoned unwinds dead work that does not end by itself.
type abandoned struct{}

// lastCalls is how many calls dead work may make before it is unwound.
const lastCalls = 1000

func (w *World) offload(a *actor, e *host.Effect, cause uint64) {
	j := &job{w: w, a: a, node: a.node, fs: a.node.fs, token: e.Token, work: e.Work}
	if e.Lane != "" {
		j.lane = a.lane(e.Lane)
		if j.lane.running != nil {
			j.lane.waiting = append(j.lane.waiting, j)
			return
		}
		j.lane.running = j
	}
	w.begin(j, cause)
}

func (a *actor) lane(name string) *lane {
	for _, l := range a.lanes {
		if l.name == name {
			return l
		}
	}
	l := &lane{name: name}
	a.lanes = append(a.lanes, l)
	return l
}

// begin starts work that need not wait for its lane any longer.
func (w *World) begin(j *job, cause uint64) {
	if k := len(w.freeJobs); k > 0 {
		j.id = w.freeJobs[k-1]
		w.freeJobs = w.freeJobs[:k-1]
		w.jobs[j.id] = j
	} else {
		j.id = uint32(len(w.jobs))
		w.jobs = append(w.jobs, j)
	}
	j.node.jobs = append(j.node.jobs, j)
	j.next, j.stop = iter.Pull(j.run)
	w.later(j, cause)
}

// later lets work go on after a drawn time.
func (w *World) later(j *job, cause uint64) {
	d := j.node.cost.span(w.Span(j.node.io, w.o.IO.Min, w.o.IO.Max))
	if j.yield != nil && len(j.node.slow) > 0 { // a call is next
		d = j.node.callTime(j.op, d)
	}
	w.ScheduleIn(d.Plus(w.lag), 0, sim.Event{Kind: w.kinds.work, Target: j.id, A: uint64(j.token), Ref: j, Cause: cause})
}

// run is the coroutine.
func (j *job) run(yield func(struct{}) bool) {
	j.yield = yield
	defer func() {
		switch v := recover().(type) {
		case nil, abandoned:
		case breach:
			panic(v) // comes out of next
		default:
			j.body, j.err = nil, &host.PanicError{Value: v, Stack: string(debug.Stack())}
		}
	}()
	j.body, j.err = j.work(j)
}

// FS implements [host.Worker].
func (j *job) FS() fs.FS {
	if j.fs == nil {
		forbid("work on %s asks for a file system, and there is none", j.node.name)
	}
	return j.fs
}

// Yield implements [host.Worker]: no virtual time passes.
func (j *job) Yield() {}

func (w *World) onWork(e *sim.Event) {
	j := e.Ref.(*job)
	if j.dead {
		return
	}
	if wait := j.node.paused - w.Now(); wait > 0 {
		w.Schedule(wait, sim.Event{Kind: e.Kind, Target: e.Target, A: e.A, Ref: j, Cause: e.Cause})
		return
	}
	if j.yield != nil && w.o.BeforeCall != nil {
		if w.o.BeforeCall(j.node.name, j.op, j.name); j.dead {
			return
		}
	}
	w.running = j
	_, more := j.next()
	w.running = nil
	switch {
	case j.dead: // a call of its own brought its node down
		w.unwind(j)
	case more:
		w.later(j, 0)
	default:
		w.finish(j)
	}
}

// finish takes the result of work that has ended, and starts what waits for it.
func (w *World) finish(j *job) {
	w.drop(j)
	if j.a.dead {
		return
	}
	if l := j.lane; l != nil {
		l.running = nil
		if len(l.waiting) > 0 {
			l.running = l.waiting[0]
			l.waiting[0] = nil
			l.waiting = l.waiting[1:]
			w.begin(l.running, 0)
		}
	}
	d := digest(j.body) ^ digestError(j.err)
	w.deliver(j.a, &item{kind: host.Done, arg: uint64(j.token), digest: d, cause: w.EventNumber(), body: j.body, err: j.err})
}

// orphan decides about the work of an actor that was stopped: some ends at its
// next call, some goes on to its end as a zombie; what waits never starts (H9).
func (w *World) orphan(a *actor) {
	var mine []*job
	for _, j := range a.node.jobs {
		if j.a == a {
			mine = append(mine, j)
		}
	}
	for _, j := range mine {
		if !w.Point("zombie", a.place.address.String()).Chance(1, 2) {
			w.abandon(j)
		}
	}
}

// abandon ends work now: each further call fails and changes nothing (N5).
func (w *World) abandon(j *job) {
	j.dead = true
	w.drop(j)
	if w.running != j {
		w.unwind(j)
	}
}

// unwind runs dead work to its end.
func (w *World) unwind(j *job) {
	before := w.running
	w.running = j
	j.stop()
	w.running = before
}

func (w *World) drop(j *job) {
	if w.jobs[j.id] != j {
		return
	}
	w.jobs[j.id] = nil
	w.freeJobs = append(w.freeJobs, j.id)
	for i, x := range j.node.jobs {
		if x == j {
			j.node.jobs = append(j.node.jobs[:i], j.node.jobs[i+1:]...)
			return
		}
	}
}

// pause yields before a call, and reports whether the call may be made.
func (j *job) pause(op Op, name string) bool {
	if !j.dead {
		j.op, j.name = op, name
		j.yield(struct{}{})
	}
	if j.dead {
		if j.calls++; j.calls > lastCalls {
			panic(abandoned{})
		}
	}
	return !j.dead
}
