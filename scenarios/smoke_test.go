package scenarios

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim/cluster"
)

func TestSmoke(t *testing.T) {
	s := wordcount()
	in, _ := s.DefaultInput()
	data, _ := os.ReadFile(in)
	for seed := uint64(1); seed <= 5; seed++ {
		for _, m := range s.Modes {
			cfg, err := s.Config(m, nil)
			if err != nil {
				t.Fatal(err)
			}
			t0 := time.Now()
			var plan faults.Plan
			if seed > 1 {
				plan = faults.Plan{{Name: "f1", Kind: faults.MachineCrash, Target: []string{"jm", "tm1"}[seed%2], When: faults.Trigger{On: "completed", Nth: 2, Changes: int(seed) * 7}, For: 100 * time.Millisecond, Essential: true}}
			}
			c, err := cluster.NewCluster(seed, cluster.JobOptions{Config: cfg, Job: s.Job(nil), Workers: 2, Files: []cluster.File{{Name: InputFile, Data: data}}, Limit: 5 * time.Minute,
				Plan: plan, Hardware: cluster.Options{RecordCost: 2 * time.Microsecond}})
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range c.Run() {
				t.Error(v, v.Stack)
			}
			parts, err := file.ReadCommitted(c.Disk.Durable(), OutputDir, SinkUID)
			var lines []string
			for _, p := range parts {
				lines = append(lines, p.Lines...)
			}
			out, err2 := s.Output(lines)
			fmt.Println(seed, m, c.Outcome, c.World.Executed(), c.World.Now(), c.Counts, c.Fired, len(parts), len(lines), len(out), err, err2, time.Since(t0), fmt.Sprintf("%x", c.World.Sum()))
		}
	}
}
