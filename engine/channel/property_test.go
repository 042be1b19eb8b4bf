package channel_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// actions are what may happen to a world next, the more frequent ones repeated;
// one that can't happen now is passed over.
var actions = []string{
	"push", "push", "push", "drain", "drain", "drain", "deliver", "deliver", "deliver", "deliver",
	"take", "take", "take", "credit", "credit", "flush", "up", "trigger", "watermark", "cancel", "restore", "due",
}

func (w *world) act(t *rapid.T) {
	ch := rapid.IntRange(0, len(w.lines)-1).Draw(t, "channel")
	n := rapid.IntRange(1, 8).Draw(t, "n")
	switch rapid.SampledFrom(actions).Draw(t, "action") {
	case "push":
		for range n {
			w.push(ch)
		}
	case "flush":
		w.part.Flush()
	case "drain":
		w.drain()
	case "up":
		w.up(ch)
	case "deliver":
		w.deliver(ch)
	case "credit":
		w.credit(ch)
	case "take":
		w.take(n)
	case "trigger":
		w.trigger()
	case "watermark":
		w.watermark()
	case "due":
		w.due(n%2 == 0)
	case "cancel":
		if n == 1 {
			w.cancel(rapid.Bool().Draw(t, "ahead"))
		}
	case "restore":
		if n <= 2 && len(w.complete) > 0 {
			w.restore(rapid.SampledFrom(w.complete).Draw(t, "checkpoint"))
		}
	}
}

// Records arrive in order and once, whatever the order in which both ends and the
// wire get their turns, across checkpoints and restores.
func TestExchange(t *testing.T) {
	overtaken, restores, complete, converted, late := 0, 0, 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(0, 150).Draw(t, "steps") {
			w.act(t)
		}
		w.settle()
		for range 20 { // credits are all back
			for ch := range w.lines {
				w.push(ch)
			}
			w.settle()
		}
		for _, id := range w.complete { // what a checkpoint reads was not reused
			w.check(w.cuts[id])
		}
		if len(w.complete) > 0 {
			w.restore(w.complete[0])
			w.settle()
		}
		overtaken, restores, complete = overtaken+w.overtaken, restores+w.restores, complete+len(w.complete)
		converted, late = converted+w.converted, late+w.late
	})
	t.Logf("%d checkpoints with %d records in flight, %d restores", complete, overtaken, restores)
	require.Positive(t, overtaken)
	require.Positive(t, restores)
	require.Positive(t, converted)
	require.Positive(t, late)
}
