package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Result is one figure.
type Result struct {
	// Name is that of the benchmark, and of the row if it has several.
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// ComparedTo says what the value is divided by to give the ratio; where that is
	// 0 the ratio is the value.
	ComparedTo string  `json:"compared_to"`
	Ratio      float64 `json:"ratio"`
	// Budget is what the value or the ratio must keep to, and Met whether it does;
	// both are missing from figures that are there to be compared with.
	Budget string `json:"budget,omitempty"`
	Met    *bool  `json:"met,omitempty"`
	// Note says how it was measured, and on what.
	Note string `json:"note,omitempty"`
}

// Report is all figures.
type Report struct {
	Results []Result `json:"results"`
}

// figure is a value beside another of the same unit.
func figure(name string, value float64, unit, to string, base float64) Result {
	r := Result{Name: name, Value: rounded(value), Unit: unit, ComparedTo: fmt.Sprintf("%s, %s %s", to, short(base), unit), Ratio: value}
	if base != 0 {
		r.Ratio = value / base
	}
	r.Ratio = rounded(r.Ratio)
	return r
}

// atMost and atLeast set a budget for the ratio.
func (r Result) atMost(limit float64) Result {
	return r.limit("ratio at most "+short(limit), r.Ratio <= limit)
}
func (r Result) atLeast(limit float64) Result {
	return r.limit("ratio at least "+short(limit), r.Ratio >= limit)
}

func (r Result) limit(budget string, met bool) Result {
	r.Budget, r.Met = budget, &met
	return r
}

func (r Result) note(format string, args ...any) Result {
	r.Note = fmt.Sprintf(format, args...)
	return r
}

// within is a value that must not be above a limit, over one that must not be below.
func within(name string, value float64, unit string, limit float64) Result {
	return figure(name, value, unit, "the budget", limit).limit("at most "+short(limit)+" "+unit, value <= limit)
}

func over(name string, value float64, unit string, limit float64) Result {
	return figure(name, value, unit, "the budget", limit).limit("at least "+short(limit)+" "+unit, value >= limit)
}

// rounded keeps four digits: more would be noise.
func rounded(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

func short(v float64) string { return strconv.FormatFloat(rounded(v), 'f', -1, 64) }

// Text is the report for people.
func (r *Report) Text() string {
	rows := [][]string{{"benchmark", "figure", "compared to", "ratio", "budget", ""}}
	for _, x := range r.Results {
		met := ""
		if x.Met != nil {
			met = map[bool]string{true: "met", false: "MISSED"}[*x.Met]
		}
		rows = append(rows, []string{x.Name, short(x.Value) + " " + x.Unit, x.ComparedTo, short(x.Ratio), x.Budget, met})
	}
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len(cell))
		}
	}
	var b strings.Builder
	for i, row := range rows {
		line := ""
		for k, cell := range row {
			line += fmt.Sprintf("%-*s  ", width[k], cell)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
		if i > 0 && r.Results[i-1].Note != "" {
			b.WriteString("    " + r.Results[i-1].Note + "\n")
		}
	}
	return b.String()
}

// Listing is what there is to measure.
type Listing struct {
	Benchmarks []Listed `json:"benchmarks"`
}

// Listed is one benchmark.
type Listed struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

// List names the benchmarks.
func List() *Listing {
	l := &Listing{}
	for _, b := range benchmarks() {
		l.Benchmarks = append(l.Benchmarks, Listed{b.name, b.about})
	}
	return l
}

// Text is the list for people.
func (l *Listing) Text() string {
	var b strings.Builder
	for _, x := range l.Benchmarks {
		fmt.Fprintf(&b, "%-14s %s\n", x.Name, x.About)
	}
	return b.String()
}
