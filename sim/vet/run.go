package vet

import (
	"fmt"
	"go/types"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Finding is what breaks replay, and where.
type Finding struct {
	File    string `json:"file"` // relative to the directory if it is below
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Kind    Kind   `json:"kind"`
	Message string `json:"message"`
	// Reason is the excuse, if it has one.
	Reason string `json:"reason,omitempty"`
}

func (f Finding) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
}

// Report is what was found in some packages, in order of place.
type Report struct {
	Findings []Finding `json:"findings"`
	// Allowed are the findings that a comment excuses.
	Allowed  []Finding `json:"allowed"`
	Packages int       `json:"packages"`
	// Functions counts those given to operators, Jobs those that build jobs.
	Functions int `json:"functions"`
	Jobs      int `json:"jobs"`
}

// Text is a line for each finding, and with allowed one for each that is excused.
func (r *Report) Text(allowed bool) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintln(&b, f)
	}
	for _, f := range r.Allowed {
		if allowed {
			fmt.Fprintf(&b, "%s (allowed: %s)\n", f, f.Reason)
		}
	}
	return b.String()
}

// Summary says in a line what was looked at, so that nobody takes nothing for a pass.
func (r *Report) Summary() string {
	return fmt.Sprintf("%d packages, %d functions of operators, %d functions that build jobs: %d findings, %d allowed",
		r.Packages, r.Functions, r.Jobs, len(r.Findings), len(r.Allowed))
}

// Run checks the packages that patterns name, as for go vet, with their tests, in the
// module around dir. It needs the go command. An error is about patterns or source.
func Run(dir string, patterns []string) (*Report, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if resolved, err := filepath.EvalSymlinks(dir); err == nil { // as the go command names files
		dir = resolved
	}
	l, err := load(dir, patterns)
	if err != nil {
		return nil, err
	}
	r := &Report{Findings: []Finding{}, Allowed: []Finding{}}
	c := &checking{l: l, facts: map[types.Object]*Impure{}, report: r}
	tested := map[string]bool{} // packages that are checked together with their tests
	for _, p := range l.list {
		if p.ForTest != "" && p.path() == p.ForTest {
			tested[p.ForTest] = true
		}
	}
	counted := map[string]bool{}
	for _, p := range l.list {
		q := l.loaded[p.ImportPath]
		if q == nil {
			continue
		}
		wanted := !p.DepOnly && (p.ForTest != "" || !tested[p.ImportPath])
		if err := c.check(q, wanted); err != nil {
			return nil, err
		}
		if name := strings.TrimSuffix(p.path(), "_test"); wanted && !counted[name] {
			counted[name] = true
			r.Packages++
		}
	}
	r.Findings, r.Allowed = ordered(r.Findings), ordered(r.Allowed)
	return r, nil
}

func ordered(list []Finding) []Finding {
	slices.SortFunc(list, func(a, b Finding) int {
		for _, c := range []int{strings.Compare(a.File, b.File), a.Line - b.Line, a.Column - b.Column} {
			if c != 0 {
				return c
			}
		}
		return strings.Compare(a.Message, b.Message)
	})
	return slices.Compact(list)
}

// checking applies the analyzer to packages, dependencies first.
type checking struct {
	l      *loader
	facts  map[types.Object]*Impure
	report *Report
}

func (c *checking) check(q *loaded, wanted bool) error {
	pass := &analysis.Pass{
		Analyzer: Analyzer, Fset: c.l.fset, Files: q.files, Pkg: q.types, TypesInfo: q.info,
		Module: &analysis.Module{Path: "main"}, ReadFile: os.ReadFile,
		Report: func(d analysis.Diagnostic) {
			if wanted {
				c.report.Findings = append(c.report.Findings, c.finding(d, ""))
			}
		},
		ImportObjectFact: func(o types.Object, f analysis.Fact) bool {
			known := c.facts[o]
			if known != nil {
				reflect.ValueOf(f).Elem().Set(reflect.ValueOf(known).Elem())
			}
			return known != nil
		},
		ExportObjectFact: func(o types.Object, f analysis.Fact) { c.facts[o] = f.(*Impure) },
	}
	result, err := Analyzer.Run(pass)
	if err != nil || !wanted {
		return err
	}
	seen := result.(*Seen)
	c.report.Functions += seen.Functions
	c.report.Jobs += seen.Jobs
	for _, x := range seen.Allowed {
		c.report.Allowed = append(c.report.Allowed, c.finding(x.Diagnostic, x.Reason))
	}
	return nil
}

func (c *checking) finding(d analysis.Diagnostic, reason string) Finding {
	p := c.l.fset.Position(d.Pos)
	file := p.Filename
	if rel, err := filepath.Rel(c.l.dir, file); err == nil && !strings.HasPrefix(rel, "..") {
		file = rel
	}
	return Finding{file, p.Line, p.Column, Kind(d.Category), d.Message, reason}
}
