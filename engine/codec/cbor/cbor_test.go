package cbor_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/codec/cbor"
)

type order struct {
	ID    string
	Lines []line
	Tags  map[string]int
}

type line struct {
	Item  string
	Price int64
}

func TestRoundTrip(t *testing.T) {
	c := cbor.Of[order]()
	require.Equal(t, "cbor(cbor_test.order)/1", c.Name())
	rapid.Check(t, func(t *rapid.T) {
		a := order{
			ID:    rapid.String().Draw(t, "id"),
			Lines: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) line { return line{rapid.String().Draw(t, "item"), rapid.Int64().Draw(t, "price")} }), 1, 4).Draw(t, "lines"),
			Tags:  rapid.MapOfN(rapid.String(), rapid.Int(), 1, 5).Draw(t, "tags"),
		}
		b := order{ID: "behind it"}
		first := c.Append(nil, a)
		require.True(t, bytes.Equal(first, c.Append(nil, a)), "maps are sorted")
		src := c.Append(first, b)
		got, n, err := c.Decode(src)
		require.NoError(t, err)
		require.Equal(t, a, got)
		got, m, err := c.Decode(src[n:])
		require.NoError(t, err)
		require.Equal(t, b, got)
		require.Equal(t, len(src), n+m)
		cut := rapid.IntRange(0, n-1).Draw(t, "cut")
		_, _, err = c.Decode(src[:cut])
		require.ErrorIs(t, err, codec.ErrMalformed)
	})
}

func TestWhatCannotBeEncodedIsRefusedAtOnce(t *testing.T) {
	require.PanicsWithValue(t, "cbor: func() can't be encoded: cbor: unsupported type: func()", func() { cbor.Of[func()]() })
}
