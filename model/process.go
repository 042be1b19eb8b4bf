package model

import (
	"container/heap"
	"fmt"
	"math"

	"github.com/weirstream/weir/engine/graph"
)

// An operator may fire so many timers: timers that set timers may go on for ever.
const (
	maxFirings          = 1 << 20
	maxFiringsPerRecord = 1 << 10 // on top of it
)

// process is a process function at work, and what it is given.
type process struct {
	*execution
	key       any
	keys      *chain // nil while no key is in use
	watermark int64
	timers    timers
	clocked   timers // of processing time
	now       int64
}

var _ graph.ProcessContext = (*process)(nil)

func (p *process) use(key any, before *chain) {
	p.key, p.keys = key, p.chains.through(before, key)
}

// Emit implements graph.ProcessContext, as do the methods below.
func (p *process) Emit(v any, ts int64) {
	p.out = append(p.out, record{value: v, time: ts, keys: p.keys})
}

func (p *process) SetTimer(at int64, event bool) {
	if !event && p.clock == nil {
		p.refuse("sets processing-time timers")
	}
	p.queue(event).set(timerID{at, p.key})
}

func (p *process) DeleteTimer(at int64, event bool) {
	delete(p.queue(event).live, timerID{at, p.key})
}

func (p *process) queue(event bool) *timers {
	if event {
		return &p.timers
	}
	return &p.clocked
}

func (p *process) Watermark() int64 { return p.watermark }

func (p *process) ProcessingTime() int64 {
	if p.clock == nil {
		p.refuse("reads the clock")
	}
	return p.now
}

// declare makes a state.
func (p *process) declare(name string, values graph.Bytes) graph.Slot {
	for _, t := range p.tables {
		if t.name == name {
			panic(fmt.Errorf("state %q is declared twice", name))
		}
	}
	return &slot{p, p.execution.declare(name, values)}
}

// fire fires what is set, and what that sets, in order; except what is pending, unless
// pending is nil.
func (p *process) fire(pending func(id timerID) bool) {
	var kept []timerID
	for n := 0; ; n++ {
		t, ok := p.timers.take(math.MaxInt64)
		for ok && pending != nil && pending(t) {
			kept = append(kept, t)
			t, ok = p.timers.take(math.MaxInt64)
		}
		if !ok {
			break
		}
		if n >= maxFirings+maxFiringsPerRecord*p.of {
			p.refuse("has timers that still come due after %d have fired at the end of the input", n)
		}
		p.during = fmt.Sprintf("timer at %d of key %v", t.at, t.key)
		p.watermark = max(p.watermark, t.at)
		p.use(t.key, nil)
		p.processor.Timer(p, t.key, t.at, true)
	}
	p.during = ""
	for _, t := range kept {
		p.timers.set(t)
	}
}

// slot is one named state of the current key.
type slot struct {
	process *process
	table   *table
}

// current is the key in use. Without one there is no state to speak of.
func (s *slot) current() any {
	if s.process.keys == nil {
		panic(fmt.Errorf("state %q is used without a key", s.table.name))
	}
	return s.process.key
}

// Get implements graph.Slot, as do the methods below.
func (s *slot) Get() (any, bool) {
	c := s.table.cells[s.current()]
	if c == nil || !c.present {
		return nil, false
	}
	return c.value, true
}

func (s *slot) Set(v any) {
	key := s.current()
	s.table.set(key, s.table.cell(key), v)
}

func (s *slot) Clear() { s.table.clear(s.current()) }

// timerID is a timer: a key has at most one for a time.
type timerID struct {
	at  int64
	key any
}

type timer struct {
	timerID
	seq uint64
}

// timers are in a heap by time, then by the order in which they were set. Deleted
// ones stay in it.
type timers struct {
	heap []timer
	live map[timerID]uint64 // the seq that counts
	seq  uint64
}

func (ts *timers) set(id timerID) {
	if _, ok := ts.live[id]; ok {
		return
	}
	if ts.live == nil {
		ts.live = map[timerID]uint64{}
	}
	ts.seq++
	ts.live[id] = ts.seq
	heap.Push(ts, timer{id, ts.seq})
}

// take takes the first timer that is due at a time.
func (ts *timers) take(now int64) (timerID, bool) {
	for len(ts.heap) > 0 && ts.heap[0].at <= now {
		t := heap.Pop(ts).(timer)
		if ts.live[t.timerID] == t.seq {
			delete(ts.live, t.timerID)
			return t.timerID, true
		}
	}
	return timerID{}, false
}

// Len implements heap.Interface, as do the methods below.
func (ts *timers) Len() int { return len(ts.heap) }

func (ts *timers) Less(i, j int) bool {
	a, b := &ts.heap[i], &ts.heap[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (ts *timers) Swap(i, j int) { ts.heap[i], ts.heap[j] = ts.heap[j], ts.heap[i] }

func (ts *timers) Push(x any) { ts.heap = append(ts.heap, x.(timer)) }

func (ts *timers) Pop() any {
	last := len(ts.heap) - 1
	t := ts.heap[last]
	ts.heap = ts.heap[:last]
	return t
}
