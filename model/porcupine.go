package model

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"

	"github.com/weirstream/weir/engine/stream"
)

// DefaultBudget is how many steps the search for one partition may take, some tens
// of milliseconds.
const DefaultBudget = 200_000

// Search is what the search for an order of each partition's operations found.
type Search struct {
	Operations int
	// Illegal are the partitions that have none, [Store] for the store; Exhausted
	// those of which the budget left it open.
	Illegal, Exhausted []int
}

// SearchLinearizable searches the orders of a history, partition by partition, with
// porcupine: slower than [CheckLinearizable], by a model written after the
// specification and not after the theorem. Budget bounds the steps of each, so that
// the answer is the same on every machine.
func SearchLinearizable(h *History, budget int) Search {
	var s Search
	for p := Store; p < h.Partitions; p++ {
		left := budget
		ops := operations(h, p, true)
		s.Operations += len(ops)
		switch ok := porcupine.CheckOperations(specification(h, &left), ops); {
		case ok:
		case left <= 0:
			s.Exhausted = append(s.Exhausted, p)
		default:
			s.Illegal = append(s.Illegal, p)
		}
	}
	return s
}

// Annotation marks a moment in the picture of a history.
type Annotation struct {
	Time        int64
	Text, Extra string
}

// Visualize writes a history, with the orders that the search found or how far it
// came, as a page for a browser. Where the budget does not suffice, the page shows
// what there is.
func Visualize(h *History, budget int, marks []Annotation, to io.Writer) error {
	var all []porcupine.Operation
	last := int64(0)
	for p := range h.Partitions {
		for _, op := range operations(h, p, true) {
			all = append(all, op)
			last = max(last, op.Call)
			if op.Return != Never {
				last = max(last, op.Return)
			}
		}
	}
	for i := range all {
		all[i].Return = min(all[i].Return, last+1)
	}
	lefts := make([]int, h.Partitions)
	for p := range lefts {
		lefts[p] = budget
	}
	// Partitions are searched at the same time, each with a budget of its own.
	m := specification(h, nil)
	whole := m.Step
	m.Step = func(state, input, output any) (bool, any) {
		left := &lefts[input.(operation).partition]
		if *left--; *left < 0 {
			return false, state
		}
		return whole(state, input, output)
	}
	m.Partition = byPartition
	_, info := porcupine.CheckOperationsVerbose(m, all, 0)
	var annotations []porcupine.Annotation
	for _, a := range marks {
		annotations = append(annotations, porcupine.Annotation{
			Tag: "crashes", Start: a.Time, End: a.Time, Description: a.Text, Details: a.Extra,
			TextColor: "#7a0000", BackgroundColor: "#ffd6d6",
		})
	}
	info.AddAnnotations(annotations)
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

// operation is an operation as porcupine's input; its output is in it.
type operation struct {
	*Op
	partition int
	// unknown says that it may not have happened: where it does not fit, it did not.
	unknown bool
}

// The clients of the picture: one for each row in which no two operations overlap.
const (
	masterClient   = 0 // and the next ones, where what a crash left open overlaps
	sinkClient     = 10
	observerClient = 20
)

// operations are the operations of one partition for porcupine. Resolved, those that
// nobody saw the effect of are left out, and those that someone did return when he
// had; if not, they return never.
func operations(h *History, partition int, resolved bool) []porcupine.Operation {
	var ops []Op
	unknown := func(op *Op) bool { return op.Return == Never }
	o, wrong := resolve(h, partition)
	if resolved && wrong == "" {
		ops, unknown = o.resolved(), func(*Op) bool { return false }
	} else {
		ops = plain(h, partition, o)
	}
	slices.SortStableFunc(ops, func(a, b Op) int { return cmp.Compare(a.Call, b.Call) })
	var rows [observerClient + 1]int64 // when the last operation in it returns
	var out []porcupine.Operation
	for i := range ops {
		op := &ops[i]
		row := observerClient
		switch op.Kind {
		case Acquire, Complete, Restore:
			row = masterClient
		case Commit:
			row = sinkClient
		}
		for row%10 < 9 && row < observerClient && rows[row] >= op.Call {
			row++
		}
		rows[row] = op.Return
		out = append(out, porcupine.Operation{
			ClientId: row, Input: operation{op, max(partition, 0), unknown(op)}, Call: op.Call, Return: op.Return, Metadata: op.when(),
		})
	}
	return out
}

// resolved are copies of the operations that took effect.
func (o *object) resolved() []Op {
	var ops []Op
	add := func(op *Op, shows func(r *Op) bool, readers ...[]*Op) {
		c := *op
		for _, rs := range readers {
			for _, r := range rs {
				if c.Return == Never && shows(r) || shows(r) && r.Return < c.Return {
					c.Return = max(r.Return, c.Call)
				}
			}
		}
		ops = append(ops, c)
	}
	for _, c := range o.completes {
		add(c, func(r *Op) bool { return r.Checkpoint == c.Checkpoint }, o.store, o.restores)
	}
	for _, c := range o.commits {
		if c.must {
			held := *c.Op
			held.Return = max(min(held.Return, o.h.Drained), held.Call)
			c.Op = &held
		}
		if !c.old { // else it is in the initial state
			add(c.Op, func(r *Op) bool { return r.has(c.Token) }, o.outputs)
		}
	}
	for _, list := range [][]*Op{o.acquires, o.restores, o.store, o.outputs} {
		for _, op := range list {
			ops = append(ops, *op)
		}
	}
	return ops
}

// plain are copies of all operations of a partition. Only what the drain demands is
// taken from their resolution, if there is one.
func plain(h *History, partition int, o *object) []Op {
	var ops []Op
	for _, op := range h.Ops {
		if (op.Kind == Commit || op.Kind == ReadOutput) && op.Partition != partition {
			continue
		}
		if i := -1; op.Kind == Commit && o != nil {
			if i = slices.IndexFunc(o.commits, func(c commitOp) bool { return c.Token == op.Token }); i >= 0 && o.commits[i].must {
				op.Return = max(min(op.Return, h.Drained), op.Call)
			}
		}
		ops = append(ops, op)
	}
	return ops
}

// completion is a checkpoint that is complete, and which attempt triggered it.
type completion struct {
	checkpoint uint64
	attempt    stream.Attempt
}

// objectState is the object of [History] for one partition. It is never changed.
type objectState struct {
	epoch     uint32
	attempt   stream.Attempt
	latest    uint64
	complete  []completion
	committed []string // sorted
	contents  Content
}

// tokens are all commits there may be, and those from before the history with the
// checkpoint that it began with.
type tokens struct {
	commits, before map[string]*Op
	base            uint64
}

func newTokens(h *History) *tokens {
	k := &tokens{map[string]*Op{}, map[string]*Op{}, h.Checkpoint}
	for i := range h.Ops {
		if h.Ops[i].Kind == Commit {
			k.commits[h.Ops[i].Token] = &h.Ops[i]
		}
	}
	for i := range h.Committed {
		k.before[h.Committed[i].Token] = &h.Committed[i]
	}
	return k
}

// specification is the object as porcupine wants it. Each step takes one of left,
// and fails when there is none; nil is for no limit.
func specification(h *History, left *int) porcupine.Model {
	k := newTokens(h)
	return porcupine.Model{
		Init: func() any { return objectState{epoch: h.Epoch, latest: h.Checkpoint} },
		Step: func(state, input, _ any) (bool, any) {
			if left != nil {
				if *left--; *left < 0 {
					return false, state
				}
			}
			s, op := state.(objectState), input.(operation)
			next, ok := s.step(k, op)
			if !ok && op.unknown {
				return true, s
			}
			return ok, next
		},
		Equal: func(a, b any) bool { return a.(objectState).equal(b.(objectState)) },
		Hash:  func(s any) uint64 { return s.(objectState).hash() },
		DescribeOperation: func(input, _ any) string {
			op := input.(operation)
			return op.String()
		},
		DescribeState:             func(s any) string { return s.(objectState).String() },
		DescribeOperationMetadata: func(m any) string { return m.(string) },
	}
}

// step is the specification: the state after an operation, if it is legal.
func (s objectState) step(k *tokens, op operation) (objectState, bool) {
	switch op.Kind {
	case Acquire:
		ok := op.Attempt.Epoch > s.epoch
		s.epoch = op.Attempt.Epoch
		return s, ok
	case Complete:
		ok := op.Checkpoint > s.latest && !op.Attempt.Before(s.attempt)
		s.latest = op.Checkpoint
		s.complete = append(slices.Clip(s.complete), completion{op.Checkpoint, op.Attempt})
		return s, ok
	case Restore:
		ok := op.Checkpoint == s.latest && op.Attempt.Epoch == s.epoch && s.attempt.Before(op.Attempt)
		s.attempt = op.Attempt
		return s, ok
	case ReadStore:
		return s, op.Checkpoint == s.latest && op.Attempt.Epoch == s.epoch
	case Commit:
		return s.commit(k, op)
	}
	return s, s.shows(k, op)
}

// commit makes a token visible.
func (s objectState) commit(k *tokens, op operation) (objectState, bool) {
	owner, owned := s.owner(k, op.Op)
	at, twice := slices.BinarySearch(s.committed, op.Token)
	if !owned || twice {
		return s, false
	}
	for _, c := range k.commits { // unordered: asked whether there is one
		if o, ok := s.owner(k, c); ok && o < owner && c.Partition == op.Partition && !s.has(c.Token) {
			return s, false
		}
	}
	s.committed = slices.Insert(slices.Clone(s.committed), at, op.Token)
	s.contents = s.contents.plus(op.Content)
	return s, true
}

// owner is the first complete checkpoint that owns what was pre-committed, if there
// is one.
func (s objectState) owner(k *tokens, c *Op) (uint64, bool) {
	if c.Checkpoint <= k.base {
		return k.base, true
	}
	for _, d := range s.complete { // ascending
		if d.checkpoint >= c.Checkpoint && d.attempt == c.Attempt {
			return d.checkpoint, true
		}
	}
	return 0, false
}

func (s objectState) has(token string) bool {
	_, ok := slices.BinarySearch(s.committed, token)
	return ok
}

// shows reports whether a read shows what is committed, and what was before.
func (s objectState) shows(k *tokens, op operation) bool {
	want, n := s.contents, len(s.committed)
	for _, c := range k.before { // unordered: a sum
		if c.Partition == op.Partition {
			want, n = want.plus(c.Content), n+1
		}
	}
	if len(op.Seen) != n || fold(op.Seen) != want {
		return false
	}
	for _, x := range op.Seen {
		c := k.before[x.Token]
		if c == nil && s.has(x.Token) {
			c = k.commits[x.Token]
		}
		if c == nil || c.Content != x.Content {
			return false
		}
	}
	return true
}

func (s objectState) equal(t objectState) bool {
	return s.epoch == t.epoch && s.attempt == t.attempt && s.latest == t.latest && s.contents == t.contents &&
		slices.Equal(s.complete, t.complete) && slices.Equal(s.committed, t.committed)
}

func (s objectState) hash() uint64 {
	x := mix(uint64(s.epoch)<<32 | uint64(s.attempt.Number))
	x = mix(x ^ s.latest)
	x = mix(x ^ uint64(len(s.complete))<<32 ^ uint64(len(s.committed)))
	return x ^ s.contents.Sum
}

func (s objectState) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "checkpoint %d, epoch %d, attempt %s", s.latest, s.epoch, s.attempt)
	fmt.Fprintf(&b, ", %d committed, %d bytes", len(s.committed), s.contents.Bytes)
	if len(s.committed) > 0 {
		fmt.Fprintf(&b, ", last %s", s.committed[len(s.committed)-1])
	}
	return b.String()
}
