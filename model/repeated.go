package model

import "fmt"

// Repetition is a run of records of one channel that a checkpoint holds although
// their producer sends them again after a restore: they were taken behind the
// channel's barrier, before the last barrier of the checkpoint came.
type Repetition struct {
	Checkpoint     uint64
	Edge           string
	From, To       int
	First, Records uint64 // number of the first one, and how many
}

func (r Repetition) String() string {
	return fmt.Sprintf("records %d to %d of %s %d->%d, taken between the channel's barrier %d and the last barrier of checkpoint %d",
		r.First, r.First+r.Records-1, r.Edge, r.From, r.To, r.Checkpoint, r.Checkpoint)
}

// Repeated is the licence of a restored at-least-once checkpoint: what it counts that
// will come again (CheckCut has found the cut in order).
func Repeated(c Cut) []Repetition {
	type key struct{ edge, from, to int }
	sent := map[key]uint64{}
	for _, e := range c.Ends {
		if e.Producer {
			sent[key{e.Edge, e.From, e.To}] = e.Record
		}
	}
	var out []Repetition
	for _, e := range c.Ends {
		if first := sent[key{e.Edge, e.From, e.To}]; !e.Producer && e.Record > first {
			out = append(out, Repetition{c.Checkpoint, c.edge(e.Edge), e.From, e.To, first, e.Record - first})
		}
	}
	return out
}
