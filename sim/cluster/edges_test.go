package cluster_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/sim/cluster"
)

// more is a second source, of the same input.
func more(j *engine.Job) engine.Stream[count] {
	return engine.Map(engine.FromSource(j, "more", file.Lines(inputFile)), "parse more", func(line string) count {
		c := parse(line)
		return count{First: c.First, Second: c.Second / 2}
	}, counts)
}

// unions has operators and a sink with several inputs, one of them twice.
func unions(j *engine.Job) {
	left, right := source(j), more(j)
	sink(engine.Union(ones(engine.Union(left, right, left)), right), "sink")
}

// joined counts the records of a key, by input and together, and emits the counts
// by input when event time ends.
type joined struct {
	a, b, n *engine.ValueState[uint64]
}

func newJoined() engine.CoProcessFunction[string, count, string, count] { return &joined{} }

func (p *joined) Open(s *engine.States[string]) {
	p.a, p.b, p.n = engine.NewValueState[uint64](s, "a"), engine.NewValueState[uint64](s, "b"), engine.NewValueState[uint64](s, "n")
}

func (p *joined) ProcessA(ctx *engine.Context[string, count], c count) error {
	if ctx.Timestamp() != int64(c.Second) {
		return fmt.Errorf("%v has time %d", c, ctx.Timestamp())
	}
	return p.count(ctx, p.a)
}

func (p *joined) ProcessB(ctx *engine.Context[string, count], key string) error {
	if key != ctx.Key() {
		return fmt.Errorf("%q with key %q", key, ctx.Key())
	}
	return p.count(ctx, p.b)
}

func (p *joined) count(ctx *engine.Context[string, count], of *engine.ValueState[uint64]) error {
	n, _ := p.n.Get()
	p.n.Set(n + 1)
	m, _ := of.Get()
	of.Set(m + 1)
	ctx.SetEventTimer(endOfTime)
	ctx.Emit(count{First: ctx.Key(), Second: n + 1})
	return nil
}

func (p *joined) OnTimer(ctx *engine.Context[string, count], t engine.Timer) error {
	if t.At != endOfTime || !t.EventTime {
		return fmt.Errorf("timer %v of %q", t, ctx.Key())
	}
	a, _ := p.a.Get()
	b, _ := p.b.Get()
	ctx.Emit(count{First: fmt.Sprintf("%s: %d of the first,", ctx.Key(), a), Second: b})
	return nil
}

// connected has an operator with two inputs of different types, the second of which
// has two edges.
func connected(j *engine.Job) {
	left := engine.Timestamps(source(j), "time", func(c count) int64 { return int64(c.Second) }, 5)
	keys := engine.Map(engine.Union(more(j), left), "key", byKey)
	same := func(key string) string { return key }
	both := engine.CoProcess(engine.Connect(engine.KeyBy(left, byKey), engine.KeyBy(keys, same)), "joined", newJoined, counts)
	sink(both, "sink")
}

// spread has rebalance and broadcast edges between unequal parallelisms, also into a
// sink, and beside a forward edge.
func spread(j *engine.Job) {
	fewer := engine.Parallelism(max(1, j.Config().Parallelism-2))
	dealt := engine.Map(engine.Rebalance(source(j)), "dealt", func(c count) count { return c }, counts, fewer)
	all := engine.Filter(engine.Broadcast(dealt), "all", func(c count) bool { return c.Second%3 == 0 })
	sink(engine.Union(ones(engine.Rebalance(dealt)), all), "sink")
	engine.ToSink(engine.Broadcast(engine.Map(engine.Rebalance(all), "all text", text)), "copies", file.Sink(outputDir, file.Line), fewer)
}

var edgeJobs = []struct {
	name      string
	job       func(*engine.Job)
	operators []string
}{
	{"unions", unions, []string{"lines", "more", "count"}},
	{"connected", connected, []string{"parse", "more", "joined"}},
	{"spread", spread, []string{"dealt", "all", "count"}},
}

// Jobs with several inputs, and with edges by rebalance and broadcast, commit what
// the model says, whatever is drawn, in both modes.
func TestEdgesAreExact(t *testing.T) {
	for _, job := range edgeJobs {
		for _, unaligned := range []string{"false", "true"} {
			t.Run(fmt.Sprintf("%s/unaligned=%s", job.name, unaligned), func(t *testing.T) {
				restores, inFlight, tiny := 0, int64(0), 0
				for seed := range uint64(20) {
					config := quick()
					require.NoError(t, config.Set("execution.checkpointing.unaligned.enabled", unaligned))
					hw, plan := drawn(seed, config, job.operators)
					// The shortest timeout drawn is less than a barrier needs over six slow links.
					config.CheckpointTimeout = max(config.CheckpointTimeout, time.Second)
					data := numbers(60)
					c, violations := play(t, seed, cluster.JobOptions{
						Config: config, Job: job.job, Workers: 3, Plan: plan, Hardware: hw, Limit: time.Minute,
						Files: []cluster.File{{Name: inputFile, Data: data}},
					})
					require.Empty(t, violations, "seed %d, plan\n%s", seed, plan)
					requireExact(t, c, data)
					restores += c.Counts.Restores
					inFlight += c.Counts.InFlightBytes
					if config.ChannelBuffers == 1 && config.OutputBuffers == 1 && config.BatchRecords == 1 {
						tiny++
					}
				}
				require.Greater(t, restores, 10, "a run without a restore shows little")
				require.Greater(t, tiny, 2, "of 20 with a buffer of one record")
				require.Equal(t, unaligned == "true", inFlight > 0)
			})
		}
	}
}
