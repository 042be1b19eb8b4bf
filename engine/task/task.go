// Package task runs one subtask of a job: its chain of operators between input
// gate and result partitions, its part of every checkpoint, its restore and its
// end. A [Task] is an actor; a [TaskExecutor] is the actor that starts and stops
// the tasks of a worker.
//
//	initializing ──restored, opened──▶ running ──end of data──▶ ended ──final checkpoint──▶ finished
//	      └──────────────┴──────────────────┴── failed
//
// Invariants (T1 to T4 are asserted here or in engine/barrier and engine/channel):
//
//	T1  between sending a barrier and the synchronous snapshot no record, timer or
//	    watermark is handled
//	T2  a checkpoint is acknowledged only when the task's file is durable and, in
//	    a sink, its records are pre-committed
//	T3  a sink commits only what a checkpoint owns that is known to be complete
//	T4  a task ends only after it was told that a checkpoint taken after the end of
//	    its input is complete
package task

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine/barrier"
	"github.com/weirstream/weir/engine/channel"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/must"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/stream"
)

// executorName is the TaskExecutor's name on its node.
const executorName = "tm"

// ExecutorAddress is the address of a node's TaskExecutor.
func ExecutorAddress(node string) host.Address { return host.Address{Node: node, Name: executorName} }

// Task is the actor of one subtask attempt.
type Task struct {
	host     host.Env
	settings *Settings
	spec     Spec
	attempt  stream.Attempt
	nodes    [][]string
	vertex   *graph.Vertex
	name     string
	uids     []string // of the chain

	env       operator.Env
	operators []operator.Operator // head to tail
	source    operator.Source     // nil unless a source task
	sink      operator.Sink       // nil unless a sink task
	timed     []operator.Timed    // by operator, nil where it has no timers
	marks     []operator.Watermarker

	gate     *channel.InputGate // nil for sources
	barriers barrier.Handler
	feeds    []operator.Feed // by input channel
	outputs  []output
	effects  []barrier.Effect // scratch

	align, leave timeout          // of the gate, and of a barrier in output queues
	converting   []barrier.Effect // barriers that are to overtake

	state  State
	ready  readiness
	tokens host.Token
	timers timers

	watermark int64 // passed on downstream
	advancing bool  // timers up to target are firing
	target    int64
	stage     int // operator whose timers fire
	firing    bool

	fetching host.Token // 0 if no fetch is under way
	eager    bool       // the source had more to emit when it last stopped
	writing  sinkWork
	snaps    snapshots
	finals   bool // told that the final checkpoint is complete
	closing  bool // sent end of partition
}

// readiness counts what a task still waits for while it is initializing.
type readiness struct {
	restoring, recovering host.Token
}

// output is one edge out of the task.
type output struct {
	edge *graph.PlanEdge
	part *channel.ResultPartition
	open func() bool
	base host.Wire // wire of its first subpartition
}

type timers struct {
	flush, poll, watermark, processing host.Token
	processingAt                       int64
}

// newTask makes a task; the vertex belongs to it alone.
func newTask(env host.Env, s *Settings, attempt stream.Attempt, spec Spec, nodes [][]string, v *graph.Vertex) *Task {
	t := &Task{
		host: env, settings: s, spec: spec, attempt: attempt, nodes: nodes, vertex: v,
		name: v.Task(spec.ID.Subtask), watermark: stream.NoTime,
	}
	for _, n := range v.Chain {
		t.uids = append(t.uids, n.UID)
	}
	t.env = operator.Env{Subtask: spec.ID.Subtask, Parallelism: v.Parallelism, Attempt: attempt}
	t.snaps.last = spec.Checkpoint
	return t
}

// Step implements [host.Actor].
func (t *Task) Step(now host.Now, in *host.Input, out *host.Outbox) {
	if t.state == Failed || t.state == Finished {
		return
	}
	defer t.caught(out)
	t.env.Now = now
	switch in.Kind {
	case host.Start:
		t.start(out)
	case host.Message:
		t.message(in, out)
	case host.Timer:
		t.timer(in.Token, out)
	case host.Done:
		t.done(in, out)
	case host.WireUp, host.FrameIn, host.Credit, host.WireDown:
		t.wire(in, out)
	case host.GoOn:
		t.work(out)
	}
	t.after(out)
}

// caught turns a panic of the user's code into a failure of the task. A panic of
// the engine itself is thrown on.
func (t *Task) caught(out *host.Outbox) {
	v := recover()
	if v == nil {
		return
	}
	if _, ok := v.(must.Violation); ok {
		panic(&must.Bug{Value: v, Stack: string(debug.Stack())})
	}
	user, stack := panicked()
	if !user {
		panic(&must.Bug{Value: v, Stack: string(debug.Stack())})
	}
	t.fail(host.CauseUser, fmt.Errorf("panic: %v%s", v, stack), out)
}

// panicked says whether the panic being recovered is the user's, and where it
// happened. The first function above the panic that belongs to a module decides:
// the standard library acts for whoever called it. The stack names no addresses,
// goroutines or directories, so that a simulated run's hash may cover it.
func panicked() (user bool, stack string) {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	seen, decided := false, false
	for {
		f, more := frames.Next()
		if seen {
			stack += fmt.Sprintf("\n  %s (%s:%d)", f.Function, path.Base(f.File), f.Line)
			if !decided && inModule(f.Function) {
				user, decided = !ofEngine(f.Function), true
			}
		}
		seen = seen || f.Function == "runtime.gopanic" || f.Function == "runtime.sigpanic"
		if !more || strings.HasSuffix(f.Function, "(*Task).Step") {
			return user, stack
		}
	}
}

// ofEngine reports whether a function is the engine's.
func ofEngine(function string) bool {
	rest, ok := strings.CutPrefix(function, "github.com/weirstream/weir/engine")
	return ok && (strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "."))
}

// inModule reports whether a function is of a module's package, not of the
// standard library. Paths of modules need have no dot in them.
func inModule(function string) bool {
	first, _, _ := strings.Cut(function, "/")
	if first == function { // a package of one element, with the function behind it
		first, _, _ = strings.Cut(first, ".")
	}
	return !slices.Contains(standard, first)
}

// standard is the first path elements of the standard library's packages.
var standard = strings.Fields(`archive bufio bytes cmp compress container context crypto database debug embed
	encoding errors expvar flag fmt go hash html image index internal io iter log maps math mime net os path
	plugin reflect regexp runtime simd slices sort strconv strings structs sync syscall testing text time unicode
	unique unsafe vendor weak`)

// fail ends the task; its TaskExecutor tells the JobManager.
func (t *Task) fail(cause host.Cause, err error, out *host.Outbox) {
	if t.state == Failed {
		return
	}
	t.setState(Failed, cause, err.Error(), out)
	t.snaps.dropAll()
}

func (t *Task) setState(s State, cause host.Cause, text string, out *host.Outbox) {
	t.state = s
	kinds := [...]host.EventKind{Running: host.TaskRunning, Ended: host.TaskEnded, Finished: host.TaskFinished, Failed: host.TaskFailed}
	e := host.Event{Kind: kinds[s], Cause: cause, Text: text}
	switch s {
	case Running:
		e.Checkpoint, e.Data = t.spec.Checkpoint, t.view()
	case Ended, Finished:
		e.Data = t.account()
	}
	t.report(e)
	out.Send(ExecutorAddress(t.host.Self().Node), Status{t.attempt, t.spec.ID, s, cause, text})
}

func (t *Task) report(e host.Event) {
	e.Subject, e.Epoch, e.Number = t.name, t.attempt.Epoch, t.attempt.Number
	t.host.Listener().On(&e)
}

func (t *Task) token() host.Token {
	t.tokens++
	return t.tokens
}

// full reports that no record may be handled now.
func (t *Task) full() bool {
	for i := range t.outputs {
		if t.outputs[i].part.Full() {
			return true
		}
	}
	return t.sink != nil && t.sink.Full()
}

// causeOf is the class of a failed offload.
func causeOf(err error) host.Cause {
	var p *host.PanicError
	switch {
	case errors.Is(err, connect.ErrInput):
		return host.CauseInput
	case isCorrupt(err):
		return host.CauseCorrupt
	case errors.As(err, &p):
		return host.CauseUser
	}
	return host.CauseIO
}
