package scenarios

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/scenarios/mutants"
)

// by is a run that failed, with those oracles objecting in that order.
func by(oracles ...string) (vs []Violation) {
	for _, o := range oracles {
		vs = append(vs, Violation{Oracle: o})
	}
	return vs
}

// TestMatrix: what the runs say, added up by mutant and by oracle.
func TestMatrix(t *testing.T) {
	mutant := func(id string, runs ...[]Violation) *Mutant {
		m := &Mutant{ID: id, Outcome: &Outcome{Killed: len(runs) > 0, Runs: 9, Objections: newObjections()}}
		for _, r := range runs {
			m.Objections.add(r)
		}
		return m
	}
	a := mutant("a", by("cut", "output"), by("cut"), by("output", "cut", "output"))
	b := mutant("b", by("cut"), by("cut"))
	b.Alone = "cut"
	c := mutant("c")
	c.Survives = "nobody looks"
	d := mutant("d", by("else"))
	d.Alone = "cut"
	m := &Mutants{Mutants: []*Mutant{a, b, c, d}}
	require.Equal(t, &Objections{Failed: 3, Oracles: map[string]int{"cut": 3, "output": 2},
		First: map[string]int{"cut": 2, "output": 1}, Only: map[string]int{"cut": 1}}, a.Objections)
	require.Empty(t, a.Objections.alone())
	require.Equal(t, "cut", b.Objections.alone())
	m.Oracles = noticed([]string{"output", "cut", "storage"}, m.Mutants)
	require.Equal(t, []*Noticed{
		{ID: "output", Kills: 1, First: 1, Alone: []string{}}, {ID: "cut", Kills: 2, First: 2, Only: 2, Alone: []string{"b"}},
		{ID: "storage", Alone: []string{}}, {ID: "else", Kills: 1, First: 1, Only: 1, Alone: []string{"d"}},
	}, m.Oracles)
	m.score()
	require.Equal(t, 1, m.Unexpected)
	text := m.Text()
	for _, line := range []string{
		"NOT ALONE d 9 runs 0.0 s built in 0.0 s expected to be noticed by cut alone, was by else 1",
		"mutant runs failed output cut storage else alone", "a 9 3 2 3 . .", "b 9 2 . 2 . . cut", "c 9 0 . . . .", "d 9 1 . . . 1 else",
		"output 1 1 0 none", "cut 2 2 2 1: b", "storage 0 0 0 none", "3 of 4 killed",
	} {
		require.Contains(t, strings.Join(strings.Fields(text), " "), line)
	}
	require.Equal(t, 1, strings.Count(text, "built in"), "only what is unexpected has a line of its own")
}

// TestMatrixOfOne: a mutant that one oracle notices in most runs, and others in
// some, is run until that is known.
func TestMatrixOfOne(t *testing.T) {
	if testing.Short() {
		t.Skip("builds simrun twice")
	}
	var log strings.Builder
	m, err := RunMutants(MutantsOptions{IDs: []string{"notify-before-metadata"}, Matrix: true, Log: &log, Terminal: true})
	require.NoError(t, err)
	got := m.Mutants[0]
	require.Equal(t, enoughFailures, got.Failed, m.Text())
	require.GreaterOrEqual(t, got.Runs, got.Failed)
	require.Equal(t, enoughFailures, got.Objections.Oracles["protocol"])
	require.Greater(t, len(got.Objections.Oracles), 1, "runs go on after the first objection")
	require.True(t, got.Replayed, "also of a run that went on")
	require.Contains(t, log.String(), "notify-before-metadata killed")
	require.Contains(t, log.String(), "\n1 of 1\r")
	text, err := json.Marshal(m)
	require.NoError(t, err)
	for _, field := range []string{`"oracles":{"`, `"first":{"protocol":`, `"only":{`, `"failed":20`, `"oracles":[{"id":"`, `"alone":[]`} {
		require.Contains(t, string(text), field)
	}
}

var reasonRow = regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| [^|]{20,} \\|$")

// TestEveryOracleIsAlone: of each oracle that judges there is a mutant that nobody
// else notices, or docs/mutants.md says why not.
func TestEveryOracleIsAlone(t *testing.T) {
	root, err := mutants.Root()
	require.NoError(t, err)
	all, err := mutants.All(root)
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(root, "docs", "mutants.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## Alone\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	var reasons, stated []string
	for _, row := range reasonRow.FindAllStringSubmatch(section, -1) {
		reasons = append(reasons, row[1])
	}
	for _, p := range all {
		stated = append(stated, p.Alone)
	}
	ids, err := judgeIDs()
	require.NoError(t, err)
	require.Contains(t, ids, "output")
	require.NotContains(t, ids, "coverage")
	for _, id := range ids {
		require.NotEqual(t, slices.Contains(reasons, id), slices.Contains(stated, id),
			"oracle %s needs a mutant with \"alone %s\", or else a reason in docs/mutants.md, not both", id, id)
	}
	require.NoError(t, err)
	_, err = RunMutants(MutantsOptions{IDs: []string{"nope"}, Matrix: true, Budget: time.Second})
	usageError(t, err, `there is no mutant "nope"`)
}
