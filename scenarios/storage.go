package scenarios

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

// storageOracle is oracle 7: when the job has finished, what is on disk is exactly
// what retained checkpoints and committed output reach. Nothing they need is missing,
// nothing else is left.
type storageOracle struct {
	judges *judges
	latest stream.Attempt
	// discarded is when a checkpoint was discarded last: how many events and notes there
	// were.
	discarded uint64
}

// ID implements sim.Oracle.
func (o *storageOracle) ID() string { return "storage" }

// OnEvent implements sim.Oracle.
func (o *storageOracle) OnEvent(w *sim.World, e *host.Event) *sim.Violation {
	switch e.Kind {
	case host.Deploying:
		o.latest = stream.Attempt{Epoch: e.Epoch, Number: e.Number}
	case host.CheckpointDiscarded:
		o.discarded = w.Numbers()
	}
	return nil
}

// leftAttempt is an attempt in the name of a file that is left over.
var leftAttempt = regexp.MustCompile(`-(\d+\.\d+)(?:-\d+|\.tmp)? is left over`)

// lateWriter reports whether calls may be made long after their attempt has ended.
func lateWriter(in cluster.Injection) bool {
	switch in.Fault.Kind {
	case faults.Pause, faults.SlowDisk, faults.Partition, faults.Stall, faults.Lose:
		return true
	}
	return false
}

// withoutZombies leaves out the files of attempts before the latest: a process that was
// paused or cut off when they ended, or waits for its disk, may write them later, after
// what was left of them was removed.
func withoutZombies(wrong []string, latest stream.Attempt) []string {
	return slices.DeleteFunc(wrong, func(text string) bool {
		found := leftAttempt.FindStringSubmatch(text)
		return found != nil && found[1] != latest.String()
	})
}

// OnEnd implements sim.Oracle.
func (o *storageOracle) OnEnd(w *sim.World) *sim.Violation {
	j := o.judges
	if !j.cluster.Finished {
		return nil
	}
	c := j.run.config
	stay := j.unremoved(c.CheckpointDir, o.discarded)
	wrong := stay.without(atRest(j.cluster.Disk.Node("observer"), c.CheckpointDir, c.Retained+stay.complete, j.damages.harmed))
	if slices.ContainsFunc(j.cluster.Troubles, lateWriter) {
		wrong = withoutZombies(wrong, o.latest)
	}
	return violation(w, wrong)
}

// atRest says what is missing from, or left over in, the storage of a finished job.
// Files that a fault has harmed, and no others, can't be read.
func atRest(files fs.FS, checkpoints string, retained int, harmed func(name string) bool) (wrong []string) {
	dirs, err := files.List(checkpoints)
	if err != nil {
		return []string{err.Error()}
	}
	complete := 0
	for _, d := range dirs {
		dir := path.Join(checkpoints, d.Name)
		m, err := snapshot.ReadMetadata(files, dir)
		name := path.Join(dir, snapshot.MetadataName)
		switch {
		case err == nil && harmed(name):
			wrong = append(wrong, name+" was damaged, and reads as if it were whole")
		case err != nil && harmed(name):
			complete++
			continue
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("%s is left over: %v", dir, err))
			continue
		}
		complete++
		wrong = append(wrong, reached(files, dir, m, harmed)...)
	}
	if complete > retained {
		wrong = append(wrong, fmt.Sprintf("%d checkpoints are left, %d are to be retained", complete, retained))
	}
	return append(wrong, orphans(files)...)
}

// reached compares a checkpoint's directory with its metadata.
func reached(files fs.FS, dir string, m *snapshot.Metadata, harmed func(name string) bool) (wrong []string) {
	want := []string{snapshot.MetadataName}
	for _, v := range m.Vertices {
		for _, t := range v.Tasks {
			want = append(want, t.File)
			_, err := snapshot.ReadTask(files, dir, t)
			switch name := path.Join(dir, t.File); {
			case err == nil && harmed(name):
				wrong = append(wrong, name+" was damaged, and reads as if it were whole")
			case err != nil && !harmed(name):
				wrong = append(wrong, fmt.Sprintf("%s is dangling: %v", name, err))
			}
		}
	}
	infos, err := files.List(dir)
	if err != nil {
		return append(wrong, err.Error())
	}
	for _, info := range infos {
		if !slices.Contains(want, info.Name) {
			wrong = append(wrong, fmt.Sprintf("%s/%s is left over: its checkpoint does not know it", dir, info.Name))
		}
	}
	return wrong
}

// orphans are files of transactions that neither were committed nor will be.
func orphans(files fs.FS) (wrong []string) {
	infos, err := files.List(OutputDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return []string{err.Error()}
	}
	for _, info := range infos {
		if strings.HasPrefix(info.Name, ".tmp-") {
			wrong = append(wrong, fmt.Sprintf("%s/%s is left over: nobody will commit it", OutputDir, info.Name))
		}
	}
	return wrong
}
