package checkpoint_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weirstream/weir/engine/checkpoint"
	"github.com/weirstream/weir/engine/golden"
	"github.com/weirstream/weir/engine/must"
	"github.com/weirstream/weir/engine/stream"
)

func TestGolden(t *testing.T) {
	golden.Run(t, "testdata/*.txt", func() golden.Bench {
		b := &bench{}
		return b.play
	})
}

// bench holds the coordinator of one file.
//
//	coordinator retained=N [mode=unaligned] [tolerable=N] [pause=DURATION]
//	         a new one: tick 1s, timeout 10s; it tolerates any failure unless told
//	step     lines as the String methods write inputs; besides
//	           start attempt E.N tasks=N next=ID completed=ID,ID
//	           ack ID of task N [of attempt E.N]
//	every    what each input does to a coordinator that took the lines
type bench struct {
	c       *checkpoint.Coordinator
	attempt stream.Attempt
}

// newBench makes the coordinator that a command describes.
func newBench(c golden.Command) *bench {
	retained, err := strconv.Atoi(c.Value("retained"))
	if err != nil {
		panic(err)
	}
	l := checkpoint.Limits{
		Interval: time.Second, Timeout: 10 * time.Second, Retained: retained, Unaligned: c.Value("mode") == "unaligned",
		Tolerable: checkpoint.Unlimited,
	}
	if s := c.Value("pause"); s != "" {
		l.MinPause, err = time.ParseDuration(s)
	}
	if s := c.Value("tolerable"); s != "" {
		l.Tolerable, err = strconv.Atoi(s)
	}
	if err != nil {
		panic(err)
	}
	return &bench{c: checkpoint.New(l)}
}

func (b *bench) play(c golden.Command) string {
	switch c.Name {
	case "coordinator":
		*b = *newBench(c)
		return b.String()
	case "step":
		var out []string
		for _, line := range c.Lines {
			short, _, _ := strings.Cut(line, " tasks=")
			out = append(out, row(short, b.try(line)))
		}
		return strings.Join(append(out, b.String()), "\n")
	case "every":
		return every(c)
	}
	return "unknown command " + c.Name
}

func (b *bench) String() string {
	switch p := b.c.Pending([]string{"map/0", "sink/0"}); {
	case p == "":
		return "idle"
	case b.c.Idle():
		return p
	default:
		return p + ", only the storage can end it"
	}
}

var inputs = []string{
	"start attempt 1.3 tasks=2 next=5 completed=4", "stop", "tick", "ended", "pause over",
	"located 1", "located 1: disk full",
	"ack 1 of task 0", "ack 1 of task 1", "ack 1 of task 1 of attempt 1.1", "ack 9 of task 1",
	"decline 1: not ready", "decline 1: not ready of attempt 1.1", "decline 9: not ready",
	"expire 1", "expire 9",
	"sealed 1", "unsealed 1: disk full", "unknown 1: no answer",
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
		short, _, _ := strings.Cut(in, " tasks=")
		out = append(out, row(short, answer))
	}
	return strings.Join(out, "\n")
}

// try is the text of what follows from an input, or BUG.
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
	var words []string
	for _, e := range b.c.Step(b.parse(line), nil) {
		words = append(words, e.String())
	}
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, ", ")
}

func row(left, right string) string { return fmt.Sprintf("%-35s %s", left, right) }

// parse reads an input back from its text; one that does not say of which attempt
// it is, is of the last that started.
func (b *bench) parse(line string) checkpoint.Input {
	attempt, text := b.attempt, line
	if before, of, ok := strings.Cut(line, " of attempt "); ok {
		attempt, text = parseAttempt(of), before
	}
	head, detail, _ := strings.Cut(text, ": ")
	words := strings.Fields(head)
	var id uint64
	if len(words) > 1 {
		id, _ = strconv.ParseUint(words[1], 10, 64)
	}
	var in checkpoint.Input
	switch words[0] {
	case "start":
		return b.parseStart(line)
	case "stop":
		in = checkpoint.Stop{}
	case "tick":
		in = checkpoint.Tick{}
	case "pause":
		in = checkpoint.PauseOver{}
	case "ended":
		in = checkpoint.Ended{}
	case "located":
		in = checkpoint.Located{Checkpoint: id, Err: detail}
	case "ack":
		n, _ := strconv.Atoi(words[4])
		in = checkpoint.Ack{Attempt: attempt, Checkpoint: id, Task: n}
	case "decline":
		d := checkpoint.Decline{Attempt: attempt, Checkpoint: id, Why: checkpoint.Declined, Reason: detail}
		for _, w := range []checkpoint.Why{checkpoint.DeclinedNotReady, checkpoint.DeclinedOnCancel, checkpoint.DeclinedSubsumed} {
			if strings.HasSuffix(w.String(), strings.Join(words[2:], " ")) && len(words) > 2 {
				d.Why = w
			}
		}
		in = d
	case "expire":
		in = checkpoint.Expire{Checkpoint: id}
	case "sealed":
		in = checkpoint.Sealed{Checkpoint: id}
	case "unsealed":
		in = checkpoint.Unsealed{Checkpoint: id, Err: detail}
	case "unknown":
		in = checkpoint.Unknown{Checkpoint: id, Err: detail}
	}
	if in.String() != text {
		panic(fmt.Sprintf("input %q prints as %q", text, in))
	}
	return in
}

func (b *bench) parseStart(line string) checkpoint.Input {
	c := golden.Command{Args: strings.Fields(line)}
	in := checkpoint.Start{Attempt: parseAttempt(c.Args[2])}
	in.Tasks, _ = strconv.Atoi(c.Value("tasks"))
	in.Next, _ = strconv.ParseUint(c.Value("next"), 10, 64)
	for _, s := range strings.FieldsFunc(c.Value("completed"), func(r rune) bool { return r == ',' }) {
		id, _ := strconv.ParseUint(s, 10, 64)
		in.Completed = append(in.Completed, id)
	}
	if !strings.HasPrefix(line, in.String()+" ") {
		panic(fmt.Sprintf("input %q prints as %q", line, in))
	}
	b.attempt = in.Attempt
	return in
}

func parseAttempt(s string) (a stream.Attempt) {
	if _, err := fmt.Sscanf(s, "%d.%d", &a.Epoch, &a.Number); err != nil {
		panic(err)
	}
	return a
}
