package model

import "fmt"

// tick looks at the clock, and fires the processing-time timers that are due.
func (p *process) tick() {
	if p.clock == nil {
		return
	}
	p.now = p.clock()
	for n := 0; ; n++ {
		t, ok := p.clocked.take(p.now)
		if !ok {
			break
		}
		if n >= maxFirings {
			p.refuse("has timers that are due at once after %d have fired", n)
		}
		p.during = fmt.Sprintf("timer at %d of key %v", t.at, t.key)
		p.use(t.key, nil)
		p.processor.Timer(p, t.key, t.at, false)
	}
	p.during = ""
}
