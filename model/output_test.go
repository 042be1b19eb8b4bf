package model

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func firstWord(line string) string {
	w, _, _ := strings.Cut(line, " ")
	return w
}

func TestMultisetDeviations(t *testing.T) {
	want := []string{"a 1", "b 1", "a 2", "a 2", "c 1"}
	for _, c := range []struct {
		name  string
		got   []string
		texts []string
	}{
		{"same", want, nil},
		{"moved", []string{"c 1", "a 2", "b 1", "a 2", "a 1"}, nil},
		{"missing", []string{"a 1", "b 1", "a 2", "a 2"}, []string{`"c 1" was never committed, the model says once`}},
		{"missing one of two", []string{"a 1", "b 1", "a 2", "c 1"}, []string{`"a 2" was committed once, the model says twice`}},
		{"duplicated", append(want[:5:5], "b 1", "a 2", "b 1"), []string{
			`"b 1" was committed 3 times, the model says once`, `"a 2" was committed 3 times, the model says twice`}},
		{"unexpected", append(want[:5:5], "z", "z"), []string{`"z" was committed twice, the model says never`}},
		{"all", []string{"a 1", "a 1", "a 2", "a 2", "z", "c 1"}, []string{
			`"b 1" was never committed, the model says once`, `"a 1" was committed twice, the model says once`, `"z" was committed once, the model says never`}},
		{"nothing", nil, []string{
			`"a 1" was never committed, the model says once`, `"b 1" was never committed, the model says once`,
			`"a 2" was never committed, the model says twice`, `"c 1" was never committed, the model says once`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := CheckMultiset(want, c.got)
			require.Equal(t, c.texts == nil, d == nil)
			require.Equal(t, c.texts, d.Messages(nil))
		})
	}
	require.Nil(t, CheckMultiset(nil, nil))
}

func TestMessagesInTheScenariosWords(t *testing.T) {
	d := CheckMultiset([]string{"light 17"}, []string{"light 17", "light 17"})
	require.True(t, d.Has(Duplicated))
	require.False(t, d.Has(Missing))
	require.Equal(t, []string{`word "light": the count 17 was committed twice, the model says once`}, d.Messages(func(e Example) string {
		w, n, _ := strings.Cut(e.Line, " ")
		return fmt.Sprintf("word %q: the count %s was committed %s, the model says %s", w, n, times(e.Got), times(e.Want))
	}))
	var none *Diff
	require.False(t, none.Has(Missing))
}

func TestExamplesAreFew(t *testing.T) {
	var want, got []string
	var wantKeyed, gotKeyed []KeyedLine
	for i := range 8 {
		want = append(want, fmt.Sprint("m", i), fmt.Sprint("m", i), fmt.Sprint("d", i))
		got = append(got, fmt.Sprint("d", i), fmt.Sprint("d", i), fmt.Sprint("u", i))
		k := fmt.Sprint("k", i)
		wantKeyed = append(wantKeyed, KeyedLine{k, "1"}, KeyedLine{k, "2"})
		gotKeyed = append(gotKeyed, KeyedLine{k, "2"}, KeyedLine{k, "1"})
	}
	d := CheckMultiset(want, got)
	require.Equal(t, &Diff{Lines: [4]int{16, 8, 8, 0}, Distinct: [4]int{8, 8, 8, 0}, Examples: d.Examples}, d)
	texts := d.Messages(nil)
	require.Len(t, texts, 3*(MaxExamples+1))
	require.Equal(t, "3 more different lines are missing, 16 copies in all", texts[5])
	require.Equal(t, "3 more different lines are duplicated, 8 copies in all", texts[11])
	require.Equal(t, `"u0" was committed once, the model says never`, texts[12])

	texts = CheckPerKeyOrder(wantKeyed, gotKeyed).Messages(nil)
	require.Len(t, texts, MaxExamples+1)
	require.Equal(t, `key "k0": line 1 is "2", the model has "1" there`, texts[0])
	require.Equal(t, "3 more keys are out of order, 8 in all", texts[5])
}

func TestPerKeyOrderDeviations(t *testing.T) {
	want := []string{"a 1", "b 1", "a 2", "b 2", "a 3"}
	for _, c := range []struct {
		name  string
		got   []string
		texts []string
	}{
		{"same", want, nil},
		{"keys mixed otherwise", []string{"b 1", "b 2", "a 1", "a 2", "a 3"}, nil},
		{"out of order", []string{"a 1", "a 3", "b 1", "a 2", "b 2"}, []string{`key "a": line 2 is "a 3", the model has "a 2" there`}},
		{"missing", []string{"a 1", "b 1", "a 3", "b 2"}, []string{`key "a": "a 2" was never committed, the model says once`}},
		{"duplicated", []string{"a 1", "b 1", "a 2", "a 2", "a 3", "b 2"}, []string{`key "a": "a 2" was committed twice, the model says once`}},
		{"strange line, strange key", []string{"a 1", "b 1", "z 1", "a 2", "a 3", "b 2", "b 3"}, []string{
			`key "b": "b 3" was committed once, the model says never`, `key "z": "z 1" was committed once, the model says never`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := CheckPerKeyOrder(Keyed(want, firstWord), Keyed(c.got, firstWord))
			require.Equal(t, c.texts == nil, d == nil)
			require.Equal(t, c.texts, d.Messages(nil))
		})
	}
	// The same lines under other keys are other lines.
	require.NotNil(t, CheckPerKeyOrder(Keyed(want, firstWord), Keyed(want, func(line string) string { return line })))
}

func drawLines(t *rapid.T, label string) []string {
	return rapid.SliceOfN(rapid.StringMatching(`[abc] [12]`), 0, 12).Draw(t, label)
}

// The multiset is that of sorting.
func TestMultisetIsThatOfSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawLines(t, "want")
		got := rapid.OneOf(rapid.Permutation(want), rapid.SliceOfN(rapid.StringMatching(`[abc] [12]`), 0, 12)).Draw(t, "got")
		a, b := slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))
		d := CheckMultiset(want, got)
		require.Equal(t, slices.Equal(a, b), d == nil)
		if d != nil {
			require.Equal(t, len(got)-len(want), d.Lines[Duplicated]+d.Lines[Unexpected]-d.Lines[Missing])
		}
	})
}

// The order is that of filtering by each key.
func TestPerKeyOrderIsThatOfFiltering(t *testing.T) {
	of := func(lines []string, key string) (out []string) {
		for _, l := range lines {
			if firstWord(l) == key {
				out = append(out, l)
			}
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		want := drawLines(t, "want")
		got := rapid.Permutation(want).Draw(t, "got")
		same := true
		for _, key := range []string{"a", "b", "c"} {
			same = same && slices.Equal(of(want, key), of(got, key))
		}
		d := CheckPerKeyOrder(Keyed(want, firstWord), Keyed(got, firstWord))
		require.Equal(t, same, d == nil)
		require.Equal(t, !same, d.Has(OutOfOrder))
		require.False(t, d.Has(Missing) || d.Has(Duplicated) || d.Has(Unexpected))
	})
}

func manyLines() []string {
	var lines []string
	for i := range 100_000 {
		lines = append(lines, fmt.Sprintf("word%d %d", i%5000, i/5000))
	}
	return lines
}

func BenchmarkMultiset100k(b *testing.B) {
	lines := manyLines()
	for b.Loop() {
		if CheckMultiset(lines, lines) != nil {
			b.Fatal("differs")
		}
	}
}

func BenchmarkPerKeyOrder100k(b *testing.B) {
	lines := Keyed(manyLines(), firstWord)
	for b.Loop() {
		if CheckPerKeyOrder(lines, lines) != nil {
			b.Fatal("differs")
		}
	}
}
