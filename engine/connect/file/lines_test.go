package file

import (
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
)

// lineAt is a line and the offset of its first byte.
type lineAt struct {
	off  int64
	text string
}

// naive finds the lines byte by byte.
func naive(data string) []lineAt {
	var out []lineAt
	start := 0
	for i := range len(data) {
		if data[i] == '\n' {
			out = append(out, lineAt{int64(start), data[start:i]})
			start = i + 1
		}
	}
	if start < len(data) {
		out = append(out, lineAt{int64(start), data[start:]})
	}
	return out
}

// want is what subtask must emit: the lines of its splits, split by split.
func want(ls []lineAt, splits []connect.Split) []string {
	var out []string
	for _, enc := range splits {
		s, _ := decodeSplit(enc)
		for _, l := range ls {
			if s.start <= l.off && l.off < s.end {
				out = append(out, l.text)
			}
		}
	}
	return out
}

func deal(splits []connect.Split, subtask, parallelism int) []connect.Split {
	var out []connect.Split
	for i := subtask; i < len(splits); i += parallelism {
		out = append(out, splits[i])
	}
	return out
}

// checkPositions holds every position against the naive lines (F1, F2).
func checkPositions(t require.TestingT, ls []lineAt, ps []connect.Position) {
	for _, p := range ps {
		n, next := int64(0), int64(-1)
		for _, l := range ls {
			if p.Start <= l.off && l.off < p.Next {
				n++
			}
			if l.off >= p.Next && next < 0 {
				next = l.off
			}
		}
		require.Equal(t, n, p.Emitted, "%v", p)
		if p.Next < p.End && p.Next > p.Start {
			require.Equal(t, next, p.Next, "%v: next must be where a line begins", p)
		}
	}
}

// knobs are how a test drives a reader: what it draws between 0 and n-1.
type knobs func(what string, n int) int

// play reads the splits to their end: drawn limits, pushes that refuse, fetches
// that come late, and restores from snapshots, also while a fetch is under way.
func play(t require.TestingT, src connect.Source[string], w host.Worker, ls []lineAt, splits []connect.Split, draw knobs) []string {
	var got []string
	var under host.Work
	r := src.Reader()
	require.NoError(t, r.Open(splits))
	status, restores := connect.Waiting, 0
	for turn := 0; status != connect.Exhausted; turn++ {
		require.Less(t, turn, 100_000, "no progress")
		if restores < 5 && draw("restore", 8) == 0 {
			restores++
			snapshot := r.Snapshot()
			r, under = src.Reader(), nil
			require.NoError(t, r.Open(snapshot))
			require.Equal(t, snapshot, r.Snapshot())
			status = connect.Waiting
		}
		if under == nil {
			under = r.Fetch()
		}
		if under != nil && (status == connect.Waiting || draw("late", 3) == 0) {
			require.Nil(t, r.Fetch(), "one fetch at a time")
			require.NoError(t, r.Fetched(under(w)))
			under = nil
		}
		limit, refuse := draw("limit", 5), draw("refuse", 5)
		before := len(got)
		n, st := r.Emit(limit, func(v string, ts int64) bool {
			require.EqualValues(t, stream.NoTime, ts)
			got = append(got, v)
			return len(got)-before != refuse
		})
		require.Equal(t, len(got)-before, n)
		require.LessOrEqual(t, n, limit)
		if status == connect.Ready && limit > 0 {
			require.Positive(t, n, "ready, but nothing came")
		}
		if st == connect.Waiting && under == nil {
			under = r.Fetch()
			require.NotNil(t, under, "waits for nothing")
		}
		status = st
		checkPositions(t, ls, r.Positions())
	}
	for _, p := range r.Positions() {
		require.GreaterOrEqual(t, p.Next, p.End, "%v: not done", p)
	}
	require.Nil(t, under, "exhausted, but a fetch is under way")
	require.Nil(t, r.Fetch())
	return got
}

func checkLines(t require.TestingT, data string, parallelism int, draw knobs, opts ...LinesOption) {
	w := &fuse{fs: newMemFS().with(t, "in/book.txt", data), left: forever}
	src := Lines("in/book.txt", opts...)
	splits, err := src.Splits(w, parallelism)
	require.NoError(t, err)
	ls := naive(data)
	total := 0
	for subtask := range parallelism {
		mine := deal(splits, subtask, parallelism)
		got := play(t, src, w, ls, mine, draw)
		require.Equal(t, want(ls, mine), got, "subtask %d", subtask)
		total += len(got)
	}
	require.Equal(t, len(ls), total, "F1: every line in one split")
}

func TestLinesAreThoseOfANaiveSplitter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := string(rapid.SliceOfN(rapid.SampledFrom([]byte("\n\n\nab\r\x00\xff")), 0, 80).Draw(t, "data"))
		opts := []LinesOption{BlockBytes(rapid.IntRange(1, 30).Draw(t, "block"))}
		if rapid.Bool().Draw(t, "fixed") {
			opts = append(opts, SplitBytes(rapid.Int64Range(1, 40).Draw(t, "split")))
		}
		draw := func(what string, n int) int { return rapid.IntRange(0, n-1).Draw(t, what) }
		checkLines(t, data, rapid.IntRange(1, 5).Draw(t, "parallelism"), draw, opts...)
	})
}

func TestAllSmallFiles(t *testing.T) {
	turn := 0
	draw := func(what string, n int) int {
		turn++
		return turn % n
	}
	for length := range 7 {
		for bits := range 1 << length {
			data := make([]byte, length)
			for i := range data {
				data[i] = "a\n"[bits>>i&1]
			}
			for split := range length {
				for block := range 4 {
					checkLines(t, string(data), 1, draw, SplitBytes(int64(split+1)), BlockBytes(block+1))
				}
			}
		}
	}
}

func TestLongLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for i, n := range rapid.SliceOfN(rapid.SampledFrom([]int{0, 1, 100, 4095, 4096, 4097, 70_000}), 0, 8).Draw(t, "lengths") {
			b.WriteString(strings.Repeat(string(rune('a'+i)), n))
			b.WriteByte('\n')
		}
		data := b.String()
		if rapid.Bool().Draw(t, "unended") {
			data = strings.TrimSuffix(data, "\n")
		}
		split := rapid.SampledFrom([]int64{5000, 60_000, 1 << 20}).Draw(t, "split")
		block := rapid.SampledFrom([]int{1000, 9000, defaultBlock}).Draw(t, "block")
		draw := func(what string, n int) int { return rapid.IntRange(0, n-1).Draw(t, what) }
		checkLines(t, data, 2, draw, SplitBytes(split), BlockBytes(block))
	})
}

// patient restores nothing, and emits as much as it can.
func patient(what string, n int) int { return n - 1 }

func TestEdgesOfFiles(t *testing.T) {
	for data, lines := range map[string][]string{
		"": nil, "a": {"a"}, "a\n": {"a"}, "a\n\n": {"a", ""}, "\n": {""}, "\na": {"", "a"}, "a\r\nb": {"a\r", "b"},
	} {
		w := &fuse{fs: newMemFS().with(t, "f", data), left: forever}
		splits, err := Lines("f").Splits(w, 1)
		require.NoError(t, err)
		require.Equal(t, lines, play(t, Lines("f"), w, naive(data), splits, patient), "%q", data)
	}
}

func TestALineOfManyBlocks(t *testing.T) {
	data := strings.Repeat("x", 8<<20)
	w := &fuse{fs: newMemFS().with(t, "f", data), left: forever}
	src := Lines("f", BlockBytes(1<<10)) // 8192 blocks: joining them one by one would not end
	splits, err := src.Splits(w, 1)
	require.NoError(t, err)
	require.Equal(t, []string{data}, play(t, src, w, naive(data), splits, patient))
}

func TestALineOverManySplitsIsNotReadByEach(t *testing.T) {
	data := strings.Repeat("x", 1<<20) + "\nend\n"
	m := newMemFS().with(t, "f", data)
	w := &fuse{fs: m, left: forever}
	src := Lines("f", SplitBytes(4096))
	splits, err := src.Splits(w, 1)
	require.NoError(t, err)
	require.Equal(t, []string{data[:1<<20], "end"}, play(t, src, w, naive(data), splits, patient))
	require.Less(t, m.read, int64(4*len(data)))
}

func TestSplits(t *testing.T) {
	w := &fuse{fs: newMemFS().with(t, "book.txt", "0123456789").with(t, "none", ""), left: forever}
	names := func(src connect.Source[string], parallelism int) (out []string) {
		splits, err := src.Splits(w, parallelism)
		require.NoError(t, err)
		r := src.Reader()
		require.NoError(t, r.Open(splits))
		for _, p := range r.Positions() {
			out = append(out, fmt.Sprintf("%s %d %d %d", p.Split, p.Start, p.Next, p.End))
		}
		return out
	}
	require.Equal(t, []string{"book.txt[0:4] 0 0 4", "book.txt[4:8] 4 4 8", "book.txt[8:10] 8 8 10"}, names(Lines("book.txt"), 3))
	require.Equal(t, []string{"book.txt[0:10] 0 0 10"}, names(Lines("book.txt"), 1))
	require.Len(t, names(Lines("book.txt"), 20), 10)
	require.Equal(t, []string{"book.txt[0:9] 0 0 9", "book.txt[9:10] 9 9 10"}, names(Lines("book.txt", SplitBytes(9)), 7))
	require.Equal(t, []string{"none[0:0] 0 0 0"}, names(Lines("none"), 4))

	for _, src := range []connect.Source[string]{
		Lines("book.txt", SplitBytes(0)), Lines("book.txt", BlockBytes(0)), Lines("book.txt", BlockBytes(maxBytes+1)),
	} {
		_, err := src.Splits(w, 1)
		require.ErrorContains(t, err, "must be")
		require.ErrorContains(t, src.Reader().Open(nil), "must be")
	}
	big := newMemFS().with(t, "big", strings.Repeat("x", 2*maxSplits))
	_, err := Lines("big", SplitBytes(1)).Splits(&fuse{fs: big, left: forever}, 1)
	require.ErrorContains(t, err, "more than 1048576")
}

func TestSplitEncoding(t *testing.T) {
	s := split{path: "in/book.txt", size: 900, start: 300, end: 600, next: 612, emitted: 7}
	enc := s.encode()
	back, err := decodeSplit(enc)
	require.NoError(t, err)
	require.Equal(t, s, back)
	for cut := range enc {
		_, err := decodeSplit(enc[:cut])
		require.ErrorIs(t, err, fs.ErrCorrupt, "cut at %d", cut)
	}
	enc[0]++
	require.ErrorIs(t, Lines("in/book.txt").Reader().Open([]connect.Split{enc}), fs.ErrCorrupt)
	s.next = 901
	_, err = decodeSplit(s.encode())
	require.ErrorIs(t, err, fs.ErrCorrupt)
	require.ErrorIs(t, Lines("other").Reader().Open([]connect.Split{split{path: "in/book.txt"}.encode()}), connect.ErrInput)
}

// restored reads that many lines of a file, restores the position on another disk,
// and returns what the first fetch there says.
func restored(t *testing.T, data string, emit int, disk fs.FS) error {
	w := &fuse{fs: newMemFS().with(t, "f", data), left: forever}
	splits, err := Lines("f").Splits(w, 1)
	require.NoError(t, err)
	r := Lines("f").Reader()
	require.NoError(t, r.Open(splits))
	require.NoError(t, r.Fetched(r.Fetch()(w)))
	n, _ := r.Emit(emit, func(string, int64) bool { return true })
	require.Equal(t, emit, n)
	again := Lines("f").Reader()
	require.NoError(t, again.Open(r.Snapshot()))
	n, status := again.Emit(1, nil)
	require.Zero(t, n)
	require.Equal(t, connect.Waiting, status, "F3: not before the size was checked")
	return again.Fetched(again.Fetch()(&fuse{fs: disk, left: forever}))
}

func TestInputThatChanged(t *testing.T) {
	for emit := range 3 { // at the start, between, at the end
		dir := newMemFS()
		require.NoError(t, dir.MkdirAll("f"))
		for name, disk := range map[string]struct {
			fs   fs.FS
			text string
		}{
			"vanished":  {newMemFS(), "file source f: expected 4 bytes, found none: stat f"},
			"shrunk":    {newMemFS().with(t, "f", "a\nb"), "file source f: expected 4 bytes, found 3"},
			"directory": {dir, "file source f: expected 4 bytes, found none: is a directory"},
			"forbidden": {&fuse{err: iofs.ErrPermission}, "file source f: expected 4 bytes, found none: permission denied"},
		} {
			err := restored(t, "a\nb\n", emit, disk.fs)
			require.ErrorIs(t, err, connect.ErrInput, name)
			require.ErrorContains(t, err, disk.text, name)
		}
		require.NoError(t, restored(t, "a\nb\n", emit, newMemFS().with(t, "f", "a\nb\nmore\n")))
		for _, err := range []error{fs.ErrDead, errors.New("disk on fire")} {
			got := restored(t, "a\nb\n", emit, &fuse{err: err})
			require.ErrorIs(t, got, err)
			require.NotErrorIs(t, got, connect.ErrInput)
		}
	}
	_, err := Lines("gone").Splits(&fuse{fs: newMemFS(), left: forever}, 1)
	require.ErrorIs(t, err, connect.ErrInput)
	require.ErrorContains(t, err, "gone")
	_, err = Lines("gone").Splits(&fuse{fs: newMemFS()}, 1)
	require.NotErrorIs(t, err, connect.ErrInput)
}

// oddFS lies about sizes and reads one byte at a time.
type oddFS struct {
	*memFS
	stat, size int64 // by name, and of the open file
}

type oddFile struct {
	fs.File
	size int64
}

func (o oddFS) Stat(name string) (fs.Info, error) {
	info, err := o.memFS.Stat(name)
	info.Size = o.stat
	return info, err
}

func (o oddFS) Open(name string) (fs.File, error) {
	f, err := o.memFS.Open(name)
	return oddFile{f, o.size}, err
}

func (f oddFile) ReadAt(p []byte, off int64) (int, error) { return f.File.ReadAt(p[:1], off) }
func (f oddFile) Size() (int64, error)                    { return f.size, nil }

func TestAReadThatEndsEarly(t *testing.T) {
	q := request{path: "f", size: 4, n: 4}
	got, err := q.run(oddFS{newMemFS().with(t, "f", "a\nb\n"), 4, 4})
	require.NoError(t, err, "a short read goes on")
	require.Equal(t, "a\nb\n", got)
	_, err = q.run(oddFS{newMemFS().with(t, "f", "a"), 4, 1})
	require.ErrorIs(t, err, connect.ErrInput, "cut between the check and the read")
	require.ErrorContains(t, err, "expected 4 bytes, found 1")
	_, err = q.run(oddFS{newMemFS().with(t, "f", "a"), 4, 4})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the file is there, the disk failed")
	require.NotErrorIs(t, err, connect.ErrInput)
}

func TestEveryFailedReadIsReported(t *testing.T) {
	m := newMemFS().with(t, "f", "a\nb\n")
	for left := range 4 { // stat, open, read, close
		_, err := request{path: "f", size: 4, n: 4}.run(&fuse{fs: m, left: left})
		require.ErrorIs(t, err, fs.ErrDead)
		require.NotErrorIs(t, err, connect.ErrInput)
	}
}

func TestEmitDoesNotAllocate(t *testing.T) {
	w := &fuse{fs: newMemFS().with(t, "f", strings.Repeat("some words\n", 6000)), left: forever}
	splits, err := Lines("f").Splits(w, 1)
	require.NoError(t, err)
	r := Lines("f").Reader()
	require.NoError(t, r.Open(splits))
	require.NoError(t, r.Fetched(r.Fetch()(w)))
	push := func(string, int64) bool { return true }
	require.Zero(t, testing.AllocsPerRun(50, func() {
		n, _ := r.Emit(100, push)
		require.Equal(t, 100, n)
	}))
}

func BenchmarkLines(b *testing.B) {
	const line = "the quick brown fox jumps over the lazy dog, and once again the quick brown fox\n"
	w := &fuse{fs: newMemFS().with(b, "f", strings.Repeat(line, 100_000)), left: forever}
	splits, err := Lines("f").Splits(w, 1)
	require.NoError(b, err)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	push := func(string, int64) bool { return true }
	for n := 0; n < b.N; {
		w.left = forever
		r := Lines("f").Reader()
		require.NoError(b, r.Open(splits))
		for status := connect.Waiting; status != connect.Exhausted; {
			if work := r.Fetch(); work != nil {
				require.NoError(b, r.Fetched(work(w)))
			}
			var k int
			k, status = r.Emit(256, push)
			n += k
		}
	}
}
