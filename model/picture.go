package model

import (
	"fmt"
	"io"
	"regexp"

	"github.com/anishathalye/porcupine"
)

// Annotation marks a moment in the picture of a history.
type Annotation struct {
	Time        int64
	Text, Extra string
}

// Visualize writes a history, with the orders that the search found or how far it
// came, as a page for a browser. Where the budget does not suffice, the page shows
// what there is.
func Visualize(h *History, budget int, marks []Annotation, to io.Writer) error {
	var pg page
	for p := range h.Partitions {
		pg.add(p, operations(h, p, true))
	}
	if h.Partitions == 0 {
		pg.add(Store, operations(h, Store, true))
	}
	for i := range pg.all {
		pg.all[i].Return = min(pg.all[i].Return, pg.last+1)
	}
	lefts := make([]int, max(h.Partitions, 1))
	for p := range lefts {
		lefts[p] = budget
	}
	// Partitions are searched at the same time, each with a budget of its own.
	m := specification(h, nil)
	whole := m.Step
	m.Step = func(state, input, output any) (bool, any) {
		op := input.(operation)
		left := &lefts[op.partition]
		if *left -= op.cost(); *left < 0 {
			return false, state
		}
		return whole(state, input, output)
	}
	m.Partition = byPartition
	_, info := porcupine.CheckOperationsVerbose(m, pg.all, 0)
	for _, a := range marks {
		pg.labels = append(pg.labels, porcupine.Annotation{
			Tag: "crashes", Start: a.Time, End: a.Time, Description: a.Text, Details: a.Extra,
			TextColor: "#7a0000", BackgroundColor: "#ffd6d6",
		})
	}
	info.AddAnnotations(pg.labels)
	m.Step = whole
	return porcupine.Visualize(m, info, to)
}

// byPartition makes one history of each partition. Those of the store are in each already.
func byPartition(all []porcupine.Operation) (parts [][]porcupine.Operation) {
	for _, op := range all {
		p := op.Input.(operation).partition
		for len(parts) <= p {
			parts = append(parts, nil)
		}
		parts[p] = append(parts[p], op)
	}
	return parts
}

// padding is the zeros that make names sort as numbers.
var padding = regexp.MustCompile("-0000+")

// short leaves padding out of a text.
func short(text string) string { return padding.ReplaceAllString(text, "-") }

// page lays operations out in rows.
type page struct {
	all    []porcupine.Operation
	labels []porcupine.Annotation
	last   int64 // time
	rows   int
}

// The clients of a partition, each in rows of its own.
var clients = []string{"JobManager", "sink", "observer"}

func clientOf(k OpKind) int {
	switch k {
	case Acquire, Complete, Restore:
		return 0
	case Commit:
		return 1
	}
	return 2
}

// add lays one partition out: each client has as many rows as it has operations at a
// time, since a crash leaves some open, and a label in front of the first.
func (p *page) add(partition int, ops []porcupine.Operation) {
	for client, name := range clients {
		var ends []int64 // by row, of its last operation
		for _, op := range ops {
			if clientOf(op.Input.(operation).Kind) != client {
				continue
			}
			row := 0
			for row < len(ends) && ends[row] >= op.Call {
				row++
			}
			if row == len(ends) {
				ends = append(ends, 0)
			}
			ends[row] = op.Return
			op.ClientId = p.rows + row
			p.all = append(p.all, op)
			if p.last = max(p.last, op.Call); op.Return != Never {
				p.last = max(p.last, op.Return)
			}
		}
		if len(ends) == 0 {
			continue
		}
		label := name
		if partition != Store {
			label = fmt.Sprintf("%s, partition %d", name, partition)
		}
		p.labels = append(p.labels, porcupine.Annotation{
			ClientId: p.rows, Start: -2, End: -1, Description: label, TextColor: "#333333", BackgroundColor: "#eeeeee",
		})
		p.rows += len(ends)
	}
}
