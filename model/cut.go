package model

import (
	"cmp"
	"fmt"
	"slices"
)

// Cut is what a completed checkpoint says of where everything stood.
type Cut struct {
	Checkpoint uint64
	// AtLeastOnce says that a consumer may have taken more than its producer had
	// sent at its snapshot; see [Repeated].
	AtLeastOnce bool
	// Edges are the job's edges; Ends refer to them by index. An edge that is not
	// listed is called by its number, and nobody asks whether all its channels
	// are there.
	Edges   []Edge
	Ends    []ChannelEnd
	Sources []SourcePosition
}

// Edge is an edge of the job as it was deployed.
type Edge struct {
	Name     string // such as "words->count"
	Channels int    // how many it has; 0 if that is not to be checked
}

// ChannelEnd is where one end of a channel stood at its task's snapshot.
type ChannelEnd struct {
	Edge, From, To int // From and To are subtasks
	Producer       bool
	// Record is the number of records sent by the producer, or taken by the
	// consumer, over the life of the job.
	Record uint64
	// InFlight records from number First on are kept in the checkpoint by this
	// end. First means nothing if there are none.
	First, InFlight uint64
}

// SourcePosition is where a source stood in one split of its input.
type SourcePosition struct {
	Source string // uid
	Split  string // the part of the input
	Start  int64  // where it begins
	Next   int64  // where the next record begins
	End    int64  // where the split ends
	// Emitted is the number of records emitted from it over the life of the job.
	Emitted int64
}

// CheckCut checks the channels of a completed checkpoint (M2, M3). The cost is n
// log n in the number of ends.
func CheckCut(c Cut) []string {
	order := make([]int32, len(c.Ends))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int {
		a, b := &c.Ends[i], &c.Ends[j]
		return cmp.Or(a.compare(b), cmp.Compare(i, j))
	})
	var out []string
	channels := make([]int, len(c.Edges))
	for len(order) > 0 {
		first := &c.Ends[order[0]]
		n := 1
		for n < len(order) && first.compare(&c.Ends[order[n]]) == 0 {
			n++
		}
		out = append(out, c.checkChannel(order[:n])...)
		order = order[n:]
		if first.Edge >= 0 && first.Edge < len(channels) {
			channels[first.Edge]++
		}
	}
	for i, e := range c.Edges {
		if e.Channels != 0 && e.Channels != channels[i] {
			out = append(out, fmt.Sprintf("checkpoint %d, edge %s: the checkpoint has %d channels, the job %d", c.Checkpoint, e.Name, channels[i], e.Channels))
		}
	}
	return out
}

func (e *ChannelEnd) compare(other *ChannelEnd) int {
	return cmp.Or(cmp.Compare(e.Edge, other.Edge), cmp.Compare(e.From, other.From), cmp.Compare(e.To, other.To))
}

// checkChannel checks the ends of one channel, given by index.
func (c *Cut) checkChannel(ends []int32) (out []string) {
	var producer, consumer *ChannelEnd
	producers, consumers := 0, 0
	for _, i := range ends {
		if e := &c.Ends[i]; e.Producer {
			producer = e
			producers++
		} else {
			consumer = e
			consumers++
		}
	}
	e := &c.Ends[ends[0]]
	say := func(format string, args ...any) {
		out = append(out, fmt.Sprintf("checkpoint %d, edge %s %d->%d: ", c.Checkpoint, c.edge(e.Edge), e.From, e.To)+fmt.Sprintf(format, args...))
	}
	if producers != 1 || consumers != 1 {
		say("%s and %s, there must be one of each", count(producers, "producer end"), count(consumers, "consumer end"))
		return out
	}
	sent, taken, kept := producer.Record, consumer.Record, consumer.InFlight+producer.InFlight
	if found := taken + kept; found != sent && !(c.AtLeastOnce && found > sent) {
		what, n := "lost", sent-found
		if found > sent {
			what, n = "too many", found-sent
		}
		say("%d records sent, %d taken, %d in flight: %d %s", sent, taken, kept, n, what)
	}
	if consumer.InFlight > 0 && consumer.First != taken {
		say("%d taken, but in flight at the consumer are records from %d on: %s", taken, consumer.First, gap(taken, consumer.First))
	}
	// That the producer's begin where the consumer's end follows from this and
	// the sum.
	if end := producer.First + producer.InFlight; producer.InFlight > 0 && end != sent {
		say("%d sent, but in flight at the producer are records up to %d: %s", sent, end, gap(end, sent))
	}
	return out
}

// gap says how what should begin at a place fails to.
func gap(want, got uint64) string {
	if got > want {
		return fmt.Sprintf("%d skipped", got-want)
	}
	return fmt.Sprintf("%d twice", want-got)
}

func (c *Cut) edge(i int) string {
	if i < 0 || i >= len(c.Edges) {
		return fmt.Sprint(i)
	}
	return c.Edges[i].Name
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// CheckSources checks the sources of a completed checkpoint (M4): that each split
// is there once, and that it has emitted as many records as count says there are
// from Start up to Next (for files see [CountLines]).
func CheckSources(c Cut, count func(s SourcePosition) int64) []string {
	type split struct{ source, split string }
	var out []string
	seen := make(map[split]bool, len(c.Sources))
	for _, s := range c.Sources {
		say := func(format string, args ...any) {
			out = append(out, fmt.Sprintf("checkpoint %d, source %s, %s: ", c.Checkpoint, s.Source, s.Split)+fmt.Sprintf(format, args...))
		}
		if seen[split{s.Source, s.Split}] {
			say("two readers have this split")
		}
		seen[split{s.Source, s.Split}] = true
		if s.Next < s.Start {
			say("stands at %d, before its start %d", s.Next, s.Start)
			continue
		}
		if n := count(s); n != s.Emitted {
			say("%d records emitted, but there are %d in [%d, %d)", s.Emitted, n, s.Start, s.Next)
		}
	}
	return out
}
