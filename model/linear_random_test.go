package model

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/stream"
)

// draws is where a generated history takes its numbers from.
type draws func(n int) int

// world makes histories that are legal: each operation takes effect at a point
// within its interval, and the points are in order.
type world struct {
	draw      draws
	h         History
	point     int64
	attempt   stream.Attempt
	latest    uint64
	next      uint64
	pending   []int // commits without a complete checkpoint, of this attempt
	due       []int // commits with one
	committed [][]Sight
}

func generate(draw draws, steps int) *History {
	w := &world{draw: draw, next: 1}
	w.h.Partitions = 1 + draw(2)
	w.committed = make([][]Sight, w.h.Partitions)
	if draw(3) == 0 {
		w.inherit()
	}
	w.attempt = stream.Attempt{Epoch: w.h.Epoch + 1}
	w.add(Op{Kind: Acquire, Attempt: w.attempt})
	w.restart(false)
	for range steps {
		w.step()
	}
	if draw(2) == 0 {
		for len(w.due) > 0 {
			w.commit()
		}
		w.point += 100
		w.h.Drained = w.point
		for p := range w.committed {
			w.point += 100
			w.read(p)
		}
	}
	return &w.h
}

// inherit begins with a checkpoint of an earlier run, some of whose output is
// committed already, and some not.
func (w *world) inherit() {
	w.h.Epoch, w.h.Checkpoint, w.latest, w.next = 1, 2, 2, 3
	for p := range w.h.Partitions {
		for id := uint64(1); id <= 2; id++ {
			op := Op{Kind: Commit, Partition: p, Checkpoint: id, Attempt: stream.Attempt{Epoch: 1}, Token: fmt.Sprintf("part-%d-%d-1.0", p, id),
				Content: Content{int64(w.draw(3)), uint64(w.draw(4))}}
			if id == 1 {
				w.h.Committed = append(w.h.Committed, op)
				w.committed[p] = append(w.committed[p], Sight{op.Token, op.Content})
				continue
			}
			op.Return = Never
			w.h.Ops = append(w.h.Ops, op)
			w.due = append(w.due, len(w.h.Ops)-1)
		}
	}
}

// add adds an operation around the next point.
func (w *world) add(op Op) int {
	w.point += 1 + int64(w.draw(10))
	op.Call, op.Return = w.point-int64(w.draw(20)), w.point+int64(w.draw(20))
	op.Called, op.Returned = uint64(w.point), uint64(w.point)
	w.h.Ops = append(w.h.Ops, op)
	return len(w.h.Ops) - 1
}

func (w *world) step() {
	switch w.draw(8) {
	case 0:
		w.restart(w.draw(2) == 0)
	case 1, 2:
		w.checkpoint()
	case 3, 4:
		if len(w.due) > 0 {
			w.commit()
		}
	case 5, 6:
		w.read(w.draw(w.h.Partitions))
	default:
		w.add(Op{Kind: ReadStore, Checkpoint: w.latest, Attempt: stream.Attempt{Epoch: w.attempt.Epoch}})
	}
}

// restart begins another attempt, maybe of another leader. Committed output waits:
// recovery commits what is due.
func (w *world) restart(leader bool) {
	if leader {
		w.attempt = stream.Attempt{Epoch: w.attempt.Epoch + 1}
		w.add(Op{Kind: Acquire, Attempt: w.attempt})
	}
	w.attempt.Number++
	w.pending = nil
	w.add(Op{Kind: Restore, Checkpoint: w.latest, Attempt: w.attempt})
}

// checkpoint pre-commits in some partitions and completes, maybe without anyone
// knowing whether, in which case the attempt is over.
func (w *world) checkpoint() {
	if len(w.due) > 0 && w.draw(2) == 0 {
		w.commit()
	}
	id := w.next
	w.next++
	for p := range w.h.Partitions {
		if w.draw(4) == 0 {
			continue
		}
		token := fmt.Sprintf("part-%d-%d-%s", p, id, w.attempt)
		op := Op{Kind: Commit, Partition: p, Checkpoint: id, Attempt: w.attempt, Token: token,
			Content: Content{int64(w.draw(3)), uint64(w.draw(4))}, Call: w.point, Return: Never}
		w.h.Ops = append(w.h.Ops, op)
		w.pending = append(w.pending, len(w.h.Ops)-1)
	}
	switch w.draw(6) {
	case 0: // given up: the next one owns what was pre-committed
	case 1:
		done := w.draw(2) == 0
		i := w.add(Op{Kind: Complete, Checkpoint: id, Attempt: w.attempt})
		w.h.Ops[i].Return = Never
		if done {
			w.complete(id)
		}
		w.restart(true)
	default:
		w.add(Op{Kind: Complete, Checkpoint: id, Attempt: w.attempt})
		w.complete(id)
	}
}

// complete makes what is pre-committed due, after what was due already.
func (w *world) complete(id uint64) {
	w.latest = id
	for len(w.due) > 0 {
		w.commit()
	}
	w.due, w.pending = w.pending, nil
}

func (w *world) commit() {
	k := w.draw(len(w.due))
	i := w.due[k]
	w.due = slices.Delete(w.due, k, k+1)
	op := w.h.Ops[i]
	w.point += 1 + int64(w.draw(10))
	op.Return = w.point + int64(w.draw(20))
	if w.draw(4) == 0 {
		op.Return = Never
	}
	w.h.Ops[i] = op
	w.committed[op.Partition] = append(w.committed[op.Partition], Sight{op.Token, op.Content})
}

func (w *world) read(p int) {
	w.add(Op{Kind: ReadOutput, Partition: p, Seen: slices.Clone(w.committed[p])})
}

// spoil changes something in a history, mostly for the worse.
func spoil(draw draws, h *History) {
	at := draw(len(h.Ops))
	op := &h.Ops[at]
	switch draw(9) {
	case 0, 1:
		d := int64(draw(160)) - 80
		op.Call += d
		if op.Return != Never {
			op.Return += d
		}
	case 2:
		if op.Kind == ReadOutput && len(op.Seen) > 0 {
			k := draw(len(op.Seen))
			op.Seen = slices.Delete(slices.Clone(op.Seen), k, k+1)
		}
	case 3:
		if op.Kind == ReadOutput && len(op.Seen) > 0 {
			op.Seen = slices.Clone(op.Seen)
			op.Seen[draw(len(op.Seen))].Content.Sum++
		}
	case 4: // one more than there is
		for i := range h.Ops {
			if c := &h.Ops[(i+draw(3))%len(h.Ops)]; op.Kind == ReadOutput && c.Kind == Commit && c.Partition == op.Partition && !op.has(c.Token) {
				op.Seen = append(slices.Clone(op.Seen), Sight{c.Token, c.Content})
				return
			}
		}
	case 5:
		taken := slices.ContainsFunc(h.Ops, func(o Op) bool { return o.Kind == Complete && o.Checkpoint == op.Checkpoint-1 })
		if op.Checkpoint > 0 && op.Kind != Commit && (op.Kind != Complete || !taken) { // ids are unique
			op.Checkpoint--
		}
	case 6:
		if op.Kind != Complete { // an attempt ends with the first that nobody knows of
			op.Attempt.Number ^= 1
		}
	case 7:
		if len(h.Ops) > 1 {
			h.Ops = slices.Delete(h.Ops, at, at+1)
		}
	default:
		if op.Kind == Commit && op.Return != Never {
			op.Return -= int64(draw(40))
			op.Return = max(op.Return, op.Call)
		}
	}
}

// verdicts judges one partition by the theorem, and by porcupine with and without
// what is unknown resolved.
func verdicts(h *History, p int) (greedy, resolved, raw bool) {
	greedy = checkObject(h, p) == ""
	resolved = porcupine.CheckOperations(specification(h, nil), operations(h, p, true))
	raw = porcupine.CheckOperations(specification(h, nil), operations(h, p, false))
	return greedy, resolved, raw
}

// describe is a history for the message of a failure.
func describe(h *History) (text string) {
	for i := range h.Ops {
		op := &h.Ops[i]
		text += fmt.Sprintf("%4d to %4d  %s %v\n", op.Call, op.Return, op, op.Seen)
	}
	return text + fmt.Sprintf("drained %d", h.Drained)
}

// TestTheoremAndSearchAgree compares three judges on small histories, half of them
// spoiled, partition by partition.
func TestTheoremAndSearchAgree(t *testing.T) {
	const histories = 20_000
	legal, illegal := 0, 0
	for seed := range uint64(histories) {
		r := rand.New(rand.NewPCG(seed, 1))
		h := generate(r.IntN, 4+r.IntN(12))
		spoiled := seed%2 == 1
		if spoiled {
			for range 1 + r.IntN(4) {
				spoil(r.IntN, h)
			}
		}
		for p := Store; p < h.Partitions; p++ {
			greedy, resolved, raw := verdicts(h, p)
			if greedy != resolved || greedy != raw || !spoiled && !greedy {
				t.Fatalf("seed %d, partition %d: theorem %t, search %t, search without resolution %t: %s\n%s",
					seed, p, greedy, resolved, raw, checkObject(h, p), describe(h))
			}
			if greedy {
				legal++
			} else {
				illegal++
			}
		}
	}
	require.Greater(t, illegal, histories/10)
	require.Greater(t, legal, histories)
	t.Logf("%d legal, %d illegal", legal, illegal)
}

// TestTheoremAndSearchAgreeShrunk is the same with draws that rapid can shrink.
func TestTheoremAndSearchAgreeShrunk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "n") }
		h := generate(draw, 2+draw(10))
		for range draw(3) {
			spoil(draw, h)
		}
		for p := Store; p < h.Partitions; p++ {
			greedy, resolved, raw := verdicts(h, p)
			if greedy != resolved || greedy != raw {
				t.Fatalf("partition %d: theorem %t, search %t, without resolution %t: %s\n%s", p, greedy, resolved, raw, checkObject(h, p), describe(h))
			}
		}
	})
}
