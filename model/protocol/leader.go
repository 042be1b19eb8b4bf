package protocol

// send queues a message of the current attempt for a task.
func (m *machine) send(task int, k messageKind, id uint8) {
	m.s.toTask[task] = m.s.toTask[task].push(k.message(m.s.jm.attempt, id))
}

// tell queues a message of a task for the coordinator.
func (m *machine) tell(task int, k messageKind, id uint8) {
	m.s.toJM[task] = m.s.toJM[task].push(k.message(m.s.jm.attempt, id))
}

func (m *machine) trigger() {
	j := &m.s.jm
	if j.next > 7 {
		panic("the model numbers seven checkpoints at most")
	}
	j.id, j.phase, j.final, j.acked = j.next, collecting, j.ended, 0
	j.next++
	if !j.final {
		m.s.used.checkpoints++
	}
	m.s.open = checkpoint{id: j.id, attempt: j.attempt}
	m.send(source0, trigger, j.id)
	m.send(source1, trigger, j.id)
}

// hear takes a task's next message. One of another attempt is dropped.
func (m *machine) hear(task int) {
	j := &m.s.jm
	kind, attempt, id := m.s.toJM[task].head().message()
	m.s.toJM[task] = m.s.toJM[task].pop()
	if attempt != j.attempt && !(kind == ack && m.Bug == StaleAttempt) {
		return
	}
	collects := j.phase == collecting || m.Bug == LateAck && j.phase == idle && m.s.open.id == id
	switch {
	case kind == ended:
		j.ended = true
	case kind == finish:
		m.finish()
	case id != j.id || !collects: // late
	case kind == decline:
		m.abort()
	default:
		j.acked |= 1 << task
		if j.acked == 1<<tasks-1 {
			j.phase = sealing
			if m.Bug == NotifyEarly {
				m.notify()
			}
		}
	}
}

// abort gives up what is being collected, and tells everyone.
func (m *machine) abort() {
	j := &m.s.jm
	m.s.ghost.aborted |= 1 << j.id
	for t := range tasks {
		m.send(t, abort, j.id)
	}
	if m.Bug == ExpireSealing && j.phase == sealing {
		return
	}
	j.phase = idle
	if m.Bug != LateAck {
		j.acked, m.s.open = 0, checkpoint{}
	}
}

// seal makes the metadata durable: the point of no return.
func (m *machine) seal() {
	if m.s.ghost.aborted>>m.s.jm.id&1 == 1 {
		m.broken(aborts)
	}
	m.checkCut(&m.s.open)
	m.s.done, m.s.open = m.s.open, checkpoint{}
	m.s.jm.phase = sealed
}

func (m *machine) complete() {
	if m.Bug != NotifyEarly {
		m.notify()
	}
	j := &m.s.jm
	j.phase, j.acked = idle, 0
	if j.final {
		j.phase = stopped
	}
}

// notify tells the sink, the only task that does anything then.
func (m *machine) notify() {
	kind := notify
	if m.s.jm.final {
		kind = notifyFinal
	}
	m.send(sink, kind, m.s.jm.id)
}

// crash ends a task's worker: its memory, its queues, its ends of wires. What it has
// sent to the coordinator arrives; what is sent to it waits for its successor.
func (m *machine) crash(task int) {
	s := &m.s
	s.used.crashes++
	s.up &^= 1 << task
	for ch := range channels {
		if producerOf(ch) == task {
			s.out[ch] = 0
		}
		if consumerOf(ch) == task {
			s.in[ch] = 0
		}
	}
	switch task {
	case operator:
		s.operator = operatorState{}
	case sink:
		s.sink = sinkState{}
	default:
		s.source[task] = sourceState{offset: s.source[task].offset}
	}
}

// failover starts the next attempt from the latest completed checkpoint; what is being
// collected is given up. Checkpoint ids go on.
func (m *machine) failover() {
	if m.s.jm.phase == collecting {
		m.s.ghost.aborted |= 1 << m.s.jm.id
	}
	next := m.s.jm.next
	m.deploy(m.s.done)
	m.s.jm.next = next
}

// lead is the first thing that a new leader does. It knows completed checkpoints only:
// ids of others may come again.
func (m *machine) lead() {
	from := m.s.done
	if m.Bug == RestoreOlder {
		from = checkpoint{}
	}
	m.deploy(from)
	m.s.jm.next = m.s.done.id + 1
	m.s.ghost.aborted = 0
}

// deploy replaces all tasks by those of a new attempt. Control messages stay.
func (m *machine) deploy(from checkpoint) {
	s := &m.s
	if from.id < s.ghost.newest {
		m.broken(restores)
	}
	if s.jm.attempt == 3 {
		panic("the model numbers three attempts at most")
	}
	s.jm = coordinator{attempt: s.jm.attempt + 1}
	s.up = 1<<tasks - 1
	s.open = checkpoint{}
	s.out, s.in = from.out, from.in
	for i := range s.source {
		for at := from.offset[i]; m.Mode == AtLeastOnce && at < s.source[i].offset; at++ {
			s.ghost.licences = s.ghost.licences.add(2*int(at)+i, false)
		}
		s.source[i] = sourceState{offset: from.offset[i], last: from.id}
		m.endOfData(i)
	}
	s.operator = operatorState{seen: from.seen, current: from.id, taken: from.id, aborted: from.id}
	s.sink = sinkState{got: from.got, current: from.id, aborted: from.id, recovered: from.txns == txns{}}
}

// recover commits what the restored checkpoint owns, before the sink does anything else.
func (m *machine) recover() {
	m.s.sink.recovered = true
	if m.Bug == NoRecommit {
		return
	}
	for _, t := range m.s.done.txns {
		if t.id != 0 {
			m.commit(m.s.done.attempt, t, m.s.done.id)
		}
	}
}

// commit makes a transaction visible, once, for a checkpoint that owns it.
func (m *machine) commit(attempt uint8, t txn, owner uint8) {
	if owner > m.s.done.id {
		m.broken(commits)
	}
	m.s.ghost.newest = max(m.s.ghost.newest, owner)
	if bit := uint32(1) << (8*(attempt-1) + t.id); m.s.ext.txns&bit == 0 || m.Bug == CommitTwice && attempt != m.s.jm.attempt {
		m.s.ext.txns |= bit
		m.s.ext.committed = m.s.ext.committed.plus(t.what)
	}
}

// finish ends the job: only what is committed still matters.
func (m *machine) finish() {
	m.checkOutput(true)
	m.s = State{finished: true, ext: external{committed: m.s.ext.committed}, ghost: ghost{licences: m.s.ghost.licences}}
}
