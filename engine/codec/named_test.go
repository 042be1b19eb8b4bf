package codec_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/codec"
)

// TestNamedReadsWhatCodecsWrite: by its name alone every built-in codec and every
// composition of them is found, takes as many bytes as its codec, and refuses the same.
func TestNamedReadsWhatCodecsWrite(t *testing.T) {
	for _, s := range subjects() {
		u, err := codec.Named(s.name)
		require.NoError(t, err, s.name)
		rapid.Check(t, func(t *rapid.T) {
			src := rapid.SliceOfN(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte{0, 1, 2, 0x80})), 0, 40).Draw(t, "src")
			want, _, err := s.read(src)
			got, sizeErr := u.Size(src)
			require.Equal(t, err == nil, sizeErr == nil, "%s of % x: %v, %v", s.name, src, err, sizeErr)
			text, n, textErr := u.Text(src)
			require.Equal(t, err == nil, textErr == nil, s.name)
			if err != nil {
				require.ErrorIs(t, sizeErr, codec.ErrMalformed)
				return
			}
			require.Equal(t, want, got)
			require.Equal(t, want, n)
			require.NotEmpty(t, text)
		})
	}
}

func TestNamedText(t *testing.T) {
	c := codec.PairOf(codec.String{}, codec.SliceOf(codec.PairOf(codec.Uint64{}, codec.Bool{})))
	u, err := codec.Named(c.Name())
	require.NoError(t, err)
	src := c.Append(nil, codec.Pair[string, []codec.Pair[uint64, bool]]{First: "a\n", Second: []codec.Pair[uint64, bool]{{First: 1, Second: true}, {First: 300}}})
	text, n, err := u.Text(append(bytes.Clone(src), 9))
	require.NoError(t, err)
	require.Equal(t, len(src), n)
	require.Equal(t, `("a\n", [(1, true), (300, false)])`, text)
}

func TestNamesThatAreNotBuiltIn(t *testing.T) {
	for _, name := range []string{"", "mine/1", "string/2", "string/1,", "pair(string/1)/1", "pair(string/1,mine/1)/1", "pair(string/1,int/1", "slice(int/1)/2", "slice(int/1)/1)"} {
		_, err := codec.Named(name)
		require.ErrorIs(t, err, codec.ErrUnknownName, name)
	}
	_, err := codec.Named("pair(string/1,mine/1)/1")
	require.EqualError(t, err, `"mine/1": not the name of a built-in codec`)
}
