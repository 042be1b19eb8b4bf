package scenarios

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

// SweepOptions are the flags of a sweep.
type SweepOptions struct {
	Scenarios []string // by name; empty for all
	Seeds     int      // runs in all; 0 for DefaultSeeds, or as many as there is time
	Seed      uint64   // of the first run; those after it count up, and wrap around
	For       time.Duration
	Jobs      int // worlds at a time; 0 for as many as there are processors
	Shard     Shard
	Strategy  Strategy // empty for Portfolio
	Verify    bool     // run everything twice
	KeepGoing bool     // beyond the first failure
	Failures  string   // where traces are saved
	Coverage  string   // where coverage and journal are left; empty for nowhere
	Resume    bool     // go on with the sweep of the journal there
	// Shrink is for how long the first failure is made smaller, 0 for not at all.
	Shrink time.Duration
	// Interrupt ends the sweep when it is closed; may be nil.
	Interrupt <-chan struct{}
	Log       io.Writer
	// Terminal says that Log can show a line that is written again and again.
	Terminal bool
}

// DefaultSeeds is how many runs a sweep has that is not told.
const DefaultSeeds = 240

// verified is one of how many runs a sweep runs twice without being asked.
const verified = 64

// Shard is a part of a list of runs: every Of-th, from the one numbered Index, from 1.
// The zero value is all.
type Shard struct{ Index, Of int }

// pair is a scenario in one of its modes.
type pair struct {
	scenario *Scenario
	mode     Mode
}

// sweep is a sweep under way. Runs are numbered as in the list; what they bring is
// added up in that order, so that it does not depend on which ends first.
type sweep struct {
	o      SweepOptions
	pairs  []pair
	inputs *inputs
	build  string // of this executable, if a file is to name it
	// journal is where runs are noted, nil for nowhere; unwritten is why it was given up.
	journal   *os.File
	unwritten error
	begin     time.Time
	tally     tally
	said      time.Duration // when progress was reported last

	mu          sync.Mutex
	next        int
	stop        bool
	interrupted bool // before all runs were taken
}

// outcome is what one run brought.
type outcome struct {
	number int
	report *Report
	err    error
	after  time.Duration // from the beginning of the sweep
}

// Sweep makes many runs and adds up what they show. An error is a *UsageError, or
// about the machine it runs on.
func Sweep(o SweepOptions) (*SweepReport, error) {
	var all []*Scenario
	for _, name := range o.Scenarios {
		s, err := Find(name)
		if err != nil {
			return nil, &UsageError{err}
		}
		for _, before := range all {
			if before.Name == s.Name {
				return nil, usage("scenario %q is named twice", name)
			}
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		all = All()
	}
	return newSweep(o, all).run()
}

func newSweep(o SweepOptions, all []*Scenario) *sweep {
	if o.Strategy == "" {
		o.Strategy = Portfolio
	}
	if o.Seeds == 0 && o.For == 0 {
		o.Seeds = DefaultSeeds
	}
	if o.Jobs == 0 {
		o.Jobs = runtime.GOMAXPROCS(0)
	}
	if o.Shard.Of == 0 {
		o.Shard = Shard{1, 1}
	}
	s := &sweep{o: o, inputs: &inputs{}}
	for _, sc := range all {
		for _, m := range sc.Modes {
			s.pairs = append(s.pairs, pair{sc, m})
		}
	}
	return s
}

// number is the place in the whole list of this shard's i-th run.
func (s *sweep) number(i int) int { return s.o.Shard.Index - 1 + i*s.o.Shard.Of }

// options are those of a run of the list. Pairs come round-robin; each round begins
// elsewhere, by the sum of the digits of the run's number, so that every n-th run is
// not always of the same pair.
func (s *sweep) options(number int) (*Scenario, RunOptions) {
	n, sum := len(s.pairs), 0
	for rest := number; n > 1 && rest > 0; rest /= n {
		sum += rest % n
	}
	p := s.pairs[sum%n]
	seed := s.o.Seed + uint64(number)
	if s.o.Strategy == CrashEverywhere {
		seed = s.everywhere(p, number/n)
	}
	return p.scenario, s.optionsOf(p, s.o.Strategy.of(seed), seed)
}

func (s *sweep) optionsOf(p pair, strategy Strategy, seed uint64) RunOptions {
	lines := p.scenario.sweepLines()
	if strategy == CrashEverywhere {
		lines = p.scenario.baseLines()
	}
	return RunOptions{
		Scenario: p.scenario.Name, Mode: string(p.mode), Seed: seed, Strategy: strategy,
		Lines:    lines[sim.New(strategy.base(seed), sim.Options{}).Point("knob", "lines").Intn(len(lines))],
		Failures: s.o.Failures, inputs: s.inputs,
	}
}

// run makes the runs.
func (s *sweep) run() (*SweepReport, error) {
	if err := checkFailures(s.o.Failures); err != nil {
		return nil, err
	}
	if s.o.Seeds > 0 && s.size() == 0 {
		return nil, usage("--shard %d/%d has none of %d runs; there must be at least as many runs as shards", s.o.Shard.Index, s.o.Shard.Of, s.o.Seeds)
	}
	if err := s.checkCoverage(); err != nil {
		return nil, err
	}
	s.begin = time.Now()
	s.tally = newTally(s.pairs)
	s.tally.few = s.o.Strategy == CrashEverywhere
	if err := s.openJournal(); err != nil {
		return nil, err
	}
	from, room := s.next, newRoom()
	defer room.keep()
	results := make(chan outcome)
	var all sync.WaitGroup
	for range s.o.Jobs {
		all.Go(func() { s.work(results) })
	}
	go func() {
		all.Wait()
		close(results)
	}()
	err := s.collect(results, from)
	if s.journal != nil {
		err = errors.Join(err, s.journal.Close())
	}
	if err != nil {
		return nil, err
	}
	return s.finish()
}

// finish makes the report and leaves the coverage file. If files could not be written
// there is a report, and an error.
func (s *sweep) finish() (*SweepReport, error) {
	rep := s.tally.report(time.Since(s.begin))
	rep.Interrupted = s.interrupted
	ended := endedComplete
	switch {
	case s.interrupted:
		ended = endedInterrupted
	case !s.o.KeepGoing && len(rep.Failures) > 0:
		ended = endedFailure
	}
	err := s.writeCoverage(ended)
	switch {
	case err == nil:
		return rep, s.unwritten
	case s.unwritten == nil:
		return rep, fmt.Errorf("the coverage could not be saved: %w", err)
	}
	return rep, fmt.Errorf("%w; the coverage could not be saved: %w", s.unwritten, err)
}

// checkFailures refuses a place for traces that can't be a directory.
func checkFailures(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return usage("--out %s is not a directory; name one, or what may become one", dir)
	}
	return nil
}

// take gives the number of the next run, if there is one.
func (s *sweep) take() (number int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number = s.number(s.next)
	switch {
	case s.stop, s.o.Seeds > 0 && number >= s.o.Seeds, s.o.For > 0 && s.next > 0 && time.Since(s.begin) >= s.o.For:
		return 0, false
	}
	select {
	case <-s.o.Interrupt:
		s.interrupted = true
		return 0, false
	default:
	}
	s.next++
	return number, true
}

func (s *sweep) halt() {
	s.mu.Lock()
	s.stop = true
	s.mu.Unlock()
}

func (s *sweep) work(results chan<- outcome) {
	for {
		number, ok := s.take()
		if !ok {
			return
		}
		rep, err := s.one(number)
		results <- outcome{number, rep, err, time.Since(s.begin)}
	}
}

// one makes a run, twice if it is to be verified.
func (s *sweep) one(number int) (*Report, error) {
	sc, o := s.options(number)
	r, err := sc.prepare(o)
	if err != nil {
		return nil, err
	}
	none := func() (*cluster.Recorder, error) { return nil, nil }
	rep, _, err := r.execute(none)
	if err != nil || !s.o.Verify && number%verified != 0 {
		return rep, err
	}
	again, _, err := r.execute(none)
	if err == nil && again.TraceHash != rep.TraceHash {
		rep.differs(again)
	}
	rep.twice = true
	return rep, err
}

// collect adds results up in the order of the list, from the run that comes
// next after those of the journal to the first failure or the end.
func (s *sweep) collect(results <-chan outcome, from int) (first error) {
	early := map[int]outcome{} // by number
	ended := false
	for next := s.number(from); ; {
		o, ok := early[next]
		if !ok {
			if o, ok = <-results; !ok {
				break
			}
			early[o.number] = o
			continue
		}
		delete(early, next)
		next += s.o.Shard.Of
		if ended { // those that were under way
			continue
		}
		if o.err == nil {
			s.add(o.number, o.report, o.after)
		}
		if o.err != nil || o.report.Verdict != Pass && !s.o.KeepGoing {
			first, ended = o.err, true
			s.halt()
		}
		s.progress(false)
	}
	s.progress(true)
	return first
}

// add adds up one run, which ended so long after the sweep began. What failed is run
// again to be recorded.
func (s *sweep) add(number int, rep *Report, after time.Duration) {
	if rep.Verdict != Pass {
		if !s.o.KeepGoing {
			s.halt() // what is not under way yet would only be in the way
		}
		sc, o := s.options(number)
		r, err := sc.prepare(o)
		if err == nil {
			err = r.keep(rep)
		}
		if err == nil {
			err = s.shrink(rep)
		}
		if err != nil && s.o.Log != nil {
			fmt.Fprintf(s.o.Log, "simrun: the failing case of seed %d could not be saved: %v\n", rep.Seed, err)
		}
	}
	rep.picture = nil // drawn, and large
	s.count(rep, after)
	s.note(number, rep, after)
}

// count adds a run to the tally.
func (s *sweep) count(rep *Report, after time.Duration) {
	s.tally.add(rep)
	if rep.Verdict != Pass && s.tally.first == nil {
		s.tally.first = &First{Seed: rep.Seed, Runs: s.tally.runs, Seconds: math.Round(after.Seconds()*1000) / 1000, Case: rep.shrunk}
	}
}

// progress says how far the sweep is, at most ten times a second on a terminal,
// elsewhere every ten seconds; on a terminal the last call takes the line away.
func (s *sweep) progress(last bool) {
	pause := 10 * time.Second
	if s.o.Terminal {
		pause = 100 * time.Millisecond
	}
	since := time.Since(s.begin)
	if s.o.Log == nil || !last && since < s.said+pause || last && s.said == 0 {
		return
	}
	s.said = since
	of := ""
	if s.o.Seeds > 0 {
		of = fmt.Sprintf(" of %d", s.size())
	}
	covered := s.tally.coverage()
	text := fmt.Sprintf("%d%s runs, %d failures, %.1f runs a second, %d of %d points", s.tally.runs, of, len(s.tally.failures),
		float64(s.tally.runs)/max(since.Seconds(), 1e-3), covered.Hit, covered.Reachable)
	switch {
	case s.o.Terminal && last:
		fmt.Fprintf(s.o.Log, "\r%79s\r", "")
	case s.o.Terminal:
		fmt.Fprintf(s.o.Log, "\r%-79s", text)
	case !last:
		fmt.Fprintln(s.o.Log, text)
	}
}

// size is the number of runs of this shard's list.
func (s *sweep) size() int { return max(s.o.Seeds-s.o.Shard.Index+s.o.Shard.Of, 0) / s.o.Shard.Of }
