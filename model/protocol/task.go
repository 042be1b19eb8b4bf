package protocol

// emit sends a source's next record, and the end of the data behind the last.
func (m *machine) emit(i int) {
	src := &m.s.source[i]
	m.s.out[i] = m.s.out[i].push(record.of(2*src.offset + uint8(i)))
	src.offset++
	m.endOfData(i)
}

func (m *machine) endOfData(i int) {
	if m.s.source[i].offset == m.recordsOf(i) {
		m.s.out[i] = m.s.out[i].push(end.of(0))
	}
}

// message takes a task's next control message. One of another attempt is dropped.
func (m *machine) message(task int) {
	s := &m.s
	kind, attempt, id := s.toTask[task].head().message()
	s.toTask[task] = s.toTask[task].pop()
	if attempt != s.jm.attempt {
		return
	}
	switch task {
	case operator:
		m.abortedOperator(id)
	case sink:
		m.messageSink(kind, id)
	default:
		src := &s.source[task]
		switch {
		case kind == abort && src.pend == id:
			src.pend = 0
		case kind == trigger && id > src.last:
			m.triggered(task, id)
		}
	}
}

// triggered takes a source's snapshot and sends the barrier.
func (m *machine) triggered(i int, id uint8) {
	s := &m.s
	src := &s.source[i]
	src.last, src.pend = id, id
	if s.open.id == id {
		s.open.offset[i] = src.offset
	}
	m.sendBarrier(i, id, m.Mode == Unaligned)
}

// sendBarrier sends a barrier down a channel. One that overtakes what the output queue
// holds makes that part of the snapshot.
func (m *machine) sendBarrier(ch int, id uint8, overtakes bool) {
	s := &m.s
	if !overtakes {
		s.out[ch] = s.out[ch].push(barrier.of(id))
		return
	}
	if s.open.id == id {
		s.open.out[ch] = s.out[ch].records(s.out[ch].len())
	}
	s.out[ch] = s.out[ch].overtake(overtaking.of(id))
}

// timeoutOut lets a barrier that waits in an output queue overtake what is ahead of it.
func (m *machine) timeoutOut(ch int) {
	s := &m.s
	id := s.pend(producerOf(ch))
	at := s.out[ch].find(barrier.of(id))
	if s.open.id == id {
		s.open.out[ch] = s.out[ch].records(at)
	}
	s.out[ch] = s.out[ch].without(at).overtake(overtaking.of(id))
}

// refuse declines a trigger: a cancel marker goes where the barrier would.
func (m *machine) refuse(i int) {
	s := &m.s
	_, _, id := s.toTask[i].head().message()
	s.toTask[i] = s.toTask[i].pop()
	s.used.aborts++
	s.source[i].last = id
	if m.Bug != CancelNotForwarded {
		s.out[i] = s.out[i].push(cancel.of(id))
	}
	m.tell(i, decline, id)
}

// pend is the snapshot that a task has taken and not stored, 0 for none.
func (s *State) pend(task int) uint8 {
	switch task {
	case operator:
		return s.operator.pend
	case sink:
		return s.sink.pend
	}
	return s.source[task].pend
}

// answered forgets it, since the coordinator is told.
func (m *machine) answered(task int, k messageKind) {
	m.tell(task, k, m.s.pend(task))
	switch task {
	case operator:
		m.s.operator.pend = 0
	case sink:
		m.s.sink.pend = 0
	default:
		m.s.source[task].pend = 0
	}
}

// store makes a task's file durable, and acknowledges.
func (m *machine) store(task int) {
	if m.s.open.id == m.s.pend(task) {
		m.s.open.stored |= 1 << task
		if task < operator && m.Bug == LateOffset {
			m.s.open.offset[task] = m.s.source[task].offset
		}
	}
	m.answered(task, ack)
}

// fail declines a snapshot whose file can't be written. The barrier has gone on.
func (m *machine) fail(task int) {
	m.s.used.aborts++
	m.answered(task, decline)
}

// deliver moves an item over the wire. A barrier that overtakes is taken as it comes;
// so is any barrier of a checkpoint that its task already takes unaligned.
func (m *machine) deliver(ch int) {
	s := &m.s
	it := s.out[ch].head()
	s.out[ch] = s.out[ch].pop()
	gate := &s.operator
	late := m.Mode == Timeout && it.kind() == barrier && ch < down && gate.pending && gate.overtook && gate.current == it.n()
	switch {
	case it.kind() == overtaking && ch == down:
		m.sinkBarrier(it.n())
	case it.kind() == overtaking || late:
		m.gateBarrier(ch, it.n(), true)
	default:
		if it.isRecord() && ch < down && gate.capture>>ch&1 == 1 {
			m.capture(ch, s.open.in[ch].push(it))
		}
		s.in[ch] = s.in[ch].push(it)
	}
}

// takeSink takes an item of the sink's channel.
func (m *machine) takeSink() {
	s := &m.s
	it := s.in[down].head()
	if it.kind() == barrier {
		m.sinkBarrier(it.n())
		return
	}
	s.in[down] = s.in[down].pop()
	switch it.kind() {
	case cancel:
		if it.n() > s.sink.current {
			s.sink.current = it.n()
			m.tell(sink, decline, it.n())
		}
	case end:
		s.sink.ended = true
		m.tell(sink, ended, 0)
	default:
		s.sink.open = s.sink.open.add(int(it.n()), it.kind() == repeated)
		s.sink.got++
	}
}

// sinkBarrier takes a barrier from wherever it is: of what the channel holds, the
// records ahead of it are in flight. The sink pre-commits.
func (m *machine) sinkBarrier(id uint8) {
	s := &m.s
	ahead := m.ahead(down, id)
	k := &s.sink
	if id <= k.current {
		return
	}
	k.current = id
	if k.aborted >= id {
		return
	}
	k.pend = id
	if k.open != 0 {
		k.txns = k.txns.with(txn{id, k.open})
		k.open = 0
	}
	if s.open.id == id {
		s.open.in[down], s.open.txns, s.open.got = ahead, k.txns, k.got
	}
	if m.Bug == CommitAtPreCommit {
		m.commitUpTo(id)
	}
}

func (t txns) with(x txn) txns {
	for i := range t {
		if t[i].id == 0 {
			t[i] = x
			return t
		}
	}
	panic("the model's sink has more than four transactions")
}

func (m *machine) messageSink(kind messageKind, id uint8) {
	k := &m.s.sink
	switch kind {
	case abort:
		k.aborted = max(k.aborted, id)
		if k.pend == id {
			k.pend = 0
		}
	case notify, notifyFinal:
		m.commitUpTo(id)
		if kind == notifyFinal {
			m.tell(sink, finish, id)
		}
	}
}

// commitUpTo commits what a checkpoint owns: its transactions and older ones.
func (m *machine) commitUpTo(id uint8) {
	k := &m.s.sink
	kept := txns{}
	for _, t := range k.txns {
		switch {
		case t.id == 0:
		case t.id <= id:
			m.commit(m.s.jm.attempt, t, id)
		case m.Bug == CommitNewer:
			m.commit(m.s.jm.attempt, t, t.id)
		default:
			kept = kept.with(t)
		}
	}
	k.txns = kept
}
