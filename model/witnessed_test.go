package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/stream"
)

// tagged is a value of a key, of either input.
type tagged struct {
	key string
	id  uint64
}

// folding emits each time a number that depends on all records so far and their order, and
// once more by a timer.
type folding struct{ acc graph.Slot }

func (f *folding) Process(ctx graph.ProcessContext, input int, key, v any, _ int64) {
	acc, _ := f.acc.Get()
	n, _ := acc.(uint64)
	n = n*31 + v.(tagged).id*2 + uint64(input)
	f.acc.Set(n)
	ctx.SetTimer(100, true)
	ctx.Emit(fmt.Sprintf("row %s %d %d %d", key, input, v.(tagged).id, n), stream.NoTime)
}

func (f *folding) Timer(ctx graph.ProcessContext, key any, _ int64, _ bool) {
	acc, _ := f.acc.Get()
	ctx.Emit(fmt.Sprintf("end %s %d", key, acc), stream.NoTime)
}

// folded is an operator with two inputs that folds, and how to read its rows.
func folded() *Witnessed {
	keyOf := func(v any) any { return v.(tagged).key }
	source := func(uid string) *graph.Node { return &graph.Node{UID: uid, Kind: graph.Source, Parallelism: 2} }
	n := &graph.Node{
		UID: "fold", Kind: graph.CoProcess, Parallelism: 2, MaxParallelism: 128,
		Logic: graph.Logic{Key: keyOf, SecondKey: keyOf, Process: func(state func(string, graph.Bytes) graph.Slot) graph.Processor {
			return &folding{state("acc", graph.Bytes{})}
		}},
		Inputs: []*graph.Edge{
			{From: source("a"), Partitioner: graph.Hash},
			{From: source("b"), Partitioner: graph.Hash, Input: 1},
		},
	}
	return &Witnessed{Node: n, ID: func(v any) uint64 { return v.(tagged).id }, Row: func(row string) (w Witness, timer bool, err error) {
		f := strings.Fields(row)
		if len(f) < 2 {
			return w, false, fmt.Errorf("row %q can't be read", row)
		}
		w.Key = f[1]
		if f[0] == "end" {
			return w, true, nil
		}
		w.Input = int(f[2][0] - '0')
		w.ID, err = strconv.ParseUint(f[3], 10, 64)
		w.Value = tagged{w.Key, w.ID}
		return w, false, err
	}}
}

// channels brings records over both inputs, from two subtasks each.
func channels(w *Witnessed, sent [2][2][]tagged) {
	for i, e := range w.Node.Inputs {
		for from, ts := range sent[i] {
			var rs []Record
			for _, v := range ts {
				rs = append(rs, Record{Value: v})
			}
			w.Channels = append(w.Channels, w.Bring(e, from, rs)...)
		}
	}
}

// witnessedRows is what the operator makes of records in an order.
func witnessedRows(w *Witnessed, order []Witness) (rows []string) {
	acc := map[string]uint64{}
	var keys []string
	for _, t := range order {
		if _, ok := acc[t.Key]; !ok {
			keys = append(keys, t.Key)
		}
		acc[t.Key] = acc[t.Key]*31 + t.ID*2 + uint64(t.Input)
		rows = append(rows, fmt.Sprintf("row %s %d %d %d", t.Key, t.Input, t.ID, acc[t.Key]))
	}
	for _, k := range keys {
		rows = append(rows, fmt.Sprintf("end %s %d", k, acc[k]))
	}
	return rows
}

// TestWitnessedAnyMerge: whatever order between the channels, no false alarm; any swap
// of two rows of a channel, any row lost, twice or other than it should be is seen.
func TestWitnessedAnyMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := folded()
		next := uint64(0)
		var sent [2][2][]tagged
		for i := range 2 {
			for from := range 2 {
				for range rapid.IntRange(0, 6).Draw(t, "records") {
					next++
					sent[i][from] = append(sent[i][from], tagged{rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "key"), next})
				}
			}
		}
		channels(w, sent)
		var order []Witness
		rest := make([][]Witness, len(w.Channels))
		for i, c := range w.Channels {
			rest[i] = c.Records
		}
		for {
			var some []int
			for i := range rest {
				if len(rest[i]) > 0 {
					some = append(some, i)
				}
			}
			if len(some) == 0 {
				break
			}
			i := rapid.SampledFrom(some).Draw(t, "channel")
			order, rest[i] = append(order, rest[i][0]), rest[i][1:]
		}
		rows := witnessedRows(w, order)
		require.Empty(t, CheckWitnessed(w, rows))
		if len(order) == 0 {
			return
		}
		at := rapid.IntRange(0, len(order)-1).Draw(t, "at")
		require.NotEmpty(t, CheckWitnessed(w, slices.Delete(slices.Clone(rows), at, at+1)), "a row is lost")
		require.NotEmpty(t, CheckWitnessed(w, witnessedRows(w, slices.Delete(slices.Clone(order), at, at+1))), "a record is lost")
		require.NotEmpty(t, CheckWitnessed(w, slices.Insert(slices.Clone(rows), at, rows[at])), "a row is there twice")
		require.NotEmpty(t, CheckWitnessed(w, witnessedRows(w, slices.Insert(slices.Clone(order), at, order[at]))), "a record is there twice")
		for _, c := range w.Channels { // the first pair of a channel's records of one key
			for i := range c.Records {
				j := slices.IndexFunc(c.Records[i+1:], func(r Witness) bool { return r.Key == c.Records[i].Key })
				if j < 0 {
					continue
				}
				is := func(want Witness) int {
					return slices.IndexFunc(order, func(r Witness) bool { return r.ID == want.ID })
				}
				swapped := slices.Clone(order)
				a, b := is(c.Records[i]), is(c.Records[i+1+j])
				swapped[a], swapped[b] = swapped[b], swapped[a]
				require.NotEmpty(t, CheckWitnessed(w, witnessedRows(w, swapped)), "a channel's order is not kept")
				return
			}
		}
	})
}

func TestWitnessedMessages(t *testing.T) {
	w := folded()
	channels(w, [2][2][]tagged{{{{"x", 1}, {"x", 2}}, nil}, {{{"x", 3}}, nil}})
	ab := func(ids ...uint64) (order []Witness) {
		for _, id := range ids {
			order = append(order, Witness{Key: "x", Input: int(id / 3), ID: id})
		}
		return order
	}
	good := witnessedRows(w, ab(1, 3, 2))
	require.Empty(t, CheckWitnessed(w, good))
	check := func(rows []string, part string) {
		t.Helper()
		require.Contains(t, strings.Join(CheckWitnessed(w, rows), "\n"), part)
	}
	check(witnessedRows(w, ab(2, 1, 3)), `key "x": record 1 of a->fold 0->`)
	check(witnessedRows(w, ab(2, 1, 3)), "(id 2) is not taken, or before others that the channel has before it")
	check(witnessedRows(w, ab(1, 3, 2, 3)), `key "x": a record with id 3 was taken more often than it was sent`)
	check(witnessedRows(w, ab(1, 3)), "(id 2) is not taken")
	check(nil, "(id 1) is not taken")
	check(good[:3], `key "x": row 4, "end x 2143", was never committed`)
	check(append(slices.Clone(good), good[3]), `key "x": row 5, "end x 2143", is one too many`)
	check([]string{good[0], "row x 1 3 8", good[2], good[3]}, `key "x": row 2 is "row x 1 3 8", but of the records in the order that the rows name it is "row x 1 3 69"`)
	check([]string{"row"}, `row "row" can't be read`)
}
