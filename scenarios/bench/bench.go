// Package bench measures the simulator and the engine against their budgets: how long
// an event takes, how fast a live job counts, how long a checkpoint takes where
// something is slow.
//
// A timing is no assertion: a budget that is missed is reported and fails nothing.
// Whatever is compared is measured in one process, in turns. What has one thread is
// measured in processor time, since the machine may be busy with something else; live
// jobs are measured by the clock.
package bench

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/weirstream/weir/scenarios"
)

// Options say what to measure.
type Options struct {
	// Names are benchmarks, each once; empty for all.
	Names []string
	// Profile is a directory for a CPU profile of each, NAME.pprof, made if it is
	// missing; empty for none.
	Profile string
	// Log is told of progress, and where the time went if a budget was missed; nil
	// for nobody.
	Log io.Writer
	// Quick measures so little that the figures say nothing, for tests.
	Quick bool
}

// benchmark measures one thing, in one or more rows.
type benchmark struct {
	name, about string
	run         func(s *session) error
}

func benchmarks() []benchmark {
	return []benchmark{
		{"world", "one event of the world below the simulator, with handler and trace hash", world},
		{"fresh", "making a world", fresh},
		{"engine", "one event of the simulated engine, all oracles and the trace hash on", engineEvents},
		{"standard", "standard runs a second: a join of two sources, three crashes", standardRuns},
		{"idle", "virtual against real time of a job that mostly waits", idle},
		{"trace", "what recording a run on disk adds to its time", traced},
		{"live", "live keyed count against the same by hand, without guarantees", keyedCount},
		{"snapshot", "live checkpoints of a million keys: the longest pause, and what they cost", snapshots},
		{"slow-consumer", "duration of a checkpoint while a consumer is slow, in virtual time", slowConsumer},
		{"thin-link", "duration of a checkpoint while a link is slow, in virtual time", thinLink},
		{"subtasks", "memory and cost of an event of a simulated job of 10,000 subtasks", subtasks},
	}
}

// session is one call of Run.
type session struct {
	quick bool
	dir   string // for what is written to disk, removed at the end
	log   io.Writer

	results []Result
}

func (s *session) add(r Result) { s.results = append(s.results, r) }

// pick is a size: small in tests.
func pick[T any](s *session, full, quick T) T {
	if s.quick {
		return quick
	}
	return full
}

func (s *session) say(format string, args ...any) {
	if s.log != nil {
		fmt.Fprintf(s.log, format+"\n", args...)
	}
}

// Run measures. An error is a *scenarios.UsageError, or what broke in a run that was
// measured; then there are no results.
func Run(o Options) (*Report, error) {
	chosen, err := choose(o.Names)
	if err != nil {
		return nil, err
	}
	p := &profiler{dir: o.Profile}
	if err := p.check(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "weir-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s := &session{quick: o.Quick, dir: dir, log: o.Log}
	for _, b := range chosen {
		if err := s.measure(b, p); err != nil {
			return nil, err
		}
	}
	return &Report{Results: s.results}, nil
}

// measure runs one benchmark, and says where the time went if it missed a budget.
func (s *session) measure(b benchmark, p *profiler) error {
	begin, first := time.Now(), len(s.results)
	if err := p.start(b.name); err != nil {
		return err
	}
	err := b.run(s)
	path, stopped := p.stop(err == nil)
	if err != nil {
		return fmt.Errorf("%s: %w", b.name, err)
	}
	if stopped != nil {
		return stopped
	}
	missed := 0
	for _, r := range s.results[first:] {
		if r.Met != nil && !*r.Met {
			missed++
		}
	}
	s.say("%-14s %5.1f s, %d figures, %d missed budgets", b.name, time.Since(begin).Seconds(), len(s.results)-first, missed)
	if missed > 0 {
		s.say("%s", p.advice(b.name, path))
	}
	return nil
}

func names() string {
	var all []string
	for _, b := range benchmarks() {
		all = append(all, b.name)
	}
	return strings.Join(all, ", ")
}

// choose finds benchmarks by name, in the order in which they are named.
func choose(wanted []string) ([]benchmark, error) {
	all := benchmarks()
	if len(wanted) == 0 {
		return all, nil
	}
	var chosen []benchmark
	for i, name := range wanted {
		for _, before := range wanted[:i] {
			if before == name {
				return nil, usage("benchmark %q is named twice", name)
			}
		}
		for _, b := range all {
			if b.name == name {
				chosen = append(chosen, b)
			}
		}
		if len(chosen) == i {
			return nil, usage("unknown benchmark %q; there is: %s", name, names())
		}
	}
	return chosen, nil
}

func usage(format string, args ...any) error {
	return &scenarios.UsageError{Err: fmt.Errorf(format, args...)}
}
