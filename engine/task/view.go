package task

import (
	"encoding/json"
	"fmt"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/snapshot"
)

// View shows a task's logical state: keyed values, timers, positions of splits. What a
// sink has written is not part of it. It costs nothing until it is looked at, and is
// good only during the call that hands it over, on the same goroutine.
type View interface {
	// Entries calls yield for each entry of each operator until it returns false.
	// It reads the live state by the path that operators use, and changes nothing.
	Entries(yield func(uid string, e operator.Entry) bool)
	// Positions is where the task's channels stand: what was taken from inputs, and
	// emitted into outputs.
	Positions() *snapshot.Positions
}

// view is a Task as it shows itself; it takes no memory of its own.
type view Task

func (t *Task) view() View { return (*view)(t) }

// Entries implements [View].
func (v *view) Entries(yield func(uid string, e operator.Entry) bool) {
	for i, op := range v.operators {
		uid := v.vertex.Chain[i].UID
		switch op := op.(type) {
		case operator.Source:
			for i, s := range op.Splits() {
				if !yield(uid, operator.SplitEntry(i, s)) {
					return
				}
			}
		case operator.Viewer:
			if !op.Entries(func(e operator.Entry) bool { return yield(uid, e) }) {
				return
			}
		}
	}
}

// Positions implements [View].
func (v *view) Positions() *snapshot.Positions {
	t := (*Task)(v)
	return &snapshot.Positions{In: t.taken(), Out: t.emitted(nil)}
}

// StoredEntries calls yield for each entry of an operator's state as a task of it has
// stored it, until it returns false. Kind is the operator's; named and errors are as in
// operator.StoredEntries.
func StoredEntries(kind graph.Kind, o snapshot.Operator, named func(name string) (codec.Untyped, error), yield func(operator.Entry) bool) error {
	switch {
	case kind == graph.Source:
		var splits []connect.Split
		if err := json.Unmarshal(o.Data, &splits); err != nil {
			return fmt.Errorf("splits: %w: %w", codec.ErrMalformed, err)
		}
		for i, s := range splits {
			if !yield(operator.SplitEntry(i, s)) {
				return nil
			}
		}
	case kind.Keyed():
		return operator.StoredEntries(o.Data, named, yield)
	case kind != graph.Sink && len(o.Data) > 0:
		return fmt.Errorf("%d bytes of a %s, which has no state: %w", len(o.Data), kind, codec.ErrMalformed)
	}
	return nil
}

// StoredCommittables is what a sink's task has pre-committed and not committed, as it
// stored it. Errors wrap [codec.ErrMalformed].
func StoredCommittables(o snapshot.Operator) ([]connect.Committable, error) {
	var cs []connect.Committable
	if err := json.Unmarshal(o.Data, &cs); err != nil {
		return nil, fmt.Errorf("committables: %w: %w", codec.ErrMalformed, err)
	}
	return cs, nil
}
