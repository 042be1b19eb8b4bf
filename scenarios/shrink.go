package scenarios

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/weirstream/weir/sim/shrink"
	"github.com/weirstream/weir/sim/trace"
)

// DefaultShrink is how long shrinking takes at most that is not told.
const DefaultShrink = 10 * time.Second

// ShrinkOptions say how a failure is made smaller.
type ShrinkOptions struct {
	Trace string
	// Budget is how long it may take, 0 for DefaultShrink. What has been found by then
	// fails, too.
	Budget time.Duration
	// Out is where the case is written, empty for beside the trace.
	Out string
	// Jobs is how many runs there are at a time, 0 for as many as there are processors.
	Jobs int
	// Log is told of progress; nil for nobody. Terminal says that it can show a line that
	// is written again and again.
	Log      io.Writer
	Terminal bool
}

// Shrunk is a failure made smaller, as --json prints it.
type Shrunk struct {
	Oracle string `json:"oracle"`
	// Case and Trace are where the case, and the trace of its run, were written.
	Case  string `json:"case"`
	Trace string `json:"trace"`
	// Runs were needed, of which so many were taken for the next best.
	Runs  int `json:"runs"`
	Taken int `json:"taken"`
	// Minimal says that nothing was left to try: the budget did not end it.
	Minimal bool    `json:"minimal"`
	Seconds float64 `json:"seconds"`
	From    Extent  `json:"from"`
	To      Extent  `json:"to"`
	// Chain is how many steps lead to the failure from the start of the run, each an input
	// that an actor takes, a crash or a restart; Records are those of the trace.
	Chain   int     `json:"chain"`
	Records int     `json:"chain_records"`
	Report  *Report `json:"report"`

	text string // of the case
}

// Extent is how large a case is.
type Extent struct {
	Faults      int    `json:"faults"`
	Records     int    `json:"records"`
	Workers     int    `json:"workers"`
	Parallelism int    `json:"parallelism"`
	Settings    int    `json:"settings"`
	Draws       int    `json:"draws"` // that are made as they were, -1 for all
	Events      uint64 `json:"events"`
}

// ShrinkTrace makes the failure smaller that a trace records, and writes what it comes
// to. An error is a *UsageError, or about the machine.
func ShrinkTrace(o ShrinkOptions) (*Shrunk, error) {
	if o.Budget < 0 {
		return nil, usage("--budget is %s; it must be more than 0", o.Budget)
	}
	t, err := trace.Open(o.Trace)
	if err != nil {
		return nil, &UsageError{err}
	}
	switch {
	case t.Verdict == Pass:
		return nil, usage("trace %s is of a run that passed; only a failure can be made smaller", o.Trace)
	case t.Header.Extra[extraFrom] != "":
		return nil, usage("trace %s began from the files of %s, which a case can't hold; only a run that began from nothing can be made smaller", o.Trace, t.Header.Extra[extraFrom])
	}
	out, kept := shrunkNames(o.Trace, o.Out)
	for _, path := range []string{out, kept} {
		if err := checkOutput("--out", path); err != nil {
			return nil, err
		}
	}
	if err := checkDistinct(place{"trace", o.Trace}, place{"--out", out}, place{"--out", kept}); err != nil {
		return nil, err
	}
	r, err := prepareReplay(o.Trace, t)
	if err != nil {
		return nil, err
	}
	c, err := r.caseOf()
	if err != nil {
		return nil, err
	}
	s, err := shrinkCase(c, o)
	if err != nil {
		return nil, err
	}
	return s, s.save(out, kept)
}

// shrunkNames are the paths of the case and of its run's trace.
func shrunkNames(from, out string) (text, kept string) {
	if out == "" {
		out = strings.TrimSuffix(from, ".trace") + ".txt"
	}
	return out, strings.TrimSuffix(out, filepath.Ext(out)) + "-shrunk.trace"
}

// shrinkCase makes a case smaller that fails.
func shrinkCase(c *Case, o ShrinkOptions) (*Shrunk, error) {
	begin := time.Now()
	if o.Budget == 0 {
		o.Budget = DefaultShrink
	}
	if o.Jobs == 0 {
		o.Jobs = runtime.GOMAXPROCS(0)
	}
	rep, err := c.report(nil)
	switch {
	case err != nil:
		return nil, err
	case rep.Verdict == Pass:
		return nil, usage("the run passes in this build; there is no failure to make smaller")
	}
	s := &Shrunk{Oracle: rep.Violations[0].Oracle, From: c.extent(rep)}
	look := newLook(rep)
	said := begin
	res, err := shrink.Minimize(shrink.Problem[*Case]{Case: c, Key: (*Case).key, Fails: func(c *Case) (bool, error) { return c.fails(look) }},
		shrink.Options{Jobs: o.Jobs, Over: func() bool { return time.Since(begin) > o.Budget }, Progress: func(p shrink.Progress) {
			if o.Log == nil || time.Since(said) < shrinkPause(o.Terminal) {
				return
			}
			said = time.Now()
			text := fmt.Sprintf("%s: %d runs, %d smaller cases", p.Pass, p.Runs, p.Taken)
			if o.Terminal {
				fmt.Fprintf(o.Log, "\r%-79s", text)
			} else {
				fmt.Fprintln(o.Log, text)
			}
		}}, casePasses()...)
	if o.Log != nil && o.Terminal {
		fmt.Fprintf(o.Log, "\r%79s\r", "")
	}
	if err != nil {
		return nil, err
	}
	least := res.Case.clone()
	var story []string
	if s.Report, err = least.report(&story); err != nil {
		return nil, err
	}
	s.Runs, s.Taken, s.Minimal, s.To = res.Runs, res.Taken, res.Minimal, least.extent(s.Report)
	s.Seconds = seconds(begin)
	least.expect(s, story)
	s.text = least.String()
	return s, nil
}

// shrinkPause is how long there is no word of progress, as in sweeps.
func shrinkPause(terminal bool) time.Duration {
	if terminal {
		return 100 * time.Millisecond
	}
	return 10 * time.Second
}

// report runs the case once, and tells its story if it is not nil.
func (c *Case) report(story *[]string) (*Report, error) {
	r, err := c.prepare(RunOptions{})
	if err != nil {
		return nil, err
	}
	r.story = story
	rep, _, err := r.execute(unobserved)
	return rep, err
}

// look is by what two failures count as the same: the oracle that objects first. Of the
// panics each is its own oracle.
type look struct{ oracle, message string }

func newLook(rep *Report) look {
	v := rep.Violations[0]
	if v.Oracle == panicOracle {
		return look{v.Oracle, normalised(v.Message)}
	}
	return look{oracle: v.Oracle}
}

// fails reports whether a run of the case fails in that way. What can't be run does not.
func (c *Case) fails(as look) (bool, error) {
	rep, err := c.report(nil)
	if err != nil {
		var u *UsageError
		if errors.As(err, &u) {
			return false, nil
		}
		return false, err
	}
	return rep.Verdict == Fail && newLook(rep) == as, nil
}

func (c *Case) extent(rep *Report) Extent {
	x := Extent{Faults: len(c.Plan), Records: len(c.Records), Workers: c.Workers, Settings: len(c.Set), Draws: -1, Events: rep.Events}
	if c.Plain {
		x.Draws = len(c.Draws)
	}
	if s, err := Find(c.Scenario); err == nil {
		if config, err := s.Config(c.Mode, c.Set); err == nil {
			x.Parallelism = config.Parallelism
		}
	}
	return x
}

// expect writes into the case what its run has shown.
func (c *Case) expect(s *Shrunk, story []string) {
	c.Fails = []Failing{{Oracle: s.Oracle, Mutant: mutantID()}}
	c.Reaches = nil
	for _, f := range c.Plan {
		if s.Report.reached(reachesFault + f.Name) {
			c.Reaches = append(c.Reaches, reachesFault+f.Name)
		}
	}
	for p := range points {
		if point(p) != edgeLocal && point(p) != edgeMixed && point(p) != edgeRemote && s.Report.watched.points[p] {
			c.Reaches = append(c.Reaches, points[p].name)
		}
	}
	v := s.Report.Violations[0]
	c.Comment = []string{"Promised: " + s.Report.Promise + ".", "Happened:"}
	for _, line := range strings.Split(v.Oracle+": "+v.Message, "\n") {
		c.Comment = append(c.Comment, "  "+line)
	}
	for _, line := range story {
		c.Comment = append(c.Comment, "  "+line)
	}
}
