package scenarios

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/model"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

// damages is what is known of damage to completed checkpoints: what the run's faults
// did, what was restored since, and what was left. Its promises:
//
//	every damaged file that a recovery reads is named, and never restored from
//	an older checkpoint is restored in at-least-once mode only
//	otherwise the job fails, naming a damaged file and the newest checkpoint that is
//	left, with the flag to start from it, and what is committed stays a prefix
type damages struct {
	judges *judges
	all    []cluster.Injection
	seen   int // of the cluster's list
	// begun and deployed are how many of all there were when the recovery under way
	// began, and when the current attempt was deployed.
	begun, deployed int
	named           []string // what was reported as damaged since that recovery began
	completed       []uint64 // ascending, with those that only a restore showed
	announced       uint64   // newest that was reported complete
	discarded       map[uint64]bool
	lineage         lineage
	ready           tokens
	// promised is why the job failed, if that is what was promised.
	promised string
}

// follow makes the run's damages an oracle.
func (j *judges) follow() sim.Oracle[host.Event] {
	d := &j.damages
	d.judges, d.discarded = j, map[uint64]bool{}
	if o := j.run.origin; o != nil {
		d.complete(o.Checkpoint)
	}
	return d
}

// ID implements sim.Oracle.
func (d *damages) ID() string { return "damage" }

// OnEnd implements sim.Oracle. Damage may come after the engine's last word; the oracles
// behind this one judge what it leaves on the disk.
func (d *damages) OnEnd(*sim.World) *sim.Violation {
	d.catchUp()
	return nil
}

// OnEvent implements sim.Oracle.
func (d *damages) OnEvent(w *sim.World, e *host.Event) *sim.Violation {
	d.catchUp()
	switch e.Kind {
	case host.EpochStarted, host.Restarting:
		d.begun, d.named = len(d.all), nil
	case host.CorruptFile:
		d.named = append(d.named, e.Text)
	case host.CheckpointTriggered:
		d.lineage.triggered(e.Checkpoint)
	case host.CheckpointCompleted:
		d.announced = max(d.announced, e.Checkpoint)
		d.complete(e.Checkpoint)
	case host.CheckpointDiscarded:
		d.discarded[e.Checkpoint] = true
	case host.SinkPreCommitted, host.SinkCommitted:
		d.ready.on(e)
	case host.Deploying:
		return violation(w, d.deploying(e))
	case host.Restored:
		return violation(w, d.restored(e))
	case host.JobFailed:
		return violation(w, d.jobFailed(e))
	}
	return nil
}

// catchUp takes note of new damage.
func (d *damages) catchUp() {
	c := d.judges.cluster
	if c == nil || d.seen == len(c.Injected) {
		return
	}
	for _, in := range c.Injected[d.seen:] {
		if in.Damage != nil {
			d.all = append(d.all, in)
		}
	}
	d.seen = len(c.Injected)
}

func (d *damages) complete(id uint64) {
	if i, ok := slices.BinarySearch(d.completed, id); !ok && id > 0 {
		d.completed = slices.Insert(d.completed, i, id)
	}
}

// newest is the newest completed checkpoint, 0 for none.
func (d *damages) newest() uint64 {
	if len(d.completed) == 0 {
		return 0
	}
	return d.completed[len(d.completed)-1]
}

// dir is a checkpoint's directory.
func (d *damages) dir(id uint64) string {
	return snapshot.Dir(d.judges.run.config.CheckpointDir, id)
}

// of is the damage to a checkpoint among some, nil for none.
func (d *damages) of(id uint64, some []cluster.Injection) *cluster.Injection {
	for i := range some {
		if some[i].Damage.Checkpoint == id {
			return &some[i]
		}
	}
	return nil
}

// harmed reports whether a file was damaged, alone or with its directory.
func (d *damages) harmed(name string) bool {
	return slices.ContainsFunc(d.all, func(in cluster.Injection) bool {
		return in.Damage.File == name || in.Damage.File == path.Dir(name)
	})
}

// excused reports whether a text is about a checkpoint that is being removed: whoever
// reads it while it goes finds it damaged.
func (d *damages) excused(text string) bool {
	for _, id := range d.completed {
		if d.discarded[id] && id < d.newest() && model.Mentions(text, d.dir(id)) {
			return true
		}
	}
	return false
}

// deploying judges which checkpoint an attempt restores.
func (d *damages) deploying(e *host.Event) (wrong []string) {
	before := d.newest()
	d.complete(e.Checkpoint)
	if in := d.of(e.Checkpoint, d.all[:d.begun]); in != nil {
		wrong = append(wrong, fmt.Sprintf("checkpoint %d is restored, but %s had damaged %s of it", e.Checkpoint, in.Fault.Kind, in.Damage.File))
	}
	for i, in := range d.all[:d.begun] {
		id := in.Damage.Checkpoint
		if id <= e.Checkpoint || d.of(id, d.all[:i]) != nil || !d.readable(id) {
			continue
		}
		if !d.isNamed(id) {
			wrong = append(wrong, fmt.Sprintf("checkpoint %d is restored instead of checkpoint %d, of which %s had damaged %s: nobody was told", e.Checkpoint, id, in.Fault.Kind, in.Damage.File))
		}
	}
	d.deployed = len(d.all)
	d.lineage.restore(stream.Attempt{Epoch: e.Epoch, Number: e.Number}, e.Checkpoint, before)
	d.ready.restore(e)
	return wrong
}

// readable reports whether a recovery that passes over a checkpoint must have seen that
// it was complete: its metadata is there, or a note says so.
func (d *damages) readable(id uint64) bool {
	if d.discarded[id] {
		return false
	}
	if id == d.announced {
		return true
	}
	return !slices.ContainsFunc(d.all, func(in cluster.Injection) bool {
		return in.Damage.Checkpoint == id && in.Damage.Lost(in.Fault.Kind)
	})
}

// isNamed reports whether damage to a checkpoint was reported, by the file.
func (d *damages) isNamed(id uint64) bool {
	return slices.ContainsFunc(d.all, func(in cluster.Injection) bool {
		return in.Damage.Checkpoint == id && slices.ContainsFunc(d.named, func(text string) bool { return model.Mentions(text, in.Damage.File) })
	})
}

// restored judges a task that took its state back.
func (d *damages) restored(e *host.Event) (wrong []string) {
	m := d.judges.known[e.Checkpoint]
	if m == nil {
		return nil
	}
	for i, v := range d.judges.cluster.Graph.Plan(d.judges.run.config.Chaining).Vertices {
		for sub := range v.Parallelism {
			if v.Task(sub) != e.Subject {
				continue
			}
			name := path.Join(d.dir(e.Checkpoint), m.Vertices[i].Tasks[sub].File)
			for _, in := range d.all[:d.deployed] {
				if in.Damage.File == name {
					wrong = append(wrong, fmt.Sprintf("%s is restored from %s, which %s had damaged", e.Subject, name, in.Fault.Kind))
				}
			}
		}
	}
	return wrong
}

// jobFailed judges a job that gave up because of damage. One that gave up because of
// anything else is the output oracle's matter.
func (d *damages) jobFailed(e *host.Event) (wrong []string) {
	if e.Cause != host.CauseCorrupt || d.judges.run.config.AtLeastOnce {
		return nil
	}
	i := slices.IndexFunc(d.all, func(in cluster.Injection) bool {
		return in.Damage.Checkpoint >= d.newest() && model.Mentions(e.Text, in.Damage.File)
	})
	if i < 0 {
		if in := d.of(d.newest(), d.all); in != nil {
			return []string{fmt.Sprintf("the job failed and named no damaged file of checkpoint %d, such as %s: %s", d.newest(), in.Damage.File, e.Text)}
		}
		return nil
	}
	id := d.all[i].Damage.Checkpoint
	for _, in := range d.all[:d.begun] {
		newer := in.Damage.Checkpoint < id && in.Damage.Checkpoint > d.older(id, d.begun, false) && !d.discarded[in.Damage.Checkpoint]
		if newer && d.readable(in.Damage.Checkpoint) && !d.isNamed(in.Damage.Checkpoint) {
			wrong = append(wrong, fmt.Sprintf("the job failed and did not name the damage to checkpoint %d, %s: %s", in.Damage.Checkpoint, in.Damage.File, e.Text))
		}
	}
	for _, limit := range []int{d.begun, len(d.all)} {
		for _, going := range []bool{false, true} {
			if saysWayOut(e.Text, d.older(id, limit, going), d.dir) {
				d.promised = e.Text
				return wrong
			}
		}
	}
	way := "that there is no older checkpoint"
	if c := d.older(id, len(d.all), false); c > 0 {
		way = "--from " + d.dir(c)
	}
	return append(wrong, fmt.Sprintf("the job failed and did not say %s: %s", way, e.Text))
}

// older is the newest checkpoint before one that the first of the damage has left
// whole, 0 for none; going says whether one that is being removed counts.
func (d *damages) older(than uint64, limit int, going bool) uint64 {
	for _, id := range slices.Backward(d.completed) {
		if id < than && d.of(id, d.all[:limit]) == nil && (going || !d.discarded[id]) && d.there(id) {
			return id
		}
	}
	return 0
}

// there reports whether a checkpoint's metadata is on the disk.
func (d *damages) there(id uint64) bool {
	_, err := d.judges.cluster.Disk.Node("observer").Stat(path.Join(d.dir(id), snapshot.MetadataName))
	return err == nil
}

func saysWayOut(text string, older uint64, dir func(id uint64) string) bool {
	if older == 0 {
		return strings.Contains(text, "there is no older checkpoint")
	}
	_, way, ok := strings.Cut(text, "--from ")
	return ok && model.Mentions(way, dir(older))
}

// tell tells a monitor which checkpoints are lost since it was told last, and which were
// discarded. It keeps count by the injections dealt with.
func (d *damages) tell(m *model.Protocol, told *int, e *host.Event) {
	d.catchUp()
	for _, in := range d.all[*told:] {
		m.Lost(in.Damage.Checkpoint)
	}
	*told = len(d.all)
	if e.Kind != host.Deploying || len(d.all) == 0 {
		return
	}
	for _, id := range d.completed {
		if d.discarded[id] && d.of(id, d.all) == nil && !d.there(id) {
			m.Discarded(id)
		}
	}
}

// sight notes which points of the coverage damage has reached.
func (d *damages) sight(w *watcher, e *host.Event) {
	newest := d.of(d.newest(), d.all)
	corrupt := e.Cause == host.CauseCorrupt
	switch e.Kind {
	case host.CorruptFile:
		if newest != nil && d.isNamed(newest.Damage.Checkpoint) {
			w.saw(damagedFound, true)
			w.saw(noteAlone, newest.Damage.Lost(newest.Fault.Kind))
		}
	case host.TaskFailed:
		w.saw(damagedLate, corrupt && slices.ContainsFunc(d.all, func(in cluster.Injection) bool { return model.Mentions(e.Text, in.Damage.File) }))
	case host.JobFailed:
		w.saw(failedAsPromised, d.promised != "")
	case host.JobFinished:
		w.saw(damageUnread, len(d.all) > 0 && !w.points[damagedFound])
	}
}

// modelFault is what the model is told of an injection.
func modelFault(in cluster.Injection) model.Fault {
	f := model.Fault{Event: in.Event, Kind: string(in.Fault.Kind), Target: in.Fault.Target}
	if in.Damage != nil {
		f.File = in.Damage.File
	}
	return f
}

// damaging are the kinds of fault that damage a checkpoint.
var damaging = kindsOf(faults.Kind.Damages)
