package simtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/stream"
)

// Step is one thing that comes to an operator: see [Record], [Watermark] and [Clock].
type Step struct {
	kind  stepKind
	value any
	at    int64
	input int
}

type stepKind uint8

const (
	recordStep stepKind = iota
	watermarkStep
	clockStep
)

// Record is a record of an event time in milliseconds, stream.NoTime for none.
func Record(v any, at int64) Step { return Step{kind: recordStep, value: v, at: at} }

// Watermark says that no record of an earlier event time comes on this input.
func Watermark(at int64) Step { return Step{kind: watermarkStep, at: at} }

// Clock sets the wall clock, in milliseconds since the Unix epoch; it is 0 before.
func Clock(at int64) Step { return Step{kind: clockStep, at: at} }

func (s Step) String() string {
	side := [...]string{"", " of the first input", " of the second input"}[s.input]
	switch s.kind {
	case watermarkStep:
		return fmt.Sprintf("watermark %d%s", s.at, side)
	case clockStep:
		return fmt.Sprintf("the clock is %d", s.at)
	}
	if s.at == stream.NoTime {
		return fmt.Sprintf("record %#v%s", s.value, side)
	}
	return fmt.Sprintf("record %#v at %d%s", s.value, s.at, side)
}

// OperatorCase is an operator with one input and what comes to it.
type OperatorCase[T, U any] struct {
	// Of adds the operator, and nothing else but a KeyBy, to a stream. It is called
	// afresh for each instance, as a job function is.
	Of func(in engine.Stream[T]) engine.Stream[U]
	// Codec is that of T, if none is built in.
	Codec codec.Codec[T]
	Steps []Step
	// Want is the output, nil if it is only compared with that of the plain run.
	Want []U
}

// TwoInputsCase is an operator with two inputs and what comes to each.
type TwoInputsCase[A, B, U any] struct {
	// Of adds the operator, and nothing else but KeyBys, to two streams. It is called
	// afresh for each instance, as a job function is.
	Of func(first engine.Stream[A], second engine.Stream[B]) engine.Stream[U]
	// Codecs are those of A and B, if none is built in.
	CodecA        codec.Codec[A]
	CodecB        codec.Codec[B]
	First, Second []Step
	// Want is the output in any order, whichever input comes first; nil if the output
	// may depend on that.
	Want []U
}

// Operator runs one operator of the engine by itself and fails the test where what it
// makes depends on what must not matter. However its steps come, output and state must
// be those of the plain run:
//
//   - with room for one record of output at a time, so that it is interrupted after
//     each, between two timers of one watermark too;
//   - with a snapshot after any record or timer that is restored into a fresh instance,
//     which goes on; the watermark so far comes to it again first;
//   - with a snapshot that is written and restored only after the first instance has
//     gone on to the end: what it did since must not be in it;
//   - with a restore after each.
//
// A failure shows the fewest steps that fail.
func Operator[T, U any](t testing.TB, c OperatorCase[T, U]) {
	t.Helper()
	text, err := CheckOperator(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(text)
}

// CheckOperator is [Operator] without a test: it says how much it tried, or what is
// wrong.
func CheckOperator[T, U any](c OperatorCase[T, U]) (string, error) {
	if c.Of == nil {
		return "", errors.New("simtest: OperatorCase.Of is nil; it must add an operator")
	}
	p := &prober{inputs: 1, make: func() (*instance, error) {
		return newInstance[U](func(j *engine.Job) engine.Stream[U] { return c.Of(given(j, "in", c.Codec)) },
			taker[T])
	}}
	return p.probe([][]Step{c.Steps}, text(c.Want), false)
}

// TwoInputs does what [Operator] does for each order in which the two inputs can come:
// all of them if they are few, else some, drawn, as it then says.
func TwoInputs[A, B, U any](t testing.TB, c TwoInputsCase[A, B, U]) {
	t.Helper()
	text, err := CheckTwoInputs(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(text)
}

// CheckTwoInputs is [TwoInputs] without a test.
func CheckTwoInputs[A, B, U any](c TwoInputsCase[A, B, U]) (string, error) {
	if c.Of == nil {
		return "", errors.New("simtest: TwoInputsCase.Of is nil; it must add an operator")
	}
	p := &prober{inputs: 2, seed: *seedFlag, make: func() (*instance, error) {
		return newInstance[U](func(j *engine.Job) engine.Stream[U] {
			return c.Of(given(j, "first", c.CodecA), given(j, "second", c.CodecB))
		}, taker[A], taker[B])
	}}
	return p.probe([][]Step{side(c.First, 1), side(c.Second, 2)}, text(c.Want), true)
}

// side is steps of one of two inputs.
func side(steps []Step, input int) []Step {
	steps = slices.Clone(steps)
	for i := range steps {
		steps[i].input = input
	}
	return steps
}

// text is values as they are compared, nil for nil.
func text[U any](values []U) []string {
	if values == nil {
		return nil
	}
	all := []string{}
	for _, v := range values {
		all = append(all, shownAs(v))
	}
	return all
}

func shownAs(v any) string { return fmt.Sprintf("%#v", v) }

// outcome is what a run of an operator made.
type outcome struct {
	output []string
	state  []string
	err    error
}

func (o *outcome) equal(p *outcome) bool {
	return slices.Equal(o.output, p.output) && slices.Equal(o.state, p.state) && (o.err == nil) == (p.err == nil)
}

// differ says how an outcome is not what it should be.
func differ(got, want *outcome) string {
	var b strings.Builder
	part := func(name string, got, want []string) {
		if slices.Equal(got, want) {
			return
		}
		fmt.Fprintf(&b, "  %-8s %s\n  %-8s %s\n", name, list(got), "must be", list(want))
	}
	part("output", got.output, want.output)
	part("state", got.state, want.state)
	if (got.err == nil) != (want.err == nil) {
		fmt.Fprintf(&b, "  %-8s %v\n  %-8s %v\n", "error", got.err, "must be", want.err)
	}
	return b.String()
}

func list(all []string) string {
	if len(all) == 0 {
		return "(nothing)"
	}
	return strings.Join(all, ", ")
}

// millis is a wall clock in the engine's unit.
func millis(at int64) int64 { return at * int64(time.Millisecond) }
