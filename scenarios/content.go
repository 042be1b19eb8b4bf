package scenarios

import (
	"fmt"

	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/model"
	"github.com/weirstream/weir/sim"
)

// contentOracle is oracle 3d: the state of a completed checkpoint and the output up to
// it are what the reference interpreter makes of the input in front of the sources'
// positions. What is in flight is first let through, by the interpreter as well.
type contentOracle struct {
	judges *judges
	it     *model.Interpreter
	fed    map[splitOf]int64       // position that the interpreter was fed up to
	parts  map[string]model.Digest // of the lines of what was pre-committed, by token
}

// splitOf is a split of a source.
type splitOf struct{ source, split string }

// ID implements sim.Oracle.
func (o *contentOracle) ID() string { return "content" }

// OnEnd implements sim.Oracle.
func (o *contentOracle) OnEnd(*sim.World) *sim.Violation { return nil }

// OnEvent implements sim.Oracle. A checkpoint costs what its state has, and what went
// into it since the one before.
func (o *contentOracle) OnEvent(w *sim.World, _ *host.Event) *sim.Violation {
	j := o.judges
	st := j.states.stored
	if st == nil || !o.knows(st.meta) || j.brought() || !j.computes() {
		return nil
	}
	wrong, err := o.check(st)
	if err != nil {
		wrong = append(wrong, fmt.Sprintf("checkpoint %d: %v", st.meta.Checkpoint, err))
	}
	return violation(w, wrong)
}

// knows says that a checkpoint has one content, which can be told. Where a checkpoint
// was lost to damage, what was committed for it is there twice.
func (o *contentOracle) knows(m *snapshot.Metadata) bool {
	s := o.judges.run.scenario
	return s.CutContent && (!m.AtLeastOnce || s.Ahead != nil) && len(o.judges.damages.lineage.lost) == 0
}

// check compares a checkpoint with the reference.
func (o *contentOracle) check(st *stored) ([]string, error) {
	after, err := o.drained(st)
	if err != nil {
		return nil, err
	}
	if err := o.feed(st.meta); err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	if err := o.it.Run(after.isPending); err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	output, err := o.output(st)
	if err != nil {
		return nil, err
	}
	if st.meta.AtLeastOnce {
		return o.atLeast(st, output)
	}
	var wrong []string
	if want := o.it.State(); want != after.state {
		wrong = append(wrong, fmt.Sprintf("checkpoint %d%s has %d entries of state that are not those of the input up to its positions, which has %d",
			st.meta.Checkpoint, after.words, after.state.Count, want.Count))
		_, typed := st.neutral()
		wrong = append(wrong, stateDiff(o.it.Entries(), after.entries(), typed)...)
	}
	if lines, want := o.it.Lines(SinkUID); want != output.sum.Plus(after.sum) {
		got, err := output.lines()
		if err != nil {
			return wrong, err
		}
		wrong = append(wrong, fmt.Sprintf("checkpoint %d%s has %d lines up to it that are not those of the input up to its positions, which has %d",
			st.meta.Checkpoint, after.words, output.sum.Count+after.sum.Count, want.Count))
		wrong = append(wrong, model.CheckMultiset(lines, append(got, after.lines...)).Messages(nil)...)
	}
	return wrong, nil
}

// aftermath is what comes of a checkpoint once nothing is in flight any more.
type aftermath struct {
	state   model.Digest
	timers  map[string]bool // those that are set
	lines   []string        // what sinks are given on the way
	sum     model.Digest
	entries func() []model.Entry
	words   string
}

func timerName(e model.Entry) string {
	return e.UID + "\x00" + string(e.Key) + "\x00" + string(e.Value)
}

func (a *aftermath) isPending(timer model.Entry) bool { return a.timers[timerName(timer)] }

func (a *aftermath) setTimers(es []model.Entry) {
	a.timers = map[string]bool{}
	for _, e := range es {
		if e.State == model.EventTimers {
			a.timers[timerName(e)] = true
		}
	}
}

// drained lets through what is in flight in a checkpoint.
func (o *contentOracle) drained(st *stored) (*aftermath, error) {
	g := o.judges.cluster.Graph
	if st.records() == 0 {
		a := &aftermath{state: st.keyed(), entries: func() []model.Entry { all, _ := st.neutral(); return all }}
		if timed(g) {
			a.setTimers(a.entries())
		}
		return a, nil
	}
	it, err := model.NewInterpreter(g)
	if err != nil {
		return nil, err
	}
	all, _ := st.neutral()
	for _, e := range all {
		if err := it.Load(e); err != nil {
			return nil, err
		}
	}
	for _, producers := range []bool{false, true} { // consumers' ends hold what was sent first
		for i := range st.tasks {
			if err := st.tasks[i].feed(it, producers); err != nil {
				return nil, err
			}
		}
	}
	if err := it.Run(nil); err != nil {
		return nil, fmt.Errorf("in-flight data: %w", err)
	}
	a := &aftermath{state: it.State(), entries: it.Entries, words: fmt.Sprintf(", with its %d records in flight let through,", st.records())}
	a.lines, a.sum = it.Lines(SinkUID)
	if timed(g) {
		a.setTimers(it.Entries())
	}
	return a, nil
}

// timed says that a job may set timers.
func timed(g *graph.Graph) bool {
	for _, n := range g.Nodes {
		if n.Kind == graph.Process || n.Kind == graph.CoProcess {
			return true
		}
	}
	return false
}

// records is how many records are in flight.
func (st *stored) records() (n int) {
	for _, t := range st.tasks {
		for _, f := range t.flying {
			for _, b := range f.batches {
				n += b.Len()
			}
		}
	}
	return n
}

// feed gives an interpreter what is in flight at a task's ends of one kind.
func (t *storedTask) feed(it *model.Interpreter, producers bool) error {
	for _, f := range t.flying {
		if f.producer != producers {
			continue
		}
		var rs []model.Record
		for _, b := range f.batches {
			for i := range b.Len() {
				v, ts := b.At(i)
				rs = append(rs, model.Record{Value: v, Time: ts})
			}
		}
		if err := it.FeedChannel(f.edge.To.Head().UID, f.edge.Edge, rs); err != nil {
			return err
		}
	}
	return nil
}

// feed brings the reference up to a checkpoint's positions.
func (o *contentOracle) feed(m *snapshot.Metadata) error {
	j := o.judges
	if o.it == nil {
		it, err := model.NewInterpreter(j.cluster.Graph)
		if err != nil {
			return err
		}
		o.it, o.fed = it, map[splitOf]int64{}
	}
	for _, v := range m.Vertices {
		for _, t := range v.Tasks {
			for _, p := range t.Sources {
				at := splitOf{v.UIDs[0], p.Split}
				from, ok := o.fed[at]
				if !ok {
					from = p.Start
				}
				if p.Next < from {
					return fmt.Errorf("source %s, %s: position %d is before %d, where an earlier checkpoint had it", v.UIDs[0], p.Split, p.Next, from)
				}
				o.fed[at] = p.Next
				if err := o.it.Feed(v.UIDs[0], model.LineRecords(j.run.data, from, p.Next)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// written is what sinks have committed of a checkpoint and those before it, or will.
type written struct {
	sum   model.Digest
	reads []func() ([]string, error) // the lines of one part
}

// lines reads all.
func (w *written) lines() ([]string, error) {
	var all []string
	for _, read := range w.reads {
		lines, err := read()
		if err != nil {
			return nil, err
		}
		all = append(all, lines...)
	}
	return all, nil
}

// output finds what belongs to a checkpoint and those before it: what is committed, and
// what it owns. A part is read once in a run: nobody changes it.
func (o *contentOracle) output(st *stored) (*written, error) {
	disk := o.judges.cluster.Disk.Durable()
	parts, err := file.ListCommitted(disk, OutputDir, SinkUID)
	if err != nil {
		return nil, err
	}
	if o.parts == nil {
		o.parts = map[string]model.Digest{}
	}
	w, done := &written{}, map[string]bool{}
	for _, p := range parts {
		if p.Checkpoint > st.meta.Checkpoint {
			continue
		}
		done[p.Name] = true
		if err := o.add(w, p.Name, func() ([]string, error) { return file.ReadPart(disk, OutputDir, p.Name) }); err != nil {
			return nil, err
		}
	}
	cs, err := st.committables()
	if err != nil {
		return nil, err
	}
	for _, c := range cs {
		if done[c.Token] {
			continue
		}
		done[c.Token] = true
		if err := o.add(w, c.Token, func() ([]string, error) { return file.ReadPreCommitted(disk, c) }); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (o *contentOracle) add(w *written, token string, read func() ([]string, error)) error {
	sum, ok := o.parts[token]
	if !ok {
		lines, err := read()
		if err != nil {
			return err
		}
		for _, l := range lines {
			sum.AddLine(l)
		}
		o.parts[token] = sum
	}
	w.sum, w.reads = w.sum.Plus(sum), append(w.reads, read)
	return nil
}

// atLeast checks a checkpoint of an at-least-once job: nothing is missing, and state and
// output are ahead of the reference by no more records than it and those restored
// before it hold beyond their barriers.
func (o *contentOracle) atLeast(st *stored, output *written) ([]string, error) {
	j, m := o.judges, st.meta
	allowed := j.licences.all()
	if !j.licences.seen[m.Checkpoint] {
		for _, r := range model.Repeated(j.cuts.cut(m)) {
			allowed += int64(r.Records)
		}
	}
	ahead, wrong := o.ahead(st)
	if ahead > allowed {
		wrong = append(wrong, fmt.Sprintf("its state is ahead by %d records, at most %d may come again", ahead, allowed))
	}
	got, err := output.lines()
	if err != nil {
		return nil, err
	}
	want, _ := o.it.Lines(SinkUID)
	extra := int64(len(got) - len(want))
	d := model.CheckMultiset(want, got)
	if d.Has(model.Missing) || extra > allowed {
		wrong = append(wrong, fmt.Sprintf("of the %d lines of the input up to its positions there are %d, with at most %d that may come again", len(want), len(got), allowed))
		wrong = append(wrong, d.Messages(nil)...)
	}
	if len(wrong) > 0 {
		wrong[0] = fmt.Sprintf("checkpoint %d: %s", m.Checkpoint, wrong[0])
	}
	return wrong, nil
}

// ahead is by how many records the state of a checkpoint is ahead of the reference.
func (o *contentOracle) ahead(st *stored) (ahead int64, wrong []string) {
	type name struct{ uid, state, key string }
	want := map[name][]byte{}
	for _, e := range o.it.Entries() {
		want[name{e.UID, e.State, string(e.Key)}] = e.Value
	}
	all, typed := st.neutral()
	for i, e := range all {
		at := name{e.UID, e.State, string(e.Key)}
		n, err := o.judges.run.scenario.Ahead(e.Value, want[at])
		if err != nil || n < 0 {
			key, value := typed[i].Text()
			wrong = append(wrong, fmt.Sprintf("operator %q, state %q, key %s: %s is behind the reference by %d (%v)", e.UID, e.State, key, value, -n, err))
		}
		ahead += n
		delete(want, at)
	}
	if len(want) > 0 {
		wrong = append(wrong, fmt.Sprintf("%d keys are missing from its state", len(want)))
	}
	return ahead, wrong
}
