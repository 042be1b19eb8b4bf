package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMutantsList(t *testing.T) {
	status, stdout, stderr := simrun("mutants", "--list", "--json")
	require.Equal(t, ok, status)
	require.Empty(t, stderr)
	var list struct {
		Mutants []struct {
			ID       string `json:"id"`
			Bug      string `json:"bug"`
			What     string `json:"what"`
			Survives string `json:"survives"`
			Alone    string `json:"alone"`
			Strategy string `json:"strategy"`
		} `json:"mutants"`
	}
	decode(t, stdout, &list)
	require.GreaterOrEqual(t, len(list.Mutants), 18)

	status, stdout, stderr = simrun("mutants", "--list")
	require.Equal(t, ok, status)
	require.Empty(t, stderr)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, lines, len(list.Mutants))
	for i, m := range list.Mutants {
		require.True(t, strings.HasPrefix(lines[i], m.ID+" "), lines[i])
	}

	status, stdout, _ = simrun("mutants", "--list", list.Mutants[1].ID)
	require.Equal(t, ok, status)
	require.Equal(t, lines[1]+"\n", stdout)
}

// TestMutantsNeedGo: where nothing can be built the command says so.
func TestMutantsNeedGo(t *testing.T) {
	t.Setenv("PATH", "")
	status, stdout, stderr := simrun("mutants")
	require.Equal(t, badUsage, status)
	require.Empty(t, stdout)
	require.Equal(t, "simrun: the go command is needed, to build the mutants; put it into PATH\n", stderr)
}

// TestMutantsJSON: the fields that others rely on; a mutant that survives is a
// failure.
func TestMutantsJSON(t *testing.T) {
	if testing.Short() {
		t.Skip("builds simrun twice")
	}
	status, stdout, stderr := simrun("mutants", "credit-lost-once", "--budget", "1ns", "--json")
	require.Equal(t, broken, status, stdout)
	require.Equal(t, "1 of 1  credit-lost-once SURVIVED\n", stderr)
	requireFields(t, stdout, struct {
		Mutants []struct{} `json:"mutants"`
		Killed  int        `json:"killed"`
		Total   int        `json:"total"`
	}{})
	var outcome struct {
		Mutants []map[string]any `json:"mutants"`
		Killed  int              `json:"killed"`
		Panic   int              `json:"killed_by_panic"`
		Total   int              `json:"total"`
		Not     int              `json:"unexpected"`
	}
	decode(t, stdout, &outcome)
	require.Equal(t, 1, outcome.Total)
	require.Equal(t, 1, outcome.Not)
	require.Len(t, outcome.Mutants, 1)
	for _, field := range []string{"id", "bug", "killed", "oracle", "scenario", "seed", "runs", "build_seconds", "seconds", "replayed"} {
		require.Contains(t, outcome.Mutants[0], field)
	}
	require.Equal(t, false, outcome.Mutants[0]["killed"])
	require.NotContains(t, stdout, `"oracles"`, "only with --matrix")
}
