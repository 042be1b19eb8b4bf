package model

import (
	"fmt"
	"slices"
)

// Deviation is a way in which output differs from the reference (M1).
type Deviation uint8

// The deviations. A line that the reference has, but not often enough or too
// often, is missing or duplicated; one that it doesn't have at all is unexpected.
const (
	Missing Deviation = iota
	Duplicated
	Unexpected
	OutOfOrder
)

var deviationNames = [...]string{"missing", "duplicated", "unexpected", "out of order"}

func (d Deviation) String() string { return deviationNames[d] }

// MaxExamples is how many examples a [Diff] has of each deviation.
const MaxExamples = 5

// Example is one line that deviates.
type Example struct {
	Deviation Deviation
	Key       string // if lines were compared by key
	Line      string
	// Want and Got are how often the line is in the reference and in the output.
	Want, Got int
	// Instead is, out of order, the line that the reference has in this place, and
	// At the place: the number of the key's lines before it.
	Instead string
	At      int
}

func (e Example) String() string {
	key := ""
	if e.Key != "" {
		key = fmt.Sprintf("key %q: ", e.Key)
	}
	switch {
	case e.Deviation == OutOfOrder:
		return fmt.Sprintf("%sline %d is %q, the model has %q there", key, e.At+1, e.Line, e.Instead)
	case e.Got == 0:
		return fmt.Sprintf("%s%q was never committed, the model says %s", key, e.Line, times(e.Want))
	}
	return fmt.Sprintf("%s%q was committed %s, the model says %s", key, e.Line, times(e.Got), times(e.Want))
}

func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

// Diff is how output differs from the reference.
type Diff struct {
	// Lines counts by deviation: copies that are missing, copies too many (of
	// duplicated and of unexpected lines), keys out of order.
	Lines [len(deviationNames)]int
	// Distinct counts the different lines (or keys) among them.
	Distinct [len(deviationNames)]int
	// Examples are the first of each deviation, at most [MaxExamples].
	Examples []Example
}

// Has reports whether there is such a deviation.
func (d *Diff) Has(dev Deviation) bool { return d != nil && d.Lines[dev] > 0 }

// Messages says what differs: the examples in the words of describe, or of
// Example.String if it is nil, and how many more there are.
func (d *Diff) Messages(describe func(e Example) string) []string {
	if d == nil {
		return nil
	}
	if describe == nil {
		describe = Example.String
	}
	var out []string
	for dev, n := range d.Distinct {
		shown := 0
		for _, e := range d.Examples {
			if e.Deviation == Deviation(dev) {
				out = append(out, describe(e))
				shown++
			}
		}
		if n > shown {
			out = append(out, d.more(Deviation(dev), n-shown))
		}
	}
	return out
}

func (d *Diff) more(dev Deviation, left int) string {
	if dev == OutOfOrder {
		return fmt.Sprintf("%d more keys are out of order, %d in all", left, d.Lines[dev])
	}
	return fmt.Sprintf("%d more different lines are %s, %d copies in all", left, dev, d.Lines[dev])
}

func (d *Diff) add(e Example) {
	n := 1
	switch e.Deviation {
	case Missing:
		n = e.Want - e.Got
	case Duplicated, Unexpected:
		n = e.Got - e.Want
	}
	d.Lines[e.Deviation] += n
	d.Distinct[e.Deviation]++
	if d.Distinct[e.Deviation] <= MaxExamples {
		d.Examples = append(d.Examples, e)
	}
}

// orNil is what the checks return.
func (d *Diff) orNil() *Diff {
	if len(d.Examples) == 0 {
		return nil
	}
	return d
}

// CheckMultiset compares output with the reference regardless of order. It
// returns nil if they agree. Examples come in the order of the reference, then in
// that of the output. The cost is linear.
func CheckMultiset(want, got []string) *Diff {
	d := &Diff{}
	d.multiset("", want, got)
	return d.orNil()
}

// multiset reports whether the lines of one key are the same regardless of order.
func (d *Diff) multiset(key string, want, got []string) bool {
	type tally struct {
		line      string
		want, got int
	}
	tallies := make([]tally, 0, len(want))
	index := make(map[string]int32, len(want))
	of := func(line string) *tally {
		i, ok := index[line]
		if !ok {
			i = int32(len(tallies))
			index[line] = i
			tallies = append(tallies, tally{line: line})
		}
		return &tallies[i]
	}
	for _, line := range want {
		of(line).want++
	}
	for _, line := range got {
		of(line).got++
	}
	same := true
	for _, t := range tallies {
		e := Example{Key: key, Line: t.line, Want: t.want, Got: t.got}
		switch {
		case t.got == t.want:
			continue
		case t.want == 0:
			e.Deviation = Unexpected
		case t.got > t.want:
			e.Deviation = Duplicated
		}
		same = false
		d.add(e)
	}
	return same
}

// KeyedLine is a line of output with the key it belongs to.
type KeyedLine struct{ Key, Line string }

// Keyed gives lines their keys.
func Keyed(lines []string, key func(line string) string) []KeyedLine {
	out := make([]KeyedLine, len(lines))
	for i, line := range lines {
		out[i] = KeyedLine{key(line), line}
	}
	return out
}

// CheckPerKeyOrder compares output with the reference key by key: the lines of a
// key must be the same in the same order, the keys may be mixed in any way. Got is
// in committed order: by checkpoint, within one by subtask. It returns nil if they
// agree. A key with missing, duplicated or unexpected lines is not said to be out
// of order as well. The cost is linear.
func CheckPerKeyOrder(want, got []KeyedLine) *Diff {
	index := make(map[string]int32)
	var keys []string
	number := func(lines []KeyedLine) []int32 {
		of := make([]int32, len(lines))
		for i := range lines {
			k, ok := index[lines[i].Key]
			if !ok {
				k = int32(len(keys))
				index[lines[i].Key] = k
				keys = append(keys, lines[i].Key)
			}
			of[i] = k
		}
		return of
	}
	wantKeys, gotKeys := number(want), number(got)
	wants, gots := grouped(want, wantKeys, len(keys)), grouped(got, gotKeys, len(keys))
	d := &Diff{}
	for k, key := range keys {
		w, g := wants[k], gots[k]
		if slices.Equal(w, g) || !d.multiset(key, w, g) {
			continue
		}
		at := 0
		for w[at] == g[at] {
			at++
		}
		d.add(Example{Deviation: OutOfOrder, Key: key, Line: g[at], Instead: w[at], At: at})
	}
	return d.orNil()
}

// grouped is the lines of each key, in order: a counting sort.
func grouped(lines []KeyedLine, of []int32, keys int) [][]string {
	counts := make([]int, keys)
	for _, k := range of {
		counts[k]++
	}
	all, groups := make([]string, len(lines)), make([][]string, keys)
	for k, n := range counts {
		groups[k], all = all[:0:n], all[n:]
	}
	for i, k := range of {
		groups[k] = append(groups[k], lines[i].Line)
	}
	return groups
}
