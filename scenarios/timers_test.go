package scenarios

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/model"
)

// What timers outputs does not depend on the clock, wherever that jumps.
func TestTimersWhateverTheClock(t *testing.T) {
	g, err := engine.Describe(engine.DefaultConfig(), timersJob(nil))
	require.NoError(t, err)
	lines := model.Lines([]byte(prose(40)))
	in := map[string][]model.Record{"lines": lineRecords(lines)}
	want, err := model.InterpretAt(g, in, timers().Clock)
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		step := rapid.SampledFrom([]int64{0, 1, 3, 20}).Draw(t, "step")
		jumps := rapid.MapOf(rapid.IntRange(1, 300), rapid.Int64Range(-1000, 1000)).Draw(t, "jumps")
		now, n := int64(0), 0
		out, err := model.InterpretAt(g, in, func() int64 {
			n++
			now += step + jumps[n]
			return now
		})
		require.NoError(t, err)
		d := model.CheckPerKeyOrder(model.Keyed(want.Sink(SinkUID).Lines, ofWord), model.Keyed(out.Sink(SinkUID).Lines, ofWord))
		require.Empty(t, d.Messages(nil))
	})
}

func ofWord(line string) string {
	key, _ := beforeNumber(line)
	return key
}

func TestAlertsOfTimers(t *testing.T) {
	alert := "Alert: word: the timer at 7 has not fired at 9"
	_, err := unheldCounts([]string{"word\t1", alert})
	require.EqualError(t, err, `committed line "`+alert+`" is an alert`)
	g, err := engine.Describe(engine.DefaultConfig(), timersJob(nil))
	require.NoError(t, err)
	wrong, _ := timersRepeats(g, []string{"word\t1"}, []string{"word\t1"}, &licences{})
	require.Empty(t, wrong)
	wrong, _ = timersRepeats(g, []string{"word\t1"}, []string{"word\t1", alert}, &licences{})
	require.Equal(t, alert, strings.Join(wrong, "\n"))
}

// At least once, words come again, and their timers with them.
func TestTimersAtLeastOnce(t *testing.T) {
	again := int64(0)
	for seed := range uint64(6) {
		r, err := Run(RunOptions{Scenario: "timers", Mode: string(AtLeastOnce), Seed: seed, Lines: 1000, Failures: t.TempDir()})
		require.NoError(t, err)
		require.Equal(t, Pass, r.Verdict, "%s", r.Text())
		again += r.Duplicates
	}
	require.Positive(t, again)
}
