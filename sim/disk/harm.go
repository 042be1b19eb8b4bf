package disk

import (
	"fmt"
	"path"
	"slices"

	"github.com/weirstream/weir/engine/fs"
)

// Truncate cuts a visible file to a size below its own, as if the bytes behind it had
// never been written. What is durable is cut with it. A file opened through
// [Disk.Durable] before keeps what it read.
func (d *Disk) Truncate(name string, size int64) error {
	n, err := d.harmed("truncate", name)
	switch {
	case err != nil:
		return err
	case n.dir:
		return fail("truncate", name, ErrIsDir)
	case size < 0 || size >= int64(len(n.data)):
		return fail("truncate", name, fmt.Errorf("size %d is not below its %d bytes", size, len(n.data)))
	}
	n.data = slices.Clone(n.data[:size])
	kept := n.unsynced[:0]
	for _, e := range n.unsynced {
		if e.end = min(e.end, int(size)); e.start < e.end {
			kept = append(kept, e)
		}
	}
	n.unsynced = kept
	if n.cut != nil && int64(len(n.cut.old)) > size {
		n.cut.old = slices.Clone(n.cut.old[:size])
	}
	n.known = false
	d.durable++
	d.changed()
	return nil
}

// Lose takes a visible file, or a directory with all that is in it, away at once and
// for good. Handles that are open on it go on.
func (d *Disk) Lose(name string) error {
	n, err := d.harmed("lose", name)
	if err == nil && n == d.root {
		err = fail("lose", name, fs.ErrNotExist)
	}
	if err != nil {
		return err
	}
	parent, err := d.harmed("lose", path.Dir(path.Clean(name)))
	if err != nil {
		return err
	}
	d.plant(parent, path.Base(path.Clean(name)), nil)
	n.removed = true
	d.durable++
	d.changed()
	return nil
}

// harmed finds what is about to be damaged.
func (d *Disk) harmed(call, name string) (*inode, error) {
	p, err := clean(name)
	if err != nil {
		return nil, fail(call, name, err)
	}
	n, err := lookup(d.root, p, (*inode).get)
	if err != nil {
		return nil, fail(call, name, err)
	}
	return n, nil
}
