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

	recordsIn, recordsOut, duplicates int64
}

func newJudges(r *run) *judges { return &judges{run: r} }

func (j *judges) oracles() []sim.Oracle[host.Event] {
	protocol := &protocolOracle{}
	if j.run.origin != nil {
		protocol.monitor.Completed(j.run.origin.Checkpoint)
	}
	return []sim.Oracle[host.Event]{&cutOracle{judges: j}, protocol, &provocationOracle{judges: j}, &outputOracle{judges: j}}
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

// check is what is wrong with a checkpoint: channels, then sources.
func (cs *cuts) check(m *snapshot.Metadata) []string {
	cut := model.Cut{Checkpoint: m.Checkpoint, Edges: cs.edges}
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
	m, ok := e.Data.(*snapshot.Metadata)
	if e.Kind != host.CheckpointCompleted || !ok {
		return nil
	}
	j := o.judges
	if j.cuts == nil {
		j.cuts = newCuts(j.cluster.Graph, j.run.config, j.run.data)
	}
	return violation(w, j.cuts.check(m))
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
	want, in, err := reference(c.Graph, j.run.data)
	if err != nil {
		return violation(w, []string{err.Error()})
	}
	d := model.CheckMultiset(append(want, j.run.accepted...), got)
	j.recordsIn, j.recordsOut, j.duplicates = in, int64(len(got)), duplicates(d, j.run.accepted)
	return violation(w, d.Messages(nil))
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
