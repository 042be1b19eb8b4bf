package model

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// CheckLinearizable says why a history is not linearizable, first for the checkpoint
// store, then, if that is, for each partition; nothing if all are. It takes time
// linear in operations and files seen, but for sorting.
func CheckLinearizable(h *History) (wrong []string) {
	if s := checkObject(h, Store); s != "" {
		return []string{s}
	}
	for p := range h.Partitions {
		if s := checkObject(h, p); s != "" {
			wrong = append(wrong, s)
		}
	}
	return wrong
}

// checkObject judges one partition with the store, or the store alone.
func checkObject(h *History, partition int) string {
	o, wrong := resolve(h, partition)
	if wrong != "" {
		return wrong
	}
	b := &builder{object: o, nodes: map[*Op]int32{}}
	if wrong := b.build(); wrong != "" {
		return wrong
	}
	c := b.decide()
	if c == nil {
		return ""
	}
	return b.explain(c)
}

// object is the part of a history that concerns one partition: what certainly or
// possibly took effect.
type object struct {
	h         *History
	partition int
	acquires  []*Op // by epoch
	completes []*Op // by checkpoint
	restores  []*Op // by attempt
	store     []*Op // reads
	commits   []commitOp
	outputs   []*Op // reads
	// byToken has the place of each token in commits.
	byToken map[string]int
}

// commitOp is a commit with the completion that it must wait for, nil if that was
// before the history.
type commitOp struct {
	*Op
	owner *Op
	// old says that the commit itself was before the history.
	old  bool
	seen bool // by anyone
	// must says that the drain demands it.
	must bool
}

// resolve sorts a history's operations, and drops completions and commits of which
// nobody can tell. A message says what no order could make right.
func resolve(h *History, partition int) (*object, string) {
	o := &object{h: h, partition: partition, byToken: map[string]int{}}
	for i := range h.Committed {
		o.sort(&h.Committed[i])
	}
	for i := range o.commits {
		o.commits[i].old = true
	}
	for i := range h.Ops {
		if wrong := o.sort(&h.Ops[i]); wrong != "" {
			return nil, wrong
		}
	}
	slices.SortStableFunc(o.acquires, func(a, b *Op) int { return cmp.Compare(a.Attempt.Epoch, b.Attempt.Epoch) })
	slices.SortStableFunc(o.completes, func(a, b *Op) int { return cmp.Compare(a.Checkpoint, b.Checkpoint) })
	slices.SortStableFunc(o.restores, func(a, b *Op) int {
		return cmp.Or(cmp.Compare(a.Attempt.Epoch, b.Attempt.Epoch), cmp.Compare(a.Attempt.Number, b.Attempt.Number))
	})
	return o, o.settle()
}

func (o *object) sort(op *Op) string {
	switch op.Kind {
	case Acquire:
		o.acquires = append(o.acquires, op)
	case Complete:
		o.completes = append(o.completes, op)
	case Restore:
		o.restores = append(o.restores, op)
	case ReadStore:
		o.store = append(o.store, op)
	case Commit:
		if op.Partition != o.partition {
			return ""
		}
		if _, ok := o.byToken[op.Token]; ok {
			return fmt.Sprintf("%s was pre-committed twice, again in event %d", op.Token, op.Called)
		}
		o.byToken[op.Token] = len(o.commits)
		o.commits = append(o.commits, commitOp{Op: op})
	case ReadOutput:
		if op.Partition == o.partition {
			o.outputs = append(o.outputs, op)
		}
	}
	return ""
}

// settle finds out which completions and commits took effect.
func (o *object) settle() string {
	if wrong := o.look(); wrong != "" {
		return wrong
	}
	known := map[*Op]bool{}
	for _, c := range o.completes {
		known[c] = c.Return != Never
	}
	shown := func(id uint64) {
		if i, ok := o.completed(id); ok && id > o.h.Checkpoint {
			known[o.completes[i]] = true
		}
	}
	for _, r := range o.store {
		shown(r.Checkpoint)
	}
	for _, r := range o.restores {
		shown(r.Checkpoint)
	}
	for i := range o.commits {
		c := &o.commits[i]
		if c.inherited(o.h) {
			continue
		}
		if c.owner = o.ownerOf(c.Op, known); c.owner == nil {
			c.owner = o.ownerOf(c.Op, nil)
			if c.owner == nil && (c.seen || c.Return != Never) {
				return fmt.Sprintf("%s was committed (%s), but no checkpoint from %d on of attempt %s, which pre-committed it, is complete",
					c.Token, c.evidence(o), c.Checkpoint, c.Attempt)
			}
			if c.owner != nil && (c.seen || c.Return != Never) {
				known[c.owner] = true
			}
		}
	}
	o.completes = slices.DeleteFunc(o.completes, func(c *Op) bool { return !known[c] })
	kept := o.commits[:0]
	for _, c := range o.commits {
		if c.inherited(o.h) || known[c.owner] {
			c.must = o.h.Drained > 0 && c.owner != nil && c.Return >= o.h.Drained && c.Call <= o.h.Drained
			kept = append(kept, c)
		}
	}
	o.commits = kept
	slices.SortStableFunc(o.commits, func(a, b commitOp) int {
		return cmp.Or(cmp.Compare(a.batch(), b.batch()), cmp.Compare(a.Checkpoint, b.Checkpoint))
	})
	for i, c := range o.commits {
		o.byToken[c.Token] = i
	}
	return ""
}

// look compares what observers saw with what was pre-committed.
func (o *object) look() string {
	var last []Sight
	for _, r := range o.outputs {
		known := continued(last, r.Seen)
		last = r.Seen
		for _, s := range r.Seen[known:] {
			i, ok := o.byToken[s.Token]
			if !ok {
				return fmt.Sprintf("partition %d: an observer saw %s (%s), which nobody had pre-committed by then", o.partition, s.Token, r.when())
			}
			o.commits[i].seen = true
			if c := o.commits[i]; c.Content != s.Content {
				return fmt.Sprintf("partition %d: an observer saw %s with %d bytes of hash %016x (%s); it was pre-committed with %d bytes of hash %016x",
					o.partition, s.Token, s.Content.Bytes, s.Content.Sum, r.when(), c.Content.Bytes, c.Content.Sum)
			}
		}
	}
	return ""
}

// continued is how much of a list need not be looked at again after another: all of
// that, if it shares its memory.
func continued(was, is []Sight) int {
	if len(was) > 0 && len(is) >= len(was) && &was[0] == &is[0] {
		return len(was)
	}
	return 0
}

// completed finds the completion of a checkpoint.
func (o *object) completed(id uint64) (int, bool) {
	return slices.BinarySearchFunc(o.completes, id, func(c *Op, id uint64) int { return cmp.Compare(c.Checkpoint, id) })
}

// ownerOf is the first completion that owns a commit, of those known, nil for all.
func (o *object) ownerOf(c *Op, known map[*Op]bool) *Op {
	i, _ := o.completed(c.Checkpoint)
	for _, d := range o.completes[i:] {
		if d.Attempt == c.Attempt && (known == nil || known[d]) {
			return d
		}
	}
	return nil
}

// inherited reports whether the checkpoint owns it that the history began with.
func (c *commitOp) inherited(h *History) bool { return c.old || c.Checkpoint <= h.Checkpoint }

// evidence says who tells that a commit took effect.
func (c *commitOp) evidence(o *object) string {
	for _, r := range o.outputs {
		if r.has(c.Token) {
			return "seen in " + r.when()
		}
	}
	return c.when()
}

// batch orders commits: what one completion owns becomes visible in any order.
func (c *commitOp) batch() uint64 {
	if c.owner == nil {
		return 0
	}
	return c.owner.Checkpoint
}

// builder makes an object's order.
type builder struct {
	*object
	order
	nodes map[*Op]int32
	ops   []*Op // by node, nil for a join
}

func (b *builder) node(op *Op, call, ret int64) int32 {
	n := b.add(call, ret)
	b.nodes[op] = n
	b.ops = append(b.ops, op)
	return n
}

func (b *builder) joint() int32 {
	b.ops = append(b.ops, nil)
	return b.join()
}

// chain makes nodes that follow each other.
func (b *builder) chain(ops []*Op) {
	for i, op := range ops {
		n := b.node(op, op.Call, op.Return)
		if i > 0 {
			b.before(b.nodes[ops[i-1]], n)
		}
	}
}

func (b *builder) build() string {
	for i, a := range b.acquires {
		last := b.h.Epoch
		if i > 0 {
			last = b.acquires[i-1].Attempt.Epoch
		}
		if a.Attempt.Epoch <= last {
			return fmt.Sprintf("epoch %d was acquired (%s), though it had been before", a.Attempt.Epoch, a.when())
		}
	}
	for i, c := range b.completes {
		if last := b.h.Checkpoint; c.Checkpoint <= last || i > 0 && c.Checkpoint == b.completes[i-1].Checkpoint {
			return fmt.Sprintf("checkpoint %d became complete (%s), though it was before, or is older than checkpoint %d", c.Checkpoint, c.when(), last)
		}
	}
	for i, r := range b.restores {
		if i > 0 && r.Attempt == b.restores[i-1].Attempt {
			return fmt.Sprintf("attempt %s was started twice, again in event %d", r.Attempt, r.Returned)
		}
	}
	b.chain(b.acquires)
	b.chain(b.completes)
	b.chain(b.restores)
	for _, r := range b.restores {
		if wrong := b.restore(r); wrong != "" {
			return wrong
		}
	}
	for _, r := range b.store {
		n := b.node(r, r.Call, r.Return)
		if !b.between(n, b.h.Checkpoint, r.Checkpoint, b.completes, checkpointOf) {
			return fmt.Sprintf("an observer saw checkpoint %d complete (%s), which nobody was completing", r.Checkpoint, r.when())
		}
		if !b.between(n, uint64(b.h.Epoch), uint64(r.Attempt.Epoch), b.acquires, epochOf) {
			return fmt.Sprintf("an observer saw epoch %d (%s), which nobody was acquiring", r.Attempt.Epoch, r.when())
		}
	}
	b.outputOrder()
	return ""
}

func checkpointOf(op *Op) uint64 { return op.Checkpoint }
func epochOf(op *Op) uint64      { return uint64(op.Attempt.Epoch) }

// between puts a node that saw a version behind the write of it and before the next.
// It reports whether there is such a version.
func (b *builder) between(n int32, first, version uint64, writes []*Op, of func(*Op) uint64) bool {
	i, ok := slices.BinarySearchFunc(writes, version, func(w *Op, v uint64) int { return cmp.Compare(of(w), v) })
	if ok {
		b.before(b.nodes[writes[i]], n)
		i++
	}
	if i < len(writes) {
		b.before(n, b.nodes[writes[i]])
	}
	return ok || version == first
}

// restore reads the latest checkpoint, as the leader, and ends older attempts.
func (b *builder) restore(r *Op) string {
	n := b.nodes[r]
	if !b.between(n, b.h.Checkpoint, r.Checkpoint, b.completes, checkpointOf) {
		return fmt.Sprintf("attempt %s restored checkpoint %d (%s), which was never complete", r.Attempt, r.Checkpoint, r.when())
	}
	if !b.between(n, uint64(b.h.Epoch), uint64(r.Attempt.Epoch), b.acquires, epochOf) {
		return fmt.Sprintf("attempt %s was started (%s), but nobody acquired its epoch", r.Attempt, r.when())
	}
	for _, c := range slices.Backward(b.completes) {
		if c.Attempt.Before(r.Attempt) {
			b.before(b.nodes[c], n)
			break
		}
	}
	return ""
}

// outputOrder orders commits and the reads of them. Between batches there is a join,
// so that a batch costs as many edges as it has commits.
func (b *builder) outputOrder() {
	ends := make([]int, len(b.commits)) // where the batch of a commit ends
	last := int32(-1)
	for i := 0; i < len(b.commits); {
		end := i
		for end < len(b.commits) && b.commits[end].batch() == b.commits[i].batch() {
			end++
		}
		after := b.joint()
		for k := i; k < end; k++ {
			c := b.commits[k]
			call, ret := c.Call, c.Return
			switch {
			case c.old:
				call, ret = math.MinInt64, math.MinInt64
			case c.must:
				ret = min(ret, b.h.Drained)
			}
			n := b.node(c.Op, call, ret)
			b.before(n, after)
			if last >= 0 {
				b.before(last, n)
			}
			if c.owner != nil {
				b.before(b.nodes[c.owner], n)
			}
			ends[k] = end
		}
		last, i = after, end
	}
	v := view{shown: make([]bool, len(b.commits)), newest: -1}
	for _, r := range b.outputs {
		b.readOutput(r, &v, ends)
	}
}

// view is what a read shows, by commit.
type view struct {
	seen   []Sight
	shown  []bool
	newest int // commit that is shown, -1 for none
	oldest int // commit that is not shown
}

// show makes it the view of another read.
func (v *view) show(b *builder, seen []Sight) {
	known := continued(v.seen, seen)
	if known == 0 {
		clear(v.shown)
		v.newest, v.oldest = -1, 0
	}
	v.seen = seen
	for _, s := range seen[known:] {
		i := b.byToken[s.Token]
		v.shown[i] = true
		v.newest = max(v.newest, i)
	}
	for v.oldest < len(v.shown) && v.shown[v.oldest] {
		v.oldest++
	}
}

// readOutput puts a read behind the newest batch of which it shows something and
// before the oldest of which it does not show all. The joins do the rest.
func (b *builder) readOutput(r *Op, v *view, ends []int) {
	n := b.node(r, r.Call, r.Return)
	v.show(b, r.Seen)
	if v.newest >= 0 {
		end := ends[v.newest]
		for i := end - 1; i >= 0 && ends[i] == end; i-- {
			if v.shown[i] {
				b.before(b.nodes[b.commits[i].Op], n)
			}
		}
	}
	if v.oldest < len(v.shown) {
		for i := v.oldest; i < ends[v.oldest]; i++ {
			if !v.shown[i] {
				b.before(n, b.nodes[b.commits[i].Op])
			}
		}
	}
}
