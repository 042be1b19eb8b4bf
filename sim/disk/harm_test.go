package disk

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/fs"
)

// Damage is there at once, for all to see, and no crash takes it back.
func TestHarmIsDurable(t *testing.T) {
	d := New(mild{})
	require.NoError(t, d.Import("c/1/a", []byte("abc")))
	require.NoError(t, d.Import("c/1/b", []byte("bcd")))
	require.NoError(t, d.Import("c/2/a", []byte("cde")))
	before := d.Digest()
	require.NoError(t, d.Truncate("c/1/a", 1))
	require.NotEqual(t, before, d.Digest())
	require.NoError(t, d.Truncate("c/2/a", 0))
	require.NoError(t, d.Lose("c/1/b"))
	want := map[string]string{"c": "/", "c/1": "/", "c/1/a": "a", "c/2": "/", "c/2/a": ""}
	require.Equal(t, want, tree(t, d.Durable()))
	require.Equal(t, want, tree(t, d.Node("n")))
	d.MachineCrash("n")
	require.Equal(t, want, tree(t, d.Node("n")))
	require.NoError(t, d.Lose("c/1"))
	require.Equal(t, map[string]string{"c": "/", "c/2": "/", "c/2/a": ""}, tree(t, d.Node("n")))

	require.EqualError(t, d.Truncate("c/2/a", 0), "truncate c/2/a: size 0 is not below its 0 bytes")
	require.ErrorIs(t, d.Truncate("c/2", 0), ErrIsDir)
	require.ErrorIs(t, d.Truncate("none", 0), fs.ErrNotExist)
	require.ErrorIs(t, d.Lose("none"), fs.ErrNotExist)
	require.ErrorIs(t, d.Lose("/"), fs.ErrNotExist)
}

// Harm to what is not synced yet is not undone with it.
func TestHarmOfPendingChanges(t *testing.T) {
	d := New(mild{})
	require.NoError(t, d.Import("c/kept", []byte("k")))
	n := d.Node("n")
	f, err := n.Create("c/new")
	require.NoError(t, err)
	_, err = f.Write([]byte("abcdef"))
	require.NoError(t, err)
	require.NoError(t, n.SyncDir("c"))
	require.NoError(t, d.Truncate("c/new", 2))
	require.NoError(t, f.Sync())
	require.Equal(t, "ab", read(t, d.Durable(), "c/new"))
	require.NoError(t, n.Rename("c/kept", "c/moved"))
	require.NoError(t, d.Lose("c/moved"))
	d.MachineCrash("n")
	require.Equal(t, map[string]string{"c": "/", "c/new": "ab"}, tree(t, d.Node("m")))
}
