package main

import (
	"io"
	"time"

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
