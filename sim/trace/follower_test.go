package trace

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// follow replays a run and returns the difference as it would be shown.
func follow(t *testing.T, run []Record, names Names, verdict string) *Difference {
	f := talkTrace(t, talk()).Follow(names, describeTalk)
	for i := range run {
		if d := f.Next(&run[i]); d != nil {
			require.Same(t, d, f.Next(&run[i]), "the first stays")
			require.Same(t, d, f.End(verdict))
			require.Equal(t, d.Position, f.Matched())
			return d
		}
	}
	require.Equal(t, uint64(len(run)), f.Matched())
	return f.End(verdict)
}

func TestFollowerGolden(t *testing.T) {
	const verdict = "fail: exactly-once"
	require.Nil(t, follow(t, talk(), talkName, verdict))

	// The same texts under other ids are the same.
	other := append([]string{"pad"}, talkNames...)
	shifted := talk()
	for i := range shifted {
		r := &shifted[i]
		r.Kind, r.Where, r.Actor, r.Peer = r.Kind+1, r.Where+1, r.Actor+1, r.Peer+1
	}
	require.Nil(t, follow(t, shifted, func(id uint32) string { return other[id] }, verdict))

	var b strings.Builder
	show := func(why string, run []Record, names Names, verdict string) {
		d := follow(t, run, names, verdict)
		require.NotNil(t, d, why)
		b.WriteString("# " + why + "\n" + d.String() + "\n")
	}
	change := func(i int, f func(*Record)) []Record {
		run := talk()
		f(&run[i])
		return run
	}
	show("a payload", change(2, func(r *Record) { r.Digest, r.Hash = 78, 4 }), talkName, verdict)
	show("an order", change(1, func(r *Record) { *r = Record{Number: 9999, Time: 6_000_000_001, Kind: 3, Where: 2, Hash: 5} }), talkName, verdict)
	renamed := slices.Clone(talkNames)
	renamed[2] = "tm2"
	show("a name under the same id", talk(), func(id uint32) string { return renamed[id] }, verdict)
	show("an early end", talk()[:3], talkName, verdict)
	show("a late end", append(talk(), Record{Number: 100002, Time: 12_003_128_001, Kind: 3, Where: 1}), talkName, verdict)
	show("a verdict", talk(), talkName, "pass")
	golden(t, "testdata/differences.txt", b.String())
}

func TestFollowerOfAnUnreadableTrace(t *testing.T) {
	tr := talkTrace(t, nil)
	tr.Hash = 1 // a writer's error that no checksum shows
	for _, d := range []*Difference{tr.Follow(talkName, describeTalk).End(""), tr.Follow(talkName, describeTalk).Next(&Record{})} {
		require.ErrorIs(t, d.Err, ErrDamaged)
		require.Equal(t, d.Err.Error(), d.String())
	}
}

// TestFollowerFindsEveryField changes one field of one record.
func TestFollowerFindsEveryField(t *testing.T) {
	all := someRecords(50)
	tr, err := load("x", encode(t, someHeader, all, "pass"))
	require.NoError(t, err)
	fields := map[string]func(*Record){
		"event": func(r *Record) { r.Number++ }, "cause": func(r *Record) { r.Cause++ }, "time": func(r *Record) { r.Time++ },
		"kind": func(r *Record) { r.Kind++ }, "node": func(r *Record) { r.Where++ }, "actor": func(r *Record) { r.Actor++ },
		"peer": func(r *Record) { r.Peer++ }, "a": func(r *Record) { r.A++ }, "b": func(r *Record) { r.B++ },
		"c": func(r *Record) { r.C++ }, "digest": func(r *Record) { r.Digest++ }, "hash": func(r *Record) { r.Hash++ },
	}
	describe := func(Record, Names) string { return "" }
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(all)-1).Draw(t, "record")
		for name, change := range fields {
			f := tr.Follow(nameOf, describe)
			for i, r := range all {
				if i == at {
					change(&r)
				}
				d := f.Next(&r)
				if i < at {
					require.Nil(t, d)
				}
				if i == at {
					require.NotNil(t, d, name)
					require.Equal(t, uint64(at), d.Position)
					require.Equal(t, all[at], *d.Want)
					require.Equal(t, r, *d.Got)
					require.Len(t, d.Fields, 1)
					require.Equal(t, name, d.Fields[0].Name)
				}
			}
		}
	})
}
