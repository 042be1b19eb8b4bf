package file

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/stream"
)

// Part is a committed part file.
type Part struct {
	Name       string // in its directory; the token of its committable
	Subtask    int
	Checkpoint uint64
	Attempt    stream.Attempt
	Lines      []string // contents, split as [Lines] does
}

// ParsePart reads the name of a part that the sink with that uid commits: all of a
// Part but its lines. It is false for any other name.
func ParsePart(name, uid string) (Part, bool) {
	o, checkpoint, ok := parsePart(name)
	if !ok || o.uid != escape(uid) {
		return Part{}, false
	}
	return Part{Name: name, Subtask: o.subtask, Checkpoint: checkpoint, Attempt: o.attempt}, true
}

// PreCommitted says how many bytes a committable of the sink stands for, and their
// xxhash64. The error is of one that no file sink made.
func PreCommitted(c connect.Committable) (size int64, hash uint64, err error) {
	p, err := decodePending(c)
	return p.size, p.hash, err
}

// ReadCommitted reads the parts that the sink with that uid has committed into dir,
// sorted by checkpoint, subtask and attempt. A directory that does not exist has
// none; other files in it are ignored. A commit under way may be seen before it is
// durable.
func ReadCommitted(fsys fs.FS, dir, uid string) ([]Part, error) {
	parts, err := ListCommitted(fsys, dir, uid)
	if err != nil {
		return nil, err
	}
	for i := range parts {
		data, err := readAll(fsys, path.Join(dir, parts[i].Name))
		if err != nil {
			return nil, fmt.Errorf("file sink: %w", err)
		}
		parts[i].Lines = splitLines(string(data))
	}
	return parts, nil
}

// ListCommitted is [ReadCommitted] without the lines.
func ListCommitted(fsys fs.FS, dir, uid string) ([]Part, error) {
	infos, err := fsys.List(path.Clean(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("file sink: %w", err)
	}
	uid = escape(uid)
	var parts []Part
	for _, info := range infos {
		o, checkpoint, ok := parsePart(info.Name)
		if ok && o.uid == uid && !info.Dir {
			parts = append(parts, Part{Name: info.Name, Subtask: o.subtask, Checkpoint: checkpoint, Attempt: o.attempt})
		}
	}
	slices.SortFunc(parts, func(a, b Part) int {
		return cmp.Or(
			cmp.Compare(a.Checkpoint, b.Checkpoint), cmp.Compare(a.Subtask, b.Subtask),
			cmp.Compare(a.Attempt.Epoch, b.Attempt.Epoch), cmp.Compare(a.Attempt.Number, b.Attempt.Number),
		)
	})
	return parts, nil
}

// ReadPart reads the lines of a committed part of a directory.
func ReadPart(fsys fs.FS, dir, name string) ([]string, error) {
	data, err := readAll(fsys, path.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("file sink: %w", err)
	}
	return splitLines(string(data)), nil
}

// ReadPreCommitted reads the lines that a committable will make visible, or has: from
// its in-progress file or, if that is not there, from its part. Contents that are not
// those that were pre-committed are an error that wraps fs.ErrCorrupt.
func ReadPreCommitted(fsys fs.FS, c connect.Committable) ([]string, error) {
	p, err := decodePending(c)
	if err != nil {
		return nil, fmt.Errorf("file sink: %w", err)
	}
	data, err := p.read(fsys, p.tmp)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = p.read(fsys, p.final)
	}
	if err != nil {
		return nil, fmt.Errorf("file sink: %s: %w", c.Token, err)
	}
	return splitLines(string(data)), nil
}

func splitLines(data string) []string {
	if data == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(data, "\n"), "\n")
}
