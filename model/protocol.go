package model

import (
	"fmt"
	"slices"
	"time"

	"github.com/weirstream/weir/engine/stream"
)

// ProtocolPlan is what a [Protocol] knows of the job.
type ProtocolPlan struct {
	Tasks []ProtocolTask
	// Channels names every channel of the job, such as "words->count 0->1".
	Channels    []string
	AtLeastOnce bool
	// AlignedTimeout is how long after its trigger a checkpoint's barriers begin to
	// overtake, 0 if they never begin.
	AlignedTimeout time.Duration
	// Interval is the time between two checkpoints' triggers, Timeout what one has
	// until its last acknowledgement.
	Interval, Timeout time.Duration
	// Slack is the longest time that a step, a message and the files of a checkpoint
	// take together while nothing is broken.
	Slack time.Duration
	// Word is the longest time until a task has heard what the JobManager says.
	Word time.Duration
}

// ProtocolTask is a task of the job.
type ProtocolTask struct {
	Name    string // such as "count/1"
	Source  bool
	In, Out []int // channels, as indexes of ProtocolPlan.Channels
	// Step is the longest time from when a timer of the task is due to the end of the step
	// in which it is handled, while nothing is broken.
	Step time.Duration
}

// Stand is where one end of a channel stands: Record records were sent or taken, and
// InFlight of them, or behind them, from number First on, are kept by this end.
type Stand struct{ Record, First, InFlight uint64 }

// Protocol is a monitor of the checkpoint protocol. It is told what tasks and
// JobManager do, as it happens, and its methods return what that breaks; each message
// begins with its rule. An event costs O(1), amortized, or O(1) for each channel that
// it tells of; memory grows by what completes and by commit tokens.
//
// What is said of an attempt that is not the current one, or by a process that is
// gone, is no one's to judge: the caller says which attempt an event is of, and leaves
// out what it can't know. Rules with a time in them are for attempts without trouble;
// see [Protocol.Disturbed].
type Protocol struct {
	plan    ProtocolPlan
	now     time.Duration
	commits CommitMonitor

	attempt  stream.Attempt
	restores uint64 // checkpoint that the attempt starts from, 0 for none
	doomed   bool   // the attempt will end: no time limit holds
	tasks    []taskMonitor
	channels []channelMonitor
	pace     paceMonitor
	due      []deadline // in order of their time
	aligned  alignmentMonitor
	pending  pendingMonitor
	over     uint64 // newest checkpoint that has completed or was given up
	ids      uint64 // newest checkpoint triggered in the attempt

	completed []completion // ascending
	stored    []*storedCheckpoint
	spare     []*storedCheckpoint
	wrong     []string
}

// taskMonitor is a task of the current attempt.
type taskMonitor struct {
	running, ended, finished bool

	in        []inputMonitor
	barrier   uint64 // newest sent
	cancel    uint64 // newest cancel marker sent
	owes      uint64 // oldest checkpoint of which it has to send a cancel marker, or the barrier
	events    int64  // sent when it was
	out       []Stand
	aligns    uint64 // newest checkpoint that it has begun to align, with a timeout
	switched  uint64 // newest whose alignment it has given up
	snapshot  uint64 // newest taken
	unaligned bool
	taken     []uint64 // from each channel, at that snapshot
	stored    uint64
	seen      uint64 // newest checkpoint that it has a trigger or barrier of
	notified  uint64 // newest that it knows to be complete
	told      uint64 // newest that it knows to be given up: those before are over, too
	answered  [answers]uint64
	answer    int // where the next goes
}

// answers is how many checkpoints that a task has stored or declined are remembered.
const answers = 8

// settle notes that the task has stored or declined a checkpoint.
func (t *taskMonitor) settle(id uint64) {
	t.answered[t.answer] = id
	t.answer = (t.answer + 1) % answers
}

func (t *taskMonitor) settled(id uint64) bool {
	return id <= t.told || slices.Contains(t.answered[:], id)
}

// inputMonitor is the consumer's end of a channel.
type inputMonitor struct {
	barrier, cancel uint64 // newest taken
	overtook        bool   // that barrier
	taken, arrived  uint64 // at that barrier
	restored        uint64 // end of what was restored, as a record number
	ended           bool
}

// channelMonitor has the barriers that were sent on a channel and not taken, in order
// of their ids.
type channelMonitor struct{ sent []sentBarrier }

type sentBarrier struct {
	id        uint64
	ahead     uint64 // records sent ahead of it
	unaligned bool
}

// pendingMonitor is the checkpoint under way, id 0 for none.
type pendingMonitor struct {
	id      uint64
	began   time.Duration // its timeout counts from here
	sealing bool
	final   bool // triggered after all tasks had ended
	acked   []bool
}

type completion struct {
	id      uint64
	attempt stream.Attempt
}

// storedCheckpoint is what the tasks have stored of a checkpoint.
type storedCheckpoint struct {
	id      uint64
	attempt stream.Attempt
	sealed  bool
	in, out [][]Stand // by task; nil if it has not stored
}

// NewProtocol makes a monitor of a job that has not been deployed.
func NewProtocol(plan ProtocolPlan) *Protocol {
	p := &Protocol{plan: plan, tasks: make([]taskMonitor, len(plan.Tasks)), channels: make([]channelMonitor, len(plan.Channels))}
	p.commits.AtLeastOnce = plan.AtLeastOnce
	p.pending.acked = make([]bool, len(plan.Tasks))
	for i, t := range plan.Tasks {
		p.tasks[i].in = make([]inputMonitor, len(t.In))
		p.tasks[i].taken = make([]uint64, len(t.In))
		p.tasks[i].out = make([]Stand, len(t.Out))
	}
	return p
}

// Known tells of a checkpoint that is complete before the run begins.
func (p *Protocol) Known(checkpoint uint64) { p.commits.Completed(checkpoint) }

// Lost tells that a completed checkpoint was damaged or is missing, as of [CommitMonitor].
func (p *Protocol) Lost(checkpoint uint64) { p.commits.Lost(checkpoint) }

// Discarded tells that a completed checkpoint was removed, as of [CommitMonitor].
func (p *Protocol) Discarded(checkpoint uint64) { p.commits.Discarded(checkpoint) }

// At tells the time, which must not go back, and says what should have happened.
func (p *Protocol) At(now time.Duration) []string {
	p.now = now
	if !p.doomed {
		p.checkTimes()
	}
	return p.take()
}

func (p *Protocol) say(rule, format string, args ...any) {
	p.wrong = append(p.wrong, rule+": "+fmt.Sprintf(format, args...))
}

// sayAll passes on what another monitor said.
func (p *Protocol) sayAll(rule string, texts []string) {
	for _, text := range texts {
		p.say(rule, "%s", text)
	}
}

func (p *Protocol) take() []string {
	w := p.wrong
	p.wrong = nil
	return w
}

func (p *Protocol) name(task int) string { return p.plan.Tasks[task].Name }

// input names a task's input channel.
func (p *Protocol) input(task, ch int) string { return p.plan.Channels[p.plan.Tasks[task].In[ch]] }

// output names a task's output channel.
func (p *Protocol) output(task, ch int) string { return p.plan.Channels[p.plan.Tasks[task].Out[ch]] }

// of is a task of the current attempt, nil if the event is of another attempt.
func (p *Protocol) of(task int, a stream.Attempt) *taskMonitor {
	if a != p.attempt {
		return nil
	}
	return &p.tasks[task]
}

// Disturbed tells that something has failed or crashed: the attempt will end, and
// nothing is demanded of it in time any more.
func (p *Protocol) Disturbed() { p.doomed = true }

// Led tells of a new leader, which knows of no checkpoint under way.
func (p *Protocol) Led() {
	p.doomed = true
	p.pending.id = 0
}

// Deploying tells that an attempt starts from a checkpoint, 0 for none.
func (p *Protocol) Deploying(a stream.Attempt, checkpoint uint64) []string {
	if !p.attempt.Before(a) {
		p.say("T11", "attempt %s is deployed after attempt %s", a, p.attempt)
	}
	p.sayAll("T10", p.commits.Restored(checkpoint))
	p.attempt, p.restores, p.doomed = a, checkpoint, false
	p.pending.id, p.ids, p.over = 0, 0, checkpoint
	p.due, p.pace = p.due[:0], paceMonitor{}
	p.aligned.due = p.aligned.due[:0]
	for i := range p.tasks {
		t := &p.tasks[i]
		clear(t.in)
		clear(t.out)
		clear(t.taken)
		*t = taskMonitor{in: t.in, out: t.out, taken: t.taken}
	}
	for i := range p.channels {
		p.channels[i].sent = p.channels[i].sent[:0]
	}
	return p.take()
}

// Restored tells what a task has put into its channels from a checkpoint: that must be
// what was stored (T14). InFlight of an input are the records in its queue.
func (p *Protocol) Restored(task int, a stream.Attempt, checkpoint uint64, in, out []Stand) []string {
	t := p.of(task, a)
	if t == nil {
		return nil
	}
	if checkpoint != p.restores {
		p.say("T14", "%s restored checkpoint %d, but attempt %s starts from checkpoint %d", p.name(task), checkpoint, a, p.restores)
	}
	for ch := range t.in {
		t.in[ch].restored = in[ch].Record + in[ch].InFlight
	}
	for _, s := range p.stored {
		if s.id == checkpoint && s.sealed && s.in[task] != nil {
			for ch := range in {
				p.sameStand(task, checkpoint, p.input(task, ch), s.in[task][ch], in[ch])
			}
			for ch := range out {
				p.sameStand(task, checkpoint, p.output(task, ch), s.out[task][ch], out[ch])
			}
		}
	}
	return p.take()
}

func (p *Protocol) sameStand(task int, checkpoint uint64, channel string, stored, restored Stand) {
	if stored.Record != restored.Record || stored.InFlight != restored.InFlight || stored.InFlight > 0 && stored.First != restored.First {
		p.say("T14", "%s restored %s at %s, but checkpoint %d has it at %s", p.name(task), channel, restored, checkpoint, stored)
	}
}

func (s Stand) String() string {
	if s.InFlight == 0 {
		return fmt.Sprintf("record %d", s.Record)
	}
	return fmt.Sprintf("record %d with %d in flight from %d on", s.Record, s.InFlight, s.First)
}

// Running tells that a task runs.
func (p *Protocol) Running(task int, a stream.Attempt) {
	if t := p.of(task, a); t != nil && !t.running {
		t.running = true
		if p.pace.running++; p.pace.running == len(p.tasks) {
			p.pace.started, p.pace.idle = p.now, p.now
		}
	}
}

// Ended tells that a task has seen the end of its input.
func (p *Protocol) Ended(task int, a stream.Attempt) {
	if t := p.of(task, a); t != nil && !t.ended {
		t.ended = true
		p.pace.ended++
	}
}

// Finished tells that a task is done.
func (p *Protocol) Finished(task int, a stream.Attempt) {
	if t := p.of(task, a); t != nil {
		t.finished = true
	}
}
