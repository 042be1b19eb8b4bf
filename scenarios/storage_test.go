package scenarios

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/live"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
)

// TestZombiesLeaveNothing: in this world work of a stopped task creates a file after
// the task's successor has recovered.
func TestZombiesLeaveNothing(t *testing.T) {
	r := simulate(t, RunOptions{Seed: 52944, Mode: string(Unaligned), Lines: 2000})
	require.Equal(t, Pass, r.Verdict, "%s", r.Text())
}

// TestAtRest: each kind of file that is missing or left over is named.
func TestAtRest(t *testing.T) {
	dir := t.TempDir()
	simulate(t, RunOptions{Seed: 3, Dir: dir + "/d", Lines: 300})
	files, err := live.OpenFS(dir+"/d", nil)
	require.NoError(t, err)
	none := func(string) bool { return false }
	require.Empty(t, atRest(files, checkpointDir, 3, none))
	require.Contains(t, atRest(files, checkpointDir, 2, none)[0], "3 checkpoints are left, 2 are to be retained")

	put := func(name string) {
		f, err := files.Create(name)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	infos, err := files.List(checkpointDir)
	require.NoError(t, err)
	chk := checkpointDir + "/" + infos[0].Name
	m, err := snapshot.ReadMetadata(files, chk)
	require.NoError(t, err)

	put("out/.tmp-sink-0-1.1-9")
	put(chk + "/task-9-9-1.1")
	require.NoError(t, files.MkdirAll(checkpointDir+"/chk-999"))
	require.NoError(t, files.Remove(chk+"/"+m.Vertices[0].Tasks[0].File))
	wrong := messagesOf(atRest(files, checkpointDir, 3, none))
	for _, want := range []string{
		"out/.tmp-sink-0-1.1-9 is left over", chk + "/task-9-9-1.1 is left over", "chk-999 is left over",
		chk + "/" + m.Vertices[0].Tasks[0].File + " is dangling",
	} {
		require.Contains(t, wrong, want)
	}
}

func messagesOf(wrong []string) (all string) {
	for _, w := range wrong {
		all += w + "\n"
	}
	return all
}

// TestWithoutZombies: only files of earlier attempts are excused.
func TestWithoutZombies(t *testing.T) {
	latest := stream.Attempt{Epoch: 1, Number: 2}
	require.Equal(t, []string{"out/.tmp-sink-0-1.2-9 is left over: x", "checkpoints/chk-3 is left over: y", "c/task-0-1-1.1 is dangling"},
		withoutZombies([]string{
			"out/.tmp-sink-0-1.1-9 is left over: x", "out/.tmp-sink-0-1.2-9 is left over: x", "checkpoints/chk-3 is left over: y",
			"c/chk-3/task-0-1-1.1.tmp is left over: z", "c/chk-3/task-0-1-1.1 is left over: z", "c/task-0-1-1.1 is dangling",
		}, latest))
}
