package engine

import (
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/graph"
)

// bytesOf is a codec without its type, for an interpreter. A nil codec gives nothing.
func bytesOf[T any](c codec.Codec[T]) graph.Bytes {
	if c == nil {
		return graph.Bytes{}
	}
	return graph.Bytes{
		Codec:  c.Name(),
		Append: func(dst []byte, v any) []byte { return c.Append(dst, v.(T)) },
		Decode: func(src []byte) (any, int, error) { return c.Decode(src) },
	}
}
