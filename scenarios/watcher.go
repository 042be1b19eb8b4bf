package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/model"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

// sighted is what a run has come through.
type sighted struct {
	points [pointCount]bool
	// during says that a process crashed while a checkpoint was under way, from its
	// trigger to its completion.
	during bool
	// parallel says that an operator had more than one subtask.
	parallel bool
	// lastFault is the kind of the newest fault and the phase in which it came.
	lastFault string
}

// watcher notes by the engine's events and the injected crashes which points a run
// has come through. It objects to nothing.
type watcher struct {
	sighted
	judges  *judges
	plan    *graph.Plan
	tasks   []watchedTask
	byName  map[string]int
	crashes int // of the cluster's injections, dealt with
	at      jobState
	pending pendingCheckpoint
	latest  latestCheckpoint
	final   uint64          // newest checkpoint that is known to be final
	partly  map[uint64]bool // checkpoints of which some tasks had ended
	// switched is the newest checkpoint whose alignment was switched in some task, and
	// lasting the newest such that completed.
	switched, lasting uint64
}

// watchedTask is what is known of one task of the current attempt.
type watchedTask struct {
	running, ended bool
	snapshot       uint64   // newest checkpoint whose synchronous point has passed
	before         []uint64 // by channel: newest checkpoint whose barrier came before that
	waits          []uint64 // by channel: newest checkpoint whose barrier was announced
	blocked        uint64   // newest checkpoint for which a channel waits, and which
	blockedOn      int32
}

// jobState is where the job stands.
type jobState struct {
	attempts       int
	restores       uint64 // checkpoint that the attempt restores
	deployed       bool   // between its deployment and the next failure
	running, ended int    // tasks
	since          int    // crashes since a checkpoint completed
}

// pendingCheckpoint is the one under way, id 0 for none.
type pendingCheckpoint struct {
	id        uint64
	sealing   bool
	unsettled uint64 // of which only the storage knows whether it is complete
	pre       int    // commit tokens made ready since the last completion
}

// latestCheckpoint is the newest completed one.
type latestCheckpoint struct {
	id             uint64
	due, committed int    // commit tokens
	restored       uint64 // the last that was restored
}

// watch makes the run's watcher an oracle.
func (j *judges) watch() sim.Oracle[host.Event] {
	j.watcher.judges = j
	return &j.watcher
}

// ID implements sim.Oracle.
func (w *watcher) ID() string { return "coverage" }

// OnEnd implements sim.Oracle.
func (w *watcher) OnEnd(*sim.World) *sim.Violation { return nil }

// finish gives what was seen, and keeps nothing of the run.
func (w *watcher) finish() *sighted {
	w.catchUp()
	s := w.sighted
	return &s
}

// OnEvent implements sim.Oracle.
func (w *watcher) OnEvent(_ *sim.World, e *host.Event) *sim.Violation {
	w.prepare()
	w.catchUp()
	switch e.Kind {
	case host.BarrierAnnounced, host.AlignmentTimedOut, host.OutputTimedOut:
		if i, ok := w.byName[e.Subject]; ok {
			w.onTimeout(&w.tasks[i], e)
		}
	case host.BarrierIn, host.ChannelBlocked, host.SnapshotTaken, host.TaskRunning, host.TaskEnded, host.Restored:
		if i, ok := w.byName[e.Subject]; ok {
			w.onTask(&w.tasks[i], e)
		}
	case host.CheckpointTriggered, host.CheckpointSealing, host.CheckpointCompleted, host.CheckpointAborted, host.CheckpointDeclined:
		w.onCheckpoint(e)
	case host.SinkPreCommitted, host.SinkCommitted, host.SinkAborted:
		w.onSink(e)
	default:
		w.onJob(e)
	}
	return nil
}

// prepare learns the job's shape.
func (w *watcher) prepare() {
	if w.plan != nil {
		return
	}
	w.plan = w.judges.cluster.Graph.Plan(w.judges.run.config.Chaining)
	w.byName, w.partly = map[string]int{}, map[uint64]bool{}
	for _, v := range w.plan.Vertices {
		w.parallel = w.parallel || v.Parallelism > 1
		channels := 0
		for _, e := range v.In {
			channels += e.Channels(false)
		}
		for i := range v.Parallelism {
			w.byName[v.Task(i)] = len(w.tasks)
			w.tasks = append(w.tasks, watchedTask{before: make([]uint64, channels), waits: make([]uint64, channels)})
		}
	}
}

// saw notes a point, if what makes it is so.
func (w *watcher) saw(p point, so bool) { w.points[p] = w.points[p] || so }

// catchUp deals with crashes since the last event, of which there was none between.
func (w *watcher) catchUp() {
	if w.judges == nil || w.judges.cluster == nil || w.plan == nil {
		return
	}
	for _, c := range w.judges.cluster.Injected[w.crashes:] {
		w.crashes++
		w.lastFault = w.moment(c)
		if c.Damage == nil {
			w.onCrash(c)
		}
	}
}

func (w *watcher) onCrash(c cluster.Injection) {
	master := c.Node == engine.JobManagerAddress().Node
	at, p, l := &w.at, &w.pending, &w.latest
	running := at.deployed && at.running == len(w.tasks)
	w.saw(masterCrash, master)
	w.saw(workerCrash, !master)
	w.saw(machineLoss, c.Lost)
	w.saw(twoDown, c.Down > 1)
	w.saw(crashLocating, running && p.id == 0 && at.ended < len(w.tasks))
	w.saw(crashCollecting, p.id > 0 && !p.sealing)
	w.saw(crashSealing, p.id > 0 && p.sealing)
	w.saw(crashUncommitted, l.due > 0 && l.committed == 0)
	w.saw(crashCommitting, l.committed > 0 && l.committed < l.due)
	w.saw(crashDeploying, at.deployed && !running && at.restores == 0)
	w.saw(crashRestoring, at.deployed && !running && at.restores > 0)
	w.saw(crashWaiting, !at.deployed && at.attempts > 0)
	w.saw(crashEnded, at.deployed && at.ended == len(w.tasks))
	w.saw(crashBeforeFirst, l.id == 0)
	w.saw(crashTwice, at.since > 0)
	w.during = w.during || p.id > 0
	at.since++
	if master {
		p.id, at.deployed = 0, false
	}
}

func (w *watcher) onTask(t *watchedTask, e *host.Event) {
	switch e.Kind {
	case host.BarrierIn:
		if t.snapshot < e.Checkpoint && int(e.Channel) < len(t.before) {
			t.before[e.Channel] = e.Checkpoint
		}
		w.saw(overtookLater, e.Text == host.Overtook && t.waits[e.Channel] == e.Checkpoint && e.M > e.N)
		w.saw(blocked, t.blocked == e.Checkpoint && t.blockedOn != e.Channel)
	case host.ChannelBlocked:
		t.blocked, t.blockedOn = e.Checkpoint, e.Channel
	case host.SnapshotTaken:
		t.snapshot = e.Checkpoint
		w.saw(alignedInTime, e.M == 0 && len(t.waits) > 1 && slices.Max(t.waits) == e.Checkpoint)
	case host.Restored:
		w.saw(restoredInFlight, e.N > 0)
	case host.TaskRunning:
		if !t.running {
			t.running = true
			w.at.running++
			w.placed(e)
		}
	case host.TaskEnded:
		if !t.ended {
			t.ended = true
			w.at.ended++
		}
	}
}

// onTimeout follows alignments that may be switched.
func (w *watcher) onTimeout(t *watchedTask, e *host.Event) {
	switch e.Kind {
	case host.BarrierAnnounced:
		t.waits[e.Channel] = e.Checkpoint
		if t.snapshot < e.Checkpoint {
			t.before[e.Channel] = e.Checkpoint
		}
	case host.AlignmentTimedOut:
		w.switched = e.Checkpoint
		w.saw(switchedHalfway, e.Text == host.ByTimer && t.blocked == e.Checkpoint)
		w.saw(switchedAnnounced, e.Text == host.ByTimer && t.blocked != e.Checkpoint)
		w.saw(switchedByOther, e.Text == host.ByBarrier)
	case host.OutputTimedOut:
		for _, p := range e.Data.(*snapshot.Positions).Out {
			w.saw(overtookOutputLater, p.InFlight > 0)
		}
	}
}

// placed looks where tasks are once they all run.
func (w *watcher) placed(e *host.Event) {
	if w.at.running < len(w.tasks) {
		return
	}
	nodes := w.judges.cluster.World.Nodes()
	node := func(v *graph.Vertex, subtask int) *cluster.Node {
		name := fmt.Sprintf("task-%d-%d@%d.%d", v.Index, subtask, e.Epoch, e.Number)
		for _, n := range nodes {
			if n.Has(name) {
				return n
			}
		}
		return nil
	}
	for _, edge := range w.plan.Edges {
		local, remote := 0, 0
		for from := range edge.From.Parallelism {
			for sub := range edge.Channels(true) {
				a, b := node(edge.From, from), node(edge.To, edge.Peer(from, sub))
				switch {
				case a == nil || b == nil:
				case a == b:
					local++
				default:
					remote++
				}
			}
		}
		w.saw(edgeLocal, local > 0 && remote == 0)
		w.saw(edgeRemote, remote > 0 && local == 0)
		w.saw(edgeMixed, local > 0 && remote > 0)
	}
}

func (w *watcher) onCheckpoint(e *host.Event) {
	p := &w.pending
	switch e.Kind {
	case host.CheckpointTriggered:
		p.id, p.sealing = e.Checkpoint, false
	case host.CheckpointSealing:
		p.sealing, p.unsettled = true, e.Checkpoint
	case host.CheckpointCompleted:
		w.latest = latestCheckpoint{id: e.Checkpoint, due: p.pre, restored: w.latest.restored}
		*p = pendingCheckpoint{}
		w.at.since = 0
		if w.switched == e.Checkpoint {
			w.lasting = e.Checkpoint
		}
		if m, ok := e.Data.(*snapshot.Metadata); ok {
			w.completed(m)
		}
	case host.CheckpointAborted:
		w.saw(abortedCollecting, p.id == e.Checkpoint && !p.sealing)
		w.saw(expired, strings.Contains(e.Text, "expired"))
		p.id = 0
	case host.CheckpointDeclined:
		w.saw(declined, true)
	}
}

// completed looks into a completed checkpoint.
func (w *watcher) completed(m *snapshot.Metadata) {
	task, ended := 0, 0
	for _, v := range m.Vertices {
		for _, t := range v.Tasks {
			for ch, in := range t.In {
				before := task < len(w.tasks) && ch < len(w.tasks[task].before) && w.tasks[task].before[ch] == m.Checkpoint
				w.saw(overtookInput, in.InFlight > 0 && before)
				w.saw(capturedLater, in.InFlight > 0 && !before)
			}
			for _, out := range t.Out {
				w.saw(overtookOutput, out.InFlight > 0)
			}
			if t.Ended {
				ended++
			}
			task++
		}
	}
	if ended == task {
		w.final = m.Checkpoint
	} else if ended > 0 {
		w.partly[m.Checkpoint] = true
		w.saw(partlyEnded, true)
	}
	if m.AtLeastOnce {
		w.saw(passedBarrier, len(model.Repeated(w.judges.cuts.cut(m))) > 0)
	}
}

func (w *watcher) onSink(e *host.Event) {
	l := &w.latest
	switch e.Kind {
	case host.SinkPreCommitted:
		w.pending.pre++
	case host.SinkCommitted:
		i, ok := w.byName[e.Subject]
		w.saw(recommitted, ok && !w.tasks[i].running)
		w.saw(committedLate, w.pending.id > e.Checkpoint && ok && w.tasks[i].running)
		if e.Checkpoint <= l.id {
			l.committed++
		}
	case host.SinkAborted:
		w.saw(orphanRemoved, true)
	}
}

func (w *watcher) onJob(e *host.Event) {
	switch e.Kind {
	case host.Deploying:
		w.deploying(e.Checkpoint)
	case host.CorruptFile, host.TaskFailed, host.JobFailed, host.JobFinished:
		w.judges.damages.sight(w, e)
	case host.WorkerLost:
		w.saw(timedOut, strings.Contains(e.Text, "heartbeat"))
		w.saw(cameBack, strings.Contains(e.Text, "started again"))
	case host.Restarting:
		w.at.deployed = false
	case host.MessageDropped:
		ack := strings.HasPrefix(e.Text, "ack")
		w.saw(lateAck, ack && strings.HasSuffix(e.Text, ": late"))
		w.saw(staleMessage, strings.HasSuffix(e.Text, "zombie") || strings.HasSuffix(e.Text, "stale attempt"))
	}
}

// deploying begins an attempt.
func (w *watcher) deploying(restores uint64) {
	at, p, l := &w.at, &w.pending, &w.latest
	at.attempts++
	w.saw(restored, restores > 0)
	w.saw(fellBack, w.judges.damages.of(w.judges.damages.newest(), w.judges.damages.all) != nil && restores < w.judges.damages.newest())
	w.saw(restoredNothing, restores == 0 && at.attempts > 1)
	w.saw(restoredTwice, restores > 0 && restores == l.restored)
	w.saw(restoredFinal, restores > 0 && restores == w.final)
	w.saw(restoredPartlyEnded, w.partly[restores])
	w.saw(restoredSwitched, restores > 0 && restores == w.lasting)
	w.saw(sealedFound, restores > 0 && restores == p.unsettled)
	w.saw(sealedLost, p.unsettled > restores)
	at.deployed, at.restores, at.running, at.ended = true, restores, 0, 0
	*p = pendingCheckpoint{}
	l.restored, l.due = restores, 0
	for i := range w.tasks {
		w.tasks[i].running, w.tasks[i].ended = false, false
	}
}
