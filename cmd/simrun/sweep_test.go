package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/scenarios"
)

// swept are the documented fields of a sweep.
type swept struct {
	Runs     int `json:"runs"`
	Failures []struct {
		Scenario string `json:"scenario"`
		Seed     uint64 `json:"seed"`
		Mode     string `json:"mode"`
		Oracle   string `json:"oracle"`
		Message  string `json:"message"`
		Trace    string `json:"trace"`
		Replay   string `json:"replay"`
		Rerun    string `json:"rerun"`
		Verdict  string `json:"verdict"`
		NotSaved string `json:"not_saved"`
		Case     string `json:"case"`
	} `json:"failures"`
	Groups []struct {
		Oracle    string   `json:"oracle"`
		Message   string   `json:"message"`
		LastFault string   `json:"last_fault"`
		Count     int      `json:"count"`
		FirstSeed uint64   `json:"first_seed"`
		Best      uint64   `json:"best"`
		Seeds     []uint64 `json:"seeds"`
	} `json:"groups"`
	FirstFailure *struct {
		Seed    uint64  `json:"seed"`
		Runs    int     `json:"runs"`
		Seconds float64 `json:"seconds"`
		Case    string  `json:"case"`
	} `json:"first_failure,omitempty"`
	Interrupted     bool                                  `json:"interrupted,omitempty"`
	Events          uint64                                `json:"events"`
	EventsPerSecond float64                               `json:"events_per_second"`
	RunsPerSecond   float64                               `json:"runs_per_second"`
	VirtualSeconds  float64                               `json:"virtual_seconds"`
	WallSeconds     float64                               `json:"wall_seconds"`
	ByScenario      map[string]map[string]json.RawMessage `json:"by_scenario"`
	Shares          map[string]struct {
		Runs  int     `json:"runs"`
		Of    int     `json:"of"`
		Share float64 `json:"share"`
		Floor float64 `json:"floor"`
	} `json:"shares"`
	Coverage struct {
		Points    map[string]map[string]any `json:"points"`
		Hit       int                       `json:"hit"`
		Reachable int                       `json:"reachable"`
	} `json:"coverage"`
	Verdict    string            `json:"verdict"`
	Violations []json.RawMessage `json:"violations"`
	Verified   int               `json:"verified"`
	Faults     map[string]int    `json:"faults"`
	Searched   int               `json:"searched"`
	Exhausted  int               `json:"exhausted"`
}

func TestSweepJSON(t *testing.T) {
	workplace(t)
	status, stdout, stderr := simrun("sweep", "wordcount", "--seeds", "9", "--seed", "4", "--jobs", "2", "--verify", "--json")
	require.Equal(t, ok, status, stdout)
	require.Empty(t, stderr)
	requireFields(t, stdout, swept{})
	var r swept
	decode(t, stdout, &r)
	require.Equal(t, 9, r.Runs)
	require.Equal(t, 9, r.Verified)
	require.Equal(t, "pass", r.Verdict)
	require.NotNil(t, r.Failures)
	require.Empty(t, r.Failures)
	require.Positive(t, r.Events)
	require.Positive(t, r.VirtualSeconds)
	require.Positive(t, r.WallSeconds)
	require.Contains(t, r.ByScenario["wordcount"], "unaligned")
	require.InDelta(t, 0.3, r.Shares["restored-in-flight"].Floor, 0)
	require.Equal(t, 9, r.Shares["parallel"].Of)
	require.Positive(t, r.Coverage.Hit)
	require.Greater(t, r.Coverage.Reachable, r.Coverage.Hit)
	cells := 0
	for _, row := range r.Coverage.Points { // unordered: a sum
		for _, cell := range row { // unordered: a sum
			if cell != "n/a" {
				require.IsType(t, 0.0, cell)
				cells++
			}
		}
	}
	require.Equal(t, r.Coverage.Reachable, cells)
	require.NoDirExists(t, "weir-failures")
}

// TestSweepOfTheCanary: exit status 1, and the commands work as they are printed.
func TestSweepOfTheCanary(t *testing.T) {
	workplace(t)
	status, stdout, _ := simrun("run", "canary")
	require.Equal(t, broken, status, stdout)
	status, stdout, stderr := simrun("sweep", "canary", "--seeds", "30", "--out", "kept", "--json")
	require.Equal(t, broken, status)
	require.Empty(t, stderr)
	var r swept
	decode(t, stdout, &r)
	require.Len(t, r.Failures, 1)
	f := r.Failures[0]
	require.Equal(t, f.Seed, r.FirstFailure.Seed)
	require.Len(t, r.Groups, 1)
	require.Equal(t, []uint64{f.Seed}, r.Groups[0].Seeds)
	require.Equal(t, "fail", f.Verdict)
	require.Equal(t, "output", f.Oracle)
	require.FileExists(t, f.Trace)
	require.True(t, strings.HasPrefix(f.Rerun, "simrun run canary --seed "), f.Rerun)
	require.True(t, strings.HasPrefix(f.Replay, "simrun replay "+f.Trace+" --around "), f.Replay)
	require.FileExists(t, f.Case)
	for _, command := range []string{f.Rerun, f.Replay} {
		status, stdout, stderr = simrun(strings.Fields(command)[1:]...)
		require.Equal(t, broken, status, command)
		require.Empty(t, stderr)
		first, _, _ := strings.Cut(f.Message, "\n")
		require.Contains(t, stdout, first)
	}
	status, stdout, _ = simrun("list")
	require.Equal(t, ok, status)
	require.Contains(t, stdout, "\ncanary (a canary: it must fail)\n")
	for _, s := range scenarios.All() {
		require.NotEqual(t, "canary", s.Name)
	}
}

func TestTextOfASweep(t *testing.T) {
	workplace(t)
	status, stdout, stderr := simrun("sweep", "wordcount", "--seeds", "6", "--shard", "2/2", "--strategy", "swarm", "--keep-going")
	require.Equal(t, ok, status, stdout)
	require.Empty(t, stderr)
	require.True(t, strings.HasPrefix(stdout, "PASS  sweep  3 runs, 0 failures\n"), stdout)
	for _, part := range []string{"wordcount unaligned", "\nshares of runs", "\ncoverage  ", "\nnot reached\n", " runs a second\n"} {
		require.Contains(t, stdout, part)
	}
}
