package main

import (
	"io"
	"time"

	"github.com/weirstream/weir/scenarios"
)

type mutantsCommand struct {
	IDs    []string `arg:"" name:"id" optional:"" help:"Mutants, as listed by --list; all by default."`
	List   bool     `help:"List them and run nothing."`
	Matrix bool     `help:"Run each mutant on after its first kill, and say which oracles notice it."`
	Budget limit    `placeholder:"D" help:"How long to run each mutant at most, its build apart; 20s by default, 1m with --matrix."`
	Out    path     `placeholder:"DIR" help:"Where to keep the traces of the kills."`
	JSON   bool     `name:"json" help:"Print one JSON object."`
}

func (c *mutantsCommand) execute(stdout, stderr io.Writer) (int, error) {
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
