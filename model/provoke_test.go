package model

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProvocation(t *testing.T) {
	crash := Fault{Event: 40, Kind: "crash", Target: "tm1"}
	later := Fault{Event: 90, Kind: "cut", Target: "tm1->jm"}
	flip := Fault{Event: 30, Kind: "bit-flip", Target: "newest", File: "c/chk-1/task-0"}
	for _, c := range []struct {
		name    string
		trouble Trouble
		faults  []Fault
		text    string
	}{
		{"after a fault", Trouble{Event: 50, What: "task count/0 failed", Cause: "lost peer"}, []Fault{later, crash}, ""},
		{"with a fault", Trouble{Event: 40, What: "task count/0 failed", Cause: "i/o"}, []Fault{crash}, ""},
		{"user", Trouble{Event: 3, What: "task count/0 failed", Cause: CauseUser}, nil, ""},
		{"limit", Trouble{Event: 3, What: "checkpoint 2 expired", Cause: CauseLimit}, nil, ""},
		{"before the fault", Trouble{Event: 39, What: "task count/0 failed", Cause: "i/o"}, []Fault{later, crash},
			"event 39: task count/0 failed (cause: i/o), but the first fault, crash at tm1, came later, at event 40"},
		{"no fault", Trouble{Event: 3, What: "checkpoint 2 declined", Cause: ""}, nil,
			"event 3: checkpoint 2 declined (cause: none), but the run has no fault"},
		{"bug", Trouble{Event: 3, What: "task count/0 failed", Cause: CauseBug}, nil, "event 3: task count/0 failed (engine bug)"},
		{"bug after a fault", Trouble{Event: 50, What: "task count/0 failed", Cause: CauseBug}, []Fault{crash}, "event 50: task count/0 failed (engine bug)"},
		{"damage", Trouble{Event: 31, What: "corrupt file: c/chk-1/task-0: corrupt", Cause: "corrupt file", Damage: true}, []Fault{flip}, ""},
		{"of another file", Trouble{Event: 31, What: "corrupt file: c/chk-1/task-01: corrupt", Damage: true}, []Fault{crash, flip},
			"event 31: corrupt file: c/chk-1/task-01: corrupt, but no fault had damaged that"},
		{"too early", Trouble{Event: 29, What: "corrupt file: c/chk-1/task-0: corrupt", Damage: true}, []Fault{flip},
			"event 29: corrupt file: c/chk-1/task-0: corrupt, but no fault had damaged that"},
		{"of a crash", Trouble{Event: 50, What: "corrupt file: c/chk-1/task-0: corrupt", Damage: true}, []Fault{crash},
			"event 50: corrupt file: c/chk-1/task-0: corrupt, but no fault had damaged that"},
		{"damage is no excuse for the rest", Trouble{Event: 31, What: "task count/0 failed", Cause: "i/o"}, []Fault{flip},
			"event 31: task count/0 failed (cause: i/o), but the run has no fault"},
		{"a task that found damage", Trouble{Event: 31, What: "task count/0 failed: c/chk-1/task-0: corrupt", Cause: "corrupt file"}, []Fault{flip}, ""},
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

func TestMentions(t *testing.T) {
	for text, want := range map[string]bool{ // unordered: each by itself
		"restore: c/chk-1: gone":                 true,
		"c/chk-1/_metadata: gone":                true,
		"c/chk-12 and c/chk-13":                  false,
		"c/chk-12 and c/chk-1":                   true,
		"other/c/chk-1: gone":                    false,
		"start again with --from c/chk-1; or so": true,
		"":                                       false,
	} {
		require.Equal(t, want, Mentions(text, "c/chk-1"), text)
	}
	require.False(t, Mentions("anything", ""))
}
