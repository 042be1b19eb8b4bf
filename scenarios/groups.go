package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/weirstream/weir/sim/cluster"
)

// Group is failures that look like one cause: the same oracle, the same message but
// for its numbers and names, and the same kind of last fault in the same phase. Two
// causes may look the same, and one may have several looks.
type Group struct {
	Oracle string `json:"oracle"`
	// Message is the first line of the messages, with N for numbers and "..." for
	// what they quote.
	Message string `json:"message"`
	// LastFault is the kind of the last fault before the failure and the phase in which
	// it came, empty if there was none.
	LastFault string `json:"last_fault"`
	Count     int    `json:"count"`
	FirstSeed uint64 `json:"first_seed"`
	// Best is the seed with the fewest faults and, of those, the fewest events.
	Best  uint64   `json:"best"`
	Seeds []uint64 `json:"seeds"`

	best *Report
}

// grouped adds a failure to its group, a new one if it is the first of its kind.
func grouped(groups []*Group, rep *Report) []*Group {
	g := &Group{LastFault: rep.watched.lastFault, FirstSeed: rep.Seed}
	if len(rep.Violations) > 0 {
		g.Oracle, g.Message = rep.Violations[0].Oracle, normalised(rep.Violations[0].Message)
	}
	i := slices.IndexFunc(groups, func(o *Group) bool {
		return o.Oracle == g.Oracle && o.Message == g.Message && o.LastFault == g.LastFault
	})
	if i >= 0 {
		g = groups[i]
	} else {
		groups = append(groups, g)
	}
	g.Count++
	g.Seeds = append(g.Seeds, rep.Seed)
	if g.best == nil || simpler(rep, g.best) {
		g.best, g.Best = rep, rep.Seed
	}
	return groups
}

// simpler reports whether a failing run is the better example.
func simpler(a, b *Report) bool {
	if x, y := a.faults(), b.faults(); x != y {
		return x < y
	}
	return a.Events < b.Events
}

// faults is how many happened.
func (r *Report) faults() int {
	sum := 0
	for _, n := range r.Faults { // unordered: a sum
		sum += n
	}
	return sum
}

// What differs between two messages of one cause.
var (
	quotes  = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	hashes  = regexp.MustCompile(`\b[0-9a-f]{16}\b`)
	figures = regexp.MustCompile(`[0-9]+(?:\.[0-9]+)?`)
	several = regexp.MustCompile(`("\.\.\."|N)(?:(?:, | and )("\.\.\."|N))+`)
)

// normalised is the first line of a message without numbers and quoted names; lists of
// them may be of any length.
func normalised(message string) string {
	line, _, _ := strings.Cut(message, "\n")
	line = quotes.ReplaceAllString(line, `"..."`)
	line = hashes.ReplaceAllString(line, "N")
	line = figures.ReplaceAllString(line, "N")
	return several.ReplaceAllString(line, "$1")
}

// print is the group for people: its best example, with how many more there are.
func (g *Group) print(b *strings.Builder) {
	const listed = 10
	if g.Count > 1 {
		seeds := strings.Trim(fmt.Sprint(g.Seeds[:min(listed, len(g.Seeds))]), "[]")
		if more := len(g.Seeds) - listed; more > 0 {
			seeds += fmt.Sprintf(" and %d more", more)
		}
		after := ""
		if g.LastFault != "" {
			after = ", all after " + g.LastFault
		}
		fmt.Fprintf(b, "%d failures alike%s, seeds %s; the one with the fewest faults and events:\n", g.Count, after, seeds)
	}
	b.WriteString(shortened(g.best.Text()))
	b.WriteByte('\n')
}

// moment is a fault's kind and the phase of the job in which it came.
func (w *watcher) moment(c cluster.Injection) string {
	kind, at, p, l := string(c.Fault.Kind), &w.at, &w.pending, &w.latest
	if c.Damage != nil {
		return kind
	}
	running := at.deployed && at.running == len(w.tasks)
	switch {
	case !at.deployed:
		return kind + " before deployment"
	case !running && at.restores > 0:
		return kind + " while restoring"
	case !running:
		return kind + " while deploying"
	case p.id > 0 && p.sealing:
		return kind + " while sealing"
	case p.id > 0:
		return kind + " while collecting"
	case l.committed < l.due:
		return kind + " while committing"
	case at.ended == len(w.tasks):
		return kind + " after the end of all tasks"
	}
	return kind + " between checkpoints"
}

// First is the first failure in the list of runs.
type First struct {
	Seed uint64 `json:"seed"`
	// Runs is how many runs the list has to it, itself included.
	Runs int `json:"runs"`
	// Seconds from the beginning of the sweep until the run had ended.
	Seconds float64 `json:"seconds"`
	// Case is where it is, made smaller, empty if it was not.
	Case string `json:"case,omitempty"`
}
