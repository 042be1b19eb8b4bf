package scenarios

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/model"
	"github.com/weirstream/weir/sim"
)

type committable = connect.Committable

// Linearizability says how a run was seen from outside.
type Linearizability struct {
	// Observations is how often the observers looked, Operations how many operations
	// their history has, of all partitions, with equal readings in a row counted
	// twice at most.
	Observations int `json:"observations"`
	Operations   int `json:"operations"`
	// Searched says that porcupine judged the history too; Exhausted, of how many
	// partitions its budget left it open.
	Searched  bool `json:"searched"`
	Exhausted int  `json:"exhausted"`
}

// searched is one of how many runs that pass porcupine judges, too.
const searched = 32

// linearizable is oracle 2: what observers see of committed output and of completed
// checkpoints, through crashes and fail-overs, could have been seen of one object
// that does one thing at a time.
type linearizable struct {
	judges   *judges
	observer *onlooker
	Linearizability
	history model.History // without operations: they are below
	clock   int64
	every   uint64 // an event of how many is followed by an observation in any case
	events  uint64
	crashes int  // of the cluster's list, dealt with
	blind   bool // a checkpoint was damaged: the store is no such object any more
	marks   []model.Annotation

	acquires, completes, restores, store, commits []model.Op
	outputs                                       [][]model.Op // by subtask
	recovering                                    int64        // when the last recovery began, and in which event
	recoveringIn                                  uint64
	byToken                                       map[string]int // places in commits
	epoch                                         uint32         // as last seen
	latest                                        uint64
}

// ID implements sim.Oracle.
func (l *linearizable) ID() string { return "linearizable" }

// prepare learns the job's shape and what was there before it.
func (l *linearizable) prepare() {
	r := l.judges.run
	subtasks := 0
	for _, n := range l.judges.cluster.Graph.Nodes {
		if n.UID == SinkUID {
			subtasks = n.Parallelism
		}
	}
	l.history.Partitions = subtasks
	before(r, &l.history)
	for _, c := range l.history.Committed { // a run at another parallelism may have had more
		l.history.Partitions = max(l.history.Partitions, c.Partition+1)
	}
	l.observer = newOnlooker(l.judges.cluster.Disk, r.config.CheckpointDir, r.config.HADir, l.history.Partitions)
	if l.history.Checkpoint > 0 {
		l.observer.sealing(l.history.Checkpoint)
	}
	l.outputs = make([][]model.Op, l.history.Partitions)
	l.byToken = map[string]int{}
	l.every = 1 + hashed(r.o.Seed, "look", 0)%64
}

// now is another tick.
func (l *linearizable) now() int64 {
	l.clock++
	return l.clock
}

// OnEvent implements sim.Oracle.
func (l *linearizable) OnEvent(w *sim.World, e *host.Event) *sim.Violation {
	if l.observer == nil {
		l.prepare()
	}
	at := w.EventNumber()
	look := l.crashed()
	if l.blind {
		return nil
	}
	l.events++
	odd := false
	switch e.Kind {
	case host.EpochStarted:
		l.acquired(e.Epoch, at)
		look, l.recovering, l.recoveringIn = true, l.clock, at
	case host.Restarting:
		l.recovering, l.recoveringIn = l.now(), at
	case host.CheckpointSealing:
		l.sealed(e, at)
	case host.CheckpointCompleted:
		look = true
		l.completed(e, at)
	case host.CheckpointAborted:
		// Its metadata is known not to be there.
		l.completes = slices.DeleteFunc(l.completes, func(op model.Op) bool { return op.Checkpoint == e.Checkpoint && op.Return == model.Never })
	case host.Deploying:
		look = true
		odd = l.deployed(e, at)
	case host.SinkPreCommitted:
		l.preCommitted(e, at)
	case host.SinkCommitted:
		look = true
		l.committed(e, at)
	}
	if look || l.events%l.every == 0 || l.observer.moved() {
		odd = l.observe(at, look) || odd
		odd = odd || l.missing(e)
	}
	if !odd {
		return nil
	}
	return violation(w, model.CheckLinearizable(l.assemble()))
}

// missing reports whether observers do not see what an event says.
func (l *linearizable) missing(e *host.Event) bool {
	switch e.Kind {
	case host.SinkCommitted:
		_, known := l.byToken[e.Text] // else it is of an earlier run, or no file
		return known && !l.observer.shows(e.Text)
	case host.CheckpointCompleted:
		return l.latest < e.Checkpoint
	case host.EpochStarted:
		return l.epoch != e.Epoch
	}
	return false
}

// crashed marks the crashes since the last event.
func (l *linearizable) crashed() bool {
	injected := l.judges.cluster.Injected[l.crashes:]
	for _, c := range injected {
		l.blind = l.blind || c.Damage != nil
		lost := ""
		if c.Lost {
			lost = ", which loses what was not synced"
		}
		l.marks = append(l.marks, model.Annotation{
			Time: l.now(), Text: fmt.Sprintf("%s %s", c.Fault.Kind, c.Node), Extra: fmt.Sprintf("event %d%s", c.Event, lost),
		})
	}
	l.crashes += len(injected)
	return len(injected) > 0
}

func (l *linearizable) acquired(epoch uint32, at uint64) {
	op := l.acquire(epoch, at)
	if op.Return == model.Never {
		op.Return, op.Returned = l.now(), at
		return
	}
	again := *op
	again.Call, again.Return, again.Returned = l.now(), l.now(), at
	l.acquires = append(l.acquires, again)
}

// acquire is the operation that acquires an epoch: its leader may die before it says
// so.
func (l *linearizable) acquire(epoch uint32, at uint64) *model.Op {
	for i := range l.acquires {
		if l.acquires[i].Attempt.Epoch == epoch {
			return &l.acquires[i]
		}
	}
	op := model.Op{Kind: model.Acquire, Attempt: stream.Attempt{Epoch: epoch}, Return: model.Never, Called: at, Returned: at}
	if n := len(l.acquires); n > 0 && l.acquires[n-1].Return != model.Never {
		op.Call, op.Called = l.acquires[n-1].Return, l.acquires[n-1].Returned
	}
	l.acquires = append(l.acquires, op)
	return &l.acquires[len(l.acquires)-1]
}

func (l *linearizable) sealed(e *host.Event, at uint64) {
	op := model.Op{Kind: model.Complete, Checkpoint: e.Checkpoint, Attempt: stream.Attempt{Epoch: e.Epoch, Number: e.Number},
		Call: l.now(), Return: model.Never, Called: at, Returned: at}
	if m, ok := e.Data.(*snapshot.Metadata); ok {
		op.Attempt = m.Attempt
	}
	// Ids are above all that were found: those from this one on were not complete.
	l.completes = slices.DeleteFunc(l.completes, func(op model.Op) bool { return op.Checkpoint >= e.Checkpoint && op.Return == model.Never })
	l.completes = append(l.completes, op)
	l.observer.sealing(e.Checkpoint)
}

func (l *linearizable) completed(e *host.Event, at uint64) {
	i := slices.IndexFunc(l.completes, func(op model.Op) bool { return op.Checkpoint == e.Checkpoint && op.Return == model.Never })
	if i < 0 {
		l.sealed(e, at)
		i = len(l.completes) - 1
	}
	l.completes[i].Return, l.completes[i].Returned = l.now(), at
}

// deployed notes a restore. It is odd if observers have seen another checkpoint.
func (l *linearizable) deployed(e *host.Event, at uint64) bool {
	op := model.Op{Kind: model.Restore, Checkpoint: e.Checkpoint, Attempt: stream.Attempt{Epoch: e.Epoch, Number: e.Number},
		Call: l.recovering, Return: l.now(), Called: l.recoveringIn, Returned: at}
	if l.history.Checkpoint == 0 && len(l.completes) == 0 && l.judges.run.config.RecoveryPath != "" {
		l.history.Checkpoint = e.Checkpoint // of another job: the store did not show it
	}
	l.restores = append(l.restores, op)
	return l.observer.latest() != e.Checkpoint && e.Checkpoint != l.history.Checkpoint
}

func (l *linearizable) preCommitted(e *host.Event, at uint64) {
	content, ok := contentOf(e.Data)
	i, known := l.byToken[e.Text]
	if !ok || known && l.commits[i].Content == content {
		return
	}
	l.addCommit(e.Text, content, at)
}

// addCommit adds the commit of a token, which may happen from now on.
func (l *linearizable) addCommit(token string, content model.Content, at uint64) int {
	part, ok := file.ParsePart(token, SinkUID)
	if !ok {
		return -1
	}
	l.byToken[token] = len(l.commits)
	l.commits = append(l.commits, model.Op{Kind: model.Commit, Partition: part.Subtask, Checkpoint: part.Checkpoint, Attempt: part.Attempt,
		Token: token, Content: content, Call: l.now(), Return: model.Never, Called: at, Returned: at})
	return len(l.commits) - 1
}

// committed notes that a commit is known to have happened.
func (l *linearizable) committed(e *host.Event, at uint64) {
	i, ok := l.byToken[e.Text]
	if !ok {
		return // of an earlier run
	}
	if op := &l.commits[i]; op.Return == model.Never {
		op.Return, op.Returned = l.now(), at
	}
}

// observe lets an observer look, first at the output and then at the store: so
// output that is visible before its checkpoint is complete is seen to be. It reports
// whether something looks odd.
func (l *linearizable) observe(at uint64, look bool) (odd bool) {
	l.Observations++
	changed := l.observer.output(look)
	for p := range l.outputs {
		op := model.Op{Kind: model.ReadOutput, Partition: p, Call: l.now(), Return: l.now(), Called: at, Returned: at, Seen: l.observer.seen[p]}
		if !slices.Contains(changed, p) && len(l.outputs[p]) > 0 {
			l.outputs[p] = again(l.outputs[p], op, same)
			continue
		}
		if n := len(l.outputs[p]); n > 0 {
			odd = odd || vanished(l.outputs[p][n-1].Seen, op.Seen)
		}
		l.outputs[p] = append(l.outputs[p], op)
	}
	epoch, latest := l.observer.newestEpoch(), l.observer.latest()
	odd = odd || epoch < l.epoch || latest < l.latest
	if epoch != l.epoch && epoch > l.history.Epoch {
		l.acquire(epoch, at)
	}
	l.epoch, l.latest = epoch, latest
	l.store = again(l.store, model.Op{
		Kind: model.ReadStore, Checkpoint: latest, Attempt: stream.Attempt{Epoch: epoch}, Call: l.now(), Return: l.now(), Called: at, Returned: at,
	}, func(a, b *model.Op) bool { return a.Checkpoint == b.Checkpoint && a.Attempt == b.Attempt })
	for _, p := range changed {
		odd = odd || l.unexplained(l.outputs[p][len(l.outputs[p])-1].Seen)
	}
	return odd
}

// again adds a reading. Of equal ones in a row only the first and the last say
// anything.
func again(ops []model.Op, op model.Op, equal func(a, b *model.Op) bool) []model.Op {
	if n := len(ops); n > 1 && equal(&ops[n-2], &op) && equal(&ops[n-1], &op) {
		ops[n-1] = op
		return ops
	}
	return append(ops, op)
}

// same compares what is seen by where it is kept: it changes with each change.
func same(a, b *model.Op) bool {
	return len(a.Seen) == len(b.Seen) && (len(a.Seen) == 0 || &a.Seen[0] == &b.Seen[0])
}

// vanished reports whether something was seen and is no more.
func vanished(was, is []model.Sight) bool {
	for _, s := range was {
		if !slices.Contains(is, s) {
			return true
		}
	}
	return false
}

// unexplained reports whether something is seen that was not pre-committed as it is,
// or that no complete checkpoint owns. What an earlier run pre-committed is explained
// when it is seen first.
func (l *linearizable) unexplained(seen []model.Sight) bool {
	odd := false
	for _, s := range seen {
		i, ok := l.byToken[s.Token]
		c := l.observer.files[s.Token].part
		switch {
		case !ok && slices.ContainsFunc(l.history.Committed, func(op model.Op) bool { return op.Token == s.Token && op.Content == s.Content }):
		case !ok && c.Checkpoint <= l.history.Checkpoint:
			i = l.addCommit(s.Token, s.Content, 0)
			l.commits[i].Call = 0
		case !ok, l.commits[i].Content != s.Content:
			odd = true
		case c.Checkpoint > l.history.Checkpoint:
			odd = odd || !slices.ContainsFunc(l.completes, func(op model.Op) bool {
				return op.Checkpoint >= c.Checkpoint && op.Checkpoint <= l.latest && op.Attempt == c.Attempt
			})
		}
	}
	return odd
}

// assemble makes a history of what was collected.
func (l *linearizable) assemble() *model.History {
	h := l.history
	for _, ops := range append([][]model.Op{l.acquires, l.completes, l.restores, l.store, l.commits}, l.outputs...) {
		h.Ops = append(h.Ops, ops...)
	}
	for i := range h.Ops {
		if op := &h.Ops[i]; op.Kind == model.ReadStore {
			op.Checkpoint = max(op.Checkpoint, h.Checkpoint)
			op.Attempt.Epoch = max(op.Attempt.Epoch, h.Epoch)
		}
	}
	return &h
}

// OnEnd implements sim.Oracle. It is asked last: a run that failed is searched.
func (l *linearizable) OnEnd(w *sim.World) *sim.Violation {
	if l.observer == nil {
		return nil
	}
	failed := len(w.Violations()) > 0
	l.crashed()
	if !l.blind {
		if l.judges.cluster.Finished && !failed {
			l.history.Drained = l.now()
		}
		l.observe(w.EventNumber(), true)
	}
	h := l.assemble()
	l.Operations = len(h.Ops)
	already := slices.ContainsFunc(w.Violations(), func(v sim.Violation) bool { return v.Oracle == l.ID() })
	wrong := model.CheckLinearizable(h)
	if !failed && len(wrong) == 0 && hashed(l.judges.run.o.Seed, "search", 0)%searched != 0 {
		return nil
	}
	found := model.SearchLinearizable(h, model.DefaultBudget)
	l.Searched, l.Exhausted = true, len(found.Exhausted)
	if len(wrong) == 0 && len(found.Illegal) > 0 {
		wrong = []string{fmt.Sprintf("oracle disagreement: one pass finds an order, porcupine finds none for %s", partitions(found.Illegal))}
	}
	if already {
		return nil
	}
	return violation(w, wrong)
}

// picture is what can be drawn of a run.
type picture struct {
	history *model.History
	marks   []model.Annotation
}

// picture is nil if nothing has happened.
func (l *linearizable) picture() *picture {
	if l.observer == nil {
		return nil
	}
	l.crashed()
	return &picture{l.assemble(), l.marks}
}

func (p *picture) write(path string) error {
	var page bytes.Buffer
	h, marks := &model.History{}, []model.Annotation(nil)
	if p != nil {
		h, marks = p.history, p.marks
	}
	if err := model.Visualize(h, model.DefaultBudget, marks, &page); err != nil {
		return err
	}
	return writeWhole(path, page.Bytes())
}

// partitions names them.
func partitions(ps []int) string {
	names := make([]string, len(ps))
	for i, p := range ps {
		names[i] = fmt.Sprintf("partition %d", p)
		if p == model.Store {
			names[i] = "the checkpoint store"
		}
	}
	return strings.Join(names, ", ")
}
