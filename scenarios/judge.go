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
	damages  damages
	states   stateOracle
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
	j.states = stateOracle{judges: j, seen: map[taskAt]*seenState{}}
	if j.run.origin != nil {
		j.states.newest = j.run.origin.Checkpoint
	}
	return []sim.Oracle[host.Event]{
		j.follow(), &cutOracle{judges: j}, &j.states, &contentOracle{judges: j}, &protocolOracle{judges: j}, &provocationOracle{judges: j}, &coordinatorOracle{judges: j},
		&outputOracle{judges: j}, &storageOracle{judges: j}, &resourcesOracle{judges: j}, j.watch(), &j.seen,
	}
}

// brought says that the run starts from a checkpoint of the user's.
func (j *judges) brought() bool { return j.run.origin != nil || j.run.config.RecoveryPath != "" }

// cuts checks the consistent cut of completed checkpoints.
type cuts struct {
	plan  *graph.Plan
	edges []model.Edge
	input []byte
	// newest is the last checkpoint that is known to be complete.
	newest *snapshot.Metadata
}

func newCuts(g *graph.Graph, c *engine.Config, input []byte) *cuts {
	cs := &cuts{plan: g.Plan(c.Chaining), input: input}
	for _, e := range cs.plan.Edges {
		cs.edges = append(cs.edges, model.Edge{
			Name:     e.From.Tail().UID + "->" + e.To.Head().UID,
			Channels: e.From.Parallelism * e.Channels(true),
		})
	}
	return cs
}

// edge is the edge of that name, nil if there is none.
func (cs *cuts) edge(name string) *graph.PlanEdge {
	for i, e := range cs.edges {
		if e.Name == name && cs.plan != nil {
			return cs.plan.Edges[i]
		}
	}
	return nil
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
		j.cuts.newest = m
		return violation(w, j.cuts.check(m))
	case e.Kind == host.Deploying:
		j.licences.back(e.Checkpoint)
		j.licences.deployed(j.cuts, stream.Attempt{Epoch: e.Epoch, Number: e.Number}, j.known[e.Checkpoint])
	}
	return nil
}

// OnEnd implements sim.Oracle.
func (o *cutOracle) OnEnd(*sim.World) *sim.Violation { return nil }

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
		if saysDamaged(e) && e.Kind != host.JobFailed && j.damages.excused(e.Text) {
			return nil
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
		Damage: saysDamaged(e),
	})
	return nil
}

// OnEnd implements sim.Oracle.
func (o *provocationOracle) OnEnd(w *sim.World) *sim.Violation {
	c := o.judges.cluster
	return violation(w, model.CheckProvoked(o.troubles, modelFaults(c.Injected, c.Troubles)))
}

// outputOracle is oracle 1: what is committed is what the reference interpreter
// says, in the order that the scenario declares, and the job ended well.
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
		if j.damages.promised != "" {
			return violation(w, j.partial())
		}
		return violation(w, []string{"the job failed: " + c.Outcome})
	}
	got, again, lost, err := j.committed()
	if err != nil {
		return violation(w, []string{err.Error()})
	}
	want, err := j.run.read.reference(j.run.scenario, c.Graph)
	if err != nil {
		return violation(w, []string{err.Error()})
	}
	j.recordsIn, j.recordsOut = want.in, got.records()+int64(len(again))
	var wrong []string
	wrong, j.duplicates = j.run.scenario.compare(&judged{c.Graph, want, j.run.accepted, j.cuts, &j.licences}, got)
	j.duplicates += int64(len(again))
	return violation(w, append(wrong, lost...))
}
