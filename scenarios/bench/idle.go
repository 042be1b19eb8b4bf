package bench

import (
	"errors"
	"fmt"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

// ended is what went wrong in a run that had to finish, or to complete so many
// checkpoints; nil if nothing did.
func ended(c *cluster.Cluster, violations []sim.Violation) error {
	switch {
	case len(violations) > 0:
		return fmt.Errorf("%s: %s", violations[0].Oracle, violations[0].Message)
	case !c.Finished && !c.Stopped():
		return errors.New("the job failed: " + c.Outcome)
	}
	return nil
}

// idle measures a job whose sources hand out a record each second: what remains is
// heartbeats and a checkpoint each second.
func idle(s *session) error {
	hours := pick(s, 4*time.Hour, time.Minute)
	config := engine.DefaultConfig()
	config.Parallelism, config.Slots = 2, 1
	source := numbers{keys: 100, every: time.Second, each: int64(hours / time.Second)}
	begin, clock := processor(), time.Now()
	c, err := cluster.NewCluster(1, cluster.JobOptions{Config: config, Job: countJob(source, drop{}), Workers: 2, Limit: 2 * hours})
	if err != nil {
		return err
	}
	if err := ended(c, c.Run()); err != nil {
		return err
	}
	took, virtual := processor()-begin, c.World.Now()
	s.add(over("idle", virtual.Seconds()/took.Seconds(), "virtual s/s", 1000).note(
		"keyed count on two workers, a record a second from each of two sources, heartbeats and a checkpoint each second: %s in %s of processor time, %s by the clock; %d events, %d checkpoints",
		virtual.Round(time.Second), took.Round(time.Millisecond), time.Since(clock).Round(time.Millisecond), c.World.Executed(), c.Counts.Completed))
	return nil
}

// countJob counts keys.
func countJob(source numbers, sink drop) func(*engine.Job) {
	return func(j *engine.Job) {
		ones := engine.Map(engine.FromSource(j, "numbers", source), "ones", one, engine.WithCodec(keyedCodec))
		engine.ToSink(engine.Reduce(engine.KeyBy(ones, keyOf), "count", add), "sink", sink)
	}
}
