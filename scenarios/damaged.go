package scenarios

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/model"
)

// damagedCheckpoint is wordcount on a disk that damages completed checkpoints, each time
// with a crash behind it, so that a recovery has to read what is left.
func damagedCheckpoint() *Scenario {
	s := wordcount()
	s.Name = "damaged-checkpoint"
	s.Promise = "damage that a recovery reads is named; the job goes on from an older checkpoint at least once only, else it fails, says which one is left, and what is committed stays a prefix; damage that is not read does no harm"
	s.Faults = append(append([]string(nil), allFaults...), damaging...)
	s.Damaged = true
	return s
}

// committed is what is committed: what the job's state has in it, the lines that were
// committed for checkpoints that were lost, and what is wrong with the latter.
func (j *judges) committed() (got *output, again, wrong []string, err error) {
	parts, err := file.ReadCommitted(j.cluster.Disk.Durable(), OutputDir, SinkUID)
	if err != nil {
		return nil, nil, nil, err
	}
	got = outputOf(parts, j.run.accepted)
	if j.run.scenario.Damaged && len(j.damages.lineage.lost) > 0 {
		got.lines, again, wrong = j.damages.lineage.split(without(parts, j.run.accepted))
	}
	return got, again, wrong, nil
}

// partial judges what a job has committed that failed as promised: nothing but what the
// newest checkpoint owns, in order, nothing twice; and all of it, if nothing was left to
// commit and nothing in flight.
func (j *judges) partial() (wrong []string) {
	parts, err := file.ReadCommitted(j.cluster.Disk.Durable(), OutputDir, SinkUID)
	if err != nil {
		return []string{err.Error()}
	}
	before := uint64(0)
	if o := j.run.origin; o != nil {
		before = o.Checkpoint
	}
	got := outputOf(parts, j.run.accepted)
	newest := j.damages.newest()
	wrong = j.damages.ready.prefix(parts, newest, before)
	m := j.known[newest]
	want, in, err := j.upTo(m)
	if err != nil {
		return append(wrong, err.Error())
	}
	j.recordsIn, j.recordsOut = in, got.records()
	diff := model.CheckMultiset(want, got.lines)
	if j.run.scenario.Damaged && m != nil && m.InFlight() == 0 && j.damages.ready.all(parts, newest) {
		return append(wrong, diff.Messages(nil)...)
	}
	return append(wrong, beyond(diff)...)
}

// beyond is what of a difference is no line that is missing.
func beyond(d *model.Diff) (wrong []string) {
	if !d.Has(model.Duplicated) && !d.Has(model.Unexpected) {
		return nil
	}
	for _, e := range d.Examples {
		if e.Deviation != model.Missing {
			wrong = append(wrong, e.String())
		}
	}
	return wrong
}

// upTo is the output of a job for the input that its sources had read at a checkpoint,
// nil for none, and the number of its records. Where the end of the input makes output
// of its own it is that of all input.
func (j *judges) upTo(m *snapshot.Metadata) (want []string, in int64, err error) {
	if m == nil {
		return nil, 0, nil
	}
	if !j.run.scenario.Damaged {
		x, err := j.run.read.reference(j.run.scenario, j.cluster.Graph)
		if err != nil {
			return nil, 0, err
		}
		return x.lines, x.in, nil
	}
	inputs := map[string][]model.Record{}
	for _, n := range j.cluster.Graph.Nodes {
		if n.Kind == graph.Source {
			inputs[n.UID] = []model.Record{}
		}
	}
	for _, v := range m.Vertices {
		for _, t := range v.Tasks {
			for _, p := range t.Sources {
				for _, line := range linesFrom(j.run.data, p.Start, p.Next) {
					inputs[v.UIDs[0]] = append(inputs[v.UIDs[0]], model.Record{Value: line, Time: stream.NoTime})
					in++
				}
			}
		}
	}
	out, err := model.InterpretAt(j.cluster.Graph, inputs, j.run.scenario.Clock)
	if err != nil {
		return nil, 0, fmt.Errorf("reference output: %w", err)
	}
	for _, line := range out.Sink(SinkUID).Lines {
		want = append(want, strings.TrimSuffix(line, "\n"))
	}
	return want, in, nil
}

// linesFrom is the lines of a text that begin in [start, next).
func linesFrom(data []byte, start, next int64) (some []string) {
	at := int64(0)
	for _, line := range model.Lines(data) {
		if at >= start && at < next {
			some = append(some, line)
		}
		at += int64(len(line)) + 1
	}
	return some
}
