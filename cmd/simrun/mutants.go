package main

import (
	"io"
	"slices"
	"time"

	"github.com/weirstream/weir/scenarios"
)

type mutantsCommand struct {
	IDs      []string   `arg:"" name:"id" optional:"" help:"Mutants, as listed by --list; all by default."`
	List     bool       `help:"List them and run nothing."`
	Matrix   bool       `help:"Run each mutant on after its first kill, and say which oracles notice it."`
	Budget   limit      `placeholder:"D" help:"How long to run each mutant at most, its build apart; 1m by default, 20s for each trial."`
	Out      path       `placeholder:"DIR" help:"Where to keep the traces of the kills."`
	Trials   some       `placeholder:"N" help:"Measure how many runs strategies need to kill each mutant, in N trials from other seeds, of --budget each."`
	Strategy []strategy `placeholder:"S" help:"Strategies to measure: uniform, swarm, pos, crash-everywhere or portfolio; all by default. Needs --trials."`
	JSON     bool       `name:"json" help:"Print one JSON object."`
}

func (c *mutantsCommand) execute(stdout, stderr io.Writer) (int, error) {
	if c.Trials > 0 || len(c.Strategy) > 0 {
		return c.measure(stdout, stderr)
	}
	if c.List {
		if c.Matrix {
			return 0, usage("--list and --matrix exclude each other: --list runs nothing")
		}
		m, err := scenarios.ListMutants(c.IDs)
		if err != nil {
			return 0, err
		}
		return ok, print(stdout, c.JSON, m, m.Text())
	}
	m, err := scenarios.RunMutants(scenarios.MutantsOptions{IDs: c.IDs, Budget: time.Duration(c.Budget), Matrix: c.Matrix, Out: string(c.Out),
		Log: stderr, Terminal: terminal(stderr)})
	if err != nil {
		return 0, err
	}
	if err := print(stdout, c.JSON, m, m.Text()); err != nil || m.Unexpected == 0 {
		return ok, err
	}
	return broken, nil
}

// measure makes trials.
func (c *mutantsCommand) measure(stdout, stderr io.Writer) (int, error) {
	switch {
	case c.Trials == 0:
		return 0, usage("--strategy needs --trials: without, mutants are run as their runs are drawn")
	case c.List:
		return 0, usage("--list and --trials exclude each other: --list runs nothing")
	case c.Matrix:
		return 0, usage("--matrix and --trials exclude each other: a trial ends with its first kill")
	case c.Out != "":
		return 0, usage("--out and --trials exclude each other: a trial keeps no traces")
	}
	var all []scenarios.Strategy
	for _, s := range c.Strategy {
		if slices.Contains(all, scenarios.Strategy(s)) {
			return 0, usage("--strategy %s is there twice", s)
		}
		all = append(all, scenarios.Strategy(s))
	}
	t, err := scenarios.RunTrials(scenarios.TrialsOptions{
		IDs: c.IDs, Strategies: all, Trials: int(c.Trials), Budget: time.Duration(c.Budget), Log: stderr,
	})
	if err != nil {
		return 0, err
	}
	if err := print(stdout, c.JSON, t, t.Text()); err != nil || t.Judged() {
		return ok, err
	}
	return broken, nil
}
