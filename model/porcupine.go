package model

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"

	"github.com/weirstream/weir/engine/stream"
)

// DefaultBudget is what the search for one partition may cost, a fraction of a
// second: each step costs 1 and what it looks at.
const DefaultBudget = 500_000

// Search is what the search for an order of each partition's operations found.
type Search struct {
	Operations int
	// Illegal are the partitions that have none, [Store] for the store; Exhausted
	// those of which the budget left it open.
	Illegal, Exhausted []int
}

// SearchLinearizable searches the orders of a history, partition by partition, with
// porcupine: slower than [CheckLinearizable], by a model written after the
// specification and not after the theorem. Budget bounds what each may cost, by
// counting, so that the answer is the same on every machine.
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

// operation is an operation as porcupine's input; its output is in it.
type operation struct {
	*Op
	partition int
	// unknown says that it may not have happened: where it does not fit, it did not.
	unknown bool
	// commits are the places of what is committed or seen, all its length and digest.
	// Impossible says that something is seen as nobody pre-committed it.
	commits    []int
	all        Content
	impossible bool
}

// operations are the operations of one partition for porcupine. Resolved, those that
// nobody saw the effect of are left out, and those that someone did return when he
// had; if not, they return never.
func operations(h *History, partition int, resolved bool) []porcupine.Operation {
	var ops []jointOp
	o, wrong := resolve(h, partition)
	if resolved = resolved && wrong == ""; resolved {
		ops = o.resolved()
	} else {
		ops = plain(h, partition, o)
	}
	slices.SortStableFunc(ops, func(a, b jointOp) int { return cmp.Compare(a.Call, b.Call) })
	var out []porcupine.Operation
	k := newTokens(h)
	for i := range ops {
		op := &ops[i]
		out = append(out, porcupine.Operation{
			Input: k.input(op, max(partition, 0), !resolved && op.Return == Never), Call: op.Call, Return: op.Return, Metadata: op.when(),
		})
	}
	return out
}

// input makes an operation porcupine's.
func (k *tokens) input(g *jointOp, partition int, unknown bool) operation {
	op := &g.Op
	in := operation{Op: op, partition: partition, unknown: unknown, all: fold(op.Seen)}
	if op.Kind == Commit {
		for _, t := range g.tokens {
			in.commits = append(in.commits, k.places[t])
		}
	}
	for _, s := range op.Seen {
		i, ok := k.places[s.Token]
		if in.impossible = in.impossible || !ok || k.commits[i].Content != s.Content; in.impossible {
			break
		}
		in.commits = append(in.commits, i)
	}
	return in
}

// String adds to the operation how many commits it stands for.
func (op operation) String() string {
	if op.Kind == Commit && len(op.commits) > 1 {
		return fmt.Sprintf("%s, with %d more", op.Op, len(op.commits)-1)
	}
	return op.Op.String()
}

// resolved are copies of the operations that took effect. One returns no later than
// the first read that shows it, and a commit begins no earlier than the completion
// that owns it. Commits that this makes alike, and that no read tells apart, are one:
// what holds for one of them at a moment holds for all.
func (o *object) resolved() (ops []jointOp) {
	for _, c := range o.completes {
		shown := int64(Never)
		for _, rs := range [][]*Op{o.store, o.restores} {
			for _, r := range rs {
				if r.Checkpoint == c.Checkpoint {
					shown = min(shown, r.Return)
				}
			}
		}
		ops = append(ops, jointOp{Op: *c})
		ops[len(ops)-1].Return = max(min(c.Return, shown), c.Call)
	}
	ops = append(ops, o.groups()...)
	for _, list := range [][]*Op{o.acquires, o.restores, o.store, o.outputs} {
		for _, op := range list {
			ops = append(ops, jointOp{Op: *op})
		}
	}
	return ops
}

// jointOp is an operation, or several commits as one.
type jointOp struct {
	Op
	tokens []string // of commits
}

// groups are the commits that are not from before.
func (o *object) groups() (ops []jointOp) {
	returns, views := make([]int64, len(o.commits)), make([]uint64, len(o.commits))
	for i, c := range o.commits {
		if returns[i] = c.Return; c.must {
			returns[i] = min(c.Return, o.h.Drained)
		}
	}
	for n, r := range o.outputs {
		for _, s := range r.Seen {
			i := o.byToken[s.Token]
			returns[i] = min(returns[i], r.Return)
			views[i] += mix(uint64(n) + 1)
		}
	}
	type kind struct{ batch, view uint64 }
	places := map[kind]int{}
	for i, c := range o.commits {
		if c.old {
			continue
		}
		op := jointOp{Op: *c.Op, tokens: []string{c.Token}}
		early := c.owner != nil && c.Call <= c.owner.Call && returns[i] >= c.owner.Call
		if early {
			op.Call = c.owner.Call
		}
		op.Return = max(returns[i], op.Call)
		k := kind{c.batch(), views[i]}
		at, ok := places[k]
		if !early || !ok {
			if early {
				places[k] = len(ops)
			}
			ops = append(ops, op)
			continue
		}
		g := &ops[at]
		g.tokens = append(g.tokens, c.Token)
		g.Return = min(g.Return, op.Return)
		g.Content.Bytes += c.Content.Bytes
	}
	return ops
}

// plain are copies of all operations of a partition. Only what the drain demands is
// taken from their resolution, if there is one.
func plain(h *History, partition int, o *object) (ops []jointOp) {
	for _, op := range h.Ops {
		if (op.Kind == Commit || op.Kind == ReadOutput) && op.Partition != partition {
			continue
		}
		if i := -1; op.Kind == Commit && o != nil {
			if i = slices.IndexFunc(o.commits, func(c commitOp) bool { return c.Token == op.Token }); i >= 0 && o.commits[i].must {
				op.Return = max(min(op.Return, h.Drained), op.Call)
			}
		}
		ops = append(ops, jointOp{op, []string{op.Token}})
	}
	return ops
}

// completeBy is a checkpoint that is complete, and which attempt triggered it.
type completeBy struct {
	checkpoint uint64
	attempt    stream.Attempt
}

// objectState is the object of [History] for one partition. It is never changed.
type objectState struct {
	epoch     uint32
	attempt   stream.Attempt
	latest    uint64
	complete  []completeBy
	committed []uint64 // a bit for each place
	count     int
	contents  Content
}

// tokens are all commits there may be, those from before the history first, with the
// checkpoint that it began with.
type tokens struct {
	base    uint64
	commits []*Op
	places  map[string]int
	old     int
}

func newTokens(h *History) *tokens {
	k := &tokens{base: h.Checkpoint, places: map[string]int{}, old: len(h.Committed)}
	add := func(op *Op) {
		k.places[op.Token] = len(k.commits)
		k.commits = append(k.commits, op)
	}
	for i := range h.Committed {
		add(&h.Committed[i])
	}
	for i := range h.Ops {
		if h.Ops[i].Kind == Commit {
			add(&h.Ops[i])
		}
	}
	return k
}

// cost is how much a step looks at.
func (op *operation) cost() int { return 1 + len(op.Seen)/8 }

// specification is the object as porcupine wants it. Each step takes its cost from
// left, and fails when that is used up; nil is for no limit.
func specification(h *History, left *int) porcupine.Model {
	k := newTokens(h)
	return porcupine.Model{
		Init: func() any {
			s := objectState{epoch: h.Epoch, latest: h.Checkpoint, committed: make([]uint64, len(k.commits)/64+1)}
			for i := range k.old {
				s.committed[i/64] |= 1 << (i % 64)
			}
			return s
		},
		Step: func(state, input, _ any) (bool, any) {
			s, op := state.(objectState), input.(operation)
			if left != nil {
				if *left -= op.cost(); *left < 0 {
					return false, state
				}
			}
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
			return short(op.String())
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
		s.complete = append(slices.Clip(s.complete), completeBy{op.Checkpoint, op.Attempt})
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

// commit makes one or more tokens visible, which have the same owner.
func (s objectState) commit(k *tokens, op operation) (objectState, bool) {
	owner, owned := s.owner(k, op.Op)
	for _, at := range op.commits {
		if !owned || s.has(at) {
			return s, false
		}
	}
	for i, c := range k.commits[k.old:] {
		if c.Partition != op.Partition || s.has(k.old+i) {
			continue
		}
		if o, ok := s.owner(k, c); ok && o < owner {
			return s, false
		}
	}
	s.committed = slices.Clone(s.committed)
	for _, at := range op.commits {
		s.committed[at/64] |= 1 << (at % 64)
		s.count++
		s.contents = s.contents.plus(k.commits[at].Content)
	}
	return s, true
}

// owner is the first complete checkpoint that owns what was pre-committed, if there
// is one.
func (s objectState) owner(k *tokens, c *Op) (uint64, bool) {
	if c.Checkpoint <= k.base {
		return k.base, true
	}
	from, _ := slices.BinarySearchFunc(s.complete, c.Checkpoint, func(d completeBy, id uint64) int { return cmp.Compare(d.checkpoint, id) })
	for _, d := range s.complete[from:] {
		if d.attempt == c.Attempt {
			return d.checkpoint, true
		}
	}
	return 0, false
}

func (s objectState) has(commit int) bool { return s.committed[commit/64]>>(commit%64)&1 == 1 }

// shows reports whether a read shows what is committed, and what was before.
func (s objectState) shows(k *tokens, op operation) bool {
	want, n := s.contents, s.count
	for _, c := range k.commits[:k.old] {
		if c.Partition == op.Partition {
			want, n = want.plus(c.Content), n+1
		}
	}
	return !op.impossible && len(op.Seen) == n && op.all == want && !slices.ContainsFunc(op.commits, func(i int) bool { return !s.has(i) })
}

func (s objectState) equal(t objectState) bool {
	return s.epoch == t.epoch && s.attempt == t.attempt && s.latest == t.latest && s.contents == t.contents &&
		slices.Equal(s.committed, t.committed) && slices.Equal(s.complete, t.complete)
}

func (s objectState) hash() uint64 {
	x := mix(uint64(s.epoch)<<32 | uint64(s.attempt.Number))
	x = mix(x ^ s.latest)
	x = mix(x ^ uint64(len(s.complete))<<32 ^ uint64(len(s.committed)))
	return x ^ s.contents.Sum
}

func (s objectState) String() string {
	return fmt.Sprintf("checkpoint %d, epoch %d, attempt %s, %d files and %d bytes committed since the start", s.latest, s.epoch, s.attempt, s.count, s.contents.Bytes)
}
