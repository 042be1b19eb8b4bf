package disk

import (
	"errors"
	iofs "io/fs"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weirstream/weir/engine/fs"
)

func TestErrorsNameThePathAndTheRule(t *testing.T) {
	f := New(mild{}).Node("a")
	require.NoError(t, f.MkdirAll("dir/sub"))
	require.NoError(t, fill(t, f, "file", "x").Close())
	opened := func(_ fs.File, err error) error { return err }
	for _, c := range []struct {
		err  error
		is   error
		text string
	}{
		{opened(f.Open("none")), fs.ErrNotExist, "open none: file does not exist"},
		{opened(f.Open("none/x")), fs.ErrNotExist, "open none/x: file does not exist"},
		{opened(f.Open("dir")), ErrIsDir, "open dir: is a directory"},
		{opened(f.Open("file/x")), ErrNotDir, "open file/x: not a directory"},
		{opened(f.Open("../x")), iofs.ErrInvalid, "open ../x: invalid argument"},
		{opened(f.Create("dir")), ErrIsDir, "create dir: is a directory"},
		{opened(f.Create("none/x")), fs.ErrNotExist, "create none/x: file does not exist"},
		{opened(f.Create("file/x")), ErrNotDir, "create file/x: not a directory"},
		{opened(f.Create("/")), iofs.ErrInvalid, "create /: invalid argument"},
		{opened(f.CreateNew("file")), fs.ErrExist, "create file: file already exists"},
		{opened(f.CreateNew("dir")), fs.ErrExist, "create dir: file already exists"},
		{opened(f.Append("none")), fs.ErrNotExist, "append none: file does not exist"},
		{opened(f.Append("dir")), ErrIsDir, "append dir: is a directory"},
		{f.Rename("none", "x"), fs.ErrNotExist, "rename none: file does not exist"},
		{f.Rename("file", "none/x"), fs.ErrNotExist, "rename file to none/x: file does not exist"},
		{f.Rename("file", "dir"), ErrIsDir, "rename file to dir: is a directory"},
		{f.Rename("dir", "file"), ErrNotDir, "rename dir to file: not a directory"},
		{f.Rename("dir", "dir/sub/x"), iofs.ErrInvalid, "rename dir to dir/sub/x: invalid argument"},
		{f.Rename("dir/sub", "dir"), ErrNotEmpty, "rename dir/sub to dir: directory not empty"},
		{f.Remove("none"), fs.ErrNotExist, "remove none: file does not exist"},
		{f.Remove("dir"), ErrNotEmpty, "remove dir: directory not empty"},
		{f.Remove("."), iofs.ErrInvalid, "remove .: invalid argument"},
		{f.MkdirAll("file/x"), ErrNotDir, "mkdir file/x: not a directory"},
		{f.SyncDir("file"), ErrNotDir, "sync file: not a directory"},
		{f.SyncDir("none"), fs.ErrNotExist, "sync none: file does not exist"},
	} {
		require.EqualError(t, c.err, c.text)
		require.ErrorIs(t, c.err, c.is)
		var p *iofs.PathError
		require.True(t, errors.As(c.err, &p))
	}
	_, err := f.List("file")
	require.EqualError(t, err, "list file: not a directory")
	_, err = f.Stat("none")
	require.EqualError(t, err, "stat none: file does not exist")
	require.Equal(t, map[string]string{"dir": "/", "dir/sub": "/", "file": "x"}, tree(t, f), "nothing changed")
}

func TestNamesAreRelativeToTheRoot(t *testing.T) {
	f := New(mild{}).Node("a")
	require.NoError(t, f.MkdirAll("/d/"))
	fill(t, f, "/d//x", "1")
	require.Equal(t, "1", read(t, f, "./d/y/../x"))
	for _, root := range []string{"", "/", "."} {
		list, err := f.List(root)
		require.NoError(t, err)
		require.Equal(t, []fs.Info{{Name: "d", Dir: true}}, list)
	}
}

func TestHandles(t *testing.T) {
	d := New(mild{})
	a, b := d.Node("a"), d.Node("b")
	w := fill(t, a, "x", "one")
	r, err := b.Open("x")
	require.NoError(t, err)
	require.Equal(t, "one", read(t, b, "x"), "unsynced writes are seen by all")

	_, err = r.Write([]byte("no"))
	require.ErrorIs(t, err, ErrBadHandle)
	_, err = w.ReadAt(make([]byte, 1), 0)
	require.ErrorIs(t, err, ErrBadHandle)
	_, err = r.ReadAt(make([]byte, 1), -1)
	require.ErrorIs(t, err, iofs.ErrInvalid)

	require.NoError(t, b.Remove("x"))
	_, err = w.Write([]byte("two"))
	require.NoError(t, err)
	p := make([]byte, 6)
	_, err = r.ReadAt(p, 0)
	require.NoError(t, err)
	require.Equal(t, "onetwo", string(p), "a removed file lives as long as its handles")

	require.NoError(t, w.Close())
	require.ErrorIs(t, w.Close(), iofs.ErrClosed)
	_, err = w.Write([]byte("x"))
	require.ErrorIs(t, err, iofs.ErrClosed)
	require.ErrorIs(t, w.Sync(), iofs.ErrClosed)

	more := fill(t, a, "y", "12")
	again, err := b.Append("y")
	require.NoError(t, err)
	_, err = again.Write([]byte("3"))
	require.NoError(t, err)
	_, err = more.Write([]byte("4"))
	require.NoError(t, err)
	require.Equal(t, "1234", read(t, a, "y"), "every write appends")
	fill(t, b, "y")
	require.Equal(t, "", read(t, a, "y"), "Create truncates")
}

// crashes holds what one node does and what a machine crash leaves in the worst case.
var crashes = []struct {
	name string
	do   func(t *testing.T, f fs.FS)
	left map[string]string
}{
	{"unsynced file", func(t *testing.T, f fs.FS) { fill(t, f, "x", "1") }, map[string]string{}},
	{"contents without entry", func(t *testing.T, f fs.FS) {
		require.NoError(t, fill(t, f, "x", "1").Sync())
	}, map[string]string{}},
	{"entry without contents", func(t *testing.T, f fs.FS) {
		fill(t, f, "x", "1")
		require.NoError(t, f.SyncDir(""))
	}, map[string]string{"x": ""}},
	{"synced file", func(t *testing.T, f fs.FS) {
		h := fill(t, f, "x", "1")
		require.NoError(t, h.Sync())
		require.NoError(t, f.SyncDir(""))
		_, err := h.Write([]byte("2"))
		require.NoError(t, err)
	}, map[string]string{"x": "1"}},
	{"directory of a synced file not synced in its parent", func(t *testing.T, f fs.FS) {
		require.NoError(t, f.MkdirAll("p/q"))
		require.NoError(t, fill(t, f, "p/q/x", "1").Sync())
		require.NoError(t, f.SyncDir("p/q"))
		require.NoError(t, f.SyncDir("p"))
	}, map[string]string{}},
	{"parent synced, directory not", func(t *testing.T, f fs.FS) {
		require.NoError(t, f.MkdirAll("p"))
		require.NoError(t, fill(t, f, "p/x", "1").Sync())
		require.NoError(t, f.SyncDir(""))
	}, map[string]string{"p": "/"}},
	{"remove not synced", func(t *testing.T, f fs.FS) {
		require.NoError(t, fill(t, f, "x", "1").Sync())
		require.NoError(t, f.SyncDir(""))
		require.NoError(t, f.Remove("x"))
	}, map[string]string{"x": "1"}},
	{"remove synced", func(t *testing.T, f fs.FS) {
		fill(t, f, "x", "1")
		require.NoError(t, f.SyncDir(""))
		require.NoError(t, f.Remove("x"))
		require.NoError(t, f.SyncDir(""))
	}, map[string]string{}},
	{"truncation not synced", func(t *testing.T, f fs.FS) {
		require.NoError(t, fill(t, f, "x", "old").Sync())
		require.NoError(t, f.SyncDir(""))
		fill(t, f, "x", "newer")
	}, map[string]string{"x": "old"}},
	{"truncation synced", func(t *testing.T, f fs.FS) {
		require.NoError(t, fill(t, f, "x", "old").Sync())
		require.NoError(t, f.SyncDir(""))
		h := fill(t, f, "x")
		require.NoError(t, h.Sync())
		_, err := h.Write([]byte("newer"))
		require.NoError(t, err)
	}, map[string]string{"x": ""}},
	{"rename across directories, target synced", func(t *testing.T, f fs.FS) {
		require.NoError(t, f.MkdirAll("p"))
		require.NoError(t, f.SyncDir(""))
		require.NoError(t, fill(t, f, "x", "1").Sync())
		require.NoError(t, f.SyncDir(""))
		require.NoError(t, f.Rename("x", "p/y"))
		require.NoError(t, f.SyncDir("p"))
	}, map[string]string{"p": "/", "p/y": "1", "x": "1"}},
	{"rename across directories, source synced", func(t *testing.T, f fs.FS) {
		require.NoError(t, f.MkdirAll("p"))
		require.NoError(t, fill(t, f, "x", "1").Sync())
		require.NoError(t, f.SyncDir(""))
		require.NoError(t, f.Rename("x", "p/y"))
		require.NoError(t, f.SyncDir(""))
	}, map[string]string{"p": "/", "p/y": "1"}},
	{"directory renamed across directories, target synced", func(t *testing.T, f fs.FS) {
		require.NoError(t, f.MkdirAll("p"))
		require.NoError(t, f.MkdirAll("q"))
		require.NoError(t, f.SyncDir(""))
		require.NoError(t, f.Rename("p", "q/p"))
		require.NoError(t, f.SyncDir("q"))
	}, map[string]string{"q": "/", "q/p": "/"}},
	{"directory removed for good after its file was moved out", func(t *testing.T, f fs.FS) {
		require.NoError(t, f.MkdirAll("p"))
		require.NoError(t, f.MkdirAll("q"))
		require.NoError(t, fill(t, f, "p/x", "1").Sync())
		require.NoError(t, f.SyncDir("p"))
		require.NoError(t, f.Rename("p/x", "q/x"))
		require.NoError(t, f.Remove("p"))
		require.NoError(t, f.SyncDir(""))
	}, map[string]string{"q": "/", "q/x": "1"}},
	{"file made in a renamed directory", func(t *testing.T, f fs.FS) {
		require.NoError(t, f.MkdirAll("p"))
		require.NoError(t, f.SyncDir(""))
		require.NoError(t, f.Rename("p", "q"))
		fill(t, f, "q/x", "1")
	}, map[string]string{"p": "/"}},
	{"empty directory removed and made again", func(t *testing.T, f fs.FS) {
		require.NoError(t, f.MkdirAll("p"))
		require.NoError(t, f.SyncDir(""))
		require.NoError(t, fill(t, f, "p/x", "1").Sync())
		require.NoError(t, f.SyncDir("p"))
		require.NoError(t, f.Remove("p/x"))
		require.NoError(t, f.Remove("p"))
		require.NoError(t, f.MkdirAll("p"))
	}, map[string]string{"p": "/", "p/x": "1"}},
}

func TestMachineCrashInTheWorstCase(t *testing.T) {
	for _, c := range crashes {
		t.Run(c.name, func(t *testing.T) {
			d := New(worst{})
			c.do(t, d.Node("a"))
			require.Equal(t, c.left, tree(t, d.Durable()))
			d.MachineCrash("b")
			d.ProcessCrash("a")
			require.Equal(t, c.left, tree(t, d.Durable()))
			d.MachineCrash("a")
			require.Equal(t, c.left, tree(t, d.Node("a")))
			require.Equal(t, c.left, tree(t, d.Durable()))
		})
	}
}

func TestMachineCrashInTheMildestCaseMakesAllDurable(t *testing.T) {
	for _, c := range crashes {
		t.Run(c.name, func(t *testing.T) {
			d := New(mild{})
			c.do(t, d.Node("a"))
			want := tree(t, d.Node("b"))
			d.MachineCrash("a")
			require.Equal(t, want, tree(t, d.Node("b")))
			require.Equal(t, want, tree(t, d.Durable()))
		})
	}
}

func TestTornWrites(t *testing.T) {
	got := map[string]bool{}
	e := &every{}
	for more := true; more; more = e.next() {
		d := New(e)
		h := fill(t, d.Node("a"), "x", "s")
		require.NoError(t, h.Sync())
		require.NoError(t, d.Node("a").SyncDir(""))
		for _, p := range []string{"ab", "cde"} {
			_, err := h.Write([]byte(p))
			require.NoError(t, err)
		}
		d.MachineCrash("a")
		s := read(t, d.Durable(), "x")
		require.False(t, got[s], "each outcome once")
		got[s] = true
	}
	require.Equal(t, map[string]bool{"s": true, "sa": true, "sab": true, "sabc": true, "sabcd": true, "sabcde": true}, got)
}

func TestDeadHandlesChangeNothing(t *testing.T) {
	for name, crash := range map[string]func(*Disk){
		"process": func(d *Disk) { d.ProcessCrash("a") },
		"machine": func(d *Disk) { d.MachineCrash("a") },
	} {
		d := New(mild{})
		old := d.Node("a")
		w := fill(t, old, "x", "1")
		r, err := old.Open("x")
		require.NoError(t, err)
		crash(d)
		before, version := d.Digest(), d.visible
		opened := func(_ fs.File, err error) error { return err }
		_, write := w.Write([]byte("2"))
		_, size := w.Size()
		_, readErr := r.ReadAt(make([]byte, 1), 0)
		_, list := old.List("")
		_, stat := old.Stat("x")
		for i, err := range []error{
			write, size, readErr, list, stat, w.Sync(), w.Close(), r.Close(),
			opened(old.Open("x")), opened(old.Create("x")), opened(old.CreateNew("y")), opened(old.Append("x")),
			old.Rename("x", "y"), old.Remove("x"), old.MkdirAll("p"), old.SyncDir(""),
		} {
			require.ErrorIs(t, err, fs.ErrDead, "%s crash, call %d", name, i)
		}
		require.Equal(t, before, d.Digest())
		require.Equal(t, version, d.visible)
		require.Equal(t, "1", read(t, d.Node("a"), "x"), "the next incarnation lives")
	}
}

func TestObservers(t *testing.T) {
	d := New(worst{})
	calls := 0
	d.OnDurable = func() { calls++ }
	grew := func(want int, why string) {
		t.Helper()
		require.Equal(t, want, calls, why)
		calls = 0
	}
	require.NoError(t, d.Import("in/data.csv", []byte("abc")))
	grew(1, "import")
	require.ErrorIs(t, d.Import("in", nil), ErrIsDir)
	require.ErrorIs(t, d.Import("in/data.csv/x", nil), ErrNotDir)
	require.ErrorIs(t, d.Import("/", nil), ErrIsDir)
	f := d.Node("a")
	h := fill(t, f, "out", "x", "y")
	grew(3, "create and two writes")
	require.NoError(t, h.Sync())
	grew(1, "sync")
	require.NoError(t, h.Sync())
	require.NoError(t, h.Close())
	grew(0, "nothing to sync")
	require.NoError(t, f.SyncDir("in"))
	grew(0, "nothing to sync")
	before := d.Digest()
	require.NoError(t, f.SyncDir(""))
	grew(1, "sync of entries")
	require.NotEqual(t, before, d.Digest(), "the digest tells durable from visible")
	require.NoError(t, f.MkdirAll("in"))
	d.ProcessCrash("a")
	d.MachineCrash("a")
	grew(0, "nothing was lost")

	require.NoError(t, d.Import("in.csv", []byte("z")))
	var paths, data []string
	require.NoError(t, d.Export(func(p string, b []byte) error {
		paths, data = append(paths, p), append(data, string(b))
		return nil
	}))
	require.Equal(t, []string{"in.csv", "in/data.csv", "out"}, paths)
	require.Equal(t, []string{"z", "abc", "xy"}, data)
	stop := errors.New("stop")
	require.Equal(t, stop, d.Export(func(string, []byte) error { return stop }))

	held, err := d.Durable().Open("in/data.csv")
	require.NoError(t, err)
	before = d.Digest()
	require.NoError(t, d.Corrupt("in/data.csv", 1))
	require.NotEqual(t, before, d.Digest())
	require.Equal(t, "a\xe2c", read(t, d.Durable(), "in/data.csv"))
	p := make([]byte, 3)
	_, err = held.ReadAt(p, 0)
	require.NoError(t, err)
	require.Equal(t, "abc", string(p))
	require.EqualError(t, d.Corrupt("in/data.csv", 3), "corrupt in/data.csv: offset 3 is outside its 3 bytes")
	require.ErrorIs(t, d.Corrupt("in", 0), ErrIsDir)
	require.ErrorIs(t, d.Corrupt("none", 0), fs.ErrNotExist)
}

func TestDurableViewIsReadOnly(t *testing.T) {
	d := New(mild{})
	require.NoError(t, d.Import("x", []byte("1")))
	v := d.Durable()
	h, err := v.Open("x")
	require.NoError(t, err)
	_, write := h.Write(nil)
	opened := func(_ fs.File, err error) error { return err }
	for i, err := range []error{
		write, h.Sync(), opened(v.Create("y")), opened(v.CreateNew("y")), opened(v.Append("x")),
		v.Rename("x", "y"), v.Remove("x"), v.MkdirAll("p"), v.SyncDir(""),
	} {
		require.ErrorIs(t, err, ErrReadOnly, "call %d", i)
	}
	require.NoError(t, h.Close())
	require.ErrorIs(t, h.Close(), iofs.ErrClosed)
	require.Equal(t, map[string]string{"x": "1"}, tree(t, v))
}

// TestDurableVersion: it changes with what would survive of a directory's entries,
// and only then, whoever syncs and whatever crashes.
func TestDurableVersion(t *testing.T) {
	d := New(mild{})
	a, b := d.Node("a"), d.Node("b")
	require.Zero(t, d.DurableVersion("dir"))
	require.NoError(t, a.MkdirAll("dir"))
	require.Zero(t, d.DurableVersion("dir"))
	require.NoError(t, a.SyncDir(""))
	last := d.DurableVersion("dir")
	require.NotZero(t, last)
	moves := func(yes bool, what string) {
		t.Helper()
		require.Equal(t, yes, d.DurableVersion("dir") != last, what)
		last = d.DurableVersion("dir")
	}
	seen := func() (list []string) {
		d.EachDurable("dir", func(name string, data []byte) { list = append(list, name+"="+string(data)) })
		return list
	}
	f := fill(t, a, "dir/x", "one")
	moves(false, "created")
	require.NoError(t, f.Sync())
	moves(false, "contents synced")
	require.Empty(t, seen())
	require.NoError(t, b.SyncDir("dir"))
	moves(true, "entry synced by another")
	require.Equal(t, []string{"x=one"}, seen())
	require.NoError(t, b.SyncDir("dir"))
	moves(false, "nothing to sync")
	require.NoError(t, a.Rename("dir/x", "dir/y"))
	d.ProcessCrash("a")
	moves(false, "process crash")
	require.Equal(t, []string{"x=one"}, seen())
	d.MachineCrash("a")
	moves(true, "the mildest crash keeps the rename")
	require.Equal(t, []string{"y=one"}, seen())
	require.NoError(t, d.Import("dir/z", []byte("two")))
	moves(true, "import")
	require.NoError(t, b.MkdirAll("dir/sub"))
	require.NoError(t, b.SyncDir("dir"))
	require.Equal(t, []string{"y=one", "z=two"}, seen(), "files only")
	require.Zero(t, d.DurableVersion("dir/y"), "a file is no directory")
	d.EachDurable("none", func(string, []byte) { t.Fatal("there is no such directory") })
}
