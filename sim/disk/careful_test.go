package disk

import (
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/fs"
)

const kept = "what was there before, and is worth keeping"

// naive replaces the file f and says whether it thinks that it did; each has one flaw.
var naive = map[string]struct {
	// failure is what alone makes it wrong; nil for a crash alone.
	failure *Failure
	quota   int64
	replace func(n fs.FS, text string) error
}{
	"ignores the error of Sync": {failure: &Failure{Op: OpSync, Err: ErrIO, Times: 1}, replace: func(n fs.FS, text string) error {
		f, err := writeTemp(n, text)
		_ = f.Sync()
		return renamed(n, errors.Join(err, f.Close()))
	}},
	"syncs again after a failed Sync": {failure: &Failure{Op: OpSync, Err: ErrIO, Times: 1}, replace: func(n fs.FS, text string) error {
		f, err := writeTemp(n, text)
		if f.Sync() != nil {
			err = errors.Join(err, f.Sync())
		}
		return renamed(n, errors.Join(err, f.Close()))
	}},
	"renames without Sync": {replace: func(n fs.FS, text string) error {
		f, err := writeTemp(n, text)
		return renamed(n, errors.Join(err, f.Close()))
	}},
	"ignores the error of SyncDir": {failure: &Failure{Op: OpSyncDir, Err: ErrIO, Times: 1}, replace: func(n fs.FS, text string) error {
		f, err := writeTemp(n, text)
		if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
			err = n.Rename("f.tmp", "f")
		}
		_ = n.SyncDir(".")
		return err
	}},
	"ignores a short Write": {quota: 60, replace: func(n fs.FS, text string) error {
		f, err := n.Create("f.tmp")
		if err == nil {
			_, _ = f.Write([]byte(text))
			err = errors.Join(f.Sync(), f.Close())
		}
		return renamed(n, err)
	}},
}

func writeTemp(n fs.FS, text string) (fs.File, error) {
	f, err := n.Create("f.tmp")
	if err != nil {
		return nil, err
	}
	_, err = f.Write([]byte(text))
	return f, err
}

func renamed(n fs.FS, err error) error {
	if err == nil {
		err = errors.Join(n.Rename("f.tmp", "f"), n.SyncDir("."))
	}
	return err
}

// Each flaw is safe as long as nothing fails, and alone wrong under its one failure
// and a crash: the caller was told that the new contents are there, and they are not.
// The careful writer of engine/fs survives the same.
func TestNaiveWritersBreak(t *testing.T) {
	const text = "new contents that are a little longer than the old ones"
	for what, w := range naive { // unordered: each is on its own
		t.Run(what, func(t *testing.T) {
			world := func() *Disk {
				d := New(harsh{})
				require.NoError(t, d.Import("f", []byte(kept)))
				return d
			}
			arm := func(d *Disk) {
				if w.failure != nil {
					d.Fail(*w.failure)
				}
				if w.quota > 0 {
					d.Quota("", w.quota)
				}
			}
			if w.failure != nil || w.quota > 0 {
				d := world()
				require.NoError(t, w.replace(d.Node("n"), text))
				require.Equal(t, text, read(t, d.Durable(), "f"))
			}
			d := world()
			arm(d)
			err := w.replace(d.Node("n"), text)
			d.MachineCrash("n")
			require.NoError(t, err)
			require.NotEqual(t, text, read(t, d.Durable(), "f"))

			d = New(harsh{})
			require.NoError(t, fs.WriteFile(d.Node("n"), "f", "test", 1, []byte(kept)))
			arm(d)
			err = fs.WriteFile(d.Node("n"), "f", "test", 1, []byte(text))
			d.MachineCrash("n")
			_, got, errRead := fs.ReadFile(d.Node("n"), "f", "test", 1)
			require.NoError(t, errRead)
			if err == nil {
				require.Equal(t, text, string(got))
			} else {
				require.Contains(t, []string{kept, text}, string(got))
			}
		})
	}
}

// A reader that takes what comes believes a short read and a flipped bit; ReadFile
// says that something is wrong, and reads well the next time.
func TestNaiveReadersBreak(t *testing.T) {
	for _, f := range []Failure{
		{Op: OpRead, Err: io.EOF, Percent: 50, Times: 1},
		{Op: OpRead, Err: io.ErrUnexpectedEOF, Percent: 50, Times: 1},
		{Op: OpRead, Flip: true, Times: 1},
	} {
		d := New(harsh{})
		n := d.Node("n")
		require.NoError(t, fs.WriteFile(n, "f", "test", 1, []byte(kept)))
		whole := read(t, n, "f")
		id := d.Fail(f)
		h, err := n.Open("f")
		require.NoError(t, err)
		p := make([]byte, len(whole))
		got, _ := h.ReadAt(p, 0) // the flaw
		require.NotEqual(t, whole, string(p[:got]))
		require.NoError(t, h.Close())

		d.Clear(id)
		d.Fail(f)
		_, _, err = fs.ReadFile(n, "f", "test", 1)
		require.Error(t, err)
		_, data, err := fs.ReadFile(n, "f", "test", 1)
		require.NoError(t, err)
		require.Equal(t, kept, string(data))
	}
}
