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
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/model"
)

// twoInputs counts words of two sources, each of which passes on its half of the
// lines, once over their union and once in an operator with two inputs. Something is
// always slow, so that one channel of an operator waits for another to be aligned.
func twoInputs() *Scenario {
	return &Scenario{
		Name:         "two-inputs",
		Promise:      "every count over two sources of different speed is committed exactly once, by way of a union and of an operator with two inputs, whose rows follow from the order in which they say it took them; at least once, a word is counted again only for what a restored checkpoint had taken behind a barrier",
		Modes:        []Mode{Aligned, AtLeastOnce, Unaligned, Timeout},
		Order:        Witnessed,
		Key:          twoInputsKey,
		Witnessed:    twoInputsWitnessed,
		Repeats:      twoInputsRepeats,
		Faults:       allFaults,
		Job:          twoInputsJob,
		DefaultInput: text,
		Configure:    brisk(2),
		Slow:         []string{"left", "right", "both"},
		AlwaysSlow:   true,
		Output:       sidesOfWords,
	}
}

// sighting is a word that a line has, counted once, and the hash of that line, by which
// two-inputs tells records of a word apart.
type sighting = codec.Pair[Count, uint64]

func twoInputsJob(pace Pace) func(*engine.Job) {
	return func(j *engine.Job) {
		left, right := half(j, "left", pace, 0), half(j, "right", pace, 1)
		word := func(s sighting) string { return s.First.First }
		count := engine.Reduce(engine.KeyBy(engine.Union(left, right), word), "count", addSightings)
		text := engine.Map(count, "text", func(s sighting) string { return "union\t" + s.First.First + "\t" + decimal(s.First.Second) })
		both := engine.CoProcess(engine.Connect(engine.KeyBy(left, word), engine.KeyBy(right, word)), "both", newSides)
		engine.ToSink(engine.Union(text, both), SinkUID, file.Sink(OutputDir, file.Line))
	}
}

var (
	countCodec    = codec.PairOf[string, uint64](codec.String{}, codec.Uint64{})
	sightingCodec = codec.PairOf[Count, uint64](countCodec, codec.Uint64{})
)

func addCounts(acc, c Count) Count { return Count{First: acc.First, Second: acc.Second + c.Second} }

// addSightings forgets the lines: their order is nobody's.
func addSightings(acc, s sighting) sighting { return sighting{First: addCounts(acc.First, s.First)} }

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// half is the words of one half of the lines.
func half(j *engine.Job, uid string, pace Pace, which uint32) engine.Stream[sighting] {
	return engine.FlatMap(linesOf(j, uid, pace), uid+" words", func(line string, emit func(sighting)) {
		hash := lineHash(line)
		if hash&1 != which {
			return
		}
		for w := range words(line) {
			emit(sighting{First: Count{First: w, Second: 1}, Second: uint64(hash)})
		}
	}, engine.WithCodec(sightingCodec))
}

// endOfInput is behind every event time of an input.
const endOfInput = 1 << 60

// sides counts a word by source. Each time it emits both counts and the hash of the
// line, which bears witness to the order in which it took its inputs, and both counts
// once more at the end of the input.
type sides struct{ left, right *engine.ValueState[uint64] }

func newSides() engine.CoProcessFunction[string, sighting, sighting, string] { return &sides{} }

// Open implements engine.CoProcessFunction, as do the methods below.
func (s *sides) Open(states *engine.States[string]) {
	s.left, s.right = engine.NewValueState[uint64](states, "left"), engine.NewValueState[uint64](states, "right")
}

// ProcessA implements engine.CoProcessFunction.
func (s *sides) ProcessA(ctx *engine.Context[string, string], v sighting) error {
	return s.add(ctx, s.left, v)
}

// ProcessB implements engine.CoProcessFunction.
func (s *sides) ProcessB(ctx *engine.Context[string, string], v sighting) error {
	return s.add(ctx, s.right, v)
}

func (s *sides) add(ctx *engine.Context[string, string], side *engine.ValueState[uint64], v sighting) error {
	n, _ := side.Get()
	side.Set(n + v.First.Second)
	left, _ := s.left.Get()
	right, _ := s.right.Get()
	ctx.SetEventTimer(endOfInput)
	ctx.Emit("both\t" + ctx.Key() + "\t" + decimal(left) + "\t" + decimal(right) + "\t" + decimal(v.Second))
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

// The kinds of committed lines.
const (
	unionRow = "union" // union<TAB>word<TAB>count
	sumRow   = "both"  // both<TAB>word<TAB>left<TAB>right<TAB>hash of the line
	endRow   = "sides" // sides<TAB>word<TAB>left<TAB>right
)

// bothRow is a committed line; one of the union has one number.
type bothRow struct {
	kind, word string
	n          [2]int64
	id         uint64
}

// input is the input that the row's record came from.
func (r bothRow) input() int { return int(r.id & 1) }

// readTwoInputs reads a committed line.
func readTwoInputs(line string) (bothRow, error) {
	f := strings.Split(line, "\t")
	fields := map[string]int{unionRow: 3, sumRow: 5, endRow: 4}[f[0]]
	if fields == 0 || len(f) != fields {
		return bothRow{}, notTwoInputs(line)
	}
	r := bothRow{kind: f[0], word: f[1]}
	for i, text := range f[2:min(fields, 4)] {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return bothRow{}, notTwoInputs(line)
		}
		r.n[i] = n
	}
	if r.kind == sumRow {
		id, err := strconv.ParseUint(f[4], 10, 64)
		if err != nil {
			return bothRow{}, notTwoInputs(line)
		}
		r.id = id
	}
	return r, nil
}

func notTwoInputs(line string) error {
	return fmt.Errorf("committed line %q is no count of the union, no pair of counts with a line's hash, and no pair at the end", line)
}

// sidesOfWords is each word with its count in either half, sorted.
func sidesOfWords(committed []string) ([]string, error) {
	ends := map[string][2]int64{}
	for _, line := range committed {
		r, err := readTwoInputs(line)
		if err != nil {
			return nil, err
		}
		if before := ends[r.word]; r.kind == endRow {
			ends[r.word] = [2]int64{max(before[0], r.n[0]), max(before[1], r.n[1])}
		}
	}
	var out []string
	for word, n := range ends { // unordered: sorted below
		out = append(out, fmt.Sprintf("%s\t%d\t%d", word, n[0], n[1]))
	}
	slices.Sort(out)
	return out, nil
}

// twoInputsWitnessed is how rows of the operator with two inputs say in which order it
// took its records.
func twoInputsWitnessed(g *graph.Graph) *model.Witnessed {
	id := func(v any) uint64 { return v.(sighting).Second }
	return &model.Witnessed{Node: g.Node("both"), ID: id, Row: func(row string) (w model.Witness, timer bool, err error) {
		r, err := readTwoInputs(row)
		return model.Witness{
			Key: r.word, Input: r.input(), ID: r.id,
			Value: sighting{First: Count{First: r.word, Second: 1}, Second: r.id},
		}, r.kind == endRow, err
	}}
}

// twoInputsKey is what lines of the union that must be in order have in common; rows
// with a witness have none.
func twoInputsKey(line string) (key string, witnessed bool) {
	if !strings.HasPrefix(line, unionRow+"\t") {
		return "", true
	}
	return line[:max(0, strings.LastIndexByte(line, '\t'))], false
}
