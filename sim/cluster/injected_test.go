package cluster_test

import (
	"path"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim/cluster"
)

// damaged runs a job whose newest checkpoint, or the one before, is damaged after the
// third has completed, and then crashes the JobManager.
func damaged(t *testing.T, f faults.Fault, retained int) *judged {
	t.Helper()
	config := quick()
	config.Parallelism, config.Retained = 2, retained
	hw := hardware()
	hw.RecordCost = time.Millisecond
	f.Name, f.When = "f1", faults.Trigger{On: "completed", Nth: 3}
	c, violations := play(t, 1, cluster.JobOptions{
		Config: config, Job: totals, Workers: 2, Hardware: hw,
		Files: []cluster.File{{Name: inputFile, Data: numbers(400)}},
		Plan: faults.Plan{f, {
			Name: "f2", Kind: faults.ProcessCrash, Target: "jm", For: 30 * time.Millisecond, When: faults.Trigger{On: "completed", Nth: 3},
		}},
	})
	require.Empty(t, violations)
	return c
}

// TestInjectedDamage: each kind of damage is done to the file that it is said to be done
// to, counted once, and found by a recovery that must read it.
func TestInjectedDamage(t *testing.T) {
	for _, kind := range []faults.Kind{faults.BitFlip, faults.TruncatedFile, faults.LostFile} {
		for _, name := range []string{"", snapshot.MetadataName, faults.Whole} {
			if name == faults.Whole && kind != faults.LostFile {
				continue
			}
			c := damaged(t, faults.Fault{Kind: kind, Target: faults.Newest, File: name}, 3)
			require.Empty(t, c.Unfired(), "%s %s", kind, name)
			require.Equal(t, 1, c.Fired[kind])
			require.Len(t, c.Injected, 2)
			in := c.Injected[0]
			require.NotNil(t, in.Damage)
			require.EqualValues(t, 3, in.Damage.Checkpoint)
			require.True(t, in.Damage.Newest)
			require.NotZero(t, in.Event)
			switch name {
			case snapshot.MetadataName:
				require.Equal(t, snapshot.MetadataName, path.Base(in.Damage.File))
			case faults.Whole:
				require.Equal(t, "chk-3", path.Base(in.Damage.File))
			}
			lost := kind == faults.LostFile
			require.Equal(t, lost && name != "" || lost && path.Base(in.Damage.File) == snapshot.MetadataName, in.Damage.Lost(kind))
			require.False(t, c.Finished)
			require.Contains(t, c.Outcome, "chk-3")
			require.Contains(t, c.Outcome, "--from "+path.Join("checkpoints", "chk-2"))
			_, err := c.Disk.Durable().Stat(in.Damage.File)
			if lost {
				require.ErrorIs(t, err, fs.ErrNotExist)
			} else {
				require.NoError(t, err)
				require.Contains(t, c.Outcome, in.Damage.File)
			}
			require.Equal(t, c.hash, damaged(t, faults.Fault{Kind: kind, Target: faults.Newest, File: name}, 3).hash)
		}
	}
}

// TestDamageThatIsNotRead: the checkpoint before the newest is damaged, and the job does
// not notice.
func TestDamageThatIsNotRead(t *testing.T) {
	c := damaged(t, faults.Fault{Kind: faults.BitFlip, Target: faults.Previous}, 3)
	require.Empty(t, c.Unfired())
	require.EqualValues(t, 2, c.Injected[0].Damage.Checkpoint)
	require.False(t, c.Injected[0].Damage.Newest)
	requireExact(t, c, numbers(400))
}

// TestDamageOfWhatIsNotThere: there is no checkpoint before the only one, nor a file of
// that name; the fault is reported as not fired.
func TestDamageOfWhatIsNotThere(t *testing.T) {
	for _, f := range []faults.Fault{
		{Kind: faults.LostFile, Target: faults.Newest, File: "nowhere"},
		{Kind: faults.BitFlip, Target: faults.Newest, File: faults.Whole},
	} {
		c := damaged(t, f, 3)
		require.Len(t, c.Unfired(), 1)
		require.Equal(t, "f1", c.Unfired()[0].Name)
		require.Zero(t, c.Fired[f.Kind])
		requireExact(t, c, numbers(400))
	}
	config := quick()
	c, violations := play(t, 1, cluster.JobOptions{
		Config: config, Job: totals, Workers: 1, Hardware: hardware(), Files: []cluster.File{{Name: inputFile, Data: numbers(100)}},
		Plan: faults.Plan{{Name: "f1", Kind: faults.BitFlip, Target: faults.Previous, When: faults.Trigger{On: "completed", Nth: 1}}},
	})
	require.Empty(t, violations)
	require.Len(t, c.Unfired(), 1)
}
