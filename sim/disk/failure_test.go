package disk

import (
	"errors"
	"io"
	iofs "io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/fs"
)

// harsh loses all that a crash can take, and flips the last bit.
type harsh struct{}

func (harsh) Intn(int) int { panic("not asked by name") }

func (harsh) Decide(decision, _ string, n int) int {
	if decision == TornWrite || decision == LostTruncate {
		return 0
	}
	return n - 1
}

func TestOpsAreText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Op(rapid.IntRange(0, 1<<ops-1).Draw(t, "ops"))
		got, err := ParseOp(o.String())
		require.NoError(t, err)
		require.Equal(t, o, got)
	})
	require.Equal(t, "rename+sync", (OpSync | OpRename).String())
	_, err := ParseOp("sync+flush")
	require.EqualError(t, err, `no file-system call "flush"; the calls are `+strings.Join(opNames[:], ", ")+", or any")
}

func TestFailuresThatMakeNoSense(t *testing.T) {
	for text, f := range map[string]Failure{
		`path "[": syntax error`:          {Path: "[", Err: ErrIO},
		"has bits of no call":             {Op: 1 << ops, Err: ErrIO},
		"of sync without an error":        {Op: OpSync},
		"flip is for read alone":          {Op: OpRead, Flip: true, Err: ErrIO},
		"percent is 100, must be 0 to 99": {Op: OpRead, Percent: 100, Err: ErrIO},
		"percent is for read and write":   {Op: OpSync, Percent: 5, Err: ErrIO},
		"must not be negative":            {Times: -1, Err: ErrIO},
	} {
		require.ErrorContains(t, f.Validate(), text)
		require.Panics(t, func() { New(mild{}).Fail(f) })
	}
}

// Which calls a failure is for: by node, call, path, and how many before it.
func TestWhichCallsFail(t *testing.T) {
	d := New(mild{})
	require.NoError(t, d.Import("a/b/f", []byte("f")))
	a, b := d.Node("a"), d.Node("b")
	stat := func(n fs.FS, name string) error {
		_, err := n.Stat(name)
		return err
	}
	one := d.Fail(Failure{Node: "a", Op: OpStat, Path: "a/*/f", Err: ErrIO, After: 1, Times: 2})
	require.NoError(t, stat(b, "a/b/f"))
	require.NoError(t, stat(a, "a/b"))
	require.NoError(t, stat(a, "a/b/f"))
	require.EqualError(t, stat(a, "./a//b/f"), "stat ./a//b/f: input/output error")
	require.ErrorIs(t, stat(a, "/a/b/f"), ErrIO)
	require.NoError(t, stat(a, "a/b/f"), "it fails twice")
	seen, failed := d.Counts(one)
	require.Equal(t, []int{3, 2}, []int{seen, failed})

	below := d.Fail(Failure{Path: "a/**", Err: ErrIO})
	require.NoError(t, stat(a, "a"))
	require.ErrorIs(t, stat(a, "a/b"), ErrIO)
	require.ErrorIs(t, stat(b, "a/b/f"), ErrIO)
	require.NoError(t, a.MkdirAll("x"))
	require.ErrorIs(t, b.Rename("x", "a/x"), ErrIO, "either name")
	d.Clear(below)
	d.Clear(99)
	require.NoError(t, b.Rename("x", "a/x"))
	seen, failed = d.Counts(99)
	require.Zero(t, seen+failed)

	// The dead are dead, and not counted (D11).
	dead := d.Fail(Failure{Node: "a", Err: ErrIO})
	d.ProcessCrash("a")
	require.ErrorIs(t, stat(a, "a"), fs.ErrDead)
	seen, _ = d.Counts(dead)
	require.Zero(t, seen)
}

// D9: a failed call changed nothing, or all that it was to change.
func TestFailedCallsAreAppliedOrNot(t *testing.T) {
	calls := map[string]struct {
		op Op
		do func(n fs.FS) error
	}{
		"create": {OpCreate, func(n fs.FS) error { _, err := n.Create("d/new"); return err }},
		"empty":  {OpCreate, func(n fs.FS) error { _, err := n.Create("d/f"); return err }},
		"only":   {OpCreate, func(n fs.FS) error { _, err := n.CreateNew("d/new"); return err }},
		"rename": {OpRename, func(n fs.FS) error { return n.Rename("d/f", "d/g") }},
		"remove": {OpRemove, func(n fs.FS) error { return n.Remove("d/f") }},
		"mkdir":  {OpMkdir, func(n fs.FS) error { return n.MkdirAll("e/f") }},
		"write": {OpWrite, func(n fs.FS) error {
			f, err := n.Append("d/f")
			if err == nil {
				_, err = f.Write([]byte("more"))
			}
			return err
		}},
	}
	for name, c := range calls { // unordered: each is on its own
		for _, applied := range []bool{false, true} {
			d, plain := New(mild{}), New(mild{})
			require.NoError(t, d.Import("d/f", []byte("abc")))
			require.NoError(t, plain.Import("d/f", []byte("abc")))
			d.Fail(Failure{Op: c.op, Err: ErrIO, Applied: applied})
			if applied {
				require.NoError(t, c.do(plain.Node("n")), name)
			}
			require.ErrorIs(t, c.do(d.Node("n")), ErrIO, name)
			require.Equal(t, tree(t, plain.Node("n")), tree(t, d.Node("n")), "%s applied %v", name, applied)
		}
	}
	d := New(mild{})
	d.Fail(Failure{Err: ErrIO, Applied: true})
	require.ErrorIs(t, d.Node("n").Remove("none"), fs.ErrNotExist, "it would have failed anyway")
}

// Reads and writes that handle a part (D9, D10).
func TestPartialCalls(t *testing.T) {
	d := New(mild{})
	require.NoError(t, d.Import("f", []byte("0123456789")))
	n := d.Node("n")
	f, err := n.Open("f")
	require.NoError(t, err)
	short := d.Fail(Failure{Op: OpRead, Err: io.ErrUnexpectedEOF, Percent: 45, Times: 1})
	p := make([]byte, 10)
	got, err := f.ReadAt(p, 0)
	require.Equal(t, io.ErrUnexpectedEOF, err)
	require.Equal(t, "0123", string(p[:got]))
	got, err = f.ReadAt(p, 0)
	require.NoError(t, err)
	require.Equal(t, 10, got)
	d.Clear(short)

	w, err := n.Append("f")
	require.NoError(t, err)
	d.Fail(Failure{Op: OpWrite, Err: ErrIO, Percent: 50, Times: 1})
	got, err = w.Write([]byte("abcd"))
	require.ErrorIs(t, err, ErrIO)
	require.Equal(t, 2, got)
	require.Equal(t, "0123456789ab", read(t, n, "f"))

	// A flipped bit is in what one read returns, and nowhere else.
	d.Fail(Failure{Op: OpRead, Flip: true, Times: 1})
	before := d.Digest()
	require.NotEqual(t, "0123456789ab", read(t, n, "f"))
	require.Equal(t, "0123456789ab", read(t, n, "f"))
	require.Equal(t, before, d.Digest())
	d.Fail(Failure{Op: OpClose, Err: ErrIO})
	require.ErrorIs(t, w.Close(), ErrIO)
	require.ErrorIs(t, w.Close(), iofs.ErrClosed)
}

// A short read returns true bytes, some but not all, and no error (D10); Hits says which
// calls are for a failure, and only these count.
func TestShortReads(t *testing.T) {
	for _, c := range []Chance{mild{}, harsh{}} {
		d := New(c)
		require.NoError(t, d.Import("f", []byte("0123456789")))
		require.EqualValues(t, 10, d.Used())
		f, err := d.Node("n").Open("f")
		require.NoError(t, err)
		asked := 0
		id := d.Fail(Failure{Op: OpRead, Short: true, Times: 2, Hits: func(op Op, name, other string) bool {
			require.Equal(t, OpRead, op)
			require.Equal(t, "f", name)
			require.Empty(t, other)
			asked++
			return asked > 1
		}})
		p := make([]byte, 10)
		got, err := f.ReadAt(p, 0)
		require.NoError(t, err)
		require.Equal(t, 10, got)
		got, err = f.ReadAt(p, 0)
		require.NoError(t, err)
		require.True(t, got >= 1 && got < 10, "%d", got)
		require.Equal(t, "0123456789"[:got], string(p[:got]))
		got, err = f.ReadAt(p[:1], 3)
		require.NoError(t, err)
		require.Equal(t, "3", string(p[:got]), "one byte can't be shorter")
		seen, failed := d.Counts(id)
		require.Equal(t, []int{2, 2}, []int{seen, failed})
	}
	for _, f := range []Failure{
		{Op: OpRead, Short: true, Flip: true}, {Op: OpWrite, Short: true}, {Op: OpRead, Short: true, Err: ErrIO}, {Op: OpRead, Short: true, Percent: 5},
	} {
		require.Error(t, f.Validate(), "%+v", f.Op)
	}
}

// D8: what a failed sync was to write is lost, whatever is synced later; writing the
// file anew is the way out.
func TestFailedSyncDropsData(t *testing.T) {
	d := New(harsh{})
	n := d.Node("n")
	f := fill(t, n, "f", "first")
	require.NoError(t, f.Sync())
	require.NoError(t, n.SyncDir("."))
	write := func(text string) {
		t.Helper()
		_, err := f.Write([]byte(text))
		require.NoError(t, err)
	}
	write(" gone")
	d.Fail(Failure{Op: OpSync, Err: ErrIO, Times: 1})
	require.ErrorIs(t, f.Sync(), ErrIO)
	require.NoError(t, f.Sync(), "it has nothing to write any more")
	require.Equal(t, "first gone", read(t, n, "f"), "it is in the page cache")
	require.Equal(t, "first", read(t, d.Durable(), "f"))
	write(" kept")
	require.NoError(t, f.Sync())
	require.Equal(t, "first\x00\x00\x00\x00\x00 kept", read(t, d.Durable(), "f"))
	d.MachineCrash("n")
	require.Equal(t, "first\x00\x00\x00\x00\x00 kept", read(t, d.Node("n"), "f"))

	n = d.Node("n")
	d.Fail(Failure{Op: OpSync, Err: ErrIO, Applied: true, Times: 1})
	f = fill(t, n, "f", "anew")
	require.ErrorIs(t, f.Sync(), ErrIO)
	require.Equal(t, "anew", read(t, d.Durable(), "f"), "it failed, and took effect")
	d.Fail(Failure{Op: OpSync, Err: ErrIO, Times: 1})
	f = fill(t, n, "f", "again")
	require.ErrorIs(t, f.Sync(), ErrIO)
	f = fill(t, n, "f", "again")
	require.NoError(t, f.Sync())
	require.Equal(t, "again", read(t, d.Durable(), "f"))
}

// The durable contents of a file against a model: the bytes that a good sync found
// clean of failed ones, zeros for the others before them.
func TestSyncsThatFailAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := New(harsh{})
		n := d.Node("n")
		f, err := n.Create("f")
		require.NoError(t, err)
		require.NoError(t, n.SyncDir("."))
		const dirty, safe, lost = 0, 1, 2
		var state []int // by byte
		data := ""
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			outcome := safe
			switch rapid.SampledFrom([]string{"write", "sync", "failed sync"}).Draw(t, "step") {
			case "write":
				p := rapid.StringMatching("[a-z]{1,4}").Draw(t, "bytes")
				_, err := f.Write([]byte(p))
				require.NoError(t, err)
				data += p
				state = append(state, make([]int, len(p))...)
				continue
			case "sync":
				require.NoError(t, f.Sync())
			default:
				d.Fail(Failure{Op: OpSync, Err: ErrIO, Times: 1})
				require.ErrorIs(t, f.Sync(), ErrIO)
				outcome = lost
			}
			for i, s := range state {
				if s == dirty {
					state[i] = outcome
				}
			}
		}
		want, end := []byte(data), 0
		for i, s := range state {
			if s == safe {
				end = i + 1
			} else {
				want[i] = 0
			}
		}
		require.Equal(t, data, contentsOf(t, n, "f"))
		require.Equal(t, string(want[:end]), contentsOf(t, d.Durable(), "f"))
		d.MachineCrash("n")
		require.Equal(t, string(want[:end]), contentsOf(t, d.Node("n"), "f"))
	})
}

func contentsOf(t *rapid.T, n fs.FS, name string) string {
	f, err := n.Open(name)
	require.NoError(t, err)
	size, err := f.Size()
	require.NoError(t, err)
	p := make([]byte, size)
	_, err = f.ReadAt(p, 0)
	require.NoError(t, errors.Join(err, f.Close()))
	return string(p)
}

// A full disk takes what fits; what is removed makes room; a node may see less of it.
func TestQuota(t *testing.T) {
	d := New(mild{})
	a, b := d.Node("a"), d.Node("b")
	require.NoError(t, d.Import("old", []byte("12345")))
	d.Quota("", 10)
	d.Quota("b", 7)
	f := fill(t, a, "f", "")
	got, err := f.Write([]byte("abcdefg"))
	require.ErrorIs(t, err, fs.ErrNoSpace)
	require.Equal(t, 5, got)
	require.Equal(t, "abcde", read(t, a, "f"))
	for _, make := range []func() error{
		func() error { _, err := a.Create("g"); return err },
		func() error { _, err := a.CreateNew("g"); return err },
		func() error { return b.MkdirAll("g/h") },
	} {
		require.ErrorIs(t, make(), fs.ErrNoSpace)
	}
	require.Equal(t, 4, d.Full())
	require.NoError(t, a.MkdirAll("."), "it is there")
	require.NoError(t, b.Remove("old"))
	got, err = fill(t, b, "g", "").Write([]byte("xyz"))
	require.ErrorIs(t, err, fs.ErrNoSpace)
	require.Equal(t, 2, got)
	d.Quota("b", -1)
	fill(t, b, "h", "xyz")
	d.Quota("", -1)
	fill(t, b, "i", "now there is room")
}
