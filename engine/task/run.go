package task

import (
	"errors"
	"fmt"
	"time"

	"github.com/weirstream/weir/engine/barrier"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
)

// wire handles what came over a wire. Data only queues here; it is handled by
// work, so that a priority barrier is never behind it.
func (t *Task) wire(in *host.Input, out *host.Outbox) {
	if int(in.Wire) < len(t.feeds) {
		t.inputWire(int(in.Wire), in, out)
		return
	}
	for i := range t.outputs {
		o := &t.outputs[i]
		if sub := int(in.Wire - o.base); sub >= 0 && sub < o.part.Len() {
			t.outputWire(o, sub, in, out)
			return
		}
	}
}

func (t *Task) inputWire(ch int, in *host.Input, out *host.Outbox) {
	switch in.Kind {
	case host.FrameIn:
		e, now, err := t.gate.Receive(ch, in.Frame)
		if err != nil {
			t.fail(host.CauseCorrupt, err, out)
			return
		}
		switch {
		case !now:
		case e.Priority():
			t.barrier(ch, e, t.gate.Arrived(ch), out)
		default:
			t.announced(ch, e, out)
		}
	case host.WireDown:
		t.gate.Channels[ch].Down = true
		t.lostInput(ch, in.Err, out)
	}
}

// lostInput fails the task if a channel broke before its end of partition, which
// may still wait in the queue.
func (t *Task) lostInput(ch int, err error, out *host.Outbox) {
	if t.gate.Complete(ch) {
		return
	}
	t.fail(host.CauseLostPeer, fmt.Errorf("input channel %d broke: %w", ch, reason(err)), out)
}

func reason(err error) error {
	if err == nil {
		return errors.New("closed by the other end")
	}
	return err
}

func (t *Task) outputWire(o *output, sub int, in *host.Input, out *host.Outbox) {
	switch in.Kind {
	case host.WireUp:
		o.part.Up(sub)
	case host.Credit:
		o.part.Credit(sub, int(in.N), in.Body)
	case host.WireDown:
		o.part.Down(sub)
		// A consumer that has ended may finish before its producer does.
		if t.state != Ended {
			t.fail(host.CauseLostPeer, fmt.Errorf("output channel to %s/%d broke: %w",
				o.edge.To.Head().UID, o.edge.Peer(t.spec.ID.Subtask, sub), reason(in.Err)), out)
		}
	}
}

// work handles up to a quantum of records, timers and events.
func (t *Task) work(out *host.Outbox) {
	if t.state != Running && t.state != Ended {
		return
	}
	budget := t.settings.Quantum
	t.env.Stop = t.full()
	if t.due(out) {
		budget = t.fireProcessing(budget)
	}
	switch {
	case t.source != nil:
		t.emit(budget, out)
	default:
		t.consume(budget, out)
	}
}

// consume takes from the input gate until the quantum is used up, nothing is
// left, or an output is full.
func (t *Task) consume(budget int, out *host.Outbox) {
	records := 0
	for budget > 0 && !t.env.Stop && t.state != Failed {
		if t.advancing {
			budget -= t.advance(budget)
			if t.advancing {
				break
			}
			continue
		}
		if !t.gate.HasInput() {
			break
		}
		ch, b, from, e := t.gate.Head()
		if b == nil {
			t.gate.TakeEvent()
			t.event(ch, e, out)
			continue
		}
		n := t.feeds[ch](b, from, min(b.Len(), from+budget))
		t.gate.Take(out, n)
		budget -= n
		records += n
	}
	t.charge(records, out)
}

// charge accounts records to every operator of the chain.
func (t *Task) charge(records int, out *host.Outbox) {
	if records == 0 {
		return
	}
	for _, uid := range t.uids {
		out.Charge(uid, records)
	}
}

// event handles an event that was taken in its turn.
func (t *Task) event(ch int, e stream.Event, out *host.Outbox) {
	c := &t.gate.Channels[ch]
	switch e.Kind {
	case stream.Barrier:
		t.barrier(ch, e, t.gate.Arrived(ch), out)
	case stream.CancelMarker:
		t.report(host.Event{Kind: host.CancelIn, Checkpoint: e.Checkpoint, Channel: int32(ch)})
		t.apply(barrier.Input{Kind: barrier.Cancel, Channel: ch, Checkpoint: e.Checkpoint}, out)
	case stream.Watermark:
		c.Watermark = e.Time
		t.raise(t.gate.Watermark())
	case stream.EndOfData:
		c.EndOfData = true
		if t.gate.EndOfData() {
			t.end(out)
		}
	case stream.EndOfPartition:
		t.gate.End(ch)
		t.report(host.Event{Kind: host.ChannelEnded, Channel: int32(ch), N: int64(t.gate.Taken(ch))})
		t.apply(barrier.Input{Kind: barrier.End, Channel: ch}, out)
	}
}

// raise begins to move the task's event time to a watermark. Its timers may take
// several steps; a barrier may fall between any two of them.
func (t *Task) raise(to int64) {
	if to > t.watermark {
		t.advancing, t.target, t.stage = true, to, 0
	}
}

// advance fires timers up to the target and, when all have fired, passes the
// watermark on.
func (t *Task) advance(budget int) (used int) {
	for ; t.stage < len(t.timed); t.stage++ {
		op := t.timed[t.stage]
		if op == nil {
			continue
		}
		n, done := op.OnWatermark(t.target, budget-used)
		used += n
		if !done {
			return used
		}
	}
	t.advancing, t.watermark = false, t.target
	t.broadcast(stream.Event{Kind: stream.Watermark, Time: t.watermark})
	return used
}

func (t *Task) broadcast(e stream.Event) {
	for i := range t.outputs {
		t.outputs[i].part.Broadcast(e)
	}
}

// end is called when no record will come any more.
func (t *Task) end(out *host.Outbox) {
	t.broadcast(stream.Event{Kind: stream.EndOfData})
	if t.state == Running {
		t.setState(Ended, host.CauseNone, "", out)
	}
}

// emit lets a source hand out records.
func (t *Task) emit(budget int, out *host.Outbox) {
	if t.state == Ended {
		return
	}
	if t.advancing { // only the last watermark of a source is raised this way
		t.advance(budget)
	}
	status := connect.Ready
	if !t.env.Stop && budget > 0 {
		var n int
		n, status = t.source.Emit(budget)
		t.charge(n, out)
	}
	t.fetch(out)
	t.eager = status == connect.Ready
	switch {
	case t.state == Failed:
	case status == connect.Exhausted && t.fetching == 0:
		t.raise(stream.MaxWatermark)
		t.advance(budget)
		t.end(out)
	case status == connect.Waiting && t.fetching == 0:
		t.poll(out)
	}
}

// fetch keeps one fetch under way.
func (t *Task) fetch(out *host.Outbox) {
	if t.fetching != 0 {
		return
	}
	if work := t.source.Fetch(); work != nil {
		t.fetching = t.token()
		out.Offload(t.fetching, "", work)
	}
}

// poll asks a source that waits for no fetch again later.
func (t *Task) poll(out *host.Outbox) {
	if after, ok := t.source.Poll(); ok && t.timers.poll == 0 {
		t.timers.poll = t.token()
		out.SetTimer(t.timers.poll, after)
	}
}

// timer handles a timer; a token that is not waited for is stale.
func (t *Task) timer(k host.Token, out *host.Outbox) {
	switch k {
	case t.timers.flush:
		t.timers.flush = 0
		for i := range t.outputs {
			t.outputs[i].part.Flush()
		}
	case t.timers.poll:
		t.timers.poll = 0
		t.work(out)
	case t.timers.watermark:
		t.timers.watermark = t.token()
		out.SetTimer(t.timers.watermark, t.settings.WatermarkInterval)
		t.emitWatermark()
	case t.timers.processing:
		t.timers.processing, t.timers.processingAt = 0, 0
		t.firing = true
	case t.align.token:
		t.align.token = 0
		t.apply(barrier.Input{Kind: barrier.Timeout, Checkpoint: t.align.checkpoint}, out)
	case t.leave.token:
		t.leave.token = 0
		t.overtake(t.leave.checkpoint, out)
	}
}

// emitWatermark passes on what the chain's watermark makers have reached.
func (t *Task) emitWatermark() {
	if t.state != Running || t.advancing {
		return
	}
	for _, m := range t.marks {
		if wm := m.CurrentWatermark(); wm > t.watermark {
			t.watermark = wm
			t.broadcast(stream.Event{Kind: stream.Watermark, Time: wm})
		}
	}
}

// due reports whether processing-time timers are to fire. They do before any record of
// a step at whose beginning the clock has reached them: after a restore, or a jump of
// the clock, the host's timer may come later.
func (t *Task) due(out *host.Outbox) bool {
	if t.timers.processing != 0 && t.timers.processingAt <= t.env.Now.Wall/int64(time.Millisecond) {
		out.CancelTimer(t.timers.processing)
		t.timers.processing, t.timers.processingAt = 0, 0
		t.firing = true
	}
	return t.firing
}

// fireProcessing fires due processing-time timers. Once the input has ended they
// are quiet, as in Flink.
func (t *Task) fireProcessing(budget int) int {
	t.firing = false
	if t.state == Ended {
		return budget
	}
	now := t.env.Now.Wall / int64(time.Millisecond)
	for _, op := range t.timed {
		if op == nil {
			continue
		}
		n, done := op.OnProcessingTime(now, budget)
		budget -= n
		if !done {
			t.firing = true
			return 0
		}
	}
	return budget
}

// after ends every step: it sends what can be sent, sets timers that are missing
// and asks to go on if there is more to do.
func (t *Task) after(out *host.Outbox) {
	if t.state == Failed {
		return
	}
	if err := t.env.Err(); err != nil {
		t.fail(host.CauseUser, err, out)
		return
	}
	t.flushSink(out)
	open := false
	for i := range t.outputs {
		t.outputs[i].part.Drain(out)
		open = open || t.outputs[i].open()
	}
	t.left(out)
	if open && t.timers.flush == 0 {
		t.timers.flush = t.token()
		out.SetTimer(t.timers.flush, t.settings.BufferTimeout)
	}
	if t.state == Running {
		t.scheduleProcessing(out)
	}
	if t.hasWork() {
		out.GoOn()
	}
	t.finishIfDone(out)
}

// hasWork reports whether another step could get on without further input. A
// source that waits is woken by its fetch or poll.
func (t *Task) hasWork() bool {
	switch {
	case t.state != Running && t.state != Ended || t.full():
		return false
	case t.firing || t.advancing:
		return true
	case t.gate != nil:
		return t.gate.HasInput()
	}
	return t.state == Running && (t.eager || t.fetching == 0 && t.timers.poll == 0)
}

func (t *Task) scheduleProcessing(out *host.Outbox) {
	next, found := int64(0), false
	for _, op := range t.timed {
		if op == nil {
			continue
		}
		if at, ok := op.NextProcessingTimer(); ok && (!found || at < next) {
			next, found = at, true
		}
	}
	if !found || t.firing || t.timers.processing != 0 && t.timers.processingAt <= next {
		return
	}
	t.timers.processing, t.timers.processingAt = t.token(), next
	after := time.Duration(next)*time.Millisecond - time.Duration(t.env.Now.Wall)
	out.SetTimer(t.timers.processing, max(0, after))
}
