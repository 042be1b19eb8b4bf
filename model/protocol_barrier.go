package model

import "github.com/weirstream/weir/engine/stream"

// BarrierIn tells that a task took a barrier from its channel ch, from which it had
// taken and on which there had arrived so many records. Overtook says of a barrier with a
// timeout that it has overtaken: then arrived are those that were sent ahead of it.
func (p *Protocol) BarrierIn(task int, a stream.Attempt, ch int, id, taken, arrived uint64, overtook bool) []string {
	t := p.of(task, a)
	if t == nil {
		return nil
	}
	c := &t.in[ch]
	if id < c.barrier && c.overtook && p.overtaken(task, ch, id, taken) {
		return p.take()
	}
	switch {
	case id <= c.barrier:
		p.say("T1", "%s took barrier %d from %s after barrier %d", p.name(task), id, p.input(task, ch), c.barrier)
	case id <= c.cancel:
		p.say("T1", "%s took barrier %d from %s after cancel marker %d", p.name(task), id, p.input(task, ch), c.cancel)
	case c.ended:
		p.say("T1", "%s took barrier %d from %s behind its end", p.name(task), id, p.input(task, ch))
	}
	c.barrier, c.taken, c.arrived = id, taken, arrived
	sent, ok := p.channels[p.plan.Tasks[task].In[ch]].receive(id, overtook)
	if !ok {
		p.say("T1", "%s took barrier %d from %s, on which it was not sent", p.name(task), id, p.input(task, ch))
	} else {
		if p.plan.AlignedTimeout > 0 {
			p.checkOvertaking(task, ch, id, sent, overtook)
			sent.unaligned = overtook
		}
		c.overtook = sent.unaligned
		p.checkAhead(task, ch, id, sent)
	}
	p.align(task, id)
	p.begin(task, id)
	p.together(task, id)
	return p.take()
}

// checkAhead compares what came ahead of a barrier with what was sent ahead of it. At
// least once, a restored consumer has taken more until its producer has caught up.
func (p *Protocol) checkAhead(task, ch int, id uint64, sent sentBarrier) {
	c := &p.tasks[task].in[ch]
	rule, got, what := "T2", c.taken, "been taken"
	if sent.unaligned {
		rule, got, what = "T5", c.arrived, "arrived"
	}
	if got != sent.ahead && !(p.plan.AtLeastOnce && got > sent.ahead) {
		p.say(rule, "%s took barrier %d from %s when %d records had %s, but %d were sent ahead of it", p.name(task), id, p.input(task, ch), got, what, sent.ahead)
	}
	if got < c.restored && !p.plan.AtLeastOnce {
		p.say("T14", "%s took barrier %d from %s when %d records had %s, but %d were restored", p.name(task), id, p.input(task, ch), got, what, c.restored)
	}
}

// receive takes a barrier, and those before it, which never came; but if it has
// overtaken they may come yet.
func (c *channelMonitor) receive(id uint64, overtook bool) (sentBarrier, bool) {
	for i, b := range c.sent {
		if b.id == id {
			if overtook {
				c.sent = append(c.sent[:i], c.sent[i+1:]...)
				return b, true
			}
			c.sent = append(c.sent[:0], c.sent[i+1:]...)
			return b, true
		}
	}
	return sentBarrier{}, false
}

// BarrierOut tells that a task sent a barrier on all its outputs, behind so many
// events. Out is where they stood: records sent, and those that the barrier overtook.
func (p *Protocol) BarrierOut(task int, a stream.Attempt, id uint64, unaligned bool, events int64, out []Stand) []string {
	t := p.of(task, a)
	if t == nil {
		return nil
	}
	p.checkOwed(task, "barrier", id)
	switch {
	case id <= t.barrier:
		p.say("T1", "%s sent barrier %d after barrier %d", p.name(task), id, t.barrier)
	case id <= t.cancel:
		p.say("T1", "%s sent barrier %d after cancel marker %d", p.name(task), id, t.cancel)
	}
	if p.plan.Tasks[task].Source {
		p.begin(task, id)
		if id > p.ids {
			p.say("T4", "%s sent barrier %d, which nobody has triggered", p.name(task), id)
		}
	} else if id > t.seen {
		p.say("T4", "%s sent barrier %d, which it has not received", p.name(task), id)
	}
	t.barrier, t.events = id, events
	copy(t.out, out)
	for ch, s := range out {
		if s.InFlight > 0 && s.First+s.InFlight != s.Record {
			p.say("T5", "%s stored %d records from %d on of %s, of which it has sent %d", p.name(task), s.InFlight, s.First, p.output(task, ch), s.Record)
		}
		c := &p.channels[p.plan.Tasks[task].Out[ch]]
		c.sent = append(c.sent, sentBarrier{id, s.Record - s.InFlight, unaligned})
	}
	return p.take()
}

// CancelIn tells that a task took a cancel marker from its channel ch.
func (p *Protocol) CancelIn(task int, a stream.Attempt, ch int, id uint64) []string {
	t := p.of(task, a)
	if t == nil {
		return nil
	}
	c := &t.in[ch]
	switch {
	case id == c.cancel:
		p.say("T9", "%s took a second cancel marker %d from %s", p.name(task), id, p.input(task, ch))
	case id < c.cancel:
		p.say("T1", "%s took cancel marker %d from %s after cancel marker %d", p.name(task), id, p.input(task, ch), c.cancel)
	case id < c.barrier && !c.overtook: // else the barrier may have overtaken it
		p.say("T1", "%s took cancel marker %d from %s after barrier %d", p.name(task), id, p.input(task, ch), c.barrier)
	}
	c.cancel = max(c.cancel, id)
	p.begin(task, id)
	return p.take()
}

// CancelOut tells that a task sent a cancel marker on all its outputs.
func (p *Protocol) CancelOut(task int, a stream.Attempt, id uint64) []string {
	t := p.of(task, a)
	if t == nil {
		return nil
	}
	p.checkOwed(task, "cancel marker", id)
	switch {
	case id == t.cancel:
		p.say("T9", "%s sent a second cancel marker %d", p.name(task), id)
	case id < t.cancel:
		p.say("T1", "%s sent cancel marker %d after cancel marker %d", p.name(task), id, t.cancel)
	}
	t.cancel = max(t.cancel, id)
	return p.take()
}

// ChannelEnded tells that no barrier will come from a task's channel ch any more.
func (p *Protocol) ChannelEnded(task int, a stream.Attempt, ch int) {
	t := p.of(task, a)
	if t == nil {
		return
	}
	t.in[ch].ended = true
	newest := uint64(0)
	for i := range t.in {
		newest = max(newest, t.in[i].barrier)
	}
	if newest > 0 {
		p.together(task, newest)
	}
}

// together is called when a barrier has come, or an end: when all barriers of a
// checkpoint are there, a task sends its own on or, if it was told that the checkpoint
// is given up, a cancel marker. Nothing is owed if a channel is ahead: the task is
// past the checkpoint then.
func (p *Protocol) together(task int, id uint64) {
	t := &p.tasks[task]
	for ch := range t.in {
		if c := &t.in[ch]; c.barrier != id && !c.ended || c.cancel > id {
			return
		}
	}
	p.owe(task, id)
}

// owe notes that a task has to send a cancel marker of a checkpoint, or its barrier, if
// it has sent neither: soon, and before any of a newer checkpoint.
func (p *Protocol) owe(task int, id uint64) {
	t := &p.tasks[task]
	if len(t.out) == 0 || id <= max(t.barrier, t.cancel) {
		return
	}
	if t.owes <= max(t.barrier, t.cancel) {
		t.owes = id
	}
	p.due = append(p.due, deadline{task, id, p.now + p.plan.Word, passesOn})
}

// checkOwed is T9: what is sent next is of the checkpoint that the task owes.
func (p *Protocol) checkOwed(task int, what string, id uint64) {
	if t := &p.tasks[task]; t.owes > max(t.barrier, t.cancel) && id > t.owes {
		p.say("T9", "%s sent %s %d, but neither the barrier of checkpoint %d nor a cancel marker, as it should before", p.name(task), what, id, t.owes)
	}
}

// Unblocked tells that a channel that waited for the alignment of a checkpoint goes
// on, and how many records were taken from it.
func (p *Protocol) Unblocked(task int, a stream.Attempt, ch int, id, taken uint64) []string {
	if t := p.of(task, a); t != nil && t.in[ch].barrier == id && t.in[ch].taken != taken {
		p.say("T2", "%s took %d records from %s behind barrier %d before its alignment was over", p.name(task), int64(taken-t.in[ch].taken), p.input(task, ch), id)
	}
	return p.take()
}

// SnapshotTaken tells that a task has passed the synchronous point of a checkpoint,
// how many events it has sent, and where its channels stand.
func (p *Protocol) SnapshotTaken(task int, a stream.Attempt, id uint64, unaligned bool, events int64, in, out []Stand) []string {
	t := p.of(task, a)
	if t == nil {
		return nil
	}
	if id <= t.snapshot {
		p.say("T1", "%s took snapshot %d after snapshot %d", p.name(task), id, t.snapshot)
	}
	if !t.running {
		p.say("T14", "%s took snapshot %d before it had recovered", p.name(task), id)
	}
	p.checkSilence(task, id, events, out)
	t.snapshot, t.unaligned = id, unaligned
	p.checkSwitched(task, id)
	for ch := range in {
		t.taken[ch] = in[ch].Record
		p.checkAligned(task, ch, id, in[ch].Record)
	}
	return p.take()
}

// checkSilence is T3: nothing was emitted since the barrier.
func (p *Protocol) checkSilence(task int, id uint64, events int64, out []Stand) {
	t := &p.tasks[task]
	if t.barrier != id {
		p.say("T3", "%s took snapshot %d, but the last barrier it sent is %d", p.name(task), id, t.barrier)
		return
	}
	if events != t.events {
		p.say("T3", "%s sent %d events between barrier %d and its snapshot", p.name(task), events-t.events, id)
	}
	for ch := range out {
		if n := out[ch].Record - t.out[ch].Record; n != 0 {
			p.say("T3", "%s emitted %d records into %s between barrier %d and its snapshot", p.name(task), int64(n), p.output(task, ch), id)
		}
	}
}

// checkAligned is T4 and T2 for one channel at the synchronous point.
func (p *Protocol) checkAligned(task, ch int, id, taken uint64) {
	t := &p.tasks[task]
	c := &t.in[ch]
	switch {
	case c.barrier != id:
		// At least once, a channel may be ahead by a whole checkpoint.
		if ahead := p.plan.AtLeastOnce && c.barrier > id; !ahead && !t.unaligned && !c.ended {
			p.say("T4", "%s took snapshot %d without a barrier from %s", p.name(task), id, p.input(task, ch))
		}
	case taken < c.taken, taken > c.taken && !p.plan.AtLeastOnce:
		p.say("T2", "%s had taken %d records from %s at snapshot %d, and %d at its barrier", p.name(task), taken, p.input(task, ch), id, c.taken)
	}
}

// SnapshotStored tells that a task's part of a checkpoint is durable, and where that
// says its channels stood. It acknowledges the checkpoint with it.
func (p *Protocol) SnapshotStored(task int, a stream.Attempt, id uint64, durable bool, in, out []Stand) []string {
	t := p.of(task, a)
	if t == nil {
		return nil
	}
	switch {
	case id > t.snapshot:
		p.say("T4", "%s stored checkpoint %d, of which it has taken no snapshot", p.name(task), id)
	case id == t.stored:
		p.say("T4", "%s stored checkpoint %d twice", p.name(task), id)
	}
	if !durable && p.pending.id == id {
		p.say("T4", "%s stored checkpoint %d, but its file is not durable", p.name(task), id)
	}
	for ch := range t.in {
		c := &t.in[ch]
		if c.barrier < id && !c.ended {
			p.say("T4", "%s stored checkpoint %d without a barrier from %s", p.name(task), id, p.input(task, ch))
		} else if c.barrier == id && t.snapshot == id {
			p.checkStored(task, ch, id, in[ch])
		}
	}
	for ch := range t.out {
		if t.barrier == id && out[ch] != t.out[ch] && (out[ch].InFlight != 0 || t.out[ch].InFlight != 0 || out[ch].Record != t.out[ch].Record) {
			p.say("T5", "%s stored of %s in checkpoint %d: %s; at its barrier: %s", p.name(task), p.output(task, ch), id, out[ch], t.out[ch])
		}
	}
	t.stored = max(t.stored, id)
	t.settle(id)
	p.keep(task, id, in, out)
	return p.take()
}

// checkStored is T5: of a channel is stored what came ahead of the barrier and was not
// taken at the snapshot.
func (p *Protocol) checkStored(task, ch int, id uint64, s Stand) {
	t := &p.tasks[task]
	if s.Record != t.taken[ch] {
		p.say("T5", "%s stored that it had taken %d records from %s in checkpoint %d, it had taken %d", p.name(task), s.Record, p.input(task, ch), id, t.taken[ch])
	}
	want := uint64(0)
	if t.unaligned && t.in[ch].overtook {
		want = t.in[ch].arrived - t.taken[ch]
	}
	if s.InFlight != want || want > 0 && s.First != t.taken[ch] {
		p.say("T5", "%s stored %d records from %d on of %s in checkpoint %d; ahead of the barrier and not taken were %d from %d on",
			p.name(task), s.InFlight, s.First, p.input(task, ch), id, want, t.taken[ch])
	}
}

// begin notes that a task has heard of a checkpoint: it has to answer (T8). If the
// checkpoint is over already, it has to hear of that.
func (p *Protocol) begin(task int, id uint64) {
	t := &p.tasks[task]
	if id <= t.seen {
		return
	}
	t.seen = id
	if id <= p.over && !t.settled(id) {
		p.due = append(p.due, deadline{task, id, p.now + p.plan.Word, knowsOver})
	}
}

// keep notes what a task has stored of a checkpoint.
func (p *Protocol) keep(task int, id uint64, in, out []Stand) {
	var s *storedCheckpoint
	for _, k := range p.stored {
		if k.id == id && k.attempt == p.attempt {
			s = k
		}
	}
	if s == nil {
		s = p.fresh()
		s.id, s.attempt, s.sealed = id, p.attempt, false
		p.stored = append(p.stored, s)
	}
	s.in[task] = append(s.in[task][:0], in...)
	s.out[task] = append(s.out[task][:0], out...)
}

func (p *Protocol) fresh() *storedCheckpoint {
	n := len(p.spare)
	if n == 0 {
		return &storedCheckpoint{in: make([][]Stand, len(p.tasks)), out: make([][]Stand, len(p.tasks))}
	}
	s := p.spare[n-1]
	p.spare = p.spare[:n-1]
	return s
}

// forget drops what was stored of checkpoints older than one.
func (p *Protocol) forget(before uint64) {
	kept := p.stored[:0]
	for _, s := range p.stored {
		if s.id < before {
			p.spare = append(p.spare, s)
		} else {
			kept = append(kept, s)
		}
	}
	p.stored = kept
}
