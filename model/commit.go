package model

import (
	"fmt"
	"slices"
)

// CommitMonitor follows, as they happen, what completes, what is committed and
// what is restored (M6, M7, M8). Its methods return what is wrong, if anything, in
// words. An event costs O(1), amortized; memory grows by what completes and by
// commit tokens. The zero value knows of no checkpoint: a job that starts from a
// savepoint is told of it by Completed.
type CommitMonitor struct {
	// AtLeastOnce allows an older checkpoint in place of a lost one at any time. Without
	// it only one that nobody was told of may be passed over: the others' output may be
	// committed.
	AtLeastOnce bool

	completed []uint64        // ascending, without those passed over or discarded
	highest   uint64          // that ever completed
	sealing   []uint64        // maybe complete, above all completed
	settled   uint64          // known to be complete from its restore only
	lost      map[uint64]bool // complete, but can't be read
	over      uint64          // newest that was lost when an older one was restored
	told      uint64          // newest that anyone was told of
	tokens    map[string]commit
	newest    commit // of the newest checkpoint that was committed
}

type commit struct {
	checkpoint  uint64
	task, token string
}

// latest is the checkpoint to restore, 0 if there is none.
func (m *CommitMonitor) latest() uint64 {
	if len(m.completed) == 0 {
		return 0
	}
	return m.completed[len(m.completed)-1]
}

// Sealing tells that a checkpoint's metadata is being written: from now on it may
// be complete, whether or not anyone lives to tell.
func (m *CommitMonitor) Sealing(checkpoint uint64) {
	if checkpoint > m.highest {
		m.sealing = append(m.sealing, checkpoint)
	}
}

// Completed tells that a checkpoint is known to be complete.
func (m *CommitMonitor) Completed(checkpoint uint64) []string {
	m.told = max(m.told, checkpoint)
	if checkpoint == m.settled && checkpoint > 0 {
		m.settled = 0 // a restore may be quicker than the report
		return nil
	}
	if checkpoint <= m.highest {
		return []string{fmt.Sprintf("checkpoint %d completed after checkpoint %d", checkpoint, m.highest)}
	}
	m.complete(checkpoint)
	return nil
}

func (m *CommitMonitor) complete(checkpoint uint64) {
	m.completed, m.highest = append(m.completed, checkpoint), checkpoint
	above := m.sealing[:0]
	for _, s := range m.sealing {
		if s > checkpoint {
			above = append(above, s)
		}
	}
	m.sealing = above
}

// Lost tells that a completed checkpoint is missing or damaged, so that an older one
// may be restored; see AtLeastOnce.
func (m *CommitMonitor) Lost(checkpoint uint64) {
	if m.lost == nil {
		m.lost = make(map[uint64]bool)
	}
	m.lost[checkpoint] = true
}

// Discarded tells that a checkpoint was removed, as one that need not be kept any more.
func (m *CommitMonitor) Discarded(checkpoint uint64) {
	if i, ok := slices.BinarySearch(m.completed, checkpoint); ok {
		m.completed = slices.Delete(m.completed, i, i+1)
	}
}

// Committed tells that a sink task committed what its token names, which belongs
// to a checkpoint. Repeating a commit is fine.
func (m *CommitMonitor) Committed(task, token string, checkpoint uint64) (out []string) {
	if checkpoint > m.highest {
		out = append(out, fmt.Sprintf("%s committed %s of checkpoint %d, which is not complete; the latest that is: %d", task, token, checkpoint, m.highest))
	}
	c := commit{checkpoint, task, token}
	if before, ok := m.tokens[token]; !ok {
		if m.tokens == nil {
			m.tokens = make(map[string]commit)
		}
		m.tokens[token] = c
	} else if before.checkpoint != checkpoint {
		out = append(out, fmt.Sprintf("%s committed %s under checkpoint %d, %s had committed it under checkpoint %d",
			task, token, checkpoint, before.task, before.checkpoint))
	}
	if checkpoint > m.newest.checkpoint && checkpoint > m.over {
		m.newest = c
	}
	return out
}

// Restored tells which checkpoint the JobManager starts an attempt from, 0 for
// none. (Not which one a task restores: that may be a task of an older attempt.)
func (m *CommitMonitor) Restored(checkpoint uint64) (out []string) {
	m.settle(checkpoint)
	what := fmt.Sprintf("checkpoint %d was restored", checkpoint)
	if checkpoint == 0 {
		what = "the job started from nothing"
	}
	last := m.latest()
	if m.passOver(checkpoint); !m.AtLeastOnce && m.latest() < last && last <= m.told {
		out = append(out, fmt.Sprintf("%s, but checkpoint %d, which is lost, was known to be complete: its output may be committed", what, last))
	}
	m.told = max(m.told, checkpoint)
	switch last := m.latest(); {
	case checkpoint > last:
		out = append(out, fmt.Sprintf("%s, which is not complete; the latest that is: %d", what, last))
	case checkpoint < last:
		out = append(out, fmt.Sprintf("%s, but the latest completed is checkpoint %d", what, last))
	}
	if n := m.newest; checkpoint < n.checkpoint {
		out = append(out, fmt.Sprintf("%s, but %s had committed %s of checkpoint %d", what, n.task, n.token, n.checkpoint))
	}
	return out
}

// passOver forgets what is newer than the restored checkpoint, but lost.
func (m *CommitMonitor) passOver(restored uint64) {
	for last := m.latest(); last > restored && m.lost[last]; last = m.latest() {
		m.completed = m.completed[:len(m.completed)-1]
		m.over = max(m.over, last)
		if m.AtLeastOnce && m.newest.checkpoint <= last {
			m.newest = commit{} // what it was committed for is given up
		}
	}
}

// settle counts a checkpoint that was being sealed as complete.
func (m *CommitMonitor) settle(checkpoint uint64) {
	for _, s := range m.sealing {
		if s == checkpoint {
			m.complete(checkpoint)
			m.settled = checkpoint
			return
		}
	}
}
