package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/scenarios"
)

// order is a line of one side of the join: its id, and the rest.
type order = codec.Pair[string, string]

// sides keeps what came for an id from either source until the other has come.
type sides struct{ left, right *engine.ValueState[string] }

func newSides() engine.CoProcessFunction[string, order, order, string] { return &sides{} }

// Open implements engine.CoProcessFunction, as do the methods below.
func (s *sides) Open(states *engine.States[string]) {
	s.left, s.right = engine.NewValueState[string](states, "left"), engine.NewValueState[string](states, "right")
}

// ProcessA takes a record of the left source.
func (s *sides) ProcessA(ctx *engine.Context[string, string], v order) error {
	if right, ok := s.right.Get(); ok {
		ctx.Emit(v.First + "\t" + v.Second + "\t" + right)
	}
	s.left.Set(v.Second)
	return nil
}

// ProcessB takes a record of the right source.
func (s *sides) ProcessB(ctx *engine.Context[string, string], v order) error {
	if left, ok := s.left.Get(); ok {
		ctx.Emit(v.First + "\t" + left + "\t" + v.Second)
	}
	s.right.Set(v.Second)
	return nil
}

// OnTimer is never called: no timer is set.
func (s *sides) OnTimer(*engine.Context[string, string], engine.Timer) error { return nil }

// join is the job of a standard run: two sources, a keyed join of both, a sink with
// two-phase commit. Both sources read the same lines, each of which has an id of its
// own: every record finds one partner.
func join(input string) *scenarios.Scenario {
	return &scenarios.Scenario{
		Name: "join", Promise: "every pair is committed exactly once",
		Modes:        []scenarios.Mode{scenarios.Aligned, scenarios.Unaligned},
		DefaultInput: func() (string, error) { return input, nil },
		Configure: func(c *engine.Config) {
			c.Parallelism, c.Slots = 2, 2
			c.CheckpointTimeout = 10 * time.Second
			c.HeartbeatInterval, c.HeartbeatTimeout = 50*time.Millisecond, 300*time.Millisecond
			c.RestartDelay = 50 * time.Millisecond
		},
		Job: func(scenarios.Pace) func(*engine.Job) { return joinJob },
	}
}

func joinJob(j *engine.Job) {
	orders := engine.WithCodec(codec.PairOf[string, string](codec.String{}, codec.String{}))
	side := func(uid string) engine.Stream[order] {
		return engine.Map(engine.FromSource(j, uid, file.Lines(scenarios.InputFile)), uid+" order", func(line string) order {
			id, rest, _ := strings.Cut(line, " ")
			return order{First: id, Second: uid + " " + rest}
		}, orders)
	}
	id := func(o order) string { return o.First }
	both := engine.CoProcess(engine.Connect(engine.KeyBy(side("left"), id), engine.KeyBy(side("right"), id)), "join", newSides)
	engine.ToSink(both, scenarios.SinkUID, file.Sink(scenarios.OutputDir, file.Line))
}

// standard makes standard runs.
type standard struct {
	series *scenarios.Series
	total  struct {
		runs, records, checkpoints, crashes int
		events                              uint64
	}
}

// recordCost makes standard runs long enough, in virtual time, for ten checkpoints.
const recordCost = 100 * time.Microsecond

// lines is what each source of a standard run reads: half of its records.
const lines = 1000

func newStandard(s *session) (*standard, error) {
	var b bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&b, "%d order of %d\n", i, mix(uint64(i))%1000)
	}
	path := filepath.Join(s.dir, "orders")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		return nil, err
	}
	return &standard{series: join(path).Series()}, nil
}

// run makes the n-th run, and takes its processor time; what is drawn depends on n alone.
func (st *standard) run(n int, v variant) (*scenarios.Report, time.Duration, error) {
	begin := processor()
	rep, err := st.series.Run(scenarios.RunOptions{
		Mode: string([]scenarios.Mode{scenarios.Aligned, scenarios.Unaligned}[n%2]), Seed: uint64(n + 1), Trace: v.trace,
		Set: []string{
			fmt.Sprintf("parallelism.default=%d", 2+n/2%3), "execution.checkpointing.interval=20ms",
		},
	}, scenarios.Variant{Crashes: 3, RecordCost: recordCost, Unjudged: v.unjudged})
	took := processor() - begin
	if err != nil {
		return nil, 0, err
	}
	if rep.Verdict != scenarios.Pass {
		return nil, 0, fmt.Errorf("standard run %d broke a promise: %s: %s", n+1, rep.Violations[0].Oracle, rep.Violations[0].Message)
	}
	t := &st.total
	t.runs, t.events = t.runs+1, t.events+rep.Events
	t.records += 2 * lines
	t.checkpoints += rep.Checks.Completed
	for _, n := range rep.Faults { // unordered: added up
		t.crashes += n
	}
	return rep, took, nil
}

// average says what the runs did.
func (st *standard) average() string {
	t, n := st.total, float64(max(1, st.total.runs))
	return fmt.Sprintf("%d runs, each of %d records, with on average %.1f completed checkpoints, %.1f crashes and %.0f events",
		t.runs, t.records/max(1, t.runs), float64(t.checkpoints)/n, float64(t.crashes)/n, float64(t.events)/n)
}

// variant is a way to make a standard run.
type variant struct {
	unjudged bool
	trace    string
}

// measuredRun is one standard run: the median of its times, since a garbage
// collection falls into some of them, and its events.
type measuredRun struct {
	took   time.Duration
	events uint64
}

// turns makes runs several times in each variant, in turn, and returns them by variant
// and run.
func (st *standard) turns(runs, times int, variants ...variant) ([][]measuredRun, error) {
	all := make([][]measuredRun, len(variants))
	for n := range runs {
		took := make([][]time.Duration, len(variants))
		var events uint64
		for range times {
			for i, v := range variants {
				rep, d, err := st.run(n, v)
				if err != nil {
					return nil, err
				}
				took[i], events = append(took[i], d), rep.Events
			}
		}
		for i := range variants {
			slices.Sort(took[i])
			all[i] = append(all[i], measuredRun{took[i][times/2], events})
		}
	}
	return all, nil
}

// sum adds runs up.
func sum(runs []measuredRun) (total measuredRun) {
	for _, r := range runs {
		total.took, total.events = total.took+r.took, total.events+r.events
	}
	return total
}

func (m measuredRun) perEvent() float64 { return float64(m.took.Nanoseconds()) / float64(m.events) }

// times is how often each run is made.
const times = 3

// engineEvents measures standard runs with and without oracles.
func engineEvents(s *session) error {
	st, err := newStandard(s)
	if err != nil {
		return err
	}
	all, err := st.turns(pick(s, 80, 2), pick(s, times, 1), variant{}, variant{unjudged: true})
	if err != nil {
		return err
	}
	judged, bare := sum(all[0]).perEvent(), sum(all[1]).perEvent()
	s.add(within("engine/event", judged, "ns/event", 1000).note("all oracles and the trace hash on; the making of the world and the final judgement are counted in; %s", st.average()))
	s.add(figure("engine/unjudged", bare, "ns/event", "with all oracles", judged).note("the same runs without oracles, in turn with them"))
	return nil
}

// standardRuns measures whole runs, from the drawing of their world to the verdict.
func standardRuns(s *session) error {
	st, err := newStandard(s)
	if err != nil {
		return err
	}
	all, err := st.turns(pick(s, 150, 2), pick(s, times, 1), variant{})
	if err != nil {
		return err
	}
	var took []float64
	for _, r := range all[0] {
		took = append(took, milliseconds(r.took))
	}
	slices.Sort(took)
	s.add(over("standard", float64(len(took))/sum(all[0]).took.Seconds(), "runs/s", 100).note(
		"runs a second of processor time, one after the other; %s; a run takes %s ms in the median, %s at the 95th percentile",
		st.average(), short(median(took)), short(took[len(took)*95/100])))
	return nil
}

// traced measures standard runs with and without a trace on disk.
func traced(s *session) error {
	st, err := newStandard(s)
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, "run.trace")
	all, err := st.turns(pick(s, 80, 2), pick(s, times, 1), variant{}, variant{trace: path})
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	without, with := sum(all[0]), sum(all[1])
	each := func(m measuredRun) float64 { return milliseconds(m.took) / float64(len(all[0])) }
	s.add(figure("trace", each(with), "ms/run", "the same runs without a trace", each(without)).atMost(1.2).note(
		"%s; the last trace has %d KiB for %d events", st.average(), info.Size()>>10, all[1][len(all[1])-1].events))
	return nil
}
