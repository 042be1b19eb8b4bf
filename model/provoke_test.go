package model

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProvocation(t *testing.T) {
	crash := Fault{40, "crash", "tm1"}
	later := Fault{90, "cut", "tm1->jm"}
	for _, c := range []struct {
		name    string
		trouble Trouble
		faults  []Fault
		text    string
	}{
		{"after a fault", Trouble{50, "task count/0 failed", "lost peer"}, []Fault{later, crash}, ""},
		{"with a fault", Trouble{40, "task count/0 failed", "i/o"}, []Fault{crash}, ""},
		{"user", Trouble{3, "task count/0 failed", CauseUser}, nil, ""},
		{"limit", Trouble{3, "checkpoint 2 expired", CauseLimit}, nil, ""},
		{"before the fault", Trouble{39, "task count/0 failed", "i/o"}, []Fault{later, crash},
			"event 39: task count/0 failed (cause: i/o), but the first fault, crash at tm1, came later, at event 40"},
		{"no fault", Trouble{3, "checkpoint 2 declined", ""}, nil,
			"event 3: checkpoint 2 declined (cause: none), but the run has no fault"},
		{"bug", Trouble{3, "task count/0 failed", CauseBug}, nil, "event 3: task count/0 failed (engine bug)"},
		{"bug after a fault", Trouble{50, "task count/0 failed", CauseBug}, []Fault{crash}, "event 50: task count/0 failed (engine bug)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want []string
			if c.text != "" {
				want = []string{c.text}
			}
			require.Equal(t, want, CheckProvoked([]Trouble{c.trouble}, c.faults))
		})
	}
	require.Empty(t, CheckProvoked(nil, []Fault{crash}))
	require.Len(t, CheckProvoked([]Trouble{{Event: 1}, {Event: 2}}, nil), 2)
}
