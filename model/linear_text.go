package model

import (
	"fmt"
	"strings"
)

// explain says why there is no order.
func (b *builder) explain(c *conflict) string {
	var path []*Op
	for _, n := range c.path {
		if b.ops[n] != nil {
			path = append(path, b.ops[n])
		}
	}
	subject := "the checkpoint store"
	if b.partition != Store {
		subject = fmt.Sprintf("partition %d", b.partition)
	}
	if c.cycle {
		text := fmt.Sprintf("no order is left: %s, which must be before the first", steps(path))
		if x, y := wentBack(path); x != nil {
			text = b.inWords(x, y) + "\n" + text
		}
		return fmt.Sprintf("%s: %s", subject, text)
	}
	x, y := path[0], path[len(path)-1]
	text := fmt.Sprintf("%s: %s", subject, b.inWords(x, y))
	if len(path) > 2 {
		text += "\n" + steps(path)
	}
	return text
}

// wentBack finds a read that shows less than an earlier one did.
func wentBack(path []*Op) (later, earlier *Op) {
	for _, x := range path {
		for _, y := range path {
			if x.Kind != y.Kind || y.Return >= x.Call {
				continue
			}
			less := x.Kind == ReadStore && (x.Checkpoint < y.Checkpoint || x.Attempt.Epoch < y.Attempt.Epoch)
			for _, s := range y.Seen {
				less = less || !x.has(s.Token)
			}
			if less {
				return x, y
			}
		}
	}
	return nil, nil
}

// steps are operations that must be in this order.
func steps(path []*Op) string {
	parts := make([]string, len(path))
	for i, op := range path {
		parts[i] = fmt.Sprintf("%s (%s)", op, op.when())
	}
	return strings.Join(parts, ", then ")
}

// inWords says what it means that x had to come before y, but was called when y had
// returned.
func (b *builder) inWords(x, y *Op) string {
	switch {
	case x.Kind == ReadOutput && y.Kind == ReadOutput:
		return fmt.Sprintf("it took back what was committed: an observer saw %s (%s), and later no more (%s)",
			b.difference(y, x), y.when(), x.when())
	case x.Kind == ReadOutput && y.Kind == Commit && b.seenBefore(y, x) != nil:
		r := b.seenBefore(y, x)
		return fmt.Sprintf("it took back what was committed: an observer saw %s (%s), and later no more (%s)", y.Token, r.when(), x.when())
	case x.Kind == ReadOutput && y.Kind == Commit && b.commits[b.byToken[y.Token]].old:
		return fmt.Sprintf("%s was there at the beginning, but an observer did not see it (%s)", y.Token, x.when())
	case x.Kind == ReadOutput && y.Kind == Commit && y.Return == Never:
		return fmt.Sprintf("output is lost: %s is owned by checkpoint %d, which is complete, but at the end an observer did not see it (%s)",
			y.Token, b.commits[b.byToken[y.Token]].batch(), x.when())
	case x.Kind == ReadOutput && y.Kind == Commit:
		return fmt.Sprintf("%s was committed (%s), but later an observer did not see it (%s)", y.Token, y.when(), x.when())
	case x.Kind == ReadStore && y.Kind == ReadOutput:
		return fmt.Sprintf("uncommitted output was visible: an observer saw %s (%s), and later (%s) that no checkpoint that owns it was complete: the latest was %d",
			b.newest(y), y.when(), x.when(), x.Checkpoint)
	case (x.Kind == Complete || x.Kind == Commit) && y.Kind == ReadOutput:
		return fmt.Sprintf("uncommitted output was visible: an observer saw %s (%s), which needs %q (%s)", b.newest(y), y.when(), x, x.when())
	case x.Kind == ReadStore && y.Kind == ReadStore:
		return fmt.Sprintf("it went back: an observer saw checkpoint %d and epoch %d (%s), and later checkpoint %d and epoch %d (%s)",
			y.Checkpoint, y.Attempt.Epoch, y.when(), x.Checkpoint, x.Attempt.Epoch, x.when())
	case x.Kind == ReadStore && y.Kind == Acquire:
		return fmt.Sprintf("epoch %d was acquired (%s), but later an observer saw epoch %d (%s)", y.Attempt.Epoch, y.when(), x.Attempt.Epoch, x.when())
	case x.Kind == ReadStore && (y.Kind == Complete || y.Kind == Restore):
		return fmt.Sprintf("%s had ended (%s), but later an observer saw checkpoint %d as the latest (%s)", quoted(y), y.when(), x.Checkpoint, x.when())
	case x.Kind == Restore:
		return fmt.Sprintf("a stale restore: %s (%s), though %s had ended before (%s)", x, x.when(), quoted(y), y.when())
	}
	return fmt.Sprintf("%s must come before %s, but began (%s) when that had ended (%s)", quoted(x), quoted(y), x.when(), y.when())
}

func quoted(op *Op) string { return fmt.Sprintf("%q", op.String()) }

// difference is a token that one read shows and the other does not.
func (b *builder) difference(more, less *Op) string {
	for _, s := range more.Seen {
		if !less.has(s.Token) {
			return s.Token
		}
	}
	return b.newest(more)
}

// seenBefore is a read that showed a commit and had returned before another began.
func (b *builder) seenBefore(c, later *Op) *Op {
	for _, r := range b.outputs {
		if r.Return < later.Call && r.has(c.Token) {
			return r
		}
	}
	return nil
}

// newest is the token of the newest commit that a read shows.
func (b *builder) newest(r *Op) string {
	last := 0
	for _, s := range r.Seen {
		last = max(last, b.byToken[s.Token])
	}
	return b.commits[last].Token
}
