// Package cbor is the codec of last resort: any type that CBOR can express, most
// of all structs, in its deterministic core encoding (RFC 8949, section 4.2). It is
// some twenty times slower than a codec written by hand, so hot types bring their
// own. Only jobs that import the package link the CBOR library.
package cbor

import (
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"

	"github.com/weirstream/weir/engine/codec"
)

// Of returns the codec of T. It panics, when the job is described, if T holds what
// has no deterministic encoding: channels, functions and the like. Unexported
// fields are not encoded. The name of the type is part of the codec's name.
func Of[T any]() codec.Codec[T] {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(fmt.Sprintf("cbor: %v", err)) // the options are constants
	}
	c := of[T]{mode, "cbor(" + reflect.TypeFor[T]().String() + ")/1"}
	var zero T
	if _, err := mode.Marshal(zero); err != nil {
		panic(fmt.Sprintf("cbor: %s can't be encoded: %v", reflect.TypeFor[T](), err))
	}
	return c
}

type of[T any] struct {
	mode cbor.EncMode
	name string
}

// Name implements codec.Codec.
func (c of[T]) Name() string { return c.name }

// Append implements codec.Codec. It panics if v can't be encoded, which only
// values behind interfaces can bring about: that fails the task.
func (c of[T]) Append(dst []byte, v T) []byte {
	b, err := c.mode.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("cbor: %v", err))
	}
	return append(dst, b...)
}

// Decode implements codec.Codec.
func (c of[T]) Decode(src []byte) (v T, n int, err error) {
	rest, err := cbor.UnmarshalFirst(src, &v)
	if err != nil {
		return v, 0, fmt.Errorf("%s: %w: %w", c.name, codec.ErrMalformed, err)
	}
	return v, len(src) - len(rest), nil
}
