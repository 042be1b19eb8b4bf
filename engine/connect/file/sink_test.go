package file

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
)

const (
	dir = "out/results"
	uid = "sink/1"
)

// job is what an engine knows of one sink subtask: what is in which snapshot and
// which checkpoint is complete. It survives crashes.
type job struct {
	attempt stream.Attempt
	others  []string // files that are not the sink's
	written []string // records of this history, in order

	completed uint64
	restore   []connect.Committable // in the snapshot of completed
	promised  []string              // records before its barrier

	// of the attempt that runs
	w        connect.Writer[string]
	pending  []connect.Committable
	snapshot map[uint64]snapshot
}

type snapshot struct {
	committables []connect.Committable
	written      []string
}

// start begins the next attempt and returns its recovery.
func (j *job) start() host.Work {
	j.attempt.Number++
	if j.attempt.Number%3 == 0 {
		j.attempt = stream.Attempt{Epoch: j.attempt.Epoch + 1}
	}
	ctx := connect.SinkContext{UID: uid, Subtask: 1, Parallelism: 2, Attempt: j.attempt}
	j.w = Sink(dir, Line, BufferBytes(8)).Writer(ctx)
	j.written, j.pending, j.snapshot = slices.Clone(j.promised), nil, map[uint64]snapshot{}
	return j.w.Recover(j.restore)
}

func (j *job) write(n int) {
	for range n {
		v := fmt.Sprintf("%d of %d.%d", len(j.written), j.attempt.Epoch, j.attempt.Number)
		j.written = append(j.written, v)
		j.w.Write(v, stream.NoTime)
	}
}

// preCommitted takes the result of a pre-commit whose barrier was behind records.
func (j *job) preCommitted(checkpoint uint64, records []string, body any) {
	j.pending = append(j.pending, body.([]connect.Committable)...)
	j.snapshot[checkpoint] = snapshot{slices.Clone(j.pending), records}
}

// complete says that a checkpoint is complete, and returns what to commit.
func (j *job) complete(checkpoint uint64) []connect.Committable {
	s := j.snapshot[checkpoint]
	j.completed, j.restore, j.promised = checkpoint, s.committables, s.written
	return s.committables
}

// committed says that the commit of a checkpoint is done.
func (j *job) committed(checkpoint uint64) {
	j.pending = slices.DeleteFunc(j.pending, func(c connect.Committable) bool { return c.Checkpoint <= checkpoint })
}

func committed(t require.TestingT, m fs.FS) []string {
	parts, err := ReadCommitted(m, dir, uid)
	require.NoError(t, err)
	var out []string
	for _, p := range parts {
		out = append(out, p.Lines...)
	}
	return out
}

func isPrefix(a, b []string) bool { return len(a) <= len(b) && slices.Equal(a, b[:len(a)]) }

func orphans(t require.TestingT, m fs.FS) (out []string) {
	infos, err := m.List(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	for _, i := range infos {
		if o, _, ok := parseTmp(i.Name); ok && o.uid == escape(uid) && o.subtask == 1 {
			out = append(out, i.Name)
		}
	}
	return out
}

// foreign are files that recovery must leave alone: of other sinks and subtasks,
// and of nobody.
var foreign = []string{
	".tmp-sink-1-1.1-0", ".tmp-sink%2F1-0-1.1-0", ".tmp-sink%2F1-11-1.1-0", ".tmp-sink%2F1-1-1-1.1-0",
	"part-sink%2F1-0-0000000000000000001-1.1.bak", "part-other-1-0000000000000000001-1.1", ".tmp-sink%2F1-1-1.1", "notes.txt",
}

func newDisk(t require.TestingT) *memFS {
	m := newMemFS()
	for _, name := range foreign {
		m.with(t, dir+"/"+name, "mine\n")
	}
	return m
}

// settled holds the disk to the promise after a recovery: what was pre-committed
// up to the last completed checkpoint is there, durably, and nothing else.
func settled(t require.TestingT, m *memFS, j *job, more string) {
	require.Empty(t, orphans(t, m), more)
	require.Equal(t, j.promised, committed(t, m), more)
	after := m.clone()
	after.crash(nothing)
	require.NotNil(t, after.get(dir), "the directory is not durable: %s", more)
	require.Equal(t, j.promised, committed(t, after), "not durable: %s", more)
	require.Empty(t, orphans(t, after), more)
	for _, name := range j.others {
		require.NotNil(t, after.get(dir+"/"+name), "%s lost: %s", name, more)
	}
}

// script is the life of one attempt: written records, flushes, barriers (p) and
// completed checkpoints (c), which are committed. Checkpoints 1, 3 and 5 never
// complete by themselves, nothing was written for 7, and 8 comes to no end.
const script = "w5 f0 p1 w3 f0 p2 c2 w4 p3 w6 f0 p4 c4 w2 f0 p5 w3 p6 c6 p7 c7 w2 p8 w9 f0 w1"

// run plays the script until it is through or the process is dead.
func run(t require.TestingT, j *job, w *fuse, m *memFS) {
	recovery := j.start()
	if _, err := recovery(w); w.dead {
		require.ErrorIs(t, err, fs.ErrDead)
		return
	}
	for step := range strings.FieldsSeq(script) {
		var op rune
		var n int
		_, err := fmt.Sscanf(step, "%c%d", &op, &n)
		require.NoError(t, err)
		var body any
		switch op {
		case 'w':
			j.write(n)
		case 'f':
			_, err = j.w.Flush()(w)
			j.w.Flushed()
		case 'p':
			if body, err = j.w.PreCommit(uint64(n))(w); err == nil {
				j.preCommitted(uint64(n), slices.Clone(j.written), body)
			}
		case 'c':
			cs := j.complete(uint64(n))
			if _, err = j.w.Commit(cs)(w); err == nil {
				j.committed(uint64(n))
				after := m.clone()
				after.crash(nothing)
				require.Equal(t, j.promised, committed(t, after), "S2: commit of %d is not durable", n)
			}
		}
		if w.dead {
			require.ErrorIs(t, err, fs.ErrDead)
			return
		}
		require.NoError(t, err)
	}
}

// crashes are the two kinds: of the process alone, and of the machine.
var crashes = map[string]func(m *memFS){
	"process": func(*memFS) {},
	"machine": func(m *memFS) { m.crash(nothing) },
}

func TestRecoveryAfterACrashAtEveryOperation(t *testing.T) {
	cuts := cutEverywhere(t, foreign, func() *memFS { return newDisk(t) })
	require.Greater(t, cuts, 500, "the script does too little")
	cutEverywhere(t, nil, newMemFS) // the directory is new too
}

func cutEverywhere(t require.TestingT, others []string, disk func() *memFS) (cuts int) {
	for cut, whole := 0, false; !whole; cut++ {
		for kind, crash := range crashes {
			m := disk()
			j := &job{attempt: stream.Attempt{Epoch: 1}, others: others}
			w := &fuse{fs: m, left: cut}
			run(t, j, w, m)
			whole = !w.dead
			crash(m)
			visible := committed(t, m)
			require.True(t, isPrefix(visible, j.promised), "%v visible though not complete, cut at %d, %s", visible, cut, kind)
			cuts += recoverAtEveryCut(t, m, j, fmt.Sprintf("cut at %d, %s", cut, kind))
		}
	}
	return cuts
}

// recoverAtEveryCut cuts the recovery at each of its operations, then lets the next
// attempt recover in peace.
func recoverAtEveryCut(t require.TestingT, m *memFS, j *job, more string) (cuts int) {
	for cut, whole := 0, false; !whole; cut++ {
		for kind, crash := range crashes {
			cuts++
			after, next := m.clone(), *j
			more := fmt.Sprintf("%s, recovery cut at %d, %s", more, cut, kind)
			w := &fuse{fs: after, left: cut}
			_, err := next.start()(w)
			whole = !w.dead
			if whole {
				require.NoError(t, err, more)
				settled(t, after, j, more)
			}
			crash(after)
			_, err = next.start()(&fuse{fs: after, left: forever})
			require.NoError(t, err, more)
			settled(t, after, j, more)
		}
	}
	return cuts
}

func newWriter(number uint32) connect.Writer[string] {
	return Sink(dir, Line, BufferBytes(8)).Writer(connect.SinkContext{UID: uid, Subtask: 1, Attempt: stream.Attempt{Epoch: 1, Number: number}})
}

func TestBuffers(t *testing.T) {
	m := newDisk(t)
	hw := &fuse{fs: m, left: forever}
	w := newWriter(1)
	w.Write("1234", 0)
	require.Nil(t, w.Flush(), "not worth while")
	w.Write("1234", 0)
	flush := w.Flush()
	require.NotNil(t, flush)
	for range 3 {
		require.False(t, w.Full())
		w.Write("1234567", 0)
	}
	require.True(t, w.Full(), "what a flush holds counts")
	require.Nil(t, w.Flush(), "one at a time")
	_, err := flush(hw)
	require.NoError(t, err)
	w.Flushed()
	require.False(t, w.Full())
	flush = w.Flush()
	require.NotNil(t, flush)
	preCommit := w.PreCommit(9) // while a flush is under way
	_, err = flush(hw)
	require.NoError(t, err)
	w.Flushed()
	body, err := preCommit(hw)
	require.NoError(t, err)
	cs := body.([]connect.Committable)
	require.Len(t, cs, 1)
	const token = "part-sink%2F1-1-0000000000000000009-1.1"
	require.EqualValues(t, 9, cs[0].Checkpoint)
	require.Equal(t, token, cs[0].Token)
	p, err := decodePending(cs[0])
	require.NoError(t, err)
	const contents = "1234\n1234\n1234567\n1234567\n1234567\n"
	require.Equal(t, pending{dir + "/.tmp-sink%2F1-1-1.1-0", dir + "/" + token, int64(len(contents)), xxhash.Sum64String(contents), 9}, p)
	require.Equal(t, contents, string(m.get(p.tmp).synced))
	for range 2 { // S3
		_, err = newWriter(2).Commit(cs)(hw)
		require.NoError(t, err)
	}
	parts, err := ReadCommitted(m, dir, uid)
	require.NoError(t, err)
	require.Equal(t, []Part{{token, 1, 9, stream.Attempt{Epoch: 1, Number: 1}, []string{"1234", "1234", "1234567", "1234567", "1234567"}}}, parts)

	body, err = w.PreCommit(10)(&fuse{})
	require.NoError(t, err, "nothing was written: nothing to do")
	require.Empty(t, body)
	require.Panics(t, func() { w.Flushed() }, "no flush is under way")
	w.Write("late", 0)
	require.Panics(t, func() { w.PreCommit(9) }, "two files with one name")
}

func TestAFlushKeepsItsBytes(t *testing.T) {
	m := newDisk(t)
	hw := &fuse{fs: m, left: forever}
	w := newWriter(1)
	var want []string
	for checkpoint := range uint64(4) {
		for i, v := range []string{"aaaaaaaa", "bbbbbbbb"} { // the second flush has the first one's buffer
			v := fmt.Sprintf("%s %d %d", v, checkpoint, i)
			w.Write(v, 0)
			flush := w.Flush()
			w.Write("while it is under way", 0)
			want = append(want, v, "while it is under way")
			_, err := flush(hw)
			require.NoError(t, err)
			w.Flushed()
		}
		preCommit := w.PreCommit(checkpoint)
		w.Write("before the pre-commit is done", 0)
		body, err := preCommit(hw)
		require.NoError(t, err)
		_, err = w.Commit(body.([]connect.Committable))(hw)
		require.NoError(t, err)
		require.Equal(t, want, committed(t, m))
		want = append(want, "before the pre-commit is done")
	}
}

func TestALeftoverOfTheSameNameIsNotOverwritten(t *testing.T) {
	m := newDisk(t).with(t, dir+"/.tmp-sink%2F1-1-1.1-0", "another job's")
	w := newWriter(1)
	w.Write("1234567", 0)
	_, err := w.PreCommit(1)(&fuse{fs: m, left: forever})
	require.ErrorIs(t, err, fs.ErrExist)
}

func TestCommittedPartsAreSorted(t *testing.T) {
	m := newMemFS()
	parts, err := ReadCommitted(m, dir, "a")
	require.NoError(t, err)
	require.Empty(t, parts, "no directory yet")
	var names []string
	for _, o := range []owner{{"a", 10, stream.Attempt{Epoch: 1, Number: 1}}, {"a", 9, stream.Attempt{Epoch: 2}}, {"a", 9, stream.Attempt{Epoch: 10}}} {
		m.with(t, dir+"/"+o.part(5), "x")
		m.with(t, dir+"/"+o.part(1<<63), "y\n\n")
	}
	m.with(t, dir+"/part-b-1-0000000000000000005-1.1", "z")
	parts, err = ReadCommitted(m, dir, "a")
	require.NoError(t, err)
	for _, p := range parts {
		names = append(names, fmt.Sprintf("%d %d %d %q", p.Checkpoint, p.Subtask, p.Attempt.Epoch, p.Lines))
	}
	require.Equal(t, []string{
		`5 9 2 ["x"]`, `5 9 10 ["x"]`, `5 10 1 ["x"]`,
		`9223372036854775808 9 2 ["y" ""]`, `9223372036854775808 9 10 ["y" ""]`, `9223372036854775808 10 1 ["y" ""]`,
	}, names)
}

// preCommitted is a disk with one file that waits for its commit.
func preCommitted(t *testing.T) (*memFS, []connect.Committable, pending) {
	m := newDisk(t)
	w := newWriter(1)
	w.Write("data", 0)
	body, err := w.PreCommit(1)(&fuse{fs: m, left: forever})
	require.NoError(t, err)
	cs := body.([]connect.Committable)
	p, err := decodePending(cs[0])
	require.NoError(t, err)
	return m, cs, p
}

func TestDamagedFilesAreNotCommitted(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(m *memFS, p pending)
		is     error
		commit bool // also found by a commit that is no recovery
		texts  []string
	}{
		"both gone": {func(m *memFS, p pending) { _ = m.Remove(p.tmp) }, fs.ErrNotExist, true, []string{"neither", ".tmp-", "part-"}},
		"final of another size": {func(m *memFS, p pending) { m.with(t, p.final, "da") }, fs.ErrCorrupt, true,
			[]string{".tmp-", "part-", "has 2 bytes", "expected 5"}},
		"final of another job": {func(m *memFS, p pending) { m.with(t, p.final, "dada\n") }, fs.ErrCorrupt, true, []string{".tmp-", "part-"}},
		"cut":                  {func(m *memFS, p pending) { m.get(p.tmp).data = []byte("da") }, fs.ErrCorrupt, false, []string{".tmp-", "part-", "found 2"}},
		"flipped":              {func(m *memFS, p pending) { m.get(p.tmp).data[0] ^= 1 }, fs.ErrCorrupt, false, []string{".tmp-", "part-"}},
	} {
		m, cs, p := preCommitted(t)
		c.damage(m, p)
		works := []host.Work{newWriter(2).Recover(cs)}
		if c.commit {
			works = append(works, newWriter(2).Commit(cs))
		}
		final := m.get(p.final)
		for _, work := range works {
			_, err := work(&fuse{fs: m, left: forever})
			require.ErrorIs(t, err, c.is, name)
			for _, text := range c.texts {
				require.ErrorContains(t, err, text, name)
			}
		}
		require.Same(t, final, m.get(p.final), "%s: F6", name)
	}
}

func TestARenameCutInHalfIsMended(t *testing.T) {
	m, cs, p := preCommitted(t)
	m.with(t, p.final, "data\n")
	_, err := newWriter(1).Commit(cs)(&fuse{fs: m, left: forever})
	require.NoError(t, err)
	require.Nil(t, m.get(p.tmp))
	require.Equal(t, []string{"data"}, committed(t, m))
}

func TestMalformedCommittables(t *testing.T) {
	m, cs, _ := preCommitted(t)
	c := cs[0]
	for cut := range c.Data {
		_, err := decodePending(connect.Committable{Checkpoint: 1, Data: c.Data[:cut]})
		require.ErrorIs(t, err, fs.ErrCorrupt)
	}
	c.Checkpoint = 2
	_, err := newWriter(2).Commit([]connect.Committable{c})(&fuse{fs: m, left: forever})
	require.ErrorIs(t, err, fs.ErrCorrupt)
}

func TestRecoveryNamesWhatItRemoves(t *testing.T) {
	m := newDisk(t)
	w := newWriter(1)
	for range 3 {
		w.Write("1234567", 0)
		_, err := w.Flush()(&fuse{fs: m, left: forever})
		require.NoError(t, err)
		w.Flushed()
	}
	m.with(t, dir+"/.tmp-sink%2F1-1-1.3-0", "of a newer attempt")
	m.with(t, dir+"/.tmp-sink%2F1-1-2.0-0", "of a newer leader")
	body, err := newWriter(1).Recover(nil)(&fuse{fs: m, left: forever})
	require.NoError(t, err)
	require.Empty(t, body.(connect.Recovered).Removed, "not older")
	body, err = newWriter(2).Recover(nil)(&fuse{fs: m, left: forever})
	require.NoError(t, err)
	require.Equal(t, []string{".tmp-sink%2F1-1-1.1-0"}, body.(connect.Recovered).Removed)
	require.Equal(t, []string{".tmp-sink%2F1-1-1.3-0", ".tmp-sink%2F1-1-2.0-0"}, orphans(t, m))
}

func TestSinkOptionsAndErrors(t *testing.T) {
	for _, n := range []int{0, -1, maxBytes + 1} {
		_, err := Sink(dir, Line, BufferBytes(n)).Writer(connect.SinkContext{}).Recover(nil)(&fuse{fs: newMemFS(), left: forever})
		require.ErrorContains(t, err, "BufferBytes")
	}
	full := errors.New("disk on fire")
	w := newWriter(1)
	w.Write("1234567", 0)
	_, err := w.Flush()(&fuse{fs: newDisk(t), left: 1, err: full})
	require.ErrorIs(t, err, full)
	require.ErrorContains(t, err, ".tmp-sink%2F1-1-1.1-0")
}

func TestWriteDoesNotAllocate(t *testing.T) {
	hw := &fuse{fs: newDisk(t), left: forever}
	w := Sink(dir, Line).Writer(connect.SinkContext{UID: uid})
	turn := func() {
		for w.Flush() == nil {
			w.Write("some words of a record", 0)
		}
		w.Flushed()
	}
	turn()
	turn() // both buffers have grown
	require.LessOrEqual(t, testing.AllocsPerRun(20, turn), 10.0, "per flush of some thousand records")
	_, err := w.PreCommit(1)(hw)
	require.Error(t, err, "the flushes were never done")
}
