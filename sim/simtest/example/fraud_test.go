package example_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/sim/simtest"
	"github.com/weirstream/weir/sim/simtest/example"
)

// payments are a few minutes of five users, with payments that come late and twice.
func payments(r *rand.Rand) []string {
	var lines []string
	for i := range 300 {
		at := int64(i)*1000 + r.Int64N(example.Lateness)
		line := fmt.Sprintf("%d p%d %s %d", at, i, string(rune('a'+r.IntN(5))), 100+r.IntN(1900))
		lines = append(lines, line)
		if r.IntN(8) == 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

func fraud(job func(j *engine.Job)) simtest.Job {
	return simtest.Job{
		Job: job, Draw: payments,
		Promise: "each user who spends more than the limit within a minute is reported once, with what was spent",
	}
}

func TestFraud(t *testing.T) {
	simtest.Run(t, fraud(func(j *engine.Job) {
		example.Fraud(j, simtest.Source(), simtest.Sink(file.Line))
	}))
}

// TestTheMistakeIsFound: the same test of the job with the mistake would fail; here it
// must, and with little left of what it takes to see why.
func TestTheMistakeIsFound(t *testing.T) {
	f, _, err := simtest.Search(fraud(func(j *engine.Job) {
		example.ForgetfulFraud(j, simtest.Source(), simtest.Sink(file.Line))
	}), simtest.Options{Name: "fraud", Keep: t.TempDir()})
	require.NoError(t, err)
	require.NotNil(t, f, "nobody has noticed the mistake")
	require.Equal(t, "output", f.Report.Violations[0].Oracle)
	require.Len(t, f.Plan, 1, "one crash is enough")
	require.Less(t, len(f.Input), 15, "a user who spends more than the limit in a minute")
	require.Contains(t, f.Text(), "was never committed, the model says once")
	require.Contains(t, f.Text(), "none of them can be left out")
	require.Contains(t, f.Report.Replay, "agreed")
	require.Regexp(t, `(?s)checkpoint \d+ is complete.* crashes.*is deployed, from checkpoint \d+.*the job has finished`, f.Text())
	t.Log("\n" + f.Text())
}
