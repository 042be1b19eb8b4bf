package disk

import (
	"errors"
	"io"

	"github.com/weirstream/weir/engine/fs"
)

// faulty is a view whose calls may fail (D8 to D11). A dead one fails as dead.
type faulty struct{ view }

// try makes a call that has no result but its error.
func (v *faulty) try(op Op, call, name, other string, do func() error) error {
	if v.dead() || len(v.d.failures) == 0 {
		return do()
	}
	f := v.d.failure(v.by, op, name, other)
	if f == nil {
		return do()
	}
	if f.Applied {
		if err := do(); err != nil {
			return err // it would have failed anyway
		}
	}
	return f.error(call, name)
}

func (f *failing) error(call, name string) error {
	if errors.Is(f.Err, io.EOF) || errors.Is(f.Err, io.ErrUnexpectedEOF) {
		return f.Err
	}
	return fail(call, name, f.Err)
}

// open makes a call that returns a handle.
func (v *faulty) open(op Op, call, name string, do func(string) (fs.File, error)) (fs.File, error) {
	var got fs.File
	err := v.try(op, call, name, "", func() (err error) {
		got, err = do(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &faultyFile{got.(*file)}, nil
}

func (v *faulty) Open(name string) (fs.File, error) { return v.open(OpOpen, "open", name, v.view.Open) }

func (v *faulty) Append(name string) (fs.File, error) {
	return v.open(OpOpen, "append", name, v.view.Append)
}

func (v *faulty) Create(name string) (fs.File, error) {
	return v.open(OpCreate, "create", name, func(string) (fs.File, error) {
		if err := v.spare("create", name); err != nil {
			return nil, err
		}
		return v.view.Create(name)
	})
}

func (v *faulty) CreateNew(name string) (fs.File, error) {
	return v.open(OpCreate, "create", name, func(string) (fs.File, error) {
		if err := v.spare("create", name); err != nil {
			return nil, err
		}
		return v.view.CreateNew(name)
	})
}

func (v *faulty) MkdirAll(name string) error {
	return v.try(OpMkdir, "mkdir", name, "", func() error {
		if err := v.spare("mkdir", name); err != nil {
			return err
		}
		return v.view.MkdirAll(name)
	})
}

// spare fails if a name that is not there can't be made since the disk is full.
func (v *faulty) spare(call, name string) error {
	left, limited := v.d.room(v.by)
	if !limited || left > 0 || v.dead() {
		return nil
	}
	if _, err := v.find(name); errors.Is(err, fs.ErrNotExist) {
		v.d.full++
		return fail(call, name, fs.ErrNoSpace)
	}
	return nil
}

func (v *faulty) Rename(from, to string) error {
	return v.try(OpRename, "rename", from, to, func() error { return v.view.Rename(from, to) })
}

func (v *faulty) Remove(name string) error {
	return v.try(OpRemove, "remove", name, "", func() error { return v.view.Remove(name) })
}

func (v *faulty) SyncDir(name string) error {
	return v.try(OpSyncDir, "sync", name, "", func() error { return v.view.SyncDir(name) })
}

func (v *faulty) List(name string) (list []fs.Info, err error) {
	err = v.try(OpList, "list", name, "", func() (err error) {
		list, err = v.view.List(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func (v *faulty) Stat(name string) (info fs.Info, err error) {
	err = v.try(OpStat, "stat", name, "", func() (err error) {
		info, err = v.view.Stat(name)
		return err
	})
	if err != nil {
		return fs.Info{}, err
	}
	return info, nil
}

// faultyFile is a handle whose calls may fail.
type faultyFile struct{ *file }

// failure is what fails a call through the handle, nil for nothing.
func (f *faultyFile) failure(op Op) *failing {
	if len(f.d.failures) == 0 || f.usable() != nil {
		return nil
	}
	return f.d.failure(f.by, op, f.name, "")
}

// ReadAt may return fewer bytes, with an error, or a wrong one (D10).
func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	x := f.failure(OpRead)
	if x == nil {
		return f.file.ReadAt(p, off)
	}
	if x.Short {
		n := len(p)
		if n > 1 {
			n -= 1 + f.d.draw(ShortRead, plain(f.name), n-1)
		}
		return f.file.ReadAt(p[:n], off)
	}
	if !x.Flip {
		n, _ := f.file.ReadAt(p[:len(p)*x.Percent/100], off)
		return n, x.error("read", f.name)
	}
	n, err := f.file.ReadAt(p, off)
	if n > 0 {
		bit := f.d.draw(FlippedBit, plain(f.name), 8*n)
		p[bit/8] ^= 1 << (bit % 8)
	}
	return n, err
}

// Write may append a beginning of p only (D9).
func (f *faultyFile) Write(p []byte) (int, error) {
	if x := f.failure(OpWrite); x != nil {
		if x.Applied {
			if _, err := f.file.Write(p); err != nil {
				return 0, err
			}
			return 0, x.error("write", f.name)
		}
		n, err := f.file.Write(p[:len(p)*x.Percent/100])
		if err != nil {
			return n, err
		}
		return n, x.error("write", f.name)
	}
	left, limited := f.d.room(f.by)
	if !limited || left >= int64(len(p)) || f.usable() != nil || !f.writes {
		return f.file.Write(p)
	}
	f.d.full++
	n, err := f.file.Write(p[:left])
	if err == nil {
		err = fail("write", f.name, fs.ErrNoSpace)
	}
	return n, err
}

func (f *faultyFile) Size() (int64, error) {
	if x := f.failure(OpSize); x != nil {
		return 0, x.error("stat", f.name)
	}
	return f.file.Size()
}

// Sync that fails without having taken effect loses what it was to write (D8).
func (f *faultyFile) Sync() error {
	x := f.failure(OpSync)
	switch {
	case x == nil:
		return f.file.Sync()
	case x.Applied:
		if err := f.file.Sync(); err != nil {
			return err
		}
	default:
		f.node.missData()
	}
	return x.error("sync", f.name)
}

// Close ends the handle also if it fails.
func (f *faultyFile) Close() error {
	x := f.failure(OpClose)
	if err := f.file.Close(); err != nil || x == nil {
		return err
	}
	return x.error("close", f.name)
}
