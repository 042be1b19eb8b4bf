package file

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/stream"
)

var uids = rapid.OneOf(rapid.String(), rapid.StringMatching(`[a1.%/-]{0,6}`))

func owners(t *rapid.T) (string, owner) {
	uid := uids.Draw(t, "uid")
	return uid, owner{
		uid: escape(uid), subtask: rapid.IntRange(0, 1<<31-1).Draw(t, "subtask"),
		attempt: stream.Attempt{Epoch: rapid.Uint32().Draw(t, "epoch"), Number: rapid.Uint32().Draw(t, "number")},
	}
}

func TestNamesSayWhoseTheyAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		uid, o := owners(t)
		n := rapid.Uint64().Draw(t, "n")
		require.Regexp(t, `^[a-zA-Z0-9_.%-]*$`, o.tmp(n))
		back, m, ok := parseTmp(o.tmp(n))
		require.True(t, ok)
		require.Equal(t, o, back)
		require.Equal(t, n, m)
		back, m, ok = parsePart(o.part(n))
		require.True(t, ok)
		require.Equal(t, o, back)
		require.Equal(t, n, m)
		if other := uids.Draw(t, "other"); other != uid {
			require.NotEqual(t, escape(uid), escape(other))
		}
	})
}

func TestOtherNamesAreNotOurs(t *testing.T) {
	o := owner{uid: "a-b", subtask: 3, attempt: stream.Attempt{Epoch: 1, Number: 2}}
	require.Equal(t, ".tmp-a-b-3-1.2-7", o.tmp(7))
	require.Equal(t, "part-a-b-3-0000000000000000007-1.2", o.part(7))
	for _, name := range []string{
		"", "part", "part-", "part-a", "part-a-3-7-1.2", "part-a-3-0000000000000000007-1", "part-a-+3-0000000000000000007-1.2",
		"part-a-3-0000000000000000007-1.02", "part-a-3-0000000000000000007-1.2.3", "part-a-3-x-1.2", "apart-a-3-0000000000000000007-1.2",
	} {
		_, _, ok := parsePart(name)
		require.False(t, ok, name)
	}
	for _, name := range []string{"", ".tmp-", ".tmp-a-3-1.2-", ".tmp-a-3-1.2-07", ".tmp-a-3-1-7", "tmp-a-3-1.2-7", ".tmp-3-1.2-7.x"} {
		_, _, ok := parseTmp(name)
		require.False(t, ok, name)
	}
}

func TestParsePart(t *testing.T) {
	p, ok := ParsePart("part-a%2Fb-3-0000000000000000007-2.1", "a/b")
	require.True(t, ok)
	require.Equal(t, Part{Name: "part-a%2Fb-3-0000000000000000007-2.1", Subtask: 3, Checkpoint: 7, Attempt: stream.Attempt{Epoch: 2, Number: 1}}, p)
	for _, name := range []string{"part-a%2Fb-3-7-2.1", "part-c-3-0000000000000000007-2.1", ".tmp-a%2Fb-3-2.1-0", ""} {
		_, ok := ParsePart(name, "a/b")
		require.False(t, ok, name)
	}
}

func TestPreCommitted(t *testing.T) {
	p := pending{tmp: "d/.tmp-s-0-1.1-0", final: "d/part-s-0-0000000000000000007-1.1", size: 5, hash: 6, checkpoint: 7}
	size, hash, err := PreCommitted(p.committable())
	require.NoError(t, err)
	require.Equal(t, []uint64{5, 6}, []uint64{uint64(size), hash})
	c := p.committable()
	c.Checkpoint++
	_, _, err = PreCommitted(c)
	require.Error(t, err)
}
