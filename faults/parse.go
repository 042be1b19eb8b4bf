package faults

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Known is what a plan may name. A nil list, or function, allows all.
type Known struct {
	Nodes     []string
	Operators []string // that may be slow
	Events    []string
	Subjects  []string // tasks and nodes that events are about
	Calls     []string // kinds of file-system calls
	// Refuse says why a fault is none for this run, empty if it is one.
	Refuse func(f Fault) string
}

// ParseError is an error in the text of a plan.
type ParseError struct {
	Line, Column int // from 1; the column counts characters
	Text         string
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Text)
}

// The most that a plan may say.
const (
	longest    = time.Hour
	mostOften  = 1_000_000 // N and C of a trigger
	mostTimes  = 100
	slowestBy  = 1_000_000 // percent
	mostFaults = 10_000
	mostRoom   = 1 << 30 // bytes
)

// Parse reads a plan; see the package's documentation. An error is a *ParseError.
func Parse(text string) (Plan, error) { return ParseFor(text, Known{}) }

// ParseFor reads a plan for a run in which only certain things can be named. An error
// is a *ParseError.
func ParseFor(text string, k Known) (plan Plan, err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *ParseError:
			plan, err = nil, e
		default:
			panic(e)
		}
	}()
	return parse(text, &k), nil
}

// parse panics with a *ParseError, which is no error of this package.
func parse(text string, k *Known) Plan {
	var plan Plan
	for i, line := range strings.Split(text, "\n") {
		p := &parser{line: i + 1, text: []rune(strings.TrimSuffix(line, "\r")), known: k}
		if p.end() {
			continue
		}
		f := p.fault()
		if slices.ContainsFunc(plan, func(o Fault) bool { return o.Name == f.Name }) {
			p.fail(p.first, "there is a fault %s already", f.Name)
		}
		if len(plan) == mostFaults {
			p.fail(p.first, "a plan has at most %d faults", mostFaults)
		}
		plan = append(plan, f)
	}
	return plan
}

// parser reads one line.
type parser struct {
	line  int
	text  []rune
	at    int // the next character
	first int // that of the last word
	known *Known
}

func (p *parser) fail(at int, format string, args ...any) {
	e := &ParseError{p.line, at + 1, fmt.Sprintf(format, args...)}
	panic(e)
}

// end skips spaces, and reports whether nothing but a comment follows.
func (p *parser) end() bool {
	for p.at < len(p.text) && unicode.IsSpace(p.text[p.at]) {
		p.at++
	}
	return p.at == len(p.text) || p.text[p.at] == '#'
}

// word takes what is up to the next space; what names what is missing if there is none.
func (p *parser) word(what string) string {
	if p.end() {
		p.fail(p.at, "%s is missing", what)
	}
	p.first = p.at
	for quote := false; p.at < len(p.text); p.at++ {
		switch r := p.text[p.at]; {
		case r == '\\' && quote:
			p.at++
		case r == '"':
			quote = !quote
		case unicode.IsSpace(r) && !quote:
			return string(p.text[p.first:p.at])
		}
	}
	p.at = len(p.text)
	return string(p.text[p.first:])
}

// plain takes the quotes off a text.
func (p *parser) plain(at int, text string) string {
	if !strings.HasPrefix(text, `"`) {
		if text == "" || strings.Contains(text, `"`) {
			p.fail(at, "%q is neither a plain word nor one in quotes", text)
		}
		return text
	}
	s, err := strconv.Unquote(text)
	if err != nil || s == "" {
		p.fail(at, "%s is not a text in quotes, as in Go", text)
	}
	return s
}

func (p *parser) fault() Fault {
	var f Fault
	name := p.word("a name")
	f.Name, f.Essential = strings.CutSuffix(name, "!")
	if f.Name == "" || strings.ContainsFunc(f.Name, func(r rune) bool {
		return r != '-' && r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}) {
		p.fail(p.first, "%q is no name: letters, digits, - and _, and a ! behind them if the fault is essential", name)
	}
	named := p.first
	f.When = p.trigger()
	when := p.first
	verb := p.word("what happens, such as crash,")
	i := slices.IndexFunc(forms, func(g Form) bool { return g.Verb == verb })
	if i < 0 {
		p.fail(p.first, "unknown fault %q; there is: %s", verb, strings.Join(verbs(), ", "))
	}
	g := &forms[i]
	f.Kind = g.Kinds[0]
	p.target(&f, g)
	what := p.first
	p.options(&f, g)
	p.duration(&f, g, when)
	if refuse := p.known.Refuse; refuse != nil {
		if why := refuse(f); why != "" {
			p.fail(what, "%s", why)
		}
	}
	p.first = named
	return f
}

func verbs() []string {
	var all []string
	for _, g := range forms {
		all = append(all, g.Verb)
	}
	return all
}

// duration checks that a fault that lasts says once for how long.
func (p *parser) duration(f *Fault, g *Form, when int) {
	window := f.When.Until > 0
	switch {
	case f.Kind == SlowOperator && (window || f.For > 0 || f.When != Trigger{}):
		p.fail(when, "an operator is slow from the start, and for ever")
	case window && !g.lasts && !g.mend:
		p.fail(when, "%s does not last: say when with \"at %s\"", g.Verb, f.When.At)
	case window && f.For > 0:
		p.fail(when, "the fault has both a window and for=; leave one out")
	case g.lasts && !window && f.For == 0:
		p.fail(p.at, "%s needs for=D, or a window such as \"from 1s to 2s\": %s", g.Verb, g.Syntax)
	case f.Kind == SlowDisk && f.Percent == 0 && f.By == 0:
		p.fail(p.at, "%s needs by= or stall=: %s", g.Verb, g.Syntax)
	}
}

// target takes what the fault is about.
func (p *parser) target(f *Fault, g *Form) {
	text := p.word("whom it happens to")
	at := p.first
	f.Target = p.plain(at, text)
	switch g.target {
	case node:
		p.isKnown(at, "node", f.Target, p.known.Nodes)
	case disks:
		if f.Target != All && p.known.Nodes != nil {
			p.isKnown(at, "node", f.Target, append(slices.Clone(p.known.Nodes), All))
		}
	case checkpoint:
		if f.Target != Newest && f.Target != Previous {
			p.fail(at, "unknown checkpoint %q; there is: %s, %s", f.Target, Newest, Previous)
		}
	case operator:
		if !strings.Contains(text, "->") || text != f.Target {
			f.Kind = SlowOperator
			p.isKnown(at, "operator", f.Target, p.known.Operators)
			return
		}
		ways, ok := Ways(f.Target)
		if !ok || len(ways) != 1 {
			p.fail(at, "%q is not one link, such as tm1->tm2", f.Target)
		}
		p.nodes(at, ways)
	case links:
		ways, ok := Ways(f.Target)
		if !ok {
			p.fail(at, "%q are no links: one way as in tm1->jm,tm2, both as in jm|tm1,tm2, each node once", f.Target)
		}
		p.nodes(at, ways)
	}
}

func (p *parser) nodes(at int, ways [][2]string) {
	for _, w := range ways {
		p.isKnown(at, "node", w[0], p.known.Nodes)
		p.isKnown(at, "node", w[1], p.known.Nodes)
	}
}

func (p *parser) isKnown(at int, what, name string, known []string) {
	if known != nil && !slices.Contains(known, name) {
		there := strings.Join(known, ", ")
		if there == "" {
			there = "none"
		}
		p.fail(at, "unknown %s %q; there is: %s", what, name, there)
	}
}

// options takes the rest of a line.
func (p *parser) options(f *Fault, g *Form) {
	if g.word {
		text := p.word("how it happens, one of " + strings.Join(g.words, ", ") + ",")
		i := slices.Index(g.words, text)
		if i < 0 {
			p.fail(p.first, "%q is not how %s happens; there is: %s", text, g.Verb, strings.Join(g.words, ", "))
		}
		f.Kind = g.Kinds[i]
	}
	var seen []string
	for !p.end() {
		text := p.word("")
		at := p.first
		key, value, ok := strings.Cut(text, "=")
		switch text {
		case "with":
			key, value, ok = text, p.word("a percentage"), true
		case "applied":
			ok = true
		}
		if slices.Contains(seen, key) {
			p.fail(at, "%s is there twice", key)
		}
		seen = append(seen, key)
		if !ok || !p.option(f, g, key, value) {
			p.fail(at, "%q is not part of %s: %s", text, g.Verb, g.Syntax)
		}
	}
	for _, need := range g.needs {
		if key := strings.TrimRight(need, "%±"); !slices.Contains(seen, key) {
			p.fail(p.at, "%s needs %s=: %s", g.Verb, key, g.Syntax)
		}
	}
}

// option sets an option, and reports false if the form has none of that key.
func (p *parser) option(f *Fault, g *Form, key, value string) bool {
	at := p.first
	if key != "with" {
		at += len(key) + 1
	}
	has := func(option string) bool { return slices.Contains(g.needs, option) || slices.Contains(g.allows, option) }
	switch {
	case key == "for" && (has("for") || g.lasts || g.mend):
		f.For = p.span(at, value)
	case key == "up" && has("up"):
		f.Up = p.span(at, value)
	case key == "times" && has("times"):
		f.Times = p.number(at, value, "times", map[bool]int{true: 1, false: 2}[g.target == disks], mostTimes)
	case key == "call" && has("call"):
		f.Call = p.plain(at, value)
		p.isKnown(at, "call", f.Call, p.known.Calls)
	case key == "applied" && value == "" && has("applied"):
		f.Applied = true
	case key == "room" && has("room"):
		f.Room = p.number(at, value, "room", 0, mostRoom)
	case key == "stall" && has("stall"):
		f.By = p.span(at, value)
	case key == "file" && has("file"):
		f.File = p.plain(at, value)
	case key == "by" && has("by%"):
		f.Percent = p.percent(at, value, 101, slowestBy)
	case key == "by" && has("by"):
		f.By = p.span(at, value)
	case key == "by" && has("by±"):
		back, negative := strings.CutPrefix(value, "-")
		if f.By = p.span(at, strings.TrimPrefix(back, "+")); negative {
			f.By = -f.By
		}
	case key == "with" && g.chance:
		f.Chance = p.percent(at, value, 1, 100)
	default:
		return false
	}
	return true
}

func (p *parser) span(at int, text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > longest {
		p.fail(at, "%q is not a duration such as 250ms or 1.5s, above 0 and at most 1h", text)
	}
	return d
}

func (p *parser) number(at int, text, what string, from, to int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < from || n > to || strings.HasPrefix(text, "+") {
		p.fail(at, "%s is %q; it must be a whole number from %d to %d", what, text, from, to)
	}
	return n
}

func (p *parser) percent(at int, text string, from, to int) int {
	n, ok := strings.CutSuffix(text, "%")
	if !ok {
		p.fail(at, "%q is not a percentage such as %d%%", text, max(from, 5))
	}
	return p.number(at, n, "the percentage", from, to)
}
