package master

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
)

const epochPrefix = "epoch-"

// acquireEpoch makes this JobManager the leader: it creates the file of the next
// epoch, which only one can, and makes it durable before anything is deployed.
// The epoch is above min.
func acquireEpoch(fsys fs.FS, dir string, min uint32) (uint32, error) {
	if err := fs.MkdirAllSynced(fsys, dir); err != nil {
		return 0, err
	}
	for {
		entries, err := fsys.List(dir)
		if err != nil {
			return 0, err
		}
		last := min
		for _, e := range entries {
			if n, ok := parseEpoch(e.Name); ok {
				last = max(last, n)
			}
		}
		next := last + 1
		f, err := fsys.CreateNew(path.Join(dir, epochPrefix+strconv.Itoa(int(next))))
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		if err := errors.Join(f.Sync(), f.Close(), fsys.SyncDir(dir)); err != nil {
			return 0, err
		}
		return next, nil
	}
}

func parseEpoch(name string) (uint32, bool) {
	s, ok := strings.CutPrefix(name, epochPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil
}

// Choice is what recovery found in the storage.
type Choice struct {
	// Metadata of the checkpoint to restore, nil to start from nothing.
	Metadata *snapshot.Metadata
	Dir      string
	// Completed are the ids of the complete checkpoints in the job's directory,
	// ascending, but for the Damaged ones that were passed over; Incomplete are those
	// of the others; Seen is the largest of all.
	Completed, Damaged, Incomplete []uint64
	Seen                           uint64
	// Corrupt says which newer checkpoints were passed over, damaged or missing,
	// and why.
	Corrupt []string
}

// UnusableError says that the newest completed checkpoint can't be restored and
// that an older one may only be chosen by the user, who then accepts duplicates.
type UnusableError struct {
	Checkpoint uint64 // 0 for the one that the user chose to start from
	Older      string // directory of the newest usable one, empty if there is none
	// Damaged says what is wrong with those that are newer than Older, or with all.
	Damaged []string
	Err     error
}

func (e *UnusableError) Error() string {
	if e.Checkpoint == 0 {
		return fmt.Sprintf("the checkpoint to start from can't be restored: %v", e.Err)
	}
	s := fmt.Sprintf("checkpoint %d is complete, and its output may be committed, but it can't be restored: %v", e.Checkpoint, e.Err)
	if len(e.Damaged) > 0 {
		s += "; nor can older ones: " + strings.Join(e.Damaged, "; ")
	}
	if e.Older == "" {
		return s + "; there is no older checkpoint"
	}
	return s + fmt.Sprintf("; to restore the older %s and accept duplicate output, start again with --from %s", path.Base(e.Older), e.Older)
}

func (e *UnusableError) Unwrap() error { return e.Err }

// Choose finds the checkpoint to restore: the latest completed one. If that is
// damaged, an older one is taken only where no commit of the newer can have been
// issued (committing is false), or where from names it: the user has chosen it.
// Otherwise the error is an *UnusableError that names the damaged file. Known is the
// newest checkpoint the caller saw complete, 0 for none: it must be there. What is
// chosen is durable when Choose returns.
func Choose(fsys fs.FS, dir, from string, known uint64, committing bool) (*Choice, error) {
	c := &Choice{}
	if err := c.scan(fsys, dir); err != nil {
		return nil, err
	}
	var damaged *UnusableError
	newest := uint64(0)
	for i := len(c.Completed) - 1; i >= 0; i-- {
		id := c.Completed[i]
		newest = max(newest, id)
		at := snapshot.Dir(dir, id)
		m, err := verifyTwice(fsys, at)
		if err != nil && !isDamage(err) {
			return nil, err
		}
		if damaged == nil && id < known {
			damaged = c.missing(dir, known)
		}
		if m != nil {
			if damaged != nil && committing && !same(at, from) {
				damaged.Older = cmp.Or(damaged.Older, at)
				continue
			}
			c.Metadata, c.Dir = m, at
			c.Completed = slices.DeleteFunc(c.Completed, func(id uint64) bool { return slices.Contains(c.Damaged, id) })
			return c, c.settle(fsys, dir)
		}
		switch {
		case damaged == nil:
			damaged = &UnusableError{Checkpoint: id, Err: err}
		case damaged.Older == "":
			damaged.Damaged = append(damaged.Damaged, err.Error())
		}
		c.Corrupt = append(c.Corrupt, err.Error())
		c.Damaged = append(c.Damaged, id)
	}
	if damaged == nil && known > newest {
		damaged = c.missing(dir, known)
	}
	// With nothing of its own left, the user may still name a checkpoint elsewhere.
	if damaged != nil && committing && (from == "" || len(c.Completed) > 0) {
		return nil, damaged
	}
	c.Completed = nil // none could be read
	return c, c.external(fsys, from)
}

// missing notes that the newest checkpoint is gone.
func (c *Choice) missing(dir string, id uint64) *UnusableError {
	err := fmt.Errorf("%s: %w", path.Join(snapshot.Dir(dir, id), snapshot.MetadataName), fs.ErrNotExist)
	c.Corrupt = append(c.Corrupt, err.Error())
	return &UnusableError{Checkpoint: id, Err: err}
}

// same reports whether from, if it is given, is the directory at.
func same(at, from string) bool { return from != "" && path.Clean(from) == path.Clean(at) }

// external falls back to a checkpoint of another job directory.
func (c *Choice) external(fsys fs.FS, from string) error {
	if from == "" {
		return nil
	}
	m, err := verifyTwice(fsys, from)
	if err != nil {
		return &UnusableError{Err: err}
	}
	c.Metadata, c.Dir = m, from
	c.Seen = max(c.Seen, m.Checkpoint)
	return nil
}

func isDamage(err error) bool { return errors.Is(err, fs.ErrCorrupt) || errors.Is(err, fs.ErrNotExist) }

// scan lists the job's checkpoints. One without metadata never completed; one
// whose metadata is damaged did.
func (c *Choice) scan(fsys fs.FS, dir string) error {
	entries, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		id, ok := snapshot.ParseDir(e.Name)
		if !ok {
			continue
		}
		c.Seen = max(c.Seen, id)
		_, err := fsys.Stat(path.Join(dir, e.Name, snapshot.MetadataName))
		switch {
		case err == nil:
			c.Completed = append(c.Completed, id)
		case errors.Is(err, fs.ErrNotExist):
			c.Incomplete = append(c.Incomplete, id)
		default:
			return err
		}
	}
	slices.Sort(c.Completed)
	slices.Sort(c.Incomplete)
	return nil
}

// settle makes what was found durable before it is relied on: a crash may have
// come between the rename of the metadata and the sync of its directory.
func (c *Choice) settle(fsys fs.FS, dir string) error {
	return errors.Join(fsys.SyncDir(c.Dir), fsys.SyncDir(dir))
}

// verifyTwice is verify that reads again before it says that a checkpoint is damaged:
// a read may go wrong once, and the answer would end the job or cost duplicates.
func verifyTwice(fsys fs.FS, dir string) (*snapshot.Metadata, error) {
	m, err := verify(fsys, dir)
	if err != nil && isDamage(err) {
		return verify(fsys, dir)
	}
	return m, err
}

// verify reads all files of a checkpoint.
func verify(fsys fs.FS, dir string) (*snapshot.Metadata, error) {
	m, err := snapshot.ReadMetadata(fsys, dir)
	if err != nil {
		return nil, err
	}
	for _, v := range m.Vertices {
		for _, t := range v.Tasks {
			if _, err := snapshot.ReadTask(fsys, dir, t); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// outcome is how sealing ended.
type outcome struct {
	sealed, unknown bool
	err             string
	metadata        *snapshot.Metadata
}

// seal writes a checkpoint's metadata; after an error it asks the storage what
// became of it.
func seal(w host.Worker, root string, m *snapshot.Metadata) (any, error) {
	err := snapshot.WriteMetadata(w.FS(), snapshot.Dir(root, m.Checkpoint), m)
	if err == nil {
		return outcome{sealed: true, metadata: m}, nil
	}
	o := probe(w, root, m)
	if o.err == "" {
		o.err = err.Error()
	}
	return o, nil
}

// probe looks whether a checkpoint's metadata is there, and makes it durable if
// so. Anything but a clear answer is unknown.
func probe(w host.Worker, root string, m *snapshot.Metadata) outcome {
	dir := snapshot.Dir(root, m.Checkpoint)
	_, err := snapshot.ReadMetadata(w.FS(), dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return outcome{}
	case err != nil:
		return outcome{unknown: true, err: err.Error()}
	}
	if err := w.FS().SyncDir(dir); err != nil {
		return outcome{unknown: true, err: err.Error()}
	}
	return outcome{sealed: true, metadata: m}
}
