package snapshot_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
)

func channels(t *rapid.T) []snapshot.Channel {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) snapshot.Channel {
		return snapshot.Channel{Record: rapid.Uint64().Draw(t, "record"), InFlight: rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "in flight")}
	}), 0, 3).Draw(t, "channels")
}

func taskState(t *rapid.T) *snapshot.TaskState {
	s := &snapshot.TaskState{
		Ended: rapid.Bool().Draw(t, "ended"), Watermark: rapid.Int64().Draw(t, "watermark"), In: channels(t),
	}
	for range rapid.IntRange(0, 3).Draw(t, "outputs") {
		s.Out = append(s.Out, channels(t))
	}
	for range rapid.IntRange(0, 3).Draw(t, "operators") {
		s.Operators = append(s.Operators, snapshot.Operator{
			UID: rapid.String().Draw(t, "uid"), Data: rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "data"),
		})
	}
	return s
}

func TestTaskStateRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := taskState(t)
		src := s.Append(nil)
		got := &snapshot.TaskState{}
		require.NoError(t, got.Decode(src))
		require.Equal(t, s, got)
		for cut := range src {
			require.ErrorIs(t, new(snapshot.TaskState).Decode(src[:cut]), codec.ErrMalformed, "cut at %d of %d", cut, len(src))
		}
		require.ErrorIs(t, new(snapshot.TaskState).Decode(append(slices.Clone(src), 0)), codec.ErrMalformed)
	})
}

func TestTaskStateGarbage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		s := &snapshot.TaskState{}
		if err := s.Decode(src); err != nil {
			require.ErrorIs(t, err, codec.ErrMalformed)
		}
	})
	require.ErrorIs(t, new(snapshot.TaskState).Decode([]byte{2, 0, 0, 0, 0}), codec.ErrMalformed, "a flag is 0 or 1")
}

func TestTaskFile(t *testing.T) {
	m := &memory{files: map[string][]byte{}}
	s := &snapshot.TaskState{Watermark: 7, In: []snapshot.Channel{{Record: 3, InFlight: []byte("abc")}},
		Operators: []snapshot.Operator{{UID: "count", Data: []byte("state")}}}
	size, sum, err := snapshot.WriteTask(m, "chk-1", "task-0", s)
	require.NoError(t, err)
	require.EqualValues(t, len(s.Append(nil)), size)
	require.Equal(t, xxhash.Sum64(s.Append(nil)), sum)
	entry := snapshot.Task{File: "task-0", Size: size, Sum: sum}
	got, err := snapshot.ReadTask(m, "chk-1", entry)
	require.NoError(t, err)
	require.Equal(t, s.Operators, got.Operators)

	other := entry
	other.Sum++
	_, err = snapshot.ReadTask(m, "chk-1", other)
	require.ErrorIs(t, err, fs.ErrCorrupt)
	require.ErrorContains(t, err, "chk-1/task-0")
	other = entry
	other.Size++
	_, err = snapshot.ReadTask(m, "chk-1", other)
	require.ErrorIs(t, err, fs.ErrCorrupt)
	_, err = snapshot.ReadTask(m, "chk-2", entry)
	require.ErrorIs(t, err, fs.ErrNotExist)

	whole := m.files["chk-1/task-0"]
	for i := range whole {
		flipped := slices.Clone(whole)
		flipped[i] ^= 1
		m.files["chk-1/task-0"] = flipped
		_, err := snapshot.ReadTask(m, "chk-1", entry)
		require.ErrorIs(t, err, fs.ErrCorrupt, "byte %d", i)
		m.files["chk-1/task-0"] = whole[:i]
		_, err = snapshot.ReadTask(m, "chk-1", entry)
		require.ErrorIs(t, err, fs.ErrCorrupt, "cut at %d", i)
	}

	m.fail = errors.New("no rename")
	_, _, err = snapshot.WriteTask(m, "chk-1", "task-1", s)
	require.ErrorIs(t, err, m.fail)
	require.NotContains(t, m.files, "chk-1/task-1")
}

func TestMetadataRoundTrip(t *testing.T) {
	positions := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) snapshot.ChannelPosition {
		return snapshot.ChannelPosition{
			Edge: rapid.IntRange(0, 9).Draw(t, "edge"), Peer: rapid.IntRange(0, 9).Draw(t, "peer"),
			Record: rapid.Uint64().Draw(t, "record"), First: rapid.Uint64().Draw(t, "first"), InFlight: rapid.Uint64().Draw(t, "in flight"),
		}
	}), 1, 2)
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.Uint64Min(1).Draw(t, "checkpoint")
		md := &snapshot.Metadata{
			Job: rapid.String().Draw(t, "job"), Checkpoint: id, Unaligned: rapid.Bool().Draw(t, "unaligned"),
			Attempt: stream.Attempt{Epoch: rapid.Uint32().Draw(t, "epoch"), Number: rapid.Uint32().Draw(t, "number")},
			Time:    rapid.Int64().Draw(t, "time"),
		}
		want := int64(0)
		for range rapid.IntRange(1, 3).Draw(t, "vertices") {
			v := snapshot.Vertex{UIDs: []string{rapid.String().Draw(t, "uid")}, Parallelism: 1, MaxParallelism: 128}
			task := snapshot.Task{
				File: "task-0-0", Size: rapid.Int64().Draw(t, "size"), Sum: rapid.Uint64().Draw(t, "sum"),
				In: positions.Draw(t, "in"), Out: positions.Draw(t, "out"), Ended: rapid.Bool().Draw(t, "ended"),
				InFlight: int64(rapid.Int32().Draw(t, "bytes")),
				Sources:  []connect.Position{{Split: "in.txt", Start: 1, Next: rapid.Int64().Draw(t, "next"), End: 9, Emitted: 2}},
			}
			want += task.InFlight
			v.Tasks = append(v.Tasks, task)
			md.Vertices = append(md.Vertices, v)
		}
		m := &memory{files: map[string][]byte{}}
		dir := snapshot.Dir("root", id)
		_, err := snapshot.ReadMetadata(m, dir)
		require.ErrorIs(t, err, fs.ErrNotExist, "it has not completed")
		require.ErrorIs(t, snapshot.CheckMetadata(m, dir), fs.ErrNotExist)
		require.NoError(t, snapshot.WriteMetadata(m, dir, md))
		got, err := snapshot.ReadMetadata(m, dir)
		require.NoError(t, err)
		require.Equal(t, md, got)
		require.Equal(t, want, got.InFlight())
		require.NoError(t, snapshot.CheckMetadata(m, dir))

		name := dir + "/" + snapshot.MetadataName
		whole := m.files[name]
		m.files[name] = whole[:rapid.IntRange(0, len(whole)-1).Draw(t, "cut")]
		_, err = snapshot.ReadMetadata(m, dir)
		require.ErrorIs(t, err, fs.ErrCorrupt)
		require.ErrorContains(t, err, name)
		require.ErrorIs(t, snapshot.CheckMetadata(m, dir), fs.ErrCorrupt)
	})
}

// A whole file with other contents than WriteMetadata's is corrupt too.
func TestMetadataFormat(t *testing.T) {
	for _, body := range []string{"", "{", `{"checkpoint":"x"}`, `{"colour":"red"}`} {
		m := &memory{files: map[string][]byte{}}
		require.NoError(t, fs.WriteFile(m, "chk-1/_metadata", "meta", 1, []byte(body)))
		_, err := snapshot.ReadMetadata(m, "chk-1")
		require.ErrorIs(t, err, fs.ErrCorrupt, "%q", body)
		require.ErrorContains(t, err, "chk-1/_metadata")
	}
	m := &memory{files: map[string][]byte{}}
	require.NoError(t, fs.WriteFile(m, "chk-1/_metadata", "task", 1, []byte("{}")))
	_, err := snapshot.ReadMetadata(m, "chk-1")
	require.ErrorIs(t, err, fs.ErrCorrupt, "of another kind")
}

func TestDir(t *testing.T) {
	require.Equal(t, "root/chk-10", snapshot.Dir("root", 10))
	for name, want := range map[string]uint64{
		"chk-1": 1, "chk-9": 9, "chk-10": 10, "chk-4611686018427387904": 1 << 62,
	} {
		id, ok := snapshot.ParseDir(name)
		require.True(t, ok, name)
		require.Equal(t, want, id)
	}
	for _, name := range []string{"", "chk", "chk-", "chk-010", "chk-00", "chk-+1", "chk--1", "chk-1.tmp", "chk-0x1", "chk-1_0",
		"CHK-1", "chk-1 ", " chk-1", "1", "chk-0",
		"chk-4611686018427387905", "chk-18446744073709551615", "chk-18446744073709551616"} {
		_, ok := snapshot.ParseDir(name)
		require.False(t, ok, "%q", name)
	}
}
