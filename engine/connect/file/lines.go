package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	iofs "io/fs"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/must"
)

// Defaults and limits.
const (
	defaultBlock = 64 << 10
	maxBytes     = 1 << 30 // of a block or buffer
	maxSplits    = 1 << 20
)

// LinesOption sets how [Lines] reads.
type LinesOption func(*lines)

// SplitBytes sets the length of the splits in bytes, at least 1. By default there
// is one split for each subtask. A file that would have more than 1,048,576 splits
// is refused.
func SplitBytes(n int64) LinesOption { return func(l *lines) { l.split, l.fixed = n, true } }

// BlockBytes sets how many bytes one fetch reads at most, 1 to 1 GiB. By default
// it is 64 KiB. Up to two blocks and the line that runs into them are in memory.
func BlockBytes(n int) LinesOption { return func(l *lines) { l.block = n } }

// Lines is a source of the lines of one file, without their '\n' and without
// event times. A file that is missing, not permitted to be read, a directory, or
// shorter than it was when the job started is an error that wraps
// [connect.ErrInput]. Options out of range are an error when the job starts.
func Lines(path string, opts ...LinesOption) connect.Source[string] {
	l := lines{path: path, block: defaultBlock}
	for _, o := range opts {
		o(&l)
	}
	return l
}

type lines struct {
	path  string
	split int64
	fixed bool // split was given
	block int
}

func (l lines) validate() error {
	switch {
	case l.fixed && l.split < 1:
		return fmt.Errorf("file source %s: SplitBytes is %d, must be at least 1", l.path, l.split)
	case l.block < 1 || l.block > maxBytes:
		return fmt.Errorf("file source %s: BlockBytes is %d, must be 1 to %d", l.path, l.block, maxBytes)
	}
	return nil
}

// Splits implements [connect.Source]. An empty file has one empty split.
func (l lines) Splits(w host.Worker, parallelism int) ([]connect.Split, error) {
	must.That(parallelism > 0, "parallelism %d", parallelism)
	if err := l.validate(); err != nil {
		return nil, err
	}
	size, err := sizeOf(w.FS(), l.path)
	if err != nil {
		return nil, inputError(l.path, "", err)
	}
	n := l.split
	if !l.fixed {
		n = max(1, (size-1)/int64(parallelism)+1)
	}
	if size/n > maxSplits {
		return nil, fmt.Errorf("file source %s: SplitBytes of %d gives %d splits, more than %d", l.path, n, size/n, maxSplits)
	}
	var out []connect.Split
	for start := int64(0); start < size || start == 0; start += min(n, max(1, size-start)) {
		end := start + min(n, size-start)
		out = append(out, split{path: l.path, size: size, start: start, end: end, next: start}.encode())
	}
	return out, nil
}

// sizeOf is the size of a file that can be opened for reading.
func sizeOf(fsys fs.FS, path string) (int64, error) {
	info, err := fsys.Stat(path)
	if err != nil {
		return 0, err
	}
	if info.Dir {
		return 0, errDirectory
	}
	f, err := fsys.Open(path)
	if err != nil {
		return 0, err
	}
	return info.Size, f.Close()
}

var errDirectory = errors.New("is a directory")

// inputError tells errors about the input from those of the disk: only the former
// wrap [connect.ErrInput]. Expected may say what should have been there.
func inputError(path, expected string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, iofs.ErrPermission) || errors.Is(err, errDirectory) {
		return fmt.Errorf("file source %s: %s%w: %w", path, expected, err, connect.ErrInput)
	}
	return fmt.Errorf("file source %s: %w", path, err)
}

// Reader implements [connect.Source].
func (l lines) Reader() connect.Reader[string] { return &reader{lines: l} }

// split is a byte range of a file with the position reached in it (F2).
type split struct {
	path             string
	size, start, end int64
	next, emitted    int64
}

func (s split) done() bool { return s.next >= s.end }

// unaligned reports that the first line is still to be found. If it was found to
// begin at start, finding it again does no harm.
func (s split) unaligned() bool { return s.next == s.start && s.start > 0 }

func (s split) encode() connect.Split {
	b := append(make([]byte, 0, len(s.path)+64), formatVersion)
	b = appendText(b, s.path)
	for _, v := range [...]int64{s.size, s.start, s.end, s.next, s.emitted} {
		b = binary.AppendUvarint(b, uint64(v))
	}
	return b
}

func decodeSplit(src connect.Split) (split, error) {
	d := newDecoder(src)
	s := split{path: d.text(), size: d.int(), start: d.int(), end: d.int(), next: d.int(), emitted: d.int()}
	if s.start > s.end || s.end > s.size || s.next < s.start || s.next > s.size {
		d.bad = true
	}
	return s, d.end("file split")
}

func (s split) position() connect.Position {
	return connect.Position{
		Split: fmt.Sprintf("%s[%d:%d]", s.path, s.start, s.end),
		Start: s.start, Next: s.next, End: s.end, Emitted: s.emitted,
	}
}
