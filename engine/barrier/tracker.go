package barrier

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/engine/must"
)

// Handler is the barrier handling of one task: [Gate] for exactly-once, [Tracker]
// for at-least-once.
type Handler interface {
	// Step takes one input and appends its effects to out.
	Step(in Input, out []Effect) []Effect
	// Refuse gives up a checkpoint whose barrier came while the task could not
	// take part, and remembers it.
	Refuse(in Input, out []Effect) []Effect
	// Pending is the newest checkpoint under way, if any.
	Pending() (uint64, bool)
	String() string
}

// trackedLimit bounds the checkpoints that are followed at a time; the oldest is
// dropped (Flink's MAX_CHECKPOINTS_TO_TRACK).
const trackedLimit = 50

// Tracker counts barriers and blocks nothing (Flink's CheckpointBarrierTracker): the
// snapshot is taken when the last barrier comes, and by then records behind the
// earlier ones may be in the state. After a restore they come again: at least once.
type Tracker struct {
	channels int
	ended    []bool
	last     uint64 // newest checkpoint that was completed or given up
	tracked  []tracked
}

// tracked is one checkpoint under way; they are in order of their ids.
type tracked struct {
	id      uint64
	time    int64
	aborted bool // a cancel marker came: only counts what is still to come
	arrived []bool
	count   int
}

// NewTracker makes a tracker for n channels that has seen checkpoints up to last.
func NewTracker(n int, last uint64) *Tracker {
	must.That(n > 0, "tracker without channels")
	return &Tracker{channels: n, ended: make([]bool, n), last: last}
}

// Step implements [Handler].
func (t *Tracker) Step(in Input, out []Effect) []Effect {
	switch in.Kind {
	case Barrier:
		must.That(!in.Unaligned, "an unaligned barrier %d in at-least-once mode", in.Checkpoint)
		if p := t.find(in.Checkpoint, in.Time); p != nil {
			return t.arrive(p, in.Channel, out)
		}
	case Cancel:
		return t.cancel(in, out)
	case End:
		return t.end(in.Channel, out)
	}
	return out
}

// find returns the checkpoint, begun if it is new, or nil if it is over (B1).
func (t *Tracker) find(id uint64, time int64) *tracked {
	for i := range t.tracked {
		if t.tracked[i].id == id {
			return &t.tracked[i]
		}
	}
	if id <= t.last || len(t.tracked) > 0 && id < t.tracked[len(t.tracked)-1].id {
		return nil
	}
	if len(t.tracked) == trackedLimit {
		t.drop(1)
	}
	p := tracked{id: id, time: time, arrived: make([]bool, t.channels)}
	for ch, over := range t.ended {
		if over {
			p.arrived[ch], p.count = true, p.count+1
		}
	}
	t.tracked = append(t.tracked, p)
	return &t.tracked[len(t.tracked)-1]
}

// drop forgets the n oldest.
func (t *Tracker) drop(n int) {
	t.last = max(t.last, t.tracked[n-1].id)
	t.tracked = append(t.tracked[:0], t.tracked[n:]...)
}

// arrive counts a channel; the last one completes the checkpoint, and those before
// it are over without a word: their coordinator has given them up.
func (t *Tracker) arrive(p *tracked, ch int, out []Effect) []Effect {
	must.That(!p.arrived[ch], "B1: second barrier %d on channel %d", p.id, ch)
	p.arrived[ch] = true
	p.count++
	return t.complete(p, out)
}

func (t *Tracker) complete(p *tracked, out []Effect) []Effect {
	if p.count < t.channels {
		return out
	}
	id, time, aborted := p.id, p.time, p.aborted
	for i := range t.tracked {
		if t.tracked[i].id == id {
			t.drop(i + 1)
			break
		}
	}
	if aborted {
		return out
	}
	return append(out, Effect{Kind: Snapshot, Checkpoint: id, Time: time}, Effect{Kind: Complete, Checkpoint: id})
}

// cancel gives a checkpoint up once; what still comes of it is counted silently. Those
// before it are over, too, as in complete: no older one may be declined after it.
func (t *Tracker) cancel(in Input, out []Effect) []Effect {
	p := t.find(in.Checkpoint, 0)
	if p == nil {
		return out
	}
	for i := range t.tracked {
		if t.tracked[i].id == in.Checkpoint && i > 0 {
			t.drop(i)
			p = &t.tracked[0]
			break
		}
	}
	if !p.aborted {
		p.aborted = true
		out = append(out, Effect{Kind: Abort, Checkpoint: in.Checkpoint, Why: CancelMarker})
	}
	if !p.arrived[in.Channel] {
		return t.arrive(p, in.Channel, out)
	}
	return out
}

// end counts a channel that has ended for all checkpoints under way.
func (t *Tracker) end(ch int, out []Effect) []Effect {
	must.That(!t.ended[ch], "second end of partition on channel %d", ch)
	t.ended[ch] = true
	for i := 0; i < len(t.tracked); {
		p := &t.tracked[i]
		if p.arrived[ch] {
			i++
			continue
		}
		before := len(t.tracked)
		out = t.arrive(p, ch, out)
		if len(t.tracked) == before {
			i++
		} else {
			i = 0 // this one and those before it are gone
		}
	}
	return out
}

// Refuse implements [Handler].
func (t *Tracker) Refuse(in Input, out []Effect) []Effect {
	if in.Checkpoint <= t.last {
		return out
	}
	must.That(len(t.tracked) == 0, "B4: checkpoint %d is refused while %d is under way", in.Checkpoint, t.last)
	t.last = in.Checkpoint
	return append(out, Effect{Kind: Abort, Checkpoint: in.Checkpoint, Why: NotReady})
}

// Pending implements [Handler].
func (t *Tracker) Pending() (uint64, bool) {
	for i := len(t.tracked) - 1; i >= 0; i-- {
		if !t.tracked[i].aborted {
			return t.tracked[i].id, true
		}
	}
	return t.last, false
}

// String says what is counted.
func (t *Tracker) String() string {
	if len(t.tracked) == 0 {
		if t.last == 0 {
			return "flowing"
		}
		return fmt.Sprintf("flowing, last %d", t.last)
	}
	var parts []string
	for _, p := range t.tracked {
		word := "counting"
		if p.aborted {
			word = "aborted"
		}
		parts = append(parts, fmt.Sprintf("%s %d: %d of %d", word, p.id, p.count, t.channels))
	}
	return strings.Join(parts, ", ")
}
