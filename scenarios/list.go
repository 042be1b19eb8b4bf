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
	Order   Order    `json:"order"`
	// Canary says that the scenario must fail.
	Canary bool `json:"canary,omitempty"`
}

// Listing describes all scenarios, and then the canaries.
func Listing() *List {
	l := &List{}
	for _, s := range append(All(), Canaries()...) {
		l.Scenarios = append(l.Scenarios, Listed{s.Name, s.Promise, s.Modes, s.Faults, s.Order, s.Canary})
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
		name := s.Name
		if s.Canary {
			name += " (a canary: it must fail)"
		}
		fmt.Fprintf(&b, "%s\n  promise  %s\n  modes    %s\n  order    %s\n  faults   %s\n", name, s.Promise, strings.Join(modes, ", "), s.Order, strings.Join(s.Faults, ", "))
	}
	return b.String()
}
