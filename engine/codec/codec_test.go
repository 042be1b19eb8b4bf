package codec_test

import (
	"bytes"
	"math"
	"reflect"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/codec"
)

// subject is a codec under test, with its type hidden.
type subject struct {
	name string
	run  func(t *rapid.T)
	read func(src []byte) (n int, again []byte, err error)
}

func of[T any](c codec.Codec[T], gen *rapid.Generator[T]) subject {
	read := func(src []byte) (int, []byte, error) {
		v, n, err := c.Decode(src)
		if err != nil {
			return n, nil, err
		}
		return n, c.Append(nil, v), nil
	}
	return subject{c.Name(), func(t *rapid.T) { laws(t, c, gen) }, read}
}

// laws are what every codec promises: several values one after the other come
// back, Append only appends, and no beginning of an encoding is an encoding.
func laws[T any](t *rapid.T, c codec.Codec[T], gen *rapid.Generator[T]) {
	values := rapid.SliceOfN(gen, 1, 4).Draw(t, "values")
	front := []byte("front")
	all := bytes.Clone(front)
	ends := []int{len(front)}
	for _, v := range values {
		all = c.Append(all, v)
		ends = append(ends, len(all))
	}
	require.Equal(t, front, all[:len(front)])
	for i, v := range values {
		got, n, err := c.Decode(all[ends[i]:])
		require.NoError(t, err)
		require.Equal(t, ends[i+1]-ends[i], n)
		require.Equal(t, v, got)
	}
	one := c.Append(nil, values[0])
	for cut := range one {
		_, _, err := c.Decode(one[:cut])
		require.ErrorIs(t, err, codec.ErrMalformed, "cut at %d of %d", cut, len(one))
	}
	// The value must not alias the input.
	v, _, err := c.Decode(one)
	require.NoError(t, err)
	for i := range one {
		one[i] ^= 0xff
	}
	require.Equal(t, values[0], v)
}

func subjects() []subject {
	text, number := rapid.String(), rapid.Int64()
	pairs := rapid.Custom(func(t *rapid.T) codec.Pair[string, int64] {
		return codec.Pair[string, int64]{First: text.Draw(t, "first"), Second: number.Draw(t, "second")}
	})
	floats := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.Inf(1), math.Inf(-1), math.MaxFloat64}))
	units := rapid.Just(codec.Unit{})
	return []subject{
		of(codec.Bool{}, rapid.Bool()), of(codec.Int{}, rapid.Int()), of(codec.Int32{}, rapid.Int32()),
		of(codec.Int64{}, number), of(codec.Uint32{}, rapid.Uint32()), of(codec.Uint64{}, rapid.Uint64()),
		of(codec.Float64{}, floats), of(codec.String{}, text), of(codec.Bytes{}, nilIfEmpty(rapid.Byte())),
		of(codec.UnitCodec{}, units), of(codec.PairOf(codec.String{}, codec.Int64{}), pairs),
		of(codec.SliceOf(codec.Uint64{}), nilIfEmpty(rapid.Uint64())), of(codec.SliceOf(codec.UnitCodec{}), nilIfEmpty(units)),
		of(codec.SliceOf(codec.SliceOf(codec.String{})), nilIfEmpty(nilIfEmpty(text))),
		of(codec.SliceOf(codec.PairOf(codec.String{}, codec.Int64{})), nilIfEmpty(pairs)),
	}
}

func nilIfEmpty[T any](gen *rapid.Generator[T]) *rapid.Generator[[]T] {
	return rapid.Map(rapid.SliceOfN(gen, 0, 6), func(v []T) []T {
		if len(v) == 0 {
			return nil
		}
		return v
	})
}

func TestLaws(t *testing.T) {
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) { rapid.Check(t, s.run) })
	}
}

// arbitrary bytes are either refused or an encoding that Append writes too.
func arbitrary(t require.TestingT, src []byte) {
	for _, s := range subjects() {
		n, again, err := s.read(src)
		if err != nil {
			require.ErrorIs(t, err, codec.ErrMalformed, s.name)
			require.Zero(t, n, s.name)
			continue
		}
		require.LessOrEqual(t, n, len(src), s.name)
		require.True(t, bytes.Equal(src[:n], again), "%s: % x became % x", s.name, src[:n], again)
	}
}

func TestArbitraryBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		arbitrary(t, rapid.SliceOfN(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte{0, 1, 2, 0x80, 0xff})), 0, 40).Draw(t, "src"))
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{2, 1, 'a', 4, 0, 6})
	f.Add([]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01})
	f.Fuzz(func(t *testing.T, src []byte) { arbitrary(t, src) })
}

func TestNamesAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range subjects() {
		require.False(t, seen[s.name], s.name)
		seen[s.name] = true
	}
}

func TestKnownBytes(t *testing.T) {
	require.Equal(t, []byte{0x01}, codec.Int{}.Append(nil, -1))
	require.Equal(t, []byte{0xac, 0x02}, codec.Uint64{}.Append(nil, 300))
	require.Equal(t, []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}, codec.Float64{}.Append(nil, 1))
	require.Equal(t, []byte{2, 'h', 'i', 6}, codec.PairOf(codec.String{}, codec.Int32{}).Append(nil, codec.Pair[string, int32]{First: "hi", Second: 3}))
	require.Equal(t, []byte{2, 0, 0}, codec.SliceOf(codec.UnitCodec{}).Append(nil, make([]codec.Unit, 2)))
}

func TestFloatBitsSurvive(t *testing.T) {
	for _, bits := range []uint64{math.Float64bits(math.Copysign(0, -1)), 0x7ff8000000000001, 0xfff0000000000123} {
		v, _, err := codec.Float64{}.Decode(codec.Float64{}.Append(nil, math.Float64frombits(bits)))
		require.NoError(t, err)
		require.Equal(t, bits, math.Float64bits(v))
	}
}

func TestMalformed(t *testing.T) {
	tooLong := codec.Uint64{}.Append(nil, math.MaxUint64)

	wrap := func(s subject, src ...byte) string { n, _, err := s.read(src); require.Zero(t, n); return err.Error() }
	i32, u32 := of(codec.Int32{}, rapid.Int32()), of(codec.Uint32{}, rapid.Uint32())
	pair := of(codec.PairOf(codec.Bool{}, codec.String{}), nil)
	slice := of(codec.SliceOf(codec.Bool{}), nil)
	units := of(codec.SliceOf(codec.UnitCodec{}), nil)
	require.Equal(t, "malformed encoding: expected a uint32, found 18446744073709551615", wrap(u32, tooLong...))
	require.Equal(t, "malformed encoding: expected an int32, found -9223372036854775808", wrap(i32, tooLong...))
	require.Equal(t, "malformed encoding: expected a uint32 as a varint, found one with a needless last byte", wrap(u32, 0x81, 0))
	require.Equal(t, "malformed encoding: expected a uint32 as a varint, the input ends after 1 bytes of it", wrap(u32, 0x81))
	require.Equal(t, "first of a pair: malformed encoding: expected a bool, 0 or 1, found 7", wrap(pair, 7))
	require.Equal(t, "second of a pair: malformed encoding: expected the length of a string within the input, found 5 with 2 bytes left", wrap(pair, 1, 5, 'a', 'b'))
	require.Equal(t, "element 1 of 2: malformed encoding: expected a bool, 0 or 1, found 9", wrap(slice, 2, 0, 9))
	require.Equal(t, "malformed encoding: expected a zero byte for empty element 1 of 2", wrap(units, 2, 0, 1))
}

// A length that the input can't hold costs the error and nothing else.
func TestHugeLengths(t *testing.T) {
	huge := codec.Uint64{}.Append(nil, 1<<40)
	huge = append(huge, make([]byte, 100)...)
	for _, s := range []subject{of(codec.String{}, nil), of(codec.Bytes{}, nil), of(codec.SliceOf(codec.UnitCodec{}), nil), of(codec.SliceOf(codec.String{}), nil)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 100 {
			_, _, err := s.read(huge)
			require.ErrorIs(t, err, codec.ErrMalformed)
		}
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), s.name)
	}
}

type named int64

func TestOf(t *testing.T) {
	is[bool](t, codec.Bool{})
	is[int](t, codec.Int{})
	is[int32](t, codec.Int32{})
	is[int64](t, codec.Int64{})
	is[uint32](t, codec.Uint32{})
	is[uint64](t, codec.Uint64{})
	is[float64](t, codec.Float64{})
	is[string](t, codec.String{})
	is[[]byte](t, codec.Bytes{})
	is[struct{}](t, codec.UnitCodec{})
	isNot[named](t)
	isNot[struct{ A int }](t)
	isNot[*int](t)
	isNot[any](t)
	isNot[float32](t)
	isNot[codec.Pair[int, int]](t)
}

func is[T any](t *testing.T, want codec.Codec[T]) {
	got, ok := codec.Of[T]()
	require.True(t, ok, reflect.TypeFor[T]().String())
	require.Equal(t, want, got)
}

func isNot[T any](t *testing.T) {
	got, ok := codec.Of[T]()
	require.False(t, ok, reflect.TypeFor[T]().String())
	require.Nil(t, got)
}
