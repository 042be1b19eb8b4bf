package scenarios

import (
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
)

// lineage knows which checkpoints build on which. A restore begins a branch, an attempt;
// one that goes back behind a lost checkpoint leaves a branch behind, with what was
// committed on it.
type lineage struct {
	branches []branch
	on       map[uint64]int // the branch of a checkpoint, by the last that had the id
	lost     []span
}

// branch is what an attempt does on top of a checkpoint, of the branch under, -1 for
// what was there before the run.
type branch struct {
	attempt stream.Attempt
	base    uint64
	under   int
}

// span is the checkpoints above from, up to to, that were given up for the older from;
// the last of them is of a branch.
type span struct {
	from, to uint64
	branch   int
}

// triggered takes note of a checkpoint under way.
func (l *lineage) triggered(id uint64) {
	if l.on == nil {
		l.on = map[uint64]int{}
	}
	l.on[id] = len(l.branches) - 1
}

// of is the branch of a checkpoint.
func (l *lineage) of(id uint64) int {
	if b, ok := l.on[id]; ok {
		return b
	}
	return -1
}

// restore begins a branch on a checkpoint, given the newest that had completed.
func (l *lineage) restore(a stream.Attempt, id, newest uint64) {
	if s := (span{id, newest, l.of(newest)}); id < newest && !slices.Contains(l.lost, s) {
		l.lost = append(l.lost, s)
	}
	l.branches = append(l.branches, branch{a, id, l.of(id)})
}

// reaches reports whether state at a checkpoint of a branch has all in it that a
// committed file holds.
func (l *lineage) reaches(tip int, id uint64, p file.Part) bool {
	for ; tip >= 0; tip, id = l.branches[tip].under, l.branches[tip].base {
		if l.branches[tip].attempt == p.Attempt {
			return p.Checkpoint <= id
		}
	}
	return p.Checkpoint <= id && !slices.ContainsFunc(l.branches, func(b branch) bool { return b.attempt == p.Attempt })
}

// split parts the committed output into what the job's state at the end has in it and
// what was committed for checkpoints that were lost since, and says what is wrong with
// the latter: on top of what the state had in it then, they are running counts too.
func (l *lineage) split(parts []file.Part) (lines, again, wrong []string) {
	last := len(l.branches) - 1
	var given []file.Part
	for _, p := range parts {
		if l.reaches(last, math.MaxUint64, p) {
			lines = append(lines, p.Lines...)
		} else {
			given = append(given, p)
			again = append(again, p.Lines...)
		}
	}
	for _, s := range l.lost {
		var path []string
		for _, p := range parts {
			if l.reaches(s.branch, s.to, p) {
				path = append(path, p.Lines...)
			}
		}
		for _, b := range runningCounts(path) {
			wrong = append(wrong, fmt.Sprintf("up to checkpoint %d, which was lost: %s", s.to, b))
		}
		given = slices.DeleteFunc(given, func(p file.Part) bool { return l.reaches(s.branch, s.to, p) })
	}
	for _, p := range given {
		wrong = append(wrong, fmt.Sprintf("%s is committed, but its checkpoint was neither restored nor lost", p.Name))
	}
	return lines, again, wrong
}

// names says what was committed again, in words.
func (l *lineage) names() (all []string) {
	for _, s := range l.lost {
		all = append(all, fmt.Sprintf("what checkpoints %d to %d had committed: they were lost, and checkpoint %d was restored", s.from+1, s.to, s.from))
	}
	return all
}

// tokens follows what sinks have made ready to commit, in order, as long as the job may
// still commit it, and what they said that they have committed.
type tokens struct {
	epoch, number uint32 // of the current attempt
	ready         []token
	committed     []string
}

// token names the committed file of a sink's task.
type token struct {
	task, name string
	checkpoint uint64
}

func (t *tokens) on(e *host.Event) {
	switch {
	case e.Kind == host.SinkCommitted:
		t.committed = append(t.committed, e.Text)
	case e.Epoch == t.epoch && e.Number == t.number: // not of a zombie
		t.ready = append(t.ready, token{e.Subject, e.Text, e.Checkpoint})
	}
}

// restore begins an attempt: what the restored checkpoint does not own is not ready.
func (t *tokens) restore(e *host.Event) {
	t.epoch, t.number = e.Epoch, e.Number
	t.ready = slices.DeleteFunc(t.ready, func(k token) bool { return k.checkpoint > e.Checkpoint })
}

// prefix says what is wrong with the committed files of a job that failed when a
// checkpoint was the newest: each task's are the first of those that it made ready for
// this checkpoint or an older one, and none is missing that was said to be committed.
// What is from before the run, up to a checkpoint, is passed over.
func (t *tokens) prefix(parts []file.Part, newest, before uint64) (wrong []string) {
	there := map[string]bool{}
	for _, p := range parts {
		there[p.Name] = true
		if p.Checkpoint <= before {
			continue
		}
		owned := slices.ContainsFunc(t.ready, func(k token) bool { return k.name == p.Name })
		if !owned || p.Checkpoint > newest {
			wrong = append(wrong, fmt.Sprintf("%s is committed, but no checkpoint up to %d owns it", p.Name, newest))
		}
	}
	missing := map[string]string{} // by task
	for _, k := range t.ready {
		switch {
		case !there[k.name] && missing[k.task] == "":
			missing[k.task] = k.name
		case there[k.name] && missing[k.task] != "":
			wrong = append(wrong, fmt.Sprintf("%s is committed, but %s before it is not", k.name, missing[k.task]))
		}
	}
	for _, name := range t.committed {
		if !there[path.Base(name)] {
			wrong = append(wrong, fmt.Sprintf("%s was committed, but is not there", name))
		}
	}
	return wrong
}

// all reports whether all that is owned by a checkpoint or an older one is committed.
func (t *tokens) all(parts []file.Part, newest uint64) bool {
	return !slices.ContainsFunc(t.ready, func(k token) bool {
		return k.checkpoint <= newest && !slices.ContainsFunc(parts, func(p file.Part) bool { return p.Name == k.name })
	})
}

// runningCounts says what is wrong with the counts of some lines: those of a key must be
// 1, 2, and so on, each once.
func runningCounts(lines []string) (wrong []string) {
	runs := map[string][]int64{}
	for _, line := range lines {
		key, count, _ := strings.Cut(line, "\t")
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("line %q is not key<TAB>count", line))
			continue
		}
		runs[key] = append(runs[key], n)
	}
	for _, key := range slices.Sorted(maps.Keys(runs)) {
		run := runs[key]
		slices.Sort(run)
		for i, n := range run {
			if n != int64(i)+1 {
				wrong = append(wrong, fmt.Sprintf("the counts of %q are not 1 to %d, each once: in place of %d there is %d", key, len(run), i+1, n))
				break
			}
		}
	}
	return wrong
}
