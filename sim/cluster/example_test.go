package cluster_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim/cluster"
)

// upper is a job as a user would write it: it does not know where it runs.
func upper(j *engine.Job) {
	lines := engine.FromSource(j, "lines", file.Lines("input"))
	text := engine.Map(lines, "upper", strings.ToUpper)
	engine.ToSink(text, "sink", file.Sink("out", file.Line))
}

// A job on a simulated cluster of three workers. A worker's machine crashes while a
// checkpoint is being taken, and comes back 300 ms later; what is durable at the
// end is compared with what should be. In a test each seed would be a subtest.
func ExampleNewCluster() {
	var input, want []string
	for i := range 2000 {
		input = append(input, fmt.Sprintf("line %04d", i))
		want = append(want, fmt.Sprintf("LINE %04d", i))
	}
	config := engine.DefaultConfig()
	config.Parallelism = 3
	config.CheckpointInterval = 10 * time.Millisecond
	config.HeartbeatInterval, config.HeartbeatTimeout = 20*time.Millisecond, 100*time.Millisecond
	config.RestartDelay = 20 * time.Millisecond
	config.Quantum = 8

	for seed := range uint64(3) {
		c, err := cluster.NewCluster(seed, cluster.JobOptions{
			Config: config, Job: upper, Workers: 3, Limit: time.Minute,
			Files: []cluster.File{{Name: "input", Data: []byte(strings.Join(input, "\n"))}},
			Plan: faults.Plan{{
				Name: "f1", Kind: faults.MachineCrash, Target: cluster.Worker(1), For: 300 * time.Millisecond,
				When: faults.Trigger{On: "snapshot stored", Nth: 5},
			}},
			Hardware: cluster.Options{RecordCost: 100 * time.Microsecond},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, v := range c.Run() {
			fmt.Printf("seed %d: %s: %s\n", seed, v.Oracle, v.Message)
		}
		var got []string
		parts, err := file.ReadCommitted(c.Disk.Durable(), "out", "sink")
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, p := range parts {
			got = append(got, p.Lines...)
		}
		slices.Sort(got)
		fmt.Printf("seed %d: %s, %d crash, %d restore, exactly once: %v\n",
			seed, c.Outcome, c.Fired[faults.MachineCrash], c.Counts.Restores, slices.Equal(got, want))
	}
	// Output:
	// seed 0: finished, 1 crash, 1 restore, exactly once: true
	// seed 1: finished, 1 crash, 1 restore, exactly once: true
	// seed 2: finished, 1 crash, 1 restore, exactly once: true
}
