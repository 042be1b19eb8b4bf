package scenarios

import (
	"bytes"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// CoverageReport is what several sweeps have come through together, as --json prints it.
type CoverageReport struct {
	Coverage
	Runs        int            `json:"runs"`
	Failures    int            `json:"failures"`
	ByScenario  []coveredPair  `json:"by_scenario"`
	Files       []CoverageFile `json:"files"`
	Builds      []string       `json:"builds"`
	modes       []Mode         // sorted
	order       []string       // of points
	description map[string]string
}

// CoverageFile is one of the merged files.
type CoverageFile struct {
	Path  string `json:"path"`
	Build string `json:"build"`
	List  string `json:"list"`
	Shard string `json:"shard"`
	// Ended is "complete", "failure" if the first one ended the sweep, or "interrupted".
	Ended string `json:"ended"`
	Runs  int    `json:"runs"`
}

// MergeCoverage adds up the coverage files in directories, or named themselves. It
// refuses files that have a run in common and, unless anyBuild, files of several
// builds, whose points may differ. An error is a *UsageError.
func MergeCoverage(places []string, anyBuild bool) (*CoverageReport, error) {
	var files []*covered
	for _, place := range places {
		more, err := readCoverage(place)
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	r := &CoverageReport{Coverage: Coverage{Points: map[string]map[Mode]any{}}, ByScenario: []coveredPair{}}
	for i, c := range files {
		for _, before := range files[:i] {
			if n, ok := before.shares(c); ok {
				return nil, usage("%s and %s both have run %d of the list of %s; leave one out, or it counts twice", before.path, c.path, n+1, c.list)
			}
		}
		if c.build != files[0].build && !anyBuild {
			return nil, usage("%s is of build %s, %s of build %s; their points may differ: --any-build merges them all the same",
				files[0].path, files[0].build, c.path, c.build)
		}
		r.merge(c)
	}
	r.count()
	return r, nil
}

// readCoverage reads the coverage files of a directory, by name, or one file.
func readCoverage(place string) ([]*covered, error) {
	info, err := os.Stat(place)
	if err != nil {
		return nil, usage("%s: %w; name a directory that simrun sweep --out made", place, cause(err))
	}
	paths := []string{place}
	if info.IsDir() {
		entries, err := os.ReadDir(place) // sorted
		if err != nil {
			return nil, usage("%s: %w", place, cause(err))
		}
		paths = nil
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), coverageSuffix) {
				paths = append(paths, filepath.Join(place, e.Name()))
			}
		}
		if len(paths) == 0 {
			return nil, usage("%s has no coverage file; simrun sweep --out %s leaves one", place, place)
		}
	}
	var files []*covered
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			return nil, usage("%s: %w", p, cause(err))
		}
		c, err := parseCoverage(p, string(text))
		if err != nil {
			return nil, err
		}
		files = append(files, c)
	}
	return files, nil
}

// has reports whether a run of the list is among those of the file, by its number from 0.
func (c *covered) has(number int) bool {
	i := number - (c.shard.Index - 1)
	return i >= 0 && i%c.shard.Of == 0 && i/c.shard.Of < c.runs
}

// shares finds the first run that two files have in common.
func (c *covered) shares(o *covered) (number int, ok bool) {
	if c.list != o.list || c.build != o.build {
		return 0, false
	}
	if c.runs > o.runs {
		c, o = o, c
	}
	for i := range c.runs {
		if n := c.shard.Index - 1 + i*c.shard.Of; o.has(n) {
			return n, true
		}
	}
	return 0, false
}

func (r *CoverageReport) merge(c *covered) {
	r.Files = append(r.Files, CoverageFile{c.path, c.build, c.list, fmt.Sprintf("%d/%d", c.shard.Index, c.shard.Of), c.ended, c.runs})
	if !slices.Contains(r.Builds, c.build) {
		r.Builds = append(r.Builds, c.build)
	}
	r.Runs += c.runs
	for _, p := range c.pairs {
		r.Failures += p.Failures
		i := slices.IndexFunc(r.ByScenario, func(o coveredPair) bool { return o.Scenario == p.Scenario && o.Mode == p.Mode })
		if i < 0 {
			r.ByScenario = append(r.ByScenario, p)
			continue
		}
		r.ByScenario[i].Runs += p.Runs
		r.ByScenario[i].Failures += p.Failures
	}
	for _, m := range c.modes {
		if !slices.Contains(r.modes, m) {
			r.modes = append(r.modes, m)
		}
	}
	for _, row := range c.rows {
		cells := r.Points[row.point]
		if cells == nil {
			cells = map[Mode]any{}
			r.Points[row.point] = cells
			r.order = append(r.order, row.point)
		}
		for i, m := range c.modes {
			before, counted := cells[m].(int)
			switch {
			case row.counts[i] >= 0:
				cells[m] = before + row.counts[i]
			case !counted:
				cells[m] = notReachable
			}
		}
	}
}

// count fills cells that no file has, and counts.
func (r *CoverageReport) count() {
	slices.Sort(r.modes)
	r.description = map[string]string{}
	for _, p := range points {
		r.description[p.name] = p.what
	}
	for _, name := range r.order {
		for _, m := range r.modes {
			switch n := r.Points[name][m].(type) {
			case nil: // another build's point
				r.Points[name][m] = 0
				r.Reachable++
			case int:
				r.Reachable++
				if n > 0 {
					r.Hit++
				}
			}
		}
	}
}

// Text is the report for people.
func (r *CoverageReport) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "coverage  %s, %d of %d reached\n\n", r.sum(), r.Hit, r.Reachable)
	rows := [][]string{{"", "shard", "runs", "ended"}}
	for _, f := range r.Files {
		rows = append(rows, []string{f.Path, f.Shard, fmt.Sprint(f.Runs), f.Ended})
	}
	table(&b, rows)
	b.WriteString("\n")
	rows = [][]string{{"", "runs", "failures"}}
	for _, p := range r.ByScenario {
		rows = append(rows, []string{p.Scenario + " " + string(p.Mode), fmt.Sprint(p.Runs), fmt.Sprint(p.Failures)})
	}
	table(&b, rows)
	b.WriteString("\nreached, in runs by mode\n")
	rows = [][]string{{""}}
	for _, m := range r.modes {
		rows[0] = append(rows[0], string(m))
	}
	var unhit []string
	for _, name := range r.order {
		row := []string{name}
		for _, m := range r.modes {
			text := fmt.Sprint(r.Points[name][m])
			row = append(row, text)
			if text == "0" {
				unhit = append(unhit, fmt.Sprintf("  %s, %s: %s", name, m, r.description[name]))
			}
		}
		rows = append(rows, row)
	}
	table(&b, rows)
	if len(unhit) > 0 {
		fmt.Fprintf(&b, "\nnot reached\n%s\n", strings.Join(unhit, "\n"))
	}
	return b.String()
}

func (r *CoverageReport) sum() string {
	text := fmt.Sprintf("%d runs in %d files, %d failures", r.Runs, len(r.Files), r.Failures)
	if len(r.Builds) > 1 {
		text += fmt.Sprintf(", of %d builds", len(r.Builds))
	}
	return text
}

// WriteHTML writes the report as a page that needs nothing else. An error about the
// place is a *UsageError.
func (r *CoverageReport) WriteHTML(path string) error {
	if err := checkOutput("--html", path); err != nil {
		return err
	}
	for _, f := range r.Files {
		if sameFile(f.Path, path) {
			return usage("--html %s is the same file as %s; name another", path, f.Path)
		}
	}
	type line struct {
		Name, What string
		Cells      []string
	}
	view := struct {
		Report *CoverageReport
		Sum    string
		Modes  []Mode
		Lines  []line
	}{r, r.sum(), r.modes, nil}
	for _, name := range r.order {
		l := line{Name: name, What: r.description[name]}
		for _, m := range r.modes {
			l.Cells = append(l.Cells, fmt.Sprint(r.Points[name][m]))
		}
		view.Lines = append(view.Lines, l)
	}
	var page bytes.Buffer
	if err := coveragePage.Execute(&page, view); err != nil {
		return err
	}
	return writeWhole(path, page.Bytes())
}

var coveragePage = template.Must(template.New("coverage").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Coverage: {{.Report.Hit}} of {{.Report.Reachable}}</title>
<style>
:root { color-scheme: light dark; --line: #d0d0d0; --hit: #d8f0dc; --miss: #f8d8d8; --dim: #707070 }
@media (prefers-color-scheme: dark) { :root { --line: #404040; --hit: #17401f; --miss: #5a2020; --dim: #9a9a9a } }
body { font: 14px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 }
th, td { border-bottom: 1px solid var(--line); padding: .15em .7em; text-align: right; font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left }
small, .na { color: var(--dim) } .hit { background: var(--hit) } .miss { background: var(--miss) }
</style>
<h1>Coverage: {{.Report.Hit}} of {{.Report.Reachable}} reached</h1>
<p>{{.Sum}}</p>
<table><tr><th>point</th>{{range .Modes}}<th>{{.}}</th>{{end}}</tr>
{{range .Lines}}<tr><td>{{.Name}}<br><small>{{.What}}</small></td>{{range .Cells}}<td class="{{if eq . "n/a"}}na{{else if eq . "0"}}miss{{else}}hit{{end}}">{{.}}</td>{{end}}</tr>
{{end}}</table>
<table><tr><th>scenario</th><th>mode</th><th>runs</th><th>failures</th></tr>
{{range .Report.ByScenario}}<tr><td>{{.Scenario}}</td><td>{{.Mode}}</td><td>{{.Runs}}</td><td>{{.Failures}}</td></tr>
{{end}}</table>
<table><tr><th>file</th><th>shard</th><th>runs</th><th>ended</th><th>build</th></tr>
{{range .Report.Files}}<tr><td>{{.Path}}<br><small>{{.List}}</small></td><td>{{.Shard}}</td><td>{{.Runs}}</td><td>{{.Ended}}</td><td>{{.Build}}</td></tr>
{{end}}</table>
</html>
`))
