package master

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weirstream/weir/engine/checkpoint"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/golden"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/must"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/engine/task"
)

func TestGolden(t *testing.T) {
	golden.Run(t, "testdata/*.txt", func() golden.Bench {
		b := &bench{}
		return b.play
	})
}

// bench drives one JobManager. Its job is src -> sink, both with two subtasks, on
// workers with a slot each. Checks come every 1s, restarts after 2s, ticks every
// 3s, checkpoints expire after 4s, and a worker is lost after 5s of silence.
//
//	jm [restarts=N] [tolerable=N]   a new one, started; it tolerates any failed
//	                  checkpoints unless told
//	step              what follows from each line, then what the job waits for
//	every             what each input does to one that took the lines
//
// Inputs, where an attempt is the current one unless it is given:
//
//	heartbeat tm1 [process=N] [tasks=STATE|none] [attempt=E.N] [cause=input]
//	ack N of TASK [attempt=E.N]   TASK as in src/0, or all; writes its file first
//	decline N of TASK [attempt=E.N]
//	work [fails: io|input|corrupt|panic]   the oldest work that was asked for
//	timer 1s                               the oldest timer with that delay
//	silence 5s                             time passes
type bench struct {
	jm    *JobManager
	fs    *memory
	now   time.Duration
	works []host.Effect
	wait  []host.Effect // timers
	log   []string
}

func newBench(c golden.Command) *bench {
	b := &bench{fs: newMemory()}
	restarts := -1
	if s := c.Value("restarts"); s != "" {
		restarts, _ = strconv.Atoi(s)
	}
	tolerable := checkpoint.Unlimited
	if s := c.Value("tolerable"); s != "" {
		tolerable, _ = strconv.Atoi(s)
	}
	b.jm = New(jobGraph(), &Settings{
		Job: "job", HADir: "ha", CheckpointDir: "chk", RestartAttempts: restarts,
		Checkpoints:      checkpoint.Limits{Interval: 3 * time.Second, Timeout: 4 * time.Second, Retained: 2, Tolerable: tolerable},
		HeartbeatTimeout: 5 * time.Second, Check: time.Second, RestartDelay: 2 * time.Second, Chaining: true,
	})(b).(*JobManager)
	b.input(&host.Input{Kind: host.Start})
	return b
}

func jobGraph() *graph.Graph {
	splits := func(host.Worker, int) ([]connect.Split, error) { return []connect.Split{{1}, {2}, {3}}, nil }
	src := &graph.Node{UID: "src", Kind: graph.Source, Parallelism: 2, MaxParallelism: 128, Runtime: operator.Runtime{Splits: splits}}
	sink := &graph.Node{UID: "sink", Kind: graph.Sink, Parallelism: 2, MaxParallelism: 128, Committing: true,
		Inputs: []*graph.Edge{{From: src, Partitioner: graph.Hash}}}
	return &graph.Graph{Nodes: []*graph.Node{src, sink}}
}

// Self implements host.Env, as do the two below.
func (b *bench) Self() host.Address { return host.Address{Node: "jm", Name: Name} }

func (b *bench) Rand(string) *rand.Rand { panic("the JobManager draws nothing") }

func (b *bench) Listener() host.Listener { return b }

// On implements host.Listener.
func (b *bench) On(e *host.Event) {
	if e.Kind == host.AckCounted {
		return
	}
	words := []string{e.Kind.String()}
	if e.Subject != Name {
		words = append(words, e.Subject)
	}
	if e.Checkpoint > 0 {
		words = append(words, strconv.FormatUint(e.Checkpoint, 10))
	}
	s := strings.Join(words, " ")
	if e.Cause != host.CauseNone {
		s += " (" + e.Cause.String() + ")"
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	b.log = append(b.log, "["+s+"]")
}

func (b *bench) play(c golden.Command) string {
	switch c.Name {
	case "jm":
		*b = *newBench(c)
		b.jm.env = b
		return b.String()
	case "step":
		var out []string
		for _, line := range c.Lines {
			out = append(out, row(line, b.try(line)))
		}
		return strings.Join(append(out, b.String()), "\n")
	case "every":
		return every(c)
	}
	return "unknown command " + c.Name
}

// String is the state.
func (b *bench) String() string {
	return fmt.Sprintf("attempt %s, %s", b.jm.attempt, b.jm.Pending())
}

var inputs = []string{
	"heartbeat tm1 tasks=none", "heartbeat tm1 process=2", "heartbeat tm1 process=0", "heartbeat tm3",
	"heartbeat tm1 tasks=running", "heartbeat tm1 tasks=ended", "heartbeat tm1 tasks=failed",
	"heartbeat tm1 tasks=failed cause=input", "heartbeat tm1 tasks=failed attempt=1.9",
	"ack 1 of src/0", "ack 1 of src/0 attempt=1.9", "decline 1 of src/0", "decline 1 of src/0 attempt=1.9",
	"work", "work fails: io", "work fails: corrupt", "work fails: input",
	"timer 2s", "timer 3s", "timer 4s", "silence 5s",
}

func every(c golden.Command) string {
	prepared := func() *bench {
		b := newBench(c)
		for _, line := range c.Lines {
			b.try(line)
		}
		return b
	}
	out := []string{prepared().String()}
	for _, in := range inputs {
		b := prepared()
		answer := b.try(in)
		if answer != "BUG" && b.String() != out[0] {
			answer += " => " + b.String()
		}
		out = append(out, row(in, answer))
	}
	return strings.Join(out, "\n")
}

func row(left, right string) string { return fmt.Sprintf("%-41s %s", left, right) }

// try is what follows from an input, or BUG.
func (b *bench) try(line string) (text string) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case must.Violation:
			text = "BUG"
		default:
			panic(v)
		}
	}()
	b.log = nil
	b.take(golden.Command{Args: strings.Fields(line)})
	if len(b.log) == 0 {
		return "-"
	}
	return strings.Join(b.log, ", ")
}

func (b *bench) take(c golden.Command) {
	switch word := c.Args; word[0] {
	case "heartbeat":
		b.message(b.heartbeat(c))
	case "ack", "decline":
		id, err := strconv.ParseUint(word[1], 10, 64)
		must.That(err == nil, "%v", err)
		for _, t := range b.jm.tasks {
			if word[3] == "all" || word[3] == t.name {
				b.message(b.answer(word[0], id, t, b.attempt(c)))
			}
		}
	case "work":
		if len(b.works) == 0 {
			b.log = append(b.log, "(none)")
			return
		}
		e := b.works[0]
		b.works = b.works[1:]
		in := &host.Input{Kind: host.Done, Token: e.Token}
		if len(word) > 1 {
			in.Err = failures[word[2]]
		} else {
			in.Body, in.Err = e.Work(b.fs)
		}
		b.input(in)
	case "timer":
		for i, e := range b.wait {
			if e.After.String() == word[1] {
				b.wait = append(b.wait[:i:i], b.wait[i+1:]...)
				b.input(&host.Input{Kind: host.Timer, Token: e.Token})
				return
			}
		}
		b.log = append(b.log, "(none)")
	case "silence":
		d, err := time.ParseDuration(word[1])
		must.That(err == nil, "%v", err)
		b.now += d + 1
		b.take(golden.Command{Args: []string{"timer", "1s"}})
	default:
		panic("unknown input " + word[0])
	}
}

var failures = map[string]error{
	"io":      errors.New("disk on fire"),
	"input":   fmt.Errorf("input/data is gone: %w", connect.ErrInput),
	"corrupt": fmt.Errorf("chk/chk-1/_metadata: %w", fs.ErrCorrupt),
	"panic":   &host.PanicError{Value: "oops"},
}

func (b *bench) attempt(c golden.Command) stream.Attempt {
	a := b.jm.attempt
	if s := c.Value("attempt"); s != "" {
		_, err := fmt.Sscanf(s, "%d.%d", &a.Epoch, &a.Number)
		must.That(err == nil, "%v", err)
	}
	return a
}

// heartbeat is a worker's with all tasks that should run there, running unless
// the command says otherwise.
func (b *bench) heartbeat(c golden.Command) task.Heartbeat {
	h := task.Heartbeat{Worker: c.Args[1], Incarnation: 1, Slots: 1}
	if s := c.Value("process"); s != "" {
		h.Incarnation, _ = strconv.ParseInt(s, 10, 64)
	}
	states := map[string]task.State{"running": task.Running, "ended": task.Ended, "finished": task.Finished, "failed": task.Failed}
	state, ok := states[c.Value("tasks")]
	if !ok {
		return h
	}
	for _, t := range b.jm.tasks {
		if t.node != h.Worker {
			continue
		}
		s := task.Status{Attempt: b.attempt(c), ID: t.id, State: state}
		if state == task.Failed {
			s.Cause, s.Text = host.CauseUser, "oops"
			if c.Value("cause") == "input" {
				s.Cause = host.CauseInput
			}
		}
		h.Tasks = append(h.Tasks, s)
	}
	return h
}

func (b *bench) answer(kind string, id uint64, t taskInfo, a stream.Attempt) any {
	if kind == "decline" {
		return task.Decline{Attempt: a, Checkpoint: id, ID: t.id, Text: "disk full"}
	}
	name := fmt.Sprintf("task-%d-%d", t.id.Vertex, t.id.Subtask)
	dir := snapshot.Dir("chk", id)
	if b.fs.missing(dir) != nil {
		return task.Ack{Attempt: a, Checkpoint: id, ID: t.id}
	}
	size, sum, err := snapshot.WriteTask(b.fs, dir, name, &snapshot.TaskState{})
	must.That(err == nil, "%v", err)
	return task.Ack{Attempt: a, Checkpoint: id, ID: t.id, Task: snapshot.Task{File: name, Size: size, Sum: sum}}
}

func (b *bench) message(body any) { b.input(&host.Input{Kind: host.Message, Body: body}) }

// input gives the JobManager an input and keeps what it asks for.
func (b *bench) input(in *host.Input) {
	b.jm.env = b
	var out host.Outbox
	b.jm.Step(host.Now{Mono: b.now, Wall: int64(b.now)}, in, &out)
	for _, e := range out.Effects {
		switch e.Kind {
		case host.Send:
			text := fmt.Sprint(e.Body)
			if d, ok := e.Body.(task.Deploy); ok {
				text += deployed(d)
			}
			if n, ok := e.Body.(task.NotifyComplete); ok && n.Final {
				text += " final"
			}
			b.log = append(b.log, fmt.Sprintf("%s: %s", e.To.Node, text))
		case host.SetTimer:
			b.wait = append(b.wait, e)
			b.log = append(b.log, "timer "+e.After.String())
		case host.CancelTimer: // it may still arrive
			i := slices.IndexFunc(b.wait, func(w host.Effect) bool { return w.Token == e.Token })
			b.log = append(b.log, "cancel "+b.wait[i].After.String())
		case host.Offload:
			b.works = append(b.works, e)
			b.log = append(b.log, strings.TrimSpace(e.Lane+" work"))
		default:
			panic(fmt.Sprintf("unexpected effect %v", e.Kind))
		}
	}
}

// deployed says what each task starts from.
func deployed(d task.Deploy) string {
	var words []string
	for _, s := range d.Tasks {
		w := fmt.Sprintf("%d/%d", s.ID.Vertex, s.ID.Subtask)
		switch {
		case s.Checkpoint > 0:
			w += " from " + s.Dir + "/" + s.Restore.File
		case len(s.Splits) > 0:
			w += fmt.Sprintf(" with splits %v", s.Splits)
		}
		words = append(words, w)
	}
	return " (" + strings.Join(words, ", ") + ")"
}
