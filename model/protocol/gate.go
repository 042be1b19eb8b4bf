package protocol

// takeOperator takes an item of one of the operator's channels.
func (m *machine) takeOperator(ch int) {
	s := &m.s
	it := s.in[ch].head()
	s.in[ch] = s.in[ch].pop()
	switch it.kind() {
	case barrier:
		m.gateBarrier(ch, it.n(), false)
	case cancel:
		m.gateCancel(it.n())
	case end:
		s.operator.ended |= 1 << ch
		if s.operator.ended == 3 {
			s.out[down] = s.out[down].push(end.of(0))
		}
	default:
		kind, r := record, int(it.n())
		if s.operator.seen.count(r, false) > 0 {
			kind = repeated
		}
		s.operator.seen = s.operator.seen.add(r, false)
		s.out[down] = s.out[down].push(kind.of(it.n()))
	}
}

// gateBarrier handles a barrier of one channel: RULES of SingleCheckpointBarrierHandler,
// in at-least-once mode of CheckpointBarrierTracker.
func (m *machine) gateBarrier(ch int, id uint8, overtakes bool) {
	g := &m.s.operator
	if id < g.current || id == g.current && !g.pending { // obsolete
		if m.Bug == ObsoleteKept {
			m.s.in[ch] = m.s.in[ch].push(barrier.of(id))
		}
		return
	}
	if id > g.current {
		m.giveUp() // subsumed
		g.current, g.pending, g.arrived = id, true, 0
		g.overtook = false
	}
	g.arrived |= 1 << ch
	if overtakes && !g.overtook {
		m.overtake()
	}
	switch {
	case g.overtook:
		g.capture &^= 1 << ch
	case m.Mode != AtLeastOnce && m.Bug != NoAlignment:
		g.blocked |= 1 << ch
	}
	if g.arrived != 3 {
		return
	}
	g.pending = false
	if m.Bug == StaysBlocked {
		g.blocked &^= 1 << ch
	} else {
		g.blocked = 0
	}
	if g.overtook {
		g.complete = g.pend == g.current
		return
	}
	m.snapshotOperator(false)
}

// overtake takes the snapshot now. What the queues hold ahead of barriers, and what
// arrives on channels until their barriers do, is in flight; a channel that is blocked
// stays so until all barriers are here, and what it holds is behind its barrier.
func (m *machine) overtake() {
	g := &m.s.operator
	g.overtook = true
	arrived := g.arrived
	blocked := g.blocked
	m.snapshotOperator(true)
	for ch := range down {
		if blocked>>ch&1 == 1 {
			continue
		}
		queued := m.s.in[ch].find(barrier.of(g.current)) >= 0
		m.capture(ch, m.ahead(ch, g.current))
		if queued {
			g.arrived |= 1 << ch
		} else if arrived>>ch&1 == 0 && g.pend == g.current {
			g.capture |= 1 << ch
		}
	}
}

// capture sets what is in flight on an input of the operator.
func (m *machine) capture(ch int, records queue) {
	if id := m.s.operator.pend; id != 0 && m.s.open.id == id && !(m.Bug == LostChannel && ch == source1) {
		m.s.open.in[ch] = records
	}
}

// ahead takes a barrier out of an input queue, if it is there, and returns the records
// ahead of it.
func (m *machine) ahead(ch int, id uint8) queue {
	q := m.s.in[ch]
	at := q.find(barrier.of(id))
	if at < 0 {
		return q.records(q.len())
	}
	m.s.in[ch] = q.without(at)
	if m.Bug == TimeoutForgets {
		return 0
	}
	return q.records(at)
}

// snapshotOperator takes the snapshot and sends the barrier on, or a cancel marker if
// the coordinator has given the checkpoint up.
func (m *machine) snapshotOperator(overtakes bool) {
	s := &m.s
	g := &s.operator
	g.capture, g.complete, g.taken = 0, !overtakes, g.current
	g.pend = 0
	if g.aborted >= g.current {
		s.out[down] = s.out[down].push(cancel.of(g.current))
		return
	}
	g.pend = g.current
	if s.open.id == g.current {
		s.open.seen = g.seen
	}
	if m.Bug != BarrierForgotten {
		m.sendBarrier(down, g.current, overtakes)
	}
}

// giveUp ends the checkpoint under way, if there is one.
func (m *machine) giveUp() {
	g := &m.s.operator
	if !g.pending {
		return
	}
	g.pending, g.blocked, g.capture = false, 0, 0
	if m.Mode != AtLeastOnce { // a tracker forgets it without a word
		m.declineOperator(g.current)
	}
}

func (m *machine) declineOperator(id uint8) {
	s := &m.s
	if s.operator.pend == id {
		s.operator.pend = 0
	}
	m.tell(operator, decline, id)
	s.out[down] = s.out[down].push(cancel.of(id))
}

func (m *machine) gateCancel(id uint8) {
	g := &m.s.operator
	switch {
	case id < g.current || id == g.current && !g.pending: // obsolete
	case id == g.current:
		g.pending, g.blocked, g.capture = false, 0, 0
		m.declineOperator(id)
	default:
		m.giveUp()
		g.current = id
		m.declineOperator(id)
	}
}

// abortedOperator hears that the coordinator has given a checkpoint up. That of itself
// unblocks nothing: barriers, or a cancel marker, are still to come.
func (m *machine) abortedOperator(id uint8) {
	g := &m.s.operator
	if g.pend == id {
		g.pend, g.capture = 0, 0
	} else if id > g.taken {
		g.aborted = max(g.aborted, id)
	}
	if m.Bug == EarlyUnblock && id < g.current {
		g.blocked = 0
	}
}

// queuedSink is the oldest new checkpoint that has a barrier in the sink's input queue,
// 0 for none.
func (s *State) queuedSink() uint8 { return oldestBarrier(s.in[down], s.sink.current) }

// queuedOperator is the same for the operator, unless a checkpoint is under way.
func (c Config) queuedOperator(s *State) uint8 {
	if s.operator.pending {
		return 0
	}
	a, b := oldestBarrier(s.in[source0], s.operator.current), oldestBarrier(s.in[source1], s.operator.current)
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func oldestBarrier(q queue, current uint8) uint8 {
	for i := range q.len() {
		if it := q.at(i); it.kind() == barrier && it.n() > current {
			return it.n()
		}
	}
	return 0
}

// timeoutOperator turns an alignment unaligned, also one whose barriers all wait in
// queues.
func (m *machine) timeoutOperator() {
	g := &m.s.operator
	if id := m.queuedOperator(&m.s); id != 0 {
		g.current, g.pending, g.arrived = id, true, 0
	}
	m.overtake()
	if g.arrived == 3 {
		g.pending, g.blocked = false, 0
		g.complete = g.pend == g.current
	}
}
