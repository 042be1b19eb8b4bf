package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/connect/file"
)

// twoInputs counts words of two sources, each of which passes on its half of the
// lines, once over their union and once in an operator with two inputs. Something is
// always slow, so that one channel of an operator waits for another to be aligned.
func twoInputs() *Scenario {
	return &Scenario{
		Name:         "two-inputs",
		Promise:      "every count over two sources of different speed is committed exactly once, by way of a union and of an operator with two inputs",
		Modes:        []Mode{Aligned, Unaligned},
		Faults:       allFaults,
		Job:          twoInputsJob,
		DefaultInput: text,
		CutContent:   true,
		Configure:    brisk(2),
		Slow:         []string{"left", "right", "both"},
		AlwaysSlow:   true,
		Output:       sidesOfWords,
	}
}

func twoInputsJob(pace Pace) func(*engine.Job) {
	return func(j *engine.Job) {
		left, right := half(j, "left", pace, 0), half(j, "right", pace, 1)
		word := func(c Count) string { return c.First }
		count := engine.Reduce(engine.KeyBy(engine.Union(left, right), word), "count", addCounts)
		text := engine.Map(count, "text", func(c Count) string { return "union\t" + c.First + "\t" + decimal(c.Second) })
		both := engine.CoProcess(engine.Connect(engine.KeyBy(left, word), engine.KeyBy(right, word)), "both", newSides)
		engine.ToSink(engine.Union(text, both), SinkUID, file.Sink(OutputDir, file.Line))
	}
}

var countCodec = codec.PairOf[string, uint64](codec.String{}, codec.Uint64{})

func addCounts(acc, c Count) Count { return Count{First: acc.First, Second: acc.Second + c.Second} }

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// half is the words of one half of the lines.
func half(j *engine.Job, uid string, pace Pace, which uint32) engine.Stream[Count] {
	return engine.FlatMap(linesOf(j, uid, pace), uid+" words", func(line string, emit func(Count)) {
		if lineHash(line)&1 != which {
			return
		}
		for w := range words(line) {
			emit(Count{First: w, Second: 1})
		}
	}, engine.WithCodec(countCodec))
}

// endOfInput is behind every event time of an input.
const endOfInput = 1 << 60

// sides counts a word by source, emits the sum each time, and both counts at the end
// of the input.
type sides struct{ left, right *engine.ValueState[uint64] }

func newSides() engine.CoProcessFunction[string, Count, Count, string] { return &sides{} }

// Open implements engine.CoProcessFunction, as do the methods below.
func (s *sides) Open(states *engine.States[string]) {
	s.left, s.right = engine.NewValueState[uint64](states, "left"), engine.NewValueState[uint64](states, "right")
}

// ProcessA implements engine.CoProcessFunction.
func (s *sides) ProcessA(ctx *engine.Context[string, string], c Count) error {
	return s.add(ctx, s.left, c)
}

// ProcessB implements engine.CoProcessFunction.
func (s *sides) ProcessB(ctx *engine.Context[string, string], c Count) error {
	return s.add(ctx, s.right, c)
}

func (s *sides) add(ctx *engine.Context[string, string], side *engine.ValueState[uint64], c Count) error {
	n, _ := side.Get()
	side.Set(n + c.Second)
	left, _ := s.left.Get()
	right, _ := s.right.Get()
	ctx.SetEventTimer(endOfInput)
	ctx.Emit("sum\t" + ctx.Key() + "\t" + decimal(left+right))
	return nil
}

// OnTimer implements engine.CoProcessFunction.
func (s *sides) OnTimer(ctx *engine.Context[string, string], _ engine.Timer) error {
	left, _ := s.left.Get()
	right, _ := s.right.Get()
	if left+right == 0 {
		return errors.New("the timer of a word that was never counted")
	}
	ctx.Emit("sides\t" + ctx.Key() + "\t" + decimal(left) + "\t" + decimal(right))
	return nil
}

// sidesOfWords is each word with its count in either half, sorted.
func sidesOfWords(committed []string) ([]string, error) {
	union, sum := map[string]uint64{}, map[string]uint64{}
	both := map[string][2]uint64{}
	for _, line := range committed {
		kind, rest, _ := strings.Cut(line, "\t")
		word, numbers, _ := strings.Cut(rest, "\t")
		a, b, two := strings.Cut(numbers, "\t")
		n, err := strconv.ParseUint(a, 10, 64)
		m := uint64(0)
		if two && err == nil {
			m, err = strconv.ParseUint(b, 10, 64)
		}
		switch {
		case err == nil && !two && kind == "union":
			union[word] = max(union[word], n)
		case err == nil && !two && kind == "sum":
			sum[word] = max(sum[word], n)
		case err == nil && two && kind == "sides":
			both[word] = [2]uint64{n, m}
		default:
			return nil, fmt.Errorf("committed line %q is no count of the union, no sum and no pair of sides", line)
		}
	}
	var out []string
	for word, n := range union { // unordered: sorted below
		sides := both[word]
		if sum[word] != n || sides[0]+sides[1] != n {
			return nil, fmt.Errorf("%q has count %d in the union, %d in the operator with two inputs, and %d and %d at its end", word, n, sum[word], sides[0], sides[1])
		}
		out = append(out, fmt.Sprintf("%s\t%d\t%d", word, sides[0], sides[1]))
	}
	slices.Sort(out)
	return out, nil
}
