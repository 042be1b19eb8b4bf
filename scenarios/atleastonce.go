package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/model"
)

// licences are what restored at-least-once checkpoints allow to be counted again. A
// checkpoint that is restored twice licenses once: the first attempt after it left
// nothing behind.
type licences struct {
	// inherited says that the run starts from state that may hold records twice by
	// what earlier runs had restored: how many, nobody here knows.
	inherited bool
	seen      map[uint64]bool
	repeated  []model.Repetition
}

// inherit takes note of the checkpoint that a run starts from.
func (l *licences) inherit(m *snapshot.Metadata) {
	l.inherited = m != nil && (m.AtLeastOnce || m.Repeats)
}

// any reports whether anything may be counted twice.
func (l *licences) any() bool { return l.inherited || len(l.seen) > 0 }

// restored takes note of a restored checkpoint.
func (l *licences) restored(cs *cuts, m *snapshot.Metadata) {
	if l.seen[m.Checkpoint] || !m.AtLeastOnce {
		return
	}
	if l.seen == nil {
		l.seen = map[uint64]bool{}
	}
	l.seen[m.Checkpoint] = true
	l.repeated = append(l.repeated, model.Repeated(cs.cut(m))...)
}

// records is how many records may be counted twice.
func (l *licences) records() int64 {
	n := uint64(0)
	for _, r := range l.repeated {
		n += r.Records
	}
	return int64(n)
}

// countedTwice checks running counts, "key<TAB>count" lines each of which was
// committed once, in at-least-once mode. State and sink of a key move together, so
// that a key's lines are 1, 2, and so on without gap or repetition; they go on beyond
// the reference by the records that the restored checkpoints counted twice, over all
// keys by exactly the licensed number, or more where earlier runs are not known. The second result is that number as found.
func countedTwice(want, got []string, l *licences) (wrong []string, extra int64) {
	reference, _, bad := counts(want)
	committed, keys, more := counts(got)
	wrong = append(bad, more...)
	for _, key := range keys {
		if n := committed[key] - reference[key]; n > 0 {
			extra += n
		}
	}
	for key, n := range reference { // unordered: sorted below
		if committed[key] < n {
			wrong = append(wrong, fmt.Sprintf("%q was counted %d times, the model says %d: at least once loses nothing", key, committed[key], n))
		}
	}
	slices.Sort(wrong)
	if len(wrong) == 0 && extra != l.records() && !(l.inherited && extra > l.records()) {
		wrong = append(wrong, fmt.Sprintf("%d records were counted twice, but the restored checkpoints license exactly %d", extra, l.records()))
		wrong = append(wrong, l.names()...)
	}
	return wrong, extra
}

// names are the runs of records that may be counted twice, in words.
func (l *licences) names() []string {
	var all []string
	for _, r := range l.repeated {
		all = append(all, r.String())
	}
	return all
}

// counts is the last count of each key, the keys in order, and what is wrong with the
// run of a key's counts.
func counts(lines []string) (last map[string]int64, keys []string, wrong []string) {
	runs := map[string][]int64{}
	for _, line := range lines {
		key, count, _ := strings.Cut(line, "\t")
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("line %q is not key<TAB>count", line))
			continue
		}
		if runs[key] == nil {
			keys = append(keys, key)
		}
		runs[key] = append(runs[key], n)
	}
	slices.Sort(keys)
	last = map[string]int64{}
	for _, key := range keys {
		run := runs[key]
		slices.Sort(run)
		for i, n := range run {
			if n != int64(i)+1 {
				wrong = append(wrong, fmt.Sprintf("the counts of %q are not 1 to %d, each once: in place of %d there is %d", key, len(run), i+1, n))
				break
			}
		}
		last[key] = int64(len(run))
	}
	slices.Sort(wrong)
	return last, keys, wrong
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
