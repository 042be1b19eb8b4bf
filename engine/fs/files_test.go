package fs_test

import (
	"bytes"
	"errors"
	"io"
	iofs "io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/fs"
)

var errDisk = errors.New("the disk failed")

func TestWriteThenRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMemory()
		m.dirs["d"] = true
		m.piece = rapid.IntRange(0, 7).Draw(t, "piece")
		kind := rapid.StringOfN(rapid.Rune(), 1, 20, 255).Draw(t, "kind")
		version := rapid.Uint32().Draw(t, "version")
		payload := rapid.SliceOf(rapid.Byte()).Draw(t, "payload")
		require.NoError(t, fs.WriteFile(m, "d/f", kind, version, []byte("older")))
		require.NoError(t, fs.WriteFile(m, "d/f", kind, version, payload))
		require.Len(t, m.files, 1)
		gotVersion, got, err := fs.ReadFile(m, "d/f", kind, version)
		require.NoError(t, err)
		require.Equal(t, version, gotVersion)
		require.True(t, bytes.Equal(payload, got))
	})
}

func TestWriteOrder(t *testing.T) {
	m := newMemory()
	m.dirs["d"] = true
	require.NoError(t, fs.WriteFile(m, "d/f", "test", 1, []byte("x")))
	require.Equal(t, []string{
		"create d/f.tmp", "write d/f.tmp", "write d/f.tmp", "write d/f.tmp",
		"sync d/f.tmp", "close d/f.tmp", "rename d/f.tmp d/f", "syncdir d",
	}, m.log)
	m.log = nil
	require.NoError(t, fs.WriteFileVia(m, "d/f", ".7", "test", 1, nil))
	require.Equal(t, []string{
		"create d/f.7", "write d/f.7", "write d/f.7", "sync d/f.7", "close d/f.7", "rename d/f.7 d/f", "syncdir d",
	}, m.log)
}

// Whatever call fails, the error is told, the old file is whole or the new one is,
// and no temporary file stays.
func TestWriteFails(t *testing.T) {
	for _, call := range []string{"create", "write", "sync", "close", "rename", "syncdir"} {
		m := newMemory()
		require.NoError(t, fs.WriteFile(m, "f", "test", 1, []byte("old")))
		m.fail, m.err = call+" ", errDisk
		err := fs.WriteFile(m, "f", "test", 2, []byte("new"))
		require.ErrorIs(t, err, errDisk, call)
		require.ErrorContains(t, err, "write f: ", call)
		m.fail = ""
		require.Len(t, m.files, 1, call)
		version, payload, err := fs.ReadFile(m, "f", "test", 2)
		require.NoError(t, err, call)
		if call == "syncdir" {
			require.EqualValues(t, 2, version)
		} else {
			require.Equal(t, "old", string(payload), call)
		}
	}
	m := newMemory()
	m.writes = 3
	require.ErrorIs(t, fs.WriteFile(m, "f", "test", 1, nil), io.ErrShortWrite)
	require.Empty(t, m.files)
	require.ErrorContains(t, fs.WriteFile(m, "f", "", 1, nil), "1 to 255 bytes")
	require.ErrorContains(t, fs.WriteFile(m, "f", strings.Repeat("k", 256), 1, nil), "1 to 255 bytes")
	require.ErrorContains(t, fs.WriteFileVia(m, "f", "", "test", 1, nil), "suffix")
	require.Empty(t, m.files)
}

func small(t *testing.T) (*memory, []byte) {
	m := newMemory()
	require.NoError(t, fs.WriteFile(m, "f", "test", 3, []byte("some payload")))
	return m, bytes.Clone(m.files["f"])
}

func TestEveryFlippedBit(t *testing.T) {
	m, whole := small(t)
	for i := range len(whole) * 8 {
		damaged := bytes.Clone(whole)
		damaged[i/8] ^= 1 << (i % 8)
		m.files["f"] = damaged
		_, _, err := fs.ReadFile(m, "f", "test", 3)
		require.ErrorIs(t, err, fs.ErrCorrupt, "bit %d", i)
		require.ErrorContains(t, err, "f: corrupt: ")
		// Damage must not pass for another format.
		require.NotContains(t, err.Error(), "unknown kind")
		require.NotContains(t, err.Error(), "newer")
	}
}

func TestEveryTruncation(t *testing.T) {
	m, whole := small(t)
	for cut := range whole {
		m.files["f"] = whole[:cut]
		_, _, err := fs.ReadFile(m, "f", "test", 3)
		require.ErrorIs(t, err, fs.ErrCorrupt, "cut at %d", cut)
		require.ErrorContains(t, err, "cut short at byte ")
	}
	m.files["f"] = append(bytes.Clone(whole), 0)
	_, _, err := fs.ReadFile(m, "f", "test", 3)
	require.ErrorIs(t, err, fs.ErrCorrupt)
	require.ErrorContains(t, err, "1 bytes too many")
}

func TestArbitraryContents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMemory()
		m.files["f"] = append([]byte("WEIR"), rapid.SliceOf(rapid.Byte()).Draw(t, "data")...)
		_, _, err := fs.ReadFile(m, "f", "test", 3)
		require.ErrorIs(t, err, fs.ErrCorrupt)
	})
}

func TestReadErrors(t *testing.T) {
	m, whole := small(t)
	read := func(kind string, newest uint32) string {
		_, _, err := fs.ReadFile(m, "f", kind, newest)
		require.ErrorIs(t, err, fs.ErrCorrupt)
		return err.Error()
	}
	require.Equal(t, `f: corrupt: unknown kind "test" at byte 5, expected "other"`, read("other", 3))
	require.Equal(t, "f: corrupt: version 3 at byte 9 is newer than 2, the newest this program knows", read("test", 2))
	m.files["f"] = []byte("something else altogether")
	require.Equal(t, `f: corrupt: unknown format: the first bytes are "some", expected "WEIR"`, read("test", 3))
	m.files["f"] = whole[:30]
	require.Equal(t, "f: corrupt: cut short at byte 30: the header at byte 13 says 12 bytes follow, and 8 of checksum", read("test", 3))
	m.files["f"] = whole
	m.grown = 5
	version, _, err := fs.ReadFile(m, "f", "test", 3)
	require.NoError(t, err)
	require.EqualValues(t, 3, version)

	_, _, err = fs.ReadFile(m, "g", "test", 3)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NotErrorIs(t, err, fs.ErrCorrupt)
	for _, call := range []string{"open", "size", "read", "close"} {
		m.fail, m.err = call+" ", errDisk
		_, _, err = fs.ReadFile(m, "f", "test", 3)
		require.ErrorIs(t, err, errDisk, call)
		require.NotErrorIs(t, err, fs.ErrCorrupt, call)
	}
	m.fail, m.stuck = "", true
	_, _, err = fs.ReadFile(m, "f", "test", 3)
	require.ErrorIs(t, err, io.ErrNoProgress)
}

func TestExists(t *testing.T) {
	m, _ := small(t)
	for name, want := range map[string]bool{"f": true, ".": true, "g": false} {
		got, err := fs.Exists(m, name)
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	m.fail, m.err = "stat", errDisk
	_, err := fs.Exists(m, "f")
	require.ErrorIs(t, err, errDisk)
}

func tree(t *testing.T) *memory {
	m := newMemory()
	require.NoError(t, m.MkdirAll("a/b/c"))
	for _, name := range []string{"a/z", "a/y", "a/b/x", "keep"} {
		m.files[name] = []byte(name)
	}
	m.log = nil
	return m
}

func TestRemoveAll(t *testing.T) {
	m := tree(t)
	require.NoError(t, fs.RemoveAll(m, "a"))
	require.Equal(t, []string{"remove a/y", "remove a/z", "remove a/b/x", "remove a/b/c", "remove a/b", "remove a"}, m.log)
	require.Len(t, m.files, 1)
	require.NoError(t, fs.RemoveAll(m, "a"))
	require.NoError(t, fs.RemoveAll(m, "keep"))
	require.Empty(t, m.files)

	// Someone else removes the same things.
	m = tree(t)
	m.fail, m.err = "remove a/z", fs.ErrNotExist
	require.NoError(t, fs.RemoveAll(m, "a/b"))
	require.Error(t, fs.RemoveAll(m, "a"), "the file is in fact still there, and so the directory can't go")
	m = tree(t)
	m.fail, m.err = "remove a/b/x", errDisk
	require.ErrorIs(t, fs.RemoveAll(m, "a"), errDisk)
	require.Equal(t, []string{"remove a/y", "remove a/z", "remove a/b/x"}, m.log)
}

func TestMkdirAllSynced(t *testing.T) {
	m := newMemory()
	require.NoError(t, fs.MkdirAllSynced(m, "a/b/c"))
	require.True(t, m.dirs["a/b/c"])
	want := []string{"mkdir a/b/c", "syncdir a/b", "syncdir a", "syncdir ."}
	require.Equal(t, want, m.log)
	m.log = nil
	require.NoError(t, fs.MkdirAllSynced(m, "a/b/c"), "again: an earlier maker may have died before syncing")
	require.Equal(t, want, m.log)
	m.log = nil
	require.NoError(t, fs.MkdirAllSynced(m, "/r/s/"))
	require.Equal(t, []string{"mkdir /r/s/", "syncdir /r", "syncdir /"}, m.log)
	for _, call := range []string{"mkdir", "syncdir"} {
		m.fail, m.err = call+" ", errDisk
		require.ErrorIs(t, fs.MkdirAllSynced(m, "a/b"), errDisk)
	}
	m.fail, m.err = "syncdir /", iofs.ErrPermission
	require.NoError(t, fs.MkdirAllSynced(m, "/r/s"))
}
