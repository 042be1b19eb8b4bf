package model

import (
	"slices"
	"time"

	"github.com/weirstream/weir/engine/stream"
)

// alignmentMonitor is T16: barriers of checkpoints that are aligned at first overtake from
// their timeout on, counted from the trigger, and not before.
type alignmentMonitor struct {
	id        uint64        // newest checkpoint triggered
	triggered time.Duration // when
	// due is when tasks that align have to be done with it, in no order, and next the
	// least of these times.
	due  []deadline
	next time.Duration
	// clocks says that a wall clock is wrong, by which the tasks measure.
	clocks bool
}

// stampUnit is how exactly a barrier says when it was triggered.
const stampUnit = time.Millisecond

// ClocksWrong tells that wall clocks do not agree any more: none is to be early or late
// by them.
func (p *Protocol) ClocksWrong() { p.aligned.clocks = true }

// Announced tells that a task knows of a barrier that waits in the queue of its channel ch.
func (p *Protocol) Announced(task int, a stream.Attempt, ch int, id uint64) []string {
	if t := p.of(task, a); t == nil {
		return nil
	}
	sent := p.channels[p.plan.Tasks[task].In[ch]].sent
	if !slices.ContainsFunc(sent, func(b sentBarrier) bool { return b.id == id }) {
		p.say("T1", "barrier %d was announced to %s on %s, on which it was not sent, or was taken", id, p.name(task), p.input(task, ch))
	}
	p.begin(task, id)
	p.align(task, id)
	return p.take()
}

// align begins the alignment of a checkpoint: if it is not over at the timeout, the task
// takes its snapshot within a step.
func (p *Protocol) align(task int, id uint64) {
	t, m := &p.tasks[task], &p.aligned
	if p.plan.AlignedTimeout == 0 || id <= max(t.aligns, t.snapshot, t.cancel, t.told) || id != m.id || !t.running {
		return
	}
	t.aligns = id
	d := deadline{task: task, id: id, at: max(m.triggered+p.plan.AlignedTimeout, p.now) + p.plan.Tasks[task].Step}
	if len(m.due) == 0 || d.at < m.next {
		m.next = d.at
	}
	m.due = append(m.due, d)
}

// checkAlignments says which are overdue.
func (p *Protocol) checkAlignments() {
	m := &p.aligned
	if len(m.due) == 0 || p.now <= m.next {
		return
	}
	kept := m.due[:0]
	for _, d := range m.due {
		t := &p.tasks[d.task]
		switch {
		case max(t.snapshot, t.cancel, t.told) >= d.id || t.aligns > d.id || t.settled(d.id) || t.finished:
		case p.now <= d.at:
			kept = append(kept, d)
			m.next = min(m.next, d.at)
		case !m.clocks:
			p.say("T16", "%s still aligns checkpoint %d %v after its trigger, the timeout is %v", p.name(d.task), d.id, p.now-m.triggered, p.plan.AlignedTimeout)
		}
	}
	m.due = kept
	if len(kept) > 0 {
		m.next = slices.MinFunc(kept, func(a, b deadline) int { return int(a.at - b.at) }).at
	}
}

// TimedOut tells that a task aligns a checkpoint no longer: by its timer, or because a
// barrier has come that overtook.
func (p *Protocol) TimedOut(task int, a stream.Attempt, id uint64, byTimer bool) []string {
	t := p.of(task, a)
	if t == nil {
		return nil
	}
	switch {
	case byTimer:
		p.checkEarly(p.name(task), id)
	case !t.overtaken(id):
		p.say("T16", "%s aligns checkpoint %d no longer, but no barrier of it has overtaken", p.name(task), id)
	}
	t.switched = id
	return p.take()
}

// checkEarly says that a barrier of a checkpoint overtakes before its time.
func (p *Protocol) checkEarly(who string, id uint64) {
	m := &p.aligned
	if since := p.now - m.triggered; id == m.id && !m.clocks && since+stampUnit < p.plan.AlignedTimeout {
		p.say("T16", "%s let barrier %d overtake %v after its trigger, the timeout is %v", who, id, since, p.plan.AlignedTimeout)
	}
}

// overtaken reports whether a barrier of a checkpoint has come that overtook.
func (t *taskMonitor) overtaken(id uint64) bool {
	return slices.ContainsFunc(t.in, func(c inputMonitor) bool { return c.barrier == id && c.overtook })
}

// checkSwitched says that a task was to take its snapshot at once, or was to wait.
func (p *Protocol) checkSwitched(task int, id uint64) {
	t := &p.tasks[task]
	if p.plan.AlignedTimeout == 0 || p.plan.Tasks[task].Source {
		return
	}
	if overtaken := t.overtaken(id); t.unaligned && !overtaken && t.switched != id {
		p.say("T16", "%s took snapshot %d before all barriers were there, none of which had overtaken", p.name(task), id)
	} else if !t.unaligned && (overtaken || t.switched == id) {
		p.say("T16", "%s aligned checkpoint %d to the end, a barrier of which had overtaken", p.name(task), id)
	}
}

// OutputTimedOut tells that a task's barrier has overtaken in the output queues in which
// it still was. Out is as at the barrier, with what it has overtaken.
func (p *Protocol) OutputTimedOut(task int, a stream.Attempt, id uint64, out []Stand) []string {
	t := p.of(task, a)
	if t == nil {
		return nil
	}
	p.checkEarly(p.name(task), id)
	if t.barrier != id {
		p.say("T16", "%s let barrier %d overtake, but the last one it sent is %d", p.name(task), id, t.barrier)
		return p.take()
	}
	for ch, s := range out {
		was := t.out[ch]
		if s.Record != was.Record || s.InFlight > 0 && s.First+s.InFlight != s.Record {
			p.say("T16", "%s let barrier %d overtake on %s: %s; it was sent behind %s", p.name(task), id, p.output(task, ch), s, was)
		}
		t.out[ch] = s
		c := &p.channels[p.plan.Tasks[task].Out[ch]]
		for i := range c.sent {
			if b := &c.sent[i]; b.id == id && s.InFlight > 0 {
				b.ahead, b.unaligned = s.Record-s.InFlight, true
			}
		}
	}
	return p.take()
}

// checkOvertaking says that a barrier has overtaken and does not say so, or has not.
func (p *Protocol) checkOvertaking(task, ch int, id uint64, sent sentBarrier, overtook bool) {
	t := &p.tasks[task]
	if overtook {
		return
	}
	over := t.snapshot == id && t.unaligned || t.switched == id
	if over && id > max(t.cancel, t.told) && !t.settled(id) { // else it is given up
		p.say("T16", "%s took barrier %d from %s in its turn, but its alignment was over", p.name(task), id, p.input(task, ch))
	}
	if sent.unaligned {
		p.say("T16", "%s took barrier %d from %s as one that is aligned, but it had overtaken", p.name(task), id, p.input(task, ch))
	}
}

// overtaken takes a barrier that a later one has overtaken; false if it was not sent.
func (p *Protocol) overtaken(task, ch int, id, taken uint64) bool {
	c := &p.channels[p.plan.Tasks[task].In[ch]]
	for i, b := range c.sent {
		if b.id == id {
			c.sent = append(c.sent[:i], c.sent[i+1:]...)
			if taken != b.ahead {
				p.say("T2", "%s took barrier %d from %s when %d records had been taken, but %d were sent ahead of it", p.name(task), id, p.input(task, ch), taken, b.ahead)
			}
			return true
		}
	}
	return false
}
