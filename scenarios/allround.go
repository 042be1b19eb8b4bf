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

// allround follows Flink's DataStreamAllroundTestProgram. Its stages have less and
// less parallelism, and two of them compare each event with what their state says
// the last one of its key was. What is not as it should be becomes an alert.
//
//	lines ▶ generate (keyed by range of keys) ▶ time ▶ map (keyed, timers) ▶ check (keyed) ▶ sink
func allround() *Scenario {
	return &Scenario{
		Name:         "allround",
		Promise:      "keyed state is always that of the event before, each event and timer comes once and in order of its key, and no alert is committed; at least once, an event comes again only if a restored checkpoint had taken it, or its line, behind a barrier",
		Modes:        []Mode{Aligned, AtLeastOnce, Unaligned, Timeout},
		Order:        PerKey,
		Key:          beforeNumber,
		Repeats:      allroundRepeats,
		Faults:       allFaults,
		Job:          allroundJob,
		DefaultInput: text,
		CutContent:   true,
		Configure:    brisk(4),
		Slow:         []string{"generate", "map", "check"},
		Output:       lastEvents,
	}
}

// The generated key space: each range deals its events to its keys in turn, so that
// event time, which counts the events of a key, never goes back within a range.
const (
	keyRanges    = 16
	keysPerRange = 8
	eventStep    = 10 // ms of event time between two events of a key
	lateness     = 50 // ms
	timerEvery   = 4  // events of a key
	timerAfter   = 25 // ms behind the event that sets it
)

// event is an event of a key and its number among those, from 1.
type event = codec.Pair[uint64, uint64]

// notice is an event, or with a text what a stage says of one.
type notice = codec.Pair[event, string]

var (
	eventCodec  = codec.PairOf[uint64, uint64](codec.Uint64{}, codec.Uint64{})
	noticeCodec = codec.PairOf[event, string](eventCodec, codec.String{})
)

// errNoTimer fails a task that fires a timer out of nothing.
var errNoTimer = errors.New("a timer that nobody has set")

func eventTime(e event) int64 { return int64(e.Second) * eventStep }

func allroundJob(pace Pace) func(*engine.Job) {
	return func(j *engine.Job) {
		ranges := engine.KeyBy(linesOf(j, "lines", pace), func(line string) uint64 { return uint64(lineHash(line) % keyRanges) })
		events := engine.Process(ranges, "generate", newGenerator, engine.WithCodec(eventCodec))
		text := checked(j, engine.Timestamps(events, "time", eventTime, lateness))
		engine.ToSink(text, SinkUID, file.Sink(OutputDir, file.Line), parallelismLess(j, 2))
	}
}

// parallelismLess is the job's parallelism less n, at least 1.
func parallelismLess(j *engine.Job, n int) engine.Option {
	return engine.Parallelism(max(1, j.Config().Parallelism-n))
}

// checked is the stages behind the generator.
func checked(j *engine.Job, events engine.Stream[event]) engine.Stream[string] {
	check := sequence{atLeastOnce: j.Config().AtLeastOnce}
	newMapper := func() engine.ProcessFunction[uint64, event, notice] { return &mapper{check} }
	newChecker := func() engine.ProcessFunction[uint64, notice, string] { return &checker{check} }
	mapped := engine.Process(engine.KeyBy(events, func(e event) uint64 { return e.First }), "map", newMapper,
		engine.WithCodec(noticeCodec), parallelismLess(j, 1))
	return engine.Process(engine.KeyBy(mapped, func(n notice) uint64 { return n.First.First }), "check", newChecker,
		parallelismLess(j, 2))
}

// generator makes an event of each line, for the keys of its range in turn.
type generator struct{ n *engine.ValueState[uint64] }

func newGenerator() engine.ProcessFunction[uint64, string, event] { return &generator{} }

// Open implements engine.ProcessFunction, as do the methods below.
func (g *generator) Open(s *engine.States[uint64]) { g.n = engine.NewValueState[uint64](s, "n") }

// Process implements engine.ProcessFunction.
func (g *generator) Process(ctx *engine.Context[uint64, event], _ string) error {
	n, _ := g.n.Get()
	g.n.Set(n + 1)
	ctx.Emit(event{First: ctx.Key()*keysPerRange + n%keysPerRange, Second: n/keysPerRange + 1})
	return nil
}

// OnTimer implements engine.ProcessFunction.
func (g *generator) OnTimer(*engine.Context[uint64, event], engine.Timer) error {
	return errNoTimer
}

// sequence is the number of the last event of each key. At least once, a key may go back
// to an event that it has had, but not skip one: behind that, its events come again.
type sequence struct {
	atLeastOnce bool
	last        *engine.ValueState[uint64]
	// most is the highest event of a key, of those keys of which a job has had events
	// at least once: they may go back after it has become exactly once, too.
	most *engine.ValueState[uint64]
}

// Open implements engine.ProcessFunction.
func (s *sequence) Open(states *engine.States[uint64]) {
	s.last = engine.NewValueState[uint64](states, "last")
	s.most = engine.NewValueState[uint64](states, "most")
}

// follow takes note of an event and returns an alert if it is not the next one.
func (s *sequence) follow(stage string, e event) (alert string) {
	last, _ := s.last.Get()
	most, again := s.most.Get()
	s.last.Set(e.Second)
	if again = again || s.atLeastOnce; again {
		s.most.Set(max(most, last, e.Second))
	}
	if e.Second != last+1 && !(again && e.Second <= last) {
		return fmt.Sprintf("Alert: %s: key %d has event %d after %d", stage, e.First, e.Second, last)
	}
	return ""
}

// highest is the highest event that the key has had.
func (s *sequence) highest() uint64 {
	last, _ := s.last.Get()
	most, _ := s.most.Get()
	return max(last, most)
}

// mapper verifies its state with each event and sets timers.
type mapper struct{ sequence }

// Process implements engine.ProcessFunction.
func (m *mapper) Process(ctx *engine.Context[uint64, notice], e event) error {
	if alert := m.follow("map", e); alert != "" {
		ctx.Emit(notice{First: e, Second: alert})
	}
	if ctx.Timestamp() != eventTime(e) {
		ctx.Emit(notice{First: e, Second: fmt.Sprintf("Alert: map: %v has time %d", e, ctx.Timestamp())})
	}
	if e.Second%timerEvery == 0 {
		ctx.SetEventTimer(eventTime(e) + timerAfter)
	}
	ctx.Emit(notice{First: e})
	return nil
}

// OnTimer implements engine.ProcessFunction.
func (m *mapper) OnTimer(ctx *engine.Context[uint64, notice], t engine.Timer) error {
	e := event{First: ctx.Key(), Second: uint64(t.At-timerAfter) / eventStep}
	if last := m.highest(); last < e.Second || !t.EventTime || ctx.Watermark() < t.At {
		ctx.Emit(notice{First: e, Second: fmt.Sprintf("Alert: map: timer at %d of key %d fires at watermark %d after event %d", t.At, e.First, ctx.Watermark(), last)})
	}
	ctx.Emit(notice{First: e, Second: fmt.Sprintf("timer\t%d\t%d", e.First, e.Second)})
	return nil
}

// checker verifies, on its own state, that events have come through once and in
// order.
type checker struct{ sequence }

// Process implements engine.ProcessFunction.
func (c *checker) Process(ctx *engine.Context[uint64, string], n notice) error {
	if n.Second != "" {
		ctx.Emit(n.Second)
		return nil
	}
	if alert := c.follow("check", n.First); alert != "" {
		ctx.Emit(alert)
	}
	ctx.Emit(fmt.Sprintf("event\t%d\t%d", n.First.First, n.First.Second))
	return nil
}

// OnTimer implements engine.ProcessFunction.
func (c *checker) OnTimer(*engine.Context[uint64, string], engine.Timer) error {
	return errNoTimer
}

// lastEvents is each key with the numbers of its last event and last timer, 0 for
// none, in order of key. An alert is an error.
func lastEvents(committed []string) ([]string, error) {
	last := map[string]map[uint64]uint64{"event": {}, "timer": {}}
	for _, line := range committed {
		if strings.HasPrefix(line, "Alert:") {
			return nil, fmt.Errorf("committed line %q is an alert", line)
		}
		kind, rest, _ := strings.Cut(line, "\t")
		key, number, _ := strings.Cut(rest, "\t")
		k, err := strconv.ParseUint(key, 10, 64)
		n, err2 := strconv.ParseUint(number, 10, 64)
		if last[kind] == nil || err != nil || err2 != nil {
			return nil, fmt.Errorf("committed line %q is not event or timer<TAB>key<TAB>number", line)
		}
		last[kind][k] = max(last[kind][k], n)
	}
	var keys []uint64
	for k := range last["event"] { // unordered: sorted below
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var out []string
	for _, k := range keys {
		out = append(out, fmt.Sprintf("%d\t%d\t%d", k, last["event"][k], last["timer"][k]))
	}
	return out, nil
}
