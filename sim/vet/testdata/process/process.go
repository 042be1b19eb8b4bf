// Package process has process functions.
package process

import (
	"time"

	"github.com/weirstream/weir/engine"
)

type counting struct {
	count *engine.ValueState[int]
	calls int
	cache map[string]int
}

func newCounting() engine.ProcessFunction[string, string, int] { return &counting{} }

func (c *counting) Open(states *engine.States[string]) {
	c.count = engine.NewValueState[int](states, "count")
	c.cache = map[string]int{}
}

func (c *counting) Process(ctx *engine.Context[string, int], v string) error {
	c.calls++ // want `captured: writes c\.calls in method Process of \*counting: it is in no checkpoint, and after a restore starts anew`
	c.note(v)
	n, _ := c.count.Get()
	c.count.Set(n + 1)
	ctx.SetProcessingTimer(ctx.ProcessingTime() + 1000)
	for _, n := range c.cache { // want `order: ranges over a map and calls ctx\.Emit in its order in method Process of \*counting`
		ctx.Emit(n)
	}
	for w := range c.cache { // want `order: ranges over a map and calls c\.count\.Set in its order`
		c.count.Set(len(w))
	}
	sum := 0
	for w := range c.cache {
		n, _ := c.count.Get()
		sum += n + len(w)
	}
	ctx.Emit(sum)
	return nil
}

func (c *counting) note(v string) {
	c.cache[v]++ // want `captured: writes c\.cache\[v\] in method Process of \*counting, by way of note`
}

func (c *counting) OnTimer(ctx *engine.Context[string, int], _ engine.Timer) error {
	ctx.Emit(time.Now().Second()) // want `clock: uses time\.Now in method OnTimer of \*counting`
	return nil
}

// pair is fine: what it knows is in state.
type pair struct{ a, b *engine.ValueState[string] }

func (p *pair) Open(states *engine.States[string]) {
	p.a, p.b = engine.NewValueState[string](states, "a"), engine.NewValueState[string](states, "b")
}

func (p *pair) ProcessA(ctx *engine.Context[string, string], v string) error {
	p.a.Set(v)
	return nil
}

func (p *pair) ProcessB(ctx *engine.Context[string, string], v string) error {
	p.b.Set(v)
	return nil
}

func (p *pair) OnTimer(*engine.Context[string, string], engine.Timer) error { return nil }

func job(s engine.Stream[string]) {
	same := func(v string) string { return v }
	keyed := engine.KeyBy(s, same)
	engine.Process(keyed, "counting", newCounting)
	made := 0
	engine.CoProcess(engine.Connect(keyed, keyed), "pair", func() engine.CoProcessFunction[string, string, string, string] {
		made++ // want `captured: writes made in the function that makes that of CoProcess "pair"`
		return &pair{}
	})
}
