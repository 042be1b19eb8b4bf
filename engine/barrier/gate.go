// Package barrier decides, for one task, what the barriers on its input channels
// mean: when the task takes its snapshot, which channels wait, and which in-flight
// data belongs to the checkpoint. [Gate] is for exactly-once: it follows Flink's
// SingleCheckpointBarrierHandler without the switch from aligned to unaligned.
// [Tracker] is for at-least-once: it only counts.
//
//	idle ──first barrier──▶ aligned: collecting, channels block ──last──▶ snapshot, idle
//	  │                └──▶ unaligned: snapshot, then collecting ──last──▶ idle
//	  └──◀── newer barrier, cancel marker: abort ◀──┘
//
// Invariants:
//
//	B1  checkpoint ids only grow; a barrier of an older or ended one changes nothing
//	B2  aligned: nothing is taken from a channel between its barrier and the snapshot
//	B3  unaligned: no channel ever blocks, and what a channel held or brought
//	    between the snapshot and its barrier is captured
//	B4  a checkpoint that began ends in exactly one of Complete and Abort; a
//	    Tracker also forgets those before one that completes, without a word
package barrier

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/engine/must"
)

// Why says why a task gives up a checkpoint.
type Why uint8

// The reasons, as in Flink's CheckpointFailureReason.
const (
	Subsumed     Why = iota + 1 // a barrier of a newer checkpoint came
	CancelMarker                // the producer gave it up
	NotReady                    // the task is still restoring
)

func (w Why) String() string {
	return [...]string{"?", "subsumed by a newer checkpoint", "cancel marker", "task not ready"}[w]
}

// InputKind says what came from a channel.
type InputKind uint8

// The inputs of a gate.
const (
	Barrier InputKind = iota
	Cancel
	End // end of partition: no barrier will come from the channel
)

// Input is a control event from a channel.
type Input struct {
	Kind       InputKind
	Channel    int
	Checkpoint uint64
	Unaligned  bool
	Time       int64 // the barrier's trigger time, wall ms
}

func (in Input) String() string {
	switch in.Kind {
	case Barrier:
		if in.Unaligned {
			return fmt.Sprintf("!%d", in.Checkpoint)
		}
		return fmt.Sprintf("|%d", in.Checkpoint)
	case Cancel:
		return fmt.Sprintf("x%d", in.Checkpoint)
	}
	return "end"
}

// EffectKind says what a task must do.
type EffectKind uint8

// The effects of a gate, carried out in order.
const (
	Block    EffectKind = iota // take nothing from Channel
	Unblock                    // take from Channel again
	Snapshot                   // send the barrier downstream and take the snapshot
	Capture                    // keep what Channel holds; and what arrives, if More
	Stop                       // stop capturing on Channel
	Complete                   // all barriers are here
	Abort                      // give Checkpoint up: Why
)

// Effect is one thing to do.
type Effect struct {
	Kind       EffectKind
	Why        Why
	More       bool
	Unaligned  bool
	Channel    int
	Checkpoint uint64
	Time       int64
}

func (e Effect) String() string {
	switch e.Kind {
	case Block:
		return fmt.Sprintf("block %d", e.Channel)
	case Unblock:
		return fmt.Sprintf("unblock %d", e.Channel)
	case Snapshot:
		return fmt.Sprintf("snapshot %d", e.Checkpoint)
	case Capture:
		if e.More {
			return fmt.Sprintf("capture %d until its barrier", e.Channel)
		}
		return fmt.Sprintf("capture %d", e.Channel)
	case Stop:
		return fmt.Sprintf("stop capture %d", e.Channel)
	case Complete:
		return fmt.Sprintf("complete %d", e.Checkpoint)
	}
	return fmt.Sprintf("abort %d: %s", e.Checkpoint, e.Why)
}

// Gate is the barrier handling of one task. The zero value is not ready; use
// [NewGate].
type Gate struct {
	arrived   []bool
	ended     []bool
	open      int    // channels without end of partition
	current   uint64 // the newest checkpoint seen
	pending   bool   // current is under way
	unaligned bool
	time      int64
	count     int // channels of current that are done
}

// NewGate makes a gate for n channels that has seen checkpoints up to last.
func NewGate(n int, last uint64) *Gate {
	must.That(n > 0, "gate without channels")
	return &Gate{arrived: make([]bool, n), ended: make([]bool, n), open: n, current: last}
}

// Step takes one input and appends its effects to out.
func (g *Gate) Step(in Input, out []Effect) []Effect {
	switch in.Kind {
	case Barrier:
		out = g.barrier(in, out)
	case Cancel:
		out = g.cancel(in, out)
	case End:
		out = g.end(in, out)
	}
	g.check()
	return out
}

func (g *Gate) barrier(in Input, out []Effect) []Effect {
	if in.Checkpoint < g.current || in.Checkpoint == g.current && !g.pending {
		return out // B1: obsolete
	}
	if in.Checkpoint > g.current {
		out = g.abort(Subsumed, out)
		out = g.begin(in, out)
	}
	if g.arrived[in.Channel] {
		must.Unreachable("B1: second barrier %d on channel %d", in.Checkpoint, in.Channel)
	}
	g.arrived[in.Channel] = true
	g.count++
	if g.unaligned {
		out = append(out, Effect{Kind: Stop, Channel: in.Channel})
	} else {
		out = append(out, Effect{Kind: Block, Channel: in.Channel, Checkpoint: g.current})
	}
	return g.complete(out)
}

// begin starts a checkpoint. Unaligned, the snapshot is taken at once: the
// barrier has overtaken what the channels hold, which is captured (B3).
func (g *Gate) begin(in Input, out []Effect) []Effect {
	g.current, g.pending, g.unaligned, g.time = in.Checkpoint, true, in.Unaligned, in.Time
	copy(g.arrived, g.ended)
	g.count = len(g.arrived) - g.open
	if !in.Unaligned {
		return out
	}
	out = append(out, g.snapshot())
	for ch := range g.arrived {
		out = append(out, Effect{Kind: Capture, Channel: ch, More: !g.ended[ch]})
	}
	return out
}

func (g *Gate) snapshot() Effect {
	return Effect{Kind: Snapshot, Checkpoint: g.current, Unaligned: g.unaligned, Time: g.time}
}

func (g *Gate) complete(out []Effect) []Effect {
	if !g.pending || g.count < len(g.arrived) {
		return out
	}
	g.pending = false
	if !g.unaligned {
		out = append(out, g.snapshot())
	}
	out = append(out, Effect{Kind: Complete, Checkpoint: g.current})
	return g.release(out)
}

// release unblocks what alignment blocked, in channel order.
func (g *Gate) release(out []Effect) []Effect {
	if g.unaligned {
		return out
	}
	for ch, here := range g.arrived {
		if here && !g.ended[ch] {
			out = append(out, Effect{Kind: Unblock, Channel: ch, Checkpoint: g.current})
		}
	}
	return out
}

func (g *Gate) abort(why Why, out []Effect) []Effect {
	if !g.pending {
		return out
	}
	g.pending = false
	out = append(out, Effect{Kind: Abort, Checkpoint: g.current, Why: why})
	if !g.unaligned {
		return g.release(out)
	}
	for ch, here := range g.arrived {
		if !here {
			out = append(out, Effect{Kind: Stop, Channel: ch})
		}
	}
	return out
}

func (g *Gate) cancel(in Input, out []Effect) []Effect {
	switch {
	case in.Checkpoint < g.current, in.Checkpoint == g.current && !g.pending:
		return out
	case in.Checkpoint == g.current:
		return g.abort(CancelMarker, out)
	}
	out = g.abort(Subsumed, out)
	g.current = in.Checkpoint
	return append(out, Effect{Kind: Abort, Checkpoint: in.Checkpoint, Why: CancelMarker})
}

func (g *Gate) end(in Input, out []Effect) []Effect {
	must.That(!g.ended[in.Channel], "second end of partition on channel %d", in.Channel)
	g.ended[in.Channel] = true
	g.open--
	if g.pending && !g.arrived[in.Channel] {
		g.arrived[in.Channel] = true
		g.count++
		if g.unaligned {
			out = append(out, Effect{Kind: Stop, Channel: in.Channel})
		}
		return g.complete(out)
	}
	return out
}

// Refuse gives up a checkpoint whose barrier came while the task could not take
// part, and remembers it.
func (g *Gate) Refuse(in Input, out []Effect) []Effect {
	if in.Checkpoint <= g.current {
		return out
	}
	must.That(!g.pending, "B4: checkpoint %d is refused while %d is under way", in.Checkpoint, g.current)
	g.current = in.Checkpoint
	return append(out, Effect{Kind: Abort, Checkpoint: in.Checkpoint, Why: NotReady})
}

func (g *Gate) check() {
	n := 0
	for _, here := range g.arrived {
		if here {
			n++
		}
	}
	must.That(!g.pending || n == g.count, "B4: %d channels arrived, %d counted", n, g.count)
	must.That(!g.pending || g.count < len(g.arrived), "B4: checkpoint %d has all barriers and is still pending", g.current)
}

// Pending is the checkpoint under way, if any.
func (g *Gate) Pending() (uint64, bool) { return g.current, g.pending }

// String says what the gate waits for.
func (g *Gate) String() string {
	if !g.pending {
		if g.current == 0 {
			return "flowing"
		}
		return fmt.Sprintf("flowing, last %d", g.current)
	}
	var missing []string
	for ch, here := range g.arrived {
		if !here {
			missing = append(missing, fmt.Sprint(ch))
		}
	}
	word := "aligning"
	if g.unaligned {
		word = "overtaking"
	}
	return fmt.Sprintf("%s %d, waits for %s", word, g.current, strings.Join(missing, " "))
}
