package cluster

import (
	iofs "io/fs"

	"github.com/cespare/xxhash/v2"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/sim"
)

// Op is a file-system call.
type Op uint8

// The calls.
const (
	OpOpen Op = iota
	OpCreate
	OpCreateNew
	OpAppend
	OpRename
	OpRemove
	OpMkdirAll
	OpList
	OpStat
	OpSyncDir
	OpRead
	OpWrite
	OpSize
	OpSync
	OpClose
	opCount
)

var opNames = [...]string{
	"open", "create", "create new", "append", "rename", "remove", "mkdir", "list", "stat", "sync directory",
	"read", "write", "size", "sync", "close",
}

func (op Op) String() string { return opNames[op] }

// Changes reports whether the call changes the file system or what survives on it.
func (op Op) Changes() bool {
	switch op {
	case OpCreate, OpCreateNew, OpRename, OpRemove, OpMkdirAll, OpSyncDir, OpWrite, OpSync:
		return true
	}
	return false
}

func (op Op) glyph() byte {
	switch {
	case op == OpSync || op == OpSyncDir:
		return 's'
	case op.Changes():
		return 'w'
	}
	return 'r'
}

// nodeFS is the shared file system as one incarnation of a node sees it. Every
// call yields, and is noted.
type nodeFS struct {
	w           *World
	node        *Node
	incarnation int
	inner       fs.FS
}

// begin yields. Files may outlive the work that opened them, so it is the work
// now running that does.
func (f *nodeFS) begin(op Op, name string) error {
	j := f.w.running
	if j == nil {
		forbid("%s of %s on %s outside of offloaded work", op, name, f.node.name)
	}
	if !j.pause(op, name) || !f.node.up || f.node.incarnation != f.incarnation {
		return &iofs.PathError{Op: op.String(), Path: name, Err: fs.ErrDead}
	}
	return nil
}

// end notes a call that was made.
func (f *nodeFS) end(op Op, name string, n int, digest uint64, err error) {
	w := f.w
	if op.Changes() {
		w.Durable()
	}
	w.Act(&sim.Note{
		Kind: w.kinds.calls[op], Node: f.node.id, Actor: w.running.a.place.name, Peer: w.Name(name),
		A: uint64(n), B: digestError(err), Digest: digest,
	})
}

// file makes a call that opens a file.
func (f *nodeFS) file(op Op, name string, call func(string) (fs.File, error)) (fs.File, error) {
	if err := f.begin(op, name); err != nil {
		return nil, err
	}
	inner, err := call(name)
	f.end(op, name, 0, 0, err)
	if err != nil {
		return nil, err
	}
	return &nodeFile{f, name, inner}, nil
}

// plain makes a call that has no result.
func (f *nodeFS) plain(op Op, name string, call func(string) error) error {
	if err := f.begin(op, name); err != nil {
		return err
	}
	err := call(name)
	f.end(op, name, 0, 0, err)
	return err
}

// Open implements [fs.FS], as do the methods below.
func (f *nodeFS) Open(name string) (fs.File, error) { return f.file(OpOpen, name, f.inner.Open) }

// Create implements [fs.FS].
func (f *nodeFS) Create(name string) (fs.File, error) { return f.file(OpCreate, name, f.inner.Create) }

// CreateNew implements [fs.FS].
func (f *nodeFS) CreateNew(name string) (fs.File, error) {
	return f.file(OpCreateNew, name, f.inner.CreateNew)
}

// Append implements [fs.FS].
func (f *nodeFS) Append(name string) (fs.File, error) { return f.file(OpAppend, name, f.inner.Append) }

// Remove implements [fs.FS].
func (f *nodeFS) Remove(name string) error { return f.plain(OpRemove, name, f.inner.Remove) }

// MkdirAll implements [fs.FS].
func (f *nodeFS) MkdirAll(name string) error { return f.plain(OpMkdirAll, name, f.inner.MkdirAll) }

// SyncDir implements [fs.FS].
func (f *nodeFS) SyncDir(dir string) error { return f.plain(OpSyncDir, dir, f.inner.SyncDir) }

// Rename implements [fs.FS].
func (f *nodeFS) Rename(from, to string) error {
	if err := f.begin(OpRename, from); err != nil {
		return err
	}
	err := f.inner.Rename(from, to)
	f.end(OpRename, from, 0, xxhash.Sum64String(to), err)
	return err
}

// List implements [fs.FS].
func (f *nodeFS) List(dir string) ([]fs.Info, error) {
	if err := f.begin(OpList, dir); err != nil {
		return nil, err
	}
	infos, err := f.inner.List(dir)
	var h sim.Hash
	for i := range infos {
		digestInfo(&h, &infos[i])
	}
	f.end(OpList, dir, len(infos), h.Sum(), err)
	return infos, err
}

// Stat implements [fs.FS].
func (f *nodeFS) Stat(name string) (fs.Info, error) {
	if err := f.begin(OpStat, name); err != nil {
		return fs.Info{}, err
	}
	info, err := f.inner.Stat(name)
	var h sim.Hash
	digestInfo(&h, &info)
	f.end(OpStat, name, int(info.Size), h.Sum(), err)
	return info, err
}

func digestInfo(h *sim.Hash, i *fs.Info) {
	h.Add(xxhash.Sum64String(i.Name))
	h.Add(uint64(i.Size))
	if i.Dir {
		h.Add(1)
	}
}

// nodeFile is an open file of an incarnation.
type nodeFile struct {
	fs    *nodeFS
	name  string
	inner fs.File
}

// ReadAt implements [fs.File], as do the methods below.
func (f *nodeFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.fs.begin(OpRead, f.name); err != nil {
		return 0, err
	}
	n, err := f.inner.ReadAt(p, off)
	f.fs.end(OpRead, f.name, n, xxhash.Sum64(p[:n])+uint64(off), err)
	return n, err
}

// Write implements [fs.File].
func (f *nodeFile) Write(p []byte) (int, error) {
	if err := f.fs.begin(OpWrite, f.name); err != nil {
		return 0, err
	}
	n, err := f.inner.Write(p)
	f.fs.end(OpWrite, f.name, n, xxhash.Sum64(p), err)
	return n, err
}

// Size implements [fs.File].
func (f *nodeFile) Size() (int64, error) {
	if err := f.fs.begin(OpSize, f.name); err != nil {
		return 0, err
	}
	n, err := f.inner.Size()
	f.fs.end(OpSize, f.name, int(n), 0, err)
	return n, err
}

// Sync implements [fs.File].
func (f *nodeFile) Sync() error {
	if err := f.fs.begin(OpSync, f.name); err != nil {
		return err
	}
	err := f.inner.Sync()
	f.fs.end(OpSync, f.name, 0, 0, err)
	return err
}

// Close implements [fs.File].
func (f *nodeFile) Close() error {
	if err := f.fs.begin(OpClose, f.name); err != nil {
		return err
	}
	err := f.inner.Close()
	f.fs.end(OpClose, f.name, 0, 0, err)
	return err
}
