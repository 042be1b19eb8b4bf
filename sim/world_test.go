package sim

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const forever = time.Duration(1<<63 - 1)

// chatter is a world of actors that draw, note and wake each other.
func chatter(seed uint64, o Options) *World {
	w := New(seed, o)
	var hop Kind
	note := w.NoteKind("sent", '>')
	left := 2000
	hop = w.Handle("hop", '<', func(e *Event) {
		if left--; left < 0 {
			return
		}
		p := w.Point("delay", w.Text(Name(e.Target)))
		to := uint32(w.Name(string(rune('a' + p.Intn(5)))))
		cause := w.Note(&Note{Kind: note, Actor: Name(e.Target), Peer: Name(to), A: e.A})
		w.Schedule(p.Between(0, 3), Event{Kind: hop, Target: to, A: e.A + 1, Cause: cause})
	})
	for i := range uint64(5) {
		w.Schedule(time.Duration(i), Event{Kind: hop, Target: uint32(w.Name("a")), A: i})
	}
	return w
}

func chat(seed uint64) uint64 {
	w := chatter(seed, Options{})
	w.Run(forever)
	return w.Sum()
}

// W4: alone, after others, and beside them.
func TestSeedGivesItsHash(t *testing.T) {
	want := map[uint64]uint64{}
	for seed := range uint64(8) {
		want[seed] = chat(seed)
	}
	for seed := range uint64(8) {
		require.Equal(t, want[7-seed], chat(7-seed), "after others")
		for other := range seed {
			require.NotEqual(t, want[other], want[seed])
		}
	}
	var beside sync.WaitGroup
	got := make([]uint64, 32)
	for i := range got {
		beside.Go(func() { got[i] = chat(uint64(i % 8)) })
	}
	beside.Wait()
	for i, h := range got {
		require.Equal(t, want[uint64(i%8)], h, "beside others")
	}
}

// W3, and that watching does not change what is watched.
func TestHashCoversEventsNotesAndDraws(t *testing.T) {
	one := func(change string, o Options) uint64 {
		w := New(1, o)
		is := func(s string) uint64 { return b2u(change == s) }
		var k Kind
		k = w.Handle("k", 'k', func(e *Event) {
			if change != "no draw" {
				w.Point("p", "x").Intn(4)
			}
			if change != "no note" {
				w.Note(&Note{Kind: k, Node: Name(is("node")), Actor: Name(is("actor")), Peer: Name(is("peer")),
					A: is("note A"), B: is("note B"), Digest: is("digest"), Cause: 1 + is("note cause")})
			}
			w.Mix(is("word"))
		})
		w.Schedule(time.Duration(is("time")), Event{Kind: k, Target: uint32(is("target")), A: is("A"), B: is("B"), Cause: is("cause")})
		w.Schedule(time.Hour, Event{Kind: k, Ref: change == "ref"})
		w.Run(forever)
		return w.Sum()
	}
	digest := func(ref any) uint64 { return b2u(ref.(bool)) }
	seen := map[uint64]string{}
	for _, change := range []string{"", "time", "target", "A", "B", "cause", "ref", "no draw", "no note", "node", "actor", "peer",
		"note A", "note B", "digest", "note cause", "word"} {
		h := one(change, Options{Digest: digest})
		require.NotContains(t, seen, h, "%q looks like %q", change, seen[h])
		seen[h] = change
		require.Equal(t, h, one(change, Options{Digest: digest, Recorder: &keep{}}), "recording %q", change)
	}
	require.NotContains(t, seen, one("", Options{Digest: digest, Tape: Tape{{"p", "x", 0}: uint64(1 + New(1, Options{}).Point("p", "x").Intn(4))}}))
}

// W6, and that the last record has the hash of the run.
func TestRecords(t *testing.T) {
	var k keep
	w := chatter(5, Options{Recorder: &k})
	require.Equal(t, Idle, w.Run(forever))
	var last, event uint64
	glyphs := map[byte]int{}
	for _, r := range k.records {
		glyphs[r.Glyph]++
		if r.Kind == DrawKind {
			require.Equal(t, event, r.Number)
			require.Equal(t, "delay", w.Text(r.Peer))
			continue
		}
		require.Equal(t, last+1, r.Number)
		require.Less(t, r.Cause, r.Number)
		last = r.Number
		if r.Glyph == '<' {
			event = last
		}
	}
	require.Equal(t, map[byte]int{'<': 2005, '>': 2000, '~': int(w.Point("delay", "a").Uses() + w.Point("delay", "b").Uses() +
		w.Point("delay", "c").Uses() + w.Point("delay", "d").Uses() + w.Point("delay", "e").Uses())}, glyphs)
	require.Equal(t, w.Sum(), k.records[len(k.records)-1].Hash)
	require.Equal(t, last, w.Numbers())
	require.Equal(t, "hop", w.KindName(k.records[0].Kind))
	require.Contains(t, w.Names(), "delay")
}

type accusation struct{}

func (accusation) Error() string  { return "broke it" }
func (accusation) Oracle() string { return "contract" }

func TestRunEnds(t *testing.T) {
	w := New(1, Options{MaxEvents: 100})
	var spin, boom Kind
	spin = w.Handle("spin", 's', func(*Event) { w.Schedule(0, Event{Kind: spin}) })
	boom = w.Handle("boom", 'b', func(e *Event) { panic(e.Ref) })
	require.Equal(t, Idle, w.Run(time.Second))
	w.Schedule(2*time.Second, Event{Kind: spin})
	require.Equal(t, Limit, w.Run(time.Second))
	require.Equal(t, time.Second, w.Now())
	w.Schedule(1, Event{Kind: w.Handle("stop", 0, func(*Event) { require.Equal(t, time.Second+1, w.Now()) })})
	require.Equal(t, TooLong, w.Run(forever))
	require.Equal(t, Stopped, w.Run(forever), "ended for good")
	require.Equal(t, "too-long", w.Violations()[0].Oracle)

	w = New(1, Options{})
	boom = w.Handle("boom", 'b', func(e *Event) { panic(e.Ref) })
	w.Schedule(5, Event{Kind: boom, Ref: errors.New("oh")})
	w.Schedule(6, Event{Kind: boom, Ref: errors.New("never")})
	require.Equal(t, Stopped, w.Run(forever))
	v := w.Violations()[0]
	require.Equal(t, "panic: oh (event 1, 5ns)", v.String())
	require.Contains(t, v.Stack, "TestRunEnds")
	require.Len(t, w.Violations(), 1)

	w = New(1, Options{})
	w.Schedule(0, Event{Kind: w.Handle("boom", 'b', func(e *Event) { panic(accusation{}) })})
	w.Run(forever)
	require.Equal(t, "contract", w.Violations()[0].Oracle)
	require.Panics(t, func() { w.Schedule(-1, Event{Kind: boom}) })

	w = New(1, Options{})
	k := w.Handle("k", 'k', func(*Event) {})
	w.Schedule(5, Event{Kind: k})
	w.Run(forever)
	require.Panics(t, func() { w.Schedule(forever, Event{Kind: k}) }, "beyond the end of time")
}

// An offer counts only after a durable change.
func TestFaultsFollowDurableChanges(t *testing.T) {
	w := New(1, Options{Chooser: &Uniform{Num: 1, Den: 1}})
	crash := []FaultKey{{w.Name("crash"), w.Name("tm1")}, {w.Name("crash"), w.Name("tm2")}}
	_, ok := w.OfferFault(crash)
	require.False(t, ok)
	w.Durable()
	f, ok := w.OfferFault(crash)
	require.True(t, ok)
	require.Contains(t, crash, f)
	_, ok = w.OfferFault(crash)
	require.False(t, ok, "nothing has changed since")
	w.Durable()
	_, ok = w.OfferFault(nil)
	require.False(t, ok)
	_, ok = w.OfferFault(crash)
	require.True(t, ok, "an offer of nothing is none")
	require.EqualValues(t, 2, w.DurableVersion())

	w = New(1, Options{})
	w.Durable()
	_, ok = w.OfferFault(crash)
	require.False(t, ok)
	require.Less(t, (&Uniform{}).Choose(w, make([]Candidate, 3)), 3)
}

// atMost objects to numbers above it, and at the end.
type atMost int

func (atMost) ID() string { return "at-most" }
func (a atMost) OnEvent(_ *World, e *int) *Violation {
	if *e > int(a) {
		return &Violation{Message: "too large"}
	}
	return nil
}
func (a atMost) OnEnd(*World) *Violation { return &Violation{Oracle: "end", Message: "never content"} }

func TestPanelEndsTheRunAtTheFirstObjection(t *testing.T) {
	w := New(1, Options{})
	panel := Panel[int]{World: w, Oracles: []Oracle[int]{atMost(9), atMost(3)}}
	var k Kind
	k = w.Handle("n", 'n', func(e *Event) {
		n := int(e.A)
		panel.On(&n)
		w.Schedule(1, Event{Kind: k, A: e.A + 1})
	})
	w.Schedule(0, Event{Kind: k})
	require.Equal(t, Stopped, w.Run(forever))
	n := 100
	panel.On(&n)
	require.Equal(t, []Violation{{Oracle: "at-most", Message: "too large", Event: 5, Time: 4}}, w.Violations())
	panel.End()
	require.Len(t, w.Violations(), 3)
	require.True(t, strings.HasPrefix(w.Violations()[2].String(), "end: never content"))
}

// TestPanelGoesOn: each oracle has its say once, in the order of the events, and a
// panic still ends the run.
func TestPanelGoesOn(t *testing.T) {
	w := New(1, Options{})
	panel := Panel[int]{World: w, Oracles: []Oracle[int]{atMost(5), atMost(3), atMost(9)}, GoOn: true}
	var k Kind
	k = w.Handle("n", 'n', func(e *Event) {
		n := int(e.A)
		panel.On(&n)
		if n == 8 {
			panic("oh")
		}
		w.Schedule(1, Event{Kind: k, A: e.A + 1})
	})
	w.Schedule(0, Event{Kind: k})
	require.Equal(t, Stopped, w.Run(forever))
	panel.End()
	var got []string
	for _, v := range w.Violations() {
		got = append(got, v.String())
	}
	require.Equal(t, []string{
		"at-most: too large (event 5, 4ns)", "at-most: too large (event 7, 6ns)", "panic: oh (event 9, 8ns)",
		"end: never content (event 9, 8ns)",
	}, got)
}
