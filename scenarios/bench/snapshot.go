package bench

import (
	"fmt"
	"runtime"
	"slices"
	"time"
)

// pauses notes how long the sinks of a live job go without a record. The clock is read
// for one record of sampled, so that a pause is measured as up to that many records
// longer than it was.
type pauses struct {
	subtasks [subtasksLive]struct {
		list []pause
		last time.Time
		n    int
		_    [64]byte
	}
}

type pause struct{ from, to time.Time }

const (
	sampled    = 16
	pauseNoted = 200 * time.Microsecond
	// around is how far from a barrier a pause counts as the checkpoint's.
	around = 500 * time.Millisecond
)

func (p *pauses) see(subtask int) func() {
	s := &p.subtasks[subtask]
	return func() {
		if s.n++; s.n%sampled != 0 {
			return
		}
		now := time.Now()
		if now.Sub(s.last) >= pauseNoted && !s.last.IsZero() {
			s.list = append(s.list, pause{s.last, now})
		}
		s.last = now
	}
}

// longest is the longest pause of a subtask between two times, in milliseconds. Below
// pauseNoted it is 0.
func (p *pauses) longest(subtask int, from, to time.Time) float64 {
	var most time.Duration
	for _, x := range p.subtasks[subtask].list {
		if x.to.After(from) && x.from.Before(to) {
			most = max(most, x.to.Sub(x.from))
		}
	}
	return milliseconds(most)
}

// snapshots runs a keyed count of many keys with and without checkpoints, in turn.
func snapshots(s *session) error {
	keys := pick(s, uint64(1_000_000), 1000)
	var with, without, barriers, quiet []float64
	completed := 0
	for range pick(s, 2, 1) {
		for _, interval := range []time.Duration{time.Second, time.Hour} {
			p := &pauses{}
			r := &liveRun{keys: keys, fill: true, interval: interval, for_: pick(s, 6*time.Second, 200*time.Millisecond), see: p.see}
			if s.quick && interval == time.Second {
				r.interval = 10 * time.Millisecond
			}
			if err := r.run(s); err != nil {
				return err
			}
			if interval == time.Hour {
				without = append(without, r.meter.rate())
				quiet = append(quiet, r.seconds(p)...)
				continue
			}
			with = append(with, r.meter.rate())
			barriers = append(barriers, r.barriers(p)...)
			completed += r.ear.completed - 1 // the last comes when the sources have ended
		}
		runtime.GC()
	}
	if len(barriers) == 0 || len(quiet) == 0 {
		return fmt.Errorf("no checkpoint fell into the time that was measured")
	}
	s.add(within("snapshot/pause", slices.Max(barriers), "ms", 10).note(
		"longest time without a record in a subtask, within %s of one of %d barriers in subtasks; median over barriers %s ms, 90th percentile %s",
		around, len(barriers), short(median(barriers)), short(slices.Sorted(slices.Values(barriers))[len(barriers)*9/10])))
	s.add(figure("snapshot/pause-without", slices.Max(quiet), "ms", "with checkpoints", slices.Max(barriers)).note(
		"the same without checkpoints, in windows of a second: what the machine and the garbage collector do; median over %d windows %s ms", len(quiet), short(median(quiet))))
	s.add(figure("snapshot/rate", median(with), "M records/s", "without checkpoints", median(without)).atLeast(0.8).note(
		"%d keys in %d subtasks, all there before it is measured; %d checkpoints; with from %s to %s, without from %s to %s",
		keys, subtasksLive, completed, short(slices.Min(with)), short(slices.Max(with)), short(slices.Min(without)), short(slices.Max(without))))
	return nil
}

// barriers is the longest pause at each barrier that fell into the measured time.
func (r *liveRun) barriers(p *pauses) []float64 {
	var all []float64
	for _, x := range r.ear.snapshots {
		for i := range r.meter.subtasks {
			m := &r.meter.subtasks[i]
			if x.task == fmt.Sprintf("count/%d", i) && x.at.After(m.begin) && x.at.Before(m.end) {
				from, to := x.at.Add(-around), x.at.Add(around)
				all = append(all, p.longest(i, later(from, m.begin), earlier(to, m.end)))
			}
		}
	}
	return all
}

// seconds is the longest pause in each second of the measured time.
func (r *liveRun) seconds(p *pauses) []float64 {
	var all []float64
	for i := range r.meter.subtasks {
		m := &r.meter.subtasks[i]
		for from := m.begin; from.Before(m.end); from = from.Add(2 * around) {
			all = append(all, p.longest(i, from, earlier(from.Add(2*around), m.end)))
		}
	}
	return all
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
