package protocol

// Components of a state. An action's footprint is what it reads and writes of them;
// two actions that are enabled in a state commute if neither writes what the other
// touches. Queues have two ends, since taking from one that holds something and adding
// to it commute. The tests take all pairs in both orders, in every state.
const (
	cSource   = 0                   // by source
	cOperator = cSource + 2         // its gate and state
	cSink     = cOperator + 1       //
	cLeader   = cSink + 1           // the coordinator
	cOutHead  = cLeader + 1         // by channel
	cOutTail  = cOutHead + channels //
	cInHead   = cOutTail + channels //
	cInTail   = cInHead + channels  //
	cToHead   = cInTail + channels  // by task: messages to it
	cToTail   = cToHead + tasks     //
	cJMHead   = cToTail + tasks     // by task: messages from it
	cJMTail   = cJMHead + tasks     //
	cPart     = cJMTail + tasks     // by task: its part of the open checkpoint
	cOpen     = cPart + tasks       // which checkpoint that is
	cDone     = cOpen + 1           // the completed checkpoint
	cExternal = cDone + 1           // what is committed
	cAborts   = cExternal + 1       // how many aborts there may still be
	cAll      = uint64(1)<<(cAborts+1) - 1
)

type footprint struct{ reads, writes uint64 }

func at(c ...int) (set uint64) {
	for _, x := range c {
		set |= 1 << x
	}
	return set
}

// footprint of an action that is enabled in a state.
func (c Config) footprint(s *State, a Action) footprint {
	switch {
	case a < deliver:
		i := int(a - emit)
		return footprint{writes: at(cSource+i, cOutTail+i)}
	case a < message:
		return c.deliverFootprint(s, int(a-deliver))
	case a < refuse:
		return c.messageFootprint(s, int(a-message))
	case a < store:
		i := int(a - refuse)
		return footprint{at(cOpen, cLeader), at(cSource+i, cToHead+i, cOutTail+i, cJMTail+i, cAborts)}
	case a < fail:
		return c.storeFootprint(int(a - store))
	case a < take:
		f := c.storeFootprint(int(a - fail))
		f.writes |= at(cAborts)
		return f
	case a < timeoutOut:
		return c.takeFootprint(s, a)
	case a < hear:
		ch := int(a - timeoutOut)
		t := producerOf(ch)
		return footprint{at(cOpen), at(cSource+t, cPart+t, cOutHead+ch, cOutTail+ch)}
	case a < triggerNext:
		return c.hearFootprint(s, int(a-hear))
	}
	return c.leaderFootprint(a)
}

// task is the component of a task's own memory: sources, operator, sink in order.
func task(t int) int { return cSource + t }

// touched is all of a task that taking a barrier may touch: its gate, its queues, its
// part of the checkpoint.
func touched(t int) footprint {
	if t == sink {
		return footprint{at(cOpen, cDone, cLeader), at(cSink, cInHead+down, cInTail+down, cPart+sink, cJMTail+sink, cExternal)}
	}
	return footprint{at(cOpen, cLeader), at(cOperator, cInHead, cInHead+1, cInTail, cInTail+1, cPart+operator, cJMTail+operator, cOutHead+down, cOutTail+down)}
}

func (c Config) deliverFootprint(s *State, ch int) footprint {
	to := consumerOf(ch)
	f := footprint{at(task(to)), at(cOutHead+ch, cInTail+ch)}
	if c.Mode == Aligned || c.Mode == AtLeastOnce {
		return footprint{writes: f.writes}
	}
	it := s.out[ch].head()
	if it.kind() == overtaking || it.kind() == barrier {
		t := touched(to)
		return footprint{f.reads | t.reads, f.writes | t.writes}
	}
	if to == operator && s.operator.capture>>ch&1 == 1 {
		f.reads |= at(cOpen)
		f.writes |= at(cPart + operator)
	}
	return f
}

func (c Config) messageFootprint(s *State, t int) footprint {
	f := footprint{at(cLeader), at(cToHead+t, task(t))}
	switch {
	case t == sink:
		return footprint{f.reads | at(cDone), f.writes | at(cJMTail+sink, cExternal)}
	case t == operator:
		return f
	}
	f.reads |= at(cOpen)
	f.writes |= at(cPart+t, cOutTail+t)
	if c.Mode == Unaligned {
		f.writes |= at(cOutHead + t)
	}
	return f
}

func (c Config) storeFootprint(t int) footprint {
	return footprint{at(cOpen), at(task(t), cPart+t, cJMTail+t)}
}

func (c Config) takeFootprint(s *State, a Action) footprint {
	switch a {
	case timeoutIn:
		return touched(operator)
	case timeoutIn + 1, take + down:
		return touched(sink)
	}
	ch := int(a - take)
	if s.in[ch].head().kind() == barrier {
		return touched(operator)
	}
	return footprint{at(cLeader), at(cOperator, cInHead+ch, cOutTail+down, cJMTail+operator)}
}

func (c Config) hearFootprint(s *State, t int) footprint {
	f := footprint{writes: at(cLeader, cJMHead+t)}
	kind, attempt, _ := s.toJM[t].head().message()
	if attempt != s.jm.attempt && c.Bug != StaleAttempt {
		return footprint{writes: at(cJMHead + t)}
	}
	switch {
	case kind == finish:
		f.writes = cAll
	case kind == decline:
		return c.abortFootprint(f)
	case kind == ack && c.Bug == NotifyEarly:
		f.writes |= at(cToTail + sink)
	}
	return f
}

// abortFootprint adds that a checkpoint is given up.
func (c Config) abortFootprint(f footprint) footprint {
	f.writes |= at(cOpen, cLeader)
	for t := range tasks {
		f.writes |= at(cToTail+t, cPart+t)
	}
	return f
}

func (c Config) leaderFootprint(a Action) footprint {
	switch a {
	case triggerNext:
		f := footprint{writes: at(cLeader, cOpen, cToTail+source0, cToTail+source1), reads: at(cSink)}
		for t := range tasks {
			f.writes |= at(cPart + t)
		}
		return f
	case seal:
		f := footprint{writes: at(cLeader, cOpen, cDone)}
		for t := range tasks {
			f.writes |= at(cPart + t)
		}
		return f
	case complete:
		return footprint{writes: at(cLeader, cToTail+sink)}
	case expire:
		return c.abortFootprint(footprint{writes: at(cAborts)})
	case recoverSink:
		return footprint{at(cDone), at(cSink, cExternal)}
	}
	return footprint{writes: cAll} // crashes and what follows them
}

// independent tells whether two actions that are enabled in a state commute.
func (f footprint) independent(g footprint) bool {
	return f.writes&(g.reads|g.writes) == 0 && g.writes&f.reads == 0
}
