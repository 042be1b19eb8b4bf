// Simrun runs Weir's scenarios in the simulator and live; see simrun --help.
//
// Exit status: 0 if all promises held, 1 if one was broken, 2 for bad usage or
// input, 3 if a run was not deterministic, 130 if SIGINT ended a sweep that had found
// nothing by then.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/weirstream/weir/scenarios"
	"github.com/weirstream/weir/sim/vet"
)

// Exit statuses.
const (
	ok               = 0
	broken           = 1
	badUsage         = 2
	nondeterministic = 3
)

type cli struct {
	List     listCommand     `cmd:"" help:"List the scenarios with promise, modes, order and faults."`
	Run      runCommand      `cmd:"" help:"Run a scenario once in the simulator."`
	Sweep    sweepCommand    `cmd:"" help:"Run many worlds of all scenarios, or of some, and say what they came through."`
	Coverage coverageCommand `cmd:"" help:"Merge what sweeps came through, and show it."`
	Replay   replayCommand   `cmd:"" help:"Run what a trace records again, and compare."`
	Shrink   shrinkCommand   `cmd:"" help:"Make the failure smaller that a trace records: fewer faults, fewer records, a plainer world."`
	Mutants  mutantsCommand  `cmd:"" help:"Break the engine on purpose, in many ways, and see that runs notice."`
	Explore  exploreCommand  `cmd:"" help:"Go through every behaviour of a model of the checkpoint protocol."`
	Live     liveCommand     `cmd:"" help:"Run a scenario on a real process, clock and files, killed while it runs."`
	Bench    benchCommand    `cmd:"" help:"Measure simulator and engine against their budgets."`
	Vet      vetCommand      `cmd:"" help:"Find what makes jobs differ from their replay, in their source."`
}

type listCommand struct {
	Faults bool `help:"List the kinds of faults instead, as a plan has them."`
	JSON   bool `name:"json" help:"Print one JSON object."`
}

type runCommand struct {
	Scenario    string   `arg:"" optional:"" help:"Scenario, as listed by simrun list; none with --case."`
	Case        path     `placeholder:"FILE" help:"Run the case of a file, such as simrun shrink writes: it says all about the run."`
	Seed        seed     `default:"1" help:"Seed of everything that is drawn."`
	Mode        string   `default:"aligned" help:"Checkpoint mode: aligned, at-least-once, unaligned or timeout."`
	Input       path     `placeholder:"FILE" help:"Input file instead of the scenario's own."`
	Output      path     `placeholder:"FILE" help:"Where to write the result."`
	From        path     `placeholder:"PATH" help:"Start from a checkpoint: a job directory, or a chk-N in it."`
	Set         []string `placeholder:"KEY=VALUE" sep:"none" help:"Set a configuration option, by Flink's name."`
	Strategy    strategy `default:"uniform" help:"How the run is drawn from the seed: uniform, swarm, pos, crash-everywhere or portfolio."`
	Lines       some     `placeholder:"N" help:"Read only the first N lines of the input."`
	Plan        path     `placeholder:"FILE" help:"Faults, one a line, instead of those that the seed draws; simrun list --faults shows what there is."`
	Trace       path     `placeholder:"FILE" help:"Where to record the run."`
	History     path     `placeholder:"FILE" help:"Where to draw, for a browser, what observers saw of the run."`
	Dir         path     `placeholder:"DIR" help:"Where to leave the simulated disk, as a job directory."`
	StopAfter   count    `placeholder:"N" help:"Cut the power after N completed checkpoints."`
	Checkpoints bool     `help:"List the checkpoints, and what each subtask took over its part."`
	GoOn        bool     `help:"Go on after a broken promise, so that every oracle has its say."`
	Out         path     `default:"weir-failures" placeholder:"DIR" help:"Where failing cases are saved."`
	JSON        bool     `name:"json" help:"Print one JSON object."`

	given []string // flags that the user gave
}

type liveCommand struct {
	Scenario string   `arg:"" help:"Scenario, as listed by simrun list."`
	Mode     string   `default:"aligned" help:"Checkpoint mode: aligned, at-least-once, unaligned or timeout."`
	Kills    count    `default:"0" placeholder:"N" help:"How often to kill the process, each time after a checkpoint has completed."`
	Dir      path     `placeholder:"DIR" help:"Job directory, created, empty; a temporary one by default."`
	Input    path     `placeholder:"FILE" help:"Input file instead of the scenario's own."`
	Output   path     `placeholder:"FILE" help:"Where to write the result."`
	From     path     `placeholder:"PATH" help:"Start from a checkpoint: a job directory, or a chk-N in it."`
	Set      []string `placeholder:"KEY=VALUE" sep:"none" help:"Set a configuration option, by Flink's name."`
	JSON     bool     `name:"json" help:"Print one JSON object."`
}

func main() {
	if scenarios.IsLiveChild() {
		os.Exit(scenarios.LiveChild())
	}
	if scenarios.IsTrial() {
		os.Exit(scenarios.Trial())
	}
	if vet.IsTool(os.Args[1:]) { // as go vet -vettool calls it
		vet.Tool()
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process, so that tests can call it.
func run(args []string, stdout, stderr io.Writer) int {
	var c cli
	helped := false
	parser, err := kong.New(&c, kong.Name("simrun"),
		kong.Description("Runs Weir's scenarios in the simulator and live."),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		return complain(stderr, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(joinNegative(args))
	if helped {
		return ok
	}
	if err != nil {
		return complain(stderr, explain(err, parser.Model))
	}
	status, err := ctx.Selected().Target.Addr().Interface().(command).execute(stdout, stderr)
	if err != nil {
		return complain(stderr, err)
	}
	return status
}

// complain prints an error in one line.
func complain(stderr io.Writer, err error) int {
	text := strings.Join(strings.Fields(err.Error()), " ")
	fmt.Fprintln(stderr, "simrun:", text)
	var u *scenarios.UsageError
	var p *kong.ParseError
	if errors.As(err, &u) || errors.As(err, &p) {
		return badUsage
	}
	return broken
}

// command is one command of the command line.
type command interface {
	execute(stdout, stderr io.Writer) (int, error)
}

// print prints a result as JSON or as text.
func print(w io.Writer, asJSON bool, v any, text string) error {
	if !asJSON {
		_, err := io.WriteString(w, text)
		return err
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func status(verdict string) int {
	switch verdict {
	case scenarios.Pass:
		return ok
	case scenarios.Nondeterministic:
		return nondeterministic
	}
	return broken
}

func (c *listCommand) execute(stdout, _ io.Writer) (int, error) {
	if c.Faults {
		l := scenarios.ListFaults()
		return ok, print(stdout, c.JSON, l, l.Text())
	}
	l := scenarios.Listing()
	return ok, print(stdout, c.JSON, l, l.Text())
}

func (c *runCommand) execute(stdout, stderr io.Writer) (int, error) {
	if c.Case != "" {
		return c.runCase(stdout, stderr)
	}
	if c.Scenario == "" {
		return 0, usage("run needs the name of a scenario, or --case FILE; there is: %s", strings.Join(scenarioNames(), ", "))
	}
	r, err := scenarios.Run(scenarios.RunOptions{
		Scenario: c.Scenario, Mode: c.Mode, Seed: uint64(c.Seed), Input: string(c.Input), Output: string(c.Output),
		From: string(c.From), Set: c.Set, Trace: string(c.Trace), History: string(c.History), Dir: string(c.Dir), StopAfter: int(c.StopAfter), Failures: string(c.Out),
		Plan: string(c.Plan), Strategy: scenarios.Strategy(c.Strategy), Lines: int(c.Lines), GoOn: c.GoOn, Checkpoints: c.Checkpoints,
	})
	if err != nil {
		return 0, err
	}
	return status(r.Verdict), print(stdout, c.JSON, r, r.Text())
}

func (c *liveCommand) execute(stdout, stderr io.Writer) (int, error) {
	r, err := scenarios.Live(scenarios.LiveOptions{
		Scenario: c.Scenario, Mode: c.Mode, Kills: int(c.Kills), Dir: string(c.Dir), Input: string(c.Input), Output: string(c.Output),
		From: string(c.From), Set: c.Set, Log: stderr,
	})
	if err != nil {
		return 0, err
	}
	return status(r.Verdict), print(stdout, c.JSON, r, r.Text())
}
