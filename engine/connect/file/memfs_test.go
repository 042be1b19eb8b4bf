package file

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/fs"
)

// memFS is a file system in memory that remembers what is durable: contents by
// Sync, a directory's entries, all at once, by SyncDir.
type memFS struct {
	root *node
	read int64 // bytes read
}

type node struct {
	dir              bool
	data, synced     []byte
	entries, durable map[string]*node
}

func newDir() *node {
	return &node{dir: true, entries: map[string]*node{}, durable: map[string]*node{}}
}

func newMemFS() *memFS { return &memFS{root: newDir()} }

// with puts a durable file.
func (m *memFS) with(t require.TestingT, name, data string) *memFS {
	require.NoError(t, m.MkdirAll(path.Dir(name)))
	f, err := m.Create(name)
	require.NoError(t, err)
	_, err = f.Write([]byte(data))
	require.NoError(t, err)
	require.NoError(t, f.Sync())
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		require.NoError(t, m.SyncDir(dir))
		if dir == "." {
			return m
		}
	}
}

// clone copies everything, also what is not durable.
func (m *memFS) clone() *memFS {
	seen := map[*node]*node{}
	var copyNode func(n *node) *node
	copyAll := func(es map[string]*node) map[string]*node {
		out := map[string]*node{}
		for name, n := range es {
			out[name] = copyNode(n)
		}
		return out
	}
	copyNode = func(n *node) *node {
		if c, ok := seen[n]; ok {
			return c
		}
		c := &node{dir: n.dir, data: bytes.Clone(n.data), synced: bytes.Clone(n.synced)}
		seen[n] = c
		if n.dir {
			c.entries, c.durable = copyAll(n.entries), copyAll(n.durable)
		}
		return c
	}
	return &memFS{root: copyNode(m.root)}
}

// survival says what a crash of the machine leaves of things that were not synced.
type survival struct {
	entries func() bool   // of the next directory
	bytes   func(int) int // of the next file with that many bytes
}

// nothing survives unless it was synced.
var nothing = survival{func() bool { return false }, func(int) int { return 0 }}

// crash is a crash of the machine.
func (m *memFS) crash(s survival) {
	var walk func(n *node)
	walk = func(n *node) {
		if !n.dir {
			if k := s.bytes(len(n.data)); k > len(n.synced) {
				n.synced = n.data[:k]
			}
			n.data = bytes.Clone(n.synced)
			return
		}
		if s.entries() {
			n.durable = maps.Clone(n.entries)
		}
		n.entries = maps.Clone(n.durable)
		for _, name := range slices.Sorted(maps.Keys(n.entries)) {
			walk(n.entries[name])
		}
	}
	walk(m.root)
}

func fail(op, name string, err error) error { return fmt.Errorf("%s %s: %w", op, name, err) }

func (m *memFS) get(name string) *node {
	n := m.root
	for _, e := range strings.Split(path.Clean(name), "/") {
		if e == "." || e == "" {
			continue
		}
		if n == nil || !n.dir {
			return nil
		}
		n = n.entries[e]
	}
	return n
}

func (m *memFS) Open(name string) (fs.File, error) {
	n := m.get(name)
	if n == nil {
		return nil, fail("open", name, fs.ErrNotExist)
	}
	return &memFile{m, n}, nil
}

func (m *memFS) Append(name string) (fs.File, error) { return m.Open(name) }

func (m *memFS) CreateNew(name string) (fs.File, error) {
	if m.get(name) != nil {
		return nil, fail("create", name, fs.ErrExist)
	}
	return m.Create(name)
}

func (m *memFS) Create(name string) (fs.File, error) {
	dir := m.get(path.Dir(name))
	if dir == nil {
		return nil, fail("create", name, fs.ErrNotExist)
	}
	n := dir.entries[path.Base(name)]
	if n == nil {
		n = &node{}
		dir.entries[path.Base(name)] = n
	}
	n.data = nil
	return &memFile{m, n}, nil
}

func (m *memFS) Rename(from, to string) error {
	n, dir := m.get(from), m.get(path.Dir(to))
	if n == nil || dir == nil {
		return fail("rename", from, fs.ErrNotExist)
	}
	delete(m.get(path.Dir(from)).entries, path.Base(from))
	dir.entries[path.Base(to)] = n
	return nil
}

func (m *memFS) Remove(name string) error {
	if m.get(name) == nil {
		return fail("remove", name, fs.ErrNotExist)
	}
	delete(m.get(path.Dir(name)).entries, path.Base(name))
	return nil
}

func (m *memFS) MkdirAll(name string) error {
	n := m.root
	for _, e := range strings.Split(path.Clean(name), "/") {
		if e == "." || e == "" {
			continue
		}
		if n.entries[e] == nil {
			n.entries[e] = newDir()
		}
		n = n.entries[e]
	}
	return nil
}

func (m *memFS) List(name string) ([]fs.Info, error) {
	n := m.get(name)
	if n == nil {
		return nil, fail("list", name, fs.ErrNotExist)
	}
	var out []fs.Info
	for _, e := range slices.Sorted(maps.Keys(n.entries)) {
		out = append(out, info(e, n.entries[e]))
	}
	return out, nil
}

func info(name string, n *node) fs.Info {
	return fs.Info{Name: name, Size: int64(len(n.data)), Dir: n.dir}
}

func (m *memFS) Stat(name string) (fs.Info, error) {
	n := m.get(name)
	if n == nil {
		return fs.Info{}, fail("stat", name, fs.ErrNotExist)
	}
	return info(path.Base(name), n), nil
}

func (m *memFS) SyncDir(name string) error {
	n := m.get(name)
	if n == nil {
		return fail("sync", name, fs.ErrNotExist)
	}
	n.durable = maps.Clone(n.entries)
	return nil
}

type memFile struct {
	m *memFS
	n *node
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	k := copy(p, f.n.data[off:])
	f.m.read += int64(k)
	if k < len(p) {
		return k, io.EOF
	}
	return k, nil
}

func (f *memFile) Write(p []byte) (int, error) {
	f.n.data = append(f.n.data, p...)
	return len(p), nil
}

func (f *memFile) Size() (int64, error) { return int64(len(f.n.data)), nil }

func (f *memFile) Sync() error {
	f.n.synced = bytes.Clone(f.n.data)
	return nil
}

func (f *memFile) Close() error { return nil }

// fuse lets that many operations pass and then kills the process that uses it. It
// is the host.Worker too.
type fuse struct {
	fs   fs.FS
	left int
	dead bool
	err  error // fs.ErrDead if nil
}

func (f *fuse) FS() fs.FS { return f }
func (f *fuse) Yield()    {}

// blow is the error of the next operation.
func (f *fuse) blow() error {
	f.left--
	if f.left >= 0 {
		return nil
	}
	f.dead = true
	if f.err != nil {
		return f.err
	}
	return fs.ErrDead
}

func (f *fuse) file(open func(string) (fs.File, error), name string) (fs.File, error) {
	if err := f.blow(); err != nil {
		return nil, err
	}
	file, err := open(name)
	if err != nil {
		return nil, err
	}
	return &fusedFile{file, f}, nil
}

func (f *fuse) Open(name string) (fs.File, error)      { return f.file(f.fs.Open, name) }
func (f *fuse) Create(name string) (fs.File, error)    { return f.file(f.fs.Create, name) }
func (f *fuse) CreateNew(name string) (fs.File, error) { return f.file(f.fs.CreateNew, name) }
func (f *fuse) Append(name string) (fs.File, error)    { return f.file(f.fs.Append, name) }

func (f *fuse) do(op func() error) error {
	if err := f.blow(); err != nil {
		return err
	}
	return op()
}

func (f *fuse) Rename(from, to string) error {
	return f.do(func() error { return f.fs.Rename(from, to) })
}
func (f *fuse) Remove(name string) error   { return f.do(func() error { return f.fs.Remove(name) }) }
func (f *fuse) MkdirAll(name string) error { return f.do(func() error { return f.fs.MkdirAll(name) }) }
func (f *fuse) SyncDir(name string) error  { return f.do(func() error { return f.fs.SyncDir(name) }) }

func (f *fuse) List(name string) ([]fs.Info, error) {
	if err := f.blow(); err != nil {
		return nil, err
	}
	return f.fs.List(name)
}

func (f *fuse) Stat(name string) (fs.Info, error) {
	if err := f.blow(); err != nil {
		return fs.Info{}, err
	}
	return f.fs.Stat(name)
}

type fusedFile struct {
	file fs.File
	fuse *fuse
}

func (f *fusedFile) ReadAt(p []byte, off int64) (n int, err error) {
	if err := f.fuse.blow(); err != nil {
		return 0, err
	}
	return f.file.ReadAt(p, off)
}

// Write tears: the process dies with half of it in the file.
func (f *fusedFile) Write(p []byte) (int, error) {
	if err := f.fuse.blow(); err != nil {
		if f.fuse.left == -1 {
			_, _ = f.file.Write(p[:len(p)/2])
		}
		return 0, err
	}
	return f.file.Write(p)
}

func (f *fusedFile) Size() (int64, error) {
	if err := f.fuse.blow(); err != nil {
		return 0, err
	}
	return f.file.Size()
}

func (f *fusedFile) Sync() error  { return f.fuse.do(f.file.Sync) }
func (f *fusedFile) Close() error { return f.fuse.do(f.file.Close) }

const forever = 1 << 30

func TestMemFSForgetsWhatWasNotSynced(t *testing.T) {
	m := newMemFS().with(t, "d/kept", "kept")
	f, err := m.CreateNew("d/new")
	require.NoError(t, err)
	_, err = f.Write([]byte("new"))
	require.NoError(t, err)
	require.NoError(t, f.Sync())
	g, err := m.Append("d/kept")
	require.NoError(t, err)
	_, err = g.Write([]byte(" and lost"))
	require.NoError(t, err)
	m.crash(nothing)
	require.Nil(t, m.get("d/new"), "the entry was not synced")
	require.Equal(t, "kept", string(m.get("d/kept").data))
}
