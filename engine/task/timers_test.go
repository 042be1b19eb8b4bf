package task

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/stream"
)

// wallMS is the clock of a bench.
const wallMS = int64(time.Hour / time.Millisecond)

// reminder sets a timer of the clock for each record, 1 ms ahead of now or behind it.
type reminder struct {
	operator.MapOperator[string, string]
	ahead int64
	due   []int64
	log   []string
}

func (r *reminder) OnWatermark(int64, int) (int, bool) { return 0, true }

func (r *reminder) OnProcessingTime(now int64, _ int) (n int, done bool) {
	for ; len(r.due) > 0 && r.due[0] <= now; n++ {
		r.due, r.log = r.due[1:], append(r.log, "timer")
	}
	return n, true
}

func (r *reminder) NextProcessingTimer() (int64, bool) {
	if len(r.due) == 0 {
		return 0, false
	}
	return r.due[0], true
}

func remind(t *testing.T, ahead int64) (*reminder, *bench) {
	r := &reminder{ahead: ahead}
	r.F = func(v string) string {
		r.log, r.due = append(r.log, v), append(r.due, wallMS+r.ahead)
		return v
	}
	return r, running(t, r, &ledger{})
}

// The host's timer has not come, but the clock is there: the timer fires before the
// next record.
func TestDueTimersFireBeforeRecords(t *testing.T) {
	r, b := remind(t, -1)
	b.data(0, 0, "a")
	b.data(0, 1, "b")
	require.Equal(t, []string{"a", "timer", "b"}, r.log)

	r, b = remind(t, 1)
	b.data(0, 0, "a")
	b.data(0, 1, "b")
	require.Equal(t, []string{"a", "b"}, r.log, "1 ms is left")
}

// Once the input has ended timers of the clock are quiet.
func TestTimersAreQuietAtTheEnd(t *testing.T) {
	r, b := remind(t, -1)
	b.data(0, 0, "a")
	for ch := range 2 {
		b.event(ch, stream.Event{Kind: stream.EndOfData})
	}
	require.Equal(t, []string{"a", "timer"}, r.log, "that one was due before")
	r.due = append(r.due, wallMS-1)
	b.input(host.Input{Kind: host.GoOn})
	require.Equal(t, []string{"a", "timer"}, r.log)
}
