package scenarios

import (
	"fmt"
	"strings"
)

// List is what simrun list prints.
type List struct {
	Scenarios []Listed `json:"scenarios"`
}

// Listed describes a scenario.
type Listed struct {
	Name    string   `json:"name"`
	Promise string   `json:"promise"`
	Modes   []Mode   `json:"modes"`
	Faults  []string `json:"faults"`
}

// Listing describes all scenarios.
func Listing() *List {
	l := &List{}
	for _, s := range All() {
		l.Scenarios = append(l.Scenarios, Listed{s.Name, s.Promise, s.Modes, s.Faults})
	}
	return l
}

// Text is the list for people.
func (l *List) Text() string {
	var b strings.Builder
	for _, s := range l.Scenarios {
		var modes []string
		for _, m := range s.Modes {
			modes = append(modes, string(m))
		}
		fmt.Fprintf(&b, "%s\n  promise  %s\n  modes    %s\n  faults   %s\n", s.Name, s.Promise, strings.Join(modes, ", "), strings.Join(s.Faults, ", "))
	}
	return b.String()
}
