package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// explored are the documented fields of explore.
type explored struct {
	Verdict      string `json:"verdict"`
	Explorations []struct {
		Mode          string  `json:"mode"`
		Records       int     `json:"records"`
		Checkpoints   int     `json:"checkpoints"`
		Crashes       int     `json:"crashes"`
		Aborts        int     `json:"aborts"`
		Bug           string  `json:"bug"`
		Reduced       bool    `json:"reduced"`
		Verdict       string  `json:"verdict"`
		States        int     `json:"states"`
		Transitions   int     `json:"transitions"`
		Finals        int     `json:"finals"`
		Depth         int     `json:"depth"`
		Interleavings float64 `json:"interleavings"`
		OrdersChecked int     `json:"orders_checked"`
		Bytes         int64   `json:"bytes"`
		WallMS        int64   `json:"wall_ms"`
		Violation     *struct {
			Property string   `json:"property"`
			States   int      `json:"states"`
			Actions  []string `json:"actions"`
			State    []string `json:"state"`
		} `json:"violation"`
	} `json:"explorations"`
}

// TestExplore: exit statuses, and what is printed where.
func TestExplore(t *testing.T) {
	status, stdout, stderr := simrun("explore", "--records", "1", "--checkpoints", "0", "--crashes", "0", "--aborts", "0", "--full", "--json")
	require.Equal(t, ok, status, stderr)
	require.Equal(t, 4, strings.Count(stderr, "exploring "))
	var r explored
	decode(t, stdout, &r)
	require.Equal(t, "pass", r.Verdict)
	require.Len(t, r.Explorations, 4)
	x := r.Explorations[0]
	require.Equal(t, "aligned", x.Mode)
	require.Equal(t, 273, x.States)
	require.Equal(t, 713, x.Transitions)
	require.Equal(t, 885_729_600.0, x.Interleavings)
	require.Equal(t, 1, x.Finals)

	status, stdout, _ = simrun("explore", "--bug", "commit-at-pre-commit")
	require.Equal(t, broken, status)
	require.Contains(t, stdout, "FAIL  aligned  bug=commit-at-pre-commit\n  commit is broken: 21 actions, ")
	require.Contains(t, stdout, "\n   21  the sink takes barrier 1 from operator -> sink\n  then\n       committed: record 0 1x\n")

	status, stdout, _ = simrun("explore", "--bug", "barrier-forgotten", "--json")
	require.Equal(t, broken, status)
	r = explored{}
	decode(t, stdout, &r)
	require.Equal(t, "fail", r.Verdict)
	require.Equal(t, "progress", r.Explorations[0].Violation.Property)
	require.Len(t, r.Explorations[0].Violation.Actions, 25)

	status, stdout, _ = simrun("explore", "--bug", "stale-attempt", "--crashes", "0")
	require.Equal(t, ok, status)
	require.Contains(t, stdout, "aligned: bug stale-attempt breaks nothing at this size\n")

	status, stdout, _ = simrun("explore", "--mode", "unaligned", "--records", "1", "--crashes", "0", "--aborts", "0", "--check")
	require.Equal(t, ok, status)
	require.Regexp(t, `\nunaligned: \d{6} times two orders were executed, and made no difference\n`, stdout)
}

// TestExploreMemory: what does not fit is refused, with what was reached.
func TestExploreMemory(t *testing.T) {
	status, stdout, stderr := simrun("explore", "--mode", "unaligned", "--records", "4", "--checkpoints", "2", "--full", "--memory", "4000000")
	require.Equal(t, badUsage, status)
	require.Regexp(t, `\nunaligned: memory ran out; nothing was broken in the \d{5,6} states reached\n$`, stdout)
	require.Contains(t, stderr, "\nsimrun: explore: states take more than --memory 4000000; give it more, or fewer --records, --checkpoints, --crashes or --aborts\n")
}

func TestExploreList(t *testing.T) {
	status, stdout, stderr := simrun("explore", "--list")
	require.Equal(t, ok, status, stderr)
	require.Regexp(t, `(?m)^lost-channel +unaligned +cut +the operator does not store`, stdout)
	status, stdout, _ = simrun("explore", "--list", "--json")
	require.Equal(t, ok, status)
	var l struct {
		Modes []string `json:"modes"`
		Bugs  []struct{ Name, Mode, Property, What string }
	}
	decode(t, stdout, &l)
	require.Len(t, l.Modes, 4)
	require.Len(t, l.Bugs, 18)
}
