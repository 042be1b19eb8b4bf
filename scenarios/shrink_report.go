package scenarios

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/engine/host"
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
	if rep.Verdict != Pass {
		if rep.Causes, err = causes(t, rep.Violations[0].Event); err != nil {
			return err
		}
		if s.Chain, s.Records, err = chain(t, rep.Violations[0].Event); err != nil {
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

// isStep reports whether something goes on elsewhere, or at another time, by a kind of
// record: what an actor takes, and what happens to a node. All that an actor does then,
// and the file-system calls of its work, belong to that.
func isStep(kind string) bool {
	for k := host.Start; k < host.GoOn; k++ {
		if kind == k.String() {
			return true
		}
	}
	return kind == "crash" || kind == "restart" || kind == "fault" || kind == "damage"
}

// chain counts the steps that lead to an event, its own included, and the records.
func chain(t *trace.Trace, event uint64) (n, records int, err error) {
	type link struct {
		cause uint64
		step  bool
	}
	links := map[uint64]link{}
	if err := t.Each(func(r trace.Record) error {
		if _, ok := links[r.Number]; !ok {
			links[r.Number] = link{r.Cause, isStep(t.Name(r.Kind))}
		}
		return nil
	}); err != nil {
		return 0, 0, err
	}
	for l, ok := links[event]; ok; l, ok = links[event] {
		records++
		if l.step {
			n++
		}
		event = l.cause
	}
	return n, records, nil
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
	line("chain", "%s from the start to the failure, %s of the trace", amount(s.Chain, "step"), amount(s.Records, "record"))
	line("case", "%s", s.Case)
	line("trace", "%s", s.Trace)
	b.WriteString("\n" + s.shown())
	return b.String()
}

// shownRecords is how many records of a case a report shows.
const shownRecords = 20

// shown is the text of the case, of many records the first.
func (s *Shrunk) shown() string {
	var b strings.Builder
	records := 0
	for line := range strings.Lines(s.text) {
		if strings.HasPrefix(line, "record ") {
			if records++; records == shownRecords+1 {
				fmt.Fprintf(&b, "          ... %d more records\n", s.To.Records-shownRecords)
			}
			if records > shownRecords {
				continue
			}
		}
		b.WriteString(line)
	}
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

// shrink makes the first failure of a sweep smaller, and says so in its report.
func (s *sweep) shrink(rep *Report) error {
	if s.o.Shrink <= 0 || s.tally.first != nil || rep.Verdict != Fail || rep.Saved == "" {
		return nil
	}
	o := ShrinkOptions{Trace: rep.Saved, Budget: s.o.Shrink}
	if s.o.Terminal {
		o.Log, o.Terminal = s.o.Log, true
	}
	small, err := ShrinkTrace(o)
	if err != nil {
		return fmt.Errorf("it can't be made smaller: %w", err)
	}
	rep.shrunk = small.Case
	return nil
}
