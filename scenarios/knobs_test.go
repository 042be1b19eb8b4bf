package scenarios

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// knobs generates settings that suit any world: what a user may set, far from the
// defaults too. Timeouts leave a checkpoint the time that slow worlds need.
func knobs(t *rapid.T) []string {
	var set []string
	add := func(key string, value any) { set = append(set, fmt.Sprintf("%s=%v", key, value)) }
	small := rapid.OneOf(rapid.Just(1), rapid.IntRange(1, 5), rapid.IntRange(1, 300))
	parallelism := rapid.IntRange(1, 5).Draw(t, "parallelism")
	add("parallelism.default", parallelism)
	add("taskmanager.numberOfTaskSlots", parallelism+rapid.IntRange(0, 2).Draw(t, "spare slots"))
	add("pipeline.max-parallelism", rapid.SampledFrom([]int{0, 5, 128, 1000}).Draw(t, "max parallelism"))
	add("pipeline.operator-chaining.enabled", rapid.Bool().Draw(t, "chaining"))
	for _, key := range []string{
		"weir.task.quantum", "weir.batch.records", "weir.output.buffers", "taskmanager.network.memory.buffers-per-channel",
	} {
		add(key, small.Draw(t, key))
	}
	add("execution.buffer-timeout.interval", fmt.Sprint(rapid.IntRange(1, 50).Draw(t, "buffer timeout"), "ms"))
	add("execution.checkpointing.interval", fmt.Sprint(rapid.IntRange(10, 300).Draw(t, "interval"), "ms"))
	add("execution.checkpointing.min-pause", fmt.Sprint(rapid.SampledFrom([]int{0, 0, 1, 30, 400}).Draw(t, "pause"), "ms"))
	add("execution.checkpointing.num-retained", rapid.IntRange(1, 4).Draw(t, "retained"))
	add("restart-strategy.fixed-delay.delay", fmt.Sprint(rapid.IntRange(1, 300).Draw(t, "restart delay"), "ms"))
	return set
}

// Whatever is set, every scenario keeps its promise in every mode.
func TestAnyKnobs(t *testing.T) {
	var inputs inputs
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(All()).Draw(t, "scenario")
		o := RunOptions{
			Scenario: s.Name, Mode: string(rapid.SampledFrom(s.Modes).Draw(t, "mode")), Set: knobs(t), inputs: &inputs,
			Seed: uint64(rapid.IntRange(0, 1000).Draw(t, "seed")), Lines: rapid.IntRange(1, 30).Draw(t, "lines"),
			Strategy: rapid.SampledFrom([]Strategy{Uniform, Swarm, POS, CrashEverywhere}).Draw(t, "strategy"),
		}
		rep, err := Run(o)
		require.NoError(t, err)
		require.Equal(t, Pass, rep.Verdict, "%v\n%v", o, rep.Violations)
	})
}
