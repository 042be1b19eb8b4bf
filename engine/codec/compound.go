package codec

import (
	"encoding/binary"
	"fmt"
)

// Pair is two values. It is comparable if both are, and so may be a key.
type Pair[A, B any] struct {
	First  A
	Second B
}

type pairCodec[A, B any] struct {
	first  Codec[A]
	second Codec[B]
}

// PairOf encodes the first value, then the second. Its name holds both names.
func PairOf[A, B any](first Codec[A], second Codec[B]) Codec[Pair[A, B]] {
	return newPair(first, second)
}

func (c pairCodec[A, B]) Name() string {
	return "pair(" + c.first.Name() + "," + c.second.Name() + ")/1"
}

func (c pairCodec[A, B]) Append(dst []byte, v Pair[A, B]) []byte {
	return c.second.Append(c.first.Append(dst, v.First), v.Second)
}

func (c pairCodec[A, B]) Decode(src []byte) (Pair[A, B], int, error) {
	a, n, err := c.first.Decode(src)
	if err != nil {
		return Pair[A, B]{}, 0, fmt.Errorf("first of a pair: %w", err)
	}
	b, m, err := c.second.Decode(src[n:])
	if err != nil {
		return Pair[A, B]{}, 0, fmt.Errorf("second of a pair: %w", err)
	}
	return Pair[A, B]{a, b}, n + m, nil
}

type sliceCodec[T any] struct{ element Codec[T] }

// SliceOf encodes the number of elements as a varint, then the elements; an
// element whose own encoding is empty takes one zero byte, so that a length can
// be checked against the input before memory is taken for it. Nil and empty are
// the same to it; Decode gives nil for both.
func SliceOf[T any](element Codec[T]) Codec[[]T] { return sliceCodec[T]{element} }

func (c sliceCodec[T]) Name() string { return "slice(" + c.element.Name() + ")/1" }

func (c sliceCodec[T]) Append(dst []byte, v []T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(v)))
	for i := range v {
		before := len(dst)
		if dst = c.element.Append(dst, v[i]); len(dst) == before {
			dst = append(dst, 0)
		}
	}
	return dst
}

// firstRoom is the most elements for which Decode takes memory on a length's word
// alone; an element in memory may be far larger than its encoding.
const firstRoom = 256

func (c sliceCodec[T]) Decode(src []byte) ([]T, int, error) {
	l, at, err := length(src, "the length of a slice")
	if err != nil || l == 0 {
		return nil, at, err
	}
	v := make([]T, 0, min(l, firstRoom))
	for i := range l {
		e, n, err := c.element.Decode(src[at:])
		if err != nil {
			return nil, 0, fmt.Errorf("element %d of %d: %w", i, l, err)
		}
		if n == 0 {
			if at == len(src) || src[at] != 0 {
				return nil, 0, malformed("expected a zero byte for empty element %d of %d", i, l)
			}
			n = 1
		}
		v, at = append(v, e), at+n
	}
	return v, at, nil
}
