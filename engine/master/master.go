// Package master runs a job: its JobManager becomes leader, finds the checkpoint
// to restore, deploys tasks to workers, watches them, drives the
// CheckpointCoordinator and restarts the job when something fails.
//
//	leading ─▶ recovering ─▶ waiting ─▶ deploying ─▶ running ─▶ finished
//	               ▲  ▲                     │           │
//	               │  └──── restarting ◀────┴───────────┘── failed
//	            (a new JobManager begins here again)
//
// Invariants:
//
//	M1  nothing is deployed before the epoch is durable
//	M2  attempts only grow; what another attempt says changes nothing
//	M3  recovery reads the storage only while no checkpoint is being sealed
//	M4  the job is finished only when every task of one attempt is
package master

import (
	"fmt"
	"slices"
	"time"

	"github.com/weirstream/weir/engine/checkpoint"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/must"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/engine/task"
)

// Name is the JobManager's name on its node.
const Name = "jm"

// Settings configure a JobManager; all fields but From are required.
type Settings struct {
	Job              string
	HADir            string // epoch files
	CheckpointDir    string // chk-N directories
	From             string // checkpoint directory to start from if the job has none
	Checkpoints      checkpoint.Limits
	HeartbeatTimeout time.Duration
	// Check is how often workers are looked at.
	Check        time.Duration
	RestartDelay time.Duration
	// RestartAttempts is how many restarts are allowed, -1 for any number.
	RestartAttempts int
	Chaining        bool
	// AtLeastOnce says that an older checkpoint may be restored where the latest is
	// damaged: what is committed twice is within the promise.
	AtLeastOnce bool
	// AlignedTimeout is when aligned barriers begin to overtake, counted from the trigger;
	// whole ms, 0 for never.
	AlignedTimeout time.Duration
}

type phase uint8

const (
	leading phase = iota
	recovering
	waiting
	deploying
	running
	restarting
	finished
	failed
)

var phaseNames = [...]string{"leading", "recovering", "waiting", "deploying", "running", "restarting", "finished", "failed"}

func (p phase) String() string { return phaseNames[p] }

// worker is a TaskExecutor that has reported.
type worker struct {
	name        string
	incarnation int64
	gone        []int64 // earlier incarnations
	slots       int
	seen        time.Duration
	lost        bool
}

// JobManager is the actor that runs a job.
type JobManager struct {
	env      host.Env
	settings *Settings
	graph    *graph.Graph
	plan     *graph.Plan

	phase    phase
	attempt  stream.Attempt
	restarts int
	workers  []*worker
	early    []task.Heartbeat // newest of each worker, before there was an epoch
	tasks    []taskInfo
	choice   *Choice
	splits   map[string][]connect.Split // of sources, when starting from nothing
	suspect  string                     // directory of a checkpoint that was found damaged after recovery had read it
	trouble  string                     // of the storage, which keeps the job from going on
	known    uint64                     // newest checkpoint seen complete
	final    uint64                     // final checkpoint, once complete
	ended    bool                       // all tasks have ended

	coordinator *checkpoint.Coordinator
	metadata    map[uint64]*snapshot.Metadata // being sealed
	garbage     []string                      // directories to remove
	removing    bool

	tokens host.Token
	timers map[host.Token]func(out *host.Outbox)
	// ticking, pausing, expiry and watching are the timers of the next checkpoint, of the
	// pause before it, of the one that began at began (monotone), and of the next look at
	// the workers.
	ticking, pausing, expiry, watching host.Token
	began                              time.Duration

	works map[host.Token]func(in *host.Input, out *host.Outbox)
	now   host.Now
}

// taskInfo is what the JobManager knows of one task of the plan.
type taskInfo struct {
	id     task.ID
	name   string
	node   string
	state  task.State
	source bool
}

// New makes the factory of a JobManager for a valid job, to be spawned under
// [Name]. Settings must not be changed afterwards.
func New(g *graph.Graph, s *Settings) host.Factory {
	return func(env host.Env) host.Actor {
		m := &JobManager{
			env: env, settings: s, graph: g, plan: g.Plan(s.Chaining),
			coordinator: checkpoint.New(s.Checkpoints),
			metadata:    map[uint64]*snapshot.Metadata{},
			timers:      map[host.Token]func(*host.Outbox){},
			works:       map[host.Token]func(*host.Input, *host.Outbox){},
		}
		for _, v := range m.plan.Vertices {
			for i := range v.Parallelism {
				m.tasks = append(m.tasks, taskInfo{
					id: task.ID{Vertex: v.Index, Subtask: i}, name: v.Task(i), source: v.Head().Kind == graph.Source,
				})
			}
		}
		return m
	}
}

// Step implements [host.Actor].
func (m *JobManager) Step(now host.Now, in *host.Input, out *host.Outbox) {
	m.now = now
	switch in.Kind {
	case host.Start:
		m.lead(out)
	case host.Timer:
		if f := m.timers[in.Token]; f != nil {
			delete(m.timers, in.Token)
			f(out)
		}
	case host.Done:
		if f := m.works[in.Token]; f != nil {
			delete(m.works, in.Token)
			f(in, out)
		}
	case host.Message:
		m.message(in, out)
	}
}

func (m *JobManager) report(e host.Event) {
	e.Epoch = m.attempt.Epoch
	if e.Number == 0 {
		e.Number = m.attempt.Number
	}
	if e.Subject == "" {
		e.Subject = Name
	}
	m.env.Listener().On(&e)
}

// later runs f after a while, unless the timer is cancelled.
func (m *JobManager) later(after time.Duration, out *host.Outbox, f func(out *host.Outbox)) host.Token {
	m.tokens++
	m.timers[m.tokens] = f
	out.SetTimer(m.tokens, after)
	return m.tokens
}

// cancel cancels a timer, if it still waits.
func (m *JobManager) cancel(k host.Token, out *host.Outbox) {
	if m.timers[k] != nil {
		delete(m.timers, k)
		out.CancelTimer(k)
	}
}

// offload runs work and then f with its result.
func (m *JobManager) offload(lane string, out *host.Outbox, work host.Work, f func(in *host.Input, out *host.Outbox)) {
	m.tokens++
	m.works[m.tokens] = f
	out.Offload(m.tokens, lane, work)
}

// lead acquires the next epoch (M1).
func (m *JobManager) lead(out *host.Outbox) {
	m.phase = leading
	dir, from := m.settings.HADir, m.settings.From
	m.offload("", out, func(w host.Worker) (any, error) {
		var above uint32
		if from != "" {
			md, err := snapshot.ReadMetadata(w.FS(), from)
			switch {
			case err == nil:
				above = md.Attempt.Epoch
			case !isDamage(err):
				return nil, err
			}
			// A damaged one ends the job in recover, if it is needed at all: it may
			// be long gone, and the job have checkpoints of its own.
		}
		return acquireEpoch(w.FS(), dir, above)
	}, func(in *host.Input, out *host.Outbox) {
		if in.Err != nil {
			m.unready(fmt.Errorf("become leader: %w", in.Err), out, m.lead)
			return
		}
		m.attempt, m.trouble = stream.Attempt{Epoch: in.Body.(uint32)}, ""
		m.report(host.Event{Kind: host.EpochStarted})
		m.watch(out)
		m.recover(out)
		for _, h := range m.early { // nobody waits for the next ones
			m.heartbeat(h, out)
		}
		m.early = nil
	})
}

// recover reads the storage (M3).
func (m *JobManager) recover(out *host.Outbox) {
	m.phase = recovering
	dir, ha, from, known, committing := m.settings.CheckpointDir, m.settings.HADir, m.settings.From, m.known, m.graph.Committing() && !m.settings.AtLeastOnce
	m.offload("", out, func(w host.Worker) (any, error) {
		return choose(w.FS(), ha, dir, from, known, committing)
	}, func(in *host.Input, out *host.Outbox) {
		switch {
		case in.Err != nil && isDamage(in.Err):
			m.report(host.Event{Kind: host.CorruptFile, Cause: host.CauseCorrupt, Text: in.Err.Error()})
			m.fail(host.CauseCorrupt, in.Err.Error(), out)
		case in.Err != nil:
			m.unready(fmt.Errorf("look for the checkpoint to restore: %w", in.Err), out, m.recover)
		default:
			m.recovered(in.Body.(*Choice), out)
		}
	})
}

func (m *JobManager) recovered(c *Choice, out *host.Outbox) {
	m.choice, m.trouble = c, ""
	for _, text := range c.Corrupt {
		m.report(host.Event{Kind: host.CorruptFile, Cause: host.CauseCorrupt, Text: text})
	}
	for _, id := range c.Incomplete {
		m.discard(id, out) // nothing is pending (M3): they never completed
	}
	if c.Metadata == nil {
		m.enumerate(out)
		return
	}
	if err := m.compatible(c.Metadata); err != nil {
		m.fail(host.CauseUser, fmt.Sprintf("%s does not fit this job: %v", c.Dir, err), out)
		return
	}
	m.known = c.Metadata.Checkpoint
	m.wait(out)
}

// compatible checks that a checkpoint is of this job, at this parallelism.
func (m *JobManager) compatible(md *snapshot.Metadata) error {
	if len(md.Vertices) != len(m.plan.Vertices) {
		return fmt.Errorf("it has %d tasks' chains, the job has %d", len(md.Vertices), len(m.plan.Vertices))
	}
	for i, v := range m.plan.Vertices {
		s := md.Vertices[i]
		var uids []string
		for _, n := range v.Chain {
			uids = append(uids, n.UID)
		}
		switch {
		case !slices.Equal(uids, s.UIDs):
			return fmt.Errorf("it has operators %v where the job has %v", s.UIDs, uids)
		case s.Parallelism != v.Parallelism:
			return fmt.Errorf("%v has parallelism %d in it and %d in the job; restoring at another parallelism is not supported", uids, s.Parallelism, v.Parallelism)
		case s.Codec != codecName(v):
			return fmt.Errorf("%v sends records as %q in it and as %q in the job; restoring with another codec is not supported", uids, s.Codec, codecName(v))
		case s.MaxParallelism != v.Head().MaxParallelism:
			return fmt.Errorf("%v has max parallelism %d in it and %d in the job", uids, s.MaxParallelism, v.Head().MaxParallelism)
		}
	}
	return nil
}

// enumerate lists the splits of all sources, for a start from nothing.
func (m *JobManager) enumerate(out *host.Outbox) {
	if m.splits != nil {
		m.wait(out)
		return
	}
	nodes := m.graph.Nodes
	m.offload("", out, func(w host.Worker) (any, error) {
		all := map[string][]connect.Split{}
		for _, n := range nodes {
			if n.Kind != graph.Source {
				continue
			}
			s, err := n.Runtime.(operator.Runtime).Splits(w, n.Parallelism)
			if err != nil {
				return nil, fmt.Errorf("source %q: %w", n.UID, err)
			}
			all[n.UID] = s
		}
		return all, nil
	}, func(in *host.Input, out *host.Outbox) {
		if in.Err != nil {
			m.failure(causeOf(in.Err), in.Err.Error(), out)
			return
		}
		m.splits = in.Body.(map[string][]connect.Split)
		m.wait(out)
	})
}

// wait waits for workers with enough slots.
func (m *JobManager) wait(out *host.Outbox) {
	m.phase = waiting
	m.deployIfPossible(out)
}

// fail gives the job up.
func (m *JobManager) fail(cause host.Cause, text string, out *host.Outbox) {
	m.stopCheckpoints(out)
	m.cancel(m.watching, out)
	m.phase = failed
	m.cancelTasks(out)
	m.report(host.Event{Kind: host.JobFailed, Cause: cause, Text: text})
}

func (m *JobManager) cancelTasks(out *host.Outbox) {
	for _, w := range m.workers {
		if !w.lost {
			out.Send(task.ExecutorAddress(w.name), task.Cancel{Attempt: m.attempt})
		}
	}
}

// failure is called when the attempt can't go on: the job restarts, unless its
// cause would only come back or the restart strategy says no. Damage that a task
// comes upon while it restores lets the job restart once for each checkpoint.
func (m *JobManager) failure(cause host.Cause, text string, out *host.Outbox) {
	if m.phase == restarting || m.phase == finished || m.phase == failed {
		return
	}
	again := cause == host.CauseCorrupt && m.phase == deploying && m.choice.Metadata != nil && m.choice.Dir != m.suspect
	switch {
	case again:
		// Recovery read the checkpoint and found it whole. Let it look again: it names
		// the way out, or takes an older one if it may.
		m.suspect = m.choice.Dir
	case cause == host.CauseInput || cause == host.CauseCorrupt:
		m.fail(cause, text, out)
		return
	case m.settings.RestartAttempts >= 0 && m.restarts >= m.settings.RestartAttempts:
		m.fail(cause, fmt.Sprintf("%s (after %d restarts, as configured)", text, m.restarts), out)
		return
	}
	m.restarts++
	m.phase = restarting
	m.report(host.Event{Kind: host.Restarting, Cause: cause, Text: text})
	m.stopCheckpoints(out)
	m.cancelTasks(out)
	m.later(m.settings.RestartDelay, out, m.restart)
}

func (m *JobManager) restart(out *host.Outbox) {
	if m.phase != restarting {
		return
	}
	if !m.coordinator.Idle() { // M3
		m.later(m.settings.RestartDelay, out, m.restart)
		return
	}
	m.recover(out)
}

// Pending says what the job waits for, in words.
func (m *JobManager) Pending() string {
	names := make([]string, len(m.tasks))
	for i, t := range m.tasks {
		names[i] = t.name + " on " + t.node
	}
	s := "job is " + m.phase.String()
	if m.trouble != "" && m.phase != finished && m.phase != failed {
		s += ", the storage failed: " + m.trouble
	}
	if m.phase == waiting {
		s += " for " + m.missingSlots()
	}
	if p := m.coordinator.Pending(names); p != "" {
		s += ", " + p
	}
	for _, t := range m.tasks {
		if m.phase == deploying && t.state == task.Initializing || m.phase == running && t.state == task.Running {
			s += ", " + t.name + " on " + t.node + " is " + t.state.String()
		}
		if m.phase == running && m.final != 0 && t.state == task.Ended {
			s += fmt.Sprintf(", %s on %s has not finished after the final checkpoint %d", t.name, t.node, m.final)
		}
	}
	return s
}

// missingSlots says what a deployment waits for.
func (m *JobManager) missingSlots() string {
	s := fmt.Sprintf("%d slots", m.plan.MaxParallelism())
	for _, w := range m.workers {
		if w.lost {
			s += fmt.Sprintf(", %s is lost", w.name)
		} else {
			s += fmt.Sprintf(", %s has %d", w.name, w.slots)
		}
	}
	return s
}

// index is where a task is in the plan. A message of the current attempt names no
// other.
func (m *JobManager) index(id task.ID) int {
	i := id.Subtask // tasks are in the order of their vertices
	for _, v := range m.plan.Vertices[:min(id.Vertex, len(m.plan.Vertices))] {
		i += v.Parallelism
	}
	must.That(i < len(m.tasks) && m.tasks[i].id == id, "task %v is not in the plan", id)
	return i
}
