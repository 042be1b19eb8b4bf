package scenarios

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/live"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/sim/cluster"
)

// UsageError is an error in what the user asked for: exit status 2.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

func usage(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// readInput reads a run's input.
func (s *Scenario) readInput(path string) (string, []byte, error) {
	if path == "" {
		var err error
		if path, err = s.DefaultInput(); err != nil {
			return "", nil, &UsageError{err}
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", nil, usage("--input %s: %w; name a file that can be read", path, cause(err))
	}
	if !info.Mode().IsRegular() {
		return "", nil, usage("--input %s is not a regular file; name one", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", nil, usage("--input %s: %w", path, cause(err))
	}
	return path, data, nil
}

// cause strips the operation and path that os puts in front.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// maxPlan bounds the size of a plan's file, in bytes.
const maxPlan = 1 << 20

// readPlan reads the file of --plan.
func readPlan(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", usage("--plan %s: %w", path, cause(err))
	case !info.Mode().IsRegular():
		return "", usage("--plan %s is not a regular file; name one with a fault on each line", path)
	case info.Size() > maxPlan:
		return "", usage("--plan %s has %d bytes; a plan has at most %d", path, info.Size(), maxPlan)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", usage("--plan %s: %w", path, cause(err))
	}
	return string(text), nil
}

// checkOutput refuses a place where a file can't be written, before the run.
func checkOutput(flag, path string) error {
	if path == "" {
		return nil
	}
	// The file is replaced by a rename, which would take a device or a link away.
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		what := "not a regular file"
		switch {
		case info.IsDir():
			what = "a directory"
		case info.Mode()&fs.ModeSymlink != 0:
			what = "a symbolic link"
		}
		return usage("%s %s is %s; name a file", flag, path, what)
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil {
		return usage("%s %s: directory %s: %w; make it first, or name another", flag, path, dir, cause(err))
	} else if !info.IsDir() {
		return usage("%s %s: %s is not a directory; name a file in one", flag, path, dir)
	}
	return nil
}

// place is a file that the user names by a flag, empty for none.
type place struct{ flag, path string }

// checkDistinct refuses to write one file for two purposes, or over the input.
func checkDistinct(places ...place) error {
	for i, a := range places {
		for _, b := range places[:i] {
			if a.path != "" && b.path != "" && sameFile(a.path, b.path) {
				return usage("%s %s is the same file as %s %s; name another", a.flag, a.path, b.flag, b.path)
			}
		}
	}
	return nil
}

// sameFile compares paths of files that need not exist.
func sameFile(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(x, y)
	}
	a, errA = filepath.Abs(a)
	b, errB = filepath.Abs(b)
	return errA == nil && errB == nil && a == b
}

// checkDir refuses a directory that holds something already.
func checkDir(flag, path string) error {
	if path == "" {
		return nil
	}
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return checkOutput(flag, path)
	case err != nil:
		return usage("%s %s: %w; name a new directory", flag, path, cause(err))
	case len(entries) > 0:
		return usage("%s %s is not empty; name a new directory", flag, path)
	}
	return nil
}

// writeWhole writes a file by a temporary one, so that it is never half there.
func writeWhole(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// Origin is a checkpoint with the rest of the job directory it was found in: what
// --from names.
type Origin struct {
	Root       string // job directory
	Checkpoint uint64
}

// FindOrigin resolves --from: a job directory, its checkpoints directory, or one
// chk-N in it.
func FindOrigin(path string) (*Origin, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, usage("--from %s: %w", path, err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, usage("--from %s: %w; name a job directory or a chk-N in it", path, cause(err))
	}
	if !info.IsDir() {
		return nil, usage("--from %s is not a directory; name a job directory or a chk-N in it", path)
	}
	if id, ok := snapshot.ParseDir(filepath.Base(abs)); ok {
		if _, err := os.Stat(filepath.Join(abs, snapshot.MetadataName)); err != nil {
			return nil, usage("--from %s: it has no %s, so the checkpoint never completed", path, snapshot.MetadataName)
		}
		return &Origin{filepath.Dir(filepath.Dir(abs)), id}, nil
	}
	dir := abs
	if filepath.Base(abs) != checkpointDir {
		dir = filepath.Join(abs, checkpointDir)
	}
	ids, err := completed(dir)
	if err != nil || len(ids) == 0 {
		return nil, usage("--from %s: there is no completed checkpoint in %s", path, dir)
	}
	return &Origin{filepath.Dir(dir), ids[len(ids)-1]}, nil
}

const checkpointDir = "checkpoints"

// located adds to a message in the job's own names where these files are for the
// user: the input, and the job directory if the run has one.
func located(message, input, dir string) string {
	for _, f := range [][2]string{{InputFile, input}, {checkpointDir + "/", filepath.Join(dir, checkpointDir)}} {
		if f[1] != checkpointDir && strings.Contains(message, f[0]) && !strings.Contains(message, f[1]) {
			message += fmt.Sprintf("; %s is %s", strings.TrimSuffix(f[0], "/"), f[1])
		}
	}
	return message
}

// completed is the ids of the complete checkpoints in a directory, ascending.
func completed(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var ids []uint64
	for _, e := range entries {
		id, ok := snapshot.ParseDir(e.Name())
		if !ok {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, e.Name(), snapshot.MetadataName)); err == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// Accepted is what the job had committed for checkpoints after this one: whoever
// starts from an older checkpoint accepts that it is committed again.
func (o *Origin) Accepted() ([]file.Part, error) {
	if o == nil {
		return nil, nil
	}
	files, err := live.OpenFS(o.Root, nil)
	if err != nil {
		return nil, usage("--from: %w", err)
	}
	parts, err := file.ReadCommitted(files, OutputDir, SinkUID)
	if err != nil {
		return nil, usage("--from: %w", err)
	}
	return slices.DeleteFunc(parts, func(p file.Part) bool { return p.Checkpoint <= o.Checkpoint }), nil
}

// metadata is the checkpoint's, nil if it can't be read: whoever restores it says why.
func (o *Origin) metadata() *snapshot.Metadata {
	if o == nil {
		return nil
	}
	return readMetadata(o.Root, o.Checkpoint)
}

// readMetadata reads a checkpoint's metadata in a job directory, nil if it can't.
func readMetadata(root string, id uint64) *snapshot.Metadata {
	files, err := live.OpenFS(root, nil)
	if err != nil {
		return nil
	}
	m, err := snapshot.ReadMetadata(files, snapshot.Dir(checkpointDir, id))
	if err != nil {
		return nil
	}
	return m
}

// Files reads what a run that starts from the checkpoint needs: the checkpoint,
// those before it, which an error about it may offer instead, the sink's directory
// and the leaders' epochs, named as in a job directory.
func (o *Origin) Files() ([]cluster.File, error) {
	ids, err := completed(filepath.Join(o.Root, checkpointDir))
	if err != nil {
		return nil, usage("--from: %w", err)
	}
	dirs := []string{OutputDir, "ha"}
	for _, id := range ids {
		if id <= o.Checkpoint {
			dirs = append(dirs, filepath.FromSlash(snapshot.Dir(checkpointDir, id)))
		}
	}
	var files []cluster.File
	for _, dir := range dirs {
		entries, err := os.ReadDir(filepath.Join(o.Root, dir))
		if errors.Is(err, fs.ErrNotExist) { // a job that has committed nothing has no output
			continue
		}
		if err != nil {
			return nil, usage("--from: %w", err)
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || dir == "ha" && !strings.HasPrefix(e.Name(), "epoch-") {
				continue // of the leaders' notes only the epochs: the user has chosen the checkpoint
			}
			data, err := os.ReadFile(filepath.Join(o.Root, dir, e.Name()))
			if err != nil {
				return nil, usage("--from: %w", err)
			}
			files = append(files, cluster.File{Name: filepath.ToSlash(filepath.Join(dir, e.Name())), Data: data})
		}
	}
	return files, nil
}
