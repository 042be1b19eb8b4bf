package trace

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	iofs "io/fs"
	"os"
	"strconv"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"
)

// Trace is a trace file that has been read and checked whole.
type Trace struct {
	Header  Header
	Count   uint64 // records
	Hash    uint64 // of the last record, 0 if there is none
	Verdict string

	path   string
	names  map[uint32]string
	blocks []block
}

// block is one as it lies in the file.
type block struct {
	offset  int // of its section
	records int
	sums    []byte
	packed  []byte
	size    int // of the fields, unpacked
}

// Open reads the trace at a path. It refuses what is not a whole, undamaged trace
// of this version (T2); the error is one line, names the path, what is wrong, where,
// and what would be right, and is ErrNotTrace, ErrVersion, ErrDamaged or that of
// the file system.
func Open(path string) (*Trace, error) {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return nil, &problem{path, "no such file", iofs.ErrNotExist}
	case err == nil && st.IsDir():
		return nil, &problem{path, "is a directory, not a trace file", ErrNotTrace}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		var p *iofs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, &problem{path, "cannot read: " + err.Error(), err}
	}
	return load(path, data)
}

// Name is the text of an id that a record of the trace has, else "".
func (t *Trace) Name(id uint32) string { return t.names[id] }

// load checks everything but the fields of records.
func load(path string, data []byte) (*Trace, error) {
	if err := checkStart(path, data); err != nil {
		return nil, err
	}
	if err := checkEnd(path, data); err != nil {
		return nil, err
	}
	t := &Trace{path: path, names: map[uint32]string{}}
	body := data[:len(data)-len(endMark)-sumSize]
	if err := t.sections(body); err != nil {
		return nil, err
	}
	want := binary.LittleEndian.Uint64(data[len(body):])
	if got := xxhash.Sum64(body); got != want {
		return nil, damaged(path, len(body), "the file's checksum is %016x, its contents give %016x", want, got)
	}
	return t, nil
}

// checkStart tells other files and other versions from traces.
func checkStart(path string, data []byte) error {
	switch {
	case len(data) == 0:
		return &problem{path, "not a Weir trace: it is empty, a trace begins with " + strconv.Quote(magic), ErrNotTrace}
	case len(data) < len(magic) && bytes.HasPrefix([]byte(magic), data):
		return damaged(path, len(data), "cut short within its first line %q", magic)
	case !bytes.HasPrefix(data, []byte(magicStart)):
		first := data[:min(len(data), len(magic))]
		return &problem{path, "not a Weir trace: it begins with " + strconv.Quote(string(first)) + ", a trace with " + strconv.Quote(magic), ErrNotTrace}
	case bytes.HasPrefix(data, []byte(magic)):
		return nil
	}
	rest := data[len(magicStart):min(len(data), len(magicStart)+12)]
	number, _, ok := bytes.Cut(rest, []byte("\n"))
	if v, err := strconv.ParseUint(string(number), 10, 32); ok && err == nil && v != Version {
		return &problem{path, "version " + strconv.FormatUint(v, 10) + ", this build reads version " + strconv.Itoa(Version), ErrVersion}
	}
	return damaged(path, len(magicStart), "the first line should be %q", magic)
}

// checkEnd finds missing tails and appended bytes.
func checkEnd(path string, data []byte) error {
	smallest := len(magic) + sumSize + len(endMark)
	if bytes.HasSuffix(data, []byte(endMark)) && len(data) >= smallest {
		return nil
	}
	if i := bytes.LastIndex(data, []byte(endMark)); i >= smallest-len(endMark) {
		end := i + len(endMark)
		return damaged(path, end, "%d bytes follow the trace's end", len(data)-end)
	}
	return damaged(path, len(data), "cut short: it should end with %q", endMark)
}

// sections walks all of the body and takes it in.
func (t *Trace) sections(body []byte) error {
	at, last := len(magic), byte(0)
	for at < len(body) {
		kind, payload, err := t.section(body, at)
		if err != nil {
			return err
		}
		switch {
		case last == 0 && kind == sectionHeader:
			err = t.header(at, payload)
		case (last == sectionHeader || last == sectionBlock) && kind == sectionBlock:
			err = t.block(at, payload)
		case (last == sectionHeader || last == sectionBlock) && kind == sectionEnd:
			err = t.end(at, payload)
		default:
			err = damaged(t.path, at, "section %q is not in its place", kind)
		}
		if err != nil {
			return err
		}
		last = kind
		at += frameSize + len(payload) + sumSize
	}
	if last != sectionEnd {
		return damaged(t.path, at, "the section %q with the verdict is missing", sectionEnd)
	}
	return nil
}

// section checks one section's length and checksum.
func (t *Trace) section(body []byte, at int) (kind byte, payload []byte, err error) {
	rest := body[at:]
	if len(rest) < frameSize+sumSize {
		return 0, nil, damaged(t.path, at, "%d bytes are too few for a section", len(rest))
	}
	n := uint64(binary.LittleEndian.Uint32(rest[1:]))
	if n > uint64(len(rest)-frameSize-sumSize) {
		return 0, nil, damaged(t.path, at, "a section of %d bytes where %d are left", n, len(rest)-frameSize-sumSize)
	}
	frame, payload := rest[:frameSize], rest[frameSize:frameSize+int(n)]
	want := binary.LittleEndian.Uint64(rest[frameSize+int(n):])
	if got := sectionSum(frame, payload); got != want {
		return 0, nil, damaged(t.path, at, "the checksum of section %q is %016x, its contents give %016x", frame[0], want, got)
	}
	return frame[0], payload, nil
}

func (t *Trace) header(at int, payload []byte) error {
	if err := json.Unmarshal(payload, &t.Header); err != nil {
		return damaged(t.path, at, "header: %v", err)
	}
	if t.Header.Format != Version {
		return damaged(t.path, at, "the header says version %d, the first line %d", t.Header.Format, Version)
	}
	return nil
}

func (t *Trace) block(at int, payload []byte) error {
	in := input{data: payload}
	records, names := in.uvarint(), in.uvarint()
	for ; names > 0 && !in.short; names-- {
		id, text := in.uvarint(), in.bytes(in.uvarint())
		if id > 1<<32-1 {
			return damaged(t.path, at, "name %d is out of range", id)
		}
		t.names[uint32(id)] = string(text)
	}
	b := block{offset: at, sums: in.bytes(in.uvarint()), packed: in.data}
	if in.short || records == 0 || records > uint64(len(b.sums)/sumSize) {
		return damaged(t.path, at, "a block of %d records is too short", records)
	}
	b.records = int(records)
	size, err := s2.DecodedLen(b.packed)
	if err != nil || size > b.records*recordMax {
		return damaged(t.path, at, "a block's fields cannot be unpacked to %d records", records)
	}
	b.size = size
	t.Count += records
	t.blocks = append(t.blocks, b)
	return nil
}

func (t *Trace) end(at int, payload []byte) error {
	in := input{data: payload}
	count, hash := in.uvarint(), in.fixed()
	if in.short || count != t.Count {
		return damaged(t.path, at, "the end counts %d records, the blocks have %d", count, t.Count)
	}
	t.Hash, t.Verdict = hash, string(in.data)
	return nil
}

// input takes values from the front of a payload; short is set once it ended early.
type input struct {
	data  []byte
	short bool
}

func (in *input) uvarint() uint64 {
	v, n := binary.Uvarint(in.data)
	if n <= 0 {
		in.data, in.short = nil, true
		return 0
	}
	in.data = in.data[n:]
	return v
}

func (in *input) varint() int64 {
	u := in.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (in *input) bytes(n uint64) []byte {
	if n > uint64(len(in.data)) {
		in.data, in.short = nil, true
		return nil
	}
	b := in.data[:n]
	in.data = in.data[n:]
	return b
}

func (in *input) fixed() uint64 {
	b := in.bytes(8)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// id takes a uvarint that must fit an id.
func (in *input) id() uint32 {
	v := in.uvarint()
	if v > 1<<32-1 {
		in.short = true
	}
	return uint32(v)
}

// Each calls f for every record in order until it fails.
func (t *Trace) Each(f func(Record) error) error {
	c := cursor{t: t}
	for {
		ok, err := c.next()
		if !ok || err != nil {
			return err
		}
		if err := f(c.record); err != nil {
			return err
		}
	}
}

// cursor goes through the records of a trace.
type cursor struct {
	t      *Trace
	blocks int // taken
	left   int // records of the block
	fields input
	sums   input
	buffer []byte
	record Record
}

// next takes the next record; false at the end.
func (c *cursor) next() (bool, error) {
	if c.left == 0 {
		if len(c.fields.data)+len(c.sums.data) > 0 {
			return false, c.damaged("a block has more than its records")
		}
		if c.blocks == len(c.t.blocks) {
			if c.record.Hash != c.t.Hash {
				return false, c.damaged("the last record's hash is %016x, the end says %016x", c.record.Hash, c.t.Hash)
			}
			return false, nil
		}
		if err := c.unpack(); err != nil {
			return false, err
		}
	}
	c.left--
	if !c.take() {
		return false, c.damaged("a record cannot be read")
	}
	return true, nil
}

func (c *cursor) damaged(format string, args ...any) error {
	at := len(magic)
	if c.blocks > 0 {
		at = c.t.blocks[c.blocks-1].offset
	}
	return damaged(c.t.path, at, format, args...)
}

func (c *cursor) unpack() error {
	b := c.t.blocks[c.blocks]
	c.blocks++
	if cap(c.buffer) < b.size {
		c.buffer = make([]byte, b.size)
	}
	fields, err := s2.Decode(c.buffer[:cap(c.buffer)], b.packed)
	if err != nil {
		return c.damaged("a block cannot be unpacked: %v", err)
	}
	c.fields, c.sums = input{data: fields}, input{data: b.sums}
	c.left, c.record = b.records, Record{}
	return nil
}

// take reads one record, and reports whether it was whole.
func (c *cursor) take() bool {
	in, r := &c.fields, &c.record
	m := in.bytes(2)
	if m == nil {
		return false
	}
	mask := binary.LittleEndian.Uint16(m)
	distance := r.Number - r.Cause
	r.Number++
	if mask&hasNumber != 0 {
		r.Number += uint64(in.varint()) - 1
	}
	if mask&hasCause != 0 {
		distance = in.uvarint()
	}
	r.Cause = r.Number - distance
	if mask&hasTime != 0 {
		r.Time += in.varint()
	}
	if mask&hasKind != 0 {
		r.Kind = in.id()
	}
	if mask&hasWhere != 0 {
		r.Where = in.id()
	}
	if mask&hasActor != 0 {
		r.Actor = in.id()
	}
	r.Peer, r.A, r.B, r.C, r.Digest = 0, 0, 0, 0, 0
	if mask&hasPeer != 0 {
		r.Peer = in.id()
	}
	if mask&hasA != 0 {
		r.A = in.uvarint()
	}
	if mask&hasB != 0 {
		r.B = in.uvarint()
	}
	if mask&hasC != 0 {
		r.C = in.uvarint()
	}
	r.Hash = c.sums.fixed()
	if mask&hasDigest != 0 {
		r.Digest = c.sums.fixed()
	}
	return !in.short && !c.sums.short && mask <= maskAll
}
