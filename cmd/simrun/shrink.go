package main

import (
	"errors"
	"io"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"github.com/weirstream/weir/scenarios"
)

type shrinkCommand struct {
	Trace  string `arg:"" help:"Trace file of a run that failed."`
	Budget limit  `placeholder:"D" help:"How long it may take, such as 30s; 10s by default."`
	Out    path   `placeholder:"FILE" help:"Where to write the case; beside the trace by default."`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

// args is the command line that this command was.
func (c *shrinkCommand) args() []string {
	args := []string{"shrink", c.Trace}
	if c.Budget > 0 {
		args = append(args, "--budget", time.Duration(c.Budget).String())
	}
	if c.Out != "" {
		args = append(args, "--out", string(c.Out))
	}
	if c.JSON {
		args = append(args, "--json")
	}
	return args
}

func (c *shrinkCommand) execute(stdout, stderr io.Writer) (int, error) {
	mutant, err := scenarios.TracedMutant(c.Trace)
	if err != nil {
		return 0, err
	}
	if mutant != "" {
		return scenarios.ReplayMutant(c.Trace, mutant, c.args(), stdout, stderr)
	}
	s, err := scenarios.ShrinkTrace(scenarios.ShrinkOptions{
		Trace: c.Trace, Budget: time.Duration(c.Budget), Out: string(c.Out), Log: stderr, Terminal: terminal(stderr),
	})
	if err != nil {
		return 0, err
	}
	return status(s.Report.Verdict), print(stdout, c.JSON, s, s.Text())
}

// AfterApply notes which flags the user gave: kong calls it.
func (c *runCommand) AfterApply(ctx *kong.Context) error {
	for _, p := range ctx.Path {
		if p.Flag != nil {
			c.given = append(c.given, p.Flag.Name)
		}
	}
	return nil
}

// besideCase are the flags of run that say where to write to: a case says all the rest.
var besideCase = []string{"case", "output", "trace", "history", "dir", "out", "json", "go-on"}

// runCase runs the case of a file, in its mutant if it shows something only there.
func (c *runCommand) runCase(stdout, stderr io.Writer) (int, error) {
	if c.Scenario != "" {
		return 0, usage("run has the scenario %s, and --case %s, which says which it is; leave one out", c.Scenario, c.Case)
	}
	for _, name := range c.given {
		if !slices.Contains(besideCase, name) {
			return 0, usage("--%s and --case exclude each other: the case says it", name)
		}
	}
	k, err := scenarios.ReadCase(string(c.Case))
	if err != nil {
		return 0, err
	}
	if mutant := k.Elsewhere(); mutant != "" {
		return scenarios.CaseMutant(string(c.Case), mutant, c.caseArgs(), stdout, stderr)
	}
	r, err := scenarios.RunCase(k, scenarios.RunOptions{
		Output: string(c.Output), Trace: string(c.Trace), History: string(c.History), Dir: string(c.Dir), Failures: string(c.Out), GoOn: c.GoOn,
	})
	var stale *scenarios.StaleError
	if errors.As(err, &stale) && r.Verdict != scenarios.Pass {
		r.Case += "; " + stale.Error() // what it has come upon matters more
		err = nil
	}
	if err != nil {
		return 0, err
	}
	return status(r.Verdict), print(stdout, c.JSON, r, r.Text())
}

// caseArgs is the command line that this command was.
func (c *runCommand) caseArgs() []string {
	args := []string{"run", "--case", string(c.Case), "--out", string(c.Out)}
	args = append(args, valued([][2]string{{"--output", string(c.Output)}, {"--trace", string(c.Trace)}, {"--history", string(c.History)}, {"--dir", string(c.Dir)}})...)
	return append(args, switched(map[string]bool{"--checkpoints": c.Checkpoints, "--go-on": c.GoOn, "--json": c.JSON})...)
}
