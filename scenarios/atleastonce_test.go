package scenarios

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/model"
)

func lines(s ...string) []string {
	for i := range s {
		s[i] = strings.ReplaceAll(s[i], " ", "\t")
	}
	return s
}

func TestCountedTwice(t *testing.T) {
	want := lines("a 1", "a 2", "b 1")
	licence := func(n uint64) *licences {
		return &licences{repeated: []model.Repetition{{Checkpoint: 3, Edge: "words->count", First: 7, Records: n}}}
	}
	for name, c := range map[string]struct {
		got    []string
		allows uint64
		extra  int64
		wrong  string
	}{
		"as licensed":       {lines("a 1", "a 2", "a 3", "b 1"), 1, 1, ""},
		"nothing repeated":  {want, 0, 0, ""},
		"one too many":      {lines("a 1", "a 2", "a 3", "b 1", "b 2"), 1, 2, "2 records were counted twice, but the restored checkpoints license exactly 1"},
		"licence not used":  {want, 1, 0, "0 records were counted twice"},
		"lost":              {lines("a 1", "b 1", "b 2"), 1, 1, `"a" was counted 1 times, the model says 2`},
		"committed twice":   {lines("a 1", "a 2", "a 2", "b 1"), 1, 1, `the counts of "a" are not 1 to 3, each once: in place of 3 there is 2`},
		"a gap":             {lines("a 1", "a 3", "b 1"), 0, 0, `in place of 2 there is 3`},
		"of an unknown key": {lines("a 1", "a 2", "b 1", "c 1"), 0, 1, "1 records were counted twice"},
		"not a count":       {append(lines("a 1", "a 2", "b 1"), "oops"), 0, 0, `line "oops" is not`},
	} {
		wrong, extra := countedTwice(want, c.got, licence(c.allows))
		require.Equal(t, c.extra, extra, name)
		if c.wrong == "" {
			require.Empty(t, wrong, name)
			continue
		}
		require.Contains(t, strings.Join(wrong, "\n"), c.wrong, name)
	}
}

// TestGoingBackTakesLicencesAway: what the older checkpoint does not hold is not repeated.
func TestGoingBackTakesLicencesAway(t *testing.T) {
	l := &licences{seen: map[uint64]bool{3: true, 5: true}, repeated: []model.Repetition{{Checkpoint: 3, Records: 4}, {Checkpoint: 5, Records: 2}}}
	l.back(4)
	require.EqualValues(t, 4, l.records())
	require.Equal(t, map[uint64]bool{3: true}, l.seen)
	l.back(0)
	require.False(t, l.any())
	require.Zero(t, l.records())
}

// TestRestoredTwiceLicensesOnce: an attempt that left nothing behind repeats nothing.
func TestRestoredTwiceLicensesOnce(t *testing.T) {
	cs := &cuts{edges: []model.Edge{{Name: "words->count", Channels: 1}}}
	m := &snapshot.Metadata{Checkpoint: 3, AtLeastOnce: true, Vertices: []snapshot.Vertex{
		{UIDs: []string{"words"}, Tasks: []snapshot.Task{{Out: []snapshot.ChannelPosition{{Record: 10}}}}},
		{UIDs: []string{"count"}, Tasks: []snapshot.Task{{In: []snapshot.ChannelPosition{{Record: 14}}}}},
	}}
	require.Empty(t, cs.check(m))
	l := &licences{}
	l.restored(cs, m)
	l.restored(cs, m)
	require.EqualValues(t, 4, l.records())
	require.Equal(t, []string{"records 10 to 13 of words->count 0->0, taken between the channel's barrier 3 and the last barrier of checkpoint 3"}, l.names())
	aligned := *m
	aligned.Checkpoint, aligned.AtLeastOnce = 4, false
	l.restored(cs, &aligned)
	require.EqualValues(t, 4, l.records(), "exactly once has no licence")
	require.NotEmpty(t, cs.check(&aligned))
}

// TestAtLeastOnceRepeatsWithinTheLicence: some seeds repeat, none loses, and all
// repeat exactly what their restored checkpoints license.
func TestAtLeastOnceRepeatsWithinTheLicence(t *testing.T) {
	repeated := 0
	for seed := range uint64(12) {
		r := simulate(t, RunOptions{Seed: seed, Mode: string(AtLeastOnce)})
		require.Equal(t, Pass, r.Verdict, "%s", r.Text())
		require.Equal(t, r.RecordsOut-r.Duplicates, int64(99935))
		if r.Duplicates > 0 {
			repeated++
			require.NotEmpty(t, r.Repeated)
		}
	}
	require.Positive(t, repeated, "the mode is not really used")
}

// TestOtherModesGoOnFromAnAtLeastOnceCheckpoint: what it holds twice stays, and no more
// comes.
func TestOtherModesGoOnFromAnAtLeastOnceCheckpoint(t *testing.T) {
	dir := t.TempDir()
	for seed := uint64(1); ; seed++ {
		require.Less(t, seed, uint64(20), "no checkpoint holds a record twice")
		at := dir + "/" + string(rune('a'+seed))
		simulate(t, RunOptions{Seed: seed, Mode: string(AtLeastOnce), Dir: at, StopAfter: 4})
		r := simulate(t, RunOptions{Seed: seed, Mode: string(Aligned), From: at})
		require.Equal(t, Pass, r.Verdict, "%s", r.Text())
		if r.Duplicates > 0 {
			return
		}
	}
}

// TestARepeatedChannelWithoutRecords: checkpoint 3 of this run is taken before a record
// has come again that the restored checkpoint 2 had taken behind its barrier; it is
// counted again once, not for both.
func TestARepeatedChannelWithoutRecords(t *testing.T) {
	r, err := Run(RunOptions{
		Scenario: "wordcount", Mode: string(AtLeastOnce), Seed: 460, Strategy: Swarm, Lines: 10,
		Set: []string{
			"parallelism.default=2", "taskmanager.numberOfTaskSlots=2", "pipeline.operator-chaining.enabled=false",
			"weir.task.quantum=1", "weir.batch.records=1", "weir.output.buffers=1", "taskmanager.network.memory.buffers-per-channel=1",
			"execution.buffer-timeout.interval=1ms", "execution.checkpointing.interval=10ms", "execution.checkpointing.num-retained=1",
			"restart-strategy.fixed-delay.delay=1ms",
		},
	})
	require.NoError(t, err)
	require.Equal(t, Pass, r.Verdict, "%s", r.Text())
}
