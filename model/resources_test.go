package model

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBuffers(t *testing.T) {
	good := Buffers{
		Credits: 4, Granted: 12, Room: 1, Received: 9, Restored: 2, Used: 11,
		Queued: 5, Written: 5, Pinned: 3, Released: 2, Writing: 1, States: 2, StatesReleased: 1, StatesWriting: 1,
	}
	for _, c := range []struct {
		name  string
		spoil func(b *Buffers)
		text  string // what is wrong when the task has finished
		ended bool   // and when it has only ended
	}{
		{"all given back", func(*Buffers) {}, "", false},
		{"a batch is gone", func(b *Buffers) { b.Received++ }, "T12: count/0 took 12 batches in, and 11 out, with 0 in its queues", true},
		{"a batch waits", func(b *Buffers) { b.Received++; b.Waiting++ }, "T12: count/0 has 1 batches in its input queues behind the end of its input", true},
		{"a credit is gone", func(b *Buffers) { b.Room-- }, "T12: count/0 has granted 12 credits and has 0 to grant, of 13", true},
		{"a credit too many", func(b *Buffers) { b.Granted++ }, "T12: count/0 has granted 13 credits and has 1 to grant, of 13", true},
		{"a batch without credit", func(b *Buffers) { b.Granted -= 4; b.Room += 4 }, "T12: count/0 received 9 batches for 8 credits", true},
		{"an output is gone", func(b *Buffers) { b.Written-- }, "T12: count/0 queued 5 batches and wrote 4, with 0 in its queues", true},
		{"an output waits", func(b *Buffers) { b.Written--; b.Unsent++ }, "T12: count/0 finished with 1 batches in its output queues", false},
		{"a batch stays pinned", func(b *Buffers) { b.Released-- }, "T12: count/0 finished with 1 pinned batches that no checkpoint needs", false},
		{"released too often", func(b *Buffers) { b.Released = 4 }, "T12: count/0 released 4 pinned batches of 3", true},
		{"a snapshot stays", func(b *Buffers) { b.StatesReleased-- }, "T12: count/0 finished with 1 snapshots of its state that no checkpoint needs", false},
		{"a snapshot released twice", func(b *Buffers) { b.StatesReleased = 3 }, "T12: count/0 released 3 snapshots of its state, and took 2", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := good
			c.spoil(&b)
			if c.text == "" {
				require.Empty(t, b.Check("count/0", true))
				return
			}
			require.Equal(t, []string{c.text}, b.Check("count/0", true))
			require.Equal(t, c.ended, b.Check("count/0", false) != nil)
		})
	}
}

func TestTransactions(t *testing.T) {
	begin := func(checkpoint uint64) *Transactions {
		x := &Transactions{}
		x.Deploying(older, 0)
		x.Running("sink/0", older)
		x.PreCommitted("sink/0", older, 1, "a")
		x.PreCommitted("sink/0", older, 2, "b")
		x.Deploying(current, checkpoint)
		return x
	}
	t.Run("all committed", func(t *testing.T) {
		x := begin(2)
		x.Committed("sink/0", "a")
		x.Committed("sink/0", "b")
		x.Committed("sink/0", "b") // again
		require.Empty(t, x.Running("sink/0", current))
		require.Empty(t, x.Finished())
	})
	t.Run("what no checkpoint owns is removed", func(t *testing.T) {
		x := begin(1)
		x.Committed("sink/0", "a")
		require.Empty(t, x.Running("sink/0", current))
		require.Empty(t, x.Finished())
	})
	t.Run("what a checkpoint owns is committed", func(t *testing.T) {
		require.Equal(t, []string{"sink/0 has recovered, but a of checkpoint 1 is not committed, which checkpoint 1 owns"}, begin(1).Running("sink/0", current))
	})
	t.Run("nothing is open at the end", func(t *testing.T) {
		x := begin(0)
		require.Empty(t, x.Running("sink/0", current))
		x.PreCommitted("sink/0", older, 3, "zombie's")
		x.PreCommitted("sink/0", current, 3, "c")
		require.Equal(t, []string{"sink/0 pre-committed c of checkpoint 3, which is neither committed nor removed"}, x.Finished())
	})
}
