package model

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/stream"
)

// The tasks of the job in these tests: two sources and what they feed.
const (
	left = iota
	right
	both
)

var (
	older   = stream.Attempt{Epoch: 1, Number: 1}
	current = stream.Attempt{Epoch: 1, Number: 2}
)

func protocolJob() ProtocolPlan {
	return ProtocolPlan{
		Tasks:    []ProtocolTask{{Name: "left/0", Source: true, Out: []int{0}}, {Name: "right/0", Source: true, Out: []int{1}}, {Name: "both/0", In: []int{0, 1}}},
		Channels: []string{"left->both 0->0", "right->both 0->0"},
		Interval: 100 * time.Millisecond, Timeout: time.Second, Slack: 10 * time.Millisecond, Word: 10 * time.Millisecond,
	}
}

// tell is an event that a monitor is told of.
type tell = func(p *Protocol) []string

func quiet(f func(p *Protocol)) tell { return func(p *Protocol) []string { f(p); return nil } }

func at(ms int) tell {
	return func(p *Protocol) []string { return p.At(time.Duration(ms) * time.Millisecond) }
}

func deploy(a stream.Attempt, id uint64) tell {
	return func(p *Protocol) []string { return p.Deploying(a, id) }
}

func runs(task int) tell { return quiet(func(p *Protocol) { p.Running(task, current) }) }

func trigger(id uint64) tell { return func(p *Protocol) []string { return p.Triggered(id, 0) } }

func stands(records ...uint64) (s []Stand) {
	for _, r := range records {
		s = append(s, Stand{Record: r})
	}
	return s
}

func out(task int, id, sent uint64) tell {
	return func(p *Protocol) []string { return p.BarrierOut(task, current, id, false, 0, stands(sent)) }
}

func outPast(task int, id uint64, s Stand) tell {
	return func(p *Protocol) []string { return p.BarrierOut(task, current, id, true, 0, []Stand{s}) }
}

func in(ch int, id, taken uint64) tell {
	return func(p *Protocol) []string { return p.BarrierIn(both, current, ch, id, taken, taken, false) }
}

func inPast(ch int, id, taken, arrived uint64) tell {
	return func(p *Protocol) []string { return p.BarrierIn(both, current, ch, id, taken, arrived, false) }
}

func taken(id uint64, records ...uint64) tell {
	return func(p *Protocol) []string {
		return p.SnapshotTaken(both, current, id, false, 0, stands(records...), nil)
	}
}

func stored(task int, id uint64, in, out []Stand) tell {
	return func(p *Protocol) []string { return p.SnapshotStored(task, current, id, true, in, out) }
}

func acked(task int, id uint64) tell {
	return func(p *Protocol) []string { return p.AckCounted(task, current, id) }
}

func completed(id uint64) tell { return func(p *Protocol) []string { return p.Completed(id, true) } }

func aborted(id uint64) tell { return func(p *Protocol) []string { return p.Aborted(id, false) } }

// source is a source's part of a checkpoint, from barrier to ack.
func source(task int, id, sent uint64) []tell {
	return []tell{
		out(task, id, sent),
		func(p *Protocol) []string {
			return p.SnapshotTaken(task, current, id, false, 0, nil, stands(sent))
		},
		stored(task, id, nil, stands(sent)), acked(task, id),
	}
}

func story(parts ...any) (all []tell) {
	for _, p := range parts {
		switch p := p.(type) {
		case tell:
			all = append(all, p)
		case []tell:
			all = append(all, p...)
		}
	}
	return all
}

// up is a job that runs, at 100 ms.
func up() []tell {
	return story(deploy(older, 0), deploy(current, 0), runs(left), runs(right), runs(both), at(100))
}

// aligned is up with checkpoint 1 through the sources and its barriers taken.
func aligned() []tell {
	return story(up(), trigger(1), source(left, 1, 10), source(right, 1, 20), in(0, 1, 10), in(1, 1, 20))
}

// sealed is aligned with all acknowledgements.
func sealed() []tell {
	return story(aligned(), sent(both, 1), taken(1, 10, 20), stored(both, 1, stands(10, 20), nil), acked(both, 1),
		quiet(func(p *Protocol) { p.Sealing(1) }))
}

// sent is a barrier of a task without outputs.
func sent(task int, id uint64) tell {
	return func(p *Protocol) []string { return p.BarrierOut(task, current, id, false, 0, nil) }
}

// overtaking is up with checkpoint 1 past 3 records of left's queue, and 2 that wait.
func overtaking() []tell {
	return story(up(), trigger(1), outPast(left, 1, Stand{10, 7, 3}), outPast(right, 1, Stand{20, 0, 0}),
		inPast(0, 1, 5, 7),
		func(p *Protocol) []string { return p.BarrierOut(both, current, 1, true, 0, nil) },
		func(p *Protocol) []string {
			return p.SnapshotTaken(both, current, 1, true, 0, stands(5, 20), nil)
		}, inPast(1, 1, 20, 20))
}

func TestProtocolRules(t *testing.T) {
	for _, c := range []struct {
		name  string
		story []tell
		text  string // of the last event; empty if nothing is wrong
	}{
		{"a checkpoint", story(sealed(), completed(1), notified(left, 1), notified(right, 1), notified(both, 1), at(150)), ""},
		{"a checkpoint that overtakes", story(overtaking(), stored(both, 1, []Stand{{5, 5, 2}, {20, 0, 0}}, nil)), ""},
		{"an older attempt says what it likes", story(up(), func(p *Protocol) []string { return p.BarrierOut(left, older, 9, false, 0, stands(0)) }), ""},

		{"T1 same barrier again", story(aligned(), in(0, 1, 10)), "T1: both/0 took barrier 1 from left->both 0->0 after barrier 1"},
		{"T1 barrier from nowhere", story(up(), trigger(1), in(0, 1, 0)), "T1: both/0 took barrier 1 from left->both 0->0, on which it was not sent"},
		{"T1 sent again", story(aligned(), out(left, 1, 10)), "T1: left/0 sent barrier 1 after barrier 1"},
		{"T1 barrier behind its marker", story(up(), trigger(1), cancelOut(left, 1), out(left, 1, 0)), "T1: left/0 sent barrier 1 after cancel marker 1"},
		{"T1 id used again", story(up(), trigger(1), aborted(1), at(200), trigger(1)), "T1: checkpoint 1 was triggered after checkpoint 1"},
		{"T1 behind the end", story(up(), trigger(1), out(left, 1, 0), quiet(func(p *Protocol) { p.ChannelEnded(both, current, 0) }), in(0, 1, 0)), "T1: both/0 took barrier 1 from left->both 0->0 behind its end"},
		{"T1 an id passed over", story(up(), trigger(1), aborted(1), at(200), trigger(3), out(left, 3, 0), in(0, 3, 0)), ""},

		{"T2 taken behind the barrier", story(aligned(), sent(both, 1), taken(1, 12, 20)), "T2: both/0 had taken 12 records from left->both 0->0 at snapshot 1, and 10 at its barrier"},
		{"T2 taken while blocked", story(aligned(), unblocked(0, 1, 13)), "T2: both/0 took 3 records from left->both 0->0 behind barrier 1 before its alignment was over"},
		{"T2 not blocked too long", story(aligned(), unblocked(0, 1, 10)), ""},
		{"T2 barrier ahead of a record", story(up(), trigger(1), out(left, 1, 10), in(0, 1, 9)), "T2: both/0 took barrier 1 from left->both 0->0 when 9 records had been taken, but 10 were sent ahead of it"},
		{"T2 at least once", story(leastOnce, aligned(), sent(both, 1), taken(1, 12, 20)), ""},
		{"T2 at least once, less", story(leastOnce, aligned(), sent(both, 1), taken(1, 9, 20)), "T2: both/0 had taken 9 records from left->both 0->0 at snapshot 1, and 10 at its barrier"},

		{"T3 a record", story(up(), trigger(1), out(left, 1, 10), func(p *Protocol) []string {
			return p.SnapshotTaken(left, current, 1, false, 0, nil, stands(11))
		}), "T3: left/0 emitted 1 records into left->both 0->0 between barrier 1 and its snapshot"},
		{"T3 a watermark", story(up(), trigger(1), out(left, 1, 10), func(p *Protocol) []string {
			return p.SnapshotTaken(left, current, 1, false, 1, nil, stands(10))
		}), "T3: left/0 sent 1 events between barrier 1 and its snapshot"},
		{"T3 no barrier", story(aligned(), taken(1, 10, 20)), "T3: both/0 took snapshot 1, but the last barrier it sent is 0"},

		{"T4 not triggered", story(up(), out(left, 1, 0)), "T4: left/0 sent barrier 1, which nobody has triggered"},
		{"T4 not received", story(up(), trigger(1), sent(both, 1)), "T4: both/0 sent barrier 1, which it has not received"},
		{"T4 one barrier missing", story(up(), trigger(1), out(left, 1, 10), in(0, 1, 10), sent(both, 1), taken(1, 10, 0)), "T4: both/0 took snapshot 1 without a barrier from right->both 0->0"},
		{"T4 at least once, a channel is ahead", story(leastOnce, aligned(), at(200), aborted(1), trigger(2), source(left, 2, 30), in(0, 2, 30), sent(both, 1), taken(1, 30, 20)), ""},
		{"T4 one channel ended", story(up(), trigger(1), out(left, 1, 10), in(0, 1, 10), quiet(func(p *Protocol) { p.ChannelEnded(both, current, 1) }), sent(both, 1), taken(1, 10, 0)), ""},
		{"T4 no snapshot", story(aligned(), stored(both, 1, stands(10, 20), nil)), "T4: both/0 stored checkpoint 1, of which it has taken no snapshot"},
		{"T4 not durable", story(up(), trigger(1), out(left, 1, 0), func(p *Protocol) []string {
			return p.SnapshotTaken(left, current, 1, false, 0, nil, stands(0))
		}, func(p *Protocol) []string {
			return p.SnapshotStored(left, current, 1, false, nil, stands(0))
		}), "T4: left/0 stored checkpoint 1, but its file is not durable"},
		{"T4 not stored", story(aligned(), sent(both, 1), taken(1, 10, 20), acked(both, 1)), "T4: both/0 acknowledged checkpoint 1 before it had stored it"},
		{"T4 pre-commit too late", story(sealed(), func(p *Protocol) []string { return p.PreCommitted(both, current, 1, "part") }), "T4: both/0 pre-committed part of checkpoint 1 after it had stored checkpoint 1"},

		{"T5 lost at the consumer", story(overtaking(), stored(both, 1, []Stand{{5, 6, 1}, {20, 0, 0}}, nil)), "T5: both/0 stored 1 records from 6 on of left->both 0->0 in checkpoint 1; ahead of the barrier and not taken were 2 from 5 on"},
		{"T5 lost at the producer", story(up(), trigger(1), outPast(left, 1, Stand{10, 7, 2})), "T5: left/0 stored 2 records from 7 on of left->both 0->0, of which it has sent 10"},
		{"T5 lost on the way to the file", story(up(), trigger(1), outPast(left, 1, Stand{10, 7, 3}), func(p *Protocol) []string {
			return p.SnapshotTaken(left, current, 1, true, 0, nil, stands(10))
		}, stored(left, 1, nil, stands(10))), "T5: left/0 stored of left->both 0->0 in checkpoint 1: record 10; at its barrier: record 10 with 3 in flight from 7 on"},
		{"T5 lost on the wire", story(up(), trigger(1), outPast(left, 1, Stand{10, 7, 3}), inPast(0, 1, 5, 6)), "T5: both/0 took barrier 1 from left->both 0->0 when 6 records had arrived, but 7 were sent ahead of it"},

		{"T6 no ack", story(aligned(), completed(1)), "T6: checkpoint 1 completed without an ack of both/0"},
		{"T6 not durable", story(sealed(), func(p *Protocol) []string { return p.Completed(1, false) }), "T6: checkpoint 1 completed, but its metadata is not durable"},
		{"T6 given up", story(sealed(), aborted(1), completed(1)), "T6: checkpoint 1 completed, which is not under way"},

		{"T7 told too early", story(sealed(), notified(both, 1)), "T7: both/0 was told that checkpoint 1 is complete, which it is not"},
		{"T7 told", story(sealed(), completed(1), notified(both, 1)), ""},
		{"T7 told late", story(sealed(), completed(1), notified(left, 1), notified(right, 1), notified(both, 1), at(111)), ""},
		{"T7 not told", story(sealed(), completed(1), notified(left, 1), notified(right, 1), at(111)), "T7: checkpoint 1 is complete, but both/0 was not told, 11ms later"},
		{"T7 given up when complete", story(sealed(), completed(1), aborted(1)), "T7: checkpoint 1 was given up after it had completed"},
		{"T7 commit too early", story(sealed(), func(p *Protocol) []string { return p.Committed(both, "part", 1) }), "T7: both/0 committed part of checkpoint 1, which is not complete; the latest that is: 0"},

		{"T8 told", story(aligned(), aborted(1), toldOf(both, 1), at(111)), ""},
		{"T8 told of a later one", story(aligned(), aborted(1), toldOf(both, 2), at(111)), ""},
		{"T8 declined", story(aligned(), aborted(1), declined(both, 1), at(111)), ""},
		{"T8 not yet told", story(aligned(), aborted(1), at(110)), ""},
		{"T8 not told", story(aligned(), aborted(1), at(111)), "T8: checkpoint 1 is over, but both/0 has neither stored nor declined it and does not know, 11ms later"},
		{"T8 not told, but all will end", story(aligned(), aborted(1), quiet((*Protocol).Disturbed), at(111)), ""},
		{"T8 declined another", story(aligned(), aborted(1), declined(both, 2), at(111)), "T8: checkpoint 1 is over, but both/0 has neither stored nor declined it and does not know, 11ms later"},
		{"T8 barrier comes late", story(up(), trigger(1), out(left, 1, 0), declined(left, 1), aborted(1), at(105), in(0, 1, 0), at(116)), "T8: checkpoint 1 is over, but both/0 has neither stored nor declined it and does not know, 11ms later"},

		{"T9 declined", story(up(), trigger(1), declined(left, 1), cancelOut(left, 1), at(111)), ""},
		{"T9 declined behind the barrier", story(up(), trigger(1), out(left, 1, 0), declined(left, 1), at(111)), ""},
		{"T9 declined by one without outputs", story(up(), trigger(1), declined(both, 1), at(111)), ""},
		{"T9 not sent", story(up(), trigger(1), declined(left, 1), at(111)), "T9: left/0 has sent neither the barrier of checkpoint 1 nor a cancel marker, 11ms after it should"},
		{"T9 sent twice", story(up(), trigger(1), cancelOut(left, 1), cancelOut(left, 1)), "T9: left/0 sent a second cancel marker 1"},
		{"T9 taken twice", story(up(), trigger(1), cancelIn(0, 1), cancelIn(0, 1)), "T9: both/0 took a second cancel marker 1 from left->both 0->0"},
		{"T9 after its barrier", story(aligned(), cancelIn(0, 1)), ""},
		{"T1 marker of an older one", story(up(), trigger(2), out(left, 2, 0), in(0, 2, 0), cancelIn(0, 1)), "T1: both/0 took cancel marker 1 from left->both 0->0 after barrier 2"},

		{"T10 restored", story(sealed(), completed(1), deploy(next(1), 1)), ""},
		{"T10 older restored", story(sealed(), completed(1), deploy(next(1), 0)), "T10: the job started from nothing, but the latest completed is checkpoint 1"},
		{"T10 sealed, nobody told", story(sealed(), deploy(next(1), 1)), ""},

		{"T11 of an older attempt", story(aligned(), func(p *Protocol) []string { return p.AckCounted(left, older, 1) }), "T11: an ack of left/0 in attempt 1.1 was counted for checkpoint 1 of attempt 1.2"},
		{"T11 twice", story(aligned(), acked(left, 1)), "T11: an ack of left/0 was counted for checkpoint 1 twice"},
		{"T11 too late", story(aligned(), aborted(1), acked(left, 1)), "T11: an ack of left/0 was counted for checkpoint 1, which is not under way"},
		{"T11 attempts go back", story(deploy(current, 0), deploy(older, 0)), "T11: attempt 1.1 is deployed after attempt 1.2"},

		{"T13 two at a time", story(up(), trigger(1), trigger(2)), "T13: checkpoint 2 was triggered while checkpoint 1 was under way"},
		{"T13 too often", story(up(), trigger(1), aborted(1), at(150), trigger(2)), "T13: checkpoint 2 is number 2 within 150ms, with an interval of 100ms"},
		{"T13 one more at the end", story(up(), trigger(1), aborted(1), ends, at(150), trigger(2)), ""},
		{"T13 too seldom", story(up(), at(111)), "T13: no checkpoint was triggered for 111ms, with an interval of 100ms"},
		{"T13 before all run", story(deploy(current, 0), runs(left), at(100), trigger(1)), "T13: checkpoint 1 was triggered when 1 of 3 tasks ran"},
		{"T13 expires too early", story(aligned(), at(1099), func(p *Protocol) []string { return p.Aborted(1, true) }), "T13: checkpoint 1 expired 999ms after it began, its timeout is 1s"},
		{"T13 expires", story(aligned(), at(1100), func(p *Protocol) []string { return p.Aborted(1, true) }), ""},
		{"T13 does not expire", story(aligned(), at(1111)), "T13: checkpoint 1 began 1.011s ago and has not expired, its timeout is 1s"},
		{"T13 sealing does not expire", story(sealed(), at(9999)), ""},

		{"T14 restored", story(sealed(), completed(1), deploy(next(1), 1), restored(1, stands(10, 20))), ""},
		{"T14 restored, not what was lost", story(quiet(func(p *Protocol) {
			lost := stream.Attempt{Epoch: current.Epoch - 1, Number: 1}
			p.Deploying(lost, 0)
			p.SnapshotStored(both, lost, 1, true, stands(1, 2), nil)
			p.Sealing(1)
			p.Led()
		}), sealed(), completed(1), deploy(next(1), 1), restored(1, stands(10, 20))), ""},
		{"T14 restored elsewhere", story(sealed(), completed(1), deploy(next(1), 1), restored(1, stands(10, 21))), "T14: both/0 restored right->both 0->0 at record 21, but checkpoint 1 has it at record 20"},
		{"T14 in-flight data lost", story(overtaking(), stored(both, 1, []Stand{{5, 5, 2}, {20, 0, 0}}, nil), quiet(func(p *Protocol) { p.Sealing(1) }),
			deploy(next(1), 1), restored(1, stands(5, 20))), "T14: both/0 restored left->both 0->0 at record 5, but checkpoint 1 has it at record 5 with 2 in flight from 5 on"},
		{"T14 another checkpoint", story(sealed(), completed(1), deploy(next(1), 1), restored(2, stands(10, 20))), "T14: both/0 restored checkpoint 2, but attempt 1.3 starts from checkpoint 1"},
		{"T14 snapshot before recovery", story(deploy(current, 0), runs(left), runs(right), func(p *Protocol) []string {
			p.BarrierOut(both, current, 1, false, 0, nil)
			return p.SnapshotTaken(both, current, 1, true, 0, stands(0, 0), nil)
		}), "T14: both/0 took snapshot 1 before it had recovered"},
		{"T14 barrier past restored data", story(up(), func(p *Protocol) []string {
			return p.Restored(both, current, 0, []Stand{{5, 5, 2}, {0, 0, 0}}, nil)
		}, trigger(1), out(left, 1, 6), in(0, 1, 6)), "T14: both/0 took barrier 1 from left->both 0->0 when 6 records had been taken, but 7 were restored"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := NewProtocol(protocolJob())
			for i, tell := range c.story {
				wrong := tell(p)
				if i < len(c.story)-1 {
					require.Empty(t, wrong, "event %d", i)
				} else if c.text == "" {
					require.Empty(t, wrong)
				} else {
					require.Contains(t, wrong, c.text)
				}
			}
		})
	}
}

func next(n uint32) stream.Attempt {
	return stream.Attempt{Epoch: current.Epoch, Number: current.Number + n}
}

func leastOnce(p *Protocol) []string { p.plan.AtLeastOnce = true; return nil }

func ends(p *Protocol) []string {
	for i := range p.tasks {
		p.Ended(i, current)
	}
	return nil
}

func cancelOut(task int, id uint64) tell {
	return func(p *Protocol) []string { return p.CancelOut(task, current, id) }
}

func cancelIn(ch int, id uint64) tell {
	return func(p *Protocol) []string { return p.CancelIn(both, current, ch, id) }
}

func unblocked(ch int, id, taken uint64) tell {
	return func(p *Protocol) []string { return p.Unblocked(both, current, ch, id, taken) }
}

func notified(task int, id uint64) tell {
	return func(p *Protocol) []string { return p.Notified(task, current, id) }
}

func declined(task int, id uint64) tell {
	return quiet(func(p *Protocol) { p.Declined(task, current, id) })
}

func toldOf(task int, id uint64) tell {
	return quiet(func(p *Protocol) { p.Told(task, current, id) })
}

func restored(id uint64, in []Stand) tell {
	return func(p *Protocol) []string { return p.Restored(both, next(1), id, in, nil) }
}

// The monitor allocates nothing for a checkpoint once it has seen some.
func TestProtocolIsLean(t *testing.T) {
	p := NewProtocol(protocolJob())
	for _, tell := range up() {
		tell(p)
	}
	sources, none := stands(10), []Stand(nil)
	id := uint64(0)
	round := func() {
		id++
		require.Empty(t, p.At(time.Duration(id)*time.Minute))
		p.pace.idle, p.pending.began = p.now, p.now
		p.Triggered(id, 0)
		for task := range 2 {
			p.BarrierOut(task, current, id, false, 0, sources)
			p.SnapshotTaken(task, current, id, false, 0, none, sources)
			p.SnapshotStored(task, current, id, true, none, sources)
			p.BarrierIn(both, current, task, id, 10, 10, false)
			p.AckCounted(task, current, id)
		}
		p.Aborted(id, false)
		p.Told(both, current, id)
		p.forget(id)
	}
	p.doomed = true
	for range 10 {
		round()
	}
	require.Zero(t, testing.AllocsPerRun(100, round))
}
