package scenarios

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weirstream/weir/faults"
)

// maxCase bounds the size of a case's file, in bytes.
const maxCase = 64 << 20

// ReadCase reads the file of a case. An error is a *UsageError that names the place.
func ReadCase(path string) (*Case, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, usage("case %s: %w", path, cause(err))
	case !info.Mode().IsRegular():
		return nil, usage("case %s is not a regular file; name one that begins with %q", path, caseMagic)
	case info.Size() > maxCase:
		return nil, usage("case %s has %d bytes; a case has at most %d", path, info.Size(), maxCase)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usage("case %s: %w", path, cause(err))
	}
	c, err := ParseCase(string(text))
	if err != nil {
		return nil, usage("case %s, %w", path, err)
	}
	c.path = path
	return c, nil
}

// ParseCase reads a case; see docs/trace.md. An error is a *faults.ParseError.
func ParseCase(text string) (*Case, error) {
	p := &caseReader{c: &Case{World: World{Workers: 1}, Strategy: Uniform, lines: map[string]int{}}, seen: map[string]bool{}}
	for i := range worldParts {
		if plain := worldParts[i].plain; plain != nil {
			plain(&p.c.World)
		}
	}
	var plan strings.Builder
	for i, line := range strings.Split(text, "\n") {
		p.number = i + 1
		line = strings.TrimSuffix(line, "\r")
		if err := p.line(line, &plan); err != nil {
			return nil, err
		}
		plan.WriteByte('\n')
	}
	p.number, p.at = p.number+1, 0
	if p.number <= 2 && p.c.Scenario == "" {
		p.number = 1
	}
	var err error
	p.c.plan = plan.String()
	if p.c.Plan, err = faults.Parse(p.c.plan); err != nil {
		return nil, err
	}
	return p.c, p.whole()
}

// caseReader reads a case line by line.
type caseReader struct {
	c      *Case
	number int // of the line
	at     int // byte of the line at which the value begins
	text   string
	seen   map[string]bool
}

// fail is an error at a byte of the value.
func (p *caseReader) fail(at int, format string, args ...any) error {
	column := utf8.RuneCountInString(p.text[:min(p.at+at, len(p.text))]) + 1
	return &faults.ParseError{Line: p.number, Column: column, Text: fmt.Sprintf(format, args...)}
}

// line reads one line; what is of the plan goes there, in its place.
func (p *caseReader) line(line string, plan *strings.Builder) error {
	p.text, p.at = line, 0
	if p.number == 1 {
		if line != caseMagic {
			return p.fail(0, "a case begins with the line %q", caseMagic)
		}
		return nil
	}
	begin := len(line) - len(strings.TrimLeft(line, " \t"))
	key, value, _ := strings.Cut(line[begin:], " ")
	if key == "" || key[0] == '#' {
		if key != "" && p.c.Scenario == "" {
			p.c.Comment = append(p.c.Comment, strings.TrimPrefix(strings.TrimPrefix(line[begin:], "#"), " "))
		}
		return nil
	}
	p.at = len(line) - len(strings.TrimLeft(value, " "))
	value = strings.TrimRight(line[p.at:], " \t")
	read, ok := caseKeys[key]
	if !ok {
		p.at = begin
		return p.fail(0, "unknown key %q; there is: %s", key, strings.Join(caseKeyNames, ", "))
	}
	if once := !slices.Contains([]string{"set", "world", "record", "fault", "draw", "fails", "reaches"}, key); once && p.seen[key] {
		p.at = begin
		return p.fail(0, "there is a second %s", key)
	}
	p.seen[key] = true
	if key == "fault" {
		plan.WriteString(strings.Repeat(" ", p.at) + value)
		return nil
	}
	if value == "" && key != "passes" {
		return p.fail(0, "%s is empty", key)
	}
	return read(p, value)
}

// caseKeyNames are the keys in the order in which a case has them.
var caseKeyNames = []string{
	"scenario", "mode", "seed", "strategy", "stop", "set", "world", "record", "fault", "schedule", "draw", "passes", "fails", "reaches",
}

var caseKeys = map[string]func(p *caseReader, value string) error{
	"scenario": func(p *caseReader, v string) error {
		if _, err := Find(v); err != nil {
			return p.fail(0, "%s", err)
		}
		p.c.Scenario = v
		return nil
	},
	"mode":     (*caseReader).mode,
	"seed":     (*caseReader).seed,
	"strategy": (*caseReader).strategy,
	"stop": func(p *caseReader, v string) error {
		n, err := wholeFrom(v, 1, 1_000_000)
		if err != nil {
			return p.fail(0, "%s", err)
		}
		p.c.StopAfter = n
		return nil
	},
	"set":      (*caseReader).set,
	"world":    (*caseReader).world,
	"record":   (*caseReader).record,
	"fault":    nil,
	"schedule": (*caseReader).schedule,
	"draw":     (*caseReader).draw,
	"passes": func(p *caseReader, v string) error {
		if v != "" {
			return p.fail(0, "nothing follows passes")
		}
		p.c.Passes = true
		return nil
	},
	"fails":   (*caseReader).fails,
	"reaches": (*caseReader).reaches,
}

func (p *caseReader) mode(v string) error {
	s, err := Find(p.c.Scenario)
	if err != nil {
		return p.fail(0, "mode comes behind scenario")
	}
	if p.c.Mode, err = s.Mode(v); err != nil {
		return p.fail(0, "%s", err)
	}
	return nil
}

func (p *caseReader) seed(v string) (err error) {
	if p.c.Seed, err = strconv.ParseUint(v, 10, 64); err != nil {
		return p.fail(0, "%q is not a whole number between 0 and 18446744073709551615", v)
	}
	return nil
}

func (p *caseReader) strategy(v string) (err error) {
	if p.c.Strategy, err = ParseStrategy(v); err != nil {
		return p.fail(0, "%s", err)
	}
	if p.c.Strategy == Portfolio {
		return p.fail(0, "%s is none for one run; it draws one of the others", v)
	}
	return nil
}

func (p *caseReader) set(v string) error {
	key, _, ok := strings.Cut(v, "=")
	if !ok || key == "" {
		return p.fail(0, "%q is not of the form key=value", v)
	}
	if p.seen["set "+key] {
		return p.fail(0, "%s is set twice", key)
	}
	p.seen["set "+key] = true
	p.c.Set = append(p.c.Set, v)
	s, err := Find(p.c.Scenario)
	if err != nil || p.c.Mode == "" {
		return p.fail(0, "set comes behind scenario and mode")
	}
	if _, err := s.Config(p.c.Mode, []string{v}); err != nil && !strings.Contains(err.Error(), "must be at least") {
		return p.fail(0, "%s", strings.TrimPrefix(err.Error(), "--set: "))
	}
	return nil
}

func (p *caseReader) world(v string) error {
	key, value, _ := strings.Cut(v, "=")
	var keys []string
	for i := range worldParts {
		part := &worldParts[i]
		keys = append(keys, part.key)
		if part.key != key {
			continue
		}
		if p.seen["world "+key] {
			return p.fail(0, "the world's %s is there twice", key)
		}
		p.seen["world "+key] = true
		if err := part.set(&p.c.World, value); err != nil {
			return p.fail(len(key)+1, "%s", err)
		}
		return nil
	}
	return p.fail(0, "unknown part of the world %q; there is: %s", key, strings.Join(keys, ", "))
}

func (p *caseReader) record(v string) error {
	text, err := strconv.Unquote(v)
	if err != nil || v[0] != '"' {
		return p.fail(0, "%s is not a text in quotes, as in Go", v)
	}
	if strings.Contains(text, "\n") {
		return p.fail(0, "a record has a newline in it; write two")
	}
	p.c.Records = append(p.c.Records, text)
	return nil
}

func (p *caseReader) schedule(v string) error {
	if v != "plain" && v != "drawn" {
		return p.fail(0, "unknown schedule %q; there is: plain, drawn", v)
	}
	p.c.Plain = v == "plain"
	return nil
}

// draw reads "POINT WHERE N = VALUE".
func (p *caseReader) draw(v string) error {
	var d Draw
	rest := v
	word := func() (string, error) {
		rest = strings.TrimLeft(rest, " ")
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			rest = rest[len(quoted):]
			return strconv.Unquote(quoted)
		}
		w, after, _ := strings.Cut(rest, " ")
		rest = after
		return w, nil
	}
	var err [5]error
	var n, equals, value string
	d.Point, err[0] = word()
	d.Where, err[1] = word()
	n, _ = word()
	equals, _ = word()
	value, _ = word()
	d.N, err[3] = strconv.ParseUint(n, 10, 64)
	d.Value, err[4] = strconv.ParseUint(value, 10, 64)
	if errors.Join(err[:]...) != nil || equals != "=" || strings.TrimSpace(rest) != "" {
		return p.fail(0, "%q is not of the form POINT WHERE N = VALUE", v)
	}
	if slices.ContainsFunc(p.c.Draws[max(0, len(p.c.Draws)-1):], func(o Draw) bool { return o.Draw == d.Draw }) {
		return p.fail(0, "this draw is there twice")
	}
	p.c.Draws = append(p.c.Draws, d)
	return nil
}

func (p *caseReader) fails(v string) error {
	f := Failing{Oracle: v}
	if oracle, mutant, with := strings.Cut(v, " with "); with {
		f = Failing{oracle, strings.TrimSpace(mutant)}
	}
	if f.Oracle == "" || strings.ContainsAny(f.Oracle+f.Mutant, " \t") {
		return p.fail(0, "%q is neither an oracle nor \"ORACLE with MUTANT\"", v)
	}
	p.c.Fails = append(p.c.Fails, f)
	return nil
}

func (p *caseReader) reaches(v string) error {
	_, isFault := strings.CutPrefix(v, reachesFault)
	if !isFault && pointNamed(v) < 0 {
		return p.fail(0, "%q is neither \"fault NAME\" nor a point of coverage, as simrun sweep lists them", v)
	}
	p.c.Reaches = append(p.c.Reaches, v)
	p.c.lines[v] = p.number
	return nil
}

// whole checks what only the whole case shows.
func (p *caseReader) whole() error {
	c := p.c
	p.text = ""
	switch {
	case c.Scenario == "":
		return p.fail(0, "the case has no scenario")
	case c.Mode == "":
		return p.fail(0, "the case has no mode")
	case len(c.Records) == 0:
		return p.fail(0, "the case has no record; it needs at least one")
	case !c.Passes && len(c.Fails) == 0:
		return p.fail(0, "the case says neither passes nor fails ORACLE: it would show nothing")
	}
	for i, f := range c.Fails {
		if f.Mutant == "" && c.Passes {
			return p.fail(0, "the case both passes and fails in the engine as it is; leave one out, or say in which mutant it fails")
		}
		if slices.ContainsFunc(c.Fails[:i], func(g Failing) bool { return g.Mutant == f.Mutant }) {
			return p.fail(0, "the case says twice how it fails there: %s", f)
		}
	}
	for _, r := range c.Reaches {
		name, isFault := strings.CutPrefix(r, reachesFault)
		if isFault && !slices.ContainsFunc(c.Plan, func(f faults.Fault) bool { return f.Name == name }) {
			p.number = c.lines[r]
			return p.fail(0, "the plan has no fault %s", name)
		}
	}
	return nil
}

// reachesFault begins what says that a fault must happen.
const reachesFault = "fault "

// pointNamed is the point of coverage of that name, -1 if there is none.
func pointNamed(name string) point {
	for i := range points {
		if points[i].name == name {
			return point(i)
		}
	}
	return -1
}
