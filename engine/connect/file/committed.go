package file

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

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

// ReadCommitted reads the parts that the sink with that uid has committed into dir,
// sorted by checkpoint, subtask and attempt. A directory that does not exist has
// none; other files in it are ignored. A commit under way may be seen before it is
// durable.
func ReadCommitted(fsys fs.FS, dir, uid string) ([]Part, error) {
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
		if !ok || o.uid != uid || info.Dir {
			continue
		}
		data, err := readAll(fsys, path.Join(dir, info.Name))
		if err != nil {
			return nil, fmt.Errorf("file sink: %w", err)
		}
		parts = append(parts, Part{
			Name: info.Name, Subtask: o.subtask, Checkpoint: checkpoint, Attempt: o.attempt, Lines: splitLines(string(data)),
		})
	}
	slices.SortFunc(parts, func(a, b Part) int {
		return cmp.Or(
			cmp.Compare(a.Checkpoint, b.Checkpoint), cmp.Compare(a.Subtask, b.Subtask),
			cmp.Compare(a.Attempt.Epoch, b.Attempt.Epoch), cmp.Compare(a.Attempt.Number, b.Attempt.Number),
		)
	})
	return parts, nil
}

func splitLines(data string) []string {
	if data == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(data, "\n"), "\n")
}
