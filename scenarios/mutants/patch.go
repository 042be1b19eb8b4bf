// Package mutants holds text patches that break the engine on purpose, each in one
// way, and builds simrun with one of them. A patch is a *.txt file beside this
// source; docs/mutants.md describes the format. The engine's source carries no trace
// of them: a build replaces the patched files by go build's -overlay.
//
// Invariants (cited by the tests):
//
//	P1  Parse(p.String()) is p, for every patch that Parse accepts
//	P2  a patch applies to the source as it is, or says which lines it missed
//	P3  no two patches make the same source
package mutants

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Patch is one mutant.
type Patch struct {
	// ID is its name and that of its file: lower-case words with dashes.
	ID string
	// What the mutated engine does, and Why that is wrong.
	What, Why string
	// Bug is the public id of the real bug it is modelled on, empty for none.
	Bug string
	// Survives says why no run kills it yet; empty for a mutant that must be killed.
	Survives string
	// Alone is the id of the one oracle that notices it; empty if others may.
	Alone string
	// Scenario is the only one that it is run in; empty for all.
	Scenario string
	// Lines is how much of a scenario's input its runs take, 0 for the usual.
	Lines int
	// Strategy draws the worlds of its runs, one of Strategies; empty for uniform.
	Strategy string
	// Set are key=value settings of its runs.
	Set   []string
	Hunks []Hunk
}

// Hunk replaces lines of one file.
type Hunk struct {
	File string // slash-separated, from the root of the module
	// Match is which of Of places with the old lines is meant, from 1; both are 1
	// where there is only one.
	Match, Of int
	Lines     []Line
}

// Line is one line of a hunk.
type Line struct {
	// Op is ' ' for a line that stays, '-' for one that goes, '+' for a new one.
	Op   byte
	Text string // without its '\n'
}

// Old is the lines that the file has, New those that it gets.
func (h Hunk) Old() []string { return h.side('+') }

// New is the lines that the file gets.
func (h Hunk) New() []string { return h.side('-') }

func (h Hunk) side(without byte) []string {
	var lines []string
	for _, l := range h.Lines {
		if l.Op != without {
			lines = append(lines, l.Text)
		}
	}
	return lines
}

// Hash identifies the patch's text, 16 hexadecimal digits.
func (p *Patch) Hash() string {
	sum := sha256.Sum256([]byte(p.String()))
	return hex.EncodeToString(sum[:8])
}

// Name is what a trace calls the mutant: its id and hash.
func (p *Patch) Name() string { return p.ID + "@" + p.Hash() }

// String is the patch as a file.
func (p *Patch) String() string {
	var b strings.Builder
	field := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-8s %s\n", key, value)
		}
	}
	field("id", p.ID)
	field("what", p.What)
	field("why", p.Why)
	field("bug", p.Bug)
	if p.Survives != "" {
		field("expect", survived+p.Survives)
	}
	field("alone", p.Alone)
	field("scenario", p.Scenario)
	if p.Lines > 0 {
		field("lines", strconv.Itoa(p.Lines))
	}
	field("strategy", p.Strategy)
	for _, kv := range p.Set {
		field("set", kv)
	}
	for _, h := range p.Hunks {
		b.WriteString("\nfile " + h.File + "\n")
		if h.Of > 1 {
			fmt.Fprintf(&b, "match %d of %d\n", h.Match, h.Of)
		}
		for _, l := range h.Lines {
			b.WriteByte(l.Op)
			b.WriteString(l.Text + "\n")
		}
	}
	return b.String()
}

// survived begins the value of expect.
const survived = "survived: "

// Strategies are the names that the field strategy may have.
var Strategies = []string{"uniform", "swarm", "pos", "crash-everywhere", "portfolio"}

// linesMax bounds the input of a mutant's runs.
const linesMax = 1_000_000

// Parse reads a patch. Errors name the file and the line.
func Parse(file, text string) (*Patch, error) {
	p := &reading{file: file, patch: &Patch{}}
	for line := range strings.Lines(text) {
		p.number++
		if err := p.line(strings.TrimSuffix(line, "\n")); err != nil {
			return nil, err
		}
	}
	if err := p.endHunk(); err != nil {
		return nil, err
	}
	for _, f := range []struct{ key, value string }{{"id", p.patch.ID}, {"what", p.patch.What}, {"why", p.patch.Why}} {
		if f.value == "" {
			return nil, p.err("the patch has no %s", f.key)
		}
	}
	if p.patch.Survives != "" && p.patch.Alone != "" {
		return nil, p.err("the patch is expected to survive; %s can't notice it", p.patch.Alone)
	}
	if len(p.patch.Hunks) == 0 {
		return nil, p.err("the patch changes nothing; it needs a line that begins with file")
	}
	return p.patch, nil
}

type reading struct {
	file   string
	number int
	patch  *Patch
	open   *Hunk // being read
	seen   []string
}

func (p *reading) err(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", p.file, p.number, fmt.Sprintf(format, args...))
}

func (p *reading) line(line string) error {
	switch {
	case line == "" || line[0] == '#' && p.open == nil:
		return p.endHunk()
	case p.open != nil && strings.IndexByte(" -+", line[0]) >= 0:
		p.open.Lines = append(p.open.Lines, Line{line[0], line[1:]})
		return nil
	}
	key, value, _ := strings.Cut(line, " ")
	value = strings.TrimSpace(value)
	if value == "" {
		return p.err("%q is neither \"key value\" nor, in a hunk, a line that begins with a space, - or +", line)
	}
	switch key {
	case "file":
		return p.hunk(value)
	case "match":
		return p.match(value)
	}
	if p.open != nil || len(p.patch.Hunks) > 0 {
		return p.err("%s comes after a hunk; the fields come first", key)
	}
	if key != "set" && slices.Contains(p.seen, key) {
		return p.err("there is a second %s", key)
	}
	p.seen = append(p.seen, key)
	return p.field(key, value)
}

var idForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func (p *reading) field(key, value string) error {
	switch key {
	case "id":
		if !idForm.MatchString(value) {
			return p.err("id %q is not lower-case words with dashes", value)
		}
		p.patch.ID = value
	case "what":
		p.patch.What = value
	case "why":
		p.patch.Why = value
	case "bug":
		p.patch.Bug = value
	case "expect":
		reason, ok := strings.CutPrefix(value, survived)
		if !ok || strings.TrimSpace(reason) != reason || reason == "" {
			return p.err("expect %q is not \"survived: reason\"", value)
		}
		p.patch.Survives = reason
	case "alone":
		if !idForm.MatchString(value) {
			return p.err("alone %q is not the id of an oracle", value)
		}
		p.patch.Alone = value
	case "scenario":
		p.patch.Scenario = value
	case "lines":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > linesMax || strconv.Itoa(n) != value {
			return p.err("lines %q is not a whole number between 1 and %d", value, linesMax)
		}
		p.patch.Lines = n
	case "strategy":
		if !slices.Contains(Strategies, value) {
			return p.err("strategy %q is not one of %s", value, strings.Join(Strategies, ", "))
		}
		p.patch.Strategy = value
	case "set":
		if k, _, ok := strings.Cut(value, "="); !ok || k == "" {
			return p.err("set %q is not of the form key=value", value)
		}
		p.patch.Set = append(p.patch.Set, value)
	default:
		return p.err("unknown key %q; the keys are id, what, why, bug, expect, alone, scenario, lines, strategy, set, file, match", key)
	}
	return nil
}

func (p *reading) hunk(name string) error {
	if err := p.endHunk(); err != nil {
		return err
	}
	if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || name != path.Clean(name) || path.IsAbs(name) || strings.HasPrefix(name, "..") {
		return p.err("file %q is not the path of a Go file that is no test, from the root of the module", name)
	}
	p.open = &Hunk{File: name, Match: 1, Of: 1}
	return nil
}

func (p *reading) match(value string) error {
	if p.open == nil || len(p.open.Lines) > 0 || p.open.Of > 1 {
		return p.err("match comes once, right after file")
	}
	var m, of int
	if _, err := fmt.Sscanf(value, "%d of %d", &m, &of); err != nil || fmt.Sprintf("%d of %d", m, of) != value || m < 1 || m > of || of < 2 {
		return p.err("match %q is not \"m of n\" with m from 1 to n, and n at least 2", value)
	}
	p.open.Match, p.open.Of = m, of
	return nil
}

// endHunk checks the hunk that ends here, if any.
func (p *reading) endHunk() error {
	h := p.open
	p.open = nil
	switch {
	case h == nil:
		return nil
	case len(h.Old()) == 0:
		return p.err("the hunk of %s has no old lines, so it has no place", h.File)
	case slices.Equal(h.Old(), h.New()):
		return p.err("the hunk of %s changes nothing", h.File)
	}
	p.patch.Hunks = append(p.patch.Hunks, *h)
	return nil
}
