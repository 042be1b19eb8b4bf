package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/weirstream/weir/engine/fs"
)

// Import puts a durable file with a copy of data at a path, with durable parents,
// as if it had been there before. It replaces a file, pending changes of its name
// included, and fails if the path or a parent of it is of the wrong kind.
func (d *Disk) Import(name string, data []byte) error {
	p, err := clean(name)
	if err == nil {
		err = d.importable(p)
	}
	if err != nil {
		return fail("import", name, err)
	}
	n := d.root
	for {
		first, rest, more := strings.Cut(p, "/")
		next := n.get(first)
		if next == nil || !more {
			next = d.newInode(more)
		}
		d.plant(n, first, next)
		if !more {
			next.data = slices.Clone(data)
			break
		}
		n, p = next, rest
	}
	d.durable++
	d.changed()
	return nil
}

func (d *Disk) importable(p string) error {
	n, err := lookup(d.root, p, (*inode).get)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && n.dir:
		return ErrIsDir
	}
	return err
}

// plant makes an entry durable at once.
func (d *Disk) plant(dir *inode, name string, n *inode) {
	for _, c := range dir.pending {
		if c.name == name {
			settle(c)
		}
	}
	dir.compact()
	dir.set(name, n)
	dir.settled++
}

// Export calls write for every visible file, sorted by path, until it fails. The
// data must not be changed.
func (d *Disk) Export(write func(path string, data []byte) error) error {
	var files []found
	var enter func(n *inode, path string)
	enter = func(n *inode, path string) {
		for _, e := range n.entries {
			p := join(path, e.name)
			if e.node.dir {
				enter(e.node, p)
			} else {
				files = append(files, found{e.node, p})
			}
		}
	}
	enter(d.root, "")
	slices.SortFunc(files, func(a, b found) int { return strings.Compare(a.path, b.path) })
	for _, f := range files {
		if err := write(f.path, f.node.data); err != nil {
			return err
		}
	}
	return nil
}

// Corrupt flips a drawn bit of the byte at an offset of a visible file. What is
// durable of that byte is damaged with it. A file opened through [Disk.Durable]
// before keeps what it read.
func (d *Disk) Corrupt(name string, offset int64) error {
	p, err := clean(name)
	if err != nil {
		return fail("corrupt", name, err)
	}
	n, err := lookup(d.root, p, (*inode).get)
	switch {
	case err != nil:
		return fail("corrupt", name, err)
	case n.dir:
		return fail("corrupt", name, ErrIsDir)
	case offset < 0 || offset >= int64(len(n.data)):
		return fail("corrupt", name, fmt.Errorf("offset %d is outside its %d bytes", offset, len(n.data)))
	}
	n.data = slices.Clone(n.data)
	n.data[offset] ^= 1 << d.draw(FlippedBit, p, 8)
	n.known = false
	d.durable++
	d.changed()
	return nil
}

// Digest sums up every visible and every durable path with its contents. Disks
// that differ in either have different digests, but for chance.
func (d *Disk) Digest() uint64 {
	h := xxhash.New()
	var fixed [9]byte
	item := func(kind byte, sum uint64, name string) {
		fixed[0] = kind
		binary.LittleEndian.PutUint64(fixed[1:], sum)
		_, _ = h.Write(fixed[:])
		_, _ = h.WriteString(name)
		_, _ = h.WriteString("/") // no two names run together
	}
	var enter func(n *inode, durable bool)
	enter = func(n *inode, durable bool) {
		entries := n.entries
		if durable {
			entries = n.durableEntries()
		}
		for _, e := range entries {
			switch {
			case e.node.dir:
				item('d', 0, e.name)
				enter(e.node, durable)
				item('u', 0, "")
			case durable && (e.node.cut != nil || len(e.node.unsynced) > 0):
				item('f', xxhash.Sum64(e.node.durableData()), e.name)
			default:
				item('f', e.node.digest(), e.name)
			}
		}
	}
	enter(d.root, false)
	item('|', 0, "")
	enter(d.root, true)
	return h.Sum64()
}

var (
	_ fs.FS   = (*view)(nil)
	_ fs.FS   = (*durable)(nil)
	_ fs.File = (*file)(nil)
	_ fs.File = (*contents)(nil)
)
