package task

import (
	"time"

	"github.com/weirstream/weir/engine/barrier"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
)

// timeout is a timer of the aligned checkpoint timeout. A task has two of them, as in
// Flink: until all barriers are here, the gate's; then, while its own barrier waits in
// output queues, that of the barrier. Both run from the trigger of the checkpoint.
type timeout struct {
	token      host.Token // 0 if it does not run
	checkpoint uint64
}

// start lets the timer run out after ms of the wall clock since a checkpoint's trigger,
// at once if they are over. The stamp is another machine's: if by this one's clock the
// trigger is still to come, the timer runs for ms from now and no longer.
func (x *timeout) start(t *Task, checkpoint uint64, stamp, ms int64, out *host.Outbox) {
	x.stop(out)
	x.token, x.checkpoint = t.token(), checkpoint
	limit := time.Duration(ms) * time.Millisecond
	out.SetTimer(x.token, min(max(limit-t.since(stamp), 0), limit))
}

func (x *timeout) stop(out *host.Outbox) {
	if x.token != 0 {
		out.CancelTimer(x.token)
		x.token = 0
	}
}

// since is how long ago a stamp in wall ms is by the task's clock; negative if that is
// behind the other one.
func (t *Task) since(stamp int64) time.Duration {
	return time.Duration(t.env.Now.Wall - stamp*int64(time.Millisecond))
}

// announced tells the gate that a barrier waits which may overtake.
func (t *Task) announced(ch int, e stream.Event, out *host.Outbox) {
	t.report(host.Event{
		Kind: host.BarrierAnnounced, Checkpoint: e.Checkpoint, Channel: int32(ch),
		N: int64(t.gate.Taken(ch)), M: int64(t.gate.Arrived(ch)),
	})
	t.offer(barrier.Announce, ch, e, out)
}

func (t *Task) switched(e barrier.Effect) {
	why := host.ByBarrier
	if e.Timely {
		why = host.ByTimer
	}
	t.report(host.Event{Kind: host.AlignmentTimedOut, Checkpoint: e.Checkpoint, N: int64(t.since(e.Time)), Text: why})
}

// convert hands over the barriers that have begun to overtake in their input queues.
func (t *Task) convert(out *host.Outbox) {
	for len(t.converting) > 0 {
		c := t.converting[0]
		t.converting = append(t.converting[:0], t.converting[1:]...)
		e, ahead := t.gate.Convert(c.Channel, c.Checkpoint)
		t.barrier(c.Channel, e, ahead, out)
	}
}

// overtake lets the task's own barrier overtake in its output queues: it has waited there
// for too long. What it overtakes is part of the checkpoint.
func (t *Task) overtake(checkpoint uint64, out *host.Outbox) {
	p := t.snaps.find(func(p *pending) bool { return p.checkpoint == checkpoint })
	if p == nil || p.outputs {
		return // given up
	}
	over := make([]snapshot.ChannelPosition, 0, len(p.entry.Out))
	for i, o := range t.outputs {
		p.out[i] = o.part.Overtake(checkpoint)
		for sub := range o.part.Len() {
			pos := &p.entry.Out[len(over)]
			pos.First, pos.InFlight = span(p.out[i][sub])
			over = append(over, *pos)
		}
	}
	t.report(host.Event{Kind: host.OutputTimedOut, Checkpoint: checkpoint, Data: &snapshot.Positions{Out: over}})
	p.outputs = true
	t.store(p, out)
}

// left notices that a barrier that might have overtaken has left all output queues.
func (t *Task) left(out *host.Outbox) {
	for i := 0; i < len(t.snaps.pending); i++ {
		p := t.snaps.pending[i]
		if p.outputs || t.holds(p.checkpoint) {
			continue
		}
		if t.leave.checkpoint == p.checkpoint {
			t.leave.stop(out)
		}
		p.outputs = true
		t.store(p, out)
	}
}

func (t *Task) holds(checkpoint uint64) bool {
	for i := range t.outputs {
		if t.outputs[i].part.Held(checkpoint) {
			return true
		}
	}
	return false
}
