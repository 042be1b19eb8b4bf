package model

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRepeated(t *testing.T) {
	c := Cut{Checkpoint: 3, AtLeastOnce: true, Edges: []Edge{{Name: "words->count", Channels: 2}}, Ends: []ChannelEnd{
		{From: 0, To: 0, Producer: true, Record: 585}, {From: 0, To: 0, Record: 649},
		{From: 1, To: 0, Producer: true, Record: 700}, {From: 1, To: 0, Record: 700},
	}}
	require.Empty(t, CheckCut(c))
	require.Equal(t, []Repetition{{3, "words->count", 0, 0, 585, 64}}, Repeated(c))
	require.Equal(t, "records 585 to 648 of words->count 0->0, taken between the channel's barrier 3 and the last barrier of checkpoint 3", Repeated(c)[0].String())

	strict := c
	strict.AtLeastOnce = false
	require.Len(t, CheckCut(strict), 1, "exactly once has no licence")

	c.Ends[3].Record = 699
	require.Contains(t, CheckCut(c)[0], "1 lost", "at least once loses nothing")
}
