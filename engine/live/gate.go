package live

import (
	"fmt"
	"sync"

	"github.com/weirstream/weir/engine/fs"
)

// gate is the file system as one incarnation of a node sees it: shut when the
// node crashes, so that what its zombies still do changes nothing.
type gate struct {
	fs fs.FS

	mu   sync.RWMutex // held for reading during calls
	dead bool
}

func (g *gate) shut() {
	g.mu.Lock()
	g.dead = true
	g.mu.Unlock()
}

// pass makes a call if the gate is open.
func pass[T any](g *gate, what, name string, call func() (T, error)) (T, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.dead {
		var zero T
		return zero, fmt.Errorf("%s %s: %w", what, name, fs.ErrDead)
	}
	return call()
}

func (g *gate) do(what, name string, call func() error) error {
	_, err := pass(g, what, name, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

func (g *gate) open(what, name string, call func(string) (fs.File, error)) (fs.File, error) {
	f, err := pass(g, what, name, func() (fs.File, error) { return call(name) })
	if err != nil {
		return nil, err
	}
	return &gateFile{g: g, f: f, name: name}, nil
}

func (g *gate) Open(name string) (fs.File, error)      { return g.open("open", name, g.fs.Open) }
func (g *gate) Create(name string) (fs.File, error)    { return g.open("create", name, g.fs.Create) }
func (g *gate) CreateNew(name string) (fs.File, error) { return g.open("create", name, g.fs.CreateNew) }
func (g *gate) Append(name string) (fs.File, error)    { return g.open("append", name, g.fs.Append) }

func (g *gate) Rename(old, new string) error {
	return g.do("rename", old, func() error { return g.fs.Rename(old, new) })
}

func (g *gate) Remove(name string) error {
	return g.do("remove", name, func() error { return g.fs.Remove(name) })
}

func (g *gate) MkdirAll(name string) error {
	return g.do("mkdir", name, func() error { return g.fs.MkdirAll(name) })
}

func (g *gate) List(dir string) ([]fs.Info, error) {
	return pass(g, "list", dir, func() ([]fs.Info, error) { return g.fs.List(dir) })
}

func (g *gate) Stat(name string) (fs.Info, error) {
	return pass(g, "stat", name, func() (fs.Info, error) { return g.fs.Stat(name) })
}

func (g *gate) SyncDir(dir string) error {
	return g.do("sync", dir, func() error { return g.fs.SyncDir(dir) })
}

type gateFile struct {
	g    *gate
	f    fs.File
	name string
}

func (f *gateFile) ReadAt(p []byte, off int64) (int, error) {
	return pass(f.g, "read", f.name, func() (int, error) { return f.f.ReadAt(p, off) })
}

func (f *gateFile) Write(p []byte) (int, error) {
	return pass(f.g, "write", f.name, func() (int, error) { return f.f.Write(p) })
}

func (f *gateFile) Size() (int64, error) { return pass(f.g, "stat", f.name, f.f.Size) }
func (f *gateFile) Sync() error          { return f.g.do("sync", f.name, f.f.Sync) }

// Close also gives back the handle of a dead node: this process goes on.
func (f *gateFile) Close() error {
	err := f.f.Close()
	return f.g.do("close", f.name, func() error { return err })
}
