package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// vetted are the documented fields of vet.
type vetted struct {
	Findings  []vetFinding `json:"findings"`
	Allowed   []vetFinding `json:"allowed"`
	Packages  int          `json:"packages"`
	Functions int          `json:"functions"`
	Jobs      int          `json:"jobs"`
}

type vetFinding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Reason  string `json:"reason"`
}

// TestVet: exit statuses, and what is printed where.
func TestVet(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	status, stdout, stderr := simrun("vet", "./sim/vet/testdata/allow", "./sim/vet/testdata/stamps")
	require.Equal(t, broken, status, stderr)
	require.Regexp(t, `(?m)^sim/vet/testdata/allow/allow\.go:\d+:\d+: clock: uses time\.Now in the function of Map "too far": `, stdout)
	require.NotContains(t, stdout, "allowed: shown to people")
	require.Regexp(t, `^2 packages, 5 functions of operators, 1 functions that build jobs: \d findings, 2 allowed\n$`, stderr)

	_, more, _ := simrun("vet", "--allowed", "./sim/vet/testdata/allow")
	require.Contains(t, more, "(allowed: shown to people, and compared with nothing)\n")

	status, stdout, _ = simrun("vet", "--json", "./sim/vet/testdata/allow")
	require.Equal(t, broken, status)
	var r vetted
	decode(t, stdout, &r)
	require.Equal(t, 1, r.Packages)
	require.Equal(t, "clock", r.Findings[0].Kind)
	require.Equal(t, "shown to people, too", r.Allowed[1].Reason)

	status, stdout, stderr = simrun("vet", "./sim/vet/testdata/stamps")
	require.Equal(t, ok, status, stderr)
	require.Empty(t, stdout)

	status, stdout, stderr = simrun("vet", "--json", "./sim/vet/testdata/stamps")
	require.Equal(t, ok, status, stderr)
	decode(t, stdout, &r)
	require.Equal(t, []vetFinding{}, r.Findings)
}

// TestOwnJobs: Weir's own jobs and examples have nothing to find that is not excused.
func TestOwnJobs(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	status, stdout, stderr := simrun("vet", "./...")
	require.Equal(t, ok, status, "%s%s", stdout, stderr)
	require.Regexp(t, `, \d\d+ functions of operators, \d\d+ functions that build jobs: 0 findings`, stderr)
}
