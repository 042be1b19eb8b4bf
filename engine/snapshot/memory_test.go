package snapshot_test

import (
	"bytes"
	"fmt"

	"github.com/weirstream/weir/engine/fs"
)

// memory is a flat file system for tests, without crashes. Directories exist.
type memory struct {
	files map[string][]byte
	fail  error // of every rename
}

type memoryFile struct {
	m    *memory
	name string
}

func missing(name string) error { return fmt.Errorf("%s: %w", name, fs.ErrNotExist) }

func (m *memory) Open(name string) (fs.File, error) {
	if _, ok := m.files[name]; !ok {
		return nil, missing(name)
	}
	return &memoryFile{m, name}, nil
}

func (m *memory) Create(name string) (fs.File, error) {
	m.files[name] = nil
	return &memoryFile{m, name}, nil
}

func (m *memory) Rename(old, new string) error {
	if m.fail != nil {
		return m.fail
	}
	m.files[new] = m.files[old]
	delete(m.files, old)
	return nil
}

func (m *memory) Remove(name string) error {
	delete(m.files, name)
	return nil
}

func (m *memory) CreateNew(name string) (fs.File, error) { return m.Create(name) }
func (m *memory) Append(name string) (fs.File, error)    { return m.Open(name) }
func (m *memory) MkdirAll(string) error                  { return nil }
func (m *memory) List(string) ([]fs.Info, error)         { return nil, nil }
func (m *memory) SyncDir(string) error                   { return nil }

func (m *memory) Stat(name string) (fs.Info, error) {
	b, ok := m.files[name]
	if !ok {
		return fs.Info{}, missing(name)
	}
	return fs.Info{Name: name, Size: int64(len(b))}, nil
}

func (f *memoryFile) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(f.m.files[f.name]).ReadAt(p, off)
}

func (f *memoryFile) Write(p []byte) (int, error) {
	f.m.files[f.name] = append(f.m.files[f.name], p...)
	return len(p), nil
}

func (f *memoryFile) Size() (int64, error) { return int64(len(f.m.files[f.name])), nil }
func (f *memoryFile) Sync() error          { return nil }
func (f *memoryFile) Close() error         { return nil }
