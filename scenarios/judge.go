package scenarios

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/model"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

// judges are the oracles of one run.
type judges struct {
	run     *run
	cluster *cluster.Cluster
	cuts    *cuts
	// known is the metadata of checkpoints by id, as they are sealed.
	known    map[uint64]*snapshot.Metadata
	licences licences
	watcher  watcher
	seen     linearizable

	recordsIn, recordsOut, duplicates int64
}

func newJudges(r *run) *judges {
	j := &judges{run: r, known: map[uint64]*snapshot.Metadata{}}
	j.seen.judges = j
	if m := r.origin.metadata(); m != nil {
		j.known[m.Checkpoint] = m
		j.licences.inherit(m)
	}
	return j
}

func (j *judges) oracles() []sim.Oracle[host.Event] {
	protocol := &protocolOracle{}
	if j.run.origin != nil {
		protocol.monitor.Completed(j.run.origin.Checkpoint)
	}
	return []sim.Oracle[host.Event]{
		&cutOracle{judges: j}, protocol, &provocationOracle{judges: j}, &outputOracle{judges: j}, &storageOracle{judges: j}, j.watch(), &j.seen,
	}
}

// brought says that the run starts from a checkpoint of the user's.
func (j *judges) brought() bool { return j.run.origin != nil || j.run.config.RecoveryPath != "" }

// cuts checks the consistent cut of completed checkpoints.
type cuts struct {
	edges []model.Edge
	input []byte
}

func newCuts(g *graph.Graph, c *engine.Config, input []byte) *cuts {
	cs := &cuts{input: input}
	for _, e := range g.Plan(c.Chaining).Edges {
		cs.edges = append(cs.edges, model.Edge{
			Name:     e.From.Tail().UID + "->" + e.To.Head().UID,
			Channels: e.From.Parallelism * e.Channels(true),
		})
	}
	return cs
}

// cut is the neutral view of a checkpoint.
func (cs *cuts) cut(m *snapshot.Metadata) model.Cut {
	cut := model.Cut{Checkpoint: m.Checkpoint, AtLeastOnce: m.AtLeastOnce, Edges: cs.edges}
	for _, v := range m.Vertices {
		for i, t := range v.Tasks {
			for _, p := range t.In {
				cut.Ends = append(cut.Ends, model.ChannelEnd{Edge: p.Edge, From: p.Peer, To: i, Record: p.Record, First: p.First, InFlight: p.InFlight})
			}
			for _, p := range t.Out {
				cut.Ends = append(cut.Ends, model.ChannelEnd{Edge: p.Edge, From: i, To: p.Peer, Producer: true, Record: p.Record, First: p.First, InFlight: p.InFlight})
			}
			for _, p := range t.Sources {
				cut.Sources = append(cut.Sources, source(v.UIDs[0], p))
			}
		}
	}
	return cut
}

// check is what is wrong with a checkpoint: channels, then sources.
func (cs *cuts) check(m *snapshot.Metadata) []string {
	cut := cs.cut(m)
	return append(model.CheckCut(cut), model.CheckSources(cut, func(s model.SourcePosition) int64 {
		return model.CountLines(cs.input, s.Start, s.Next)
	})...)
}

func source(uid string, p connect.Position) model.SourcePosition {
	return model.SourcePosition{Source: uid, Split: p.Split, Start: p.Start, Next: p.Next, End: p.End, Emitted: p.Emitted}
}

// violation makes one of several messages, nil of none.
func violation(w *sim.World, messages []string) *sim.Violation {
	if len(messages) == 0 {
		return nil
	}
	return &sim.Violation{Message: strings.Join(messages, "\n"), Event: w.EventNumber(), Time: w.Now()}
}

// cutOracle is oracle 3a and 3c: every completed checkpoint is a consistent cut.
type cutOracle struct{ judges *judges }

// ID implements sim.Oracle.
func (o *cutOracle) ID() string { return "cut" }

// OnEvent implements sim.Oracle.
func (o *cutOracle) OnEvent(w *sim.World, e *host.Event) *sim.Violation {
	j := o.judges
	if j.cuts == nil {
		j.cuts = newCuts(j.cluster.Graph, j.run.config, j.run.data)
	}
	m, _ := e.Data.(*snapshot.Metadata)
	switch {
	case e.Kind == host.CheckpointSealing && m != nil:
		j.known[m.Checkpoint] = m
	case e.Kind == host.CheckpointCompleted && m != nil:
		return violation(w, j.cuts.check(m))
	case e.Kind == host.Deploying && j.known[e.Checkpoint] != nil:
		j.licences.restored(j.cuts, j.known[e.Checkpoint])
	}
	return nil
}

// OnEnd implements sim.Oracle.
func (o *cutOracle) OnEnd(*sim.World) *sim.Violation { return nil }

// protocolOracle follows what completes, is committed and is restored.
type protocolOracle struct{ monitor model.CommitMonitor }

// ID implements sim.Oracle.
func (o *protocolOracle) ID() string { return "protocol" }

// OnEvent implements sim.Oracle.
func (o *protocolOracle) OnEvent(w *sim.World, e *host.Event) *sim.Violation {
	switch e.Kind {
	case host.CheckpointSealing:
		o.monitor.Sealing(e.Checkpoint)
	case host.CheckpointCompleted:
		return violation(w, o.monitor.Completed(e.Checkpoint))
	case host.SinkCommitted:
		return violation(w, o.monitor.Committed(e.Subject, e.Text, e.Checkpoint))
	case host.Deploying:
		return violation(w, o.monitor.Restored(e.Checkpoint))
	}
	return nil
}

// OnEnd implements sim.Oracle.
func (o *protocolOracle) OnEnd(*sim.World) *sim.Violation { return nil }

// provocationOracle is oracle 6: whatever fails was provoked.
type provocationOracle struct {
	judges   *judges
	troubles []model.Trouble
	aborted  uint64 // newest checkpoint given up: declining it after that is no trouble
}

// ID implements sim.Oracle.
func (o *provocationOracle) ID() string { return "provocation" }

// OnEvent implements sim.Oracle.
func (o *provocationOracle) OnEvent(w *sim.World, e *host.Event) *sim.Violation {
	j := o.judges
	switch e.Kind {
	case host.CheckpointDeclined:
		if e.Checkpoint <= o.aborted {
			return nil
		}
	case host.CheckpointAborted:
		o.aborted = max(o.aborted, e.Checkpoint)
	case host.TaskFailed, host.Restarting, host.JobFailed, host.WorkerLost,
		host.CorruptFile:
		if e.Cause == host.CauseCorrupt && j.brought() {
			return nil // the damage was there before the run
		}
	default:
		return nil
	}
	cause := ""
	if e.Cause != host.CauseNone {
		cause = e.Cause.String()
	}
	o.troubles = append(o.troubles, model.Trouble{
		Event: w.EventNumber(), What: fmt.Sprintf("%s %s: %s", e.Subject, e.Kind, e.Text), Cause: cause,
	})
	return nil
}

// OnEnd implements sim.Oracle.
func (o *provocationOracle) OnEnd(w *sim.World) *sim.Violation {
	var faults []model.Fault
	for _, f := range o.judges.cluster.Injected {
		faults = append(faults, model.Fault{Event: f.Event, Kind: string(f.Fault.Kind), Target: f.Fault.Target})
	}
	return violation(w, model.CheckProvoked(o.troubles, faults))
}

// outputOracle is oracle 1: what is committed is what the reference interpreter
// says, as a multiset, and the job ended well.
type outputOracle struct{ judges *judges }

// ID implements sim.Oracle.
func (o *outputOracle) ID() string { return "output" }

// OnEvent implements sim.Oracle.
func (o *outputOracle) OnEvent(*sim.World, *host.Event) *sim.Violation { return nil }

// OnEnd implements sim.Oracle.
func (o *outputOracle) OnEnd(w *sim.World) *sim.Violation {
	j := o.judges
	c := j.cluster
	if !c.Finished {
		if c.Outcome == "" {
			return nil // the run was ended by another violation
		}
		return violation(w, []string{"the job failed: " + c.Outcome})
	}
	got, err := committed(c.Disk.Durable())
	if err != nil {
		return violation(w, []string{err.Error()})
	}
	want, in, err := j.run.read.reference(c.Graph)
	if err != nil {
		return violation(w, []string{err.Error()})
	}
	j.recordsIn, j.recordsOut = in, int64(len(got))
	var wrong []string
	wrong, j.duplicates = j.run.scenario.compare(want, got, j.run.accepted, &j.licences)
	return violation(w, wrong)
}

// compare says what is wrong with committed lines, and counts what is there more
// often than once: lines that the user accepted, and what licences allow.
func (s *Scenario) compare(want, got, accepted []string, l *licences) (wrong []string, twice int64) {
	if l.any() && s.Repeats != nil {
		wrong, twice = s.Repeats(want, without(got, accepted), l)
		return wrong, twice + int64(len(accepted))
	}
	d := model.CheckMultiset(append(want, accepted...), got)
	return d.Messages(nil), duplicates(d, accepted)
}

// without is lines less one copy of each of some.
func without(lines, some []string) []string {
	if len(some) == 0 {
		return lines
	}
	less := map[string]int{}
	for _, l := range some {
		less[l]++
	}
	var rest []string
	for _, l := range lines {
		if less[l] > 0 {
			less[l]--
			continue
		}
		rest = append(rest, l)
	}
	return rest
}

// duplicates counts lines that were committed more often than once: those that the
// user accepted, and others.
func duplicates(d *model.Diff, accepted []string) int64 {
	n := len(accepted)
	if d != nil {
		n += d.Lines[model.Duplicated] - min(n, d.Lines[model.Missing])
	}
	return int64(n)
}

// reference is the lines that the job must commit for an input, and the number of
// records of the input.
func reference(g *graph.Graph, data []byte) (want []string, in int64, err error) {
	inputs := map[string][]model.Record{}
	for _, n := range g.Nodes {
		if n.Kind != graph.Source {
			continue
		}
		for _, line := range model.Lines(data) {
			inputs[n.UID] = append(inputs[n.UID], model.Record{Value: line, Time: stream.NoTime})
		}
		in += int64(len(inputs[n.UID]))
		if inputs[n.UID] == nil {
			inputs[n.UID] = []model.Record{}
		}
	}
	out, err := model.Interpret(g, inputs)
	if err != nil {
		return nil, 0, fmt.Errorf("reference output: %w", err)
	}
	for _, line := range out.Sink(SinkUID).Lines {
		want = append(want, strings.TrimSuffix(line, "\n"))
	}
	return want, in, nil
}
