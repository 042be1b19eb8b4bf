package model

import (
	"fmt"
	"slices"

	"github.com/weirstream/weir/engine/graph"
)

// Witness is a record that a keyed operator took, as a row of its output tells it or
// as a channel brings it.
type Witness struct {
	Key   string
	Input int // of the operator: 0, or 1 for the second of two
	Value any // as the operator takes it
	// ID tells records of the key apart; equal records may share one.
	ID uint64
}

// Witnessed is a keyed operator whose rows depend on the order in which it takes
// records of different channels, and say which record each was made of.
type Witnessed struct {
	Node *graph.Node // Process or CoProcess
	// Row reads a row that the operator has made. A row that a timer made, which
	// only comes behind those of its key's records, has a Witness with just the Key.
	Row func(row string) (w Witness, timer bool, err error)
	// ID is what tells records apart; see [Witness].
	ID func(v any) uint64
	// Channels have what each brings, in order.
	Channels []WitnessedChannel
}

// WitnessedChannel is one channel to the operator.
type WitnessedChannel struct {
	Name    string // such as "left words->both 0->1"
	Records []Witness
}

// Bring is the channels of one producing subtask over an edge to the operator, of
// records that its part of the edge's [Feeder] emits; nil where [Sent] is.
func (w *Witnessed) Bring(e *graph.Edge, subtask int, records []Record) (out []WitnessedChannel) {
	key := w.Node.Logic.Key
	if e.Input == 1 {
		key = w.Node.Logic.SecondKey
	}
	for to, sent := range Sent(e, w.Node, subtask, records) {
		c := WitnessedChannel{Name: fmt.Sprintf("%s->%s %d->%d", e.From.UID, w.Node.UID, subtask, to)}
		for _, v := range sent {
			c.Records = append(c.Records, Witness{Key: fmt.Sprint(key(v)), Input: e.Input, Value: v, ID: w.ID(v)})
		}
		out = append(out, c)
	}
	return out
}

// CheckWitnessed checks rows in commit order. For each key the records that its rows
// name are those that the channels bring, each channel's in its order; and the
// operator, run over them in that order with a map for state, makes those rows. The
// order between channels is the rows' own (no search is needed). Where records of two
// channels share an ID, only what both orders have in common is seen. A key's
// rows are read once for each channel.
func CheckWitnessed(w *Witnessed, rows []string) []string {
	groups, keys, err := w.group(rows)
	if err != nil {
		return []string{err.Error()}
	}
	var taken []Witness
	for _, key := range keys {
		taken = append(taken, groups[key].taken...)
	}
	out := w.checkChannels(groups)
	if len(out) > 0 {
		return out // what was lost or came twice makes other rows, too
	}
	made, err := w.replay(taken)
	if err != nil {
		return []string{err.Error()}
	}
	again, _, err := w.group(made)
	if err != nil {
		return []string{fmt.Sprintf("what %q makes of the records in the order of its rows: %v", w.Node.UID, err)}
	}
	wrong := 0
	for _, key := range keys {
		if text := differs(key, groups[key].rows, again[key]); text != "" {
			if wrong++; wrong <= MaxExamples {
				out = append(out, text)
			}
		}
	}
	return more(out, wrong)
}

// more says how many there are beyond the examples.
func more(examples []string, n int) []string {
	if n > MaxExamples {
		return append(examples, fmt.Sprintf("and %d more keys", n-MaxExamples))
	}
	return examples
}

// witnessedKey is the rows of a key, and the records they name, in order.
type witnessedKey struct {
	rows  []string
	taken []Witness
}

func (w *Witnessed) group(rows []string) (map[string]*witnessedKey, []string, error) {
	groups := make(map[string]*witnessedKey)
	var keys []string
	for _, row := range rows {
		r, timer, err := w.Row(row)
		if err != nil {
			return nil, nil, err
		}
		g := groups[r.Key]
		if g == nil {
			g = &witnessedKey{}
			groups[r.Key], keys = g, append(keys, r.Key)
		}
		g.rows = append(g.rows, row)
		if !timer {
			g.taken = append(g.taken, r)
		}
	}
	return groups, keys, nil
}

// replay is what the operator makes of records: their rows, then those of timers.
func (w *Witnessed) replay(taken []Witness) ([]string, error) {
	in := make([]record, len(taken))
	for i, t := range taken {
		in[i] = record{value: t.Value, input: t.Input}
	}
	e := &execution{node: w.Node}
	err := e.do(func() {
		e.open()
		e.handle(in)
		e.end()
	})
	if err != nil {
		return nil, err
	}
	rows := make([]string, len(e.out))
	for i, r := range e.out {
		rows[i] = fmt.Sprint(r.value)
	}
	return rows, nil
}

func differs(key string, got []string, made *witnessedKey) string {
	var want []string
	if made != nil {
		want = made.rows
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	switch {
	case at < min(len(got), len(want)):
		return fmt.Sprintf("key %q: row %d is %q, but of the records in the order that the rows name it is %q", key, at+1, got[at], want[at])
	case at < len(got):
		return fmt.Sprintf("key %q: row %d, %q, is one too many", key, at+1, got[at])
	case at < len(want):
		return fmt.Sprintf("key %q: row %d, %q, was never committed", key, at+1, want[at])
	}
	return ""
}

// checkChannels checks that rows name what channels bring, in their order.
func (w *Witnessed) checkChannels(groups map[string]*witnessedKey) (out []string) {
	wrong := 0
	say := func(format string, args ...any) {
		if wrong++; wrong <= MaxExamples {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	type id struct {
		key   string
		input int
		id    uint64
	}
	brought := make(map[id]int)
	at := make(map[string]int) // of a channel, by key: how far its rows were found
	for _, c := range w.Channels {
		clear(at)
		for n, r := range c.Records {
			brought[id{r.Key, r.Input, r.ID}]++
			from, found := at[r.Key], -1
			if from >= 0 && groups[r.Key] != nil {
				found = slices.IndexFunc(groups[r.Key].taken[from:], func(t Witness) bool { return t.ID == r.ID && t.Input == r.Input })
			}
			switch {
			case found >= 0:
				at[r.Key] = from + found + 1
			case from >= 0:
				at[r.Key] = -1 // said once
				say("key %q: record %d of %s (id %d) is not taken, or before others that the channel has before it", r.Key, n, c.Name, r.ID)
			}
		}
	}
	for _, key := range sortedKeys(groups) {
		for _, t := range groups[key].taken {
			of := id{t.Key, t.Input, t.ID}
			if brought[of]--; brought[of] == -1 {
				say("key %q: a record with id %d was taken more often than it was sent", key, t.ID)
			}
		}
	}
	return more(out, wrong)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m { // unordered: sorted below
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
