package trace

import (
	"fmt"
	"strconv"
	"strings"
)

// Difference is the first place where a run and a trace part.
type Difference struct {
	// Position counts records from 0.
	Position uint64
	// Want is what the trace has, Got what the run did; nil if one of them ended.
	Want, Got *Record
	Fields    []Field
	// WantLine and GotLine are the two as lines of the text view.
	WantLine, GotLine string
	// Err is set if the trace could not be read any further.
	Err error
}

// Field is one thing in which they differ.
type Field struct{ Name, Want, Got string }

// String is several lines: what differs, then both texts.
func (d *Difference) String() string {
	if d.Err != nil {
		return d.Err.Error()
	}
	var b strings.Builder
	switch {
	case d.Got == nil && d.Want != nil:
		fmt.Fprintf(&b, "the run ended after %d records, the trace goes on\n", d.Position)
	case d.Want == nil && d.Got != nil:
		fmt.Fprintf(&b, "the trace ends after %d records, the run goes on\n", d.Position)
	default:
		fmt.Fprintf(&b, "first difference at record %d\n", d.Position)
	}
	for _, f := range d.Fields {
		fmt.Fprintf(&b, "  %-7s  trace %s, run %s\n", f.Name, f.Want, f.Got)
	}
	if d.WantLine != "" {
		fmt.Fprintf(&b, "  trace  %s\n", d.WantLine)
	}
	if d.GotLine != "" {
		fmt.Fprintf(&b, "  run    %s\n", d.GotLine)
	}
	return b.String()
}

// Follower compares a run, record by record, with the trace it should repeat. Names
// are compared by text, not by id.
type Follower struct {
	cursor   cursor
	names    Names
	describe Describe
	same     []bool // ids that mean the same in both
	position uint64
	found    *Difference
}

// Follow begins a comparison with a run whose ids mean names.
func (t *Trace) Follow(names Names, describe Describe) *Follower {
	return &Follower{cursor: cursor{t: t}, names: names, describe: describe}
}

// Next compares the run's next record. It returns the first difference, now and
// from then on, or nil.
func (f *Follower) Next(r *Record) *Difference {
	if f.found != nil {
		return f.found
	}
	ok, err := f.cursor.next()
	want := &f.cursor.record
	switch {
	case err != nil:
		f.found = &Difference{Position: f.position, Err: err}
	case !ok:
		f.part(nil, r, nil)
	case f.equal(want, r):
		f.position++
	default:
		f.part(want, r, f.fields(want, r))
	}
	return f.found
}

// End compares the ends: the trace must have no more records and the same verdict.
func (f *Follower) End(verdict string) *Difference {
	if f.found != nil {
		return f.found
	}
	ok, err := f.cursor.next()
	switch {
	case err != nil:
		f.found = &Difference{Position: f.position, Err: err}
	case ok:
		f.part(&f.cursor.record, nil, nil)
	case verdict != f.cursor.t.Verdict:
		f.part(nil, nil, []Field{{"verdict", strconv.Quote(f.cursor.t.Verdict), strconv.Quote(verdict)}})
	}
	return f.found
}

// Matched is the number of records that agreed so far.
func (f *Follower) Matched() uint64 { return f.position }

func (f *Follower) part(want, got *Record, fields []Field) {
	d := &Difference{Position: f.position, Fields: fields}
	if want != nil {
		d.Want = new(*want)
		d.WantLine = line(*want, f.cursor.t.Name, f.describe)
	}
	if got != nil {
		d.Got = new(*got)
		d.GotLine = line(*got, f.names, f.describe)
	}
	f.found = d
}

// equal is the fast path: nothing is compared twice that can be remembered.
func (f *Follower) equal(a, b *Record) bool {
	return a.Number == b.Number && a.Cause == b.Cause && a.Time == b.Time &&
		a.A == b.A && a.B == b.B && a.C == b.C && a.Digest == b.Digest && a.Hash == b.Hash &&
		f.sameName(a.Kind, b.Kind) && f.sameName(a.Where, b.Where) &&
		f.sameName(a.Actor, b.Actor) && f.sameName(a.Peer, b.Peer)
}

func (f *Follower) sameName(want, got uint32) bool {
	if want == got && int(want) < len(f.same) && f.same[want] {
		return true
	}
	if f.cursor.t.Name(want) != f.names(got) {
		return false
	}
	if want == got {
		if int(want) >= len(f.same) {
			f.same = append(f.same, make([]bool, int(want)+1-len(f.same))...)
		}
		f.same[want] = true
	}
	return true
}

func (f *Follower) fields(a, b *Record) []Field {
	var out []Field
	add := func(name, want, got string) {
		if want != got {
			out = append(out, Field{name, want, got})
		}
	}
	number := func(name string, want, got uint64) {
		add(name, strconv.FormatUint(want, 10), strconv.FormatUint(got, 10))
	}
	text := func(name string, want, got uint32) {
		add(name, strconv.Quote(f.cursor.t.Name(want)), strconv.Quote(f.names(got)))
	}
	number("event", a.Number, b.Number)
	number("cause", a.Cause, b.Cause)
	add("time", fmt.Sprintf("%d ns", a.Time), fmt.Sprintf("%d ns", b.Time))
	text("kind", a.Kind, b.Kind)
	text("node", a.Where, b.Where)
	text("actor", a.Actor, b.Actor)
	text("peer", a.Peer, b.Peer)
	number("a", a.A, b.A)
	number("b", a.B, b.B)
	number("c", a.C, b.C)
	add("digest", fmt.Sprintf("%016x", a.Digest), fmt.Sprintf("%016x", b.Digest))
	add("hash", fmt.Sprintf("%016x", a.Hash), fmt.Sprintf("%016x", b.Hash))
	return out
}
