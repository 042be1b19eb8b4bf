package disk

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weirstream/weir/engine/fs"
)

type files = map[string]string

// pairs holds what two nodes do, what is visible when a's machine crashes with the
// worst outcome while b's changes are pending, and what is left if b's follows.
var pairs = []struct {
	name          string
	do            func(t *testing.T, a, b fs.FS)
	left, further files
}{
	{"b wrote over a's entry", func(t *testing.T, a, b fs.FS) {
		require.NoError(t, fill(t, a, "x", "a").Sync())
		require.NoError(t, b.Remove("x"))
		require.NoError(t, fill(t, b, "x", "b").Sync())
	}, files{"x": "b"}, files{}},
	{"b moved a's new file", func(t *testing.T, a, b fs.FS) {
		require.NoError(t, fill(t, a, "x", "a").Sync())
		require.NoError(t, b.Rename("x", "y"))
	}, files{"y": "a"}, files{}},
	{"b moved on what a had moved: a's rename stays", func(t *testing.T, a, b fs.FS) {
		require.NoError(t, fill(t, a, "x", "a").Sync())
		require.NoError(t, a.SyncDir(""))
		require.NoError(t, a.Rename("x", "y"))
		require.NoError(t, b.Rename("y", "z"))
	}, files{"z": "a"}, files{"y": "a"}},
	{"b took the name that a had moved away from: a's rename stays", func(t *testing.T, a, b fs.FS) {
		require.NoError(t, fill(t, a, "x", "a").Sync())
		require.NoError(t, a.SyncDir(""))
		require.NoError(t, a.Rename("x", "y"))
		require.NoError(t, fill(t, b, "x", "b").Sync())
	}, files{"x": "b", "y": "a"}, files{"y": "a"}},
	{"b put a directory below one that a had moved: no circle", func(t *testing.T, a, b fs.FS) {
		require.NoError(t, a.MkdirAll("p/d"))
		require.NoError(t, a.SyncDir("p"))
		require.NoError(t, a.SyncDir(""))
		require.NoError(t, a.Rename("p/d", "d"))
		require.NoError(t, b.Rename("p", "d/p"))
	}, files{"d": "/", "d/p": "/"}, files{"d": "/", "p": "/"}},
	{"b removed the directory that a had moved a file out of: a's rename stays", func(t *testing.T, a, b fs.FS) {
		require.NoError(t, a.MkdirAll("p"))
		require.NoError(t, fill(t, a, "p/x", "a").Sync())
		require.NoError(t, a.SyncDir("p"))
		require.NoError(t, a.SyncDir(""))
		require.NoError(t, a.Rename("p/x", "x"))
		require.NoError(t, b.Remove("p"))
	}, files{"x": "a"}, files{"p": "/", "x": "a"}},
	{"b's synced file in a's unsynced directory is lost with it", func(t *testing.T, a, b fs.FS) {
		require.NoError(t, a.MkdirAll("p"))
		require.NoError(t, b.MkdirAll("p"))
		require.NoError(t, fill(t, b, "p/x", "b").Sync())
		require.NoError(t, b.SyncDir("p"))
	}, files{}, files{}},
	{"b synced a's directory and file", func(t *testing.T, a, b fs.FS) {
		require.NoError(t, a.MkdirAll("p"))
		fill(t, a, "p/x", "a")
		h, err := b.Append("p/x")
		require.NoError(t, err)
		require.NoError(t, h.Sync())
		require.NoError(t, b.SyncDir("p"))
		require.NoError(t, b.SyncDir(""))
	}, files{"p": "/", "p/x": "a"}, files{"p": "/", "p/x": "a"}},
	{"b wrote behind a's lost bytes", func(t *testing.T, a, b fs.FS) {
		h := fill(t, a, "x", "12")
		require.NoError(t, h.Sync())
		require.NoError(t, a.SyncDir(""))
		_, err := h.Write([]byte("34"))
		require.NoError(t, err)
		g, err := b.Append("x")
		require.NoError(t, err)
		_, err = g.Write([]byte("56"))
		require.NoError(t, err)
		_, err = h.Write([]byte("78"))
		require.NoError(t, err)
	}, files{"x": "12\x00\x0056"}, files{"x": "12"}},
	{"b wrote to a file that a truncated: it stays so", func(t *testing.T, a, b fs.FS) {
		require.NoError(t, fill(t, a, "x", "old").Sync())
		require.NoError(t, a.SyncDir(""))
		fill(t, a, "x")
		h, err := b.Append("x")
		require.NoError(t, err)
		_, err = h.Write([]byte("b"))
		require.NoError(t, err)
	}, files{"x": "b"}, files{"x": ""}},
}

func TestOneNodeOfTwoCrashes(t *testing.T) {
	for _, c := range pairs {
		t.Run(c.name, func(t *testing.T) {
			d := New(worst{})
			c.do(t, d.Node("a"), d.Node("b"))
			d.MachineCrash("a")
			require.Equal(t, c.left, tree(t, d.Node("b")))
			require.Equal(t, c.further, tree(t, d.Durable()))
			d.MachineCrash("b")
			require.Equal(t, c.further, tree(t, d.Node("b")))
		})
	}
}

func TestWhatSurvivesAMachineCrashIsDurable(t *testing.T) {
	d := New(mild{})
	a, b := d.Node("a"), d.Node("b")
	require.NoError(t, a.MkdirAll("p"))
	fill(t, a, "p/x", "a")
	fill(t, b, "p/y", "b")
	d.MachineCrash("a")
	require.Equal(t, map[string]string{"p": "/", "p/x": "a"}, tree(t, d.Durable()))
	require.Equal(t, map[string]string{"p": "/", "p/x": "a", "p/y": "b"}, tree(t, b))
}

func TestWritesThatSurviveProveTheTruncationBeforeThem(t *testing.T) {
	for chance, want := range map[Chance]string{mild{}: "a", worst{}: "old"} {
		d := New(chance)
		require.NoError(t, d.Import("x", []byte("old")))
		fill(t, d.Node("b"), "x")
		h, err := d.Node("a").Append("x")
		require.NoError(t, err)
		_, err = h.Write([]byte("a"))
		require.NoError(t, err)
		d.MachineCrash("a")
		require.Equal(t, want, read(t, d.Durable(), "x"))
	}
}

// TestMovedOutOfARemovedDirectory: the draws keep all but the target of a rename,
// whose source another node's change has made unreachable (D4, D6).
func TestMovedOutOfARemovedDirectory(t *testing.T) {
	d := New(loses("q"))
	require.NoError(t, d.Import("p/x", []byte("1")))
	require.NoError(t, d.Import("q/y", nil))
	require.NoError(t, d.Node("a").Rename("p/x", "q/x"))
	require.NoError(t, d.Node("b").Remove("p"))
	d.MachineCrash("a")
	require.Equal(t, map[string]string{"q": "/", "q/x": "1", "q/y": ""}, tree(t, d.Node("b")))
}

// loses loses all entries of one directory and nothing else.
type loses string

func (loses) Intn(int) int { panic("not asked by name") }

func (l loses) Decide(_, path string, n int) int {
	if path == string(l) {
		return n - 1
	}
	return 0
}

func TestWhatIsLostAnywayIsNotDrawnFor(t *testing.T) {
	var asked []string
	d := New(asking{&asked})
	fill(t, d.Node("a"), "lost", "1")
	require.NoError(t, d.Node("a").MkdirAll("p"))
	require.NoError(t, d.Import("kept", nil))
	h, err := d.Node("a").Append("kept")
	require.NoError(t, err)
	_, err = h.Write([]byte("12"))
	require.NoError(t, err)
	d.MachineCrash("a")
	require.Equal(t, []string{LostEntries + " ", LostWrites + " kept", TornWrite + " kept"}, asked)
}

// asking is the worst, and writes down what it was asked.
type asking struct{ asked *[]string }

func (asking) Intn(int) int { panic("not asked by name") }

func (a asking) Decide(decision, path string, n int) int {
	*a.asked = append(*a.asked, decision+" "+path)
	return worst{}.Decide(decision, path, n)
}

// replaceFile is the classic protocol; each step may be left out.
func replaceFile(f fs.FS, skip string) error {
	h, err := f.Create("d/new.tmp")
	if err != nil {
		return err
	}
	for _, part := range []string{"new ", "contents"} {
		if _, err := h.Write([]byte(part)); err != nil {
			return err
		}
	}
	if skip != "sync" {
		if err := h.Sync(); err != nil {
			return err
		}
	}
	if err := h.Close(); err != nil {
		return err
	}
	if skip == "rename" { // writes in place instead
		h, err := f.Create("d/file")
		if err != nil {
			return err
		}
		if _, err := h.Write([]byte("new contents")); err != nil {
			return err
		}
		return h.Sync()
	}
	if err := f.Rename("d/new.tmp", "d/file"); err != nil {
		return err
	}
	if skip != "syncdir" {
		return f.SyncDir("d")
	}
	return nil
}

// outcomes returns what a machine crash leaves in d/file, for a crash after every
// change of the disk and all draws, and for a crash after the end.
func outcomes(t *testing.T, skip string) (during, after map[string]bool) {
	during, after = map[string]bool{}, map[string]bool{}
	for step := 1; ; step++ {
		ended := false
		e := &every{}
		for more := true; more; more = e.next() {
			d := New(e)
			require.NoError(t, d.Import("d/file", []byte("old")))
			n := 0
			d.OnDurable = func() {
				if n++; n == step {
					d.OnDurable = nil
					d.MachineCrash("a")
				}
			}
			err := replaceFile(d.Node("a"), skip)
			if n < step {
				require.NoError(t, err)
				ended = true
				d.OnDurable = nil
				d.MachineCrash("a")
				after[read(t, d.Durable(), "d/file")] = true
			}
			during[read(t, d.Node("a"), "d/file")] = true
			require.Equal(t, tree(t, d.Durable()), tree(t, d.Node("a")))
		}
		if ended {
			return during, after
		}
	}
}

func TestAtomicFileReplacement(t *testing.T) {
	const before, done = "old", "new contents"
	during, after := outcomes(t, "")
	require.Equal(t, map[string]bool{before: true, done: true}, during)
	require.Equal(t, map[string]bool{done: true}, after)

	during, after = outcomes(t, "sync")
	require.Contains(t, during, "new con", "torn")
	require.Contains(t, after, "", "a rename that survives its contents")

	during, after = outcomes(t, "syncdir")
	require.Equal(t, map[string]bool{before: true, done: true}, during)
	require.Contains(t, after, before, "the rename was lost")

	during, _ = outcomes(t, "rename")
	require.Contains(t, during, "")
}
