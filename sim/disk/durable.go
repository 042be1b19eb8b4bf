package disk

import (
	iofs "io/fs"
	"path"

	"github.com/weirstream/weir/engine/fs"
)

// Durable returns what would be there if every machine crashed now with the worst
// outcome: only what was synced. It follows the disk; a file opened through it
// keeps the contents it had then. Every change is refused with ErrReadOnly. It
// belongs to no node and does not die.
func (d *Disk) Durable() fs.FS { return &durable{d} }

type durable struct{ d *Disk }

func (v *durable) find(name string) (*inode, error) {
	p, err := clean(name)
	if err != nil {
		return nil, err
	}
	return lookup(v.d.root, p, (*inode).durableEntry)
}

func (v *durable) Open(name string) (fs.File, error) {
	n, err := v.find(name)
	if err == nil && n.dir {
		err = ErrIsDir
	}
	if err != nil {
		return nil, fail("open", name, err)
	}
	return &contents{name: name, data: n.durableData()}, nil
}

func (v *durable) List(name string) ([]fs.Info, error) {
	n, err := v.find(name)
	if err == nil && !n.dir {
		err = ErrNotDir
	}
	if err != nil {
		return nil, fail("list", name, err)
	}
	entries := n.durableEntries()
	list := make([]fs.Info, len(entries))
	for i, e := range entries {
		list[i] = info(e.name, e.node)
	}
	return list, nil
}

// DurableVersion changes whenever the entries of a directory that would survive a
// crash may have changed; what their files hold does not count. It is 0 if the
// directory would not survive.
func (d *Disk) DurableVersion(dir string) uint64 {
	n := d.durableDir(dir)
	if n == nil {
		return 0
	}
	return n.number<<32 | n.settled&(1<<32-1)
}

// EachDurable calls visit for every file of a directory that would survive a crash,
// sorted by name, with what would be left of it. The data must not be changed, and
// never will be.
func (d *Disk) EachDurable(dir string, visit func(name string, data []byte)) {
	n := d.durableDir(dir)
	if n == nil {
		return
	}
	for _, e := range n.durableEntries() {
		if !e.node.dir {
			visit(e.name, e.node.durableData())
		}
	}
}

func (d *Disk) durableDir(name string) *inode {
	p, err := clean(name)
	if err != nil {
		return nil
	}
	n, err := lookup(d.root, p, (*inode).durableEntry)
	if err != nil || !n.dir {
		return nil
	}
	return n
}

func info(name string, n *inode) fs.Info {
	if n.dir {
		return fs.Info{Name: name, Dir: true}
	}
	return fs.Info{Name: name, Size: int64(len(n.durableData()))}
}

func (v *durable) Stat(name string) (fs.Info, error) {
	n, err := v.find(name)
	if err != nil {
		return fs.Info{}, fail("stat", name, err)
	}
	return info(path.Base(path.Clean(name)), n), nil
}

func (v *durable) Create(name string) (fs.File, error) {
	return nil, fail("create", name, ErrReadOnly)
}

func (v *durable) CreateNew(name string) (fs.File, error) {
	return nil, fail("create", name, ErrReadOnly)
}

func (v *durable) Append(name string) (fs.File, error) {
	return nil, fail("append", name, ErrReadOnly)
}
func (v *durable) Rename(from, _ string) error { return fail("rename", from, ErrReadOnly) }
func (v *durable) Remove(name string) error    { return fail("remove", name, ErrReadOnly) }
func (v *durable) MkdirAll(name string) error  { return fail("mkdir", name, ErrReadOnly) }
func (v *durable) SyncDir(name string) error   { return fail("sync", name, ErrReadOnly) }

// contents is an open file of a durable view.
type contents struct {
	name   string
	data   []byte
	closed bool
}

func (c *contents) usable(op string) error {
	if c.closed {
		return fail(op, c.name, iofs.ErrClosed)
	}
	return nil
}

func (c *contents) ReadAt(p []byte, off int64) (int, error) {
	if err := c.usable("read"); err != nil {
		return 0, err
	}
	return readAt(c.data, c.name, p, off)
}

func (c *contents) Write([]byte) (int, error) { return 0, fail("write", c.name, ErrReadOnly) }

func (c *contents) Size() (int64, error) { return int64(len(c.data)), c.usable("stat") }

func (c *contents) Sync() error { return fail("sync", c.name, ErrReadOnly) }

func (c *contents) Close() error {
	err := c.usable("close")
	c.closed = true
	return err
}
