package scenarios

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// A coverage file holds what a sweep, or a shard of one, has come through. It is text:
// a line for each fact, with tabs between its words, and at the end a checksum.
const (
	coverageMagic  = "weir coverage v1"
	coverageSuffix = ".coverage"
)

// How a sweep ended.
const (
	endedComplete    = "complete"
	endedFailure     = "failure"     // the first one, as asked
	endedInterrupted = "interrupted" // by the user
)

// covered is the contents of a coverage file.
type covered struct {
	path  string
	build string
	list  string // of which the runs are: its seed, strategy and scenarios
	shard Shard
	ended string
	runs  int // the first ones of the shard
	modes []Mode
	rows  []coveredRow
	pairs []coveredPair
}

// coveredRow is a point with its counts by mode, -1 where it can't be reached.
type coveredRow struct {
	point  string
	counts []int
}

// coveredPair is a scenario in a mode.
type coveredPair struct {
	Scenario string `json:"scenario"`
	Mode     Mode   `json:"mode"`
	Runs     int    `json:"runs"`
	Failures int    `json:"failures"`
}

// build identifies this executable: the hash of its file.
func build() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	d := xxhash.New()
	_, err = io.Copy(d, f)
	_ = f.Close() // read only
	return fmt.Sprintf("%016x", d.Sum64()), err
}

// list identifies the endless list of runs that the sweep makes a part of.
func (s *sweep) list() string {
	var names []string
	for _, p := range s.pairs {
		if !slices.Contains(names, p.scenario.Name) {
			names = append(names, p.scenario.Name)
		}
	}
	return fmt.Sprintf("seed %d, strategy %s, scenarios %s", s.o.Seed, s.o.Strategy, strings.Join(names, " "))
}

// fileName is that of what the sweep leaves in its directory, where those of its other
// shards and of sweeps from other seeds have room beside it.
func (s *sweep) fileName(suffix string) string {
	name := fmt.Sprintf("seed-%d", s.o.Seed)
	if s.o.Shard.Of > 1 {
		name += fmt.Sprintf("-shard-%d-of-%d", s.o.Shard.Index, s.o.Shard.Of)
	}
	return filepath.Join(s.o.Coverage, name+suffix)
}

// checkCoverage makes the directory for coverage and journal, and refuses what can't be one.
func (s *sweep) checkCoverage() error {
	if s.o.Coverage == "" {
		return nil
	}
	var err error
	if !s.o.Resume { // which needs what is there
		err = os.MkdirAll(s.o.Coverage, 0o755)
	}
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(s.o.Coverage, "try.*.tmp"); err == nil {
			err = os.Remove(f.Name())
			_ = f.Close() // it is gone
		}
	}
	if err != nil {
		return usage("--out %s: %w; name a directory that can be written to", s.o.Coverage, cause(err))
	}
	s.build, err = build()
	return err
}

// writeCoverage leaves the coverage file.
func (s *sweep) writeCoverage(ended string) error {
	if s.o.Coverage == "" {
		return nil
	}
	c := covered{build: s.build, list: s.list(), shard: s.o.Shard, ended: ended, runs: s.tally.runs, modes: s.tally.modes}
	for i, p := range s.pairs {
		t := s.tally.totals[i]
		c.pairs = append(c.pairs, coveredPair{p.scenario.Name, p.mode, t.Runs, t.Failures})
	}
	cov := s.tally.coverage()
	for _, p := range points {
		row := coveredRow{point: p.name}
		for _, m := range c.modes {
			n, reachable := cov.Points[p.name][m].(int)
			if !reachable {
				n = -1
			}
			row.counts = append(row.counts, n)
		}
		c.rows = append(c.rows, row)
	}
	return writeWhole(s.fileName(coverageSuffix), c.text())
}

func (c *covered) text() []byte {
	var b strings.Builder
	line := func(words ...string) { b.WriteString(strings.Join(words, "\t") + "\n") }
	line(coverageMagic)
	line("build", c.build)
	line("list", c.list)
	line("shard", fmt.Sprintf("%d/%d", c.shard.Index, c.shard.Of))
	line("ended", c.ended)
	line("runs", strconv.Itoa(c.runs))
	words := []string{"modes"}
	for _, m := range c.modes {
		words = append(words, string(m))
	}
	line(words...)
	for _, p := range c.pairs {
		line("scenario", p.Scenario, string(p.Mode), strconv.Itoa(p.Runs), strconv.Itoa(p.Failures))
	}
	for _, r := range c.rows {
		words := []string{"point", r.point}
		for _, n := range r.counts {
			words = append(words, cell(n))
		}
		line(words...)
	}
	line("end", fmt.Sprintf("%016x", xxhash.Sum64String(b.String())))
	return []byte(b.String())
}

func cell(n int) string {
	if n < 0 {
		return notReachable
	}
	return strconv.Itoa(n)
}

// coverageReader takes a coverage file line by line.
type coverageReader struct {
	c      covered
	lines  []string
	at     int // number of the line, from 1
	before int // bytes before it
}

// parseCoverage reads a coverage file; an error says in which line what is wrong.
func parseCoverage(path, text string) (*covered, error) {
	r := &coverageReader{c: covered{path: path}, lines: strings.SplitAfter(text, "\n")}
	if text != "" && strings.TrimSuffix(r.lines[0], "\n") != coverageMagic {
		return nil, usage("%s: line 1 is %s; a coverage file begins with %q", path, short(r.lines[0]), coverageMagic)
	}
	ended := false
	for _, l := range r.lines {
		r.at++
		if l == "" && r.at == len(r.lines) {
			break
		}
		var err error
		switch {
		case ended:
			err = fmt.Errorf("%s follows the end", short(l))
		case !strings.HasSuffix(l, "\n"):
			err = fmt.Errorf("%s is cut short", short(l))
		case r.at > 1:
			ended, err = r.line(strings.Split(strings.TrimSuffix(l, "\n"), "\t"), text)
		}
		if err != nil {
			return nil, usage("%s: line %d: %w", path, r.at, err)
		}
		r.before += len(l)
	}
	if !ended {
		return nil, usage("%s: line %d: it is cut short; the last line is \"end\" with a checksum", path, r.at)
	}
	return &r.c, nil
}

func short(line string) string {
	line = strings.TrimSuffix(line, "\n")
	if len(line) > 40 {
		line = line[:40]
	}
	return strconv.Quote(line)
}

// keys is the order of the lines, and how many words follow each; 0 for as many as
// there are modes.
var keys = []struct {
	name  string
	words int
}{{"build", 1}, {"list", 1}, {"shard", 1}, {"ended", 1}, {"runs", 1}, {"modes", 0}, {"scenario", 4}, {"point", 0}, {"end", 1}}

// line takes one line but the first, and says whether it is the end.
func (r *coverageReader) line(words []string, text string) (end bool, err error) {
	key, words := words[0], words[1:]
	want := min(r.at-2, 5) // after the modes there are as many as need be of each
	i := slices.IndexFunc(keys, func(k struct {
		name  string
		words int
	}) bool {
		return k.name == key
	})
	if i < 0 || want < 5 && i != want || r.at-2 == 5 && i != 5 || r.at-2 > 5 && i <= 5 {
		return false, fmt.Errorf("%s is not what comes here", short(key))
	}
	if n := keys[i].words; n > 0 && len(words) != n {
		return false, fmt.Errorf("%q has %d words after it; it must have %d", key, len(words), n)
	}
	c := &r.c
	switch key {
	case "build":
		c.build = words[0]
	case "list":
		c.list = words[0]
	case "shard":
		if _, err := fmt.Sscanf(words[0]+"\n", "%d/%d\n", &c.shard.Index, &c.shard.Of); err != nil || c.shard.Index < 1 || c.shard.Index > c.shard.Of {
			return false, fmt.Errorf("shard %q is not I/N, I from 1 to N", words[0])
		}
	case "ended":
		c.ended = words[0]
		if !slices.Contains([]string{endedComplete, endedFailure, endedInterrupted}, c.ended) {
			return false, fmt.Errorf("ended %q is none of complete, failure, interrupted", c.ended)
		}
	case "runs":
		c.runs, err = number(words[0], false)
	case "modes":
		for _, w := range words {
			c.modes = append(c.modes, Mode(w))
		}
	case "scenario":
		err = r.scenario(words)
	case "point":
		err = r.point(words)
	case "end":
		if want := fmt.Sprintf("%016x", xxhash.Sum64String(text[:r.before])); words[0] != want {
			return false, fmt.Errorf("the checksum is %s, that of the lines before is %s: the file was changed or damaged", short(words[0]), want)
		}
		return true, nil
	}
	return false, err
}

func (r *coverageReader) scenario(words []string) (err error) {
	p := coveredPair{Scenario: words[0], Mode: Mode(words[1])}
	if !slices.Contains(r.c.modes, p.Mode) {
		return fmt.Errorf("mode %q is not among those of the file", p.Mode)
	}
	if p.Runs, err = number(words[2], false); err == nil {
		p.Failures, err = number(words[3], false)
	}
	r.c.pairs = append(r.c.pairs, p)
	return err
}

func (r *coverageReader) point(words []string) error {
	if len(words) != 1+len(r.c.modes) {
		return fmt.Errorf("the point has %d words; it must have a name and %d counts", len(words), len(r.c.modes))
	}
	row := coveredRow{point: words[0]}
	if slices.ContainsFunc(r.c.rows, func(o coveredRow) bool { return o.point == row.point }) {
		return fmt.Errorf("point %q is there twice", row.point)
	}
	for _, w := range words[1:] {
		n, err := number(w, true)
		if err != nil {
			return err
		}
		row.counts = append(row.counts, n)
	}
	r.c.rows = append(r.c.rows, row)
	return nil
}

// number reads a count, or -1 for "n/a" where that may be.
func number(word string, absent bool) (int, error) {
	if absent && word == notReachable {
		return -1, nil
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is not a whole number from 0", short(word))
	}
	return n, nil
}
