package scenarios

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTimeoutMode: some alignments end in time and some do not, in one run, and what is
// committed is what it should be.
func TestTimeoutMode(t *testing.T) {
	for name, expect := range wired { // unordered: subtests
		t.Run(name, func(t *testing.T) {
			data := prose(1000)
			input, inFlight, both := write(t, data), 0, 0
			for seed := range uint64(10) {
				o := RunOptions{Scenario: name, Mode: string(Timeout), Seed: seed, Input: input, Output: filepath.Join(t.TempDir(), "output"), Failures: t.TempDir()}
				r, err := Run(o)
				require.NoError(t, err)
				require.Equal(t, Pass, r.Verdict, "%s", r.Text())
				requireOutput(t, expect, data, o.Output)
				if r.RestoredInFlight > 0 {
					inFlight++
				}
				if p := &r.watched.points; p[alignedInTime] && (p[switchedHalfway] || p[switchedAnnounced]) {
					both++
				}
			}
			require.Positive(t, inFlight, "of ten seeds")
			require.Positive(t, both, "of ten seeds")
		})
	}
}

// A timeout that nothing reaches is as good as aligned; one that all reach leaves data in
// flight.
func TestTimeoutBounds(t *testing.T) {
	input := write(t, prose(600))
	for set, switches := range map[string]bool{"1h": false, "1ms": true} { // unordered: cases
		switched := false
		for seed := range uint64(6) {
			r, err := Run(RunOptions{
				Scenario: "two-inputs", Mode: string(Timeout), Seed: seed, Input: input, Failures: t.TempDir(),
				Set: []string{"execution.checkpointing.aligned-checkpoint-timeout=" + set},
			})
			require.NoError(t, err)
			require.Equal(t, Pass, r.Verdict, "%s", r.Text())
			p := &r.watched.points
			switched = switched || p[switchedHalfway] || p[switchedAnnounced] || p[overtookOutputLater]
			if !switches {
				require.Zero(t, r.RestoredInFlight)
			}
		}
		require.Equal(t, switches, switched, set)
	}
}

// TestTimeoutGoesOn: the mode goes on from what others have left, and they from it,
// simulated and live.
func TestTimeoutGoesOn(t *testing.T) {
	data := prose(800)
	input := write(t, data)
	for _, modes := range [][2]Mode{{Timeout, Aligned}, {Timeout, Unaligned}, {Aligned, Timeout}, {Unaligned, Timeout}} {
		dir, output := filepath.Join(t.TempDir(), "job"), filepath.Join(t.TempDir(), "output")
		r, err := Run(RunOptions{Scenario: "two-inputs", Mode: string(modes[0]), Seed: 3, Input: input, Dir: dir, StopAfter: 2})
		require.NoError(t, err)
		require.True(t, r.Stopped, "%s", r.Text())
		r, err = Run(RunOptions{Scenario: "two-inputs", Mode: string(modes[1]), Seed: 4, Input: input, From: dir, Output: output})
		require.NoError(t, err)
		require.Equal(t, Pass, r.Verdict, "%s", r.Text())
		requireOutput(t, expectTwoInputs, data, output)
		t.Setenv("TMPDIR", t.TempDir())
		r, err = Live(LiveOptions{Scenario: "two-inputs", Mode: string(modes[1]), Input: input, From: dir, Output: output, Set: liveSettings, Log: &bytes.Buffer{}})
		require.NoError(t, err)
		require.Equal(t, Pass, r.Verdict, "%s", r.Text())
		requireOutput(t, expectTwoInputs, data, output)
	}
}
