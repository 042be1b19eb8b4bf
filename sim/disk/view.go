package disk

import (
	iofs "io/fs"
	"path"
	"strings"

	"github.com/weirstream/weir/engine/fs"
)

func fail(op, name string, err error) error {
	return &iofs.PathError{Op: op, Path: name, Err: err}
}

// view is the file system as one incarnation of a node sees it.
type view struct {
	d           *Disk
	by          *machine
	incarnation uint64
}

func (v *view) dead() bool { return v.incarnation != v.by.incarnation }

// clean returns a name relative to the root, "" for the root itself.
func clean(name string) (string, error) {
	name = strings.TrimPrefix(path.Clean(name), "/")
	switch {
	case name == ".":
		return "", nil
	case name == ".." || strings.HasPrefix(name, "../"):
		return "", iofs.ErrInvalid
	}
	return name, nil
}

// entryOf looks one name up in a directory: visible or durable.
type entryOf func(dir *inode, name string) *inode

// lookup returns the inode of a cleaned name.
func lookup(root *inode, name string, get entryOf) (*inode, error) {
	n := root
	for name != "" {
		var first string
		first, name, _ = strings.Cut(name, "/")
		if !n.dir {
			return nil, ErrNotDir
		}
		if n = get(n, first); n == nil {
			return nil, fs.ErrNotExist
		}
	}
	return n, nil
}

// find returns the inode that a name leads to.
func (v *view) find(name string) (*inode, error) {
	if v.dead() {
		return nil, fs.ErrDead
	}
	p, err := clean(name)
	if err != nil {
		return nil, err
	}
	return lookup(v.d.root, p, (*inode).get)
}

// place is a directory, a name in it, and what is there; node may be nil.
type place struct {
	dir  *inode
	name string
	node *inode
}

// locate returns the place of a name whose directory must exist. The root has no
// place: it is neither created, moved nor removed.
func (v *view) locate(name string) (place, error) {
	if v.dead() {
		return place{}, fs.ErrDead
	}
	p, err := clean(name)
	if err != nil {
		return place{}, err
	}
	if p == "" {
		return place{}, iofs.ErrInvalid
	}
	dir, base := "", p
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		dir, base = p[:i], p[i+1:]
	}
	n, err := lookup(v.d.root, dir, (*inode).get)
	if err != nil {
		return place{}, err
	}
	if !n.dir {
		return place{}, ErrNotDir
	}
	return place{n, base, n.get(base)}, nil
}

func (v *view) handle(name string, n *inode, writes bool) fs.File {
	return &file{view: *v, name: name, node: n, writes: writes}
}

// Open opens an existing file for reading.
func (v *view) Open(name string) (fs.File, error) {
	n, err := v.find(name)
	if err == nil && n.dir {
		err = ErrIsDir
	}
	if err != nil {
		return nil, fail("open", name, err)
	}
	return v.handle(name, n, false), nil
}

// Create creates an empty file, truncating one that exists.
func (v *view) Create(name string) (fs.File, error) {
	p, err := v.locate(name)
	switch {
	case err != nil:
		return nil, fail("create", name, err)
	case p.node == nil:
		return v.create(name, p), nil
	case p.node.dir:
		return nil, fail("create", name, ErrIsDir)
	}
	if p.node.truncate(v.by) {
		v.d.changed()
	}
	return v.handle(name, p.node, true), nil
}

// CreateNew creates a file that must not exist.
func (v *view) CreateNew(name string) (fs.File, error) {
	p, err := v.locate(name)
	if err == nil && p.node != nil {
		err = fs.ErrExist
	}
	if err != nil {
		return nil, fail("create", name, err)
	}
	return v.create(name, p), nil
}

func (v *view) create(name string, p place) fs.File {
	n := v.d.newInode(false)
	v.d.enter(v.by, p.dir, p.name, n)
	v.d.changed()
	return v.handle(name, n, true)
}

// Append opens an existing file for writing at its end.
func (v *view) Append(name string) (fs.File, error) {
	n, err := v.find(name)
	if err == nil && n.dir {
		err = ErrIsDir
	}
	if err != nil {
		return nil, fail("append", name, err)
	}
	return v.handle(name, n, true), nil
}

// Rename moves a file or directory. Two names of one file, which only a crash can
// leave (D4), become one.
func (v *view) Rename(from, to string) error {
	a, err := v.locate(from)
	if err == nil && a.node == nil {
		err = fs.ErrNotExist
	}
	if err != nil {
		return fail("rename", from, err)
	}
	b, err := v.locate(to)
	if err == nil {
		err = movable(a, b)
	}
	if err != nil {
		return fail("rename "+from+" to", to, err)
	}
	if a.dir != b.dir || a.name != b.name {
		v.d.move(v.by, a.dir, a.name, b.dir, b.name)
		v.d.changed()
	}
	return nil
}

func movable(a, b place) error {
	switch {
	case a.node == b.node:
		return nil
	case a.node.dir && a.node.holds(b.dir):
		return iofs.ErrInvalid
	case b.node == nil:
		return nil
	case a.node.dir && !b.node.dir:
		return ErrNotDir
	case !a.node.dir && b.node.dir:
		return ErrIsDir
	case len(b.node.entries) > 0:
		return ErrNotEmpty
	}
	return nil
}

// Remove removes a file or an empty directory.
func (v *view) Remove(name string) error {
	p, err := v.locate(name)
	switch {
	case err != nil:
	case p.node == nil:
		err = fs.ErrNotExist
	case len(p.node.entries) > 0:
		err = ErrNotEmpty
	}
	if err != nil {
		return fail("remove", name, err)
	}
	v.d.enter(v.by, p.dir, p.name, nil)
	v.d.changed()
	return nil
}

// MkdirAll creates a directory and its parents.
func (v *view) MkdirAll(name string) error {
	if v.dead() {
		return fail("mkdir", name, fs.ErrDead)
	}
	rest, err := clean(name)
	if err != nil {
		return fail("mkdir", name, err)
	}
	n, created := v.d.root, false
	for rest != "" {
		var first string
		first, rest, _ = strings.Cut(rest, "/")
		next := n.get(first)
		if next == nil {
			next = v.d.newInode(true)
			v.d.enter(v.by, n, first, next)
			created = true
		}
		if !next.dir {
			err = ErrNotDir
			break
		}
		n = next
	}
	if created {
		v.d.changed()
	}
	if err != nil {
		return fail("mkdir", name, err)
	}
	return nil
}

// List returns the entries of a directory, sorted by name.
func (v *view) List(name string) ([]fs.Info, error) {
	n, err := v.find(name)
	if err == nil && !n.dir {
		err = ErrNotDir
	}
	if err != nil {
		return nil, fail("list", name, err)
	}
	list := make([]fs.Info, len(n.entries))
	for i, e := range n.entries {
		list[i] = fs.Info{Name: e.name, Size: int64(len(e.node.data)), Dir: e.node.dir}
	}
	return list, nil
}

// Stat describes a file or directory.
func (v *view) Stat(name string) (fs.Info, error) {
	n, err := v.find(name)
	if err != nil {
		return fs.Info{}, fail("stat", name, err)
	}
	return fs.Info{Name: path.Base(path.Clean(name)), Size: int64(len(n.data)), Dir: n.dir}, nil
}

// SyncDir makes the entries of a directory durable, whoever changed them.
func (v *view) SyncDir(name string) error {
	n, err := v.find(name)
	if err == nil && !n.dir {
		err = ErrNotDir
	}
	if err != nil {
		return fail("sync", name, err)
	}
	if n.syncEntries() {
		v.d.synced()
	}
	return nil
}
