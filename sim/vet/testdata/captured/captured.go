// Package captured keeps what it knows outside of state.
package captured

import (
	"strings"

	"github.com/weirstream/weir/engine"
)

var total int

var last = map[string]string{}

type counter struct {
	n    int
	seen map[string]bool
}

func (c *counter) add(v string) string {
	c.n++            // want `captured: writes c\.n in the function of Map "method value": it is in no checkpoint`
	c.seen[v] = true // want `captured: writes c\.seen\[v\] in the function of Map "method value"`
	return v
}

func (c *counter) increase()  { c.n++ }
func (c *counter) count() int { return c.n }

func describe(calls *int) func(*engine.Job) {
	return func(j *engine.Job) {
		*calls++ // want `captured: writes \*calls in a function that builds a job: it outlives an attempt, is shared by tasks`
	}
}

func job(s engine.Stream[string]) {
	n := 0
	seen := map[string]bool{}
	var buffer []string
	var text strings.Builder
	engine.Map(s, "counter", func(v string) string {
		n++                        // want `captured: writes n in the function of Map "counter": it is in no checkpoint, and after a restore starts anew; keep it in state`
		seen[v] = true             // want `writes seen\[v\]`
		buffer = append(buffer, v) // want `writes buffer`
		text.WriteString(v)        // want `changes text`
		delete(seen, v)            // want `writes seen`
		set(&n)                    // want `takes the address of n`
		total++                    // want `captured: writes total in the function of Map "counter": it outlives an attempt, is shared by tasks, and after a restore is not what it was`
		return v
	})
	next := func() int {
		n++ // want `writes n in the function of Map "closure", by way of the literal in line \d+`
		return n
	}
	engine.Map(s, "closure", func(v string) int { return next() })
	engine.Map(s, "helper", remember)
	engine.Map(s, "made", numbered())
	f := func(v string) string {
		n-- // want `writes n in the function of Map "variable"`
		return v
	}
	engine.Map(s, "variable", f)
	c := &counter{seen: map[string]bool{}}
	engine.Map(s, "method value", c.add)
	engine.Map(s, "method", func(v string) int {
		c.increase() // want `captured: calls c\.increase, which writes it in the function of Map "method"`
		return c.count()
	})

	// What a function declares itself, or only reads, is no state.
	stop := map[string]bool{"the": true}
	prefix := "a"
	prefix += "b"
	engine.FlatMap(s, "fine", func(v string, emit func(string)) {
		own, parts := 0, map[string]int{}
		var b strings.Builder
		local := counter{}
		for _, w := range strings.Fields(v) {
			own++
			parts[w]++
			b.WriteString(prefix)
			local.increase()
			set(&own)
		}
		each(func() { own++ })
		if !stop[v] {
			emit(b.String())
		}
	})
}

func remember(v string) string {
	was := last[v]
	last[v] = v // want `captured: writes last\[v\] in the function of Map "helper": it outlives an attempt`
	return was
}

// numbered makes a function with a state of its own, which is no better.
func numbered() func(v string) int {
	n := 0
	return func(v string) int {
		n++ // want `captured: writes n in the function of Map "made"`
		return n
	}
}

func set(n *int) { *n = 1 }

func each(f func()) { f() }

// elsewhere is no part of a job.
func elsewhere() { total++ }
