package bench

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/live"
)

// subtasksLive is the parallelism of live jobs, and of what is written by hand.
const subtasksLive = 2

// meter ends the sources of a live job after a while, and says how fast they were. The
// time begins when a source has handed out as much as it is to be filled with.
type meter struct {
	fill int64 // records of each subtask before the time begins
	for_ time.Duration

	subtasks [subtasksLive]struct {
		running      bool
		begin, end   time.Time
		first, count int64
		_            [64]byte // each is written by a task of its own
	}
}

// ended is given to the source; each subtask calls it for itself.
func (m *meter) ended(subtask int, emitted int64) bool {
	s := &m.subtasks[subtask]
	if emitted < m.fill {
		return false
	}
	now := time.Now()
	if !s.running {
		s.running, s.begin, s.first = true, now, emitted
	}
	s.end, s.count = now, emitted
	return now.Sub(s.begin) >= m.for_
}

// rate is in million records a second.
func (m *meter) rate() float64 {
	sum := 0.0
	for i := range m.subtasks {
		s := &m.subtasks[i]
		sum += float64(s.count-s.first) / s.end.Sub(s.begin).Seconds() / 1e6
	}
	return sum
}

// count is how many records the sources handed out.
func (m *meter) count() int64 {
	n := int64(0)
	for i := range m.subtasks {
		n += m.subtasks[i].count
	}
	return n
}

// ear hears a live job.
type ear struct {
	mu        sync.Mutex
	completed int
	snapshots []snapshotAt
	trouble   string
}

// snapshotAt is the synchronous point of a checkpoint in a counter.
type snapshotAt struct {
	task string
	at   time.Time
}

// On implements host.Listener.
func (l *ear) On(e *host.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e.Kind {
	case host.CheckpointCompleted:
		l.completed++
	case host.SnapshotTaken:
		l.snapshots = append(l.snapshots, snapshotAt{e.Subject, time.Now()})
	case host.Restarting:
		l.trouble = e.Text
	}
}

// liveRun is a live keyed count.
type liveRun struct {
	keys     uint64
	fill     bool // first each key once
	interval time.Duration
	for_     time.Duration
	see      func(subtask int) func()

	meter meter
	ear   ear
}

// run runs it, and fails if a record was lost.
func (r *liveRun) run(s *session) error {
	dir, err := os.MkdirTemp(s.dir, "live-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	files, err := live.OpenFS(dir, nil)
	if err != nil {
		return err
	}
	config := engine.DefaultConfig()
	config.Parallelism, config.Slots = subtasksLive, subtasksLive
	config.CheckpointInterval = r.interval
	r.meter = meter{for_: r.for_}
	if r.fill {
		r.meter.fill = int64(r.keys) / subtasksLive
	}
	total := &counted{}
	source := numbers{keys: r.keys, fill: r.fill, ended: r.meter.ended}
	runtime.GC() // what ran before leaves nothing to clean up
	err = live.RunJob(live.JobOptions{
		Config: config, FS: files, Listener: &r.ear, Seed: 1, Job: countJob(source, drop{see: r.see, counted: total}),
	})
	switch {
	case err != nil:
		return err
	case r.ear.trouble != "":
		return fmt.Errorf("the live job restarted: %s", r.ear.trouble)
	case total.n != r.meter.count():
		return fmt.Errorf("the live job lost records: %d of %d came through", total.n, r.meter.count())
	}
	return nil
}

// keyedCount measures the engine, the same by hand and a single loop in turn.
func keyedCount(s *session) error {
	const keys = 100_000
	rounds := pick(s, 5, 1)
	var engines, batched, loops, shares, spent, spentByHand []float64
	checkpoints := 0
	for range rounds {
		r := &liveRun{keys: keys, interval: time.Second, for_: pick(s, 2500*time.Millisecond, 20*time.Millisecond)}
		begin := processor()
		if err := r.run(s); err != nil {
			return err
		}
		spent = append(spent, float64(processor()-begin)/float64(r.meter.count()))
		engines = append(engines, r.meter.rate())
		checkpoints += r.ear.completed
		runtime.GC()
		begin = processor()
		rate, records := batchedChannels(keys, pick(s, 1200*time.Millisecond, 10*time.Millisecond))
		spentByHand = append(spentByHand, float64(processor()-begin)/float64(records))
		batched = append(batched, rate)
		runtime.GC()
		clock := time.Now()
		begin = processor()
		loops = append(loops, loop(keys, pick(s, 600*time.Millisecond, 10*time.Millisecond)))
		shares = append(shares, 100*float64(processor()-begin)/float64(time.Since(clock)))
	}
	e, b, l := median(engines), median(batched), median(loops)
	const unit = "M records/s"
	s.add(figure("live", e, unit, "batched channels by hand", b).atLeast(0.6).note(
		"100,000 keys, %d subtasks; medians of %d rounds, engine from %s to %s, %d checkpoints in all",
		subtasksLive, rounds, short(slices.Min(engines)), short(slices.Max(engines)), checkpoints))
	s.add(over("live/rate", e, unit, 10))
	s.add(figure("live/processor", median(spent), "ns/record", "batched channels by hand", median(spentByHand)).note(
		"processor time of all tasks, for a machine that is busy with something else"))
	s.add(figure("live/batched", b, unit, "a single loop", l).atLeast(0.9*batchedToLoop).note(
		"the program by hand itself: source, map and routing fused, batches of 256, a Go map for each of %d parts; on a quiet machine %s of the loop; rounds from %s to %s",
		subtasksLive, short(batchedToLoop), short(slices.Min(batched)), short(slices.Max(batched))))
	s.add(figure("live/loop", l, unit, "batched channels by hand", b).note(
		"one goroutine over a Go map; rounds from %s to %s; it had %s %% of one processor in the median: if that is not about 100, the machine is busy and live figures say little",
		short(slices.Min(loops)), short(slices.Max(loops)), short(median(shares))))
	return nil
}
