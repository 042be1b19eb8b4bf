// Package trace writes and reads the files that record a simulated run, compares a
// run with one, and shows one as text.
//
// Format version 1. Integers are little-endian; "uvarint" and "varint" are those of
// encoding/binary; checksums are xxhash64.
//
//	"weir trace v1\n"
//	section 'h'   the header, as JSON
//	section 'b'*  blocks of records
//	section 'e'   the end: uvarint count, 8 bytes final hash, the verdict
//	8 bytes       checksum of everything above
//	"\nweir end\n"
//
// A section is its kind (1 byte), the length of its payload (4 bytes), the payload,
// and the checksum of these (8 bytes). A block can be read without those before it,
// but for names. Its payload is
//
//	uvarint       number of records, at least 1
//	uvarint       number of names first used here
//	names         uvarint id, uvarint length, text; each
//	uvarint       length of the sums
//	sums          per record 8 bytes hash, and 8 bytes digest if it is not 0
//	the rest      the fields of each record, compressed with S2
//
// and the fields of a record are a mask (2 bytes) and those fields that it names, in
// order: each is left out if it has its usual value (see the mask's constants).
//
// Invariants:
//
//	T1  A file appears under its path whole or not at all.
//	T2  [Open] accepts only what a writer wrote: every flipped byte, missing tail
//	    and appended byte is refused, in one line that says what and where.
//	T3  Writing a trace and reading it gives the same records, names, header,
//	    count, final hash and verdict.
//	T4  No input makes the reader panic or take memory out of proportion to it.
package trace

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Version is the format version that this package writes and the only one it reads.
const Version = 1

const (
	magicStart = "weir trace v"
	magic      = magicStart + "1\n"
	endMark    = "\nweir end\n"

	sectionHeader = 'h'
	sectionBlock  = 'b'
	sectionEnd    = 'e'

	sumSize      = 8
	frameSize    = 1 + 4 // before a section's payload
	blockRecords = 4096
	// recordMax is the most that the fields of one record take in a block.
	recordMax = 2 + 10*10
)

// Errors that callers tell apart with errors.Is. Missing files are
// io/fs.ErrNotExist.
var (
	// ErrNotTrace says that the file never was a trace, or is empty or a directory.
	ErrNotTrace = errors.New("not a Weir trace")
	// ErrVersion says that the trace has a format this build does not read.
	ErrVersion = errors.New("unsupported version")
	// ErrDamaged says that the trace is cut short or changed.
	ErrDamaged = errors.New("damaged")
)

// problem is an error about a file, one line.
type problem struct {
	path, text string
	kind       error
}

func (p *problem) Error() string { return "trace " + shown(p.path) + ": " + p.text }
func (p *problem) Unwrap() error { return p.kind }

// shown quotes a path that would not fit on one line.
func shown(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(path)
	}
	return path
}

func damaged(path string, offset int, format string, args ...any) error {
	return &problem{path, fmt.Sprintf("damaged at byte %d: ", offset) + fmt.Sprintf(format, args...), ErrDamaged}
}

// Header says what was run, enough to run it again.
type Header struct {
	// Format is set by Create.
	Format   int               `json:"format"`
	Scenario string            `json:"scenario"`
	Seed     uint64            `json:"seed"`
	Mode     string            `json:"mode"`
	Strategy string            `json:"strategy"`
	Settings map[string]string `json:"settings,omitempty"`
	Input    *Input            `json:"input,omitempty"`
	Module   string            `json:"module"`
	Commit   string            `json:"commit"`
	Go       string            `json:"go"`
	// Extra is whatever else a replay needs, by name.
	Extra map[string]string `json:"extra,omitempty"`
}

// Input is the file that a run read.
type Input struct {
	Name string `json:"name"`
	Size int64  `json:"size"` // bytes
	// XXHash64 is that of the contents, 16 hexadecimal digits.
	XXHash64 string `json:"xxhash64"`
}

// Record is one line of a trace. Kind, Where, Actor and Peer are ids of names.
type Record struct {
	Number uint64 // of the event; need not grow by one
	Cause  uint64 // number of the event that led to it, 0 for none
	Time   int64  // nanoseconds of virtual time
	Kind   uint32
	Where  uint32 // the node
	Actor  uint32
	Peer   uint32
	A      uint64
	B      uint64
	C      uint64
	Digest uint64 // of a payload, 0 for none
	Hash   uint64 // of the run so far
}

// Names returns the text of an id.
type Names func(id uint32) string

// The mask: which fields of a record follow. Differences are taken to the record
// before it in the block, the first to a zero record, and wrap around.
const (
	hasNumber = 1 << iota // varint, difference, usually 1
	hasCause              // uvarint, number less cause, usually the same as before
	hasTime               // varint, difference, usually 0
	hasKind               // uvarint, usually the same as before
	hasWhere              // uvarint, usually the same as before
	hasActor              // uvarint, usually the same as before
	hasPeer               // uvarint, usually 0
	hasA                  // uvarint, usually 0
	hasB                  // uvarint, usually 0
	hasC                  // uvarint, usually 0
	hasDigest             // in the sums, usually 0
	maskAll   = 1<<iota - 1
)
