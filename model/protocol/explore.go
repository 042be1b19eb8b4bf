package protocol

import (
	"fmt"
	"math"
	"math/bits"
)

// MemoryMin is the least that [Options] may grant.
const MemoryMin = 1 << 20

// Options of [Explore].
type Options struct {
	// Memory is how many bytes states may take, those that are known and those under
	// way; at least [MemoryMin].
	Memory int64
	// Reduced leaves out what differs from something else only in the order of actions
	// that commute, states too. A way to a violation is then a shortest one of those
	// that are left.
	Reduced bool
	// Check executes in every state what reducing rests on: that the order of actions
	// which are said to commute changes nothing.
	Check bool
}

// Result is what an exploration saw.
type Result struct {
	Config  Config
	Reduced bool
	// Complete: everything was explored, or a violation was found.
	Complete bool
	// States that are different, Transitions between them, Finals that end the job.
	States, Transitions, Finals int
	// Interleavings is the number of different sequences of actions from the start to
	// the end; 0 if reduced, or not complete.
	Interleavings float64
	// Depth is the longest sequence of actions; of a reduced exploration, that it took.
	Depth int
	// Checked is how often two orders were executed and compared.
	Checked int
	// Bytes is what states took at most.
	Bytes     int64
	Violation *Violation
}

// Violation is a shortest way to a state that breaks a property, or some way that goes
// in a circle.
type Violation struct {
	Property string   `json:"property"`
	Actions  []string `json:"actions"` // in words
	State    []string `json:"state"`   // at the end, in words
	States   int      `json:"states"`  // that the search knew when it was found, breadth first
}

// stateSize is what a state takes on a stack or in a frontier, with what goes with it.
const stateSize = 8*words + 64

// Explore takes every action in every state that can be reached, unless memory runs
// out or a property breaks. It is deterministic. An error is one of the configuration,
// or of [Options].Check: two actions whose order does matter.
func Explore(c Config, o Options) (Result, error) {
	if err := c.Validate(); err != nil {
		return Result{}, err
	}
	if o.Memory < MemoryMin {
		return Result{}, fmt.Errorf("%d bytes of memory; at least %d are needed", o.Memory, MemoryMin)
	}
	if c.Bug != NoBug && !o.Check {
		if r := shortest(c, o); r.Violation != nil || !r.Complete || o.Reduced {
			return r, nil
		}
	}
	d := depthFirst{Config: c, Options: o}
	d.result = Result{Config: c, Reduced: o.Reduced}
	bad := d.run()
	d.table = table{} // gone before the next search needs room
	if d.err != nil {
		return Result{}, d.err
	}
	if bad != holds && d.result.Violation == nil {
		return shortest(c, o), nil // of a mistake in the model itself
	}
	return d.result, nil
}

// depthFirst counts as it goes: each state has a word, of a full exploration how many
// ways lead from it to an end, of a reduced one its sleep set.
type depthFirst struct {
	Config
	Options
	table  table
	stack  []frame
	finals []fingerprint
	ways   float64
	result Result
	err    error // of Options.Check
}

type frame struct {
	s     State
	key   fingerprint
	left  uint64 // actions that are still to be taken
	sleep uint64 // of a reduced exploration
	ways  float64
	taken Action // the latest
}

// underWay marks a state whose ways are not counted yet.
var underWay = math.Float64bits(math.Inf(-1))

func (d *depthFirst) run() Property {
	s := d.initial()
	bad := d.enter(&s, 0)
	for bad == holds && len(d.stack) > 0 {
		top := &d.stack[len(d.stack)-1]
		if top.left == 0 {
			d.leave()
			continue
		}
		a := lowest(top.left)
		top.left &= top.left - 1
		top.taken = a
		d.result.Transitions++
		sleep := d.asleep(top, a)
		top.sleep |= 1 << a
		var next State
		if next, bad = d.step(&top.s, a); bad == holds {
			bad = d.enter(&next, sleep)
		}
		if d.result.Bytes > d.Memory || d.err != nil {
			return bad
		}
	}
	d.result.Complete = true
	d.result.Interleavings = d.ways
	return bad
}

func lowest(set uint64) Action { return Action(bits.TrailingZeros64(set)) }

// enter begins with a state, unless nothing about it is new.
func (d *depthFirst) enter(s *State, sleep uint64) Property {
	set := d.choices(s, d.Reduced)
	if set&^chance == 0 && !s.finished {
		return progress
	}
	key := s.fingerprint()
	word, known := d.table.find(key)
	f := frame{s: *s, key: key, left: set, sleep: sleep}
	switch {
	case !d.Reduced && known && *word == underWay:
		d.circle(s)
		return progress
	case !d.Reduced && known:
		d.count(math.Float64frombits(*word))
		return holds
	case !d.Reduced:
		*word = underWay
	case known: // Godefroid: only what slept then and does not now
		f.left, f.sleep = *word&^sleep, *word&sleep
		*word = f.sleep
		if f.left == 0 {
			return holds
		}
	default:
		f.left &^= sleep
		*word = sleep
	}
	if !known {
		d.result.States++
		if d.Check {
			var n int
			n, d.err = d.checkOrders(s)
			d.result.Checked += n
		}
		if s.finished {
			d.finals = append(d.finals, key)
			d.result.Finals++
			f.ways = 1
		}
		if d.result.States%1024 == 0 {
			d.result.Bytes = max(d.result.Bytes, d.table.bytes())
		}
	}
	d.stack = append(d.stack, f)
	d.result.Depth = max(d.result.Depth, len(d.stack)-1)
	d.result.Bytes = max(d.result.Bytes, d.table.last+int64(cap(d.stack))*stateSize)
	return holds
}

// leave is done with the state on top.
func (d *depthFirst) leave() {
	n := len(d.stack) - 1
	f := &d.stack[n]
	ways := f.ways
	if !d.Reduced {
		word, _ := d.table.find(f.key)
		*word = math.Float64bits(ways)
	}
	d.stack = d.stack[:n]
	d.count(ways)
}

// count adds the ways of a successor to those of the state on top.
func (d *depthFirst) count(ways float64) {
	if n := len(d.stack); n > 0 {
		d.stack[n-1].ways += ways
	} else {
		d.ways = ways
	}
}

// circle tells how a state is reached again from itself.
func (d *depthFirst) circle(s *State) {
	v := &Violation{Property: progress.String(), States: d.result.States}
	again := s.fingerprint()
	for i := range d.stack {
		f := &d.stack[i]
		if f.key == again {
			v.State = append(v.State, fmt.Sprintf("everything is as it was before action %d:", i+1))
		}
		v.Actions = append(v.Actions, d.describe(&f.s, f.taken))
	}
	v.State = append(v.State, d.inWords(s)...)
	d.result.Violation = v
}
