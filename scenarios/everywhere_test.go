package scenarios

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim/cluster"
	"github.com/weirstream/weir/sim/trace"
)

// rolling is the rolling hash at each record of a run, and how many records were there
// when the first node crashed.
func rolling(t *testing.T, r *run) (all []uint64, crash int) {
	t.Helper()
	var rec *cluster.Recorder
	_, _, err := r.execute(func() (*cluster.Recorder, error) {
		rec = &cluster.Recorder{To: func(x *trace.Record) {
			if crash == 0 && rec.Name(x.Kind) == "crash" {
				crash = len(all)
			}
			all = append(all, x.Hash)
		}}
		return rec, nil
	})
	require.NoError(t, err)
	return all, crash
}

// TestCrashEverywhere: the places of a base are each change, process and way to crash
// once; the crash of each happens, and all that is before it is the base's.
func TestCrashEverywhere(t *testing.T) {
	o := RunOptions{Scenario: "wordcount", Mode: string(Unaligned), Seed: 3, Strategy: CrashEverywhere, Lines: 20, inputs: &inputs{}}
	first, err := prepare(o)
	require.NoError(t, err)
	size, err := first.places()
	require.NoError(t, err)
	require.Greater(t, size, 300)
	base := *first
	last := len(first.world.plan) - 1 // the crash comes behind what is slow from the start
	base.world.plan = first.world.plan[:last]
	calm, none := rolling(t, &base)
	require.Zero(t, none)

	seen := map[faults.Fault]bool{}
	changes := 0
	for place := range size {
		o.Seed = everywhere(3, place)
		r, err := prepare(o)
		require.NoError(t, err)
		require.Equal(t, base.world.plan, r.world.plan[:last])
		f := r.world.plan[last]
		f.For = 0
		require.False(t, seen[f], "%s comes twice", f)
		seen[f] = true
		changes = max(changes, f.When.Nth)
		if place%41 > 0 {
			continue
		}
		rep, _, err := r.execute((*recording)(nil).observe)
		require.NoError(t, err)
		require.Equal(t, Pass, rep.Verdict, "%s", rep.Text())
		require.Equal(t, 1, rep.Faults[string(faults.ProcessCrash)]+rep.Faults[string(faults.MachineCrash)], "%s", rep.Text())
		got, crash := rolling(t, r)
		require.Equal(t, calm[:crash], got[:crash])
	}
	require.Equal(t, changes*len(first.world.nodes())*2, size)
	o.Seed = everywhere(3, size)
	again, err := prepare(o)
	require.NoError(t, err)
	require.Equal(t, first.world.plan[last].When, again.world.plan[last].When, "behind the last place it begins anew")
}

// TestCrashEverywhereSweep: the runs of a pair go through one base and then the next, no
// two of them are the same, and a seed alone says which run it is.
func TestCrashEverywhereSweep(t *testing.T) {
	s := newSweep(SweepOptions{Seed: 5, Strategy: CrashEverywhere}, []*Scenario{wordcount()})
	sizes := map[uint64]int{}
	var bases []uint64
	for n := 0; len(bases) < 3; n++ {
		seed := s.everywhere(s.pairs[1], n)
		base := CrashEverywhere.base(seed)
		if sizes[base] == 0 {
			bases = append(bases, base)
		}
		require.Equal(t, bases[len(bases)-1], base, "one base after the other")
		require.Equal(t, everywhere(base, sizes[base]), seed)
		sizes[base]++
	}
	require.Equal(t, []uint64{6, 10, 14}, bases)
	for _, base := range bases[:2] {
		r, err := prepare(s.optionsOf(s.pairs[1], CrashEverywhere, base))
		require.NoError(t, err)
		size, err := r.places()
		require.NoError(t, err)
		require.Equal(t, size, sizes[base])
	}
	r := sweepOf(t, SweepOptions{Scenarios: []string{"wordcount", "damaged-checkpoint"}, Seeds: 60, Strategy: CrashEverywhere, Verify: true})
	require.Equal(t, Pass, r.Verdict, "%s", r.Text())
	require.Equal(t, 60, r.Verified)
	crashes := 0
	for _, modes := range r.ByScenario { // unordered: sums
		for _, total := range modes { // unordered: sums
			crashes += total.Faults[string(faults.ProcessCrash)] + total.Faults[string(faults.MachineCrash)]
		}
	}
	require.Equal(t, 60, crashes, "one in each run")
}

// TestCrashEverywhereReplay: the trace of a run has its crash in the plan, and the command
// that is printed makes the same run.
func TestCrashEverywhereReplay(t *testing.T) {
	o := RunOptions{Seed: everywhere(2, 17), Input: write(t, prose(60)), Strategy: CrashEverywhere, Lines: 25}
	path, r := recorded(t, o)
	require.Equal(t, Pass, r.Verdict, "%s", r.Text())
	require.Contains(t, r.Plan[len(r.Plan)-1], "on change#")
	p, err := Replay(path)
	require.NoError(t, err)
	require.True(t, p.Agreed)
	require.Equal(t, r.TraceHash, p.TraceHash)
	require.Equal(t, r.TraceHash, hash(t, o))
	o.Plan = planFile(t, r.Plan...)
	require.Equal(t, r.TraceHash, hash(t, o))
}
