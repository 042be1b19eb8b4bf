package scenarios

import (
	"bytes"
	"fmt"
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/operator"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/model"
)

// stopped is a run that ends as a power cut after some checkpoints, its judges, and its
// newest checkpoint.
func stopped(t *testing.T, s *Scenario, m Mode, seed uint64) (*judges, *stored) {
	t.Helper()
	r, err := s.prepare(RunOptions{Scenario: s.Name, Mode: string(m), Seed: seed, Input: write(t, prose(150)), StopAfter: 3})
	require.NoError(t, err)
	rep, c, err := r.execute((*recording)(nil).observe)
	require.NoError(t, err)
	require.Equal(t, Pass, rep.Verdict, rep.Text())
	j := newJudges(r)
	j.cluster = c
	j.oracles()
	j.cuts = newCuts(c.Graph, r.config, r.data)
	disk := c.Disk.Durable()
	dirs, err := disk.List(r.config.CheckpointDir)
	require.NoError(t, err)
	var newest *snapshot.Metadata
	for _, d := range dirs {
		if m, err := snapshot.ReadMetadata(disk, path.Join(r.config.CheckpointDir, d.Name)); err == nil && (newest == nil || m.Checkpoint > newest.Checkpoint) {
			newest = m
		}
	}
	require.NotNil(t, newest)
	j.states.plan, j.states.codecs = c.Graph.Plan(r.config.Chaining), codecsOf(c.Graph)
	st, wrong := readStored(disk, r.config.CheckpointDir, j.states.plan, j.states.codecs, newest)
	require.Empty(t, wrong)
	return j, st
}

// TestContentOfOtherInput: a checkpoint agrees with the reference, and with that of an
// input in which a word of the first line is another it does not, in every scenario and
// mode that promises so much.
func TestContentOfOtherInput(t *testing.T) {
	for _, s := range All() {
		for _, m := range s.Modes {
			if !s.CutContent || s.Damaged || m == AtLeastOnce && s.Ahead == nil {
				continue
			}
			t.Run(fmt.Sprintf("%s %s", s.Name, m), func(t *testing.T) {
				j, st := stopped(t, s, m, 2)
				wrong, err := (&contentOracle{judges: j}).check(st)
				require.NoError(t, err)
				require.Empty(t, wrong)

				j.run.data = bytes.Replace(j.run.data, []byte(" "), []byte("q"), 1)
				wrong, err = (&contentOracle{judges: j}).check(st)
				require.NoError(t, err)
				require.NotEmpty(t, wrong)
				require.Contains(t, messagesOf(wrong), fmt.Sprintf("checkpoint %d", st.meta.Checkpoint))
			})
		}
	}
}

// TestContentThatIsLost: state or output less than the reference is found where more of
// it may come again.
func TestContentThatIsLost(t *testing.T) {
	j, st := stopped(t, wordcount(), AtLeastOnce, 2)
	o := &contentOracle{judges: j}
	wrong, err := o.check(st)
	require.NoError(t, err)
	require.Empty(t, wrong)
	require.NoError(t, o.it.Feed("lines", []model.Record{{Value: "unheard"}}))
	wrong, err = o.check(st)
	require.NoError(t, err)
	require.Contains(t, messagesOf(wrong), "1 keys are missing from its state")
	require.Contains(t, messagesOf(wrong), `"unheard\t1" was never committed`)
}

// asSeen is a view of stored state.
type asSeen []struct {
	uid   string
	entry operator.Entry
}

func (asSeen) Positions() *snapshot.Positions { return &snapshot.Positions{} }

func (v asSeen) Entries(yield func(uid string, e operator.Entry) bool) {
	for _, e := range v {
		if !yield(e.uid, e.entry) {
			return
		}
	}
}

// TestStateThatDiffers: an entry that is not as it was seen is named.
func TestStateThatDiffers(t *testing.T) {
	j, st := stopped(t, wordcount(), Aligned, 2)
	o := &j.states
	var tried int
	for i := range st.tasks {
		var v asSeen
		require.NoError(t, st.tasks[i].each(func(uid string, e operator.Entry) {
			v = append(v, struct {
				uid   string
				entry operator.Entry
			}{uid, e})
		}))
		at := taskAt{7, st.tasks[i].name}
		o.seen[at] = o.look(v)
		require.Empty(t, o.compare(7, &st.tasks[i]))
		if len(v) == 0 || v[0].entry.Kind != operator.KeyedValue {
			continue
		}
		tried++
		e := &v[0].entry
		key, value := e.Text()
		was := e.Value
		e.Value = append(bytes.Clone(was[:len(was)-1]), 99)
		_, other := e.Text()
		o.seen[at] = o.look(v)
		wrong := o.compare(7, &st.tasks[i])
		require.Equal(t, fmt.Sprintf(`operator "count", state "reduced", key %s: %s, must be %s`, key, value, other), wrong[1])

		e.Value = was
		o.seen[at] = o.look(v[1:])
		wrong = o.compare(7, &st.tasks[i])
		require.Equal(t, fmt.Sprintf(`operator "count", state "reduced", key %s: %s, must be nothing`, key, value), wrong[1])
	}
	require.NotZero(t, tried)
	require.Contains(t, o.compare(8, &st.tasks[0])[0], "took no snapshot for it")
}

// TestFilesThatDifferFromTheMetadata: positions and in-flight data are compared.
func TestFilesThatDifferFromTheMetadata(t *testing.T) {
	j, st := stopped(t, wordcount(), Unaligned, 9)
	require.NotZero(t, st.records(), "nothing is in flight: another seed is needed")
	check := func() string {
		_, wrong := readStored(j.cluster.Disk.Durable(), j.run.config.CheckpointDir, j.states.plan, j.states.codecs, st.meta)
		return messagesOf(wrong)
	}
	positions := func(f func(p *snapshot.ChannelPosition)) {
		for _, v := range st.meta.Vertices {
			for i := range v.Tasks {
				for k := range v.Tasks[i].In {
					f(&v.Tasks[i].In[k])
				}
				for k := range v.Tasks[i].Out {
					f(&v.Tasks[i].Out[k])
				}
			}
		}
	}
	positions(func(p *snapshot.ChannelPosition) { p.Record++ })
	require.Contains(t, check(), "the file says record")
	positions(func(p *snapshot.ChannelPosition) { p.Record--; p.InFlight++ })
	require.Contains(t, check(), "records are in flight, the metadata says 1")
	positions(func(p *snapshot.ChannelPosition) { p.InFlight--; p.First += 3 })
	require.Regexp(t, `in flight is record \d+ where \d+ must be`, check())
	positions(func(p *snapshot.ChannelPosition) { p.First -= 3 })
	require.Empty(t, check())
	st.meta.Vertices[0].Tasks[0].File = "other"
	require.Contains(t, check(), "is complete, but the state of lines/0 can't be read")
}

// TestSharesAreOfTheSeed: what is looked into hangs on the seed alone, and of a small
// input everything is.
func TestSharesAreOfTheSeed(t *testing.T) {
	j := &judges{run: &run{data: make([]byte, largeInput-1)}}
	require.True(t, j.computes())
	for id := range uint64(20) {
		require.True(t, j.looksInto(id))
	}
	j.run.data = make([]byte, largeInput)
	looked, computed := 0, 0
	for seed := range uint64(1200) {
		j.run.o.Seed = seed
		if j.looksInto(seed % 7) {
			looked++
		}
		if j.computes() {
			computed++
		}
	}
	require.InDelta(t, 1200/ofCheckpoints, looked, 60)
	require.InDelta(t, 1200/ofRuns, computed, 60)
}
