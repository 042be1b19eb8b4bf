package model

import "time"

// paceMonitor is when the attempt's checkpoints come.
type paceMonitor struct {
	running, ended int // tasks
	started        time.Duration
	idle           time.Duration // since when no checkpoint is under way
	triggers       int
	final          bool // a checkpoint taken after the end of all input is complete
}

// deadline is when something must have happened in a task.
type deadline struct {
	task int
	id   uint64
	at   time.Duration
	duty duty
}

type duty uint8

const (
	knowsOver     duty = iota // that the checkpoint is over
	knowsComplete             // that it is complete
	passesOn                  // a cancel marker of it, or its barrier
)

// met reports whether it has happened.
func (d *deadline) met(t *taskMonitor) bool {
	switch d.duty {
	case knowsComplete:
		return t.notified >= d.id
	case passesOn:
		return t.cancel >= d.id || t.barrier >= d.id
	}
	return t.settled(d.id)
}

// overdue says that it has not.
func (p *Protocol) overdue(d *deadline) {
	late := p.now - d.at + p.plan.Word
	switch d.duty {
	case knowsComplete:
		p.say("T7", "checkpoint %d is complete, but %s was not told, %v later", d.id, p.name(d.task), late)
	case passesOn:
		p.say("T9", "%s has sent neither the barrier of checkpoint %d nor a cancel marker, %v after it should", p.name(d.task), d.id, late)
	default:
		p.say("T8", "checkpoint %d is over, but %s has neither stored nor declined it and does not know, %v later", d.id, p.name(d.task), late)
	}
}

// checkPace is T13 when a checkpoint is triggered: one for each interval since all
// tasks run, and one more when all have ended.
func (p *Protocol) checkPace(id uint64) {
	f := &p.pace
	if f.running < len(p.tasks) {
		p.say("T13", "checkpoint %d was triggered when %d of %d tasks ran", id, f.running, len(p.tasks))
		return
	}
	f.triggers++
	allowed := int((p.now - f.started) / p.plan.Interval)
	if f.ended == len(p.tasks) {
		allowed++
	}
	if f.triggers > allowed {
		p.say("T13", "checkpoint %d is number %d within %v, with an interval of %v", id, f.triggers, p.now-f.started, p.plan.Interval)
	}
}

// checkTimes says what is overdue.
func (p *Protocol) checkTimes() {
	for len(p.due) > 0 {
		d := p.due[0]
		t := &p.tasks[d.task]
		if !d.met(t) && !t.finished {
			if p.now <= d.at {
				break
			}
			p.overdue(&d)
		}
		p.due = append(p.due[:0], p.due[1:]...)
	}
	p.checkAlignments()
	q, f := &p.pending, &p.pace
	switch {
	case f.running < len(p.tasks):
	case q.id != 0 && !q.sealing && p.now > q.began+p.plan.Timeout+p.plan.Slack:
		p.say("T13", "checkpoint %d began %v ago and has not expired, its timeout is %v", q.id, p.now-q.began, p.plan.Timeout)
		p.doomed = true // said once
	case q.id == 0 && !f.final && p.now > f.idle+p.plan.Interval+p.plan.Slack:
		p.say("T13", "no checkpoint was triggered for %v, with an interval of %v", p.now-f.idle, p.plan.Interval)
		p.doomed = true
	}
}
