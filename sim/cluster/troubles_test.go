package cluster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim/cluster"
)

// under runs a job on two workers under a plan.
func under(t *testing.T, seed uint64, text string) *judged {
	t.Helper()
	config := quick()
	hw := hardware()
	o := cluster.JobOptions{Config: config, Job: totals, Workers: 2, Hardware: hw, Files: []cluster.File{{Name: inputFile, Data: numbers(400)}}}
	config.Parallelism = 2
	var err error
	o.Plan, err = faults.Parse(text)
	require.NoError(t, err)
	c, violations := play(t, seed, o)
	require.Empty(t, violations, text)
	return c
}

// TestTroubles: a job comes through each kind of fault, which is counted and listed once,
// and a seed gives the same run again.
func TestTroubles(t *testing.T) {
	for _, text := range []string{
		"f1 on completed#2 pause tm1 for=300ms",
		"f1 on completed#2 pause jm for=300ms",
		"f1 at 20ms slow-cpu tm1 by=1000% for=100ms",
		"f1 at 20ms slow jm->tm1 by=5000% for=100ms",
		"f1 at 20ms stall jm|tm1,tm2 for=200ms",
		"f1 on completed#1 partition jm|tm1 for=300ms",
		"f1 on completed#1 partition tm1->tm2 for=300ms",
		"f1 at 30ms reset tm1|tm2",
		"f1 from 0s to 300ms lose jm|tm1,tm2 with 20%",
		"f1 from 0s to 300ms delay jm|tm1 by=20ms with 20%",
		"f1 from 0s to 300ms duplicate jm|tm1,tm2",
		"f1 on call sync of */_metadata*#2 skew tm1 by=-1h",
		"f1 from the start jump jm by=1h",
	} {
		c := under(t, 1, text)
		requireExact(t, c, numbers(400))
		require.Empty(t, c.Unfired(), text)
		require.Empty(t, c.Injected, text)
		require.Len(t, c.Troubles, 1, text)
		require.Equal(t, 1, c.Fired[c.Troubles[0].Fault.Kind], text)
		require.NotZero(t, c.Troubles[0].Event)
		require.Equal(t, c.hash, under(t, 1, text).hash, text)
		require.NotEqual(t, under(t, 1, "").hash, c.hash, text)
	}
}

// TestCrashLoop: the process crashes as often as the plan says, at most once at a time.
func TestCrashLoop(t *testing.T) {
	c := under(t, 1, "f1 at 30ms crash-loop tm1 machine for=20ms times=3 up=30ms")
	requireExact(t, c, numbers(400))
	require.Len(t, c.Injected, 3)
	require.Equal(t, 3, c.Fired[faults.MachineCrash])
	for _, in := range c.Injected {
		require.Equal(t, "tm1", in.Node)
		require.Equal(t, 1, in.Down)
	}
}

// TestTriggers: events of a subject, calls and times.
func TestTriggers(t *testing.T) {
	for _, text := range []string{
		"f1 on snapshot taken of total/1#2 crash tm1 process for=20ms",
		"f1 on snapshot taken of sink/0#1 crash tm1 process for=20ms",
		"f1 on call sync of checkpoints/chk-2/*#1 crash jm process for=20ms",
		"f1 on call create#3+2 crash tm2 machine for=20ms",
		"f1 at 45ms crash tm2 machine for=20ms",
		"f1 from the start crash jm process for=20ms",
	} {
		c := under(t, 1, text)
		requireExact(t, c, numbers(400))
		require.Len(t, c.Injected, 1, text)
		require.Empty(t, c.Unfired(), text)
	}
	for _, text := range []string{
		"f1 on snapshot taken of nobody/1#1 crash tm1 process for=20ms",
		"f1 on call sync of nowhere/*#1 crash jm process for=20ms", "f1 at 1h crash jm process for=20ms",
	} {
		c := under(t, 1, text)
		require.Empty(t, c.Injected, text)
		require.Len(t, c.Unfired(), 1, text)
	}
	require.Less(t, under(t, 1, "f1 at 1h crash jm process for=20ms").World.Now(), time.Hour)
}
