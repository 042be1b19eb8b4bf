package cluster_test

import (
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

// One crash before each change of crash-surviving state that follows the first
// completed checkpoint.
func TestEveryCrashPoint(t *testing.T) {
	data, fired := numbers(20), 0
	const points = 61
	for _, target := range []string{"jm", "tm1"} {
		for _, kind := range []faults.Kind{faults.ProcessCrash, faults.MachineCrash} {
			for k := range points {
				config := quick()
				config.Parallelism, config.Unaligned = 2, k%2 == 1
				plan := faults.Plan{{
					Name: "f1", Kind: kind, Target: target, For: 30 * time.Millisecond,
					When: faults.Trigger{On: "completed", Nth: 1, Changes: k},
				}}
				hw := hardware()
				hw.RecordCost = time.Millisecond
				c, violations := play(t, uint64(k), cluster.JobOptions{
					Config: config, Job: totals, Workers: 2, Plan: plan, Hardware: hw,
					Files: []cluster.File{{Name: inputFile, Data: data}},
				})
				require.Empty(t, violations, "%s", plan)
				requireExact(t, c, data)
				fired += len(c.Injected)
			}
		}
	}
	require.Greater(t, fired, 4*points*9/10)
}

// stopped runs a job until three checkpoints are complete and the power is cut,
// and returns its files and the newest checkpoint's directory.
func stopped(t *testing.T, job func(*engine.Job), data []byte) (files []cluster.File, newest string) {
	t.Helper()
	config := quick()
	config.Parallelism = 2
	hw := hardware()
	hw.RecordCost = time.Millisecond
	c, violations := play(t, 1, cluster.JobOptions{
		Config: config, Job: job, Workers: 2, StopAfter: 3, Hardware: hw,
		Files: []cluster.File{{Name: inputFile, Data: data}},
	})
	require.Empty(t, violations)
	require.True(t, c.Stopped())
	require.NoError(t, c.Disk.Export(func(name string, data []byte) error {
		files = append(files, cluster.File{Name: name, Data: append([]byte(nil), data...)})
		return nil
	}))
	last := uint64(0)
	for _, f := range files {
		if id, ok := snapshot.ParseDir(path.Base(path.Dir(f.Name))); ok && path.Base(f.Name) == snapshot.MetadataName {
			last = max(last, id)
		}
	}
	require.GreaterOrEqual(t, last, uint64(3))
	return files, snapshot.Dir(config.CheckpointDir, last)
}

// resume goes on with files that a stopped job left.
func resume(t *testing.T, job func(*engine.Job), files []cluster.File, set func(c *engine.Config)) (*judged, []sim.Violation) {
	t.Helper()
	config := quick()
	config.Parallelism = 2
	if set != nil {
		set(config)
	}
	return play(t, 2, cluster.JobOptions{Config: config, Job: job, Workers: 2, Files: files, Hardware: hardware()})
}

// with is files in which one has other data, or is not there if that is nil.
func with(files []cluster.File, name string, data []byte) []cluster.File {
	var out []cluster.File
	for _, f := range files {
		switch {
		case f.Name != name:
			out = append(out, f)
		case data != nil:
			out = append(out, cluster.File{Name: name, Data: data})
		}
	}
	return out
}

func TestPowerCut(t *testing.T) {
	data := numbers(150)
	for _, job := range jobs {
		files, _ := stopped(t, job.job, data)
		c, violations := resume(t, job.job, files, nil)
		require.Empty(t, violations, job.name)
		require.Positive(t, c.Counts.Restores)
		requireExact(t, c, data)
	}
}

// damages are the newest checkpoint's files, each damaged in several places, cut
// short, emptied or gone.
func damages(files []cluster.File, newest string) map[string][]cluster.File {
	all := map[string][]cluster.File{}
	for _, f := range files {
		if path.Dir(f.Name) != newest {
			continue
		}
		for _, at := range []int{0, 4, 7, len(f.Data) / 2, len(f.Data) - 9, len(f.Data) - 1} {
			flipped := append([]byte(nil), f.Data...)
			flipped[at] ^= 0x10
			all[fmt.Sprintf("%s flipped at %d", f.Name, at)] = with(files, f.Name, flipped)
		}
		for _, n := range []int{0, 3, 20, len(f.Data) - 1} {
			all[fmt.Sprintf("%s cut at %d", f.Name, n)] = with(files, f.Name, f.Data[:n:n])
		}
		if path.Base(f.Name) != snapshot.MetadataName {
			all[f.Name+" gone"] = with(files, f.Name, nil)
		}
	}
	return all
}

// A newest checkpoint that can't be read ends a job whose sink may have committed
// for it; the text names the file and what the user may do.
func TestDamagedCheckpoint(t *testing.T) {
	data := numbers(150)
	files, newest := stopped(t, totals, data)
	id, _ := snapshot.ParseDir(path.Base(newest))
	older := snapshot.Dir(path.Dir(newest), id-1)
	cases := damages(files, newest)
	require.Greater(t, len(cases), 20)
	for what, damaged := range cases {
		t.Run(what, func(t *testing.T) {
			name, _, _ := strings.Cut(what, " ")
			c, violations := resume(t, totals, damaged, nil)
			require.Empty(t, violations)
			require.False(t, c.Finished)
			require.Contains(t, c.Outcome, fmt.Sprintf("checkpoint %d is complete", id))
			require.Contains(t, c.Outcome, name)
			require.Contains(t, c.Outcome, "--from "+older)
			require.Zero(t, c.Counts.Restores)
			requireUntouched(t, damaged, c.Disk.Durable())
		})
	}
}

// The user may choose an older checkpoint of the same directory and so accept
// duplicates. The choice is not needed once the job has newer ones: it may be gone
// when a JobManager starts again.
func TestOlderCheckpointIsChosen(t *testing.T) {
	data := numbers(400)
	files, newest := stopped(t, totals, data)
	id, _ := snapshot.ParseDir(path.Base(newest))
	older := snapshot.Dir(path.Dir(newest), id-1)
	config := quick()
	config.Parallelism, config.RecoveryPath, config.Retained = 2, older, 1
	c, err := cluster.NewCluster(2, cluster.JobOptions{
		Config: config, Job: totals, Workers: 2, Hardware: hardware(), Limit: time.Hour,
		Files: with(files, path.Join(newest, snapshot.MetadataName), []byte("damaged")),
		Plan: faults.Plan{{
			Name: "f1", Kind: faults.MachineCrash, Target: "jm", For: 30 * time.Millisecond,
			When: faults.Trigger{On: "completed", Nth: 3, Changes: 8},
		}},
	})
	require.NoError(t, err)
	require.Empty(t, c.Run())
	require.True(t, c.Finished, c.Outcome)
	require.Len(t, c.Injected, 1)
	require.Equal(t, 2, c.Counts.Restores)
	_, err = c.Disk.Durable().Stat(older)
	require.ErrorIs(t, err, fs.ErrNotExist)
	got := map[string]bool{}
	for _, line := range committed(t, c.Disk.Durable(), "sink") {
		got[line] = true
	}
	for _, line := range expected(t, c, data).Sink("sink").Lines {
		require.True(t, got[line], "%q is missing", line)
	}
}

// TestCheckpointsRemoved: with its checkpoints gone a job does not start from nothing
// under a sink that has committed.
func TestCheckpointsRemoved(t *testing.T) {
	files, newest := stopped(t, totals, numbers(400))
	for name, gone := range map[string]string{"all": path.Dir(newest) + "/", "the newest": newest + "/"} {
		var left []cluster.File
		for _, f := range files {
			if !strings.HasPrefix(f.Name, gone) {
				left = append(left, f)
			}
		}
		c, _ := resume(t, totals, left, nil)
		require.False(t, c.Finished, name)
		require.Contains(t, c.Outcome, newest, name)
		requireUntouched(t, left, c.Disk.Durable())
	}
}

// requireUntouched demands that no committed file is lost or changed.
func requireUntouched(t *testing.T, files []cluster.File, fsys fs.FS) {
	t.Helper()
	seen := 0
	for _, f := range files {
		if path.Dir(f.Name) == outputDir && strings.HasPrefix(path.Base(f.Name), "part-") {
			require.Equal(t, f.Data, contents(t, fsys, f.Name), f.Name)
			seen++
		}
	}
	require.Positive(t, seen, "nothing was committed before")
}

func contents(t *testing.T, fsys fs.FS, name string) []byte {
	t.Helper()
	f, err := fsys.Open(name)
	require.NoError(t, err)
	size, err := f.Size()
	require.NoError(t, err)
	data := make([]byte, size)
	_, err = f.ReadAt(data, 0)
	require.NoError(t, err)
	return data
}

// An input that is not what it was ends the job; the text names it, and what is
// committed stays.
func TestChangedInput(t *testing.T) {
	data := numbers(150)
	files, _ := stopped(t, totals, data)
	for what, input := range map[string][]byte{"short": data[:len(data)/2], "empty": {}, "gone": nil} {
		t.Run(what, func(t *testing.T) {
			changed := with(files, inputFile, input)
			c, _ := resume(t, totals, changed, nil)
			require.False(t, c.Finished)
			require.Contains(t, c.Outcome, inputFile)
			requireUntouched(t, changed, c.Disk.Durable())
		})
	}
	t.Run("never there", func(t *testing.T) {
		c, _ := resume(t, totals, nil, nil)
		require.False(t, c.Finished)
		require.Contains(t, c.Outcome, `source "lines"`)
		require.Contains(t, c.Outcome, inputFile)
	})
}

// poisoned is totals with a function that panics on one record.
func poisoned(j *engine.Job) {
	bad := engine.Map(source(j), "poison", func(c count) count {
		if c.Second == 70 {
			panic(fmt.Sprintf("poison %v", c))
		}
		return c
	}, counts)
	sink(bad, "sink")
}

// A panic of the user's function restarts the job as often as configured; then it
// fails with the panic's text. Two runs agree to the last event.
func TestUserPanic(t *testing.T) {
	once := func() (*judged, []string) {
		config := quick()
		require.NoError(t, config.Set("restart-strategy.fixed-delay.attempts", "2"))
		var restarts []string
		c, violations := play(t, 3, cluster.JobOptions{
			Config: config, Job: poisoned, Workers: 2, Hardware: hardware(),
			Files: []cluster.File{{Name: inputFile, Data: numbers(150)}},
			Oracles: []sim.Oracle[host.Event]{listener(func(e *host.Event) {
				if e.Kind == host.Restarting {
					require.Equal(t, host.CauseUser, e.Cause)
					restarts = append(restarts, e.Text)
				}
			})},
		})
		require.Empty(t, violations)
		return c, restarts
	}
	c, restarts := once()
	require.Len(t, restarts, 2)
	for _, text := range append(restarts, c.Outcome) {
		require.Contains(t, text, "poison {k5 70}")
		require.Contains(t, text, "cluster_test.poisoned.func1 (damage_test.go:")
		require.NotContains(t, text, "0x")
		require.NotContains(t, text, "/damage_test.go")
	}
	require.Contains(t, c.Outcome, "(after 2 restarts, as configured)")
	again, texts := once()
	require.Equal(t, c.hash, again.hash)
	require.Equal(t, restarts, texts)
	require.Equal(t, c.Outcome, again.Outcome)
}

// listener is an oracle that only listens.
type listener func(e *host.Event)

// ID implements sim.Oracle.
func (listener) ID() string { return "listener" }

// OnEvent implements sim.Oracle.
func (l listener) OnEvent(_ *sim.World, e *host.Event) *sim.Violation {
	l(e)
	return nil
}

// OnEnd implements sim.Oracle.
func (listener) OnEnd(*sim.World) *sim.Violation { return nil }
