package sim

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func draws(w *World, name, where string, n int) (out []uint64) {
	p := w.Point(name, where)
	for range n {
		out = append(out, p.Uint64())
	}
	return out
}

// W2: what happens at one point does not move any other.
func TestDrawsAreIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		want := draws(New(seed, Options{}), "latency", "a->b", 20)
		w := New(seed, Options{})
		others := rapid.SliceOfN(rapid.SampledFrom([]string{"latency", "loss", "crash"}), 20, 20).Draw(t, "others")
		p := w.Point("latency", "a->b")
		for i, name := range others {
			draws(w, name, "b->a", rapid.IntRange(0, 3).Draw(t, "more"))
			if got := p.Uint64(); got != want[i] {
				t.Fatalf("draw %d is %x, alone it is %x", i, got, want[i])
			}
		}
	})
}

func TestDrawsDifferByNameWhereSeedAndUse(t *testing.T) {
	seen := map[uint64]bool{}
	for seed := range uint64(4) {
		w := New(seed, Options{})
		for _, name := range []string{"a", "b", "ab", ""} {
			for _, where := range []string{"a", "b", "ab", ""} {
				for _, v := range draws(w, name, where, 50) {
					require.False(t, seen[v])
					seen[v] = true
				}
			}
		}
	}
	w := New(1, Options{})
	require.Same(t, w.Point("a", "b"), w.Point("a", "b"))
}

func TestOverridesReplaceOneDrawOnly(t *testing.T) {
	plain := draws(New(7, Options{}), "p", "x", 5)
	w := New(7, Options{Tape: Tape{{"p", "x", 2}: 99, {"p", "y", 1}: 5, {"q", "x", 0}: 1, {"q", "x", 1}: 0, {"r", "x", 0}: 3}})
	got := draws(w, "p", "x", 5)
	require.Equal(t, []uint64{plain[0], plain[1], 99, plain[3], plain[4]}, got)

	y := w.Point("p", "y")
	y.Intn(3)
	require.Equal(t, 2, y.Intn(3), "5 modulo 3")
	q := w.Point("q", "x")
	require.True(t, q.Chance(1, 1_000_000_000))
	require.False(t, q.Chance(999_999_999, 1_000_000_000))
	require.Equal(t, 13*time.Microsecond, w.Point("r", "x").Between(13*time.Microsecond-3, time.Hour))
}

// keep copies what is recorded.
type keep struct{ records []Record }

func (k *keep) Record(r *Record) { k.records = append(k.records, *r) }

// The outcomes that were recorded, put on a tape, give the same outcomes under
// another seed.
func TestRecordedOutcomesPlayBack(t *testing.T) {
	play := func(seed uint64, o Options) (out []int64) {
		w := New(seed, o)
		p, q := w.Point("p", "x"), w.Point("q", "y")
		for i := range 50 {
			out = append(out, int64(p.Intn(i+1)), int64(q.Between(-5, time.Duration(i))), int64(b2u(p.Chance(i, 50))))
		}
		return append(out, int64(p.Uint64()))
	}
	var k keep
	want := play(1, Options{Recorder: &k})
	names := New(1, Options{Recorder: &k})
	names.Point("p", "x")
	names.Point("q", "y")
	tape := Tape{}
	for _, r := range k.records {
		require.Equal(t, DrawKind, r.Kind)
		tape[Draw{names.Text(r.Peer), names.Text(r.Actor), r.A}] = r.B
	}
	require.NotEqual(t, want, play(2, Options{}))
	require.Equal(t, want, play(2, Options{Tape: tape}))
}

func TestDrawsKeepTheirRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := New(rapid.Uint64().Draw(t, "seed"), Options{}).Point("p", "")
		n := rapid.IntRange(1, 1<<62).Draw(t, "n")
		lo := time.Duration(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "lo"))
		hi := time.Duration(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "hi"))
		if v := p.Intn(n); v < 0 || v >= n {
			t.Fatalf("%d not in [0, %d)", v, n)
		}
		if v := p.Between(lo, hi); v < lo || v > max(lo, hi) {
			t.Fatalf("%d not in [%d, %d]", v, lo, hi)
		}
		if p.Chance(0, n) || !p.Chance(n, n) {
			t.Fatal("what can't happen happened, or what must did not")
		}
	})
	p := New(1, Options{}).Point("p", "")
	require.Panics(t, func() { p.Intn(0) })
	require.Panics(t, func() { p.Chance(1, 0) })
}

func TestDrawsAreEven(t *testing.T) {
	p := New(3, Options{}).Point("p", "")
	var count [8]int
	hits := 0
	for range 80_000 {
		count[p.Intn(8)]++
		hits += int(b2u(p.Chance(1, 4)))
	}
	for _, c := range count {
		require.InDelta(t, 10_000, c, 500)
	}
	require.InDelta(t, 20_000, hits, 700)
	require.NotPanics(t, func() { rand.New(p).Perm(10) })
}

// A plain world makes each choice the first there is, whatever its seed, but for what is
// on its tape; sources of numbers are drawn as ever.
func TestPlainWorld(t *testing.T) {
	w := New(7, Options{Plain: true, Tape: Tape{{"p", "x", 4}: 9}})
	p := w.Point("p", "x")
	for range 4 {
		require.Zero(t, p.Intn(100))
	}
	require.Equal(t, 9, p.Intn(100))
	require.Equal(t, 5*time.Second, p.Between(5*time.Second, 9*time.Second))
	require.False(t, p.Chance(99, 100))
	require.Equal(t, New(7, Options{}).Point("q", "").Uint64(), w.Point("q", "").Uint64())
}
