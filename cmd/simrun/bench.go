package main

import (
	"io"

	"github.com/weirstream/weir/scenarios/bench"
)

type benchCommand struct {
	Names   []string `arg:"" name:"name" optional:"" help:"Benchmarks, as listed by --list; all by default."`
	List    bool     `help:"List them and measure nothing."`
	Profile path     `placeholder:"DIR" help:"Where to write a CPU profile of each, as NAME.pprof."`
	JSON    bool     `name:"json" help:"Print one JSON object."`
}

func (c *benchCommand) execute(stdout, stderr io.Writer) (int, error) {
	if c.List {
		if len(c.Names) > 0 || c.Profile != "" {
			return 0, usage("--list measures nothing; leave out names and --profile")
		}
		l := bench.List()
		return ok, print(stdout, c.JSON, l, l.Text())
	}
	r, err := bench.Run(bench.Options{Names: c.Names, Profile: string(c.Profile), Log: stderr})
	if err != nil {
		return 0, err
	}
	return ok, print(stdout, c.JSON, r, r.Text())
}
