package protocol

// check judges a state; that it is not stuck is for whoever knows what is enabled.
func (m *machine) check() {
	if m.s.finished {
		return
	}
	g := &m.s.operator
	mayBlock := g.pending && (m.Mode == Aligned || m.Mode == Timeout)
	if g.blocked != 0 && !mayBlock || g.blocked&^g.arrived != 0 {
		m.broken(blocks)
	}
	m.checkOutput(false)
}

// checkOutput judges what is committed, at the end or before.
func (m *machine) checkOutput(atEnd bool) {
	property := exactlyOnce
	if m.Mode == AtLeastOnce {
		property = atLeastOnce
	}
	for r := range m.Records {
		first, again := m.s.ext.committed.count(r, false), m.s.ext.committed.count(r, true)
		licences := 0
		if m.Mode == AtLeastOnce {
			licences = m.s.ghost.licences.count(r, false)
		}
		if first > 1+licences || again > licences || first+again > 1+licences || atEnd && first+again < 1 {
			m.broken(property)
		}
	}
}

// checkCut judges a checkpoint as it completes: it has the state of every task, and on
// each channel the records sent are those taken and those in flight, each once.
func (m *machine) checkCut(c *checkpoint) {
	if c.stored != 1<<tasks-1 {
		m.broken(cut)
		return
	}
	total := 0
	for r := range m.Records {
		i := r % 2
		sent := 0
		if r/2 < int(c.offset[i]) {
			sent = 1
		}
		taken := c.seen.count(r, false)
		total += taken
		for _, q := range [...]queue{c.in[i], c.out[i]} {
			for at := range q.len() {
				if q.at(at) == record.of(uint8(r)) {
					taken++
				}
			}
		}
		if m.Mode == AtLeastOnce && taken < sent || m.Mode != AtLeastOnce && taken != sent {
			m.broken(cut)
		}
	}
	if total != int(c.got)+c.in[down].len()+c.out[down].len() {
		m.broken(cut)
	}
}
