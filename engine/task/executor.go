package task

import (
	"fmt"
	"math/rand/v2"

	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
)

// Build describes the job, validated. It is called afresh for every task attempt, so that
// nothing the description captures is shared between tasks or outlives one.
type Build func() (*graph.Graph, error)

// Executor is the actor of a worker (Flink's TaskExecutor): it starts the tasks
// the JobManager deploys, stops them when they are superseded, and reports.
type Executor struct {
	env      host.Env
	build    Build
	settings *Settings

	incarnation int64
	random      *rand.Rand // of incarnations
	leader      uint32     // the newest epoch heard of, 0 for none
	attempt     stream.Attempt
	tasks       []Status
	tokens      host.Token
	beat        host.Token
}

// NewExecutor makes the factory of a worker's TaskExecutor, to be spawned under
// [ExecutorAddress]. Settings must not be changed afterwards.
func NewExecutor(build Build, s *Settings) host.Factory {
	return func(env host.Env) host.Actor { return &Executor{env: env, build: build, settings: s} }
}

// Step implements [host.Actor].
func (x *Executor) Step(now host.Now, in *host.Input, out *host.Outbox) {
	switch in.Kind {
	case host.Start:
		x.random = x.env.Rand("incarnation")
		x.register(now, out)
		x.schedule(out)
	case host.Timer:
		if in.Token == x.beat {
			x.heartbeat(out)
			x.schedule(out)
		}
	case host.Message:
		if d, ok := in.Body.(Disconnect); ok && d.Incarnation == x.incarnation {
			x.stop(out)
			x.register(now, out)
			return
		}
		x.message(in, out)
	}
}

// register makes this process a new one to the JobManager. The clock alone may go back
// between two.
func (x *Executor) register(now host.Now, out *host.Outbox) {
	x.incarnation = int64(x.random.Uint64()>>1) ^ now.Wall
	x.heartbeat(out)
}

func (x *Executor) schedule(out *host.Outbox) {
	x.tokens++
	x.beat = x.tokens
	out.SetTimer(x.beat, x.settings.HeartbeatInterval)
}

func (x *Executor) heartbeat(out *host.Outbox) {
	out.Send(x.settings.JobManager, Heartbeat{
		Worker: x.env.Self().Node, Incarnation: x.incarnation, Slots: x.settings.Slots,
		Tasks: append([]Status(nil), x.tasks...),
	})
}

func (x *Executor) message(in *host.Input, out *host.Outbox) {
	x.heard(in.Body)
	switch m := in.Body.(type) {
	case Welcome:
		x.fence(stream.Attempt{Epoch: m.Epoch}, out)
	case Cancel:
		x.fence(m.Attempt, out)
	case Deploy:
		x.deploy(m, out)
	case Trigger:
		x.forward(m.Attempt, m, out)
	case NotifyComplete:
		x.forward(m.Attempt, m, out)
	case NotifyAborted:
		x.forward(m.Attempt, m, out)
	case Status:
		x.status(m, out)
	}
}

// heard reports the word of a leader that this worker has not known.
func (x *Executor) heard(word any) {
	var epoch uint32
	switch m := word.(type) {
	case Welcome:
		epoch = m.Epoch
	case Cancel:
		epoch = m.Attempt.Epoch
	case Deploy:
		epoch = m.Attempt.Epoch
	}
	if epoch > x.leader {
		x.leader = epoch
		x.env.Listener().On(&host.Event{Kind: host.LeaderHeard, Subject: x.env.Self().Node, Epoch: epoch})
	}
}

// fence stops what an attempt supersedes; nothing of it or of older ones is deployed
// any more.
func (x *Executor) fence(a stream.Attempt, out *host.Outbox) {
	if x.attempt == a || x.attempt.Before(a) {
		x.stop(out)
		x.attempt = a
	}
}

// stop ends all tasks.
func (x *Executor) stop(out *host.Outbox) {
	for _, s := range x.tasks {
		out.Stop(taskActor(s.Attempt, s.ID))
	}
	x.tasks = nil
}

func (x *Executor) deploy(m Deploy, out *host.Outbox) {
	if !x.attempt.Before(m.Attempt) {
		return // repeated, or of an older leader
	}
	x.stop(out)
	x.attempt = m.Attempt
	for _, spec := range m.Tasks {
		x.tasks = append(x.tasks, Status{Attempt: m.Attempt, ID: spec.ID})
		out.Spawn(taskActor(m.Attempt, spec.ID), x.factory(m, spec))
	}
	x.heartbeat(out)
}

// factory makes a task's actor with a description of the job of its own, of which it
// keeps its part.
func (x *Executor) factory(m Deploy, spec Spec) host.Factory {
	build, settings := x.build, x.settings
	return func(env host.Env) host.Actor {
		g, err := build()
		if err != nil {
			return &stillborn{env: env, status: Status{m.Attempt, spec.ID, Failed, host.CauseUser, err.Error()}}
		}
		return newTask(env, settings, m.Attempt, spec, m.Nodes, g.Plan(settings.Chaining).Part(spec.ID.Vertex))
	}
}

// stillborn stands for a task whose job description failed on this worker.
type stillborn struct {
	env    host.Env
	status Status
}

// Step implements [host.Actor].
func (s *stillborn) Step(_ host.Now, in *host.Input, out *host.Outbox) {
	if in.Kind == host.Start {
		s.status.Text = fmt.Sprintf("job description: %s", s.status.Text)
		out.Send(ExecutorAddress(s.env.Self().Node), s.status)
	}
}

// forward passes a message of the current attempt on to its tasks.
func (x *Executor) forward(a stream.Attempt, body any, out *host.Outbox) {
	if a != x.attempt {
		x.env.Listener().On(&host.Event{Kind: host.MessageDropped, Subject: x.env.Self().Node,
			Epoch: a.Epoch, Number: a.Number, Text: fmt.Sprintf("%v: stale attempt", body)})
		return
	}
	for _, s := range x.tasks {
		out.Send(host.Address{Node: x.env.Self().Node, Name: taskActor(a, s.ID)}, body)
	}
}

func (x *Executor) status(m Status, out *host.Outbox) {
	for i := range x.tasks {
		if x.tasks[i].ID == m.ID && x.tasks[i].Attempt == m.Attempt {
			x.tasks[i] = m
			x.heartbeat(out)
			return
		}
	}
}
