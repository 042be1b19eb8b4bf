package protocol

import "math/bits"

// choices are the actions that are taken in a state.
func (c Config) choices(s *State, reduced bool) uint64 {
	set := c.enabled(s)
	if reduced {
		set = c.reduce(s, set)
	}
	return set
}

// reduce leaves out actions that need not be taken in a state, since what they lead to
// is reached in another order, too:
//
//   - One that commutes with whatever may come before it is taken at once, and nothing
//     else is; see alone.
//   - What happens between a crash and the moment at which it is noticed commutes with
//     the crash, if it is not of the crashed process, and else can't happen. So a crash
//     is noticed at once; it need only come when it can be.
//   - It makes no difference which task's worker has crashed once all are replaced.
func (c Config) reduce(s *State, set uint64) uint64 {
	if set == 0 {
		return 0
	}
	if a := c.alone(s, set); a != 0 {
		return a & -a
	}
	switch {
	case s.jm.crashed:
		return 1 << lead
	case s.up != 1<<tasks-1:
		return 1 << failover
	case s.jm.phase == sealing || s.jm.phase == sealed:
		return set &^ setOf(crash, tasks)
	}
	return set &^ setOf(crash+1, tasks-1)
}

// alone are the enabled actions each of which may be taken before all others. Whatever
// else comes first, the action stays enabled and leads to the same state: from the
// other side of a crash too, since the next attempt begins without what it did. The
// tests execute that claim in every state of small configurations.
func (c Config) alone(s *State, set uint64) uint64 {
	alone := c.idle(s, set)
	if alone != 0 || s.jm.crashed || s.up != 1<<tasks-1 {
		return alone
	}
	may := func(yes bool, a Action) {
		if yes && set>>a&1 == 1 {
			alone |= 1 << a
		}
	}
	spent := int(s.used.crashes) == c.Crashes
	may(spent, recoverSink)
	may(spent && s.toTask[sink] == 0 && set>>expire&1 == 0, seal)
	may(true, complete)
	for t := range tasks {
		kind, attempt, id := s.toJM[t].head().message()
		counts := kind == ack && attempt == s.jm.attempt && id == s.jm.id && s.jm.phase == collecting
		may(c.Bug != StaleAttempt && counts && (bits.OnesCount8(s.jm.acked) < tasks-1 || c.safe(s)), hear+Action(t))
		may(kind == ended && attempt == s.jm.attempt && int(s.used.checkpoints) == c.Checkpoints, hear+Action(t))
		awaited := s.open.id != 0 && s.pend(t) == s.open.id && s.jm.acked>>t&1 == 0 && s.toJM[t] == 0 && (t != sink || s.sink.ended)
		may(awaited && c.Bug != LateOffset && c.Bug != StaleAttempt && c.safe(s), store+Action(t))
	}
	calm := c.calm(s)
	for ch := range channels {
		fifo := c.Mode == Aligned || c.Mode == AtLeastOnce
		may(fifo || calm, deliver+Action(ch))
	}
	head := s.in[down].head()
	may((c.Mode == Aligned || c.Mode == AtLeastOnce || calm) && (head.isRecord() || head.kind() == end && s.sink.pend == 0), take+down)
	if calm && (c.Mode != AtLeastOnce || spent) { // licences are by how far a source has come
		may(true, emit)
		may(true, emit+1)
	}
	return alone
}

// safe: what is being collected will not be given up, but by a crash.
func (c Config) safe(s *State) bool {
	if int(s.used.aborts) < c.Aborts {
		return false
	}
	for t := range tasks {
		if s.toJM[t].find(decline.message(s.jm.attempt, s.jm.id)) >= 0 {
			return false
		}
	}
	return true
}

// calm: no checkpoint is under way anywhere, and none begins before all data is taken.
func (c Config) calm(s *State) bool {
	if s.jm.phase != idle || s.jm.ended || int(s.used.checkpoints) < c.Checkpoints || s.operator.pending {
		return false
	}
	for ch := range channels {
		for _, q := range [...]queue{s.in[ch], s.out[ch]} {
			for i := range q.len() {
				if it := q.at(i); !it.isRecord() && it.kind() != end {
					return false
				}
			}
		}
	}
	return s.toTask[source0]|s.toTask[source1]|s.toJM[sink] == 0
}

// idle are the actions that take a message without effect.
func (c Config) idle(s *State, set uint64) (idle uint64) {
	for t := range tasks {
		if a := hear + Action(t); set>>a&1 == 1 && c.lateAtLeader(s, s.toJM[t].head()) {
			idle |= 1 << a
		}
		if a := message + Action(t); set>>a&1 == 1 && c.lateAtTask(s, t, s.toTask[t].head()) {
			idle |= 1 << a
		}
	}
	return idle
}

// lateAtLeader: of another attempt, or an answer about a checkpoint that is over.
func (c Config) lateAtLeader(s *State, it item) bool {
	kind, attempt, id := it.message()
	switch {
	case c.Bug == StaleAttempt || c.Bug == LateAck:
		return false // then it has an effect
	case attempt != s.jm.attempt:
		return true
	}
	return (kind == ack || kind == decline) && (id < s.jm.id || id == s.jm.id && s.jm.phase != collecting)
}

// lateAtTask: of another attempt, or word that a checkpoint is given up that the task
// has nothing of and will not begin.
func (c Config) lateAtTask(s *State, t int, it item) bool {
	kind, attempt, id := it.message()
	switch {
	case attempt != s.jm.attempt:
		return true
	case kind != abort || c.Bug == EarlyUnblock:
		return false
	case t == operator:
		return id <= s.operator.taken && id != s.operator.pend
	case t == sink:
		return id <= s.sink.aborted || id <= s.sink.current && id != s.sink.pend
	}
	return id != s.source[t].pend
}

// asleep is the sleep set of the state that an action leads to: of what was taken
// before, or sleeps here, what commutes with it.
func (d *depthFirst) asleep(f *frame, a Action) uint64 {
	if !d.Reduced {
		return 0
	}
	var set uint64
	mine := d.footprint(&f.s, a)
	each(f.sleep, func(b Action) {
		if mine.independent(d.footprint(&f.s, b)) {
			set |= 1 << b
		}
	})
	return set
}
