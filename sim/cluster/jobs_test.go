package cluster_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/checkpoint"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/model"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

const (
	inputFile = "input/data"
	outputDir = "out"
)

type count = codec.Pair[string, uint64]

var counts = engine.WithCodec(codec.PairOf[string, uint64](codec.String{}, codec.Uint64{}))

func text(c count) string { return c.First + "\t" + strconv.FormatUint(c.Second, 10) }

// numbers is n lines "key number"; a key that begins with x is to be dropped.
func numbers(n int) []byte {
	var b strings.Builder
	for i := range n {
		key := "k" + strconv.Itoa(i*i%11)
		if i%7 == 3 {
			key = "x" + key
		}
		fmt.Fprintf(&b, "%s %d\n", key, i)
	}
	return []byte(b.String())
}

func parse(line string) count {
	key, number, _ := strings.Cut(line, " ")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		panic(err)
	}
	return count{First: key, Second: n}
}

func byKey(c count) string { return c.First }

// source is the lines of the input as numbers, without those to be dropped.
func source(j *engine.Job) engine.Stream[count] {
	lines := engine.FromSource(j, "lines", file.Lines(inputFile))
	kept := engine.Filter(lines, "keep", func(line string) bool { return !strings.HasPrefix(line, "x") })
	return engine.Map(kept, "parse", parse, counts)
}

func sink(s engine.Stream[count], uid string) {
	engine.ToSink(engine.Map(s, uid+" text", text), uid, file.Sink(outputDir, file.Line))
}

// endOfTime is behind every event time of the input.
const endOfTime = 1 << 40

// total counts the records of a key and emits, when event time ends, their sum.
type total struct{ n, sum *engine.ValueState[uint64] }

func newTotal() engine.ProcessFunction[string, count, count] { return &total{} }

func (p *total) Open(s *engine.States[string]) {
	p.n, p.sum = engine.NewValueState[uint64](s, "n"), engine.NewValueState[uint64](s, "sum")
}

func (p *total) Process(ctx *engine.Context[string, count], c count) error {
	if ctx.Timestamp() != int64(c.Second) {
		return fmt.Errorf("%v has time %d", c, ctx.Timestamp())
	}
	n, _ := p.n.Get()
	sum, _ := p.sum.Get()
	p.n.Set(n + 1)
	p.sum.Set(sum + c.Second)
	ctx.SetEventTimer(endOfTime)
	ctx.Emit(count{First: "n of " + ctx.Key(), Second: n + 1})
	return nil
}

func (p *total) OnTimer(ctx *engine.Context[string, count], t engine.Timer) error {
	n, _ := p.n.Get()
	sum, ok := p.sum.Get()
	if !ok || t.At != endOfTime || !t.EventTime {
		return fmt.Errorf("timer %v of %q, sum %v %v", t, ctx.Key(), sum, ok)
	}
	p.sum.Clear()
	ctx.Emit(count{First: fmt.Sprintf("%d of %s", n, ctx.Key()), Second: sum})
	return nil
}

func totals(j *engine.Job) {
	stamped := engine.Timestamps(source(j), "time", func(c count) int64 { return int64(c.Second) }, 5)
	sink(engine.Process(engine.KeyBy(stamped, byKey), "total", newTotal, counts), "sink")
}

// tally counts how often it has seen a key.
type tally struct{ n *engine.ValueState[uint64] }

func newTally() engine.ProcessFunction[uint64, count, count] { return &tally{} }

func (p *tally) Open(s *engine.States[uint64]) { p.n = engine.NewValueState[uint64](s, "n") }

func (p *tally) Process(ctx *engine.Context[uint64, count], c count) error {
	n, _ := p.n.Get()
	p.n.Set(n + 1)
	ctx.Emit(count{First: strconv.FormatUint(ctx.Key(), 10), Second: n + 1})
	return nil
}

func (p *tally) OnTimer(*engine.Context[uint64, count], engine.Timer) error {
	return errors.New("no timer was set")
}

// ones counts records by key.
func ones(s engine.Stream[count]) engine.Stream[count] {
	one := engine.Map(s, "one", func(c count) count { return count{First: c.First, Second: 1} }, counts)
	return engine.Reduce(engine.KeyBy(one, byKey), "count", func(acc, c count) count {
		return count{First: acc.First, Second: acc.Second + c.Second}
	})
}

func twice(j *engine.Job) {
	again := engine.KeyBy(ones(source(j)), func(c count) uint64 { return c.Second % 5 })
	sink(engine.Process(again, "tally", newTally, counts), "sink")
}

// fanOut has two consumers of one stream, twice.
func fanOut(j *engine.Job) {
	in := source(j)
	sink(in, "raw")
	counted := ones(in)
	sink(counted, "left")
	sink(engine.Filter(counted, "odd", func(c count) bool { return c.Second%2 == 1 }), "right")
}

var jobs = []struct {
	name      string
	job       func(*engine.Job)
	operators []string
}{
	{"totals", totals, []string{"parse", "total"}},
	{"twice", twice, []string{"count", "tally"}},
	{"fan-out", fanOut, []string{"count", "left"}},
}

// quick is a configuration for runs of some hundred virtual milliseconds.
func quick() *engine.Config {
	c := engine.DefaultConfig()
	c.CheckpointInterval, c.CheckpointTimeout = 10*time.Millisecond, 5*time.Second
	c.HeartbeatInterval, c.HeartbeatTimeout = 20*time.Millisecond, 100*time.Millisecond
	c.RestartDelay, c.BufferTimeout, c.WatermarkInterval = 10*time.Millisecond, 2*time.Millisecond, 5*time.Millisecond
	c.Slots, c.Quantum, c.BatchRecords = 5, 4, 4
	c.TolerableFailures = checkpoint.Unlimited // some time-outs are shorter than a checkpoint takes
	return c
}

// hardware is slow enough for several checkpoints within an input.
func hardware() cluster.Options {
	return cluster.Options{
		RecordCost: 100 * time.Microsecond,
		IO:         cluster.Range{Min: 20 * time.Microsecond, Max: 200 * time.Microsecond},
	}
}

// judged is a finished run with its files.
type judged struct {
	*cluster.Cluster
	hash   uint64
	judges *judges
}

// play runs a job to its end or its stop.
func play(t *testing.T, seed uint64, o cluster.JobOptions) (*judged, []sim.Violation) {
	t.Helper()
	js := &judges{}
	o.Oracles = append(o.Oracles, js)
	if o.Limit == 0 {
		o.Limit = time.Hour
	}
	c, err := cluster.NewCluster(seed, o)
	require.NoError(t, err)
	js.graph, js.config = c.Graph, o.Config
	violations := c.Run()
	return &judged{c, c.World.Sum(), js}, violations
}

// requireExact demands that all sinks have committed what the model says.
func requireExact(t *testing.T, c *judged, data []byte) {
	t.Helper()
	require.True(t, c.Finished, "the job ended with %q", c.Outcome)
	want := expected(t, c.Cluster, data)
	for _, s := range want.Sinks {
		got := committed(t, c.Disk.Durable(), s.UID)
		require.NotEmpty(t, s.Lines)
		require.Empty(t, model.CheckMultiset(s.Lines, got).Messages(nil), "sink %s", s.UID)
	}
}

// expected is what the model says; every source has read the data.
func expected(t *testing.T, c *cluster.Cluster, data []byte) *model.Output {
	t.Helper()
	var in []model.Record
	for _, line := range model.Lines(data) {
		in = append(in, model.Record{Value: line, Time: stream.NoTime})
	}
	inputs := map[string][]model.Record{}
	for _, n := range c.Graph.Nodes {
		if n.Kind == graph.Source {
			inputs[n.UID] = in
		}
	}
	want, err := model.Interpret(c.Graph, inputs)
	require.NoError(t, err)
	return want
}

func committed(t *testing.T, fsys fs.FS, uid string) []string {
	t.Helper()
	parts, err := file.ReadCommitted(fsys, outputDir, uid)
	require.NoError(t, err)
	var lines []string
	for _, p := range parts {
		lines = append(lines, p.Lines...)
	}
	return lines
}

// judges follows a run: every completed checkpoint is a consistent cut, commits
// and restores keep to the protocol.
type judges struct {
	graph   *graph.Graph
	config  *engine.Config
	commits model.CommitMonitor
	started bool
}

// ID implements sim.Oracle.
func (*judges) ID() string { return "protocol" }

// OnEvent implements sim.Oracle.
func (j *judges) OnEvent(w *sim.World, e *host.Event) *sim.Violation {
	var wrong []string
	switch e.Kind {
	case host.CheckpointSealing:
		j.commits.Sealing(e.Checkpoint)
	case host.CheckpointCompleted:
		wrong = append(j.commits.Completed(e.Checkpoint), model.CheckCut(j.cut(e.Data.(*snapshot.Metadata)))...)
	case host.SinkCommitted:
		wrong = j.commits.Committed(e.Subject, e.Text, e.Checkpoint)
	case host.Deploying:
		if !j.started && e.Checkpoint > 0 { // the run began with this one
			j.commits.Completed(e.Checkpoint)
		}
		j.started = true
		wrong = j.commits.Restored(e.Checkpoint)
	}
	if len(wrong) == 0 {
		return nil
	}
	return &sim.Violation{Message: strings.Join(wrong, "\n"), Event: w.EventNumber(), Time: w.Now()}
}

// OnEnd implements sim.Oracle.
func (*judges) OnEnd(*sim.World) *sim.Violation { return nil }

func (j *judges) cut(m *snapshot.Metadata) model.Cut {
	cut := model.Cut{Checkpoint: m.Checkpoint}
	for _, e := range j.graph.Plan(j.config.Chaining).Edges {
		cut.Edges = append(cut.Edges, model.Edge{
			Name: e.From.Tail().UID + "->" + e.To.Head().UID, Channels: e.From.Parallelism * e.Channels(true),
		})
	}
	for _, v := range m.Vertices {
		for i, t := range v.Tasks {
			for _, p := range t.In {
				cut.Ends = append(cut.Ends, model.ChannelEnd{Edge: p.Edge, From: p.Peer, To: i, Record: p.Record, First: p.First, InFlight: p.InFlight})
			}
			for _, p := range t.Out {
				cut.Ends = append(cut.Ends, model.ChannelEnd{Edge: p.Edge, From: i, To: p.Peer, Producer: true, Record: p.Record, First: p.First, InFlight: p.InFlight})
			}
		}
	}
	return cut
}

// drawn draws the knobs and faults of a run.
func drawn(seed uint64, c *engine.Config, operators []string) (cluster.Options, faults.Plan) {
	tape := sim.New(seed, sim.Options{})
	of := func(name string, values ...int) int { return values[tape.Point("knob", name).Intn(len(values))] }
	c.Parallelism = of("parallelism", 1, 3, 5)
	c.Chaining = of("chaining", 0, 1) == 1
	c.Quantum, c.BatchRecords = of("quantum", 1, 3, 64), of("batch", 1, 5, 64)
	c.ChannelBuffers, c.OutputBuffers = of("channel buffers", 1, 3), of("output buffers", 1, 4)
	c.Retained = of("retained", 1, 3)
	c.CheckpointTimeout = time.Duration(of("timeout", 15, 5000, 5000)) * time.Millisecond
	if of("tiny", 0, 1, 2) == 0 {
		c.Quantum, c.BatchRecords, c.ChannelBuffers, c.OutputBuffers = 1, 1, 1, 1
	}
	shape := faults.Shape{JobManager: "jm", Workers: []string{"tm1", "tm2", "tm3"}, Operators: operators, Crashes: 4}
	hw := hardware()
	hw.DrawnCost = cluster.Percent(of("uneven", 100, 300))
	hw.VerifyBodies = of("verify", 0, 1, 2) == 0
	return hw, faults.Draw(func(where string, n int) int { return tape.Point("fault", where).Intn(n) }, shape)
}

// Whatever is drawn, in both modes, every job commits what the model says.
func TestJobsAreExact(t *testing.T) {
	restores, inFlight, crashes, expired := 0, int64(0), 0, 0
	for seed := range uint64(36) {
		job := jobs[seed%uint64(len(jobs))]
		for _, unaligned := range []string{"false", "true"} {
			t.Run(fmt.Sprintf("%s/unaligned=%s/seed=%d", job.name, unaligned, seed), func(t *testing.T) {
				config := quick()
				require.NoError(t, config.Set("execution.checkpointing.unaligned.enabled", unaligned))
				hw, plan := drawn(seed, config, job.operators)
				data := numbers(150)
				c, violations := play(t, seed, cluster.JobOptions{
					Config: config, Job: job.job, Workers: 3, Plan: plan, Hardware: hw,
					Files: []cluster.File{{Name: inputFile, Data: data}},
				})
				require.Empty(t, violations, "plan\n%s", plan)
				requireExact(t, c, data)
				restores += c.Counts.Restores
				inFlight += c.Counts.InFlightBytes
				crashes += len(c.Injected)
				expired += c.Counts.Expired
			})
		}
	}
	require.Positive(t, inFlight, "no in-flight data was restored")
	require.Greater(t, restores, 72/2, "a run without a restore shows little")
	require.Greater(t, crashes, 72)
	require.Positive(t, expired)
}
