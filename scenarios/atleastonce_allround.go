package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/model"
)

// allroundRepeats: a line that is dealt again makes one more event of its range. Behind
// the generator an event that comes again is the same event, so that a key's numbers go
// back and on from there. Its timer comes again if it had fired, and only it: how many
// had, no checkpoint tells.
func allroundRepeats(g *graph.Graph, want, got []string, l *licences) ([]string, int64) {
	a := &allroundAgain{licences: l, mapper: g.Node("map"), checker: g.Node("check"), keys: map[uint64]*allroundKey{}}
	var events [keyRanges]uint64
	for _, e := range allroundLines(want, func(string) {}) {
		if e.kind == "event" {
			events[e.First/keysPerRange]++
		}
	}
	unknown := l.values(func(v any) { events[lineHash(v.(string))%keyRanges]++ }, "lines->generate")
	for key := range uint64(keyRanges * keysPerRange) {
		a.keys[key] = &allroundKey{top: (events[key/keysPerRange] + keysPerRange - 1 - key%keysPerRange) / keysPerRange, copies: map[uint64]int64{}}
	}
	var bad []string
	lines := allroundLines(got, func(line string) {
		bad = append(bad, fmt.Sprintf("line %q is no event or timer of a key", line))
	})
	if l.inherited { // what earlier runs repeated has no licence here, so order tells nothing
		slices.SortStableFunc(lines, func(a, b allroundLine) int { return cmp.Compare(a.Second, b.Second) })
	}
	for _, e := range lines {
		a.keys[e.First].take(e)
	}
	wrong, extra := a.check()
	return l.verdict(bad, unknown, wrong, a.total()), extra
}

// allroundLine is a committed event or timer.
type allroundLine struct {
	kind string
	event
}

// allroundLines reads committed lines; those that are none are given to strange.
func allroundLines(lines []string, strange func(line string)) (out []allroundLine) {
	for _, line := range lines {
		f := strings.Split(line, "\t")
		if len(f) == 3 && (f[0] == "event" || f[0] == "timer") {
			k, err := strconv.ParseUint(f[1], 10, 64)
			n, err2 := strconv.ParseUint(f[2], 10, 64)
			if err == nil && err2 == nil && k < keyRanges*keysPerRange && n > 0 && (f[0] == "event" || n%timerEvery == 0) {
				out = append(out, allroundLine{f[0], event{First: k, Second: n}})
				continue
			}
		}
		strange(line)
	}
	return out
}

// allroundAgain is what is expected of a run's committed lines, and what is there.
type allroundAgain struct {
	*licences
	mapper, checker *graph.Node
	keys            map[uint64]*allroundKey
}

// allroundKey is one key.
type allroundKey struct {
	top    uint64 // its last event
	events followed
	timers followed // by timerEvery
	copies map[uint64]int64
}

// followed is the numbers of a key's lines of one kind, in commit order.
type followed struct {
	last, top, lines uint64
	backs            int
	gap              [2]uint64 // the first one: from and to, from 1 on
}

func (f *followed) take(n uint64) {
	if n <= f.last {
		f.backs++
	}
	if n > f.last+1 && f.gap[1] == 0 {
		f.gap = [2]uint64{f.last, n}
	}
	f.last, f.top, f.lines = n, max(f.top, n), f.lines+1
}

// take takes note of a line.
func (k *allroundKey) take(e allroundLine) {
	if e.kind == "event" {
		k.events.take(e.Second)
		k.copies[e.Second]++
		return
	}
	k.timers.take(e.Second / timerEvery)
}

// check checks each key, and counts what is there more often than once.
func (a *allroundAgain) check() (wrong []string, extra int64) {
	back := map[[2]int]int{} // by subtasks of mapper and checker: checkpoints
	_, mapped := a.taken("time->map", a.mapper.Parallelism)
	seen := map[[3]uint64]bool{}
	a.on(func(r *licence) {
		if k := [3]uint64{r.Checkpoint, uint64(r.From), uint64(r.To)}; !seen[k] {
			seen[k] = true
			back[[2]int{r.From, r.To}]++
		}
	}, "map->check")
	for key := range uint64(keyRanges * keysPerRange) {
		k := a.keys[key]
		m, c := a.owners(key)
		wrong = append(wrong, k.check(key, mapped[m]+back[[2]int{m, c}], a.inherited)...)
		extra += int64(k.events.lines+k.timers.lines) - int64(k.top+k.top/timerEvery)
	}
	return wrong, extra
}

// owners are the subtasks of the mapper and the checker that have a key.
func (a *allroundAgain) owners(key uint64) (mapper, checker int) {
	mapper, _ = model.Owner(a.mapper, key)
	checker, _ = model.Owner(a.checker, key)
	return mapper, checker
}

func (k *allroundKey) check(key uint64, back int, lenient bool) (wrong []string) {
	say := func(format string, args ...any) {
		wrong = append(wrong, fmt.Sprintf("key %d: ", key)+fmt.Sprintf(format, args...))
	}
	for _, f := range []struct {
		what string
		followed
		top uint64
	}{{"event", k.events, k.top}, {"timer", k.timers, k.top / timerEvery}} {
		switch {
		case f.followed.top < f.top:
			say("%s %d of %d was never committed: at least once loses nothing", f.what, f.followed.top+1, f.top)
		case f.gap[1] > 0:
			say("%s %d comes behind %d: what is between is lost or out of order", f.what, f.gap[1], f.gap[0])
		case lenient:
		case f.followed.top > f.top:
			say("there is %s %d, but by the model and the restored checkpoints %d is the last", f.what, f.followed.top, f.top)
		case f.last != f.followed.top:
			say("its %ss go back to end with %d, having been at %d", f.what, f.last, f.followed.top)
		}
	}
	if k.events.backs > back && !lenient {
		say("events go back %d times, licensed are %d", k.events.backs, back)
	}
	return wrong
}

// total compares what is there more often than once with the licences. Each event that
// the mapper takes again is there again, and so is each event or timer that the checker
// does. On top of that a timer fires again if its event came again, and at most as often.
func (a *allroundAgain) total() (wrong []string) {
	n := a.mapper.Parallelism
	mapped, _ := a.taken("time->map", n)
	checked, events, all, may := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	cells, licensed := map[[2]int]int64{}, map[[2]int]int64{}
	a.on(func(r *licence) {
		checked[r.From] += int64(r.Records)
		licensed[[2]int{r.From, r.To}] += int64(r.Records)
	}, "map->check")
	for key := range uint64(keyRanges * keysPerRange) {
		k := a.keys[key]
		m, c := a.owners(key)
		again := int64(k.events.lines) - int64(k.events.top)
		both := again + int64(k.timers.lines) - int64(k.timers.top)
		events[m], all[m] = events[m]+again, all[m]+both
		cells[[2]int{m, c}] += both
		for e, copies := range k.copies { // unordered: a sum
			if e%timerEvery == 0 {
				may[m] += copies - 1
			}
		}
	}
	for m := range n {
		least := mapped[m] + checked[m]
		if all[m] < least || all[m] > least+may[m] && !a.inherited {
			wrong = append(wrong, fmt.Sprintf("%d events and timers of map/%d are there again, but the restored checkpoints license %d, and as many more timers as have their events again, %d", all[m], m, least, may[m]))
		}
		if events[m] < mapped[m] || events[m] > least && !a.inherited {
			wrong = append(wrong, fmt.Sprintf("%d events of map/%d are there again, but the restored checkpoints license %d to %d", events[m], m, mapped[m], least))
		}
		for c := range a.checker.Parallelism {
			if at := [2]int{m, c}; cells[at] < licensed[at] {
				wrong = append(wrong, fmt.Sprintf("%d events and timers of map/%d are there again by way of check/%d, but the restored checkpoints license at least %d", cells[at], m, c, licensed[at]))
			}
		}
	}
	return wrong
}
