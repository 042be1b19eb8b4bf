package task

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/must"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
)

func mapping(f func(v string) string) operator.Operator {
	return &operator.MapOperator[string, string]{F: f}
}

// Functions of this package count as the engine's; rapid's do not.
func TestUserPanicFailsTheTask(t *testing.T) {
	fails := func() string {
		b := running(t, mapping(func(v string) string {
			if v == "a!" {
				rapid.SampledFrom([]string{})
			}
			return v
		}), &ledger{})
		b.data(0, 0, "b", "a!", "c")
		s := last[Status](t, b)
		require.Equal(t, Failed, s.State)
		require.Equal(t, host.CauseUser, s.Cause)
		b.sent = nil
		b.data(1, 0, "d")
		b.barriers(1)
		b.message(NotifyComplete{Attempt: attempt, Checkpoint: 1})
		require.Empty(t, b.sent, "a failed task does nothing more")
		require.Empty(t, b.works)
		return s.Text
	}
	text := fails()
	require.True(t, strings.HasPrefix(text, "panic: "), text)
	require.Contains(t, text, "\n  pgregory.net/rapid.SampledFrom")
	require.Contains(t, text, "(*Task).Step (task.go:")
	require.NotContains(t, text, "0x")
	require.NotContains(t, text, "goroutine")
	require.Equal(t, text, fails())
}

func TestEnginePanicIsThrownOn(t *testing.T) {
	for name, f := range map[string]func(v string) string{
		"runtime":   func(v string) string { return v[len(v)+1:] },
		"violation": func(v string) string { must.That(v == "", "K9: %q", v); return v },
		"in std":    func(v string) string { return strings.Repeat(v, -len(v)) },
	} {
		b := running(t, mapping(f), &ledger{})
		b.sent = nil
		var thrown any
		func() {
			defer func() { thrown = recover() }()
			b.data(0, 0, "a")
		}()
		bug, ok := thrown.(*must.Bug)
		require.True(t, ok, "%s: %T", name, thrown)
		require.Contains(t, bug.Stack, "TestEnginePanicIsThrownOn", name)
		require.Empty(t, b.sent, name)
	}
}

func TestWhoseFunction(t *testing.T) {
	for function, want := range map[string][2]bool{ // in a module, the engine's
		"main.main.func1":                             {true, false},
		"myapp.f":                                     {true, false},
		"myapp/jobs.(*counter).Process":               {true, false},
		"example.com/shop/jobs.f[...]":                {true, false},
		"gopkg.in/yaml%2ev3.Marshal":                  {true, false},
		"strings.Repeat":                              {false, false},
		"encoding/json.(*encodeState).marshal":        {false, false},
		"slices.SortFunc[...]":                        {false, false},
		"runtime.panicIndex":                          {false, false},
		"github.com/weirstream/weir/engine.(*S).Get":  {true, true},
		"github.com/weirstream/weir/engine/channel.f": {true, true},
		"github.com/weirstream/weir/engineering.f":    {true, false},
		"github.com/weirstream/weir/jobs_test.job.f":  {true, false},
	} {
		require.Equal(t, want, [2]bool{inModule(function), ofEngine(function)}, function)
	}
}

// failing is an operator of the user's that returns an error.
type failing struct{ env *operator.Env }

func (o *failing) Open(env *operator.Env, _ string, _ int) error {
	o.env = env
	return nil
}

func (o *failing) Bind(any) any {
	return stream.Push[string](func(v string, _ int64) { o.env.Fail(errors.New("no such " + v)) })
}

func TestUserErrorFailsTheTask(t *testing.T) {
	b := running(t, &failing{}, &ledger{})
	b.data(0, 0, "a", "b")
	require.Equal(t, Status{attempt, ID{1, 0}, Failed, host.CauseUser, "no such a"}, last[Status](t, b))
}

func TestLostInput(t *testing.T) {
	b := running(t, same(), &ledger{})
	b.data(0, 0, "a")
	b.input(host.Input{Kind: host.WireDown, Wire: 0, Err: errors.New("connection reset")})
	s := last[Status](t, b)
	require.Equal(t, Status{attempt, ID{1, 0}, Failed, host.CauseLostPeer, "input channel 0 broke: connection reset"}, s)

	b = running(t, same(), &ledger{})
	b.event(1, stream.Event{Kind: stream.EndOfData})
	b.input(host.Input{Kind: host.WireDown, Wire: 1})
	require.Equal(t, "input channel 1 broke: closed by the other end", last[Status](t, b).Text, "end of data is not the end")

	b = running(t, same(), &ledger{})
	b.event(0, stream.Event{Kind: stream.Barrier, Checkpoint: 1})
	b.data(0, 0, "a") // waits behind the barrier
	b.event(0, stream.Event{Kind: stream.EndOfPartition})
	b.sent = nil
	b.input(host.Input{Kind: host.WireDown, Wire: 0})
	require.Empty(t, b.sent, "the end of the partition is in the queue")
}

// owned is the tokens in the sink's part of a snapshot.
func owned(t *testing.T, b *bench, a Ack) []string {
	t.Helper()
	var cs []connect.Committable
	ops := stored(t, b, a).Operators
	require.NoError(t, json.Unmarshal(ops[len(ops)-1].Data, &cs))
	return tokens(cs)
}

// A pre-commit belongs to its checkpoint or, if that is given up, to the next one
// that completes; nothing is committed before that is known (T3).
func TestPreCommitsOfAbortedCheckpoints(t *testing.T) {
	for _, when := range []string{"before its pre-commit", "after its pre-commit", "after its ack"} {
		t.Run(when, func(t *testing.T) {
			l := &ledger{}
			b := running(t, same(), l)
			l.log = nil
			b.data(0, 0, "a")
			b.barriers(1)
			switch when {
			case "after its pre-commit":
				b.work()
			case "after its ack":
				b.allWork()
				require.Equal(t, []string{"t1"}, owned(t, b, last[Ack](t, b)))
			}
			b.message(NotifyAborted{Attempt: attempt, Checkpoint: 1})
			b.barriers(2)
			b.allWork()
			ack := last[Ack](t, b)
			require.EqualValues(t, 2, ack.Checkpoint)
			require.Equal(t, []string{"t1", "t2"}, owned(t, b, ack))
			require.Empty(t, l.log)
			b.message(NotifyComplete{Attempt: attempt, Checkpoint: 2})
			b.allWork()
			require.Equal(t, []string{"commit [t1 t2]"}, l.log)
			b.barriers(3)
			b.allWork()
			require.Equal(t, []string{"t3"}, owned(t, b, last[Ack](t, b)), "what is committed is owned no longer")
		})
	}
}

func TestCommitsUpToWhatIsComplete(t *testing.T) {
	l := &ledger{}
	b := running(t, same(), l)
	l.log = nil
	b.barriers(1)
	b.allWork()
	b.barriers(2)
	b.allWork()
	require.Empty(t, l.log)
	b.message(NotifyComplete{Attempt: attempt, Checkpoint: 1})
	require.Equal(t, []string{"commit [t1]"}, l.log)
	b.message(NotifyComplete{Attempt: attempt, Checkpoint: 2})
	require.Len(t, l.log, 1, "one commit at a time")
	b.barriers(3) // owns what is being committed, too: the attempt may end before that
	require.Len(t, b.works, 2)
	b.work()
	require.Equal(t, []string{"commit [t1]", "commit [t2]"}, l.log)
	b.message(NotifyComplete{Attempt: attempt, Checkpoint: 1})
	b.message(NotifyComplete{Attempt: attempt, Checkpoint: 2})
	b.allWork()
	require.Len(t, l.log, 2, "once is enough")
	require.Equal(t, []string{"t2", "t3"}, owned(t, b, last[Ack](t, b)))
}

// A task whose input has ended waits for a checkpoint taken after that (T4), and
// for its commits.
func TestTaskFinishes(t *testing.T) {
	l := &ledger{}
	b := running(t, same(), l)
	b.barriers(1)
	b.allWork()
	b.event(0, stream.Event{Kind: stream.EndOfData})
	require.IsType(t, Ack{}, b.sent[len(b.sent)-1], "one channel is left")
	b.event(1, stream.Event{Kind: stream.EndOfData})
	require.Equal(t, Ended, last[Status](t, b).State)
	b.message(NotifyComplete{Attempt: attempt, Checkpoint: 1})
	b.allWork()
	require.Empty(t, b.others)
	b.barriers(2)
	b.allWork()
	require.True(t, last[Ack](t, b).Task.Ended)
	b.message(NotifyComplete{Attempt: attempt, Checkpoint: 2, Final: true})
	require.Empty(t, b.others, "the commit is under way")
	b.allWork()
	require.Equal(t, Finished, last[Status](t, b).State)
	require.Equal(t, []string{"exit"}, b.others)
}

// checkpointed is a task's file with some state, and the spec to restore it.
func checkpointed(t *testing.T) (disk, Spec) {
	t.Helper()
	b := running(t, same(), &ledger{})
	b.data(0, 0, "a1", "b1", "a2")
	b.barriers(7)
	b.allWork()
	a := last[Ack](t, b)
	return b.files, Spec{Checkpoint: 7, Dir: "chk/chk-7", Restore: a.Task}
}

func TestRestore(t *testing.T) {
	files, spec := checkpointed(t)
	l := &ledger{}
	b := started(same(), l, spec, files)
	require.Len(t, b.works, 1)
	b.work()
	require.Equal(t, []string{"recover [t7]"}, l.log, "what is restored is committed before anything else")
	require.Empty(t, b.sent)
	b.work()
	require.Equal(t, Running, last[Status](t, b).State)
	b.data(0, 3, "a3")
	require.Equal(t, []string{"a123"}, l.written)
	b.sent = nil
	b.barriers(7)
	require.Empty(t, b.works, "an old barrier")
}

func TestRestoreFails(t *testing.T) {
	_, spec := checkpointed(t)
	file := "chk/chk-7/" + spec.Restore.File
	for name, c := range map[string]struct {
		damage func(d disk, s *snapshot.TaskState) (changed bool)
		want   string
	}{
		"gone":    {func(d disk, _ *snapshot.TaskState) bool { delete(d, file); return false }, file},
		"flipped": {func(d disk, _ *snapshot.TaskState) bool { d[file][30] ^= 1; return false }, file + ": corrupt: checksum"},
		"state":   {func(_ disk, s *snapshot.TaskState) bool { s.Operators[0].Data = []byte{9}; return true }, `restore count/0 from chk/chk-7: state of "count": `},
		"sink":    {func(_ disk, s *snapshot.TaskState) bool { s.Operators[2].Data = []byte("["); return true }, `restore count/0 from chk/chk-7: state of "sink": `},
		"uid":     {func(_ disk, s *snapshot.TaskState) bool { s.Operators[1].UID = "pam"; return true }, `operator "pam" in the snapshot, "map" in the chain`},
		"chain":   {func(_ disk, s *snapshot.TaskState) bool { s.Operators = s.Operators[1:]; return true }, `2 operators in the snapshot, 3 in the chain`},
		"channel": {func(_ disk, s *snapshot.TaskState) bool { s.In[1].InFlight = []byte{1, 2}; return true }, `input channel 1: `},
		"inputs":  {func(_ disk, s *snapshot.TaskState) bool { s.In = s.In[1:]; return true }, `1 input channels and 0 outputs in the snapshot, 2 and 0 in the job`},
	} {
		t.Run(name, func(t *testing.T) {
			files, spec := checkpointed(t)
			s, err := snapshot.ReadTask(files, spec.Dir, spec.Restore)
			require.NoError(t, err)
			if c.damage(files, s) {
				spec.Restore.Size, spec.Restore.Sum, err = snapshot.WriteTask(files, spec.Dir, spec.Restore.File, s)
				require.NoError(t, err)
			}
			b := started(same(), &ledger{}, spec, files)
			b.allWork()
			status := last[Status](t, b)
			require.Equal(t, Failed, status.State)
			require.Equal(t, host.CauseCorrupt, status.Cause)
			require.Contains(t, status.Text, c.want)
		})
	}
}

// A file that is being written when the task fails may still be read from the
// snapshot: it is whole.
func TestSnapshotOutlivesTheTask(t *testing.T) {
	b := running(t, same(), &ledger{})
	b.data(0, 0, "a1")
	b.barriers(1)
	b.work() // the pre-commit
	require.Len(t, b.works, 1)
	b.input(host.Input{Kind: host.WireDown, Wire: 0})
	require.Equal(t, Failed, last[Status](t, b).State)
	body, err := b.works[0].Work(b)
	require.NoError(t, err)
	s, err := snapshot.ReadTask(b.files, "chk/chk-1", body.(snapshot.Task))
	require.NoError(t, err)
	require.Contains(t, string(s.Operators[0].Data), "a1")
}

// While it restores a task declines; it says so downstream and to the coordinator.
func TestDeclineWhileRestoring(t *testing.T) {
	files, spec := checkpointed(t)
	b := started(same(), &ledger{}, spec, files)
	b.event(0, stream.Event{Kind: stream.Barrier, Checkpoint: 8, Unaligned: true})
	d := last[Decline](t, b)
	require.EqualValues(t, 8, d.Checkpoint)
	require.Equal(t, "decline 8: task not ready", d.String())
}
