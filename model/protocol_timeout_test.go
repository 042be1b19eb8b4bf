package model

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// timed lets barriers overtake 50 ms after their trigger, and a step take 5.
func timed(p *Protocol) []string {
	p.plan.AlignedTimeout = 50 * time.Millisecond
	for i := range p.plan.Tasks {
		p.plan.Tasks[i].Step = 5 * time.Millisecond
	}
	return nil
}

func announced(ch int, id uint64) tell {
	return func(p *Protocol) []string { return p.Announced(both, current, ch, id) }
}

func overtook(ch int, id, taken, ahead uint64) tell {
	return func(p *Protocol) []string { return p.BarrierIn(both, current, ch, id, taken, ahead, true) }
}

func timedOut(id uint64, byTimer bool) tell {
	return func(p *Protocol) []string { return p.TimedOut(both, current, id, byTimer) }
}

func outputTimedOut(task int, id uint64, s Stand) tell {
	return func(p *Protocol) []string { return p.OutputTimedOut(task, current, id, []Stand{s}) }
}

func takenPast(id uint64, records ...uint64) tell {
	return func(p *Protocol) []string {
		return p.SnapshotTaken(both, current, id, true, 0, stands(records...), nil)
	}
}

// waiting is a job with a timeout at 100 ms, checkpoint 1 through the sources, left's
// barrier taken and right's announced behind 4 records.
func waiting() []tell {
	return story(tell(timed), up(), trigger(1), source(left, 1, 10), source(right, 1, 20),
		announced(0, 1), in(0, 1, 10), announced(1, 1))
}

// halfway is waiting when the timer was due.
func halfway() []tell {
	return story(waiting(), at(150), timedOut(1, true), sent(both, 1), takenPast(1, 10, 16), overtook(1, 1, 16, 20))
}

func TestTimeoutRules(t *testing.T) {
	for _, c := range []struct {
		name  string
		story []tell
		text  string
	}{
		{"in time", story(waiting(), at(140), in(1, 1, 20), sent(both, 1), taken(1, 10, 20), at(170)), ""},
		{"half-way", story(halfway(), stored(both, 1, []Stand{{10, 0, 0}, {20 - 4, 16, 4}}, nil), at(170)), ""},
		{"half-way, what is behind the barrier is stored", story(halfway(), stored(both, 1, []Stand{{10, 10, 2}, {16, 16, 4}}, nil)),
			"T5: both/0 stored 2 records from 10 on of left->both 0->0 in checkpoint 1; ahead of the barrier and not taken were 0 from 10 on"},
		{"half-way, what is ahead of the barrier is not", story(halfway(), stored(both, 1, []Stand{{10, 0, 0}, {16, 0, 0}}, nil)),
			"T5: both/0 stored 0 records from 0 on of right->both 0->0 in checkpoint 1; ahead of the barrier and not taken were 4 from 16 on"},
		{"given up", story(waiting(), declined(both, 1), at(170)), ""},
		{"given up by word", story(waiting(), toldOf(both, 1), at(170)), ""},
		{"announced from nowhere", story(tell(timed), up(), trigger(1), announced(0, 1)),
			"T1: barrier 1 was announced to both/0 on left->both 0->0, on which it was not sent, or was taken"},
		{"still aligned", story(waiting(), at(156)), "T16: both/0 still aligns checkpoint 1 56ms after its trigger, the timeout is 50ms"},
		{"still aligned by a wrong clock", story(waiting(), quiet(func(p *Protocol) { p.ClocksWrong() }), at(156)), ""},
		{"heard too late", story(tell(timed), up(), trigger(1), out(left, 1, 10), at(180), announced(0, 1), at(184)), ""},
		{"heard too late, and nothing done", story(tell(timed), up(), trigger(1), out(left, 1, 10), at(180), announced(0, 1), at(186)),
			"T16: both/0 still aligns checkpoint 1 86ms after its trigger, the timeout is 50ms"},
		{"too early", story(waiting(), at(148), timedOut(1, true)), "T16: both/0 let barrier 1 overtake 48ms after its trigger, the timeout is 50ms"},
		{"as exact as the stamp", story(waiting(), at(149), timedOut(1, true)), ""},
		{"switched by nothing", story(waiting(), at(120), timedOut(1, false)), "T16: both/0 aligns checkpoint 1 no longer, but no barrier of it has overtaken"},
		{"switched from upstream", story(waiting(), at(120), overtook(1, 1, 20, 20), timedOut(1, false), sent(both, 1), takenPast(1, 10, 20)), ""},
		{"snapshot without a switch", story(waiting(), at(120), sent(both, 1), takenPast(1, 10, 16)),
			"T16: both/0 took snapshot 1 before all barriers were there, none of which had overtaken"},
		{"aligned to the end", story(waiting(), at(120), overtook(1, 1, 20, 20), sent(both, 1), taken(1, 10, 20)),
			"T16: both/0 aligned checkpoint 1 to the end, a barrier of which had overtaken"},
		{"left behind", story(waiting(), at(150), timedOut(1, true), sent(both, 1), takenPast(1, 10, 16), in(1, 1, 20)),
			"T16: both/0 took barrier 1 from right->both 0->0 in its turn, but its alignment was over"},
		{"ahead of the wrong record", story(waiting(), at(150), timedOut(1, true), sent(both, 1), takenPast(1, 10, 16), overtook(1, 1, 16, 19)),
			"T5: both/0 took barrier 1 from right->both 0->0 when 19 records had arrived, but 20 were sent ahead of it"},

		{"in the output", story(tell(timed), up(), trigger(1), out(left, 1, 10), at(150), outputTimedOut(left, 1, Stand{10, 7, 3}), overtook(0, 1, 5, 7)), ""},
		{"in the output, too early", story(tell(timed), up(), trigger(1), out(left, 1, 10), at(130), outputTimedOut(left, 1, Stand{10, 7, 3})),
			"T16: left/0 let barrier 1 overtake 30ms after its trigger, the timeout is 50ms"},
		{"in the output, of another", story(tell(timed), up(), trigger(1), at(150), outputTimedOut(left, 1, Stand{10, 7, 3})),
			"T16: left/0 let barrier 1 overtake, but the last one it sent is 0"},
		{"in the output, what is behind it", story(tell(timed), up(), trigger(1), out(left, 1, 10), at(150), outputTimedOut(left, 1, Stand{11, 7, 4})),
			"T16: left/0 let barrier 1 overtake on left->both 0->0: record 11 with 4 in flight from 7 on; it was sent behind record 10"},
		{"in the output, unsaid", story(tell(timed), up(), trigger(1), out(left, 1, 10), at(150), outputTimedOut(left, 1, Stand{10, 7, 3}), in(0, 1, 7)),
			"T16: both/0 took barrier 1 from left->both 0->0 as one that is aligned, but it had overtaken"},
		{"in the output, not stored", story(tell(timed), up(), trigger(1), out(left, 1, 10), at(150), outputTimedOut(left, 1, Stand{10, 7, 3}),
			func(p *Protocol) []string {
				return p.SnapshotTaken(left, current, 1, false, 0, nil, stands(10))
			}, stored(left, 1, nil, stands(10))), "T5: left/0 stored of left->both 0->0 in checkpoint 1: record 10; at its barrier: record 10 with 3 in flight from 7 on"},

		{"an older one overtaken", story(tell(timed), up(), trigger(1), out(left, 1, 10), aborted(1), toldOf(left, 1), at(200), trigger(2), out(left, 2, 15), at(250),
			outputTimedOut(left, 2, Stand{15, 8, 7}), overtook(0, 2, 5, 8), in(0, 1, 10)), ""},
		{"an older one overtaken, between other records", story(tell(timed), up(), trigger(1), out(left, 1, 10), aborted(1), toldOf(left, 1), at(200), trigger(2), out(left, 2, 15), at(250),
			outputTimedOut(left, 2, Stand{15, 8, 7}), overtook(0, 2, 5, 8), in(0, 1, 11)),
			"T2: both/0 took barrier 1 from left->both 0->0 when 11 records had been taken, but 10 were sent ahead of it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := NewProtocol(protocolJob())
			for i, tell := range c.story {
				wrong := tell(p)
				if i < len(c.story)-1 || c.text == "" {
					require.Empty(t, wrong, "event %d", i)
					continue
				}
				require.Equal(t, []string{c.text}, wrong)
			}
		})
	}
}
