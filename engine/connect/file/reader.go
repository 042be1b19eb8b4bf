package file

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unsafe"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/must"
	"github.com/weirstream/weir/engine/stream"
)

// tail is how far behind the end of a split a block may reach, since that is
// where the split's last line usually ends.
const tail = 4 << 10

// block is what one fetch brought in and was not emitted yet.
type block struct {
	split int
	text  string
	last  bool // the split's last line ends in this block
}

// reader emits its splits one after the other. Two cursors run over them: Emit
// takes lines out of blocks[0], fetches fill what is behind.
type reader struct {
	lines
	splits []split
	size   int64 // the largest recorded
	left   int   // splits not done

	blocks [2]block // the one emitted from, and the read-ahead
	count  int
	head   []string // pieces of the next line, from blocks before blocks[0]

	found bool   // line is the next to emit
	line  string // without its '\n'
	take  int    // how many bytes of blocks[0] it takes, with its '\n'
	whole int    // how many bytes of the file

	cursor   int   // split fetched from; len(splits) if all is fetched
	off      int64 // where the next fetch begins
	aligning bool  // the first line of the split at cursor is being looked for
	fetching bool
	checked  bool // F3
}

// Open implements [connect.Reader]. Splits of another file than the source's wrap
// [connect.ErrInput], malformed ones [fs.ErrCorrupt].
func (r *reader) Open(splits []connect.Split) error {
	if err := r.validate(); err != nil {
		return err
	}
	*r = reader{lines: r.lines, splits: make([]split, 0, len(splits))}
	for _, enc := range splits {
		s, err := decodeSplit(enc)
		if err != nil {
			return fmt.Errorf("file source %s: %w", r.path, err)
		}
		if s.path != r.path {
			return fmt.Errorf("file source %s: restored split is of %s: %w", r.path, s.path, connect.ErrInput)
		}
		r.splits = append(r.splits, s)
		r.size = max(r.size, s.size)
		if !s.done() {
			r.left++
		}
	}
	r.seek(0)
	return nil
}

// seek moves the fetches to the first split from index i on that is not done.
func (r *reader) seek(i int) {
	for i < len(r.splits) && r.splits[i].done() {
		i++
	}
	r.cursor = i
	if i == len(r.splits) {
		return
	}
	s := &r.splits[i]
	r.off, r.aligning = s.next, s.unaligned()
	if r.aligning {
		r.off-- // a '\n' just before the split makes its first byte a line's first
	}
}

// Emit implements [connect.Reader].
func (r *reader) Emit(limit int, push func(v string, ts int64) bool) (int, connect.Status) {
	n := 0
	for n < limit && r.peek() {
		line := r.line
		r.advance()
		n++
		if !push(line, stream.NoTime) {
			break
		}
	}
	switch {
	case r.peek():
		return n, connect.Ready
	case r.left == 0 && (r.checked || len(r.splits) == 0):
		return n, connect.Exhausted
	}
	return n, connect.Waiting
}

// peek looks for the next whole line in what was fetched. Every byte is looked at
// once, however long the line.
func (r *reader) peek() bool {
	for !r.found && r.count > 0 {
		b := &r.blocks[0]
		i := strings.IndexByte(b.text, '\n')
		switch {
		case i >= 0:
			r.find(b.text[:i], i+1)
		case b.last: // only at the end of the file a line ends without '\n'
			r.find(b.text, len(b.text))
		default:
			if b.text != "" {
				r.head = append(r.head, b.text)
			}
			r.drop()
		}
	}
	return r.found
}

// find sets the next line: text, behind the pieces in head. It takes that many
// bytes of blocks[0].
func (r *reader) find(text string, take int) {
	r.found, r.line, r.take, r.whole = true, text, take, take
	if len(r.head) > 0 {
		r.head = append(r.head, text)
		r.line = strings.Join(r.head, "")
		r.whole += len(r.line) - len(text)
		clear(r.head)
		r.head = r.head[:0]
	}
}

// advance moves the position behind the line found.
func (r *reader) advance() {
	b := &r.blocks[0]
	s := &r.splits[b.split]
	must.That(s.next < s.end, "F1: line begins behind its split")
	s.next += int64(r.whole)
	s.emitted++
	b.text = b.text[r.take:]
	r.found, r.line = false, ""
	if s.done() {
		must.That(b.last, "F1: more than the split was read")
		r.left--
		r.drop()
	}
}

func (r *reader) drop() {
	r.blocks[0], r.blocks[1] = r.blocks[1], block{}
	r.count--
}

// Fetch implements [connect.Reader].
func (r *reader) Fetch() host.Work {
	if r.fetching || r.count == len(r.blocks) || len(r.splits) == 0 || r.checked && r.cursor == len(r.splits) {
		return nil
	}
	r.fetching = true
	q := request{path: r.path, size: r.size}
	if r.cursor < len(r.splits) {
		s := &r.splits[r.cursor]
		q.off, q.n = r.off, min(int64(r.block), s.size-r.off)
		if r.off < s.end {
			q.n = min(q.n, s.end-r.off+tail)
		}
	}
	return func(w host.Worker) (any, error) { return q.run(w.FS()) }
}

// Fetched implements [connect.Reader].
func (r *reader) Fetched(body any, err error) error {
	r.fetching = false
	if err != nil {
		return err
	}
	r.checked = true
	if r.cursor < len(r.splits) {
		r.accept(body.(string))
	}
	return nil
}

// accept queues what was read at the fetches' cursor and moves it on.
func (r *reader) accept(text string) {
	s := &r.splits[r.cursor]
	end := r.off + int64(len(text))
	must.That(text != "" && end <= s.size, "file source read %d bytes at %d of %d", len(text), r.off, s.size)
	r.off = end
	if r.aligning {
		i := strings.IndexByte(text, '\n')
		text = text[i+1:]
		switch {
		case i < 0 && end < s.end-1:
			return // a line may still begin in the split
		case i < 0 || end-int64(len(text)) >= s.end:
			s.next = s.end // none does
			r.left--
			r.seek(r.cursor + 1)
			return
		}
		s.next, r.aligning = end-int64(len(text)), false
	}
	// The last line is the one that takes in the split's last byte.
	from := max(0, s.end-1-(end-int64(len(text))))
	last := end == s.size || from < int64(len(text)) && strings.IndexByte(text[from:], '\n') >= 0
	r.blocks[r.count] = block{split: r.cursor, text: text, last: last}
	r.count++
	if last {
		r.seek(r.cursor + 1)
	}
}

// Snapshot implements [connect.Reader].
func (r *reader) Snapshot() []connect.Split {
	out := make([]connect.Split, len(r.splits))
	for i, s := range r.splits {
		out[i] = s.encode()
	}
	return out
}

// Positions implements [connect.Reader].
func (r *reader) Positions() []connect.Position {
	out := make([]connect.Position, len(r.splits))
	for i, s := range r.splits {
		out[i] = s.position()
	}
	return out
}

// request is the work of a fetch: n bytes at off, none to check the size only.
type request struct {
	path         string
	size, off, n int64
}

func (q request) run(fsys fs.FS) (any, error) {
	info, err := fsys.Stat(q.path)
	switch {
	case err == nil && info.Dir:
		err = errDirectory
	case err == nil && info.Size < q.size:
		return nil, q.shorter(info.Size)
	}
	if err != nil || q.n == 0 {
		return "", q.explain(err)
	}
	f, err := fsys.Open(q.path)
	if err != nil {
		return nil, q.explain(err)
	}
	buf := make([]byte, q.n)
	n, err := io.ReadFull(io.NewSectionReader(f, q.off, q.n), buf)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = q.cut(f, q.off+int64(n))
	}
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	if err != nil {
		return nil, q.explain(err)
	}
	return unsafe.String(&buf[0], len(buf)), nil // nobody writes to buf any more
}

// cut explains a file that ended at actual while it was read: only if it is shorter
// now has the input changed.
func (q request) cut(f fs.File, actual int64) error {
	size, err := f.Size()
	if err == nil && size < q.size {
		return q.shorter(size)
	}
	return errors.Join(fmt.Errorf("read of %d bytes at %d ended at %d: %w", q.n, q.off, actual, io.ErrUnexpectedEOF), err)
}

func (q request) shorter(actual int64) error {
	return fmt.Errorf("file source %s: expected %d bytes, found %d: %w", q.path, q.size, actual, connect.ErrInput)
}

func (q request) explain(err error) error {
	if err == nil || errors.Is(err, connect.ErrInput) {
		return err
	}
	return inputError(q.path, fmt.Sprintf("expected %d bytes, found none: ", q.size), err)
}
