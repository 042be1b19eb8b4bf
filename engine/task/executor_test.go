package task

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
)

func worker() *bench {
	b := &bench{}
	b.actor = NewExecutor(func() (*graph.Graph, error) { return job(same(), &ledger{}), nil }, settings())(b)
	b.input(host.Input{Kind: host.Start})
	return b
}

// take is what has happened since it was last called.
func (b *bench) take() (sent []any, others []string) {
	sent, others = b.sent, b.others
	b.sent, b.others = nil, nil
	return sent, others
}

func requireNothing(t *testing.T, b *bench) {
	t.Helper()
	sent, others := b.take()
	require.Empty(t, sent)
	require.Empty(t, others)
}

func deployment(a stream.Attempt) Deploy {
	return Deploy{Attempt: a, Tasks: []Spec{{ID: ID{0, 1}}, {ID: ID{1, 0}}}, Nodes: [][]string{{"tm2", "tm1"}, {"tm1"}}}
}

func TestExecutorDeploys(t *testing.T) {
	b := worker()
	beat := last[Heartbeat](t, b)
	require.Equal(t, "tm1", beat.Worker)
	require.Empty(t, beat.Tasks)
	require.Equal(t, 2, beat.Slots)
	b.take()

	b.message(deployment(attempt))
	require.Len(t, last[Heartbeat](t, b).Tasks, 2)
	_, others := b.take()
	require.Equal(t, []string{"spawn task-0-1@1.2", "spawn task-1-0@1.2"}, others)

	b.message(deployment(attempt)) // repeated
	b.message(deployment(stream.Attempt{Epoch: 1, Number: 1}))
	b.message(deployment(stream.Attempt{Epoch: 0, Number: 9}))
	requireNothing(t, b)

	b.message(deployment(stream.Attempt{Epoch: 2, Number: 1}))
	_, others = b.take()
	require.Equal(t, []string{
		"stop task-0-1@1.2", "stop task-1-0@1.2", "spawn task-0-1@2.1", "spawn task-1-0@2.1",
	}, others)
}

func TestExecutorDropsWhatIsStale(t *testing.T) {
	b := worker()
	b.message(deployment(attempt))
	b.take()
	current := []any{
		Trigger{Attempt: attempt, Checkpoint: 1}, NotifyComplete{Attempt: attempt, Checkpoint: 1}, NotifyAborted{Attempt: attempt, Checkpoint: 1},
	}
	for _, m := range current {
		b.message(m)
		sent, _ := b.take()
		require.Equal(t, []any{m, m}, sent, "to both tasks")
	}
	for _, a := range []stream.Attempt{{Epoch: 1, Number: 1}, {Epoch: 1, Number: 3}, {Epoch: 2, Number: 2}} {
		b.events = nil
		b.message(Trigger{Attempt: a, Checkpoint: 1})
		b.message(NotifyComplete{Attempt: a, Checkpoint: 1})
		b.message(NotifyAborted{Attempt: a, Checkpoint: 1})
		requireNothing(t, b)
		require.Len(t, b.events, 3)
		for _, e := range b.events {
			require.Equal(t, host.MessageDropped, e.Kind)
			require.Contains(t, e.Text, "stale attempt")
		}
	}
}

func TestExecutorReportsAndStops(t *testing.T) {
	b := worker()
	b.message(deployment(attempt))
	b.take()
	b.message(Status{Attempt: attempt, ID: ID{1, 0}, State: Failed, Cause: host.CauseUser, Text: "oops"})
	require.Equal(t, "oops", last[Heartbeat](t, b).Tasks[1].Text)
	b.take()
	b.message(Status{Attempt: stream.Attempt{Epoch: 1, Number: 1}, ID: ID{1, 0}, State: Failed})
	b.message(Welcome{Epoch: 1})
	b.message(Welcome{Epoch: 0})
	b.message(Cancel{Attempt: stream.Attempt{Epoch: 1, Number: 1}})
	requireNothing(t, b)

	for _, m := range []any{Welcome{Epoch: 2}, Cancel{Attempt: attempt}, Cancel{Attempt: stream.Attempt{Epoch: 2, Number: 1}}} {
		b := worker()
		b.message(deployment(attempt))
		b.take()
		b.message(m)
		_, others := b.take()
		require.Equal(t, []string{"stop task-0-1@1.2", "stop task-1-0@1.2"}, others)
		b.message(Trigger{Attempt: attempt, Checkpoint: 1})
		requireNothing(t, b)
	}
}

// What a worker first hears of a leader it reports, before it stops anything.
func TestExecutorReportsLeaders(t *testing.T) {
	b := worker()
	heard := func(m any) (epochs []uint32) {
		b.events = nil
		b.message(m)
		for _, e := range b.events {
			if e.Kind == host.LeaderHeard {
				require.Equal(t, "tm1", e.Subject)
				epochs = append(epochs, e.Epoch)
			}
		}
		return epochs
	}
	require.Equal(t, []uint32{1}, heard(Welcome{Epoch: 1}))
	require.Empty(t, heard(Welcome{Epoch: 1}))
	require.Empty(t, heard(deployment(attempt)))
	require.Equal(t, []uint32{2}, heard(Cancel{Attempt: stream.Attempt{Epoch: 2, Number: 1}}))
	require.Empty(t, heard(Cancel{Attempt: attempt}))
	require.Empty(t, heard(Trigger{Attempt: stream.Attempt{Epoch: 3, Number: 1}}), "what is for tasks fences nothing")
	require.Equal(t, []uint32{3}, heard(deployment(stream.Attempt{Epoch: 3, Number: 1})))
}

// A description of the job that fails on a worker fails the task, not the worker.
func TestJobDescriptionFails(t *testing.T) {
	b := &bench{}
	x := NewExecutor(func() (*graph.Graph, error) { return nil, &graph.InvalidError{Text: "it has no source"} }, settings())(b).(*Executor)
	b.actor = x.factory(deployment(attempt), Spec{ID: ID{1, 0}})(b)
	b.input(host.Input{Kind: host.Start})
	s := last[Status](t, b)
	require.Equal(t, Status{attempt, ID{1, 0}, Failed, host.CauseUser, "job description: invalid job: it has no source"}, s)
}

// A process that the JobManager takes for one that is gone ends what it runs and registers
// as another; what was said to an earlier one is not for it.
func TestExecutorRegistersAnew(t *testing.T) {
	b := worker()
	b.message(deployment(attempt))
	sent, _ := b.take()
	first := sent[len(sent)-1].(Heartbeat)
	b.message(Disconnect{Incarnation: first.Incarnation + 1})
	requireNothing(t, b)
	b.message(Disconnect{Incarnation: first.Incarnation})
	sent, others := b.take()
	require.Equal(t, []string{"stop task-0-1@1.2", "stop task-1-0@1.2"}, others)
	require.Len(t, sent, 1)
	second := sent[0].(Heartbeat)
	require.NotEqual(t, first.Incarnation, second.Incarnation)
	require.Empty(t, second.Tasks)
	require.Equal(t, "tm1", second.Worker)
	b.message(Disconnect{Incarnation: first.Incarnation})
	requireNothing(t, b)
	require.Equal(t, fmt.Sprintf("disconnect process %d", first.Incarnation), Disconnect{first.Incarnation}.String())
}
