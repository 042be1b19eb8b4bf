// Package codec turns records, keys and state into bytes and back.
//
// Codecs append to a buffer they are given and read from the front of one, so
// that records can be written one after the other without framing. Every codec is
// deterministic (equal values give equal bytes), stateless, and safe for
// concurrent use. Name carries a version: it is stored in checkpoints, and a
// snapshot written by a codec of another name is refused.
package codec

// Codec encodes values of type T.
type Codec[T any] interface {
	// Name identifies the format and its version, such as "string/1".
	Name() string
	// Append appends v's encoding to dst.
	Append(dst []byte, v T) []byte
	// Decode reads one value from the front of src and says how many bytes it
	// took. The value must not alias src. Errors wrap [ErrMalformed].
	Decode(src []byte) (v T, n int, err error)
}
