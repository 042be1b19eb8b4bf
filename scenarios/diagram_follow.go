package scenarios

import (
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim/cluster"
	"github.com/weirstream/weir/sim/trace"
	"github.com/weirstream/weir/sim/trace/page"
)

// follow learns from an event that is on the page what spans several.
func (d *diagram) follow(r trace.Record, at int) {
	actor := d.t.Name(r.Actor)
	switch d.t.Name(r.Kind) {
	case "exit":
		d.unblock(r, func(a string, _ int) bool { return a == actor })
	case "crash":
		node := d.t.Name(r.Where)
		d.unblock(r, func(_ string, lane int) bool { return d.page.Lanes[lane].Node == node })
		if node == "jm" { // nobody is left who could say what became of it
			for i := range d.page.Checkpoints {
				if c := &d.page.Checkpoints[i]; c.End == 0 {
					c.End, c.Outcome = r.Time, "lost with the JobManager"
				}
			}
		}
	}
	kind, channel, ok := cluster.Engine(r, d.t.Name)
	if !ok {
		return
	}
	n, m := cluster.EventCounts(r)
	here := barrierKey{actor, r.B}
	switch kind {
	case host.BarrierOut:
		d.sent[here] = at
	case host.BarrierIn:
		if _, ok := d.first[here]; !ok {
			d.first[here] = r.Time
		}
		d.arrow(here, channel, at)
	case host.ChannelBlocked:
		lane := d.page.Events[at].Lane
		d.name(lane, actor, channel)
		d.waiting[[2]string{actor, strconv.Itoa(channel)}] = len(d.page.Blocks)
		d.page.Blocks = append(d.page.Blocks, page.Block{
			Lane: lane, Channel: channel, From: d.peer(actor, channel), Start: r.Time, Event: at, Checkpoint: r.B, Queued: m - n,
		})
	case host.ChannelUnblocked:
		d.unblocked(actor, channel, r.Time, m-n)
	case host.SnapshotTaken:
		if p := d.part(r); p != nil {
			if t, ok := d.first[here]; ok {
				p.Aligned = r.Time - t
			}
		}
	case host.SnapshotStored:
		if p := d.part(r); p != nil {
			p.Bytes, p.InFlight = n, m
		}
	case host.TaskFailed: // it takes nothing any more
		d.unblock(r, func(a string, _ int) bool { return a == actor })
	default:
		d.coordinate(kind, r, at)
	}
}

// coordinate follows what the coordinator says of a checkpoint.
func (d *diagram) coordinate(kind host.EventKind, r trace.Record, at int) {
	c := d.checkpoint(r.B)
	switch kind {
	case host.CheckpointTriggered:
		d.latest[r.B] = len(d.page.Checkpoints)
		d.page.Checkpoints = append(d.page.Checkpoints, page.Checkpoint{ID: r.B, Start: r.Time, Outcome: "not ended", Event: at})
	case host.CheckpointCompleted:
		if c != nil {
			c.End, c.Outcome, c.Good = r.Time, "completed", true
		}
	case host.CheckpointAborted:
		if c != nil {
			_, why, _ := strings.Cut(d.t.Name(r.Peer), ": ")
			c.End, c.Outcome = r.Time, strings.TrimPrefix(why, "abort "+strconv.FormatUint(r.B, 10)+": ")
		}
	}
}

// checkpoint is the last trial of an id, nil if its trigger is not on the page.
func (d *diagram) checkpoint(id uint64) *page.Checkpoint {
	i, ok := d.latest[id]
	if !ok {
		return nil
	}
	return &d.page.Checkpoints[i]
}

// part is what an event's task does for its checkpoint.
func (d *diagram) part(r trace.Record) *page.Part {
	c := d.checkpoint(r.B)
	if c == nil {
		return nil
	}
	task, _, _ := strings.Cut(d.t.Name(r.Actor), "@")
	task = d.label(task)
	i := slices.IndexFunc(c.Tasks, func(p page.Part) bool { return p.Task == task })
	if i < 0 {
		i = len(c.Tasks)
		c.Tasks = append(c.Tasks, page.Part{Task: task})
	}
	return &c.Tasks[i]
}

// upstream is the actor whose data comes on a channel, empty if unknown. Tasks open
// the wires of their channels first, in order.
func (d *diagram) upstream(actor string, channel int) string {
	wires := d.opened[actor]
	if channel >= len(wires) {
		return ""
	}
	_, name, _ := strings.Cut(wires[channel], ":")
	return name
}

// name names the channels of a task, of which one is blocked.
func (d *diagram) name(lane int, actor string, channel int) {
	l := &d.page.Lanes[lane]
	l.Channels = l.Channels[:0]
	for i, peer := range d.opened[actor] {
		if i > channel && !d.granted[[2]string{actor, peer}] {
			break // an output: only inputs are granted credit
		}
		l.Channels = append(l.Channels, d.peer(actor, i))
	}
}

func (d *diagram) peer(actor string, channel int) string {
	task, _, _ := strings.Cut(d.upstream(actor, channel), "@")
	return d.label(task)
}

// arrow draws a barrier that a task took.
func (d *diagram) arrow(here barrierKey, channel, at int) {
	if from, ok := d.sent[barrierKey{d.upstream(here.actor, channel), here.checkpoint}]; ok {
		d.page.Barriers = append(d.page.Barriers, page.Barrier{From: from, To: at, Checkpoint: here.checkpoint})
	}
}

// arrived counts a frame that waits behind a barrier.
func (d *diagram) arrived(r trace.Record) {
	actor, peer := d.t.Name(r.Actor), d.t.Name(r.Peer)
	channel := slices.Index(d.opened[actor], peer)
	if i, ok := d.waiting[[2]string{actor, strconv.Itoa(channel)}]; ok {
		d.page.Blocks[i].Frames++
		d.page.Blocks[i].Bytes += int64(r.A)
	}
}

func (d *diagram) unblocked(actor string, channel int, at, held int64) {
	key := [2]string{actor, strconv.Itoa(channel)}
	i, ok := d.waiting[key]
	if !ok {
		return
	}
	delete(d.waiting, key)
	b := &d.page.Blocks[i]
	b.End, b.Held = at, held
	task, _, _ := strings.Cut(actor, "@")
	if c := d.checkpoint(b.Checkpoint); c != nil && b.End > b.Start { // else they just wait in line
		for j := range c.Tasks {
			if c.Tasks[j].Task == d.label(task) {
				c.Tasks[j].Held += held
			}
		}
	}
}

// unblock ends the blocks of tasks that are no more.
func (d *diagram) unblock(r trace.Record, of func(actor string, lane int) bool) {
	for key, i := range d.waiting { // unordered: each ends by itself
		if b := &d.page.Blocks[i]; of(key[0], b.Lane) {
			b.End, b.Held, b.Open = r.Time, b.Queued, true
			delete(d.waiting, key)
		}
	}
}

// finish ends what the page's part of the run leaves open.
func (d *diagram) finish() {
	if len(d.page.Events) == 0 {
		return
	}
	end := d.page.Events[len(d.page.Events)-1].Time
	for _, i := range d.waiting { // unordered: each ends by itself
		b := &d.page.Blocks[i]
		b.End, b.Held, b.Open = end, b.Queued, true
	}
	for i := range d.page.Checkpoints {
		if c := &d.page.Checkpoints[i]; c.End == 0 {
			c.End = end
		}
	}
}
