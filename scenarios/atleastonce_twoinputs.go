package scenarios

import (
	"fmt"
	"slices"

	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/model"
)

// twoInputsRepeats: a word is counted again, over the union and by the operator with two
// inputs, if its record came behind a barrier on the way there; which did, the sources
// tell. The sink has two inputs itself, and takes lines again.
func twoInputsRepeats(g *graph.Graph, want, got []string, l *licences) ([]string, int64) {
	union := l.counting(g, "union", "count")
	unknown := l.values(func(v any) { union.known[v.(sighting).First.First]++ }, "left words->count", "right words->count")
	union.taken, union.back = l.taken("text->sink", union.node.Parallelism)
	reference, rows, _ := twoInputsLines(want)
	lines, both, bad := twoInputsLines(got)
	wrong, extra := union.check(reference, lines)

	b := &bothAgain{counting: l.counting(g, "both", "both"), words: map[string]*bothWord{}}
	b.taken, b.back = l.taken("both->sink", b.node.Parallelism)
	unknown = append(unknown, b.expect(rows, l)...)
	more, twice := b.check(both)
	return l.verdict(bad, unknown, wrong, more), extra + twice
}

// twoInputsLines reads committed lines: those of the union, and the rows of the operator
// with two inputs.
func twoInputsLines(lines []string) (union []numbered, both []bothRow, wrong []string) {
	for _, line := range lines {
		r, err := readTwoInputs(line)
		switch {
		case err != nil:
			wrong = append(wrong, err.Error())
		case r.kind == unionRow:
			union = append(union, numbered{r.word, r.n[0]})
		default:
			both = append(both, r)
		}
	}
	return union, both, wrong
}

// bothAgain is what the operator with two inputs must have made. Its rows are a walk:
// each is a step of one side from the row with the sum before, also where the sink has
// gone back to that one. At the end of the input each word has a row more, and another
// if one of its records came again after that.
type bothAgain struct {
	*counting
	words map[string]*bothWord
	// least and most are, by subtask, how many words have such another row.
	least, most []int64
}

// bothWord is one word: what is expected, and what was found.
type bothWord struct {
	ends   [][2]int64 // with which the input may have ended, the last one for good
	ids    map[uint64]int
	sums   []numbered // of the reference
	path   []bothRow  // rows that still count
	atEnd  [2]int64
	ending int64
}

// end is with what the input ends for good.
func (w *bothWord) end() [2]int64 { return w.ends[len(w.ends)-1] }

// expect learns the reference's rows and then the licences.
func (b *bothAgain) expect(want []bothRow, l *licences) []string {
	for _, r := range want {
		w := b.words[r.word]
		if w == nil {
			w = &bothWord{ends: make([][2]int64, 1), ids: map[uint64]int{}}
			b.words[r.word] = w
		}
		if r.kind == sumRow {
			w.ends[0][r.input()]++
			w.ids[r.id]++
			w.sums = append(w.sums, numbered{r.word, r.n[0] + r.n[1]})
		}
	}
	b.least, b.most = make([]int64, b.node.Parallelism), make([]int64, b.node.Parallelism)
	var last *snapshot.Metadata
	again := map[string]bool{} // by the last checkpoint
	l.on(func(r *licence) {
		if r.m != last {
			last = r.m
			clear(again)
		}
		for _, v := range r.values {
			s := v.(sighting)
			word := s.First.First
			w := b.words[word]
			if w == nil {
				continue // not in the input: whoever counts it says so
			}
			b.known[word]++
			w.ids[s.Second]++
			end := w.end()
			end[s.Second&1]++
			if again[word] {
				w.ends[len(w.ends)-1] = end
				continue
			}
			again[word] = true
			w.ends = append(w.ends, end)
			switch ended, maybe := ended(r.m, "both", r.To); {
			case ended:
				b.least[r.To]++
				b.most[r.To]++
			case maybe:
				b.most[r.To]++
			}
		}
	}, "left words->both", "right words->both")
	return l.values(func(any) {}, "left words->both", "right words->both")
}

// ended is whether an operator's subtask had seen the end of its input when a
// checkpoint was taken; it may have seen it if any source had ended.
func ended(m *snapshot.Metadata, uid string, subtask int) (ended, maybe bool) {
	for _, v := range m.Vertices {
		for i, t := range v.Tasks {
			ended = ended || t.Ended && v.UIDs[0] == uid && i == subtask
			maybe = maybe || t.Ended
		}
	}
	return ended, maybe
}

func (b *bothAgain) check(got []bothRow) (wrong []string, extra int64) {
	var want, sums []numbered
	for _, word := range keysOf(b.words) {
		want = append(want, b.words[word].sums...)
	}
	for _, r := range got {
		w := b.words[r.word]
		if w == nil {
			wrong = append(wrong, fmt.Sprintf("both: %q is not in the input", r.word))
			continue
		}
		if r.kind == sumRow {
			sums = append(sums, numbered{r.word, r.n[0] + r.n[1]})
		}
		if text := w.step(r); text != "" && !b.lenient {
			wrong = append(wrong, text)
		}
	}
	counted, extra, twice := b.counted(want, sums)
	wrong = append(wrong, counted...)
	for _, word := range keysOf(b.words) {
		w := b.words[word]
		wrong = append(wrong, w.over(word, b.lenient)...)
		owner, _ := model.Owner(b.node, word)
		twice[owner] += w.ending - 1
		extra += w.ending - 1
	}
	for i, n := range twice {
		wrong = append(wrong, b.between(n, b.taken[i]+b.least[i], b.taken[i]+b.most[i], "of its rows were committed twice", i)...)
	}
	return wrong, extra
}

// step takes a row and says what is wrong with it.
func (w *bothWord) step(r bothRow) string {
	if r.kind == endRow {
		w.atEnd, w.ending = r.n, w.ending+1
		if !slices.Contains(w.ends, r.n) {
			return fmt.Sprintf("both: %q ends with %d and %d; with the restores so far it may be %v", r.word, r.n[0], r.n[1], w.ends)
		}
		return ""
	}
	at := r.n[0] + r.n[1]
	if at < 1 || at > int64(len(w.path))+1 {
		return "" // the count of sums says so
	}
	before := [2]int64{}
	if at > 1 {
		before = w.path[at-2].n
	}
	w.path = append(w.path[:at-1], r)
	if before[r.input()]++; before != r.n {
		return fmt.Sprintf("both: %q has %d and %d, but from the row before a record of input %d makes %d and %d", r.word, r.n[0], r.n[1], r.input(), before[0], before[1])
	}
	return ""
}

// over says what is wrong with a word when all rows were taken.
func (w *bothWord) over(word string, lenient bool) (wrong []string) {
	if w.ending == 0 {
		return []string{fmt.Sprintf("both: %q has no row of the end of the input: at least once loses nothing", word)}
	}
	if lenient {
		return nil
	}
	if w.atEnd != w.end() {
		wrong = append(wrong, fmt.Sprintf("both: %q ends with %d and %d; with all restores it must be %d and %d", word, w.atEnd[0], w.atEnd[1], w.end()[0], w.end()[1]))
	}
	left := map[uint64]int{}
	for _, r := range w.path {
		left[r.id]++
	}
	for id, n := range w.ids { // unordered: a word's first difference is enough, and which one is the same if there is one
		if left[id] != n {
			wrong = append(wrong, fmt.Sprintf("both: %q was counted for %d of the %d records that lines with hash %d must make", word, left[id], n, id))
		}
	}
	slices.Sort(wrong)
	return wrong
}
