// Package order ranges over maps.
package order

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/weirstream/weir/engine"
)

type words = map[string]int

func job(j *engine.Job, s engine.Stream[words]) {
	engine.FlatMap(s, "emitted", func(m words, emit func(string)) {
		for w := range m { // want `order: ranges over a map and calls emit in its order in the function of FlatMap "emitted": a map's order differs each time; sort first`
			emit(w)
		}
	})
	engine.FlatMap(s, "by a helper", func(m words, emit func(string)) {
		for w := range maps.Keys(m) { // want `ranges over a map and calls twice, which emits or changes state`
			twice(w, emit)
		}
	})
	engine.FlatMap(s, "by a closure", func(m words, emit func(string)) {
		both := func(w string) { emit(w); emit(w) }
		for w := range m { // want `ranges over a map and calls both, which emits or changes state`
			both(w)
		}
	})
	engine.Map(s, "appended", func(m words) []string {
		var out []string
		for w := range m { // want `ranges over a map and appends to out`
			out = append(out, w)
		}
		return out
	})
	engine.Map(s, "text", func(m words) string {
		text := ""
		for w := range m { // want `ranges over a map and adds to the text text`
			text += w
		}
		var b strings.Builder
		for w := range m { // want `ranges over a map and writes by b\.WriteString`
			b.WriteString(w)
		}
		for w := range m { // want `ranges over a map and writes by fmt\.Fprintf`
			fmt.Fprintf(&b, "%s ", w)
		}
		return text + b.String()
	})
	engine.Map(s, "any", func(m words) string {
		for w := range m { // want `ranges over a map and returns what it comes to first`
			return w
		}
		return ""
	})
	engine.Map(s, "most", func(m words) string {
		most, who := 0, ""
		for w, n := range m { // want `ranges over a map and leaves in who what it came to last`
			if n > most {
				most, who = n, w
			}
		}
		return who
	})
	engine.Map(s, "sum of floats", func(m words) float64 {
		sum := 0.0
		for _, n := range m { // want `ranges over a map and adds to sum, a float`
			sum += float64(n) / 3
		}
		return sum
	})
	engine.Map(s, "keys", func(m words) []string {
		return slices.Collect(maps.Keys(m)) // want `order: uses maps\.Keys in the function of Map "keys"`
	})
	engine.Map(s, "reflected", func(m words) int {
		return len(reflect.ValueOf(m).MapKeys()) // want `order: uses \(reflect\.Value\)\.MapKeys`
	})
	engine.Map(s, "by a function", keys)
	for uid := range map[string]bool{"a": true, "b": true} { // want `ranges over a map and calls engine\.Map in its order in function job of a job`
		engine.Map(s, uid, func(m words) int { return len(m) })
	}
	fine(s)
}

func twice(w string, emit func(string)) { emit(w); emit(w) }

func keys(m words) (out []string) {
	for w := range m { // want `ranges over a map and appends to out in its order in the function of Map "by a function"`
		out = append(out, w)
	}
	return out
}

// fine are ranges whose order does not show.
func fine(s engine.Stream[words]) {
	engine.Map(s, "sorted", func(m words) []string {
		var out []string
		for w := range m {
			out = append(out, w)
		}
		slices.Sort(out)
		var more []string
		for w := range m {
			more = append(more, w)
		}
		sort.Slice(more, func(i, j int) bool { return more[i] < more[j] })
		keys := slices.Collect(maps.Keys(m))
		slices.Sort(keys)
		return append(append(out, more...), keys...)
	})
	engine.FlatMap(s, "sorted keys", func(m words, emit func(string)) {
		for _, w := range slices.Sorted(maps.Keys(m)) {
			emit(w)
		}
		for _, w := range []string{"a", "b"} {
			emit(w)
		}
	})
	engine.Map(s, "sums", func(m words) int {
		sum, most, found, longest := 0, 0, false, 0
		other := words{}
		for w, n := range m {
			local := ""
			local += w
			sum += n
			sum = sum + n
			if n > most {
				most = n
			}
			longest = max(longest, len(local))
			found = true
			other[w] = n
			delete(other, w)
		}
		if found {
			return sum + most + longest
		}
		return len(other)
	})
}

// elsewhere is no part of a job.
func elsewhere(m words) {
	for w := range m {
		fmt.Println(w)
	}
}
