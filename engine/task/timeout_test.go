package task

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
)

// The timer runs for what is left of the timeout since the trigger's stamp, by the task's
// clock: nothing if it is over, never longer than the timeout.
func TestTimeoutIsClamped(t *testing.T) {
	now := time.Hour
	for _, c := range []struct {
		name        string
		stamp, left time.Duration
	}{
		{"at the trigger", now, 100 * time.Millisecond},
		{"some time later", now - 30*time.Millisecond, 70 * time.Millisecond},
		{"over", now - 100*time.Millisecond, 0},
		{"long over, or the clock is far ahead", 0, 0},
		{"the clock is behind", now + 20*time.Millisecond, 100 * time.Millisecond},
		{"the clock is far behind", 20 * time.Hour, 100 * time.Millisecond},
	} {
		var out host.Outbox
		task, timer := &Task{}, timeout{}
		task.env.Now.Wall = int64(now)
		timer.start(task, 7, c.stamp.Milliseconds(), 100, &out)
		require.Len(t, out.Effects, 1)
		require.Equal(t, c.left, out.Effects[0].After, c.name)
		require.Equal(t, timer.token, out.Effects[0].Token)
		timer.start(task, 8, c.stamp.Milliseconds(), 100, &out)
		require.Equal(t, host.CancelTimer, out.Effects[1].Kind, "one at a time")
		require.EqualValues(t, 8, timer.checkpoint)
	}
}

// A barrier that is announced while the task restores is declined at once, not when it is
// taken.
func TestAnnouncedWhileRestoring(t *testing.T) {
	files, spec := checkpointed(t)
	b := started(same(), &ledger{}, spec, files)
	b.event(0, stream.Event{Kind: stream.Barrier, Checkpoint: 8, Time: 1, Timeout: 100})
	require.Equal(t, "decline 8: task not ready", last[Decline](t, b).String())
	sent := len(b.sent)
	b.allWork()
	for _, m := range b.sent[sent:] {
		_, again := m.(Decline)
		require.False(t, again, "it is declined once")
	}
}

// Half-way: the timer is due while one channel waits and the barrier of the other is behind
// data, which goes into the checkpoint; what is behind the barriers does not.
func TestTimeoutHalfway(t *testing.T) {
	b := started(same(), &ledger{}, Spec{ID: ID{Vertex: 1}}, disk{})
	b.allWork()
	mark := stream.Event{Kind: stream.Barrier, Checkpoint: 1, Time: time.Hour.Milliseconds(), Timeout: 100}
	b.event(0, mark)
	b.data(0, 0, "behind")
	actor := b.actor.(*Task)
	require.NotZero(t, actor.align.token)
	batch := texts.New(2)
	batch.Add("ahead", stream.NoTime)
	batch.Add("ahead", stream.NoTime)
	b.step(host.Input{Kind: host.FrameIn, Wire: 1, Frame: host.Frame{Data: true, Body: stream.AnyBatch(batch), Size: 1}})
	mark.Record = 2
	b.step(host.Input{Kind: host.FrameIn, Wire: 1, Frame: host.Frame{Body: mark, Size: 1}})
	b.step(host.Input{Kind: host.Timer, Token: actor.align.token})
	var kinds []host.EventKind
	for _, e := range b.events[len(b.events)-7:] {
		kinds = append(kinds, e.Kind)
	}
	require.Equal(t, []host.EventKind{
		host.BarrierAnnounced, host.AlignmentTimedOut, host.BarrierOut, host.SnapshotTaken, host.BarrierIn, host.ChannelUnblocked,
	}, kinds[1:])
	p := actor.snaps.pending[0]
	require.Empty(t, p.in[0])
	require.Len(t, p.in[1], 1)
	require.Equal(t, 2, p.in[1][0].Records())
}
