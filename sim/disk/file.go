package disk

import (
	"io"
	iofs "io/fs"

	"github.com/weirstream/weir/engine/fs"
)

// file is a handle. It outlives the file's names, but not its node's incarnation.
type file struct {
	view
	name   string
	node   *inode
	writes bool
	closed bool
}

func (f *file) usable() error {
	switch {
	case f.dead():
		return fs.ErrDead
	case f.closed:
		return iofs.ErrClosed
	}
	return nil
}

// ReadAt reads what any node has written, synced or not.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	err := f.usable()
	if err == nil && f.writes {
		err = ErrBadHandle
	}
	if err != nil {
		return 0, fail("read", f.name, err)
	}
	return readAt(f.node.data, f.name, p, off)
}

func readAt(data []byte, name string, p []byte, off int64) (int, error) {
	switch {
	case off < 0:
		return 0, fail("read", name, iofs.ErrInvalid)
	case off >= int64(len(data)) && len(p) > 0:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	n := copy(p, data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Write appends. The bytes are visible at once and survive a process crash.
func (f *file) Write(p []byte) (int, error) {
	err := f.usable()
	if err == nil && !f.writes {
		err = ErrBadHandle
	}
	if err != nil {
		return 0, fail("write", f.name, err)
	}
	if len(p) > 0 {
		f.node.appendData(f.by, p)
		f.d.changed()
	}
	return len(p), nil
}

// Size is the visible size in bytes.
func (f *file) Size() (int64, error) {
	if err := f.usable(); err != nil {
		return 0, fail("stat", f.name, err)
	}
	return int64(len(f.node.data)), nil
}

// Sync makes the contents durable, whoever wrote them.
func (f *file) Sync() error {
	if err := f.usable(); err != nil {
		return fail("sync", f.name, err)
	}
	if f.node.syncData() {
		f.d.synced()
	}
	return nil
}

// Close ends the handle. It syncs nothing.
func (f *file) Close() error {
	if err := f.usable(); err != nil {
		return fail("close", f.name, err)
	}
	f.closed = true
	return nil
}
