package master

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
)

var errDisk = errors.New("input/output error")

// checkpointed adds complete checkpoints of one task to a file system.
func checkpointed(t *testing.T, m *memory, root string, ids ...uint64) {
	t.Helper()
	for _, id := range ids {
		dir := snapshot.Dir(root, id)
		require.NoError(t, fs.MkdirAllSynced(m, dir))
		size, sum, err := snapshot.WriteTask(m, dir, "task-0-0", &snapshot.TaskState{})
		require.NoError(t, err)
		require.NoError(t, snapshot.WriteMetadata(m, dir, &snapshot.Metadata{
			Job: "job", Checkpoint: id, Attempt: stream.Attempt{Epoch: 1, Number: 1},
			Vertices: []snapshot.Vertex{{UIDs: []string{"src"}, Parallelism: 1, MaxParallelism: 128,
				Tasks: []snapshot.Task{{File: "task-0-0", Size: size, Sum: sum}}}},
		}))
	}
}

const missingTask = "read chk/chk-10/task-0-0: chk/chk-10/task-0-0: file does not exist"

func TestChoose(t *testing.T) {
	cut := func(name string, n int) func(m *memory) {
		return func(m *memory) { m.files[name] = m.files[name][:n:n] }
	}
	flip := func(name string, at int) func(m *memory) {
		return func(m *memory) { m.files[name][at] ^= 1 }
	}
	remove := func(names ...string) func(m *memory) {
		return func(m *memory) {
			for _, name := range names {
				delete(m.files, name)
			}
		}
	}
	const failed = "checkpoint 10 is complete, and its output may be committed, but it can't be restored: "
	const advice = "; to restore the older chk-9 and accept duplicate output, start again with --from chk/chk-9"
	for _, c := range []struct {
		name      string
		completed []uint64
		damage    func(m *memory)
		from      string
		known     uint64
		want      uint64 // checkpoint chosen by a committing job, 0 for none
		err       string // what stops a committing job; it ends in it
		corrupt   string // in what another job has passed over
		without   uint64 // checkpoint chosen by another job, if err is set
	}{
		{name: "fresh"},
		{name: "one", completed: []uint64{3}, want: 3},
		{name: "by number", completed: []uint64{10, 9, 2}, want: 10},
		{name: "known", completed: []uint64{9, 10}, known: 10, want: 10},
		{name: "newer than known", completed: []uint64{9, 10}, known: 9, want: 10},
		{
			name: "flipped metadata", completed: []uint64{9, 10}, damage: flip("chk/chk-10/_metadata", 40),
			err: advice, corrupt: "chk/chk-10/_metadata: corrupt: checksum of bytes 0 to", without: 9,
		},
		{
			name: "empty metadata", completed: []uint64{9, 10}, damage: cut("chk/chk-10/_metadata", 0),
			err: failed + "chk/chk-10/_metadata: corrupt: cut short at byte 0, in the header" + advice, corrupt: "cut short", without: 9,
		},
		{
			name: "missing task file", completed: []uint64{9, 10}, damage: remove("chk/chk-10/task-0-0"),
			err: failed + missingTask + advice, corrupt: missingTask, without: 9,
		},
		{
			name: "short task file", completed: []uint64{9, 10}, damage: cut("chk/chk-10/task-0-0", 12),
			err: failed + "chk/chk-10/task-0-0: corrupt: cut short at byte 12, in the header of 21 bytes" + advice, corrupt: "cut short", without: 9,
		},
		{
			name: "flipped task file", completed: []uint64{9, 10}, damage: flip("chk/chk-10/task-0-0", 23),
			err: advice, corrupt: "chk/chk-10/task-0-0: corrupt: checksum", without: 9,
		},
		{
			name: "the only one damaged", completed: []uint64{10}, damage: remove("chk/chk-10/task-0-0"),
			err: failed + missingTask + "; there is no older checkpoint", corrupt: missingTask,
		},
		{
			name: "older ones damaged too", completed: []uint64{8, 9, 10}, damage: remove("chk/chk-10/task-0-0", "chk/chk-9/task-0-0"),
			err: failed + missingTask + "; nor can older ones: " + strings.ReplaceAll(missingTask, "chk-10", "chk-9") +
				"; to restore the older chk-8 and accept duplicate output, start again with --from chk/chk-8", corrupt: missingTask, without: 8,
		},
		{
			name: "known but gone", completed: []uint64{8, 9}, known: 10,
			err: failed + "chk/chk-10/_metadata: file does not exist" + advice, corrupt: "chk/chk-10/_metadata: file does not exist", without: 9,
		},
		{
			name: "all gone", known: 10,
			err: failed + "chk/chk-10/_metadata: file does not exist; there is no older checkpoint", corrupt: "chk/chk-10/_metadata: file does not exist",
		},
		{
			name: "the user has chosen", completed: []uint64{8, 9, 10}, damage: remove("chk/chk-10/task-0-0"),
			from: "chk/chk-9/", want: 9,
		},
		{
			name: "the user has chosen an older one", completed: []uint64{8, 9, 10}, damage: remove("chk/chk-10/task-0-0"),
			from: "chk/chk-8", want: 8,
		},
		{name: "the user's choice is of the past", completed: []uint64{8, 9, 10}, from: "chk/chk-8", want: 10},
		{
			name: "the user has chosen a damaged one", completed: []uint64{8, 9, 10}, damage: remove("chk/chk-10/task-0-0", "chk/chk-9/task-0-0"),
			from: "chk/chk-9", err: "start again with --from chk/chk-8", corrupt: missingTask, without: 8,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMemory()
			checkpointed(t, m, "chk", c.completed...)
			if c.damage != nil {
				c.damage(m)
			}
			choice, err := Choose(m, "chk", c.from, c.known, true)
			if c.err == "" {
				require.NoError(t, err)
				requireChosen(t, c.want, choice)
				return
			}
			var unusable *UnusableError
			require.ErrorAs(t, err, &unusable)
			require.EqualValues(t, 10, unusable.Checkpoint)
			require.True(t, strings.HasSuffix(err.Error(), c.err), "%s", err)
			require.True(t, isDamage(err))
			choice, err = Choose(m, "chk", c.from, c.known, false)
			require.NoError(t, err)
			requireChosen(t, c.without, choice)
			require.Contains(t, strings.Join(choice.Corrupt, "\n"), c.corrupt)
		})
	}
}

func requireChosen(t *testing.T, want uint64, c *Choice) {
	t.Helper()
	if want == 0 {
		require.Nil(t, c.Metadata)
		return
	}
	require.NotNil(t, c.Metadata)
	require.Equal(t, want, c.Metadata.Checkpoint)
	require.Equal(t, snapshot.Dir("chk", want), c.Dir)
}

func TestChooseListsWhatItSaw(t *testing.T) {
	m := newMemory()
	checkpointed(t, m, "chk", 9, 10, 11, 12)
	delete(m.files, "chk/chk-11/_metadata")
	delete(m.files, "chk/chk-12/_metadata")
	delete(m.files, "chk/chk-12/task-0-0")
	for _, other := range []string{"chk/chk-013", "chk/chk-x", "chk/savepoint-14"} {
		m.files[other] = nil
	}
	m.log = nil
	c, err := Choose(m, "chk", "", 0, true)
	require.NoError(t, err)
	require.Equal(t, []uint64{9, 10}, c.Completed)
	require.Equal(t, []uint64{11, 12}, c.Incomplete)
	require.EqualValues(t, 12, c.Seen)
	require.Empty(t, c.Corrupt)
	require.Equal(t, []string{"syncdir chk/chk-10", "syncdir chk"}, m.log[len(m.log)-2:], "what was found must be durable")
}

func TestChooseExternal(t *testing.T) {
	m := newMemory()
	checkpointed(t, m, "old", 7)
	c, err := Choose(m, "chk", "old/chk-7", 0, true)
	require.NoError(t, err)
	require.EqualValues(t, 7, c.Metadata.Checkpoint)
	require.Equal(t, "old/chk-7", c.Dir)
	require.EqualValues(t, 7, c.Seen, "ids go on above it")
	require.Empty(t, c.Completed)

	_, err = Choose(m, "chk", "old/chk-8", 0, true)
	require.EqualError(t, err, "the checkpoint to start from can't be restored: "+
		"read old/chk-8/_metadata: old/chk-8/_metadata: file does not exist")
	require.True(t, isDamage(err))

	checkpointed(t, m, "chk", 1)
	c, err = Choose(m, "chk", "old/chk-8", 0, true)
	require.NoError(t, err, "a job with checkpoints of its own needs no other")
	require.EqualValues(t, 1, c.Metadata.Checkpoint)
}

// What was passed over is no checkpoint to keep in place of a good one, and is removed
// when a newer one is complete.
func TestChoosePassesOver(t *testing.T) {
	m := newMemory()
	checkpointed(t, m, "chk", 7, 8, 9, 10)
	for _, id := range []string{"8", "10"} {
		m.files["chk/chk-"+id+"/_metadata"] = nil
	}
	c, err := Choose(m, "chk", "", 10, false)
	require.NoError(t, err)
	require.EqualValues(t, 9, c.Metadata.Checkpoint)
	require.Equal(t, []uint64{7, 8, 9}, c.Completed, "the others were not read")
	require.Equal(t, []uint64{10}, c.Damaged)
	for _, id := range []string{"7", "9"} {
		m.files["chk/chk-"+id+"/_metadata"] = nil
	}
	c, err = Choose(m, "chk", "", 10, false)
	require.NoError(t, err)
	require.Nil(t, c.Metadata)
	require.Empty(t, c.Completed)
	require.Equal(t, []uint64{10, 9, 8, 7}, c.Damaged)
}

// An error of the disk is no damage: it decides nothing.
func TestChooseFailsOnIOErrors(t *testing.T) {
	m := newMemory()
	checkpointed(t, m, "chk", 1, 2)
	m.calls, m.err = 0, errDisk
	_, err := Choose(m, "chk", "", 0, true)
	require.NoError(t, err)
	calls := m.calls
	require.Greater(t, calls, 10)
	for i := range calls {
		m.calls, m.failAt = 0, i+1
		_, err := Choose(m, "chk", "", 0, true)
		require.ErrorIs(t, err, errDisk, "call %d", i+1)
		require.False(t, isDamage(err))
	}
}

func TestAcquireEpoch(t *testing.T) {
	m := newMemory()
	for want := range uint32(12) { // 10 comes after 9, not after 1
		n, err := acquireEpoch(m, "ha", 0)
		require.NoError(t, err)
		require.Equal(t, want+1, n)
	}
	m.files["ha/epoch-x"], m.files["ha/other"] = []byte{}, []byte{}
	n, err := acquireEpoch(m, "ha", 20)
	require.NoError(t, err)
	require.EqualValues(t, 21, n)
	m.log = nil
	n, err = acquireEpoch(m, "ha", 3)
	require.NoError(t, err)
	require.EqualValues(t, 22, n)
	require.Equal(t, []string{
		"mkdir ha", "syncdir .", "list ha", "create new ha/epoch-22", "sync ha/epoch-22", "close ha/epoch-22", "syncdir ha",
	}, m.log)
}

// Whoever comes second to a file of the same epoch takes the next one.
func TestAcquireEpochInARace(t *testing.T) {
	m := newMemory()
	m.before = func(call string) {
		if strings.HasPrefix(call, "create new") && len(m.files) < 5 {
			m.files[strings.TrimPrefix(call, "create new ")] = []byte{}
		}
	}
	n, err := acquireEpoch(m, "ha", 0)
	require.NoError(t, err)
	require.EqualValues(t, 4, n)
}

// An epoch of unknown outcome is never used twice.
func TestAcquireEpochFails(t *testing.T) {
	for _, applied := range []bool{false, true} {
		for i := range 7 {
			m := newMemory()
			m.failAt, m.applied, m.err = i+1, applied, errDisk
			_, err := acquireEpoch(m, "ha", 0)
			require.ErrorIs(t, err, errDisk, "call %d", i+1)
			_, created := m.files["ha/epoch-1"]
			n, err := acquireEpoch(m, "ha", 0)
			require.NoError(t, err)
			if created {
				require.EqualValues(t, 2, n)
			} else {
				require.EqualValues(t, 1, n)
			}
		}
	}
}

// However the disk fails while metadata is written, what sealing says is true: a
// checkpoint that is said to be sealed is there and its directory was synced, one
// that is said not to be is not there and will not be. Everything else is unknown,
// and a later look tells.
func TestSealWithFailures(t *testing.T) {
	said := map[string]int{}
	for _, applied := range []bool{false, true} {
		for _, once := range []bool{false, true} {
			for i := range 30 {
				m := newMemory()
				require.NoError(t, m.MkdirAll("chk/chk-5"))
				m.calls, m.log, m.err = 0, nil, errDisk
				m.failAt, m.applied = i+1, applied
				if !once { // every call from then on
					m.before = func(string) { m.failAt = max(i+1, m.calls) }
				}
				body, err := seal(m, "chk", &snapshot.Metadata{Job: "job", Checkpoint: 5})
				require.NoError(t, err)
				o := body.(outcome)
				m.failAt, m.before = 0, nil
				synced := len(m.log) > 0 && m.log[len(m.log)-1] == "syncdir chk/chk-5"
				md, readErr := snapshot.ReadMetadata(m, "chk/chk-5")
				switch {
				case o.sealed:
					said["sealed"]++
					require.NoError(t, readErr)
					require.EqualValues(t, 5, md.Checkpoint)
					require.True(t, synced)
				case o.unknown:
					said["unknown"]++
					require.NotEmpty(t, o.err)
					later := probe(m, "chk", &snapshot.Metadata{Checkpoint: 5})
					require.False(t, later.unknown)
					require.Equal(t, readErr == nil, later.sealed)
				default:
					said["unsealed"]++
					require.ErrorIs(t, readErr, fs.ErrNotExist)
					require.Contains(t, o.err, errDisk.Error())
				}
			}
		}
	}
	require.Positive(t, said["sealed"])
	require.Positive(t, said["unknown"])
	require.Positive(t, said["unsealed"])
}
