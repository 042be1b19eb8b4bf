package file

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/weirstream/weir/engine/stream"
)

const (
	tmpPrefix  = ".tmp-"
	partPrefix = "part-"
)

// owner is who writes a file (F4).
type owner struct {
	uid     string // escaped
	subtask int
	attempt stream.Attempt
}

// tmp names the owner's in-progress file number seq.
func (o owner) tmp(seq uint64) string {
	return fmt.Sprintf("%s%s-%d-%d.%d-%d", tmpPrefix, o.uid, o.subtask, o.attempt.Epoch, o.attempt.Number, seq)
}

// part names the owner's committed file of a checkpoint.
func (o owner) part(checkpoint uint64) string {
	return fmt.Sprintf("%s%s-%d-%019d-%d.%d", partPrefix, o.uid, o.subtask, checkpoint, o.attempt.Epoch, o.attempt.Number)
}

// parseTmp and parsePart read a name back; false for any name the methods above
// don't make. Fields are taken from the right, since a uid may contain dashes.
func parseTmp(base string) (o owner, seq uint64, ok bool) {
	f, ok := fields(base, tmpPrefix)
	if !ok {
		return owner{}, 0, false
	}
	o, seq = parseOwner(f[0], f[1], f[2]), number(f[3], 64)
	return o, seq, o.tmp(seq) == base
}

func parsePart(base string) (o owner, checkpoint uint64, ok bool) {
	f, ok := fields(base, partPrefix)
	if !ok {
		return owner{}, 0, false
	}
	o, checkpoint = parseOwner(f[0], f[1], f[3]), number(f[2], 64)
	return o, checkpoint, o.part(checkpoint) == base
}

func fields(base, prefix string) (f [4]string, ok bool) {
	f[0], ok = strings.CutPrefix(base, prefix)
	for i := 3; ok && i > 0; i-- {
		dash := strings.LastIndexByte(f[0], '-')
		if ok = dash >= 0; ok {
			f[0], f[i] = f[0][:dash], f[0][dash+1:]
		}
	}
	return f, ok
}

// number is 0 for malformed text, which the comparison with the whole name finds.
func number(s string, bits int) uint64 {
	v, err := strconv.ParseUint(s, 10, bits)
	if err != nil {
		return 0
	}
	return v
}

func parseOwner(uid, subtask, attempt string) owner {
	epoch, num, _ := strings.Cut(attempt, ".")
	return owner{
		uid: uid, subtask: int(number(subtask, 31)),
		attempt: stream.Attempt{Epoch: uint32(number(epoch, 32)), Number: uint32(number(num, 32))},
	}
}

// escape makes a uid fit for a file name: letters, digits, '-', '_' and '.' stay,
// every other byte becomes %XX. No two uids give the same text.
func escape(uid string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(uid) {
		c := uid[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}
