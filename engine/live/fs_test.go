package live_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/live"
)

func openFS(t *testing.T, mounts map[string]string) (fs.FS, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := live.OpenFS(dir, mounts)
	require.NoError(t, err)
	return d, dir
}

func put(t *testing.T, f fs.File, err error, text string) {
	t.Helper()
	require.NoError(t, err)
	_, err = f.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, f.Sync())
	require.NoError(t, f.Close())
}

func contents(t *testing.T, d fs.FS, name string) string {
	t.Helper()
	f, err := d.Open(name)
	require.NoError(t, err)
	n, err := f.Size()
	require.NoError(t, err)
	b := make([]byte, n)
	_, err = f.ReadAt(b, 0)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return string(b)
}

func TestFiles(t *testing.T) {
	d, dir := openFS(t, nil)
	f, err := d.Create("f")
	put(t, f, err, "one")
	f, err = d.Append("f")
	put(t, f, err, "two")
	require.Equal(t, "onetwo", contents(t, d, "f"))
	require.Equal(t, "onetwo", contents(t, d, filepath.Join(dir, "f")))
	require.Equal(t, "onetwo", contents(t, d, "./x/../f"))

	f, err = d.Open("f")
	require.NoError(t, err)
	b := make([]byte, 5)
	n, err := f.ReadAt(b, 4)
	require.Equal(t, 2, n)
	require.Equal(t, io.EOF, err)
	_, err = f.Write(b)
	require.Error(t, err)
	require.NoError(t, f.Close())

	f, err = d.Create("f")
	put(t, f, err, "three")
	require.Equal(t, "three", contents(t, d, "f"))
	f, err = d.CreateNew("g")
	put(t, f, err, "four")
	require.NoError(t, d.Rename("g", "f"))
	require.Equal(t, "four", contents(t, d, "f"))
	require.NoError(t, d.Remove("f"))
	infos, err := d.List("")
	require.NoError(t, err)
	require.Empty(t, infos)
}

func TestDirectories(t *testing.T) {
	d, dir := openFS(t, nil)
	require.NoError(t, d.MkdirAll("x/y"))
	require.NoError(t, d.MkdirAll("x/y"))
	for _, name := range []string{"x/c", "x/a", "x/b"} {
		f, err := d.Create(name)
		put(t, f, err, name)
	}
	require.NoError(t, os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "x", "dangling")))
	require.NoError(t, os.Symlink(filepath.Join(dir, "x", "y"), filepath.Join(dir, "x", "link")))
	infos, err := d.List("x")
	require.NoError(t, err)
	require.Equal(t, []fs.Info{{Name: "a", Size: 3}, {Name: "b", Size: 3}, {Name: "c", Size: 3}, {Name: "link", Dir: true}, {Name: "y", Dir: true}}, infos)
	info, err := d.Stat("x/b")
	require.NoError(t, err)
	require.Equal(t, fs.Info{Name: "b", Size: 3}, info)
	info, err = d.Stat("x")
	require.NoError(t, err)
	require.Equal(t, fs.Info{Name: "x", Dir: true}, info)
	require.NoError(t, d.SyncDir("x"))
	require.NoError(t, d.SyncDir("."))
	require.Error(t, d.SyncDir("x/a"))
	require.Error(t, d.Remove("x"))
	require.NoError(t, d.Remove("x/y"))
}

func TestFileErrors(t *testing.T) {
	d, dir := openFS(t, nil)
	f, err := d.Create("f")
	put(t, f, err, "x")
	require.NoError(t, d.MkdirAll("dir"))
	only := func(_ any, err error) error { return err }
	for _, c := range []struct {
		is   error
		path string
		err  error
	}{
		{fs.ErrNotExist, "no", only(d.Open("no"))},
		{fs.ErrNotExist, "no", only(d.Append("no"))},
		{fs.ErrNotExist, "no", only(d.Stat("no"))},
		{fs.ErrNotExist, "no", only(d.List("no"))},
		{fs.ErrNotExist, "no", d.Remove("no")},
		{fs.ErrNotExist, "no", d.Rename("no", "f")},
		{fs.ErrNotExist, "no", d.SyncDir("no")},
		{fs.ErrNotExist, "no/f", only(d.Create("no/f"))},
		{fs.ErrNotExist, "no/f", only(d.CreateNew("no/f"))},
		{fs.ErrExist, "f", only(d.CreateNew("f"))},
		{syscall.EISDIR, "dir", only(d.Open("dir"))},
		{syscall.EISDIR, "dir", only(d.Create("dir"))},
		{syscall.ENOTDIR, "f", d.MkdirAll("f")},
		{syscall.ENOTDIR, "f", only(d.List("f"))},
		{syscall.ENOTDIR, "f", d.SyncDir("f")},
	} {
		require.ErrorIs(t, c.err, c.is)
		require.ErrorContains(t, c.err, filepath.Join(dir, c.path))
	}
	none, err := d.Open("no")
	require.Error(t, err)
	require.Nil(t, none)
}

func TestNamesStayBelowTheRoot(t *testing.T) {
	d, _ := openFS(t, nil)
	for _, name := range []string{"..", "../f", "x/../../f", "./.."} {
		_, err := d.Create(name)
		require.ErrorContains(t, err, "leads out of", name)
		_, err = d.List(name)
		require.Error(t, err, name)
		require.Error(t, d.Rename("f", name), name)
		require.Error(t, d.Rename(name, "f"), name)
	}
	f, err := d.Create("..f")
	put(t, f, err, "fine")
}

func TestMounts(t *testing.T) {
	book := filepath.Join(t.TempDir(), "book.txt")
	require.NoError(t, os.WriteFile(book, []byte("chapter"), 0o666))
	mounts := map[string]string{"input/book.txt": book}
	d, dir := openFS(t, mounts)
	delete(mounts, "input/book.txt")
	require.Equal(t, "chapter", contents(t, d, "input/book.txt"))
	require.Equal(t, "chapter", contents(t, d, "input/./book.txt"))
	info, err := d.Stat("input/book.txt")
	require.NoError(t, err)
	require.Equal(t, fs.Info{Name: "book.txt", Size: 7}, info)
	_, err = d.Open("input/book.txt.bak")
	require.ErrorContains(t, err, filepath.Join(dir, "input/book.txt.bak"))

	for name, target := range map[string]string{"": "/x", ".": "/x", "../a": "/x", "a/../b": "/x", "/a": "/x", "a": "x"} {
		_, err := live.OpenFS(dir, map[string]string{name: target})
		require.ErrorContains(t, err, "mount", "%q: %q", name, target)
	}
}

func TestRootMustBeADirectory(t *testing.T) {
	dir := t.TempDir()
	_, err := live.OpenFS(filepath.Join(dir, "no"), nil)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "f"), nil, 0o666))
	_, err = live.OpenFS(filepath.Join(dir, "f"), nil)
	require.ErrorIs(t, err, syscall.ENOTDIR)
}

func TestNoSpace(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full")
	}
	d, _ := openFS(t, map[string]string{"full": "/dev/full"})
	f, err := d.Append("full")
	require.NoError(t, err)
	_, err = f.Write([]byte("x"))
	require.ErrorIs(t, err, fs.ErrNoSpace)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorContains(t, err, "/dev/full")
	require.False(t, errors.Is(err, fs.ErrExist))
	require.NoError(t, f.Close())
}
