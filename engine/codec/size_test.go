package codec_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/codec"
)

func TestSizeIsAboutThatOfTheEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Repeat("x", rapid.IntRange(0, 100_000).Draw(t, "length"))
		about(t, codec.String{}, s)
		about(t, codec.Bytes{}, []byte(s))
		about(t, codec.PairOf[string, uint64](codec.String{}, codec.Uint64{}), codec.Pair[string, uint64]{First: s, Second: 7})
		about(t, codec.PairOf[int, []byte](codec.Int{}, codec.Bytes{}), codec.Pair[int, []byte]{Second: []byte(s)})
		about(t, codec.SliceOf[string](codec.String{}), []string{s, s, ""})
	})
}

func about[T any](t *rapid.T, c codec.Codec[T], v T) {
	size, want := c.(codec.Sizer[T]).Size(v), len(c.Append(nil, v))
	require.InDelta(t, want, size, 16, "%s", c.Name())
}

func TestSmallValuesHaveNoSize(t *testing.T) {
	_, sized := codec.PairOf[uint64, uint64](codec.Uint64{}, codec.Uint64{}).(codec.Sizer[codec.Pair[uint64, uint64]])
	require.False(t, sized, "the hot path of small records would pay for it")
}
