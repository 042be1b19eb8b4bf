// Package shrink makes failing cases smaller by delta debugging. It does not know what
// a case is: passes propose cases that are smaller in one respect, and who calls says
// which of them still fail in the same way.
//
// Invariants (cited by the tests):
//
//	K1  every case that is taken fails, and so does the result
//	K2  the result, and the number of runs, do not depend on Options.Jobs
//	K3  no case is run twice
//	K4  if no budget ended the search, no pass has a proposal that fails
package shrink

import "sync"

// Options bound a search. The zero value is no bound, and one run at a time.
type Options struct {
	// Jobs is how many cases are run at a time, 1 if it is not positive. More of them
	// run ahead, as if what is under way would not fail.
	Jobs int
	// Runs is how many runs there are at most, 0 for any number.
	Runs int
	// Over is asked before runs whether the search must end; nil for never. Where it
	// hangs on a clock, so does the result.
	Over func() bool
	// Progress is told how far the search is, before the first run and after each that
	// counts; nil for nobody.
	Progress func(p Progress)
}

// Progress is how far a search is.
type Progress struct {
	Pass  string
	Runs  int // that counted
	Taken int // cases that failed in the same way
}

// Result is what a search has come to.
type Result[C any] struct {
	Case  C
	Runs  int
	Taken int
	// Minimal says that no pass had a proposal left: no budget ended the search.
	Minimal bool
}

// Problem is a case, and how to tell whether it still fails.
type Problem[C any] struct {
	// Case fails.
	Case C
	// Key is the same for two cases only if they are the same.
	Key func(c C) string
	// Fails runs a case, and reports whether it fails in the same way. It is called from
	// several goroutines at a time if Options.Jobs is above 1. An error ends the search.
	Fails func(c C) (bool, error)
}

// Minimize takes smaller cases from the passes, in turn, until none has one that fails,
// or a budget is used up. It returns what it has come to also with an error.
func Minimize[C any](p Problem[C], o Options, passes ...Pass[C]) (Result[C], error) {
	s := &search[C]{
		problem: p, o: o, best: p.Case, seen: map[string]bool{p.Key(p.Case): true},
		ahead: map[string]bool{},
	}
	s.o.Jobs = max(o.Jobs, 1)
	for taken := -1; taken != s.taken && !s.ended; {
		taken = s.taken
		for i := range passes {
			if err := s.pass(&passes[i]); err != nil {
				return s.result(), err
			}
		}
	}
	return s.result(), nil
}

// search is a search under way.
type search[C any] struct {
	problem Problem[C]
	o       Options
	best    C
	runs    int
	taken   int
	ended   bool
	seen    map[string]bool // keys of cases that counted
	ahead   map[string]bool // outcomes of those that ran ahead for nothing
}

func (s *search[C]) result() Result[C] {
	return Result[C]{Case: s.best, Runs: s.runs, Taken: s.taken, Minimal: !s.ended}
}

// proposal is a case that a pass proposes, and where it goes on.
type proposal[C any] struct {
	c              C
	key            string
	taken, refused place
	fails          bool
	err            error
}

// pass goes through one pass.
func (s *search[C]) pass(p *Pass[C]) error {
	s.say(p)
	for at := p.begin(s.best); ; {
		all, next := s.gather(p, at)
		if len(all) == 0 {
			return nil
		}
		if s.o.Over != nil && s.o.Over() {
			s.ended = true
			return nil
		}
		s.run(all)
		for i := range all {
			x := &all[i]
			if s.ended = s.ended || s.o.Runs > 0 && s.runs >= s.o.Runs; s.ended {
				return nil
			}
			if x.err != nil {
				return x.err
			}
			s.runs++
			s.seen[x.key] = true
			if x.fails {
				s.best, next = x.c, x.taken
				s.taken++
			}
			s.say(p)
			if x.fails {
				s.keep(all[i+1:])
				break
			}
		}
		at = next
	}
}

// gather takes the next proposals of a pass, as if all of them would be refused, and
// where the pass goes on then.
func (s *search[C]) gather(p *Pass[C], at place) (all []proposal[C], next place) {
	for len(all) < s.o.Jobs {
		x, ok := p.propose(s.best, at)
		if !ok {
			break
		}
		at = x.refused
		x.key = s.problem.Key(x.c)
		if s.seen[x.key] || among(all, x.key) {
			continue
		}
		all = append(all, x)
	}
	return all, at
}

func among[C any](all []proposal[C], key string) bool {
	for i := range all {
		if all[i].key == key {
			return true
		}
	}
	return false
}

// run runs cases beside each other.
func (s *search[C]) run(all []proposal[C]) {
	var wait sync.WaitGroup
	for i := range all {
		x := &all[i]
		if fails, ok := s.ahead[x.key]; ok {
			x.fails = fails
			continue
		}
		if len(all) == 1 {
			x.fails, x.err = s.problem.Fails(x.c)
			continue
		}
		wait.Go(func() { x.fails, x.err = s.problem.Fails(x.c) })
	}
	wait.Wait()
}

// keep remembers the outcomes of runs that do not count yet.
func (s *search[C]) keep(rest []proposal[C]) {
	for i := range rest {
		if rest[i].err == nil {
			s.ahead[rest[i].key] = rest[i].fails
		}
	}
}

func (s *search[C]) say(p *Pass[C]) {
	if s.o.Progress != nil {
		s.o.Progress(Progress{Pass: p.Name, Runs: s.runs, Taken: s.taken})
	}
}
