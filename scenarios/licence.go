package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/model"
)

// licences are what restored at-least-once checkpoints allow to be counted again. A
// checkpoint that is restored twice licenses once: the first attempt after it left
// nothing behind.
type licences struct {
	// inherited says that the run starts from state that may hold records twice by
	// what earlier runs had restored: how many, nobody here knows.
	inherited bool
	seen      map[uint64]bool
	repeated  []licence
	// starts is what each attempt restored, nil for nothing.
	starts map[stream.Attempt]*snapshot.Metadata
	wrong  []string // what no job may license
}

// licence is a run of records that come again, of which values are known if a source
// decides what they are.
type licence struct {
	model.Repetition
	edge   *graph.PlanEdge
	m      *snapshot.Metadata
	values []any
}

// inherit takes note of the checkpoint that a run starts from.
func (l *licences) inherit(m *snapshot.Metadata) {
	l.inherited = m != nil && (m.AtLeastOnce || m.Repeats)
}

// any reports whether anything may be counted twice.
func (l *licences) any() bool { return l.inherited || len(l.seen) > 0 }

// back takes note of the restore of a checkpoint: what is newer is not in the state any
// more, nor what it had counted twice.
func (l *licences) back(checkpoint uint64) {
	l.repeated = slices.DeleteFunc(l.repeated, func(r licence) bool { return r.Checkpoint > checkpoint })
	for id := range l.seen { // unordered: each by itself
		if id > checkpoint {
			delete(l.seen, id)
		}
	}
}

// deployed takes note of an attempt and the checkpoint that it restores, nil for none.
func (l *licences) deployed(cs *cuts, a stream.Attempt, m *snapshot.Metadata) {
	if l.starts == nil {
		l.starts = map[stream.Attempt]*snapshot.Metadata{}
	}
	l.starts[a] = m
	if m != nil {
		l.restored(cs, m)
	}
}

// restored takes note of a restored checkpoint.
func (l *licences) restored(cs *cuts, m *snapshot.Metadata) {
	if l.seen[m.Checkpoint] || !m.AtLeastOnce {
		return
	}
	if l.seen == nil {
		l.seen = map[uint64]bool{}
	}
	l.seen[m.Checkpoint] = true
	start, known := l.starts[m.Attempt]
	known = known || !l.inherited // an attempt that nobody told of started from nothing
	sent := replays{cuts: cs, m: m, start: start, known: known}
	for _, r := range model.Repeated(cs.cut(m)) {
		one := licence{Repetition: r, m: m}
		if one.edge = cs.edge(r.Edge); one.edge != nil {
			var err error
			if one.values, err = sent.values(one.edge, r); err != nil {
				l.wrong = append(l.wrong, err.Error())
			}
		}
		l.repeated = append(l.repeated, one)
	}
}

// replays finds out which records those of a checkpoint's licences are.
type replays struct {
	cuts  *cuts
	m     *snapshot.Metadata
	start *snapshot.Metadata // restored by the attempt that took m
	known bool               // start is known
	sent  map[[2]int][][]any // by edge and producing subtask
}

// values is the records of a licence, nil if they depend on more than a source.
func (rs *replays) values(e *graph.PlanEdge, r model.Repetition) ([]any, error) {
	feeder := model.Feeder(e.Edge)
	if feeder == nil {
		return nil, nil
	}
	// A rebalance deals anew in each attempt: who got which record is told from
	// there on. All else is the same in every attempt.
	var start *snapshot.Metadata
	if e.Edge.Partitioner == graph.Rebalance {
		if start = rs.start; !rs.known {
			return nil, nil
		}
	}
	from := [2]int{e.Index, r.From}
	sent, ok := rs.sent[from]
	if !ok {
		pos, found := position(rs.m, feeder.UID, r.From)
		if !found {
			return nil, fmt.Errorf("%s: the checkpoint doesn't say what %s/%d reads", r, feeder.UID, r.From)
		}
		lines := model.LinesIn(rs.cuts.input, pos.Start, pos.End)
		if p, ok := position(start, feeder.UID, r.From); ok {
			lines = lines[min(max(p.Emitted, 0), int64(len(lines))):]
		}
		sent = model.Sent(e.Edge, e.To.Head(), r.From, lineRecords(lines))
		if rs.sent == nil {
			rs.sent = map[[2]int][][]any{}
		}
		rs.sent[from] = sent
	}
	if sent == nil {
		return nil, nil
	}
	all, first := sent[r.To], r.First-min(r.First, sentBefore(start, e, r))
	if first+r.Records > uint64(len(all)) {
		return nil, fmt.Errorf("%s: there are only %d records that the source sends there", r, len(all))
	}
	return all[first : first+r.Records], nil
}

// position is where a source's subtask stood, if it has one split.
func position(m *snapshot.Metadata, uid string, subtask int) (p connect.Position, ok bool) {
	if m == nil {
		return p, false
	}
	for _, v := range m.Vertices {
		if v.UIDs[0] == uid && subtask < len(v.Tasks) && len(v.Tasks[subtask].Sources) == 1 {
			return v.Tasks[subtask].Sources[0], true
		}
	}
	return p, false
}

// sentBefore is how many records a channel had carried at a checkpoint.
func sentBefore(m *snapshot.Metadata, e *graph.PlanEdge, r model.Repetition) uint64 {
	if m == nil || r.From >= len(m.Vertices[e.From.Index].Tasks) {
		return 0
	}
	for _, p := range m.Vertices[e.From.Index].Tasks[r.From].Out {
		if p.Edge == e.Index && p.Peer == r.To {
			return p.Record
		}
	}
	return 0
}

func lineRecords(lines []string) []model.Record {
	records := make([]model.Record, len(lines))
	for i, line := range lines {
		records[i] = model.Record{Value: line, Time: stream.NoTime}
	}
	return records
}

// on calls f with each licence of the edges of those names.
func (l *licences) on(f func(r *licence), edges ...string) {
	for i := range l.repeated {
		for _, e := range edges {
			if l.repeated[i].Edge == e {
				f(&l.repeated[i])
			}
		}
	}
}

// records is how many records may be taken again over some edges.
func (l *licences) records(edges ...string) (n int64) {
	l.on(func(r *licence) { n += int64(r.Records) }, edges...)
	return n
}

// all is how many records may be taken again.
func (l *licences) all() (n int64) {
	for i := range l.repeated {
		n += int64(l.repeated[i].Records)
	}
	return n
}

// values calls f with each record that may be taken again over some edges, which a
// source decides. One that is not known is an error, unless earlier runs are at play.
func (l *licences) values(f func(v any), edges ...string) (wrong []string) {
	l.on(func(r *licence) {
		if r.values == nil && r.Records > 0 && !l.inherited {
			wrong = append(wrong, r.Repetition.String()+": nobody knows which they are")
		}
		for _, v := range r.values {
			f(v)
		}
	}, edges...)
	return wrong
}

// taken is, by consuming subtask, how many records may be taken again over an edge,
// and how many checkpoints say so.
func (l *licences) taken(edge string, parallelism int) (records []int64, checkpoints []int) {
	records, checkpoints = make([]int64, parallelism), make([]int, parallelism)
	seen := map[[2]uint64]bool{}
	l.on(func(r *licence) {
		records[r.To] += int64(r.Records)
		if k := [2]uint64{r.Checkpoint, uint64(r.To)}; !seen[k] {
			seen[k] = true
			checkpoints[r.To]++
		}
	}, edge)
	return records, checkpoints
}

// named is how many records of a licence are named.
const named = 6

// names are the runs of records that may be counted twice, in words.
func (l *licences) names() []string {
	var all []string
	for _, r := range l.repeated {
		text := r.Repetition.String()
		if len(r.values) > 0 {
			text += ": " + r.first()
		}
		all = append(all, text)
	}
	return all
}

// first names the first records of a licence: by their keys, or by themselves where
// they have none.
func (r *licence) first() string {
	key := func(v any) any { return v }
	if to := r.edge.To.Head(); r.edge.Edge.Partitioner == graph.Hash {
		if key = to.Logic.Key; r.edge.Edge.Input == 1 {
			key = to.Logic.SecondKey
		}
	}
	var parts []string
	for _, v := range r.values[:min(len(r.values), named)] {
		text := fmt.Sprint(key(v))
		if len(text) > 24 {
			text = text[:24] + "..."
		}
		parts = append(parts, fmt.Sprintf("%q", text))
	}
	if n := len(r.values) - named; n > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(parts, ", ")
}
