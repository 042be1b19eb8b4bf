package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/graph"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/model"
)

// numbers reads "a 1, a 2" and the like.
func numbers(text string) (out []numbered) {
	for _, part := range strings.Split(text, ", ") {
		var n numbered
		_, err := fmt.Sscanf(part, "%s %d", &n.key, &n.n)
		if err == nil {
			out = append(out, n)
		}
	}
	return out
}

func TestCounting(t *testing.T) {
	want := numbers("a 1, a 2, b 1")
	for name, c := range map[string]struct {
		got                string
		known, open, taken int64 // of a, and by the one subtask
		back               int
		extra              int64
		wrong              string
	}{
		"nothing repeated":   {"a 1, b 1, a 2", 0, 0, 0, 0, 0, ""},
		"known":              {"a 1, a 2, a 3, b 1", 1, 0, 0, 0, 1, ""},
		"another than known": {"a 1, a 2, b 1, b 2", 1, 0, 0, 0, 1, `"a" was counted 2 times, the model says 2 and the restored checkpoints 1 more`},
		"one too many":       {"a 1, a 2, a 3, b 1, b 2", 1, 0, 0, 0, 2, `"b" was counted 2 times, the model says 1 and the restored checkpoints license 0 more`},
		"open":               {"a 1, a 2, b 1, b 2", 0, 1, 0, 0, 1, ""},
		"open, not used":     {"a 1, a 2, b 1", 0, 1, 0, 0, 0, "0 records of keys that no source decides were counted again by count/0, but the restored checkpoints license exactly 1"},
		"open, too many":     {"a 1, a 2, a 3, b 1, b 2", 0, 1, 0, 0, 2, "2 records of keys that no source decides were counted again"},
		"lost":               {"a 1, b 1, b 2", 0, 1, 0, 0, 0, `"a" was counted 1 times, the model says 2: at least once loses nothing`},
		"lost altogether":    {"a 1, a 2", 0, 0, 0, 0, -1, `"b" was counted 0 times`},
		"committed twice":    {"a 1, a 2, a 2, b 1", 0, 0, 0, 0, 1, "1 of its lines were committed twice by count/0, but the restored checkpoints license exactly 0"},
		"taken":              {"a 1, a 2, a 1, a 2, b 1", 0, 0, 2, 1, 2, ""},
		"taken, not used":    {"a 1, a 2, b 1", 0, 0, 2, 1, 0, "0 of its lines were committed twice"},
		"back too often":     {"a 1, a 1, a 1, a 2, b 1", 0, 0, 2, 1, 2, `the counts of "a" go back 2 times, licensed are 1`},
		"back for good":      {"a 1, a 2, a 1, b 1", 0, 0, 1, 1, 1, `the counts of "a" go back to end with 1, having been at 2`},
		"a gap":              {"a 2, a 1, b 1", 0, 0, 0, 1, 0, `"a" has 2 behind 0: what is between is lost or out of order`},
		"of an unknown key":  {"a 1, a 2, b 1, c 1", 0, 0, 0, 0, 1, `"c" was counted 1 times, the model says 0`},
	} {
		l := &licences{}
		k := l.counting(&graph.Graph{Nodes: []*graph.Node{{UID: "count", Parallelism: 1, MaxParallelism: 128}}}, "count", "count")
		k.known["a"], k.open[0], k.taken[0], k.back[0] = c.known, c.open, c.taken, c.back
		slices.Reverse(k.open) // of one subtask
		wrong, extra := k.check(want, numbers(c.got))
		require.Equal(t, c.extra, extra, name)
		if c.wrong == "" {
			require.Empty(t, wrong, name)
			continue
		}
		require.Contains(t, strings.Join(wrong, "\n"), c.wrong, name)
	}

	// From a checkpoint that may hold records twice, the licences are the least.
	l := &licences{inherited: true}
	k := l.counting(&graph.Graph{Nodes: []*graph.Node{{UID: "count", Parallelism: 1, MaxParallelism: 128}}}, "count", "count")
	k.open[0] = 1
	for got, wrong := range map[string]string{ // unordered: each by itself
		"a 3, a 1, b 1, a 2, a 2, a 1": "",
		"a 1, a 2, b 1":                "0 records of keys",
		"a 3, a 1, b 1":                `"a" has 3 behind 1`,
		"a 1, a 2, a 3":                `"b" was counted 0 times`,
	} {
		found, _ := k.check(want, numbers(got))
		require.Contains(t, strings.Join(found, "\n"), wrong)
		require.Equal(t, wrong == "", len(found) == 0, "%s: %q", got, found)
	}
}

// TestGoingBackTakesLicencesAway: what the older checkpoint does not hold is not repeated.
func TestGoingBackTakesLicencesAway(t *testing.T) {
	l := &licences{seen: map[uint64]bool{3: true, 5: true}, repeated: []licence{
		{Repetition: model.Repetition{Checkpoint: 3, Edge: "e", Records: 4}}, {Repetition: model.Repetition{Checkpoint: 5, Edge: "e", Records: 2}},
	}}
	l.back(4)
	require.EqualValues(t, 4, l.records("e"))
	require.Equal(t, map[uint64]bool{3: true}, l.seen)
	l.back(0)
	require.False(t, l.any())
	require.Zero(t, l.records("e"))
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
	require.EqualValues(t, 4, l.records("words->count"))
	require.Equal(t, []string{"records 10 to 13 of words->count 0->0, taken between the channel's barrier 3 and the last barrier of checkpoint 3"}, l.names())
	aligned := *m
	aligned.Checkpoint, aligned.AtLeastOnce = 4, false
	l.restored(cs, &aligned)
	require.EqualValues(t, 4, l.records("words->count"), "exactly once has no licence")
	require.NotEmpty(t, cs.check(&aligned))
}

// dealtJob is lines that are dealt to two subtasks, and words that are counted.
func dealtJob(t *testing.T) (*cuts, *graph.Graph) {
	s := rebalanceBroadcast()
	c, err := s.Config(AtLeastOnce, nil)
	require.NoError(t, err)
	g, err := engine.Describe(c, s.Job(nil))
	require.NoError(t, err)
	return newCuts(g, c, []byte("a\nb\nc\nd\ne\nf\ng\nh\n")), g
}

// TestLicencesNameRecords: which records a channel of a rebalance carries again follows
// from where its attempt began to deal.
func TestLicencesNameRecords(t *testing.T) {
	cs, g := dealtJob(t)
	edge := cs.edge("lines->words")
	require.NotNil(t, edge)
	require.Equal(t, 2, g.Node("words").Parallelism)
	at := func(checkpoint, emitted int64, sent, taken uint64) *snapshot.Metadata {
		m := &snapshot.Metadata{Checkpoint: uint64(checkpoint), AtLeastOnce: true, Attempt: stream.Attempt{Epoch: 1, Number: 1}}
		for _, v := range cs.plan.Vertices {
			sv := snapshot.Vertex{Tasks: make([]snapshot.Task, v.Parallelism)}
			for _, n := range v.Chain {
				sv.UIDs = append(sv.UIDs, n.UID)
			}
			if v == edge.From {
				sv.Tasks[1].Sources = []connect.Position{{Start: 2, End: 14, Next: 2 + 2*emitted, Emitted: emitted}}
				sv.Tasks[1].Out = []snapshot.ChannelPosition{{Edge: edge.Index, Peer: 0, Record: sent}}
			}
			if v == edge.To {
				sv.Tasks[0].In = []snapshot.ChannelPosition{{Edge: edge.Index, Peer: 1, Record: taken}}
			}
			m.Vertices = append(m.Vertices, sv)
		}
		return m
	}
	first := &licences{}
	first.restored(cs, at(3, 3, 1, 3)) // the lines b to g are dealt from subtask 1 on: 0 gets c, e, g
	require.Equal(t, []any{"e", "g"}, first.repeated[0].values)
	require.Equal(t, []string{`records 1 to 2 of lines->words 1->0, taken between the channel's barrier 3 and the last barrier of checkpoint 3: "e", "g"`}, first.names())

	later := &licences{}
	later.deployed(cs, stream.Attempt{Epoch: 1, Number: 1}, at(2, 1, 0, 0)) // c to g are dealt from 1 on: 0 gets d, f
	later.deployed(cs, stream.Attempt{Epoch: 1, Number: 2}, at(3, 3, 1, 2))
	require.Equal(t, []any{"f"}, later.repeated[0].values)

	inherited := &licences{inherited: true}
	inherited.restored(cs, at(3, 3, 1, 3))
	require.Nil(t, inherited.repeated[0].values, "where the attempt began is not known")
	require.Empty(t, inherited.values(func(any) { t.Fatal("a value") }, "lines->words"))

	wrong := &licences{}
	wrong.restored(cs, at(3, 3, 1, 9))
	require.Contains(t, strings.Join(wrong.verdict(), "\n"), "there are only 3 records that the source sends there")
}

// judgement is what the check of a scenario was given in runs that repeated something.
type judgement struct {
	g         *graph.Graph
	want, got []string
	l         *licences
}

// repeating is runs in at-least-once mode that repeated something, all of which pass.
func repeating(t *testing.T, s *Scenario, runs int) (all []judgement) {
	t.Helper()
	check := s.Repeats
	s.Repeats = func(g *graph.Graph, want, got []string, l *licences) ([]string, int64) {
		wrong, extra := check(g, want, got, l)
		if extra > 0 {
			all = append(all, judgement{g, want, got, l})
		}
		return wrong, extra
	}
	is := &inputs{}
	input := write(t, prose(1000))
	for seed := range uint64(runs) {
		r, err := s.prepare(RunOptions{Scenario: s.Name, Mode: string(AtLeastOnce), Seed: seed, Strategy: Portfolio, Input: input, Lines: 300, inputs: is})
		require.NoError(t, err)
		rep, _, err := r.execute((*recording)(nil).observe)
		require.NoError(t, err)
		require.Equal(t, Pass, rep.Verdict, "%s", rep.Text())
		if rep.Duplicates > 0 {
			require.NotEmpty(t, rep.Repeated, "each has its licence")
		}
	}
	s.Repeats = check
	return all
}

// TestAtLeastOnceRepeatsWithinTheLicence: in each scenario some seeds repeat, none loses,
// and all repeat what their restored checkpoints license. A line less or more, or one
// licence less, is seen.
func TestAtLeastOnceRepeatsWithinTheLicence(t *testing.T) {
	for _, s := range All() {
		t.Run(s.Name, func(t *testing.T) {
			require.Contains(t, s.Modes, AtLeastOnce)
			all := repeating(t, s, 24)
			require.NotEmpty(t, all, "the mode is not really used")
			for i, j := range all {
				wrong := func(got []string, l *licences) []string {
					found, _ := s.Repeats(j.g, j.want, got, l)
					return found
				}
				at := (i * 7919) % len(j.got)
				require.NotEmpty(t, wrong(slices.Delete(slices.Clone(j.got), at, at+1), j.l), "lost: %q", j.got[at])
				require.NotEmpty(t, wrong(append(slices.Clone(j.got), "Alert: no line of the job"), j.l))
				if s.Name == "allround" && j.l.records("map->check") > 0 {
					continue // a timer may or may not have fired again: see the next test
				}
				again := slices.Insert(slices.Clone(j.got), at, j.got[at])
				if strings.HasPrefix(j.got[at], "timer") {
					continue
				}
				require.NotEmpty(t, wrong(again, j.l), "twice: %q", j.got[at])
				none := *j.l
				none.repeated = nil
				require.NotEmpty(t, wrong(j.got, &none), "repeated without a licence")
			}
		})
	}
}

// TestOtherModesGoOnFromAnAtLeastOnceCheckpoint: what it holds twice stays, and no more
// comes.
func TestOtherModesGoOnFromAnAtLeastOnceCheckpoint(t *testing.T) {
	input := write(t, prose(4000))
	for _, s := range All() {
		if s.Damaged {
			continue // its disk may be left with damage
		}
		t.Run(s.Name, func(t *testing.T) {
			dir, twice := t.TempDir(), 0
			for seed := uint64(1); twice == 0; seed++ {
				require.Less(t, seed, uint64(60), "no checkpoint holds a record twice")
				at := dir + "/" + fmt.Sprint(seed)
				o := RunOptions{Scenario: s.Name, Mode: string(AtLeastOnce), Seed: seed, Input: input, Dir: at, StopAfter: 2 + int(seed%4)}
				r, err := Run(o)
				require.NoError(t, err)
				if !r.Stopped {
					continue
				}
				r, err = Run(RunOptions{Scenario: s.Name, Mode: string(bothModes[seed%2]), Seed: seed, Input: input, From: at})
				require.NoError(t, err)
				require.Equal(t, Pass, r.Verdict, "%s", r.Text())
				if r.Duplicates > 0 {
					twice++
				}
			}
		})
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
