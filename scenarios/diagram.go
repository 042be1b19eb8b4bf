package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim/cluster"
	"github.com/weirstream/weir/sim/trace"
	"github.com/weirstream/weir/sim/trace/page"
)

// How many rows a page has at most with everything, and without steps and credit;
// beyond that, data frames are left out too.
const (
	pageAll    = 30_000
	pageFrames = 60_000
)

// diagram makes a page of a trace, from two readings of it.
type diagram struct {
	t    *trace.Trace
	page *page.Page
	plan []string

	lanes  map[string]int
	labels map[string]string // of tasks: "task-2-0" is "count/0"
	// at is the position of the event that shows a number: itself, or, where that is
	// left out, what caused it; -1 for none.
	at map[uint64]int

	opened  map[string][]string // peers of an actor's wires in order of opening: channels come first
	granted map[[2]string]bool  // an actor's wires by which it takes data, by peer
	waiting map[[2]string]int   // blocks that go on, by actor and channel
	sent    map[barrierKey]int  // where a barrier left a task
	latest  map[uint64]int      // position of a checkpoint's last trial
	first   map[barrierKey]int64
	skip    [page.Ended + 1]bool
}

// barrierKey is a checkpoint at an actor.
type barrierKey struct {
	actor      string
	checkpoint uint64
}

// newDiagram reads a trace, of which it draws the events numbered from first to last.
func newDiagram(t *trace.Trace, first, last uint64) (*diagram, error) {
	d := &diagram{
		t: t, page: &page.Page{}, plan: planOf(t), lanes: map[string]int{}, labels: map[string]string{}, at: map[uint64]int{},
		opened: map[string][]string{}, granted: map[[2]string]bool{}, waiting: map[[2]string]int{}, sent: map[barrierKey]int{}, latest: map[uint64]int{},
		first: map[barrierKey]int64{},
	}
	if err := d.survey(first, last); err != nil {
		return nil, err
	}
	inside := uint64(0)
	err := t.Each(func(r trace.Record) error {
		if t.Name(r.Kind) == "open" && strings.Contains(t.Name(r.Peer), ":task-") { // a wire, and no file
			d.opened[t.Name(r.Actor)] = append(d.opened[t.Name(r.Actor)], t.Name(r.Peer))
		}
		if t.Name(r.Kind) == "grant" {
			d.granted[[2]string{t.Name(r.Actor), t.Name(r.Peer)}] = true
		}
		if r.Number < first || r.Number > last {
			d.at[r.Number] = -1
			return nil
		}
		inside++
		d.take(r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	d.finish()
	if uint64(len(d.page.Events)) < inside {
		d.page.Remarks = append(d.page.Remarks, fmt.Sprintf("%d of %d records are drawn: %s. --from-event and --to-event draw a part of the run, with all that is in it.",
			len(d.page.Events), inside, d.omitted()))
	}
	return d, nil
}

func (d *diagram) omitted() string {
	switch {
	case d.skip[page.FrameSent]:
		return "steps, timers, credit and data frames are left out"
	case d.skip[page.Work]:
		return "steps, timers and credit are left out"
	}
	return "events of the world itself are left out"
}

// survey finds lanes, labels and how much there is.
func (d *diagram) survey(first, last uint64) error {
	type place struct {
		node, actor string
		rank        int
	}
	var places []place
	known := map[string]bool{}
	total, steps := 0, 0
	err := d.t.Each(func(r trace.Record) error {
		actor := d.t.Name(r.Actor)
		if k, _, ok := cluster.Engine(r, d.t.Name); ok && strings.HasPrefix(actor, "task-") && k != host.CheckpointNotified {
			task, _, _ := strings.Cut(actor, "@")
			d.labels[task], _, _ = strings.Cut(d.t.Name(r.Peer), ": ")
		}
		if r.Number < first || r.Number > last {
			return nil
		}
		total++
		if c := d.class(r); c == page.Work || c == page.Flow {
			steps++
		}
		node, task := d.where(r)
		if key := node + "/" + task; node != "" && !known[key] {
			known[key] = true
			places = append(places, place{node, task, rank(node, task)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if total > pageAll {
		d.skip[page.Work], d.skip[page.Flow] = true, true
		if total-steps > pageFrames {
			d.skip[page.FrameSent], d.skip[page.FrameTaken] = true, true
		}
	}
	slices.SortFunc(places, func(a, b place) int {
		jm := func(p place) int { return map[bool]int{true: 0, false: 1}[p.node == "jm"] }
		return cmp.Or(cmp.Compare(jm(a), jm(b)), strings.Compare(a.node, b.node), cmp.Compare(a.rank, b.rank), strings.Compare(a.actor, b.actor))
	})
	for i, p := range places {
		d.lanes[p.node+"/"+p.actor] = i
		d.page.Lanes = append(d.page.Lanes, page.Lane{Node: p.node, Name: d.label(p.actor)})
	}
	return nil
}

// rank orders the lanes of a node: its process, then tasks by vertex and subtask.
func rank(node, task string) int {
	var v, s int
	if n, _ := fmt.Sscanf(task, "task-%d-%d", &v, &s); n == 2 {
		return 1 + v<<16 + s
	}
	return 0
}

func (d *diagram) label(task string) string {
	if l := d.labels[task]; l != "" {
		return l
	}
	return task
}

// where is the node and actor whose lane a record is in. What happens to a node is
// in that of its process.
func (d *diagram) where(r trace.Record) (node, actor string) {
	node = d.t.Name(r.Where)
	actor, _, _ = strings.Cut(d.t.Name(r.Actor), "@")
	switch d.t.Name(r.Kind) {
	case "crash", "restart":
		actor = "tm"
		if node == "jm" {
			actor = "jm"
		}
	case "damage":
		actor = "files"
	case "draw":
		node = ""
	}
	return node, actor
}

var kindClass = map[string]page.Class{
	"send": page.MessageSent, "message": page.MessageTaken, "send frame": page.FrameSent, "frame": page.FrameTaken,
	"crash": page.Crash, "restart": page.Restart, "damage": page.Damage, "credit": page.Flow, "grant": page.Flow,
	"timer": page.Work, "set timer": page.Work, "cancel timer": page.Work, "offload": page.Work, "done": page.Work, "go on": page.Work,
	"write": page.Disk, "read": page.Disk, "sync": page.Disk, "sync directory": page.Disk, "create": page.Disk, "create new": page.Disk,
	"append": page.Disk, "close": page.Disk, "rename": page.Disk, "remove": page.Disk, "mkdir": page.Disk, "list": page.Disk, "stat": page.Disk, "size": page.Disk,
}

var eventClass = map[host.EventKind]page.Class{
	host.CheckpointTriggered: page.Triggered, host.BarrierIn: page.BarrierIn, host.BarrierOut: page.BarrierOut,
	host.ChannelBlocked: page.Blocked, host.ChannelUnblocked: page.Unblocked, host.SnapshotTaken: page.SnapshotTaken,
	host.SnapshotStored: page.SnapshotStored, host.AckCounted: page.Ack, host.CheckpointCompleted: page.Completed,
	host.CheckpointAborted: page.Aborted, host.CheckpointDeclined: page.Aborted, host.AbortNotified: page.Aborted,
	host.SinkCommitted: page.Committed, host.TaskFailed: page.Failed, host.WorkerLost: page.Failed, host.Restarting: page.Failed,
	host.JobFailed: page.Failed, host.CorruptFile: page.Failed, host.EpochStarted: page.Started, host.WorkerRegistered: page.Started, host.LeaderHeard: page.Started,
	host.Deploying: page.Started, host.Restored: page.Started, host.TaskRunning: page.Started,
	host.TaskEnded: page.Ended, host.TaskFinished: page.Ended, host.JobFinished: page.Ended,
}

func (d *diagram) class(r trace.Record) page.Class {
	if k, _, ok := cluster.Engine(r, d.t.Name); ok {
		if c, ok := eventClass[k]; ok {
			return c
		}
		return page.Engine
	}
	return kindClass[d.t.Name(r.Kind)]
}

// take adds a record.
func (d *diagram) take(r trace.Record) {
	cause, ok := d.at[r.Cause]
	if !ok {
		cause = -1
	}
	c := d.class(r)
	if c == page.FrameTaken {
		d.arrived(r)
	}
	node, actor := d.where(r)
	lane, ok := d.lanes[node+"/"+actor]
	if !ok || d.skip[c] {
		d.at[r.Number] = cause
		return
	}
	text, _, _ := strings.Cut(strings.TrimSpace(cluster.Describe(r, d.t.Name)), ", digest ")
	if i := cluster.FaultOf(r, d.t.Name); i >= 0 && i < len(d.plan) {
		text += ", fault " + d.plan[i]
	}
	at := len(d.page.Events)
	d.at[r.Number] = at
	e := page.Event{Number: r.Number, Time: r.Time, Lane: lane, Cause: cause, Class: c, Text: text}
	if _, _, ok := cluster.Engine(r, d.t.Name); ok {
		e.Checkpoint = r.B
	}
	d.page.Events = append(d.page.Events, e)
	d.follow(r, at)
}
