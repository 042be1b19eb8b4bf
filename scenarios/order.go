package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/model"
)

// Order is what of the order of committed lines a scenario declares.
type Order uint8

// The orders.
const (
	// Multiset is none: the lines must be those of the model.
	Multiset Order = iota
	// PerKey is that of the lines of each key.
	PerKey
	// Witnessed is PerKey for some lines. The others say in which order their operator
	// took its records, and must be what it makes of them in that order.
	Witnessed
)

func (o Order) String() string { return [...]string{"multiset", "per-key order", "witnessed"}[o] }

// MarshalText implements encoding.TextMarshaler.
func (o Order) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// beforeNumber is the key of lines that end in a number, of all that comes before it.
func beforeNumber(line string) (key string, witnessed bool) {
	return line[:max(0, strings.LastIndexByte(line, '\t'))], false
}

// keyed splits off the lines that are witnessed, and gives the others their keys.
func (s *Scenario) keyed(lines []string) (keyed []model.KeyedLine, witnessed []string) {
	keyed = make([]model.KeyedLine, 0, len(lines))
	for _, line := range lines {
		key, w := s.Key(line)
		if w {
			witnessed = append(witnessed, line)
			continue
		}
		keyed = append(keyed, model.KeyedLine{Key: key, Line: line})
	}
	return keyed, witnessed
}

// expected is what a run must commit.
type expected struct {
	lines []string
	keyed []model.KeyedLine // unless the order is Multiset
	in    int64             // records of the input
	err   error
}

// reference is what the job must commit for an input. It is an error if the job leaves
// open an order that the scenario declares.
func (s *Scenario) reference(g *graph.Graph, data []byte) (*expected, error) {
	x := &expected{}
	inputs := map[string][]model.Record{}
	for _, n := range g.Nodes {
		if n.Kind == graph.Source {
			inputs[n.UID] = lineRecords(model.Lines(data))
			x.in += int64(len(inputs[n.UID]))
		}
	}
	if s.unmodelled() {
		return x, nil
	}
	out, err := model.InterpretAt(g, inputs, s.Clock)
	if err != nil {
		return nil, fmt.Errorf("reference output: %w", err)
	}
	sink := out.Sink(SinkUID)
	keyed := &model.SinkOutput{UID: SinkUID}
	for i, line := range sink.Lines {
		line = strings.TrimSuffix(line, "\n")
		x.lines = append(x.lines, line)
		if s.Order == Multiset {
			continue
		}
		if _, witnessed := s.Key(line); !witnessed {
			keyed.Lines, keyed.Chains = append(keyed.Lines, line), append(keyed.Chains, sink.Chains[i])
		}
	}
	x.keyed, err = keyed.KeyedBy(func(line string) string {
		key, _ := s.Key(line)
		return key
	})
	return x, err
}

// output is what a run has committed.
type output struct {
	lines []string // each sink subtask's in commit order
	// accepted are those that an earlier run had committed for checkpoints after the
	// one that this one started from.
	accepted []string
}

// committed reads what is committed, but for files of those names apart.
func committed(fsys fs.FS, accepted []file.Part) (*output, error) {
	parts, err := file.ReadCommitted(fsys, OutputDir, SinkUID)
	if err != nil {
		return nil, err
	}
	return outputOf(parts, accepted), nil
}

// outputOf tells the lines of accepted files from the others'.
func outputOf(parts, accepted []file.Part) *output {
	o := &output{}
	for _, p := range without(parts, accepted) {
		o.lines = append(o.lines, p.Lines...)
	}
	for _, p := range parts {
		if hasFile(accepted, p.Name) {
			o.accepted = append(o.accepted, p.Lines...)
		}
	}
	return o
}

// without is files but for those of the names of some.
func without(parts, some []file.Part) []file.Part {
	return slices.DeleteFunc(slices.Clone(parts), func(p file.Part) bool { return hasFile(some, p.Name) })
}

func hasFile(parts []file.Part, name string) bool {
	return slices.ContainsFunc(parts, func(p file.Part) bool { return p.Name == name })
}

func (o *output) records() int64 { return int64(len(o.lines) + len(o.accepted)) }

// judged is what a run's committed lines are compared with.
type judged struct {
	graph    *graph.Graph
	want     *expected
	accepted []file.Part // of an earlier run, which the user accepts to be there again
	cuts     *cuts
	licences *licences
}

// compare says what is wrong with committed lines, and counts what is there more
// often than once: lines that the user accepted, and what licences allow.
func (s *Scenario) compare(j *judged, got *output) (wrong []string, twice int64) {
	var accepted []string
	for _, p := range j.accepted {
		accepted = append(accepted, p.Lines...)
	}
	wrong = model.CheckMultiset(accepted, got.accepted).Messages(nil)
	twice = int64(len(got.accepted))
	if s.unmodelled() {
		return wrong, twice
	}
	if j.licences.any() && s.Repeats != nil {
		again, extra := s.Repeats(j.graph, j.want.lines, got.lines, j.licences)
		return append(wrong, again...), twice + extra
	}
	if s.Order == Multiset {
		d := model.CheckMultiset(j.want.lines, got.lines)
		return append(wrong, d.Messages(nil)...), twice + duplicated(d)
	}
	keyed, rows := s.keyed(got.lines)
	d := model.CheckPerKeyOrder(j.want.keyed, keyed)
	wrong = append(wrong, d.Messages(nil)...)
	if s.Order == Witnessed {
		w := s.Witnessed(j.graph)
		channels, err := j.cuts.channels(w)
		if err != nil {
			return append(wrong, err.Error()), twice
		}
		w.Channels = channels
		wrong = append(wrong, model.CheckWitnessed(w, rows)...)
	}
	return wrong, twice + duplicated(d)
}

// duplicated counts lines that were committed more often than once.
func duplicated(d *model.Diff) int64 {
	if d == nil {
		return 0
	}
	return int64(d.Lines[model.Duplicated])
}

// channels is what each channel to a witnessed operator brings, by what the sources'
// subtasks have to read.
func (cs *cuts) channels(w *model.Witnessed) (out []model.WitnessedChannel, err error) {
	if cs.newest == nil {
		return nil, errors.New("the job has ended, and no checkpoint of it has completed")
	}
	for _, e := range w.Node.Inputs {
		feeder := model.Feeder(e)
		if feeder == nil {
			return nil, fmt.Errorf("what %q sends to %q is not decided by a source", e.From.UID, w.Node.UID)
		}
		for from := range feeder.Parallelism {
			var lines []string // none for a subtask without a split
			if pos, ok := position(cs.newest, feeder.UID, from); ok {
				lines = model.LinesIn(cs.input, pos.Start, pos.End)
			}
			out = append(out, w.Bring(e, from, lineRecords(lines))...)
		}
	}
	return out, nil
}
