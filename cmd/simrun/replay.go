package main

import (
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/weirstream/weir/scenarios"
)

// name is a flag that names something in a trace.
type name string

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *name) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("it is empty; name one, or leave the flag out")
	}
	*n = name(text)
	return nil
}

type replayCommand struct {
	Trace      string `arg:"" help:"Trace file."`
	Around     seed   `placeholder:"N" help:"Show the events around number N."`
	Causes     seed   `placeholder:"N" help:"Show event N and what it came from, back to the start."`
	FromEvent  seed   `placeholder:"N" help:"Show, or draw, the events from number N."`
	ToEvent    seed   `placeholder:"N" help:"Show, or draw, the events up to number N."`
	Node       name   `placeholder:"NAME" help:"Show what happened on a node, such as tm1."`
	Checkpoint seed   `placeholder:"N" help:"Show what names checkpoint N."`
	Fault      name   `placeholder:"NAME" help:"Show the events around a fault of the plan, such as f2."`
	HTML       path   `name:"html" placeholder:"FILE" help:"Where to draw the run, as a page for a browser."`
	NoRun      bool   `help:"Only read the trace, without running it again."`
	JSON       bool   `name:"json" help:"Print one JSON object."`
}

func (c *replayCommand) view() scenarios.View {
	return scenarios.View{
		Around: uint64(c.Around), Causes: uint64(c.Causes), First: uint64(c.FromEvent), Last: uint64(c.ToEvent),
		Node: string(c.Node), Checkpoint: uint64(c.Checkpoint), Fault: string(c.Fault),
	}
}

// args is the command line that this command was.
func (c *replayCommand) args() []string {
	args := []string{"replay", c.Trace}
	for _, f := range []struct {
		flag string
		n    seed
	}{{"--around", c.Around}, {"--causes", c.Causes}, {"--from-event", c.FromEvent}, {"--to-event", c.ToEvent}, {"--checkpoint", c.Checkpoint}} {
		if f.n > 0 {
			args = append(args, f.flag, strconv.FormatUint(uint64(f.n), 10))
		}
	}
	args = append(args, valued([][2]string{{"--node", string(c.Node)}, {"--fault", string(c.Fault)}, {"--html", string(c.HTML)}})...)
	return append(args, switched(map[string]bool{"--no-run": c.NoRun, "--json": c.JSON})...)
}

// valued are the flags that have a value, with it.
func valued(flags [][2]string) (args []string) {
	for _, f := range flags {
		if f[1] != "" {
			args = append(args, f[0], f[1])
		}
	}
	return args
}

// switched are the flags that are on, in order.
func switched(flags map[string]bool) (args []string) {
	for _, f := range slices.Sorted(maps.Keys(flags)) {
		if flags[f] {
			args = append(args, f)
		}
	}
	return args
}

func (c *replayCommand) execute(stdout, stderr io.Writer) (int, error) {
	mutant, err := scenarios.TracedMutant(c.Trace)
	if err != nil {
		return 0, err
	}
	if mutant != "" && !c.NoRun {
		return scenarios.ReplayMutant(c.Trace, mutant, c.args(), stdout, stderr)
	}
	r, err := scenarios.ReplayTrace(c.Trace, scenarios.ReplayOptions{View: c.view(), HTML: string(c.HTML), NoRun: c.NoRun})
	if err != nil {
		return 0, err
	}
	return status(r.Verdict), print(stdout, c.JSON, r, r.Shown)
}
