package engine

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/weirstream/weir/engine/checkpoint"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/master"
	"github.com/weirstream/weir/engine/task"
)

// Config configures a job and its cluster. The keys are Flink's option names
// where Flink has the option, else they begin with "weir."; see [Config.Set].
type Config struct {
	Name              string
	Parallelism       int
	MaxParallelism    int
	Chaining          bool
	WatermarkInterval time.Duration
	BufferTimeout     time.Duration

	CheckpointInterval time.Duration
	CheckpointTimeout  time.Duration
	MinPause           time.Duration
	MaxConcurrent      int
	AtLeastOnce        bool
	Unaligned          bool
	// AlignedTimeout is how long after its trigger a checkpoint's barriers begin to
	// overtake, with Unaligned; 0 if they do from the first.
	AlignedTimeout    time.Duration
	Retained          int
	TolerableFailures int
	CheckpointDir     string
	HADir             string
	RecoveryPath      string

	HeartbeatInterval time.Duration
	HeartbeatTimeout  time.Duration
	RestartDelay      time.Duration
	RestartAttempts   int
	Slots             int

	ChannelBuffers int
	OutputBuffers  int
	Quantum        int
	BatchRecords   int
}

// DefaultConfig is the configuration of a job that sets nothing.
func DefaultConfig() *Config {
	return &Config{
		Name: "job", Parallelism: 1, Chaining: true,
		WatermarkInterval: 200 * time.Millisecond, BufferTimeout: 100 * time.Millisecond,
		CheckpointInterval: time.Second, CheckpointTimeout: 10 * time.Minute, MaxConcurrent: 1,
		Retained: 3, CheckpointDir: "checkpoints", HADir: "ha",
		HeartbeatInterval: time.Second, HeartbeatTimeout: 5 * time.Second,
		RestartDelay: time.Second, RestartAttempts: -1, Slots: 1,
		ChannelBuffers: 4, OutputBuffers: 8, Quantum: 256, BatchRecords: 256,
	}
}

// setting is one key of the configuration.
type setting struct {
	key string
	set func(c *Config, value string) error
	get func(c *Config) string
	// unset says that the key may have no value.
	unset bool
}

func integer(key string, min, max int, field func(c *Config) *int) setting {
	return setting{key: key, set: func(c *Config, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < min || n > max {
			return fmt.Errorf("%s is %q; it must be a whole number between %d and %d", key, value, min, max)
		}
		*field(c) = n
		return nil
	}, get: func(c *Config) string { return strconv.Itoa(*field(c)) }}
}

func duration(key string, min time.Duration, field func(c *Config) *time.Duration) setting {
	return setting{key: key, set: func(c *Config, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil {
			return fmt.Errorf("%s is %q; it must be a duration such as 10s or 500ms", key, value)
		}
		if d < min {
			return fmt.Errorf("%s is %s; it must be at least %s", key, value, min)
		}
		*field(c) = d
		return nil
	}, get: func(c *Config) string { return field(c).String() }}
}

func boolean(key string, field func(c *Config) *bool) setting {
	return setting{key: key, set: func(c *Config, value string) error {
		switch value {
		case "true", "false":
			*field(c) = value == "true"
			return nil
		}
		return fmt.Errorf("%s is %q; it must be true or false", key, value)
	}, get: func(c *Config) string { return strconv.FormatBool(*field(c)) }}
}

func text(key string, field func(c *Config) *string) setting {
	return setting{key: key, set: func(c *Config, value string) error {
		if value == "" {
			return fmt.Errorf("%s is empty", key)
		}
		*field(c) = value
		return nil
	}, get: func(c *Config) string { return *field(c) }}
}

func optional(s setting) setting {
	s.unset = true
	return s
}

// guarantee is Flink's CheckpointingMode.
func guarantee(key string, field func(c *Config) *bool) setting {
	const exactly, atLeast = "EXACTLY_ONCE", "AT_LEAST_ONCE"
	return setting{key: key, set: func(c *Config, value string) error {
		switch value {
		case exactly, atLeast:
			*field(c) = value == atLeast
			return nil
		}
		return fmt.Errorf("%s is %q; it must be %s or %s", key, value, exactly, atLeast)
	}, get: func(c *Config) string {
		if *field(c) {
			return atLeast
		}
		return exactly
	}}
}

// concurrent is Flink's number of checkpoints that may be under way at a time.
func concurrent(key string, field func(c *Config) *int) setting {
	s := integer(key, 1, 1, field)
	s.set = func(c *Config, value string) error {
		if value != "1" {
			return fmt.Errorf("%s is %q; it must be 1: several checkpoints at a time are not supported", key, value)
		}
		*field(c) = 1
		return nil
	}
	return s
}

const many = 1 << 30

// longestPause caps the pause between checkpoints, as in Flink.
const longestPause = 365 * 24 * time.Hour

// BaseInterval is the time between two triggers: the interval, or the pause if that is
// longer.
func (c *Config) BaseInterval() time.Duration {
	return max(c.CheckpointInterval, min(c.MinPause, longestPause))
}

// settings is every key; [Config.Settings] sorts them.
func settings() []setting {
	return []setting{
		guarantee("execution.checkpointing.mode", func(c *Config) *bool { return &c.AtLeastOnce }),
		boolean("execution.checkpointing.unaligned.enabled", func(c *Config) *bool { return &c.Unaligned }),
		duration("execution.checkpointing.aligned-checkpoint-timeout", 0, func(c *Config) *time.Duration { return &c.AlignedTimeout }),
		duration("execution.checkpointing.interval", 10*time.Millisecond, func(c *Config) *time.Duration { return &c.CheckpointInterval }),
		duration("execution.checkpointing.min-pause", 0, func(c *Config) *time.Duration { return &c.MinPause }),
		concurrent("execution.checkpointing.max-concurrent-checkpoints", func(c *Config) *int { return &c.MaxConcurrent }),
		integer("execution.checkpointing.tolerable-failed-checkpoints", 0, checkpoint.Unlimited, func(c *Config) *int { return &c.TolerableFailures }),
		duration("execution.checkpointing.timeout", 10*time.Millisecond, func(c *Config) *time.Duration { return &c.CheckpointTimeout }),
		integer("execution.checkpointing.num-retained", 1, many, func(c *Config) *int { return &c.Retained }),
		text("execution.checkpointing.dir", func(c *Config) *string { return &c.CheckpointDir }),
		optional(text("execution.state-recovery.path", func(c *Config) *string { return &c.RecoveryPath })),
		text("high-availability.storageDir", func(c *Config) *string { return &c.HADir }),
		duration("execution.buffer-timeout.interval", time.Millisecond, func(c *Config) *time.Duration { return &c.BufferTimeout }),
		duration("heartbeat.interval", time.Millisecond, func(c *Config) *time.Duration { return &c.HeartbeatInterval }),
		duration("heartbeat.timeout", time.Millisecond, func(c *Config) *time.Duration { return &c.HeartbeatTimeout }),
		integer("parallelism.default", 1, graph.MaxParallelismLimit, func(c *Config) *int { return &c.Parallelism }),
		integer("pipeline.max-parallelism", 0, graph.MaxParallelismLimit, func(c *Config) *int { return &c.MaxParallelism }),
		duration("pipeline.auto-watermark-interval", time.Millisecond, func(c *Config) *time.Duration { return &c.WatermarkInterval }),
		boolean("pipeline.operator-chaining.enabled", func(c *Config) *bool { return &c.Chaining }),
		integer("restart-strategy.fixed-delay.attempts", -1, many, func(c *Config) *int { return &c.RestartAttempts }),
		duration("restart-strategy.fixed-delay.delay", time.Millisecond, func(c *Config) *time.Duration { return &c.RestartDelay }),
		integer("taskmanager.numberOfTaskSlots", 1, graph.MaxParallelismLimit, func(c *Config) *int { return &c.Slots }),
		integer("taskmanager.network.memory.buffers-per-channel", 1, 1<<16, func(c *Config) *int { return &c.ChannelBuffers }),
		integer("weir.output.buffers", 1, 1<<16, func(c *Config) *int { return &c.OutputBuffers }),
		integer("weir.batch.records", 1, 1<<16, func(c *Config) *int { return &c.BatchRecords }),
		integer("weir.task.quantum", 1, 1<<16, func(c *Config) *int { return &c.Quantum }),
	}
}

// Set sets one key from text: durations as 10s or 500ms, booleans as true or
// false. The error names the key, the value and what would be right; an unknown
// key names the closest one.
func (c *Config) Set(key, value string) error {
	if key == "" {
		return fmt.Errorf("a setting has no key; write key=value")
	}
	var keys []string
	for _, s := range settings() {
		if s.key == key {
			return s.set(c, value)
		}
		keys = append(keys, s.key)
	}
	return fmt.Errorf("unknown setting %q; did you mean %s?", key, closest(key, keys))
}

// Settings is every key with its value, sorted by key.
func (c *Config) Settings() [][2]string {
	var kv [][2]string
	for _, s := range settings() {
		kv = append(kv, [2]string{s.key, s.get(c)})
	}
	sort.Slice(kv, func(i, j int) bool { return kv[i][0] < kv[j][0] })
	return kv
}

// closest is the first key that goes on where key ends, else the one with the least
// edit distance; the first of several.
func closest(key string, keys []string) string {
	best, at := -1, ""
	for _, k := range keys {
		if strings.HasPrefix(k, key) {
			return k
		}
		if d := distance(strings.ToLower(key), strings.ToLower(k)); best < 0 || d < best {
			best, at = d, k
		}
	}
	return at
}

func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			swap := diagonal
			if a[i] != b[j] {
				swap++
			}
			next := min(row[j]+1, row[j+1]+1, swap)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}

// Validate checks the configuration as a whole and names the first fault.
func (c *Config) Validate() error {
	for _, s := range settings() {
		v := s.get(c)
		if v == "" && s.unset {
			continue
		}
		probe := *c
		if err := s.set(&probe, v); err != nil {
			return err
		}
	}
	if c.AtLeastOnce && c.Unaligned {
		return fmt.Errorf("execution.checkpointing.unaligned.enabled is true and execution.checkpointing.mode is AT_LEAST_ONCE; unaligned checkpoints are for EXACTLY_ONCE only")
	}
	if c.AlignedTimeout > 0 && !c.Unaligned {
		return fmt.Errorf("execution.checkpointing.aligned-checkpoint-timeout is %s and execution.checkpointing.unaligned.enabled is false; with the timeout it must be true, or the timeout 0s", c.AlignedTimeout)
	}
	if c.AlignedTimeout%time.Millisecond != 0 {
		return fmt.Errorf("execution.checkpointing.aligned-checkpoint-timeout is %s; it must be a whole number of milliseconds", c.AlignedTimeout)
	}
	if c.HeartbeatTimeout < 2*c.HeartbeatInterval {
		return fmt.Errorf("heartbeat.timeout is %s; it must be at least twice heartbeat.interval, which is %s", c.HeartbeatTimeout, c.HeartbeatInterval)
	}
	if c.Name == "" {
		return fmt.Errorf("the job has no name")
	}
	return nil
}

// jobManagerNode is the node of the JobManager in every cluster.
const jobManagerNode = "jm"

// JobManagerAddress is where a cluster's JobManager is spawned.
func JobManagerAddress() host.Address { return host.Address{Node: jobManagerNode, Name: master.Name} }

// JobManager makes the factory of the JobManager of a job.
func (c *Config) JobManager(g *graph.Graph) host.Factory {
	return master.New(g, &master.Settings{
		Job: c.Name, HADir: c.HADir, CheckpointDir: c.CheckpointDir, From: c.RecoveryPath,
		Checkpoints: checkpoint.Limits{
			Interval: c.BaseInterval(), MinPause: min(c.MinPause, longestPause), Timeout: c.CheckpointTimeout, Retained: c.Retained, Unaligned: c.Unaligned,
			Tolerable: c.TolerableFailures,
		},
		HeartbeatTimeout: c.HeartbeatTimeout, Check: c.HeartbeatInterval,
		RestartDelay: c.RestartDelay, RestartAttempts: c.RestartAttempts, Chaining: c.Chaining, AtLeastOnce: c.AtLeastOnce,
		AlignedTimeout: c.AlignedTimeout,
	})
}

// TaskExecutor makes the factory of a worker for a job.
func (c *Config) TaskExecutor(job func(*Job)) host.Factory {
	config := *c
	return task.NewExecutor(func() (*graph.Graph, error) { return Describe(&config, job) }, &task.Settings{
		Job: c.Name, JobManager: JobManagerAddress(), Chaining: c.Chaining, AtLeastOnce: c.AtLeastOnce,
		Quantum: c.Quantum, BatchRecords: c.BatchRecords, ChannelBuffers: c.ChannelBuffers, OutputBuffers: c.OutputBuffers,
		BufferTimeout: c.BufferTimeout, WatermarkInterval: c.WatermarkInterval,
		CheckpointDir: c.CheckpointDir, HeartbeatInterval: c.HeartbeatInterval, Slots: c.Slots,
	})
}
