package protocol

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEncoding: no field of a state is left out of its fingerprint, and no two share
// their places. Each is set to its largest values alone.
func TestEncoding(t *testing.T) {
	var s State
	var all []reflect.Value
	var collect func(v reflect.Value)
	collect = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				collect(v.Field(i))
			}
		case reflect.Array:
			for i := range v.Len() {
				collect(v.Index(i))
			}
		default:
			all = append(all, v)
		}
	}
	collect(reflect.ValueOf(&s).Elem())
	require.Greater(t, len(all), 80)
	seen := map[[words]uint64]int{{}: -1}
	bits := [words]uint64{}
	for i, v := range all {
		s = State{}
		p := reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem()
		if p.Kind() == reflect.Bool {
			p.SetBool(true)
		} else {
			p.SetUint(1)
		}
		var w [words]uint64
		s.encode(&w)
		_, known := seen[w]
		require.False(t, known, "field %d, a %s", i, v.Type())
		seen[w] = i
		for j := range w {
			require.Zero(t, bits[j]&w[j], "field %d, a %s", i, v.Type())
			bits[j] |= w[j]
		}
	}
}

func TestQueue(t *testing.T) {
	q := queue(0).push(record.of(1)).push(barrier.of(1)).push(record.of(2))
	require.Equal(t, "record 1, barrier 1, record 2", q.String())
	require.Equal(t, "record 1, record 2", q.records(3).String())
	require.Equal(t, 1, q.find(barrier.of(1)))
	require.Equal(t, "record 1, record 2", q.without(1).String())
	q = q.overtake(overtaking.of(2)).overtake(overtaking.of(3))
	require.Equal(t, "unaligned barrier 2, unaligned barrier 3, record 1, barrier 1, record 2", q.String())
	require.Equal(t, 5, q.len())
	require.Equal(t, "nothing", queue(0).String())
	require.Panics(t, func() { q.push(end.of(0)).push(end.of(0)).push(end.of(0)).push(end.of(0)) })
}

func TestTally(t *testing.T) {
	var a tally
	a = a.add(3, true).add(0, false).add(0, false)
	require.Equal(t, "record 0 2x, record 3 again 1x", a.String())
	a = a.plus(a)
	require.Equal(t, "record 0 3x, record 3 again 2x", a.String(), "3 stands for more")
}
