package barrier_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/weirstream/weir/engine/barrier"
	"github.com/weirstream/weir/engine/golden"
	"github.com/weirstream/weir/engine/must"
)

func TestGolden(t *testing.T) {
	golden.Run(t, "testdata/*.txt", func() golden.Bench {
		b := &bench{}
		return b.play
	})
}

// bench holds the gate of one file.
//
//	gate channels=N [last=ID] [mode=at-least-once]   a new gate, or tracker
//	feed                        lines "channel input": |7 ~7 !7 ?7 x7 end; or "timeout 7"
//	refuse                      the same, given to Refuse
//	every [channels=N] [last=ID] [inputs=timeout]  what each input does to a gate that was
//	                            fed the lines; with inputs=timeout those of barriers with one
type bench struct{ gate barrier.Handler }

func (b *bench) play(c golden.Command) string {
	switch c.Name {
	case "gate":
		b.gate = newGate(c)
		return b.gate.String()
	case "feed", "refuse":
		var out []string
		for _, line := range c.Lines {
			in := parse(line)
			step := b.gate.Step
			if c.Name == "refuse" {
				step = b.gate.Refuse
			}
			out = append(out, row(line, try(step, in)))
		}
		return strings.Join(append(out, b.gate.String()), "\n")
	case "every":
		return every(c)
	}
	return "unknown command " + c.Name
}

func newGate(c golden.Command) barrier.Handler {
	channels, err := strconv.Atoi(c.Value("channels"))
	if err != nil {
		panic(err)
	}
	last, _ := strconv.ParseUint("0"+c.Value("last"), 10, 64)
	if c.Value("mode") == "at-least-once" {
		return barrier.NewTracker(channels, last)
	}
	return barrier.NewGate(channels, last)
}

// every gives each input to a gate of its own that was fed the lines of c.
func every(c golden.Command) string {
	prepared := func() barrier.Handler {
		g := newGate(c)
		for _, line := range c.Lines {
			g.Step(parse(line), nil)
		}
		return g
	}
	out := []string{prepared().String()}
	inputs := []string{"|", "!", "x", "end", "refuse |"}
	if c.Value("inputs") == "timeout" {
		inputs = []string{"?", "~", "!", "timeout ", "x", "end", "refuse ?"}
	}
	for _, what := range inputs {
		for _, id := range []string{"6", "7", "8"} {
			if what == "end" {
				if id != "6" {
					continue
				}
				id = ""
			}
			for _, ch := range []string{"0 ", "1 "} {
				if what == "timeout " {
					if ch != "0 " {
						continue
					}
					ch = ""
				}
				g := prepared()
				text, step := what, g.Step
				if bar, ok := strings.CutPrefix(what, "refuse "); ok {
					text, step = bar, g.Refuse
				}
				answer := try(step, parse(ch+text+id))
				if answer != "BUG" {
					answer += "; " + g.String()
				}
				out = append(out, row(ch+what+id, answer))
			}
		}
	}
	return strings.Join(out, "\n")
}

// try is the text of the effects of a step, or BUG.
func try(step func(barrier.Input, []barrier.Effect) []barrier.Effect, in barrier.Input) (text string) {
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
	for _, e := range step(in, nil) {
		words = append(words, e.String())
	}
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, ", ")
}

func row(left, right string) string { return fmt.Sprintf("%-12s %s", left, right) }

// parse reads "channel input" back from the notation of Input.String.
func parse(line string) barrier.Input {
	ch, text, _ := strings.Cut(line, " ")
	if ch == "timeout" {
		ch, text = "0", line
	}
	n, err := strconv.Atoi(ch)
	if err != nil {
		panic(err)
	}
	in := barrier.Input{Channel: n}
	switch {
	case text == "end":
		in.Kind = barrier.End
		return in
	case strings.HasPrefix(text, "timeout "):
		in.Kind = barrier.Timeout
	case text[0] == '?':
		in.Kind, in.Timeout = barrier.Announce, 100
	case text[0] == '~':
		in.Timeout = 100
	case text[0] == '!':
		in.Unaligned = true
	case text[0] == 'x':
		in.Kind = barrier.Cancel
	}
	if in.Checkpoint, err = strconv.ParseUint(strings.TrimLeft(text, "|~!?x timeou"), 10, 64); err != nil {
		panic(err)
	}
	if in.String() != text {
		panic("input " + text + " prints as " + in.String())
	}
	return in
}
