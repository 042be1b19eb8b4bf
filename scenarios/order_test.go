package scenarios

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/model"
)

// TestDeclaredOrder: every scenario declares an order, and a run's lines of a key that
// change places are seen, in every order but none.
func TestDeclaredOrder(t *testing.T) {
	input := write(t, prose(300))
	for _, s := range All() {
		if s.Damaged {
			continue // it may fail, as promised, with less than all output
		}
		t.Run(s.Name, func(t *testing.T) {
			require.NotEqual(t, Multiset, s.Order)
			r, err := s.prepare(RunOptions{Scenario: s.Name, Mode: string(Unaligned), Seed: 3, Input: input})
			require.NoError(t, err)
			rep, c, err := r.execute((*recording)(nil).observe)
			require.NoError(t, err)
			require.Equal(t, Pass, rep.Verdict, "%s", rep.Text())
			disk := c.Disk.Durable()
			want, err := r.read.reference(s, c.Graph)
			require.NoError(t, err)
			got, err := committed(disk, nil)
			require.NoError(t, err)
			j := &judged{graph: c.Graph, want: want, cuts: newCuts(c.Graph, r.config, r.data), licences: &licences{}}
			wrong, _ := s.compare(j, got)
			if s.Order == Witnessed {
				require.Contains(t, strings.Join(wrong, "\n"), "no checkpoint of it has completed")
			}
			for id := uint64(1); id < 1000; id++ {
				if m, err := snapshot.ReadMetadata(disk, snapshot.Dir(checkpointDir, id)); err == nil {
					j.cuts.newest = m
				}
			}
			wrong, twice := s.compare(j, got)
			require.Empty(t, wrong)
			require.Zero(t, twice)

			seen := 0
			for at := 1; at < len(got.lines); at += 1 + len(got.lines)/17 {
				key := func(line string) string { // rows with a witness begin with theirs
					if key, witnessed := s.Key(line); !witnessed {
						return key
					}
					return strings.Join(strings.Split(line, "\t")[:2], "\t")
				}
				other := slices.IndexFunc(got.lines[at:], func(line string) bool {
					return key(line) == key(got.lines[at]) && line != got.lines[at]
				})
				if other < 0 {
					continue
				}
				swapped := slices.Clone(got.lines)
				swapped[at], swapped[at+other] = swapped[at+other], swapped[at]
				wrong, _ = s.compare(j, &output{lines: swapped})
				require.NotEmpty(t, wrong, "%q and %q", got.lines[at], swapped[at])
				if s.Order == PerKey {
					require.Nil(t, model.CheckMultiset(want.lines, swapped), "only the order tells")
				}
				seen++
			}
			require.Greater(t, seen, 3)
		})
	}
}

// TestAcceptedIsCompared: lines of an earlier run, which the user accepts to be there
// again, are told by the names of their files, and must still be what they were.
func TestAcceptedIsCompared(t *testing.T) {
	s := wordcount()
	j := &judged{
		want:     &expected{lines: []string{"a\t1"}, keyed: []model.KeyedLine{{Key: "a", Line: "a\t1"}}},
		accepted: []file.Part{{Name: "part-x", Lines: []string{"a\t1"}}}, licences: &licences{},
	}
	wrong, twice := s.compare(j, &output{lines: []string{"a\t1"}, accepted: []string{"a\t1"}})
	require.Empty(t, wrong)
	require.EqualValues(t, 1, twice)
	wrong, _ = s.compare(j, &output{lines: []string{"a\t1"}})
	require.NotEmpty(t, wrong)
	wrong, _ = s.compare(j, &output{accepted: []string{"a\t1"}})
	require.NotEmpty(t, wrong)
}
