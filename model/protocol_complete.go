package model

import (
	"time"

	"github.com/weirstream/weir/engine/stream"
)

// Triggered tells that the sources were asked to start a checkpoint whose timeout
// began to count some time ago.
func (p *Protocol) Triggered(id uint64, age time.Duration) []string {
	if q := &p.pending; q.id != 0 {
		p.say("T13", "checkpoint %d was triggered while checkpoint %d was under way", id, q.id)
	}
	if id <= p.ids || id <= p.commits.highest {
		p.say("T1", "checkpoint %d was triggered after checkpoint %d", id, max(p.ids, p.commits.highest))
	}
	p.checkPace(id)
	p.ids = id
	p.aligned.id, p.aligned.triggered = id, p.now
	clear(p.pending.acked)
	p.pending = pendingMonitor{id: id, began: p.now - age, acked: p.pending.acked, final: p.pace.ended == len(p.tasks)}
	return p.take()
}

// AckCounted tells that the coordinator counted a task's acknowledgement, which came
// from an attempt.
func (p *Protocol) AckCounted(task int, from stream.Attempt, id uint64) []string {
	t, q := &p.tasks[task], &p.pending
	switch {
	case from != p.attempt:
		p.say("T11", "an ack of %s in attempt %s was counted for checkpoint %d of attempt %s", p.name(task), from, id, p.attempt)
	case q.id != id:
		p.say("T11", "an ack of %s was counted for checkpoint %d, which is not under way", p.name(task), id)
	case q.acked[task]:
		p.say("T11", "an ack of %s was counted for checkpoint %d twice", p.name(task), id)
	case t.stored < id:
		p.say("T4", "%s acknowledged checkpoint %d before it had stored it", p.name(task), id)
	}
	if q.id == id {
		q.acked[task] = true
	}
	return p.take()
}

// Sealing tells that a checkpoint's metadata is being written. One of the same id in an
// older attempt was lost: else the id would not have come again.
func (p *Protocol) Sealing(id uint64) {
	p.commits.Sealing(id)
	if p.pending.id == id {
		p.pending.sealing = true
	}
	for _, s := range p.stored {
		if s.id == id {
			s.sealed = s.attempt == p.attempt
		}
	}
}

// Completed tells that a checkpoint is complete, and whether its metadata is durable.
func (p *Protocol) Completed(id uint64, durable bool) []string {
	if q := &p.pending; q.id != id {
		p.say("T6", "checkpoint %d completed, which is not under way", id)
	} else {
		for task, acked := range q.acked {
			if !acked {
				p.say("T6", "checkpoint %d completed without an ack of %s", id, p.name(task))
			}
		}
		p.pace.final = p.pace.final || q.final
	}
	if !durable {
		p.say("T6", "checkpoint %d completed, but its metadata is not durable", id)
	}
	p.sayAll("T10", p.commits.Completed(id))
	p.completed = append(p.completed, completion{id, p.attempt})
	for i := range p.tasks {
		p.due = append(p.due, deadline{i, id, p.now + p.plan.Word, knowsComplete})
	}
	p.finish(id)
	p.forget(id)
	return p.take()
}

// Aborted tells that a checkpoint was given up, and whether its timeout was the reason.
func (p *Protocol) Aborted(id uint64, expired bool) []string {
	if _, ok := p.completion(id); ok {
		p.say("T7", "checkpoint %d was given up after it had completed", id)
	}
	if q := &p.pending; expired && q.id == id && p.now-q.began < p.plan.Timeout {
		p.say("T13", "checkpoint %d expired %v after it began, its timeout is %v", id, p.now-q.began, p.plan.Timeout)
	}
	for i := range p.tasks {
		if t := &p.tasks[i]; t.seen == id && !t.settled(id) {
			p.due = append(p.due, deadline{i, id, p.now + p.plan.Word, knowsOver})
		}
	}
	p.finish(id)
	return p.take()
}

// finish ends a checkpoint.
func (p *Protocol) finish(id uint64) {
	p.over = max(p.over, id)
	p.pace.idle = p.now
	if p.pending.id == id {
		p.pending.id = 0
	}
}

// completion finds a checkpoint that completed while the job ran.
func (p *Protocol) completion(id uint64) (completion, bool) {
	for i := len(p.completed) - 1; i >= 0 && p.completed[i].id >= id; i-- {
		if p.completed[i].id == id {
			return p.completed[i], true
		}
	}
	return completion{}, false
}

// Notified tells that a task was told that a checkpoint is complete.
func (p *Protocol) Notified(task int, a stream.Attempt, id uint64) []string {
	t := p.of(task, a)
	if t == nil {
		return nil
	}
	t.notified = max(t.notified, id)
	if c, ok := p.completion(id); !ok {
		p.say("T7", "%s was told that checkpoint %d is complete, which it is not", p.name(task), id)
	} else if c.attempt != a {
		p.say("T7", "%s was told in attempt %s of checkpoint %d of attempt %s", p.name(task), a, id, c.attempt)
	}
	return p.take()
}

// PreCommitted tells that a sink task has made ready what it will commit with a
// checkpoint: that comes before it stores its part, which owns it.
func (p *Protocol) PreCommitted(task int, a stream.Attempt, id uint64, token string) []string {
	if t := p.of(task, a); t != nil && id <= t.stored {
		p.say("T4", "%s pre-committed %s of checkpoint %d after it had stored checkpoint %d", p.name(task), token, id, t.stored)
	}
	return p.take()
}

// Committed tells of a commit, by whatever attempt.
func (p *Protocol) Committed(task int, token string, id uint64) []string {
	p.sayAll("T7", p.commits.Committed(p.name(task), token, id))
	return p.take()
}

// Declined tells that a task has declined a checkpoint.
func (p *Protocol) Declined(task int, a stream.Attempt, id uint64) {
	t := p.of(task, a)
	if t == nil {
		return
	}
	t.settle(id)
	p.owe(task, id)
}

// Told tells that a task was told that a checkpoint is given up.
func (p *Protocol) Told(task int, a stream.Attempt, id uint64) {
	if t := p.of(task, a); t != nil {
		t.told = max(t.told, id)
	}
}

// Under is the checkpoint under way, 0 for none.
func (p *Protocol) Under() uint64 { return p.pending.id }
