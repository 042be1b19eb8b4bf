package scenarios

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/sim/trace"
)

// save writes the case, and the trace of its run, from which it takes what led to the
// failure.
func (s *Shrunk) save(out, kept string) error {
	c, err := ParseCase(s.text)
	if err != nil {
		return fmt.Errorf("the shrunk case can't be read back: %w", err)
	}
	if err := writeWhole(out, []byte(s.text)); err != nil {
		return err
	}
	c.path = out
	r, err := c.prepare(RunOptions{Trace: kept})
	if err != nil {
		return err
	}
	rep, _, err := r.recorded()
	if err != nil {
		return err
	}
	rep.Case, _, err = c.judge(rep)
	if err != nil {
		return err
	}
	rep.Promise = s.Report.Promise
	t, err := trace.Open(kept)
	if err != nil {
		return err
	}
	s.Case, s.Trace = out, kept
	s.Chain = -1
	if rep.Verdict != Pass {
		if rep.Causes, err = causes(t, rep.Violations[0].Event); err != nil {
			return err
		}
		if s.Chain, err = chain(t, rep.Violations[0].Event); err != nil {
			return err
		}
		rep.Again = []string{
			r.command(),
			fmt.Sprintf("simrun replay %s --around %d", kept, rep.Violations[0].Event),
			fmt.Sprintf("simrun replay %s --html %s", kept, strings.TrimSuffix(kept, ".trace")+".html"),
		}
	}
	rep.Replay = "agreed, hash " + rep.TraceHash
	if rep.TraceHash != s.Report.TraceHash {
		rep.Replay = "gave another hash, " + rep.TraceHash
		rep.differs(s.Report)
	}
	s.Report = rep
	return nil
}

// chain counts the events that lead to one, itself included.
func chain(t *trace.Trace, event uint64) (int, error) {
	cause := map[uint64]uint64{}
	if err := t.Each(func(r trace.Record) error {
		if _, ok := cause[r.Number]; !ok {
			cause[r.Number] = r.Cause
		}
		return nil
	}); err != nil {
		return 0, err
	}
	n := 0
	for c, ok := cause[event]; ok; c, ok = cause[event] {
		n++
		event = c
	}
	return n, nil
}

// Text is the report for people.
func (s *Shrunk) Text() string {
	var b strings.Builder
	b.WriteString(s.Report.Text())
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	least := "none of it can be left out"
	if !s.Minimal {
		least = "the time was over"
	}
	line("shrunk", "%s, of %s", s.To, s.From)
	line("", "in %d runs, %.1f s; %s", s.Runs, s.Seconds, least)
	schedule := "as drawn"
	switch {
	case s.To.Draws == 0:
		schedule = "plain: every latency and choice is the first there is"
	case s.To.Draws > 0:
		schedule = fmt.Sprintf("plain but for %s", amount(s.To.Draws, "draw"))
	}
	line("schedule", "%s", schedule)
	line("chain", "%s, from the start to the failure", amount(s.Chain, "event"))
	line("case", "%s", s.Case)
	line("trace", "%s", s.Trace)
	b.WriteString("\n" + s.text)
	return b.String()
}

func (x Extent) String() string {
	return fmt.Sprintf("%s, %s, %s, parallelism %d, %s, %s", amount(x.Faults, "fault"), amount(x.Records, "record"),
		amount(x.Workers, "worker"), x.Parallelism, amount(x.Settings, "setting"), amount(int(x.Events), "event"))
}

// amount is a number of things.
func amount(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
