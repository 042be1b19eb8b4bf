package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/model"
)

// counting is a running count by key of which every step is a line, in at-least-once
// mode. Two things may repeat. A record that is counted again makes one more number of
// its key: where a source decides what was sent, its key is known, else only which
// subtask counts it. And a line that is taken again by who commits it is there twice:
// the numbers of its key go back, by as much as had been taken, and on from there.
type counting struct {
	what string      // in messages
	node *graph.Node // counts
	// known and open are the records that must be counted again: by key, and those of
	// which only the counting subtask is known.
	known map[string]int64
	open  []int64
	// taken is, by counting subtask, how many lines must be there twice; back is how
	// often a key's numbers may go back for that.
	taken []int64
	back  []int
	// lenient says that earlier runs repeated nobody knows how much: then the above
	// are the least numbers, and order tells nothing.
	lenient bool
}

// counting is that of an operator without any repetition.
func (l *licences) counting(g *graph.Graph, what, uid string) *counting {
	n := g.Node(uid)
	return &counting{
		what: what, node: n, known: map[string]int64{}, open: make([]int64, n.Parallelism),
		taken: make([]int64, n.Parallelism), back: make([]int, n.Parallelism), lenient: l.inherited,
	}
}

// numbered is a line of a count.
type numbered struct {
	key string
	n   int64
}

// tallied is what a key's lines come to.
type tallied struct {
	last, top, lines int64
	backs            int
}

// check compares the lines of a count, in commit order, with those of the reference,
// and says how many more there are.
func (c *counting) check(want, got []numbered) (wrong []string, extra int64) {
	wrong, extra, twice := c.counted(want, got)
	for i, n := range twice {
		wrong = append(wrong, c.between(n, c.taken[i], c.taken[i], "of its lines were committed twice", i)...)
	}
	return wrong, extra
}

// counted is check but for the lines that are there twice, which it counts.
func (c *counting) counted(want, got []numbered) (wrong []string, extra int64, twice []int64) {
	if c.lenient {
		got = slices.Clone(got)
		slices.SortStableFunc(got, func(a, b numbered) int {
			if a.key == b.key {
				return int(a.n - b.n)
			}
			return strings.Compare(a.key, b.key)
		})
	}
	found, wrong := c.tally(got)
	reference, _ := (&counting{lenient: true}).tally(want)
	for key := range reference { // unordered: sorted below
		if found[key] == nil {
			found[key] = &tallied{}
		}
	}
	again := make([]int64, c.node.Parallelism)
	twice = make([]int64, c.node.Parallelism)
	for _, key := range keysOf(found) {
		t, ref := found[key], int64(0)
		if r := reference[key]; r != nil {
			ref = r.top
		}
		owner, _ := model.Owner(c.node, key)
		wrong = append(wrong, c.checkKey(key, t, ref, c.back[owner])...)
		again[owner] += t.top - ref - c.known[key]
		twice[owner] += t.lines - t.top
		extra += t.lines - ref
	}
	for i, n := range again {
		if n < 0 {
			continue // of some key too few were counted, which was said
		}
		wrong = append(wrong, c.between(n, c.open[i], c.open[i], "records of keys that no source decides were counted again", i)...)
	}
	return wrong, extra, twice
}

// between compares a number with what the licences demand.
func (c *counting) between(got, least, most int64, what string, subtask int) []string {
	if got >= least && (got <= most || c.lenient) {
		return nil
	}
	license := fmt.Sprintf("exactly %d", least)
	if most > least {
		license = fmt.Sprintf("%d to %d", least, most)
	}
	return []string{fmt.Sprintf("%s: %d %s by %s/%d, but the restored checkpoints license %s", c.what, got, what, c.node.UID, subtask, license)}
}

// tally adds the lines of each key up, and finds gaps.
func (c *counting) tally(lines []numbered) (map[string]*tallied, []string) {
	all := map[string]*tallied{}
	var wrong []string
	for _, line := range lines {
		t := all[line.key]
		if t == nil {
			t = &tallied{}
			all[line.key] = t
		}
		if line.n <= t.last {
			t.backs++
		}
		if line.n > t.last+1 || line.n < 1 {
			wrong = append(wrong, fmt.Sprintf("%s: %q has %d behind %d: what is between is lost or out of order", c.what, line.key, line.n, t.last))
		}
		t.last, t.lines = line.n, t.lines+1
		t.top = max(t.top, line.n)
	}
	return all, wrong
}

func (c *counting) checkKey(key string, t *tallied, ref int64, back int) (wrong []string) {
	say := func(format string, args ...any) {
		wrong = append(wrong, c.what+": "+fmt.Sprintf(format, args...))
	}
	switch known := c.known[key]; {
	case t.top < ref:
		say("%q was counted %d times, the model says %d: at least once loses nothing", key, t.top, ref)
	case t.top < ref+known:
		say("%q was counted %d times, the model says %d and the restored checkpoints %d more", key, t.top, ref, known)
	case c.open[0] == 0 && slices.Max(c.open) == 0 && t.top > ref+known && !c.lenient:
		say("%q was counted %d times, the model says %d and the restored checkpoints license %d more", key, t.top, ref, known)
	}
	if c.lenient {
		return wrong
	}
	if t.backs > back {
		say("the counts of %q go back %d times, licensed are %d", key, t.backs, back)
	}
	if t.last < t.top {
		say("the counts of %q go back to end with %d, having been at %d", key, t.last, t.top)
	}
	return wrong
}

func keysOf[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m { // unordered: sorted below
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// shown is how many messages of a kind a report has.
const shown = 8

// verdict is what a check of repetitions found, not too much of it, and if it is
// anything what was licensed.
func (l *licences) verdict(wrong ...[]string) []string {
	var all []string
	for _, w := range append(wrong, l.wrong) {
		all = append(all, w[:min(len(w), shown)]...)
		if len(w) > shown {
			all = append(all, fmt.Sprintf("and %d more", len(w)-shown))
		}
	}
	if len(all) > 0 {
		all = append(all, l.names()...)
	}
	return all
}

// splitCounts reads lines of the form key<TAB>number; those of which keep says no are
// left out. The key is all before the last tab.
func splitCounts(lines []string, keep func(line string) bool) (counts []numbered, wrong []string) {
	for _, line := range lines {
		if !keep(line) {
			continue
		}
		at := strings.LastIndexByte(line, '\t')
		n, err := strconv.ParseInt(line[at+1:], 10, 64)
		if at < 0 || err != nil {
			wrong = append(wrong, fmt.Sprintf("line %q is not key<TAB>count", line))
			continue
		}
		counts = append(counts, numbered{line[:at], n})
	}
	return counts, wrong
}

// wordcountRepeats: a word is counted again if the line of its record came behind a
// barrier. Who counts it commits it, so no line is there twice.
func wordcountRepeats(g *graph.Graph, want, got []string, l *licences) ([]string, int64) {
	c := l.counting(g, "count", "count")
	unknown := l.values(func(v any) { c.known[v.(Count).First]++ }, "words->count")
	all := func(string) bool { return true }
	reference, _ := splitCounts(want, all)
	lines, bad := splitCounts(got, all)
	wrong, extra := c.check(reference, lines)
	return l.verdict(bad, unknown, wrong), extra
}

// rebalanceBroadcastRepeats: a line that is dealt again repeats all its words, and
// behind the rebalance each word may be counted again. A control record comes again for
// each subtask that heard it behind a barrier, and may be counted again behind that.
func rebalanceBroadcastRepeats(g *graph.Graph, want, got []string, l *licences) ([]string, int64) {
	var all [][]string
	sum := int64(0)
	one := func(kind, uid, reads string, known func(c *counting) []string) {
		c := l.counting(g, kind, uid)
		all = append(all, known(c))
		c.open, _ = l.taken(reads+"->"+uid, c.node.Parallelism)
		c.taken, c.back = l.taken(uid+"->text", c.node.Parallelism)
		of := func(line string) bool { return strings.HasPrefix(line, kind+"\t") }
		reference, _ := splitCounts(want, of)
		lines, bad := splitCounts(got, of)
		wrong, extra := c.check(reference, lines)
		all, sum = append(all, bad, wrong), sum+extra
	}
	one("word", "count", "words", func(c *counting) []string {
		return l.values(func(v any) {
			for w := range words(v.(string)) {
				c.known["word\t"+w]++
			}
		}, "lines->words")
	})
	one("length", "each", "heard", func(c *counting) []string {
		return l.values(func(v any) { c.known[v.(Count).First]++ }, "lengths->heard")
	})
	var strange []string
	for _, line := range got {
		if !strings.HasPrefix(line, "word\t") && !strings.HasPrefix(line, "length\t") {
			strange = append(strange, fmt.Sprintf("line %q is of no word and no length", line))
		}
	}
	return l.verdict(append(all, strange)...), sum
}

// countedAhead is by how much a count is ahead of another.
func countedAhead(value, of []byte) (int64, error) {
	a, _, err := countCodec.Decode(value)
	if err != nil || of == nil {
		return int64(a.Second), err
	}
	b, _, err := countCodec.Decode(of)
	return int64(a.Second) - int64(b.Second), err
}
