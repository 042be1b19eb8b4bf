package master

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine/fs"
)

// memory is a file system that writes down the calls that change or sync
// something, and can fail one of them, before or after it has happened.
type memory struct {
	files map[string][]byte // nil for a directory
	log   []string
	calls int

	failAt  int // number of the call that fails, from 1; 0 for none
	applied bool
	err     error
	// before, if set, is called before each call.
	before func(call string)
}

func newMemory() *memory { return &memory{files: map[string][]byte{".": nil}} }

// FS implements host.Worker.
func (m *memory) FS() fs.FS { return m }
func (m *memory) Yield()    {}

// call does something, unless it is to fail before that.
func (m *memory) call(do func() error, format string, args ...any) error {
	m.calls++
	line := fmt.Sprintf(format, args...)
	if m.before != nil {
		m.before(line)
	}
	m.log = append(m.log, line)
	if m.calls != m.failAt {
		return do()
	}
	if m.applied {
		if err := do(); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: %w", line, m.err)
}

func (m *memory) missing(name string) error {
	if _, ok := m.files[name]; !ok {
		return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return nil
}

// contents tells an empty file from a directory.
func contents(b []byte) []byte { return append(make([]byte, 0, 1), b...) }

func (m *memory) Open(name string) (fs.File, error) {
	err := m.call(func() error { return m.missing(name) }, "open %s", name)
	return &memoryFile{m, name}, err
}

func (m *memory) Create(name string) (fs.File, error) {
	err := m.call(func() error {
		if err := m.missing(path.Dir(name)); err != nil {
			return err
		}
		m.files[name] = contents(nil)
		return nil
	}, "create %s", name)
	return &memoryFile{m, name}, err
}

func (m *memory) CreateNew(name string) (fs.File, error) {
	err := m.call(func() error {
		if m.missing(name) == nil {
			return fmt.Errorf("%s: %w", name, fs.ErrExist)
		}
		m.files[name] = contents(nil)
		return nil
	}, "create new %s", name)
	return &memoryFile{m, name}, err
}

func (m *memory) Append(name string) (fs.File, error) { return m.Open(name) }

func (m *memory) Rename(old, new string) error {
	return m.call(func() error {
		if err := m.missing(old); err != nil {
			return err
		}
		m.files[new] = m.files[old]
		delete(m.files, old)
		return nil
	}, "rename %s", new)
}

func (m *memory) Remove(name string) error {
	return m.call(func() error {
		if err := m.missing(name); err != nil {
			return err
		}
		delete(m.files, name)
		return nil
	}, "remove %s", name)
}

func (m *memory) MkdirAll(name string) error {
	return m.call(func() error {
		for n := name; m.missing(n) != nil; n = path.Dir(n) {
			m.files[n] = nil
		}
		return nil
	}, "mkdir %s", name)
}

func (m *memory) List(dir string) ([]fs.Info, error) {
	var list []fs.Info
	err := m.call(func() error {
		for name, data := range m.files {
			if path.Dir(name) == dir && name != "." {
				list = append(list, fs.Info{Name: path.Base(name), Size: int64(len(data)), Dir: data == nil})
			}
		}
		slices.SortFunc(list, func(a, b fs.Info) int { return strings.Compare(a.Name, b.Name) })
		return m.missing(dir)
	}, "list %s", dir)
	return list, err
}

func (m *memory) Stat(name string) (fs.Info, error) {
	err := m.call(func() error { return m.missing(name) }, "stat %s", name)
	return fs.Info{Name: path.Base(name), Size: int64(len(m.files[name])), Dir: m.files[name] == nil}, err
}

func (m *memory) SyncDir(dir string) error {
	return m.call(func() error { return m.missing(dir) }, "syncdir %s", dir)
}

type memoryFile struct {
	m    *memory
	name string
}

func (f *memoryFile) ReadAt(p []byte, off int64) (n int, err error) {
	err = f.m.call(func() error {
		if n = copy(p, f.m.files[f.name][off:]); n < len(p) {
			return io.EOF
		}
		return nil
	}, "read %s", f.name)
	return n, err
}

func (f *memoryFile) Write(p []byte) (int, error) {
	return len(p), f.m.call(func() error {
		f.m.files[f.name] = append(f.m.files[f.name], p...)
		return nil
	}, "write %s", f.name)
}

func (f *memoryFile) Size() (int64, error) {
	return int64(len(f.m.files[f.name])), f.m.call(func() error { return nil }, "size %s", f.name)
}

func (f *memoryFile) Sync() error {
	return f.m.call(func() error { return nil }, "sync %s", f.name)
}

func (f *memoryFile) Close() error {
	return f.m.call(func() error { return nil }, "close %s", f.name)
}
