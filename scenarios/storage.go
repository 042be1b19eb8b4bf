package scenarios

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/sim"
)

// storageOracle is oracle 7: when the job has finished, what is on disk is exactly
// what retained checkpoints and committed output reach. Nothing they need is missing,
// nothing else is left.
type storageOracle struct{ judges *judges }

// ID implements sim.Oracle.
func (o *storageOracle) ID() string { return "storage" }

// OnEvent implements sim.Oracle.
func (o *storageOracle) OnEvent(*sim.World, *host.Event) *sim.Violation { return nil }

// OnEnd implements sim.Oracle.
func (o *storageOracle) OnEnd(w *sim.World) *sim.Violation {
	j := o.judges
	if !j.cluster.Finished {
		return nil
	}
	c := j.run.config
	return violation(w, atRest(j.cluster.Disk.Node("observer"), c.CheckpointDir, c.Retained, j.damages.harmed))
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
