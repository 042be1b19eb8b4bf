package scenarios

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/graph"
)

// timers counts words, as wordcount does, but holds counts back: those of a word come
// out when some are waiting, or by the clock, a while after the first of them, or at the
// end of the input. Which of these it is depends on the clock, and what comes out does
// not. A timer that fires early, late, twice or after it was deleted makes an alert.
func timers() *Scenario {
	return &Scenario{
		Name:         "timers",
		Promise:      "every count of every word is committed exactly once, though timers of the clock say when, and each timer fires once, when it is due, unless it was deleted; at least once, a word is counted again only for what a restored checkpoint had taken behind a barrier",
		Modes:        []Mode{Aligned, AtLeastOnce, Unaligned, Timeout},
		Faults:       allFaults,
		Job:          timersJob,
		DefaultInput: text,
		Clock:        func() int64 { return 0 },
		Configure:    brisk(2),
		Slow:         []string{"wait"},
		Order:        PerKey,
		Key:          beforeNumber,
		Repeats:      timersRepeats,
		Output:       unheldCounts,
	}
}

const (
	mostWaiting = 4       // counts of a word
	longestWait = 8       // ms, on the clock; less for some words
	lastCall    = 1 << 60 // ms of event time: the end of the input
	noTime      = lastCall - 1
)

func timersJob(pace Pace) func(*engine.Job) {
	return func(j *engine.Job) {
		each := engine.FlatMap(linesOf(j, "lines", pace), "words", func(line string, emit func(string)) {
			for w := range words(line) {
				emit(w)
			}
		})
		held := engine.Process(engine.KeyBy(each, func(word string) string { return word }), "wait", newWaiter)
		engine.ToSink(held, SinkUID, file.Sink(OutputDir, file.Line))
	}
}

// waiter counts a word and holds counts back.
type waiter struct {
	counted, out *engine.ValueState[uint64]
	// until is when the timer of the clock is due; none if there is none.
	until *engine.ValueState[int64]
}

func newWaiter() engine.ProcessFunction[string, string, string] { return &waiter{} }

// Open implements engine.ProcessFunction, as do the methods below.
func (w *waiter) Open(s *engine.States[string]) {
	w.counted = engine.NewValueState[uint64](s, "counted")
	w.out = engine.NewValueState[uint64](s, "out")
	w.until = engine.NewValueState[int64](s, "until")
}

// Process sets each timer twice, which is once.
func (w *waiter) Process(ctx *engine.Context[string, string], _ string) error {
	w.overdue(ctx)
	n, _ := w.counted.Get()
	w.counted.Set(n + 1)
	if _, waits := w.until.Get(); !waits {
		until := ctx.ProcessingTime() + longestWait - int64(len(ctx.Key())%longestWait)
		for range 2 {
			ctx.SetProcessingTimer(until)
			// At least once, a record may come again when this timer has fired.
			ctx.SetEventTimer(lastCall)
			ctx.SetEventTimer(noTime)
		}
		ctx.DeleteEventTimer(noTime)
		w.until.Set(until)
	}
	if out, _ := w.out.Get(); n+1-out == mostWaiting {
		w.release(ctx)
	}
	return nil
}

// OnTimer lets out what waits.
func (w *waiter) OnTimer(ctx *engine.Context[string, string], t engine.Timer) error {
	until, waits := w.until.Get()
	switch {
	case t.EventTime && t.At == lastCall:
		w.overdue(ctx)
	case t.EventTime || !waits || t.At != until:
		w.alert(ctx, "a timer at %d fires that was deleted, or had fired", t.At)
		return nil
	case ctx.ProcessingTime() < t.At:
		w.alert(ctx, "the timer at %d fires at %d", t.At, ctx.ProcessingTime())
	}
	w.release(ctx)
	return nil
}

// overdue says so if the timer should have fired before this.
func (w *waiter) overdue(ctx *engine.Context[string, string]) {
	if until, waits := w.until.Get(); waits && until <= ctx.ProcessingTime() {
		w.alert(ctx, "the timer at %d has not fired at %d", until, ctx.ProcessingTime())
	}
}

func (w *waiter) alert(ctx *engine.Context[string, string], format string, args ...any) {
	ctx.Emit("Alert: " + ctx.Key() + ": " + fmt.Sprintf(format, args...))
}

// release lets out all counts that wait, and deletes the timer.
func (w *waiter) release(ctx *engine.Context[string, string]) {
	n, _ := w.counted.Get()
	out, _ := w.out.Get()
	for out < n {
		out++
		ctx.Emit(ctx.Key() + "\t" + strconv.FormatUint(out, 10))
	}
	w.out.Set(out)
	if until, waits := w.until.Get(); waits {
		ctx.DeleteProcessingTimer(until)
		w.until.Clear()
	}
}

// timersRepeats: as of wordcount, and no alert has a licence.
func timersRepeats(g *graph.Graph, want, got []string, l *licences) ([]string, int64) {
	c := l.counting(g, "wait", "wait")
	unknown := l.values(func(v any) { c.known[v.(string)]++ }, "words->wait")
	var alerts []string
	reference, _ := splitCounts(want, func(string) bool { return true })
	lines, bad := splitCounts(got, func(line string) bool {
		if isAlert(line) {
			alerts = append(alerts, line)
		}
		return !isAlert(line)
	})
	wrong, extra := c.check(reference, lines)
	return l.verdict(alerts, bad, unknown, wrong), extra
}

func isAlert(line string) bool { return strings.HasPrefix(line, "Alert: ") }

// unheldCounts is the last count of each word, sorted. An alert is an error.
func unheldCounts(committed []string) ([]string, error) {
	for _, line := range committed {
		if isAlert(line) {
			return nil, fmt.Errorf("committed line %q is an alert", line)
		}
	}
	return lastCounts(committed)
}
