package file

import (
	"fmt"
	"path"

	"github.com/cespare/xxhash/v2"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/must"
)

// SinkOption sets how [Sink] writes.
type SinkOption func(*settings)

// BufferBytes sets how many bytes a subtask gathers before it writes them out, 1
// to 1 GiB. By default it is 64 KiB. The subtask takes no more records while it
// holds four times as much.
func BufferBytes(n int) SinkOption { return func(s *settings) { s.buffer = n } }

// settings is what a sink needs to know besides its records' type.
type settings struct {
	dir    string
	buffer int
}

// Sink writes records into part files in dir, which is created if missing, with
// its parents. Encode appends all that a record is to have in the file: nothing is
// put between records. Text files want a '\n' behind each, as [Line] does.
//
// A uid of more than about 150 bytes, each one that needs escaping counted as
// three, may make names too long for the file system. Options out of range are an
// error of the recovery that starts each attempt.
func Sink[T any](dir string, encode func(dst []byte, v T) []byte, opts ...SinkOption) connect.Sink[T] {
	s := settings{dir: path.Clean(dir), buffer: defaultBlock}
	for _, o := range opts {
		o(&s)
	}
	return sink[T]{s, encode}
}

// Line is an encode function of [Sink]: v and a '\n'.
func Line(dst []byte, v string) []byte { return append(append(dst, v...), '\n') }

type sink[T any] struct {
	settings
	encode func(dst []byte, v T) []byte
}

// Encode is what the sink writes of a record.
func (s sink[T]) Encode(dst []byte, v T) []byte { return s.encode(dst, v) }

// Writer implements [connect.Sink].
func (s sink[T]) Writer(ctx connect.SinkContext) connect.Writer[T] {
	o := owner{uid: escape(ctx.UID), subtask: ctx.Subtask, attempt: ctx.Attempt}
	return &writer[T]{settings: s.settings, encode: s.encode, owner: o, hash: xxhash.New()}
}

type writer[T any] struct {
	settings
	owner
	encode func(dst []byte, v T) []byte

	buf      []byte // written, not yet given to a flush or pre-commit
	flushing []byte // held by the flush under way
	spare    []byte // empty, to be used again

	// The in-progress file.
	seq  uint64
	size int64 // given to flushes so far
	hash *xxhash.Digest

	last    uint64 // checkpoint of the newest part, if there is one
	hasPart bool
}

// Write implements [connect.Writer].
func (w *writer[T]) Write(v T, _ int64) { w.buf = w.encode(w.buf, v) }

// Full implements [connect.Writer].
func (w *writer[T]) Full() bool { return len(w.buf)+len(w.flushing) >= 4*w.buffer }

// Flush implements [connect.Writer]: it is worth while once the buffer is full and
// no other flush is under way.
func (w *writer[T]) Flush() host.Work {
	if w.flushing != nil || len(w.buf) < w.buffer {
		return nil
	}
	f := w.chunk()
	w.flushing, w.buf, w.spare = w.buf, w.spare, nil
	return func(hw host.Worker) (any, error) { return nil, f.write(hw.FS(), false) }
}

// chunk hands the buffer on to be appended to the in-progress file.
func (w *writer[T]) chunk() chunk {
	c := chunk{name: path.Join(w.dir, w.tmp(w.seq)), first: w.size == 0, data: w.buf}
	w.size += int64(len(w.buf))
	_, _ = w.hash.Write(w.buf) // never fails
	return c
}

// Flushed implements [connect.Writer].
func (w *writer[T]) Flushed() {
	must.That(w.flushing != nil, "no flush is under way")
	w.recycle(w.flushing)
	w.flushing = nil
}

// recycle keeps a buffer for later, unless one huge record made it huge.
func (w *writer[T]) recycle(b []byte) {
	if cap(b) <= 8*w.buffer {
		w.spare = b[:0]
	}
}

// PreCommit implements [connect.Writer]. Checkpoints must grow.
func (w *writer[T]) PreCommit(checkpoint uint64) host.Work {
	if w.size == 0 && len(w.buf) == 0 {
		return func(host.Worker) (any, error) { return []connect.Committable{}, nil }
	}
	must.That(!w.hasPart || checkpoint > w.last, "F4: pre-commit of checkpoint %d after %d", checkpoint, w.last)
	w.last, w.hasPart = checkpoint, true
	c := w.chunk()
	p := pending{
		tmp: c.name, final: path.Join(w.dir, w.part(checkpoint)),
		size: w.size, hash: w.hash.Sum64(), checkpoint: checkpoint,
	}
	w.buf, w.spare = w.spare, nil
	w.seq, w.size = w.seq+1, 0
	w.hash.Reset()
	return func(hw host.Worker) (any, error) { return c.preCommit(hw.FS(), p) }
}

// Recover implements [connect.Writer]. Besides what the file system says, it fails
// if a restored committable is neither in progress nor committed, or has not the
// contents it was pre-committed with.
func (w *writer[T]) Recover(restored []connect.Committable) host.Work {
	r := recovery{dir: w.dir, owner: w.owner, restored: restored}
	if w.buffer < 1 || w.buffer > maxBytes {
		err := fmt.Errorf("file sink %s: BufferBytes is %d, must be 1 to %d", w.dir, w.buffer, maxBytes)
		return func(host.Worker) (any, error) { return nil, err }
	}
	return func(hw host.Worker) (any, error) { return r.run(hw.FS()) }
}

// Commit implements [connect.Writer].
func (w *writer[T]) Commit(cs []connect.Committable) host.Work {
	return func(hw host.Worker) (any, error) { return nil, commit(hw.FS(), cs, false) }
}

// chunk is the next piece of an in-progress file.
type chunk struct {
	name  string
	first bool // the file is to be created
	data  []byte
}

func (c chunk) write(fsys fs.FS, sync bool) error {
	open := fsys.Append
	if c.first {
		open = fsys.CreateNew
	}
	f, err := open(c.name)
	if err != nil {
		return fmt.Errorf("file sink: %w", err)
	}
	if len(c.data) > 0 {
		_, err = f.Write(c.data)
	}
	if err == nil && sync {
		err = f.Sync()
	}
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	if err != nil {
		return fmt.Errorf("file sink: %s: %w", c.name, err)
	}
	return nil
}

// preCommit makes the whole file durable (F5).
func (c chunk) preCommit(fsys fs.FS, p pending) ([]connect.Committable, error) {
	if err := c.write(fsys, true); err != nil {
		return nil, err
	}
	if err := fsys.SyncDir(path.Dir(c.name)); err != nil {
		return nil, fmt.Errorf("file sink: %w", err)
	}
	return []connect.Committable{p.committable()}, nil
}
