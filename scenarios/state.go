package scenarios

import (
	"fmt"

	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/model"
	"github.com/weirstream/weir/sim"
)

// stateOracle is oracle 3b: what a completed checkpoint holds, decoded from the disk as
// it would be after a crash of all machines, is what each task's state was at its
// synchronous point; and what a task starts with is what its checkpoint holds.
type stateOracle struct {
	judges *judges
	plan   *graph.Plan
	codecs codecs
	seen   map[taskAt]*seenState
	newest uint64 // completed checkpoint
	free   []*copied
	// stored is the checkpoint that the event is about, for those who look further.
	stored *stored
}

// taskAt is a task's snapshot for a checkpoint.
type taskAt struct {
	checkpoint uint64
	name       string
}

// seenState is a task's state as it was seen.
type seenState struct {
	sum  sums
	copy *copied
}

// ID implements sim.Oracle.
func (o *stateOracle) ID() string { return "state" }

// OnEnd implements sim.Oracle.
func (o *stateOracle) OnEnd(*sim.World) *sim.Violation { return nil }

// OnEvent implements sim.Oracle. A checkpoint costs what its state has.
func (o *stateOracle) OnEvent(w *sim.World, e *host.Event) *sim.Violation {
	o.stored = nil
	switch e.Kind {
	case host.SnapshotTaken:
		if v, ok := e.Data.(task.View); ok && o.judges.looksInto(e.Checkpoint) {
			o.seen[taskAt{e.Checkpoint, e.Subject}] = o.look(v)
		}
	case host.TaskRunning:
		if v, ok := e.Data.(task.View); ok {
			return violation(w, o.started(e, v))
		}
	case host.CheckpointCompleted, host.Deploying:
		// Whoever restores a checkpoint may be the first to know that it is complete.
		if m := o.judges.known[e.Checkpoint]; m != nil && e.Checkpoint > o.newest && o.judges.damages.of(e.Checkpoint, o.judges.damages.all) == nil {
			return violation(w, o.completed(m))
		}
	}
	return nil
}

// look walks a task's state.
func (o *stateOracle) look(v task.View) *seenState {
	s := &seenState{copy: &copied{}}
	if n := len(o.free); n > 0 {
		s.copy, o.free = o.free[n-1], o.free[:n-1]
		s.copy.reset()
	}
	var a adder
	v.Entries(func(uid string, e operator.Entry) bool {
		n := neutral(uid, e)
		a.sum(e.Kind, n)
		s.copy.add(n)
		return true
	})
	s.sum = a.sums()
	return s
}

// started compares what a task starts with.
func (o *stateOracle) started(e *host.Event, v task.View) []string {
	if e.Checkpoint == 0 {
		if now := o.look(v); now.sum.keyed.Count > 0 {
			return []string{fmt.Sprintf("%s starts from nothing with %d entries of state", e.Subject, now.sum.keyed.Count)}
		}
		return nil
	}
	then := o.seen[taskAt{e.Checkpoint, e.Subject}]
	if then == nil {
		return nil // of an earlier run, or not looked into
	}
	now := o.look(v)
	defer o.forget(now)
	if now.sum == then.sum {
		return nil
	}
	return append([]string{fmt.Sprintf("%s starts from checkpoint %d with %s, its snapshot had %s", e.Subject, e.Checkpoint, now.sum, then.sum)},
		stateDiff(then.copy.entries(), now.copy.entries(), nil)...)
}

// completed judges a checkpoint.
func (o *stateOracle) completed(m *snapshot.Metadata) (wrong []string) {
	o.newest = m.Checkpoint
	for at, s := range o.seen { // unordered: what is given up is all alike
		if at.checkpoint < m.Checkpoint {
			o.forget(s)
			delete(o.seen, at)
		}
	}
	if !o.judges.looksInto(m.Checkpoint) {
		return nil
	}
	if o.plan == nil {
		g := o.judges.cluster.Graph
		o.plan, o.codecs = g.Plan(o.judges.run.config.Chaining), codecsOf(g)
	}
	st, wrong := readStored(o.judges.cluster.Disk.Durable(), o.judges.run.config.CheckpointDir, o.plan, o.codecs, m)
	if st == nil {
		return wrong
	}
	for i := range st.tasks {
		wrong = append(wrong, o.compare(m.Checkpoint, &st.tasks[i])...)
	}
	o.stored = st
	return wrong
}

// compare compares a task's file with what was seen at its synchronous point.
func (o *stateOracle) compare(checkpoint uint64, t *storedTask) []string {
	then := o.seen[taskAt{checkpoint, t.name}]
	switch {
	case then == nil:
		return []string{fmt.Sprintf("checkpoint %d holds state of %s, which took no snapshot for it", checkpoint, t.name)}
	case then.sum == t.sum:
		return nil
	}
	var all []model.Entry
	var typed []operator.Entry
	// It was decoded before.
	_ = t.each(func(uid string, e operator.Entry) { all, typed = append(all, neutral(uid, e)), append(typed, e) })
	return append([]string{fmt.Sprintf("checkpoint %d holds of %s %s, at its synchronous point there were %s", checkpoint, t.name, t.sum, then.sum)},
		stateDiff(then.copy.entries(), all, typed)...)
}

func (o *stateOracle) forget(s *seenState) { o.free = append(o.free, s.copy) }

func (s sums) String() string {
	return fmt.Sprintf("%d entries (digest %016x)", s.keyed.Count+s.splits.Count, s.keyed.Sum+s.splits.Sum)
}

// differences is how many entries are named.
const differences = 4

// stateDiff names entries that differ. Typed are entries of the same states that know
// their codecs, nil if there are none.
func stateDiff(want, got []model.Entry, typed []operator.Entry) []string {
	codecs := map[copiedState]operator.Entry{}
	for i, e := range typed {
		codecs[copiedState{got[i].UID, got[i].State}] = e
	}
	return model.StateDiff(want, got, differences, func(e model.Entry) (key, value string) {
		t := codecs[copiedState{e.UID, e.State}]
		switch e.State {
		case model.EventTimers:
			t.Kind = operator.EventTimer
		case processingTimers:
			t.Kind = operator.ProcessingTimer
		case splitPositions:
			t.Kind = operator.SplitPosition
		}
		t.Key, t.Value = e.Key, e.Value
		return t.Text()
	})
}
