package fs_test

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine/fs"
)

// memory is a file system without crashes. It writes down what is done to it,
// and fails the call whose line starts with fail.
type memory struct {
	files map[string][]byte
	dirs  map[string]bool
	log   []string
	fail  string
	err   error
	// piece limits what one ReadAt returns; 0 for no limit.
	piece int
	// stuck makes ReadAt return nothing and no error.
	stuck bool
	// writes limits what one Write takes; 0 for no limit.
	writes int
	// grown is what Size says beyond the truth.
	grown int64
}

func newMemory() *memory {
	return &memory{files: map[string][]byte{}, dirs: map[string]bool{".": true, "/": true}}
}

func (m *memory) do(format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	m.log = append(m.log, line)
	if m.fail != "" && strings.HasPrefix(line, m.fail) {
		return fmt.Errorf("%s: %w", line, m.err)
	}
	return nil
}

func (m *memory) missing(name string) error { return fmt.Errorf("%s: %w", name, fs.ErrNotExist) }

func (m *memory) Open(name string) (fs.File, error) {
	if err := m.do("open %s", name); err != nil {
		return nil, err
	}
	if _, ok := m.files[name]; !ok {
		return nil, m.missing(name)
	}
	return &memoryFile{m, name}, nil
}

func (m *memory) Create(name string) (fs.File, error) {
	if err := m.do("create %s", name); err != nil {
		return nil, err
	}
	if !m.dirs[path.Dir(name)] {
		return nil, m.missing(path.Dir(name))
	}
	m.files[name] = nil
	return &memoryFile{m, name}, nil
}

func (m *memory) CreateNew(name string) (fs.File, error) {
	if _, ok := m.files[name]; ok {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrExist)
	}
	return m.Create(name)
}

func (m *memory) Append(name string) (fs.File, error) { return m.Open(name) }

func (m *memory) Rename(old, new string) error {
	if err := m.do("rename %s %s", old, new); err != nil {
		return err
	}
	m.files[new] = m.files[old]
	delete(m.files, old)
	return nil
}

func (m *memory) Remove(name string) error {
	if err := m.do("remove %s", name); err != nil {
		return err
	}
	if m.dirs[name] {
		if list, _ := m.List(name); len(list) > 0 {
			return fmt.Errorf("%s: not empty", name)
		}
		delete(m.dirs, name)
		return nil
	}
	if _, ok := m.files[name]; !ok {
		return m.missing(name)
	}
	delete(m.files, name)
	return nil
}

func (m *memory) MkdirAll(name string) error {
	if err := m.do("mkdir %s", name); err != nil {
		return err
	}
	for name = path.Clean(name); !m.dirs[name]; name = path.Dir(name) {
		m.dirs[name] = true
	}
	return nil
}

func (m *memory) List(dir string) ([]fs.Info, error) {
	if !m.dirs[dir] {
		return nil, m.missing(dir)
	}
	var list []fs.Info
	for name, data := range m.files {
		if path.Dir(name) == dir {
			list = append(list, fs.Info{Name: path.Base(name), Size: int64(len(data))})
		}
	}
	for name := range m.dirs {
		if path.Dir(name) == dir && name != dir {
			list = append(list, fs.Info{Name: path.Base(name), Dir: true})
		}
	}
	slices.SortFunc(list, func(a, b fs.Info) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func (m *memory) Stat(name string) (fs.Info, error) {
	if m.fail == "stat" {
		return fs.Info{}, m.err
	}
	if m.dirs[name] {
		return fs.Info{Name: path.Base(name), Dir: true}, nil
	}
	data, ok := m.files[name]
	if !ok {
		return fs.Info{}, m.missing(name)
	}
	return fs.Info{Name: path.Base(name), Size: int64(len(data))}, nil
}

func (m *memory) SyncDir(dir string) error { return m.do("syncdir %s", dir) }

type memoryFile struct {
	m    *memory
	name string
}

func (f *memoryFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.m.do("read %s", f.name); err != nil {
		return 0, err
	}
	if f.m.stuck {
		return 0, nil
	}
	data := f.m.files[f.name]
	if off >= int64(len(data)) {
		return 0, io.EOF
	}
	want := len(p)
	if f.m.piece > 0 {
		p = p[:min(len(p), f.m.piece)]
	}
	n := copy(p, data[off:])
	if n < len(p) || n == want && int(off)+n == len(data) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memoryFile) Write(p []byte) (int, error) {
	if err := f.m.do("write %s", f.name); err != nil {
		return 0, err
	}
	if f.m.writes > 0 {
		p = p[:min(len(p), f.m.writes)]
	}
	f.m.files[f.name] = append(f.m.files[f.name], p...)
	return len(p), nil
}

func (f *memoryFile) Size() (int64, error) {
	return int64(len(f.m.files[f.name])) + f.m.grown, f.m.do("size %s", f.name)
}
func (f *memoryFile) Sync() error  { return f.m.do("sync %s", f.name) }
func (f *memoryFile) Close() error { return f.m.do("close %s", f.name) }
