package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/weirstream/weir/scenarios"
)

// interrupt is the exit status of a sweep that the user ended before it had found
// anything: what it has not run may be broken. Shells have it for SIGINT.
const interrupt = 130

type sweepCommand struct {
	Scenarios []string `arg:"" name:"scenario" optional:"" help:"Scenarios, as listed by simrun list; all by default."`
	Seeds     some     `placeholder:"N" help:"How many runs, round-robin over scenarios and modes; 240 by default."`
	Seed      seed     `default:"1" help:"Seed of the first run; those after it count up."`
	For       limit    `placeholder:"D" help:"Run for a while, such as 10m, instead of a number of runs."`
	Jobs      some     `placeholder:"N" help:"How many worlds at a time; as many as processors by default."`
	Shard     shard    `placeholder:"I/N" help:"Run only every N-th of the list, from the I-th."`
	Strategy  strategy `default:"portfolio" help:"How runs are drawn: uniform, swarm, pos, crash-everywhere or portfolio."`
	Verify    bool     `help:"Make each run twice and compare the hashes."`
	KeepGoing bool     `help:"Go on after a failure."`
	Out       path     `placeholder:"DIR" help:"Where failing cases are saved, weir-failures by default, and if it is named coverage and journal, too."`
	Resume    bool     `help:"Go on with the sweep that left its journal in --out, as after a crash."`
	JSON      bool     `name:"json" help:"Print one JSON object."`
}

func (c *sweepCommand) execute(stdout, stderr io.Writer) (int, error) {
	if c.Seeds > 0 && c.For > 0 {
		return 0, usage("--seeds and --for exclude each other: the number of runs or the time, not both")
	}
	failures := c.Out
	if failures == "" {
		failures = "weir-failures"
	}
	interrupted, stop := scenarios.Interrupts()
	defer stop()
	r, err := scenarios.Sweep(scenarios.SweepOptions{
		Scenarios: c.Scenarios, Seeds: int(c.Seeds), Seed: uint64(c.Seed), For: time.Duration(c.For), Jobs: int(c.Jobs),
		Shard: scenarios.Shard(c.Shard), Strategy: scenarios.Strategy(c.Strategy), Verify: c.Verify, KeepGoing: c.KeepGoing,
		Failures: string(failures), Coverage: string(c.Out), Resume: c.Resume, Shrink: scenarios.DefaultShrink, Interrupt: interrupted, Log: stderr, Terminal: terminal(stderr),
	})
	if r == nil {
		return 0, err
	}
	if err := errors.Join(print(stdout, c.JSON, r, r.Text()), err); err != nil {
		code := complain(stderr, err)
		return max(code, status(r.Verdict)), nil
	}
	if r.Interrupted && r.Verdict == scenarios.Pass {
		return interrupt, nil
	}
	return status(r.Verdict), nil
}

// terminal reports whether somebody may be watching.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// some is a flag that says how many, and not none.
type some int

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *some) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > most {
		return fmt.Errorf("%q is not a whole number between 1 and %d", text, most)
	}
	*s = some(n)
	return nil
}

// limit is a flag that says how long.
type limit time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *limit) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is not a positive duration such as 30s or 10m", text)
	}
	*l = limit(d)
	return nil
}

// shard is a flag that names a part of a list.
type shard scenarios.Shard

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *shard) UnmarshalText(text []byte) error {
	index, of, ok := strings.Cut(string(text), "/")
	i, err := strconv.Atoi(index)
	n, err2 := strconv.Atoi(of)
	if !ok || err != nil || err2 != nil || i < 1 || i > n || n > most {
		return fmt.Errorf("%q is not I/N with whole numbers, I from 1 to N and N at most %d", text, most)
	}
	*s = shard{Index: i, Of: n}
	return nil
}

// strategy is a flag that names a strategy.
type strategy scenarios.Strategy

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *strategy) UnmarshalText(text []byte) error {
	named, err := scenarios.ParseStrategy(string(text))
	*s = strategy(named)
	return err
}
