// Package barrier decides, for one task, what the barriers on its input channels
// mean: when the task takes its snapshot, which channels wait, and which
// in-flight data belongs to the checkpoint. [Gate] is for exactly-once: it follows Flink's
// SingleCheckpointBarrierHandler. [Tracker] is for at-least-once: it only counts.
//
//	idle ──first barrier──▶ aligned: collecting, channels block ──last──▶ snapshot, idle
//	  │                          │ timeout, or a barrier that overtakes
//	  │                          ▼
//	  │                └──▶ unaligned: snapshot, then collecting ──last──▶ idle
//	  └──◀── newer barrier, cancel marker: abort ◀──┘
//
// An aligned barrier may have a timeout. Then it is announced as soon as it waits in an
// input queue, so that the timer of its checkpoint is started, and the older checkpoint
// given up, before it comes to the front. It runs from the trigger of the checkpoint, not
// from its first barrier. If not all barriers are here in time, the task aligns no longer:
// those that are announced overtake what is ahead of them in their queues, each as soon
// as it is announced.
//
// Invariants:
//
//	B1  checkpoint ids only grow; a barrier of an older or ended one changes nothing
//	B2  aligned: nothing is taken from a channel between its barrier and the snapshot
//	B3  unaligned: no channel begins to block, and what a channel held or brought
//	    between the snapshot and its barrier is captured; one that alignment blocked
//	    before the timeout goes on only when all barriers are here, and nothing of it
//	    is captured: what it holds is behind its barrier
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
	End      // end of partition: no barrier will come from the channel
	Announce // an aligned barrier with a timeout waits in the channel's queue
	Timeout  // the timer of Checkpoint is due; of no channel
)

// Input is a control event from a channel, or a timer.
type Input struct {
	Kind       InputKind
	Channel    int
	Checkpoint uint64
	Unaligned  bool
	Time       int64 // the barrier's trigger time, wall ms
	Timeout    int64 // ms after Time, of a barrier that may overtake later, else 0
}

func (in Input) String() string {
	switch in.Kind {
	case Barrier:
		if in.Unaligned {
			return fmt.Sprintf("!%d", in.Checkpoint)
		}
		if in.Timeout > 0 {
			return fmt.Sprintf("~%d", in.Checkpoint)
		}
		return fmt.Sprintf("|%d", in.Checkpoint)
	case Announce:
		return fmt.Sprintf("?%d", in.Checkpoint)
	case Timeout:
		return fmt.Sprintf("timeout %d", in.Checkpoint)
	case Cancel:
		return fmt.Sprintf("x%d", in.Checkpoint)
	}
	return "end"
}

// EffectKind says what a task must do.
type EffectKind uint8

// The effects of a gate, carried out in order.
const (
	Block      EffectKind = iota // take nothing from Channel
	Unblock                      // take from Channel again
	Snapshot                     // send the barrier downstream and take the snapshot
	Capture                      // keep what Channel holds ahead of its barrier; and what arrives, if More
	Pass                         // keep nothing of Channel: its barrier was taken
	Stop                         // stop capturing on Channel
	Complete                     // all barriers are here
	Abort                        // give Checkpoint up: Why
	StartTimer                   // Timeout is an input Timeout ms after Time, but at once if that is over
	StopTimer                    // it is not awaited any more
	Switch                       // the alignment of Checkpoint has failed: Timely if by its timer
	Convert                      // the barrier that waits on Channel overtakes: it is the next input
)

// Effect is one thing to do.
type Effect struct {
	Kind       EffectKind
	Why        Why
	More       bool
	Unaligned  bool
	Timely     bool
	Channel    int
	Checkpoint uint64
	Time       int64
	Timeout    int64
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
	case Pass:
		return fmt.Sprintf("capture nothing of %d", e.Channel)
	case StartTimer:
		return fmt.Sprintf("start timer %d", e.Checkpoint)
	case StopTimer:
		return fmt.Sprintf("stop timer %d", e.Checkpoint)
	case Switch:
		return fmt.Sprintf("switch %d", e.Checkpoint)
	case Convert:
		return fmt.Sprintf("convert %d", e.Channel)
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
	announced []bool // the barrier of current waits in the queue
	blocked   []bool
	open      int    // channels without end of partition
	current   uint64 // the newest checkpoint seen
	pending   bool   // current is under way
	unaligned bool
	timed     bool // its timer runs
	time      int64
	timeout   int64
	count     int // channels of current that are done
}

// NewGate makes a gate for n channels that has seen checkpoints up to last.
func NewGate(n int, last uint64) *Gate {
	must.That(n > 0, "gate without channels")
	return &Gate{
		arrived: make([]bool, n), ended: make([]bool, n), announced: make([]bool, n), blocked: make([]bool, n),
		open: n, current: last,
	}
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
	case Announce:
		out = g.announce(in, out)
	case Timeout:
		if g.timed && in.Checkpoint == g.current {
			out = g.overtake(true, out)
		}
	}
	g.check()
	return out
}

func (g *Gate) barrier(in Input, out []Effect) []Effect {
	if g.obsolete(in) {
		return out
	}
	if in.Checkpoint > g.current {
		out = g.abort(Subsumed, out)
		out = g.begin(in, out)
	} else if in.Unaligned && !g.unaligned && !g.announced[in.Channel] { // the alignment has failed upstream
		out = g.overtake(false, out)
	}
	if g.arrived[in.Channel] || in.Unaligned && g.announced[in.Channel] {
		must.Unreachable("B1: second barrier %d on channel %d", in.Checkpoint, in.Channel)
	}
	g.arrived[in.Channel] = true
	g.announced[in.Channel] = false
	g.count++
	if g.unaligned {
		out = append(out, Effect{Kind: Stop, Channel: in.Channel})
	} else {
		g.blocked[in.Channel] = true
		out = append(out, Effect{Kind: Block, Channel: in.Channel, Checkpoint: g.current})
	}
	return g.complete(out)
}

// obsolete is B1: the checkpoint is over here, or never began.
func (g *Gate) obsolete(in Input) bool {
	return in.Checkpoint < g.current || in.Checkpoint == g.current && !g.pending
}

// announce notes that a barrier waits; if its time is over, it waits no longer.
func (g *Gate) announce(in Input, out []Effect) []Effect {
	if g.obsolete(in) {
		return out
	}
	if in.Checkpoint > g.current {
		out = g.abort(Subsumed, out)
		out = g.begin(in, out)
	}
	if g.arrived[in.Channel] || g.announced[in.Channel] {
		must.Unreachable("B1: second barrier %d is announced on channel %d", in.Checkpoint, in.Channel)
	}
	if g.unaligned {
		return append(out, Effect{Kind: Convert, Channel: in.Channel, Checkpoint: g.current})
	}
	g.announced[in.Channel] = true
	return out
}

// overtake ends alignment: the snapshot is taken now. What a blocked channel holds is
// behind its barrier (B3), and it stays blocked. A barrier that waits is the next input.
func (g *Gate) overtake(timely bool, out []Effect) []Effect {
	out = g.stopTimer(out)
	g.unaligned = true
	out = append(out, Effect{Kind: Switch, Checkpoint: g.current, Time: g.time, Timely: timely})
	out = g.start(out)
	for ch, waits := range g.announced {
		if waits {
			g.announced[ch] = false
			out = append(out, Effect{Kind: Convert, Channel: ch, Checkpoint: g.current})
		}
	}
	return out
}

func (g *Gate) stopTimer(out []Effect) []Effect {
	if !g.timed {
		return out
	}
	g.timed = false
	return append(out, Effect{Kind: StopTimer, Checkpoint: g.current})
}

// begin starts a checkpoint. Unaligned, the snapshot is taken at once: the
// barrier has overtaken what the channels hold, which is captured (B3).
func (g *Gate) begin(in Input, out []Effect) []Effect {
	g.current, g.pending, g.unaligned, g.time, g.timeout = in.Checkpoint, true, in.Unaligned, in.Time, in.Timeout
	copy(g.arrived, g.ended)
	clear(g.announced)
	g.count = len(g.arrived) - g.open
	if in.Unaligned {
		return g.start(out)
	}
	if g.timed = in.Timeout > 0; g.timed {
		out = append(out, Effect{Kind: StartTimer, Checkpoint: g.current, Time: g.time, Timeout: g.timeout})
	}
	return out
}

// start takes the snapshot before all barriers are here.
func (g *Gate) start(out []Effect) []Effect {
	out = append(out, g.snapshot())
	for ch := range g.arrived {
		if g.blocked[ch] {
			out = append(out, Effect{Kind: Pass, Channel: ch})
		} else {
			out = append(out, Effect{Kind: Capture, Channel: ch, Checkpoint: g.current, More: !g.ended[ch]})
		}
	}
	return out
}

func (g *Gate) snapshot() Effect {
	return Effect{Kind: Snapshot, Checkpoint: g.current, Unaligned: g.unaligned, Time: g.time, Timeout: g.timeout}
}

func (g *Gate) complete(out []Effect) []Effect {
	if !g.pending || g.count < len(g.arrived) {
		return out
	}
	g.pending = false
	out = g.stopTimer(out)
	if !g.unaligned {
		out = append(out, g.snapshot())
	}
	out = append(out, Effect{Kind: Complete, Checkpoint: g.current})
	return g.release(out)
}

// release unblocks what alignment blocked, in channel order.
func (g *Gate) release(out []Effect) []Effect {
	for ch, waits := range g.blocked {
		if waits {
			g.blocked[ch] = false
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
	out = g.stopTimer(out)
	out = append(out, Effect{Kind: Abort, Checkpoint: g.current, Why: why})
	for ch, here := range g.arrived {
		if g.unaligned && !here {
			out = append(out, Effect{Kind: Stop, Channel: ch})
		}
	}
	return g.release(out)
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
		g.announced[in.Channel] = false
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
	for ch, waits := range g.announced {
		must.That(!waits || !g.pending || !g.unaligned && !g.arrived[ch], "B3: barrier %d waits on channel %d for nothing", g.current, ch)
	}
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
		switch {
		case here:
		case g.announced[ch]:
			missing = append(missing, fmt.Sprintf("%d (announced)", ch))
		default:
			missing = append(missing, fmt.Sprint(ch))
		}
	}
	word := "aligning"
	if g.unaligned {
		word = "overtaking"
	}
	return fmt.Sprintf("%s %d, waits for %s", word, g.current, strings.Join(missing, " "))
}
