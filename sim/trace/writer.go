package trace

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"
)

// Writer writes a trace file. Use it from one goroutine, and end it with Close or
// Abort. The first failure is kept and returned by Close.
type Writer struct {
	path  string
	file  *os.File // under a temporary name until Close
	out   io.Writer
	whole *xxhash.Digest
	names Names
	err   error

	count uint64
	last  Record // the one before, or zero at the start of a block

	// The block being filled.
	records int
	fields  []byte
	sums    []byte
	news    []byte // names first used in it
	newest  int    // number of those
	seen    []bool // names written so far, by id

	block  []byte
	packed []byte
	frame  [frameSize]byte
	hash   uint64
}

// Create begins a trace file at a path whose directory exists. A file that is there
// already stays until Close replaces it. names gives the text of the ids that
// records use: it is asked once for each, when it is first used.
func Create(path string, h Header, names Names) (*Writer, error) {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return nil, &problem{path, "is a directory, not a place for a file", ErrNotTrace}
	}
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, base+".*.tmp")
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return nil, &problem{path, "cannot write: directory " + shown(dir) + " does not exist", iofs.ErrNotExist}
	case err != nil:
		return nil, fmt.Errorf("trace %s: %w", shown(path), err)
	}
	w := newWriter(f, names)
	w.path, w.file = path, f
	w.begin(h)
	if w.err == nil {
		w.fail(f.Chmod(0o644))
	}
	if w.err != nil {
		err := w.err
		w.Abort()
		return nil, err
	}
	return w, nil
}

func newWriter(out io.Writer, names Names) *Writer {
	return &Writer{
		out: out, names: names, whole: xxhash.New(),
		fields: make([]byte, 0, blockRecords*16), sums: make([]byte, 0, blockRecords*2*sumSize),
	}
}

func (w *Writer) begin(h Header) {
	h.Format = Version
	text, err := json.Marshal(h) // sorts maps
	w.fail(err)
	w.write([]byte(magic))
	w.section(sectionHeader, text)
}

// fail keeps the first failure.
func (w *Writer) fail(err error) {
	if err == nil || w.err != nil {
		return
	}
	w.err = fmt.Errorf("trace %s: %w", shown(w.path), err)
}

// write writes and takes into the whole file's checksum.
func (w *Writer) write(p []byte) {
	if w.err != nil {
		return
	}
	_, _ = w.whole.Write(p) // never fails
	_, err := w.out.Write(p)
	w.fail(err)
}

func (w *Writer) section(kind byte, payload []byte) {
	w.frame[0] = kind
	binary.LittleEndian.PutUint32(w.frame[1:], uint32(len(payload)))
	w.write(w.frame[:])
	w.write(payload)
	var sum [sumSize]byte
	binary.LittleEndian.PutUint64(sum[:], sectionSum(w.frame[:], payload))
	w.write(sum[:])
}

func sectionSum(frame, payload []byte) uint64 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.Write(frame)
	_, _ = d.Write(payload)
	return d.Sum64()
}

// Append adds a record. It keeps nothing of r.
func (w *Writer) Append(r *Record) {
	w.name(r.Kind)
	w.name(r.Where)
	w.name(r.Actor)
	w.name(r.Peer)
	if cap(w.fields)-len(w.fields) < recordMax {
		w.fields = append(make([]byte, 0, 2*cap(w.fields)+recordMax), w.fields...)
	}
	w.fields = appendFields(w.fields, r, &w.last)
	w.sums = binary.LittleEndian.AppendUint64(w.sums, r.Hash)
	if r.Digest != 0 {
		w.sums = binary.LittleEndian.AppendUint64(w.sums, r.Digest)
	}
	w.last = *r
	w.hash = r.Hash
	w.count++
	if w.records++; w.records == blockRecords {
		w.flush()
	}
}

// appendFields appends mask and fields; see the mask's constants.
func appendFields(b []byte, r, last *Record) []byte {
	at, mask := len(b), uint16(0)
	b = append(b, 0, 0)
	if r.Number != last.Number+1 {
		mask |= hasNumber
		b = binary.AppendVarint(b, int64(r.Number-last.Number))
	}
	if r.Number-r.Cause != last.Number-last.Cause {
		mask |= hasCause
		b = binary.AppendUvarint(b, r.Number-r.Cause)
	}
	if r.Time != last.Time {
		mask |= hasTime
		b = binary.AppendVarint(b, r.Time-last.Time)
	}
	if r.Kind != last.Kind {
		mask |= hasKind
		b = binary.AppendUvarint(b, uint64(r.Kind))
	}
	if r.Where != last.Where {
		mask |= hasWhere
		b = binary.AppendUvarint(b, uint64(r.Where))
	}
	if r.Actor != last.Actor {
		mask |= hasActor
		b = binary.AppendUvarint(b, uint64(r.Actor))
	}
	if r.Peer != 0 {
		mask |= hasPeer
		b = binary.AppendUvarint(b, uint64(r.Peer))
	}
	if r.A != 0 {
		mask |= hasA
		b = binary.AppendUvarint(b, r.A)
	}
	if r.B != 0 {
		mask |= hasB
		b = binary.AppendUvarint(b, r.B)
	}
	if r.C != 0 {
		mask |= hasC
		b = binary.AppendUvarint(b, r.C)
	}
	if r.Digest != 0 {
		mask |= hasDigest
	}
	b[at], b[at+1] = byte(mask), byte(mask>>8)
	return b
}

// name takes an id's text into the block when it is first used.
func (w *Writer) name(id uint32) {
	if int(id) < len(w.seen) && w.seen[id] {
		return
	}
	if int(id) >= len(w.seen) {
		w.seen = append(w.seen, make([]bool, int(id)+1-len(w.seen))...)
	}
	w.seen[id] = true
	text := w.names(id)
	w.news = binary.AppendUvarint(w.news, uint64(id))
	w.news = binary.AppendUvarint(w.news, uint64(len(text)))
	w.news = append(w.news, text...)
	w.newest++
}

// flush writes the block and begins another.
func (w *Writer) flush() {
	if w.records == 0 {
		return
	}
	if n := s2.MaxEncodedLen(len(w.fields)); cap(w.packed) < n {
		w.packed = make([]byte, n)
	}
	packed := s2.Encode(w.packed[:cap(w.packed)], w.fields)
	b := binary.AppendUvarint(w.block[:0], uint64(w.records))
	b = binary.AppendUvarint(b, uint64(w.newest))
	b = append(b, w.news...)
	b = binary.AppendUvarint(b, uint64(len(w.sums)))
	b = append(b, w.sums...)
	w.block = append(b, packed...)
	w.section(sectionBlock, w.block)
	w.last, w.records, w.newest = Record{}, 0, 0
	w.fields, w.sums, w.news = w.fields[:0], w.sums[:0], w.news[:0]
}

// finish writes all that comes after the records.
func (w *Writer) finish(verdict string) {
	w.flush()
	end := binary.AppendUvarint(nil, w.count)
	end = binary.LittleEndian.AppendUint64(end, w.hash)
	w.section(sectionEnd, append(end, verdict...))
	w.write(binary.LittleEndian.AppendUint64(nil, w.whole.Sum64()))
	w.write([]byte(endMark))
}

// Close finishes the trace with the run's verdict and gives it its name (T1). If
// anything failed since Create, there is no file, and the error says why. It is not
// synced: after a loss of power Open may refuse it.
func (w *Writer) Close(verdict string) error {
	w.finish(verdict)
	if w.err != nil {
		w.Abort()
		return w.err
	}
	w.fail(w.file.Close())
	if w.err == nil {
		w.fail(os.Rename(w.file.Name(), w.path))
	}
	if w.err != nil {
		_ = os.Remove(w.file.Name())
	}
	return w.err
}

// Abort gives the trace up and leaves no file.
func (w *Writer) Abort() {
	_ = w.file.Close()
	_ = os.Remove(w.file.Name())
}
