package codec

// Sizer is implemented by codecs of values that may be large. Size is about the
// encoded size in bytes, without encoding: it bounds what a batch holds. Codecs of
// values that are always small do without.
type Sizer[T any] interface{ Size(v T) int }

// Size implements [Sizer].
func (String) Size(v string) int { return 1 + len(v) }

// Size implements [Sizer].
func (Bytes) Size(v []byte) int { return 1 + len(v) }

// small stands for the size of a value whose codec has no Sizer.
const small = 8

func sizeOf[T any](c Codec[T]) func(v T) int {
	if s, ok := c.(Sizer[T]); ok {
		return s.Size
	}
	return nil
}

// sizedPair is a pair of which at least one value may be large.
type sizedPair[A, B any] struct {
	pairCodec[A, B]
	sizeA func(A) int
	sizeB func(B) int
}

func newPair[A, B any](first Codec[A], second Codec[B]) Codec[Pair[A, B]] {
	c := pairCodec[A, B]{first, second}
	a, b := sizeOf(first), sizeOf(second)
	if a == nil && b == nil {
		return c
	}
	return sizedPair[A, B]{c, a, b}
}

// Size implements [Sizer].
func (c sizedPair[A, B]) Size(v Pair[A, B]) int {
	n := 0
	if c.sizeA != nil {
		n += c.sizeA(v.First)
	} else {
		n += small
	}
	if c.sizeB != nil {
		return n + c.sizeB(v.Second)
	}
	return n + small
}

// Size implements [Sizer]. It counts elements of small size without looking at them.
func (c sliceCodec[T]) Size(v []T) int {
	size := sizeOf(c.element)
	if size == nil {
		return 1 + small*len(v)
	}
	n := 1
	for i := range v {
		n += size(v[i])
	}
	return n
}
