package master

import (
	"errors"
	"path"
	"strconv"
	"strings"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
)

// notePrefix begins the names of files that say which checkpoint was the newest to
// complete. They lie apart from the checkpoints: if those are removed, the job must
// not start again from nothing under a sink that has committed.
const notePrefix = "completed-"

// note makes it durable that a checkpoint is complete. It comes after the metadata
// and before anyone is told (Flink's pointer in the high-availability store).
func note(fsys fs.FS, dir string, id uint64) error {
	f, err := fsys.CreateNew(path.Join(dir, notePrefix+strconv.FormatUint(id, 10)))
	switch {
	case err == nil:
		err = errors.Join(f.Sync(), f.Close())
	case errors.Is(err, fs.ErrExist):
		err = nil
	}
	if err = errors.Join(err, fsys.SyncDir(dir)); err != nil {
		return err
	}
	forget(fsys, dir, id)
	return nil
}

// forget removes older notes. One that can't be removed does no harm, the newest
// counts, and is tried again with the next.
func forget(fsys fs.FS, dir string, newest uint64) {
	ids, _ := noted(fsys, dir)
	for _, id := range ids {
		if id < newest {
			_ = fsys.Remove(path.Join(dir, notePrefix+strconv.FormatUint(id, 10)))
		}
	}
}

// noted is the checkpoints of which there is a note.
func noted(fsys fs.FS, dir string) ([]uint64, error) {
	entries, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var ids []uint64
	for _, e := range entries {
		s, ok := strings.CutPrefix(e.Name, notePrefix)
		if n, bad := strconv.ParseUint(s, 10, 64); ok && bad == nil {
			ids = append(ids, n)
		}
	}
	return ids, err
}

// choose is Choose for a job that keeps notes: the newest noted checkpoint must be
// there, and what is chosen is noted before anything is committed on its strength.
func choose(fsys fs.FS, ha, dir, from string, known uint64, committing bool) (*Choice, error) {
	ids, err := noted(fsys, ha)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		known = max(known, id)
	}
	c, err := Choose(fsys, dir, from, known, committing)
	if err != nil {
		return nil, err
	}
	c.Seen = max(c.Seen, known)
	if c.Metadata != nil && c.Metadata.Checkpoint > known && c.Dir != from {
		return c, note(fsys, ha, c.Metadata.Checkpoint)
	}
	return c, nil
}

// sealed adds the note to how sealing ended: without it nobody may be told.
func sealed(w host.Worker, ha string, o outcome) outcome {
	if !o.sealed {
		return o
	}
	if err := note(w.FS(), ha, o.metadata.Checkpoint); err != nil {
		return outcome{unknown: true, err: err.Error()}
	}
	return o
}

// sealAndNote writes a checkpoint's metadata and the note of it.
func sealAndNote(w host.Worker, root, ha string, m *snapshot.Metadata) (any, error) {
	o, err := seal(w, root, m)
	if err != nil {
		return nil, err
	}
	return sealed(w, ha, o.(outcome)), nil
}
