package model

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/stream"
)

const (
	matrixEpochs     = 12
	matrixPartitions = 2
	matrixRows       = 6 // of one epoch in one partition
)

// rowsOf is what the job routes to a partition for one epoch.
func rowsOf(p int, epoch uint64) (rows []uint64) {
	for r := range uint64(matrixRows) {
		rows = append(rows, uint64(p)<<32|epoch<<8|r)
	}
	return rows
}

func contentOf(rows []uint64) (c Content) {
	for _, r := range rows {
		c = c.plus(Content{1, r})
	}
	return c
}

// run is a history as its teller sees it, step by step, with a clock of its own.
type run struct {
	h    History
	now  int64
	seen [][]Sight
}

func (r *run) tick() int64 { r.now += 10; return r.now }

func token(p int, epoch uint64, a stream.Attempt) string {
	return fmt.Sprintf("part-%d-%02d-%s", p, epoch, a)
}

var first, second = stream.Attempt{Epoch: 1, Number: 1}, stream.Attempt{Epoch: 2, Number: 1}

// op adds an operation of one tick and returns its place.
func (r *run) op(op Op) int {
	op.Call = r.tick()
	op.Return = r.tick()
	op.Called, op.Returned = uint64(op.Call), uint64(op.Return)
	r.h.Ops = append(r.h.Ops, op)
	return len(r.h.Ops) - 1
}

func (r *run) observe() {
	for p := range matrixPartitions {
		r.op(Op{Kind: ReadOutput, Partition: p, Seen: slices.Clone(r.seen[p])})
	}
	latest := Op{Kind: ReadStore}
	for _, op := range r.h.Ops {
		switch op.Kind {
		case Complete:
			latest.Checkpoint = op.Checkpoint
		case Acquire:
			latest.Attempt.Epoch = op.Attempt.Epoch
		}
	}
	r.op(latest)
}

func (r *run) precommit(epoch uint64, a stream.Attempt) (places []int) {
	for p := range matrixPartitions {
		places = append(places, r.op(Op{Kind: Commit, Partition: p, Checkpoint: epoch, Attempt: a, Token: token(p, epoch, a), Content: contentOf(rowsOf(p, epoch))}))
		r.h.Ops[places[p]].Return = Never
	}
	return places
}

func (r *run) commit(places []int) {
	for p, i := range places {
		op := &r.h.Ops[i]
		op.Return = r.tick()
		op.Returned = uint64(op.Return)
		r.seen[p] = append(r.seen[p], Sight{op.Token, op.Content})
	}
}

// legalRun is twelve epochs with a failover in the middle and a drain.
func legalRun() *run {
	r := &run{h: History{Partitions: matrixPartitions}, seen: make([][]Sight, matrixPartitions)}
	r.op(Op{Kind: Acquire, Attempt: first})
	r.op(Op{Kind: Restore, Attempt: first})
	a := first
	for e := uint64(1); e <= matrixEpochs; e++ {
		places := r.precommit(e, a)
		r.observe()
		r.op(Op{Kind: Complete, Checkpoint: e, Attempt: a})
		if e == matrixEpochs/2 { // the leader dies before anyone is told
			r.h.Ops[len(r.h.Ops)-1].Return = Never
			a = second
			r.op(Op{Kind: Acquire, Attempt: a})
			r.op(Op{Kind: Restore, Checkpoint: e, Attempt: a})
		}
		r.commit(places)
		r.observe()
	}
	r.h.Drained = r.tick()
	r.observe()
	return r
}

// find is the n-th operation that fits, from 0.
func (r *run) find(n int, fits func(op *Op) bool) *Op {
	for i := range r.h.Ops {
		if fits(&r.h.Ops[i]) {
			if n--; n < 0 {
				return &r.h.Ops[i]
			}
		}
	}
	panic("no such operation")
}

func reads(p, n int) func(op *Op) bool {
	return func(op *Op) bool { return op.Kind == ReadOutput && op.Partition == p && len(op.Seen) == n }
}

// shown changes what every observer sees of one epoch in partition 0.
func (r *run) shown(epoch uint64, c Content) {
	for i := range r.h.Ops {
		for k := range r.h.Ops[i].Seen {
			if s := &r.h.Ops[i].Seen[k]; s.Token == token(0, epoch, first) {
				s.Content = c
			}
		}
	}
}

// matrix is what may go wrong, each once in a run, and what is said of it.
var matrix = []struct {
	name  string
	spoil func(r *run)
	says  string
}{
	{"lost row", func(r *run) { r.shown(3, contentOf(rowsOf(0, 3)[1:])) }, "an observer saw part-0-03-1.1 with 5 bytes"},
	{"duplicate row", func(r *run) { r.shown(3, contentOf(append(rowsOf(0, 3), rowsOf(0, 3)[0]))) }, "an observer saw part-0-03-1.1 with 7 bytes"},
	{"phantom row", func(r *run) { r.shown(3, contentOf(append(rowsOf(0, 3), 99))) }, "an observer saw part-0-03-1.1 with 7 bytes"},
	{"lost and duplicate row", func(r *run) { r.shown(3, contentOf(append(rowsOf(0, 3)[1:], rowsOf(0, 3)[1]))) }, "an observer saw part-0-03-1.1 with 6 bytes"},
	{"row in the wrong epoch", func(r *run) {
		r.shown(3, contentOf(rowsOf(0, 3)[1:]))
		r.shown(4, contentOf(append(rowsOf(0, 4), rowsOf(0, 3)[0])))
	}, "an observer saw part-0-03-1.1 with 5 bytes"},
	{"lost commit", func(r *run) {
		lost := token(0, matrixEpochs, second)
		r.find(0, func(op *Op) bool { return op.Token == lost }).Return = Never
		for i := range r.h.Ops {
			op := &r.h.Ops[i]
			op.Seen = slices.DeleteFunc(slices.Clone(op.Seen), func(s Sight) bool { return s.Token == lost })
		}
	}, "output is lost: part-0-12-2.1 is owned by checkpoint 12"},
	{"uncommitted read", func(r *run) {
		op := r.find(0, reads(0, 2)) // of epoch 2, but before checkpoint 3
		last := r.find(1, reads(0, 2))
		last.Seen = append(slices.Clone(op.Seen), Sight{token(0, 3, first), contentOf(rowsOf(0, 3))})
		r.find(2, reads(0, 3)).Seen = last.Seen
	}, "uncommitted output was visible: an observer saw part-0-03-1.1"},
	{"rolled-back commit", func(r *run) {
		op := r.find(1, reads(0, 5))
		op.Seen = op.Seen[:4:4]
	}, "took back what was committed: an observer saw part-0-05-1.1"},
	{"stale read", func(r *run) {
		op := r.find(1, reads(1, 9))
		op.Seen = op.Seen[:7:7]
	}, "took back what was committed: an observer saw part-1-08-2.1"},
	{"read after a commit that does not show it", func(r *run) {
		op := r.find(0, reads(0, 4))
		op.Seen = op.Seen[:3:3]
	}, "part-0-04-1.1 was committed"},
	{"gap", func(r *run) {
		op := r.find(0, reads(0, 4))
		op.Seen = slices.Delete(slices.Clone(op.Seen), 1, 2)
	}, "no order is left"},
	{"stale restore", func(r *run) {
		r.find(1, func(op *Op) bool { return op.Kind == Restore }).Checkpoint = 5
	}, "no order is left"},
	{"stale restore after the completion was known", func(r *run) {
		r.op(Op{Kind: Restore, Checkpoint: 8, Attempt: stream.Attempt{Epoch: 2, Number: 2}})
	}, "no order is left"},
	{"zombie commit of an incomplete epoch", func(r *run) {
		r.h.Ops = slices.DeleteFunc(r.h.Ops, func(op Op) bool { return op.Kind == Complete && op.Checkpoint == 12 })
		for i := range r.h.Ops {
			if op := &r.h.Ops[i]; op.Kind == ReadStore && op.Checkpoint == 12 {
				op.Checkpoint = 11
			}
		}
	}, "no checkpoint from 12 on of attempt 2.1, which pre-committed it, is complete"},
	{"zombie commit of what a newer attempt did not own", func(r *run) {
		r.find(0, func(op *Op) bool { return op.Token == token(0, 9, second) }).Attempt = first
	}, "no checkpoint from 9 on of attempt 1.1, which pre-committed it, is complete"},
	{"commit before the metadata is durable", func(r *run) {
		r.find(3, func(op *Op) bool { return op.Kind == Complete }).Return = Never
		r.find(0, func(op *Op) bool { return op.Token == token(0, 4, first) }).Return = Never
		r.find(0, func(op *Op) bool { return op.Kind == ReadStore && op.Checkpoint == 4 }).Checkpoint = 3
	}, "uncommitted output was visible: an observer saw part-0-04-1.1"},
	{"completion that goes", func(r *run) {
		r.find(3, func(op *Op) bool { return op.Kind == Complete }).Return = Never
		r.find(1, func(op *Op) bool { return op.Kind == ReadStore && op.Checkpoint == 4 }).Checkpoint = 3
	}, "it went back: an observer saw checkpoint 4"},
	{"completion that is not durable", func(r *run) {
		r.find(0, func(op *Op) bool { return op.Kind == ReadStore && op.Checkpoint == 4 }).Checkpoint = 3
		r.find(0, func(op *Op) bool { return op.Kind == ReadStore && op.Checkpoint == 4 }).Checkpoint = 3
	}, `"complete checkpoint 4 (attempt 1.1)" had ended`},
	{"epoch taken twice", func(r *run) { r.op(Op{Kind: Acquire, Attempt: first}) }, "epoch 1 was acquired"},
	{"epoch goes back", func(r *run) { r.op(Op{Kind: ReadStore, Checkpoint: 12, Attempt: first}) }, "no order is left"},
	{"unknown checkpoint", func(r *run) { r.op(Op{Kind: ReadStore, Checkpoint: 13, Attempt: second}) }, "an observer saw checkpoint 13 complete"},
	{"unknown output", func(r *run) {
		r.find(0, reads(0, 5)).Seen[0].Token = "part-0-77-1.1"
	}, "an observer saw part-0-77-1.1"},
}

// TestMatrix breaks a legal run in every way, once each: the theorem and the search
// must object, and say what is wrong.
func TestMatrix(t *testing.T) {
	legal := legalRun()
	require.Empty(t, CheckLinearizable(&legal.h))
	require.Equal(t, Search{Operations: SearchLinearizable(&legal.h, DefaultBudget).Operations}, SearchLinearizable(&legal.h, DefaultBudget))
	for _, m := range matrix {
		t.Run(m.name, func(t *testing.T) {
			r := legalRun()
			m.spoil(r)
			wrong := CheckLinearizable(&r.h)
			require.NotEmpty(t, wrong)
			require.Contains(t, wrong[0], m.says)
			s := SearchLinearizable(&r.h, DefaultBudget)
			require.NotEmpty(t, s.Illegal)
			require.Empty(t, s.Exhausted)
		})
	}
}

// TestPartitionsAreIndependent: one epoch may be visible in one partition and not yet
// in the other, for as long as you like.
func TestPartitionsAreIndependent(t *testing.T) {
	r := &run{h: History{Partitions: 2}, seen: make([][]Sight, 2)}
	r.op(Op{Kind: Acquire, Attempt: first})
	r.op(Op{Kind: Restore, Attempt: first})
	places := r.precommit(1, first)
	r.op(Op{Kind: Complete, Checkpoint: 1, Attempt: first})
	r.seen[1] = []Sight{{token(1, 1, first), r.h.Ops[places[1]].Content}}
	for range 5 {
		r.observe()
	}
	require.Empty(t, CheckLinearizable(&r.h))
}

// TestOneBatchInAnyOrder: what a given-up checkpoint left and what the next one wrote
// have one owner, and a crash may leave either visible first.
func TestOneBatchInAnyOrder(t *testing.T) {
	for _, order := range [][]uint64{{1, 2}, {2, 1}} {
		r := &run{h: History{Partitions: 1}, seen: make([][]Sight, 2)}
		r.op(Op{Kind: Acquire, Attempt: first})
		r.op(Op{Kind: Restore, Attempt: first})
		r.precommit(1, first)
		r.precommit(2, first)
		r.op(Op{Kind: Complete, Checkpoint: 2, Attempt: first})
		for _, e := range order {
			r.seen[0] = append(r.seen[0], Sight{token(0, e, first), contentOf(rowsOf(0, e))})
			r.op(Op{Kind: ReadOutput, Seen: slices.Clone(r.seen[0])})
		}
		require.Empty(t, CheckLinearizable(&r.h))
		require.Empty(t, SearchLinearizable(&r.h, DefaultBudget).Illegal)
	}
}

// TestManyInOneBatch: what forty given-up checkpoints left becomes visible with the
// next one, and the search does not try the orders of that.
func TestManyInOneBatch(t *testing.T) {
	r := &run{h: History{Partitions: 2}, seen: make([][]Sight, 2)}
	r.op(Op{Kind: Acquire, Attempt: first})
	r.op(Op{Kind: Restore, Attempt: first})
	var all [][]int
	for e := range uint64(40) {
		all = append(all, r.precommit(e+1, first))
	}
	r.op(Op{Kind: Complete, Checkpoint: 40, Attempt: first})
	r.observe()
	for _, places := range all {
		r.commit(places)
	}
	r.observe()
	require.Empty(t, CheckLinearizable(&r.h))
	require.Equal(t, Search{Operations: SearchLinearizable(&r.h, 500).Operations}, SearchLinearizable(&r.h, 500))
	r.seen[0] = r.seen[0][:30]
	r.observe()
	require.Equal(t, []int{0}, SearchLinearizable(&r.h, DefaultBudget).Illegal)
	require.Contains(t, CheckLinearizable(&r.h)[0], "it took back what was committed: an observer saw part-0-31-1.1")
}

// TestUnknownOutcomes: a completion whose leader died may have happened or not, but
// not both.
func TestUnknownOutcomes(t *testing.T) {
	start := func() *run {
		r := &run{h: History{Partitions: 1}, seen: make([][]Sight, 2)}
		r.op(Op{Kind: Acquire, Attempt: first})
		r.op(Op{Kind: Restore, Attempt: first})
		r.op(Op{Kind: Complete, Checkpoint: 1, Attempt: first})
		r.h.Ops[2].Return = Never
		r.op(Op{Kind: Acquire, Attempt: second})
		return r
	}
	for _, restored := range []uint64{0, 1} {
		r := start()
		r.op(Op{Kind: Restore, Checkpoint: restored, Attempt: second})
		require.Empty(t, CheckLinearizable(&r.h))
		r.op(Op{Kind: ReadStore, Checkpoint: 1 - restored, Attempt: second})
		require.NotEmpty(t, CheckLinearizable(&r.h), "restored %d, and then saw %d", restored, 1-restored)
		require.NotEmpty(t, SearchLinearizable(&r.h, DefaultBudget).Illegal)
	}
}

// TestSearchBudget: a search that does not come to an end says so, and is the same
// each time.
func TestSearchBudget(t *testing.T) {
	h := &legalRun().h
	s := SearchLinearizable(h, 20)
	require.Equal(t, []int{Store, 0, 1}, s.Exhausted)
	require.Empty(t, s.Illegal)
	require.Equal(t, s, SearchLinearizable(h, 20))
}

// TestVisualize: the page shows operations and marks in words, of legal and illegal
// histories, and whatever the budget.
func TestVisualize(t *testing.T) {
	for _, budget := range []int{10, DefaultBudget} {
		for _, m := range append(matrix[:1:1], matrix[6:9]...) {
			r := legalRun()
			m.spoil(r)
			var page bytes.Buffer
			require.NoError(t, Visualize(&r.h, budget, []Annotation{{55, "tm1 crashes", "and loses it all"}}, &page))
			for _, text := range []string{"<html", "tm1 crashes", "complete checkpoint 3 (attempt 1.1)", "commit part-0-01-1.1", "read store: checkpoint 2, epoch 1"} {
				require.Contains(t, page.String(), text)
			}
		}
	}
}

// BenchmarkCheckLinearizable judges a legal history of 72 operations and two
// partitions.
func BenchmarkCheckLinearizable(b *testing.B) {
	h := &legalRun().h
	b.ReportAllocs()
	for b.Loop() {
		if len(CheckLinearizable(h)) > 0 {
			b.Fatal("not linearizable")
		}
	}
}

// BenchmarkSearchLinearizable is the same by search.
func BenchmarkSearchLinearizable(b *testing.B) {
	h := &legalRun().h
	for b.Loop() {
		if len(SearchLinearizable(h, DefaultBudget).Illegal) > 0 {
			b.Fatal("not linearizable")
		}
	}
}

// TestOrderIsTheorem compares the order's decision on a chain of writes with the
// recurrence of the theorem, written out.
func TestOrderIsTheorem(t *testing.T) {
	illegal := 0
	for seed := range uint64(20_000) {
		r := rand.New(rand.NewPCG(seed, 2))
		var g order
		writes := 1 + r.IntN(5)
		interval := func() (int64, int64) { c := int64(r.IntN(100)); return c, c + int64(r.IntN(60)) }
		calls, returns := make([]int64, writes+2), make([]int64, writes+2)
		maxCall, minReturn := make([]int64, writes+2), make([]int64, writes+2)
		returns[0], minReturn[0] = Never, Never
		for v := 1; v <= writes; v++ {
			calls[v], returns[v] = interval()
			minReturn[v] = Never
			g.add(calls[v], returns[v])
			if v > 1 {
				g.before(int32(v-2), int32(v-1))
			}
		}
		for range r.IntN(6) {
			v := r.IntN(writes + 1)
			call, ret := interval()
			maxCall[v], minReturn[v] = max(maxCall[v], call), min(minReturn[v], ret)
			n := g.add(call, ret)
			if v > 0 {
				g.before(int32(v-1), n)
			}
			if v < writes {
				g.before(n, int32(v))
			}
		}
		point, legal := int64(0), true
		for v := 1; v <= writes; v++ {
			point = max(point, calls[v], maxCall[v-1])
			legal = legal && point <= min(returns[v], minReturn[v])
		}
		require.Equal(t, legal, g.decide() == nil, "seed %d", seed)
		if !legal {
			illegal++
		}
	}
	require.Greater(t, illegal, 2000)
}
