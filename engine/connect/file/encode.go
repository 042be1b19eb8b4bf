package file

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/weirstream/weir/engine/fs"
)

// formatVersion is the first byte of encoded splits and committables.
const formatVersion = 1

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// decoder reads the fields of an encoded split or committable. After the first
// malformed field all are zero.
type decoder struct {
	src []byte
	bad bool
}

func newDecoder(src []byte) decoder {
	if len(src) == 0 || src[0] != formatVersion {
		return decoder{bad: true}
	}
	return decoder{src: src[1:]}
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.src)
	if n <= 0 {
		d.bad, d.src = true, nil
		return 0
	}
	d.src = d.src[n:]
	return v
}

func (d *decoder) int() int64 {
	v := d.uint()
	if v > math.MaxInt64 {
		d.bad, d.src = true, nil
		return 0
	}
	return int64(v)
}

func (d *decoder) text() string {
	n := d.uint()
	if n > uint64(len(d.src)) {
		d.bad, d.src = true, nil
		return ""
	}
	s := string(d.src[:n])
	d.src = d.src[n:]
	return s
}

// end reports the first error, also that something follows the last field.
func (d *decoder) end(what string) error {
	if d.bad || len(d.src) > 0 {
		return fmt.Errorf("%s is malformed or of an unknown version: %w", what, fs.ErrCorrupt)
	}
	return nil
}
