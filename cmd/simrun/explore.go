package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/weirstream/weir/model/protocol"
)

// size is a flag in bytes.
type size int64

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *size) UnmarshalText(text []byte) error {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < protocol.MemoryMin {
		return fmt.Errorf("%q is not a whole number of bytes, at least %d", text, protocol.MemoryMin)
	}
	*s = size(n)
	return nil
}

type exploreCommand struct {
	Mode        *string `placeholder:"M" help:"Only this mode: aligned, at-least-once, unaligned or timeout."`
	Records     *count  `placeholder:"R" help:"Records, 1 to 4; 3 by default."`
	Checkpoints *count  `placeholder:"N" help:"Checkpoints beside the final one, 0 to 2; 1 by default."`
	Crashes     *count  `placeholder:"N" help:"Crashes of one process each, 0 or 1; 1 by default."`
	Aborts      *count  `placeholder:"N" help:"Checkpoints that are declined or expire, 0 or 1; 1 by default."`
	Bug         *string `placeholder:"NAME" help:"Plant a mistake, at the smallest size that shows it unless flags say otherwise; exit status 1 if it is found."`
	Full        bool    `help:"Leave nothing out, and count interleavings."`
	Check       bool    `help:"Leave nothing out, and execute what reducing rests on in every state."`
	List        bool    `help:"List modes and bugs, and explore nothing."`
	Memory      size    `default:"4294967296" placeholder:"BYTES" help:"What states may take; 4294967296 by default."`
	JSON        bool    `name:"json" help:"Print one JSON object."`
}

// configs are what the flags ask for: every mode at its size, and where nobody asks for
// another, at the size at which interleavings can be counted.
func (c *exploreCommand) configs() ([]protocol.Config, error) {
	base := protocol.Config{Records: 3, Checkpoints: 1, Crashes: 1, Aborts: 1}
	modes := protocol.Modes
	if c.Bug != nil {
		bug, err := protocol.ParseBug(*c.Bug)
		if err != nil {
			return nil, usage("--bug: %w", err)
		}
		base = protocol.Bugs[bug-1].Small
		modes = []protocol.Mode{base.Mode}
	}
	if c.Mode != nil {
		mode, err := protocol.ParseMode(*c.Mode)
		if err != nil {
			return nil, usage("--mode: %w", err)
		}
		modes = []protocol.Mode{mode}
	}
	for _, f := range []struct {
		from *count
		to   *int
	}{{c.Records, &base.Records}, {c.Checkpoints, &base.Checkpoints}, {c.Crashes, &base.Crashes}, {c.Aborts, &base.Aborts}} {
		if f.from != nil {
			*f.to = int(*f.from)
		}
	}
	if err := base.Validate(); err != nil {
		return nil, usage("explore: %w", err)
	}
	var list []protocol.Config
	for _, m := range modes {
		base.Mode = m
		list = append(list, base)
	}
	return list, nil
}

func (c *exploreCommand) execute(stdout, stderr io.Writer) (int, error) {
	if c.List {
		if c.Mode != nil || c.Records != nil || c.Checkpoints != nil || c.Crashes != nil || c.Aborts != nil || c.Bug != nil || c.Full || c.Check {
			return 0, usage("--list explores nothing; leave out the other flags")
		}
		l := protocol.List()
		return ok, print(stdout, c.JSON, l, l.Text())
	}
	configs, err := c.configs()
	if err != nil {
		return 0, err
	}
	var r protocol.Report
	reduced := !c.Full && !c.Check && c.Bug == nil
	for _, config := range configs {
		if err := c.explore(&r, config, reduced, stderr); err != nil {
			return 0, err
		}
		if reduced {
			counted := protocol.Small
			counted.Mode = config.Mode
			if err := c.explore(&r, counted, false, stderr); err != nil {
				return 0, err
			}
		}
	}
	if err := print(stdout, c.JSON, r, r.Text()); err != nil {
		return 0, err
	}
	switch r.Verdict {
	case protocol.Fail:
		return broken, nil
	case protocol.Incomplete:
		return 0, usage("explore: states take more than --memory %d; give it more, or fewer --records, --checkpoints, --crashes or --aborts", c.Memory)
	}
	return ok, nil
}

func (c *exploreCommand) explore(r *protocol.Report, config protocol.Config, reduced bool, log io.Writer) error {
	fmt.Fprintf(log, "exploring %s\n", config)
	start := time.Now()
	x, err := protocol.Explore(config, protocol.Options{Memory: int64(c.Memory), Reduced: reduced, Check: c.Check})
	if err != nil {
		return err
	}
	r.Add(x, time.Since(start))
	return nil
}
