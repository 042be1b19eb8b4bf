package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hold is a world in which every event schedules one more.
func hold(pending int) *World {
	w := New(1, Options{})
	var k Kind
	x := uint64(1)
	k = w.Handle("k", 'k', func(e *Event) {
		x = x*6364136223846793005 + 1442695040888963407
		w.Schedule(time.Duration(x>>44), Event{Kind: k, Target: e.Target, A: e.A + 1})
	})
	for i := range pending {
		w.Schedule(time.Duration(i), Event{Kind: k, Target: uint32(i)})
	}
	for range 4 * pending {
		w.Next(forever)
	}
	return w
}

func BenchmarkEvent(b *testing.B) {
	for _, pending := range []int{10, 1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(pending), func(b *testing.B) {
			w := hold(pending)
			b.ReportAllocs()
			for b.Loop() {
				w.Next(forever)
			}
		})
	}
}

func BenchmarkDraw(b *testing.B) {
	p := New(1, Options{}).Point("p", "")
	b.ReportAllocs()
	for b.Loop() {
		p.Intn(100)
	}
}

func BenchmarkNote(b *testing.B) {
	w := New(1, Options{})
	k := w.NoteKind("n", 'n')
	b.ReportAllocs()
	for b.Loop() {
		w.Note(&Note{Kind: k, A: 1})
	}
}

func BenchmarkFreshWorld(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		New(1, Options{}).Point("p", "x").Uint64()
	}
}

type discard struct{}

func (discard) Record(*Record) {}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	w := hold(1000)
	w.recorder = discard{}
	k := w.NoteKind("n", 'n')
	p := w.Point("p", "x")
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		w.Next(forever)
		w.Note(&Note{Kind: k, A: uint64(p.Intn(9))})
		w.Mix(1, 2)
	}))
}
