package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/weirstream/weir/scenarios"
)

// path is a flag that names a file or directory. An empty one is refused: it is
// usually a shell variable that was not set.
type path string

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *path) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("it is empty; name a path, or leave the flag out")
	}
	*p = path(text)
	return nil
}

// seed is an unsigned 64-bit flag: a seed, or the number of an event.
type seed uint64

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *seed) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return fmt.Errorf("%q is not a whole number between 0 and 18446744073709551615", text)
	}
	*s = seed(n)
	return nil
}

// most is the largest count.
const most = 1_000_000

// count is a flag that says how many.
type count int

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *count) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 || n > most {
		return fmt.Errorf("%q is not a whole number between 0 and %d", text, most)
	}
	*c = count(n)
	return nil
}

// joinNegative makes "--kills=-1" of "--kills -1", so that the number is refused
// and not taken for a flag.
func joinNegative(args []string) []string {
	var out []string
	for _, a := range args {
		last := len(out) - 1
		negative := len(a) > 1 && a[0] == '-' && a[1] >= '0' && a[1] <= '9'
		if negative && last >= 0 && strings.HasPrefix(out[last], "--") && !strings.Contains(out[last], "=") {
			out[last] += "=" + a
			continue
		}
		out = append(out, a)
	}
	return out
}

// explain makes of the flag library's errors some that say what would be right.
func explain(err error, model *kong.Application) error {
	var p *kong.ParseError
	if !errors.As(err, &p) {
		return err
	}
	text := p.Error()
	if p.Context == nil || p.Context.Selected() == nil {
		if arg, ok := strings.CutPrefix(text, "unexpected argument "); ok {
			arg, _, _ = strings.Cut(arg, ", did you mean")
			text = fmt.Sprintf("unknown command %q", arg)
		}
		var names []string
		for _, n := range model.Leaves(true) {
			names = append(names, n.Name)
		}
		return usage("%s; the commands are %s", text, strings.Join(names, ", "))
	}
	name := p.Context.Selected().Name
	switch {
	case strings.HasPrefix(text, `expected "<scenario>"`):
		return usage("%s needs the name of a scenario; there is: %s", name, strings.Join(scenarioNames(), ", "))
	case strings.HasPrefix(text, `expected "<dir>`):
		return usage("%s needs directories that simrun sweep --out DIR made", name)
	case strings.HasPrefix(text, `expected "<packages>`):
		return usage("%s needs packages, as go vet does, such as ./...", name)
	case strings.HasPrefix(text, `expected "<trace>"`):
		if name == "shrink" {
			return usage("shrink needs the trace of a run that failed, as simrun run, sweep and mutants save them")
		}
		return usage("%s needs a trace file, as written by simrun run --trace FILE", name)
	case strings.HasSuffix(text, `: missing value, expecting "<arg>"`), strings.HasSuffix(text, `but got "EOL" (<EOL>)`):
		flag, _, _ := strings.Cut(text, ":")
		return usage("%s has no value; simrun %s --help says what it takes", flag, name)
	case strings.HasPrefix(text, "unexpected argument"), strings.HasPrefix(text, "unknown flag"):
		return usage("%s; simrun %s --help lists what there is", text, name)
	}
	return err
}

func usage(format string, args ...any) error {
	return &scenarios.UsageError{Err: fmt.Errorf(format, args...)}
}

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios.All() {
		names = append(names, s.Name)
	}
	return names
}
