package scenarios

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim/cluster"
)

// crashAfter is how many changes of the disk come between the damage and the crash.
const crashAfter = 14

// damagedRun runs wordcount with chosen damage on the third completed checkpoint, and a
// crash of the JobManager behind it.
func damagedRun(t *testing.T, mode Mode, damage ...faults.Fault) (*Report, *cluster.Cluster) {
	t.Helper()
	r, err := prepare(RunOptions{Scenario: "damaged-checkpoint", Mode: string(mode), Seed: 3, Input: write(t, prose(1500)),
		Set: []string{"execution.checkpointing.interval=20ms", "weir.task.quantum=16", "execution.checkpointing.num-retained=3"}})
	require.NoError(t, err)
	r.world.plan, r.world.workers = nil, 2
	for _, f := range damage {
		f.When = faults.Trigger{On: "completed", Nth: 3, Changes: f.When.Changes}
		r.world.plan = append(r.world.plan, f)
	}
	r.world.plan = append(r.world.plan, faults.Fault{Name: "crash", Kind: faults.ProcessCrash, Target: "jm", For: 50 * time.Millisecond,
		When: faults.Trigger{On: "completed", Nth: 3, Changes: crashAfter}})
	rep, c, err := r.execute((*recording)(nil).observe)
	require.NoError(t, err)
	require.Equal(t, Pass, rep.Verdict, "%s", rep.Text())
	require.Empty(t, c.Unfired())
	return rep, c
}

func flipped(target, file string) faults.Fault {
	return faults.Fault{Name: target, Kind: faults.BitFlip, Target: target, File: file}
}

// TestDamagedNewest: exactly once the job fails and says so, as a pass; at least once it
// goes back to the checkpoint before.
func TestDamagedNewest(t *testing.T) {
	for _, mode := range bothModes {
		rep, c := damagedRun(t, mode, flipped(faults.Newest, snapshot.MetadataName))
		require.False(t, c.Finished)
		require.Contains(t, rep.Text(), "the job failed, as promised: checkpoint 3 is complete")
		require.Contains(t, rep.FailedAsPromised, "checkpoints/chk-3/_metadata: corrupt")
		require.Contains(t, rep.FailedAsPromised, "--from checkpoints/chk-2")
		require.Equal(t, 1, rep.Faults["bit-flip"])
		require.Positive(t, rep.RecordsOut, "%s", rep.Text())
		require.True(t, rep.watched.points[damagedFound] && rep.watched.points[failedAsPromised])
		require.False(t, rep.watched.points[fellBack] || rep.watched.points[noteAlone] || rep.watched.points[damageUnread])
	}
	rep, c := damagedRun(t, AtLeastOnce, flipped(faults.Newest, snapshot.MetadataName))
	require.True(t, c.Finished)
	require.Empty(t, rep.FailedAsPromised)
	require.Contains(t, rep.Repeated[len(rep.Repeated)-1], "what checkpoints 3 to 3 had committed: they were lost, and checkpoint 2 was restored")
	require.Positive(t, rep.Duplicates, "%s", rep.Text())
	require.True(t, rep.watched.points[fellBack])
}

// TestLostNewest: only the note knows of it.
func TestLostNewest(t *testing.T) {
	rep, _ := damagedRun(t, Aligned, faults.Fault{Name: "f1", Kind: faults.LostFile, Target: faults.Newest, File: faults.Whole})
	require.Contains(t, rep.FailedAsPromised, "checkpoints/chk-3/_metadata: file does not exist")
	require.True(t, rep.watched.points[noteAlone])
}

// TestDamagedTwice: the error names both, and the one that is left.
func TestDamagedTwice(t *testing.T) {
	rep, _ := damagedRun(t, Unaligned, flipped(faults.Newest, ""), flipped(faults.Previous, ""))
	require.Contains(t, rep.FailedAsPromised, "nor can older ones: checkpoints/chk-2/")
	require.Contains(t, rep.FailedAsPromised, "--from checkpoints/chk-1")
	rep, _ = damagedRun(t, AtLeastOnce, flipped(faults.Newest, ""), flipped(faults.Previous, ""))
	require.Contains(t, strings.Join(rep.Repeated, "\n"), "what checkpoints 2 to 3 had committed")
}

// TestDamagedAfterTheCheck: a task finds what recovery had found whole. Recovery looks
// again: it says what is left, or takes it.
func TestDamagedAfterTheCheck(t *testing.T) {
	late := faults.Fault{Name: "late", Kind: faults.TruncatedFile, Target: faults.Newest, When: faults.Trigger{On: "deploying", Nth: 2}}
	for _, mode := range []Mode{Aligned, AtLeastOnce} {
		found := 0
		for seed := uint64(1); seed <= 12; seed++ {
			r, err := prepare(RunOptions{Scenario: "damaged-checkpoint", Mode: string(mode), Seed: seed, Input: write(t, prose(800)),
				Set: []string{"execution.checkpointing.interval=20ms", "weir.task.quantum=16", "execution.checkpointing.num-retained=3"}})
			require.NoError(t, err)
			r.world.plan = faults.Plan{{Name: "crash", Kind: faults.ProcessCrash, Target: "tm1", For: 50 * time.Millisecond,
				When: faults.Trigger{On: "completed", Nth: 2}}, late}
			rep, _, err := r.execute((*recording)(nil).observe)
			require.NoError(t, err)
			require.Equal(t, Pass, rep.Verdict, "%s", rep.Text())
			if rep.watched.points[damagedLate] {
				found++
				require.Equal(t, mode == Aligned, rep.FailedAsPromised != "", "%s", rep.Text())
				require.Equal(t, mode == AtLeastOnce, rep.watched.points[fellBack], "%s", rep.Text())
			}
		}
		require.Positive(t, found, mode)
	}
}

// TestDamagedUnread: the output is exact.
func TestDamagedUnread(t *testing.T) {
	for _, mode := range bothModes {
		rep, c := damagedRun(t, mode, flipped(faults.Previous, ""))
		require.True(t, c.Finished)
		require.Zero(t, rep.Duplicates)
		require.True(t, rep.watched.points[damageUnread])
		require.False(t, rep.watched.points[damagedFound])
	}
}

// TestLineage: checkpoints 1 to 3 of the first attempt are complete, 3 is lost and 2 is
// restored; what 3 had committed comes again.
func TestLineage(t *testing.T) {
	l := &lineage{}
	first, second := stream.Attempt{Epoch: 1, Number: 1}, stream.Attempt{Epoch: 1, Number: 2}
	l.restore(first, 0, 0)
	for id := range uint64(3) {
		l.triggered(id + 1)
	}
	l.restore(second, 2, 3)
	l.triggered(4)
	part := func(name string, a stream.Attempt, checkpoint uint64, counts ...string) file.Part {
		return file.Part{Name: name, Attempt: a, Checkpoint: checkpoint, Lines: lines(counts...)}
	}
	all := []file.Part{part("p1", first, 1, "a 1"), part("p2", first, 2, "a 2"), part("p3", first, 3, "a 3", "b 1"), part("p4", second, 4, "a 3", "b 1", "b 2")}
	got, again, wrong := l.split(all)
	require.Equal(t, lines("a 1", "a 2", "a 3", "b 1", "b 2"), got)
	require.Equal(t, lines("a 3", "b 1"), again)
	require.Empty(t, wrong)
	require.Equal(t, []string{"what checkpoints 3 to 3 had committed: they were lost, and checkpoint 2 was restored"}, l.names())

	all[2] = part("p3", first, 3, "a 2", "b 1")
	_, _, wrong = l.split(all)
	require.Contains(t, strings.Join(wrong, "\n"), `up to checkpoint 3, which was lost: the counts of "a" are not 1 to 3`)
	all[2] = part("p5", first, 5, "a 3")
	_, _, wrong = l.split(all)
	require.Equal(t, []string{"p5 is committed, but its checkpoint was neither restored nor lost"}, wrong)
	l.restore(stream.Attempt{Epoch: 1, Number: 3}, 4, 4)
	require.Len(t, l.lost, 1, "nothing more was lost")
}

// TestTokens: what a job has committed that failed.
func TestTokens(t *testing.T) {
	k := tokens{}
	tell := func(kind host.EventKind, number uint32, task, name string, checkpoint uint64) {
		k.on(&host.Event{Kind: kind, Epoch: 1, Number: number, Subject: task, Text: name, Checkpoint: checkpoint})
	}
	k.restore(&host.Event{Epoch: 1, Number: 1})
	tell(host.SinkPreCommitted, 1, "s/0", "a1", 1)
	tell(host.SinkPreCommitted, 1, "s/1", "b1", 1)
	tell(host.SinkPreCommitted, 1, "s/0", "orphan", 2)
	k.restore(&host.Event{Epoch: 1, Number: 2, Checkpoint: 1})
	tell(host.SinkPreCommitted, 1, "s/0", "zombie", 1)
	tell(host.SinkPreCommitted, 2, "s/0", "a3", 3)
	tell(host.SinkPreCommitted, 2, "s/0", "a4", 4)
	tell(host.SinkCommitted, 2, "s/0", "a1", 1)
	part := func(name string, checkpoint uint64) file.Part { return file.Part{Name: name, Checkpoint: checkpoint} }
	a1, b1, a3, a4 := part("a1", 1), part("b1", 1), part("a3", 3), part("a4", 4)
	for _, c := range []struct {
		parts []file.Part
		wrong string
	}{
		{[]file.Part{a1}, ""},
		{[]file.Part{a1, b1, a3}, ""},
		{[]file.Part{a1, part("orphan", 2)}, "orphan is committed, but no checkpoint up to 3 owns it"},
		{[]file.Part{a1, part("zombie", 1)}, "zombie is committed, but no checkpoint up to 3 owns it"},
		{[]file.Part{a1, a3, a4}, "a4 is committed, but no checkpoint up to 3 owns it"},
		{[]file.Part{a3}, "a3 is committed, but a1 before it is not\na1 was committed, but is not there"},
		{nil, "a1 was committed, but is not there"},
	} {
		require.Equal(t, c.wrong, strings.Join(k.prefix(c.parts, 3, 0), "\n"))
	}
	require.False(t, k.all([]file.Part{a1, a3}, 3))
	require.True(t, k.all([]file.Part{a1, b1, a3}, 3))
	require.Empty(t, k.prefix([]file.Part{a1, part("before", 1)}, 3, 1), "of a job that it starts from")
}

func TestLinesFrom(t *testing.T) {
	data := []byte("ab\n\ncd")
	require.Equal(t, []string{"ab", "", "cd"}, linesFrom(data, 0, 6))
	require.Equal(t, []string{""}, linesFrom(data, 1, 4))
	require.Equal(t, []string{"cd"}, linesFrom(data, 4, 5))
	require.Empty(t, linesFrom(data, 2, 3))
}

// TestDamageAtTheVeryEnd: a file is damaged after the engine's last word.
func TestDamageAtTheVeryEnd(t *testing.T) {
	j := &judges{cluster: &cluster.Cluster{Injected: []cluster.Injection{{Damage: &cluster.Damage{Checkpoint: 1, File: "c/chk-1/_metadata"}}}}}
	d := &damages{judges: j}
	require.False(t, d.harmed("c/chk-1/_metadata"))
	require.Nil(t, d.OnEnd(nil))
	require.True(t, d.harmed("c/chk-1/_metadata"))
}

// TestDamageAtRest: what was damaged must show, and nothing else.
func TestDamageAtRest(t *testing.T) {
	_, c := damagedRun(t, AtLeastOnce)
	files := c.Disk.Node("observer")
	infos, err := files.List(checkpointDir)
	require.NoError(t, err)
	chk := checkpointDir + "/" + infos[0].Name
	m, err := snapshot.ReadMetadata(files, chk)
	require.NoError(t, err)
	state := chk + "/" + m.Vertices[0].Tasks[0].File
	harmed := func(names ...string) func(string) bool {
		return func(name string) bool { return strings.Contains(strings.Join(names, " "), name) }
	}
	require.Empty(t, atRest(files, checkpointDir, 3, harmed()))
	require.Equal(t, []string{state + " was damaged, and reads as if it were whole"}, atRest(files, checkpointDir, 3, harmed(state)))
	require.NoError(t, c.Disk.Truncate(state, 1))
	require.Empty(t, atRest(files, checkpointDir, 3, harmed(state)))
	require.Contains(t, messagesOf(atRest(files, checkpointDir, 3, harmed())), state+" is dangling")
	require.Equal(t, []string{chk + "/_metadata was damaged, and reads as if it were whole"}, atRest(files, checkpointDir, 3, harmed(state, chk+"/_metadata")))
	require.NoError(t, c.Disk.Lose(chk+"/_metadata"))
	require.Empty(t, atRest(files, checkpointDir, 3, harmed(chk+"/_metadata")))
}

// lines is lines of "key count" texts, with the tab that the sink writes.
func lines(counts ...string) (all []string) {
	for _, c := range counts {
		all = append(all, strings.ReplaceAll(c, " ", "\t"))
	}
	return all
}
