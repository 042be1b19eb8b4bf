package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine"
)

func TestDefaultConfigIsValid(t *testing.T) {
	c := engine.DefaultConfig()
	require.NoError(t, c.Validate())
	var keys []string
	for _, kv := range c.Settings() {
		keys = append(keys, kv[0])
		if kv[1] != "" {
			require.NoError(t, c.Set(kv[0], kv[1]), kv[0])
		}
	}
	require.Equal(t, engine.DefaultConfig(), c, "setting every key to its value changes nothing")
	require.True(t, slices.IsSorted(keys))
	require.Equal(t, keys, slices.Compact(slices.Clone(keys)))
}

// What Set refuses, Validate refuses in a Config that was filled in by hand.
func TestValidate(t *testing.T) {
	for want, change := range map[string]func(c *engine.Config){
		"":                                      func(c *engine.Config) { c.RecoveryPath = "" },
		`the job has no name`:                   func(c *engine.Config) { c.Name = "" },
		`execution.checkpointing.dir is empty`:  func(c *engine.Config) { c.CheckpointDir = "" },
		`high-availability.storageDir is empty`: func(c *engine.Config) { c.HADir = "" },
		`parallelism.default is "0"; it must be a whole number between 1 and 32768`:                       func(c *engine.Config) { c.Parallelism = 0 },
		`pipeline.max-parallelism is "-1"; it must be a whole number between 0 and 32768`:                 func(c *engine.Config) { c.MaxParallelism = -1 },
		`execution.checkpointing.interval is 1ms; it must be at least 10ms`:                               func(c *engine.Config) { c.CheckpointInterval = time.Millisecond },
		`execution.checkpointing.timeout is 0s; it must be at least 10ms`:                                 func(c *engine.Config) { c.CheckpointTimeout = 0 },
		`execution.checkpointing.num-retained is "0"; it must be a whole number between 1 and 1073741824`: func(c *engine.Config) { c.Retained = 0 },
		`execution.buffer-timeout.interval is 0s; it must be at least 1ms`:                                func(c *engine.Config) { c.BufferTimeout = 0 },
		`pipeline.auto-watermark-interval is -1s; it must be at least 1ms`:                                func(c *engine.Config) { c.WatermarkInterval = -time.Second },
		`heartbeat.interval is 0s; it must be at least 1ms`:                                               func(c *engine.Config) { c.HeartbeatInterval = 0 },
		`execution.checkpointing.aligned-checkpoint-timeout is -1s; it must be at least 0s`:               func(c *engine.Config) { c.AlignedTimeout = -time.Second },
		`execution.checkpointing.aligned-checkpoint-timeout is 1s and execution.checkpointing.unaligned.enabled is false; with the timeout it must be true, or the timeout 0s`: func(c *engine.Config) {
			c.AlignedTimeout = time.Second
		},
		`execution.checkpointing.aligned-checkpoint-timeout is 1.5ms; it must be a whole number of milliseconds`: func(c *engine.Config) {
			c.Unaligned, c.AlignedTimeout = true, 1500*time.Microsecond
		},
		`execution.checkpointing.tolerable-failed-checkpoints is "-1"; it must be a whole number between 0 and 2147483647`:         func(c *engine.Config) { c.TolerableFailures = -1 },
		`execution.checkpointing.min-pause is -1ms; it must be at least 0s`:                                                        func(c *engine.Config) { c.MinPause = -time.Millisecond },
		`execution.checkpointing.max-concurrent-checkpoints is "2"; it must be 1: several checkpoints at a time are not supported`: func(c *engine.Config) { c.MaxConcurrent = 2 },
		`heartbeat.timeout is 1.9s; it must be at least twice heartbeat.interval, which is 1s`: func(c *engine.Config) {
			c.HeartbeatTimeout = 1900 * time.Millisecond
		},
		`restart-strategy.fixed-delay.delay is 0s; it must be at least 1ms`:                                    func(c *engine.Config) { c.RestartDelay = 0 },
		`restart-strategy.fixed-delay.attempts is "-2"; it must be a whole number between -1 and 1073741824`:   func(c *engine.Config) { c.RestartAttempts = -2 },
		`taskmanager.numberOfTaskSlots is "0"; it must be a whole number between 1 and 32768`:                  func(c *engine.Config) { c.Slots = 0 },
		`taskmanager.network.memory.buffers-per-channel is "0"; it must be a whole number between 1 and 65536`: func(c *engine.Config) { c.ChannelBuffers = 0 },
		`weir.output.buffers is "100000"; it must be a whole number between 1 and 65536`:                       func(c *engine.Config) { c.OutputBuffers = 100000 },
		`weir.task.quantum is "0"; it must be a whole number between 1 and 65536`:                              func(c *engine.Config) { c.Quantum = 0 },
		`weir.batch.records is "0"; it must be a whole number between 1 and 65536`:                             func(c *engine.Config) { c.BatchRecords = 0 },
	} {
		c := engine.DefaultConfig()
		change(c)
		before := *c
		err := c.Validate()
		require.Equal(t, before, *c, "Validate changes nothing")
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, want)
	}
}

// A value that is refused leaves the configuration as it was.
func TestSetRefusesWhole(t *testing.T) {
	c := engine.DefaultConfig()
	require.Error(t, c.Set("parallelism.default", "0"))
	require.Error(t, c.Set("heartbeat.timeout", "soon"))
	require.Equal(t, engine.DefaultConfig(), c)
}
