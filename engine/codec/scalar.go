package codec

import (
	"encoding/binary"
	"math"
)

// The built-in codecs. Each is its own zero value, such as Int64{}. A value has
// exactly one encoding: Decode refuses any other, such as a varint with a
// needless byte, so that decoding and encoding again gives the same bytes.
type (
	// Bool is one byte, 0 or 1.
	Bool struct{}
	// Int is a zig-zag varint, 1 to 10 bytes. Decode refuses what does not fit
	// the platform's int.
	Int struct{}
	// Int32 is a zig-zag varint, 1 to 5 bytes.
	Int32 struct{}
	// Int64 is a zig-zag varint, 1 to 10 bytes.
	Int64 struct{}
	// Uint32 is a varint, 1 to 5 bytes.
	Uint32 struct{}
	// Uint64 is a varint, 1 to 10 bytes.
	Uint64 struct{}
	// Float64 is the IEEE 754 bits, 8 bytes, little-endian. It keeps every bit,
	// so 0 and -0, equal to Go, have unequal encodings, and NaN equals nothing:
	// floats make poor keys.
	Float64 struct{}
	// String is the length in bytes as a varint, then the bytes, UTF-8 or not.
	String struct{}
	// Bytes is the length as a varint, then the bytes. Nil and empty are the
	// same to it; Decode gives nil for both.
	Bytes struct{}
	// UnitCodec takes no bytes.
	UnitCodec struct{}
)

// Unit is the value that says nothing.
type Unit = struct{}

// Of returns the built-in codec of T; false if T is not exactly bool, int, int32,
// int64, uint32, uint64, float64, string, []byte or struct{}. Types defined in
// terms of these have none: the name may promise more than the bytes do.
func Of[T any]() (Codec[T], bool) {
	var c any
	switch any((*T)(nil)).(type) {
	case *bool:
		c = Bool{}
	case *int:
		c = Int{}
	case *int32:
		c = Int32{}
	case *int64:
		c = Int64{}
	case *uint32:
		c = Uint32{}
	case *uint64:
		c = Uint64{}
	case *float64:
		c = Float64{}
	case *string:
		c = String{}
	case *[]byte:
		c = Bytes{}
	case *Unit:
		c = UnitCodec{}
	}
	found, ok := c.(Codec[T])
	return found, ok
}

// uvarint is binary.Uvarint with errors, and without a second way to write a
// number.
func uvarint(src []byte, what string) (uint64, int, error) {
	v, n := binary.Uvarint(src)
	switch {
	case n == 0:
		return 0, 0, malformed("expected %s as a varint, the input ends after %d bytes of it", what, len(src))
	case n < 0:
		return 0, 0, malformed("expected %s as a varint, found one of more than 64 bits", what)
	case n > 1 && src[n-1] == 0:
		return 0, 0, malformed("expected %s as a varint, found one with a needless last byte", what)
	}
	return v, n, nil
}

func varint(src []byte, what string) (int64, int, error) {
	u, n, err := uvarint(src, what)
	return int64(u>>1) ^ -int64(u&1), n, err
}

// length reads a length in front of that many units of at least one byte each, so
// a length that the input can't hold is refused before anything is allocated.
func length(src []byte, what string) (int, int, error) {
	u, n, err := uvarint(src, what)
	if err != nil {
		return 0, 0, err
	}
	if left := len(src) - n; u > uint64(left) {
		return 0, 0, malformed("expected %s within the input, found %d with %d bytes left", what, u, left)
	}
	return int(u), n, nil
}

// Name implements [Codec], as do the methods below.
func (Bool) Name() string { return "bool/1" }

// Append implements [Codec].
func (Bool) Append(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// Decode implements [Codec].
func (Bool) Decode(src []byte) (bool, int, error) {
	if len(src) == 0 {
		return false, 0, malformed("expected a bool, the input ends")
	}
	if src[0] > 1 {
		return false, 0, malformed("expected a bool, 0 or 1, found %d", src[0])
	}
	return src[0] == 1, 1, nil
}

// Name implements [Codec].
func (Int) Name() string { return "int/1" }

// Append implements [Codec].
func (Int) Append(dst []byte, v int) []byte { return binary.AppendVarint(dst, int64(v)) }

// Decode implements [Codec].
func (Int) Decode(src []byte) (int, int, error) {
	v, n, err := varint(src, "an int")
	if err != nil {
		return 0, 0, err
	}
	if int64(int(v)) != v {
		return 0, 0, malformed("expected an int, found %d", v)
	}
	return int(v), n, nil
}

// Name implements [Codec].
func (Int32) Name() string { return "int32/1" }

// Append implements [Codec].
func (Int32) Append(dst []byte, v int32) []byte { return binary.AppendVarint(dst, int64(v)) }

// Decode implements [Codec].
func (Int32) Decode(src []byte) (int32, int, error) {
	v, n, err := varint(src, "an int32")
	if err != nil {
		return 0, 0, err
	}
	if int64(int32(v)) != v {
		return 0, 0, malformed("expected an int32, found %d", v)
	}
	return int32(v), n, nil
}

// Name implements [Codec].
func (Int64) Name() string { return "int64/1" }

// Append implements [Codec].
func (Int64) Append(dst []byte, v int64) []byte { return binary.AppendVarint(dst, v) }

// Decode implements [Codec].
func (Int64) Decode(src []byte) (int64, int, error) {
	v, n, err := varint(src, "an int64")
	if err != nil {
		return 0, 0, err
	}
	return v, n, nil
}

// Name implements [Codec].
func (Uint32) Name() string { return "uint32/1" }

// Append implements [Codec].
func (Uint32) Append(dst []byte, v uint32) []byte { return binary.AppendUvarint(dst, uint64(v)) }

// Decode implements [Codec].
func (Uint32) Decode(src []byte) (uint32, int, error) {
	v, n, err := uvarint(src, "a uint32")
	if err != nil {
		return 0, 0, err
	}
	if v > math.MaxUint32 {
		return 0, 0, malformed("expected a uint32, found %d", v)
	}
	return uint32(v), n, nil
}

// Name implements [Codec].
func (Uint64) Name() string { return "uint64/1" }

// Append implements [Codec].
func (Uint64) Append(dst []byte, v uint64) []byte { return binary.AppendUvarint(dst, v) }

// Decode implements [Codec].
func (Uint64) Decode(src []byte) (uint64, int, error) { return uvarint(src, "a uint64") }

// Name implements [Codec].
func (Float64) Name() string { return "float64/1" }

// Append implements [Codec].
func (Float64) Append(dst []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
}

// Decode implements [Codec].
func (Float64) Decode(src []byte) (float64, int, error) {
	if len(src) < 8 {
		return 0, 0, malformed("expected a float64 of 8 bytes, the input has %d", len(src))
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(src)), 8, nil
}

// Name implements [Codec].
func (String) Name() string { return "string/1" }

// Append implements [Codec].
func (String) Append(dst []byte, v string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(v))), v...)
}

// Decode implements [Codec].
func (String) Decode(src []byte) (string, int, error) {
	l, n, err := length(src, "the length of a string")
	if err != nil {
		return "", 0, err
	}
	return string(src[n : n+l]), n + l, nil
}

// Name implements [Codec].
func (Bytes) Name() string { return "bytes/1" }

// Append implements [Codec].
func (Bytes) Append(dst []byte, v []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(v))), v...)
}

// Decode implements [Codec].
func (Bytes) Decode(src []byte) ([]byte, int, error) {
	l, n, err := length(src, "the length of bytes")
	if err != nil {
		return nil, 0, err
	}
	return append([]byte(nil), src[n:n+l]...), n + l, nil
}

// Name implements [Codec].
func (UnitCodec) Name() string { return "unit/1" }

// Append implements [Codec].
func (UnitCodec) Append(dst []byte, _ Unit) []byte { return dst }

// Decode implements [Codec].
func (UnitCodec) Decode([]byte) (Unit, int, error) { return Unit{}, 0, nil }
