package master

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/snapshot"
)

func TestNoteKeepsTheNewest(t *testing.T) {
	m := newMemory()
	require.NoError(t, fs.MkdirAllSynced(m, "ha"))
	ids, err := noted(m, "nowhere")
	require.NoError(t, err)
	require.Empty(t, ids)
	for _, id := range []uint64{9, 10, 10, 11} {
		require.NoError(t, note(m, "ha", id))
		ids, err := noted(m, "ha")
		require.NoError(t, err)
		require.Equal(t, []uint64{id}, ids)
	}
	require.NoError(t, note(m, "ha", 4), "an older checkpoint that the user chose")
	ids, err = noted(m, "ha")
	require.NoError(t, err)
	require.ElementsMatch(t, []uint64{4, 11}, ids)
}

// TestCheckpointsThatVanished: the note outlives the checkpoints, so that a job never
// starts again from nothing, or from an older checkpoint, under a committing sink.
func TestCheckpointsThatVanished(t *testing.T) {
	for name, left := range map[string][]uint64{"all": nil, "the newest": {1, 2}} {
		m := newMemory()
		require.NoError(t, fs.MkdirAllSynced(m, "ha"))
		checkpointed(t, m, "chk", left...)
		require.NoError(t, note(m, "ha", 3))
		_, err := choose(m, "ha", "chk", "", 0, true)
		var unusable *UnusableError
		require.ErrorAs(t, err, &unusable, name)
		require.EqualValues(t, 3, unusable.Checkpoint)
		require.ErrorContains(t, err, "chk/chk-3")
		c, err := choose(m, "ha", "chk", "", 0, false)
		require.NoError(t, err, "nothing was committed")
		require.EqualValues(t, 3, c.Seen, "its id is not used again")
	}
}

func TestWhatIsChosenIsNoted(t *testing.T) {
	m := newMemory()
	require.NoError(t, fs.MkdirAllSynced(m, "ha"))
	checkpointed(t, m, "chk", 1, 2)
	c, err := choose(m, "ha", "chk", "", 0, true)
	require.NoError(t, err)
	require.EqualValues(t, 2, c.Metadata.Checkpoint)
	ids, err := noted(m, "ha")
	require.NoError(t, err)
	require.Equal(t, []uint64{2}, ids)
}

// TestSealedOnlyWithItsNote: without the note nobody may be told, since a commit
// would have nothing to show that the checkpoint was complete.
func TestSealedOnlyWithItsNote(t *testing.T) {
	m := newMemory()
	md := &snapshot.Metadata{Checkpoint: 5}
	o := sealed(m, "ha", outcome{sealed: true, metadata: md})
	require.True(t, o.unknown, "the directory of the notes is missing: %+v", o)
	require.NoError(t, fs.MkdirAllSynced(m, "ha"))
	require.True(t, sealed(m, "ha", outcome{sealed: true, metadata: md}).sealed)
	require.Equal(t, outcome{err: "disk full"}, sealed(m, "ha", outcome{err: "disk full"}))
	_, err := m.Stat("ha/completed-5")
	require.NoError(t, errors.Unwrap(err))
}

// TestOldNoteThatStays: that an older note can't be removed keeps no checkpoint from
// being complete.
func TestOldNoteThatStays(t *testing.T) {
	m := newMemory()
	require.NoError(t, fs.MkdirAllSynced(m, "ha"))
	require.NoError(t, note(m, "ha", 1))
	m.before = func(call string) {
		if call == "remove ha/completed-1" {
			m.failAt, m.err = m.calls, errDisk
		}
	}
	require.NoError(t, note(m, "ha", 2))
	ids, err := noted(m, "ha")
	require.NoError(t, err)
	require.ElementsMatch(t, []uint64{1, 2}, ids)
	m.before = nil
	require.NoError(t, note(m, "ha", 3))
	ids, err = noted(m, "ha")
	require.NoError(t, err)
	require.Equal(t, []uint64{3}, ids)
}
