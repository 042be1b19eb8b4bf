package model

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// middle is the one task with inputs and an output in these tests.
const middle = 2

func throughMiddle() ProtocolPlan {
	plan := protocolJob()
	plan.Tasks[middle].Out = []int{2}
	plan.Tasks = append(plan.Tasks, ProtocolTask{Name: "last/0", In: []int{2}})
	plan.Channels = append(plan.Channels, "both->last 0->0")
	return plan
}

// bothSent is a job that runs in which the sources have sent barriers of checkpoints.
func bothSent(ids ...uint64) (all []tell) {
	all = story(up(), runs(3))
	for _, id := range ids {
		all = append(all, story(trigger(id), out(left, id, 0), out(right, id, 0))...)
	}
	return all
}

func channelEnds(ch int) tell {
	return quiet(func(p *Protocol) { p.ChannelEnded(middle, current, ch) })
}

// TestCancelMarkers is T9 for tasks that give up what they have barriers of.
func TestCancelMarkers(t *testing.T) {
	const late = "T9: both/0 has sent neither the barrier of checkpoint 1 nor a cancel marker, 11ms after it should"
	told := toldOf(middle, 2)
	for name, c := range map[string]struct {
		story []tell
		want  string
	}{
		"barrier":                       {story(bothSent(1), told, in(0, 1, 0), in(1, 1, 0), out(middle, 1, 0), at(111)), ""},
		"marker":                        {story(bothSent(1), told, in(0, 1, 0), in(1, 1, 0), cancelOut(middle, 1), at(111)), ""},
		"neither":                       {story(bothSent(1), told, in(0, 1, 0), in(1, 1, 0), at(111)), late},
		"one barrier is missing":        {story(bothSent(1), told, in(0, 1, 0), at(111)), ""},
		"the other channel ends":        {story(bothSent(1), told, in(0, 1, 0), channelEnds(1), at(111)), late},
		"no checkpoint, and an end":     {story(up(), runs(3), channelEnds(1), channelEnds(0), at(111)), ""},
		"a newer barrier first":         {story(bothSent(1, 2), told, in(0, 1, 0), in(0, 2, 0), in(1, 1, 0), at(111)), ""},
		"declined, barrier of the next": {story(bothSent(1, 2), told, in(0, 1, 0), in(0, 2, 0), declined(middle, 1), in(1, 2, 0), out(middle, 2, 0)), "T9: both/0 sent barrier 2, but neither the barrier of checkpoint 1 nor a cancel marker, as it should before"},
		"declined, marker of the next":  {story(bothSent(1, 2), told, in(0, 1, 0), in(0, 2, 0), declined(middle, 1), cancelOut(middle, 2)), "T9: both/0 sent cancel marker 2, but neither the barrier of checkpoint 1 nor a cancel marker, as it should before"},
		"declined, marker":              {story(bothSent(1, 2), told, in(0, 1, 0), in(0, 2, 0), declined(middle, 1), cancelOut(middle, 1), in(1, 2, 0), out(middle, 2, 0), at(111)), ""},
		"said once":                     {story(bothSent(1, 2), told, in(0, 1, 0), in(0, 2, 0), declined(middle, 1), cancelOut(middle, 2), at(111)), "T9: both/0 sent cancel marker 2, but neither the barrier of checkpoint 1 nor a cancel marker, as it should before"},
	} {
		p := NewProtocol(throughMiddle())
		var got []string
		for _, e := range c.story {
			for _, text := range e(p) {
				if strings.HasPrefix(text, "T9") {
					got = append(got, text)
				}
			}
		}
		if c.want == "" {
			require.Empty(t, got, name)
		} else {
			require.Equal(t, []string{c.want}, got, name)
		}
	}
}
