package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/scenarios"
	"github.com/weirstream/weir/sim/trace"
)

// TestMain lets the test binary be the live child that simrun live starts, and simrun.
func TestMain(m *testing.M) {
	if os.Getenv(asSimrun) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	if scenarios.IsLiveChild() {
		os.Exit(scenarios.LiveChild())
	}
	os.Exit(m.Run())
}

// documented are the fields that others rely on, of run and live.
type documented struct {
	Scenario   string `json:"scenario"`
	Seed       uint64 `json:"seed"`
	Mode       string `json:"mode"`
	Verdict    string `json:"verdict"`
	Violations []struct {
		Oracle  string `json:"oracle"`
		Message string `json:"message"`
		Event   uint64 `json:"event"`
	} `json:"violations"`
	TraceHash   string `json:"trace_hash"`
	Events      uint64 `json:"events"`
	RecordsIn   int64  `json:"records_in"`
	RecordsOut  int64  `json:"records_out"`
	Duplicates  int64  `json:"duplicates"`
	Checkpoints struct {
		Completed  int `json:"completed"`
		Aborted    int `json:"aborted"`
		Declined   int `json:"declined"`
		Expired    int `json:"expired"`
		Savepoints int `json:"savepoints"`
	} `json:"checkpoints"`
	Restores  int            `json:"restores"`
	Kills     int            `json:"kills"`
	Faults    map[string]int `json:"faults"`
	VirtualMS int64          `json:"virtual_ms"`
	WallMS    int64          `json:"wall_ms"`
}

// more are the fields beyond those, which may come and go.
type more struct {
	RestoredInFlight int64    `json:"restored_in_flight_bytes"`
	Unfired          []string `json:"unfired"`
	World            string   `json:"world"`
	Plan             []string `json:"plan"`
	Stopped          bool     `json:"stopped"`
	Again            []string `json:"again"`
	Strategy         string   `json:"strategy"`
	Lines            int      `json:"lines"`
}

type reported struct {
	documented
	more

	Promise string   `json:"promise"`
	Causes  []string `json:"causes"`
	History string   `json:"history"`

	Linearizability struct {
		Observations int  `json:"observations"`
		Operations   int  `json:"operations"`
		Searched     bool `json:"searched"`
		Exhausted    int  `json:"exhausted"`
	} `json:"linearizability"`
	Replay string `json:"replay"`
}

type replayed struct {
	Agreed          bool `json:"agreed"`
	FirstDifference *struct {
		Event   uint64   `json:"event"`
		Trace   string   `json:"trace"`
		Run     string   `json:"run"`
		Differs []string `json:"differs"`
	} `json:"first_difference"`
	TraceHash string `json:"trace_hash"`
	Verdict   string `json:"verdict"`
	Records   uint64 `json:"records"`
	Scenario  string `json:"scenario"`
	Seed      uint64 `json:"seed"`
	Recorded  string `json:"recorded_verdict"`
}

// decode takes one JSON object with no other fields than v's and nothing after it.
func decode(t *testing.T, text string, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(v), text)
	require.Equal(t, "\n", text[d.InputOffset():], "one object and nothing else")
}

// requireFields requires that an object have all fields of a struct.
func requireFields(t *testing.T, text string, like any) {
	t.Helper()
	var got, want map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &got))
	all, err := json.Marshal(like)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(all, &want))
	for name := range want { // unordered: each by itself
		require.Contains(t, got, name)
	}
}

// workplace is a directory to work in, with an input.
func workplace(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	require.NoError(t, os.WriteFile("input", []byte(strings.Repeat("some words and some more\n", 40)), 0o644))
}

func TestRunJSON(t *testing.T) {
	workplace(t)
	status, stdout, stderr := simrun("run", "wordcount", "--seed", "18446744073709551615", "--input", "input", "--output", "out", "--trace", "run.trace", "--history", "history.html", "--json")
	require.Equal(t, ok, status, stdout)
	require.Empty(t, stderr)
	requireFields(t, stdout, documented{})
	var r reported
	decode(t, stdout, &r)
	require.Equal(t, "wordcount", r.Scenario)
	require.Equal(t, uint64(18446744073709551615), r.Seed)
	require.Equal(t, "aligned", r.Mode)
	require.Equal(t, "pass", r.Verdict)
	require.NotNil(t, r.Violations)
	require.Empty(t, r.Violations)
	require.Regexp(t, "^[0-9a-f]{16}$", r.TraceHash)
	require.Equal(t, int64(40), r.RecordsIn)
	require.Equal(t, int64(200), r.RecordsOut)
	require.Positive(t, r.Events)
	require.Positive(t, r.Checkpoints.Completed)
	require.Positive(t, r.Restores)
	require.Positive(t, r.Faults["process-crash"]+r.Faults["machine-crash"])
	require.Positive(t, r.VirtualMS)
	require.Equal(t, "history.html", r.History)
	require.FileExists(t, r.History)
	require.Positive(t, r.Linearizability.Observations)
	out, err := os.ReadFile("out")
	require.NoError(t, err)
	require.Equal(t, "and\t40\nmore\t40\nsome\t80\nwords\t40\n", string(out))

	status, stdout, stderr = simrun("replay", "run.trace", "--json")
	require.Equal(t, ok, status)
	require.Empty(t, stderr)
	requireFields(t, stdout, replayed{})
	var p replayed
	decode(t, stdout, &p)
	require.True(t, p.Agreed)
	require.Nil(t, p.FirstDifference)
	require.Equal(t, r.TraceHash, p.TraceHash)
	require.Equal(t, "pass", p.Verdict)
	require.Equal(t, r.Seed, p.Seed)
}

// TestFailingRun: exit status 1, a saved trace, the commands, and a replay that
// fails in the same way.
func TestFailingRun(t *testing.T) {
	workplace(t)
	failing := []string{"run", "wordcount", "--input", "input", "--out", "kept", "--set", "restart-strategy.fixed-delay.attempts=0"}
	status, stdout, stderr := simrun(append(failing, "--json")...)
	require.Equal(t, broken, status)
	require.Empty(t, stderr)
	var r reported
	decode(t, stdout, &r)
	require.Equal(t, "fail", r.Verdict)
	require.NotEmpty(t, r.Violations)
	saved := filepath.Join("kept", "wordcount-aligned-1.trace")
	require.FileExists(t, saved)
	require.Equal(t, filepath.Join("kept", "wordcount-aligned-1.html"), r.History)
	require.FileExists(t, r.History)
	require.True(t, r.Linearizability.Searched)
	require.Len(t, r.Again, 4)
	require.Equal(t, "simrun shrink "+saved, r.Again[3])
	require.Equal(t, "simrun replay "+saved+" --html "+filepath.Join("kept", "wordcount-aligned-1-run.html"), r.Again[2])
	require.Contains(t, r.Again[1], "simrun replay "+saved+" --around ")

	for _, command := range r.Again { // they work as they are printed
		status, stdout, stderr = simrun(strings.Fields(command)[1:]...)
		require.Equal(t, broken, status, command)
		require.Empty(t, stderr)
		require.Contains(t, stdout, "as configured")
	}
	status, stdout, _ = simrun("replay", saved, "--json")
	require.Equal(t, broken, status)
	var p replayed
	decode(t, stdout, &p)
	require.True(t, p.Agreed)
	require.Equal(t, "fail", p.Verdict)
	require.Equal(t, "fail", p.Recorded)
}

// TestNotTheSame: a trace of which the header names another seed than its records
// had: exit status 3, and the first event that differs.
func TestNotTheSame(t *testing.T) {
	workplace(t)
	status, _, _ := simrun("run", "wordcount", "--seed", "1", "--input", "input", "--trace", "run.trace")
	require.Equal(t, ok, status)
	from, err := trace.Open("run.trace")
	require.NoError(t, err)
	header := from.Header
	header.Seed = 2
	to, err := trace.Create("other.trace", header, from.Name)
	require.NoError(t, err)
	require.NoError(t, from.Each(func(r trace.Record) error {
		to.Append(&r)
		return nil
	}))
	require.NoError(t, to.Close(from.Verdict))

	status, stdout, stderr := simrun("replay", "other.trace", "--json")
	require.Equal(t, nondeterministic, status)
	require.Empty(t, stderr)
	var p replayed
	decode(t, stdout, &p)
	require.False(t, p.Agreed)
	require.Equal(t, "nondeterministic", p.Verdict)
	require.NotNil(t, p.FirstDifference)
	require.Positive(t, p.FirstDifference.Event)
	require.NotEmpty(t, p.FirstDifference.Differs)

	status, stdout, stderr = simrun("replay", "other.trace", "--around", "30")
	require.Equal(t, nondeterministic, status)
	require.Empty(t, stderr)
	require.Contains(t, stdout, "NOT THE SAME  wordcount  seed=2")
}

func TestLiveJSON(t *testing.T) {
	workplace(t)
	status, stdout, stderr := simrun("live", "wordcount", "--kills", "1", "--mode", "unaligned", "--input", "input", "--dir", "job", "--output", "out",
		"--set", "execution.checkpointing.interval=20ms", "--json")
	require.Equal(t, ok, status, stdout)
	require.Equal(t, "killed 1 of 1\n", stderr, "progress goes to standard error")
	requireFields(t, stdout, documented{})
	var r reported
	decode(t, stdout, &r)
	require.Equal(t, "pass", r.Verdict)
	require.Equal(t, 1, r.Kills)
	require.Equal(t, 1, r.Faults["kill"])
	require.Positive(t, r.Restores)
	require.Equal(t, int64(200), r.RecordsOut)
	require.FileExists(t, "out")
	require.DirExists(t, filepath.Join("job", "checkpoints"))

	// The simulator goes on from what is there.
	status, stdout, _ = simrun("run", "wordcount", "--input", "input", "--from", "job", "--json")
	require.Equal(t, ok, status, stdout)

	// A live run that fails exits with 1 and says where its directory is.
	require.NoError(t, os.WriteFile("short", []byte("some\n"), 0o644))
	status, stdout, stderr = simrun("live", "wordcount", "--input", "short", "--from", "job", "--json")
	require.Equal(t, broken, status, stdout)
	require.True(t, strings.HasPrefix(stderr, "simrun: the job directory is kept: "), stderr)
	var failed reported
	decode(t, stdout, &failed)
	require.Equal(t, "fail", failed.Verdict)
	require.NotEmpty(t, failed.Violations)
	require.Contains(t, failed.Violations[0].Message, "short")
}

func TestList(t *testing.T) {
	status, stdout, stderr := simrun("list", "--json")
	require.Equal(t, ok, status)
	require.Empty(t, stderr)
	var l struct {
		Scenarios []struct {
			Name    string   `json:"name"`
			Promise string   `json:"promise"`
			Modes   []string `json:"modes"`
			Faults  []string `json:"faults"`
			Order   string   `json:"order"`
			Canary  bool     `json:"canary"`
		} `json:"scenarios"`
	}
	decode(t, stdout, &l)
	require.Len(t, l.Scenarios, len(scenarios.All())+1)
	require.Equal(t, "canary", l.Scenarios[len(scenarios.All())].Name)
	require.True(t, l.Scenarios[len(scenarios.All())].Canary)
	for i, s := range scenarios.All() {
		require.Equal(t, s.Name, l.Scenarios[i].Name)
		require.NotEmpty(t, l.Scenarios[i].Promise)
		require.NotEmpty(t, l.Scenarios[i].Modes)
		require.NotEmpty(t, l.Scenarios[i].Faults)
		require.Equal(t, s.Order.String(), l.Scenarios[i].Order)
	}
	status, stdout, stderr = simrun("list")
	require.Equal(t, ok, status)
	require.Empty(t, stderr)
	require.Contains(t, stdout, "wordcount\n  promise  every count of every word is committed exactly once")
	require.Contains(t, stdout, "\n  order    witnessed\n")
}

// TestHelp: help is no error, and lists no command or option that isn't there.
func TestHelp(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}, {"run", "--help"}, {"live", "--help"}, {"replay", "--help"}, {"list", "--help"}, {"sweep", "--help"}} {
		status, stdout, stderr := simrun(args...)
		require.Equal(t, ok, status, args)
		require.Empty(t, stderr, args)
		require.Contains(t, stdout, "Usage: simrun")
		require.NotContains(t, stdout, "savepoint")
	}
}

func TestTextOfARun(t *testing.T) {
	workplace(t)
	status, stdout, stderr := simrun("run", "wordcount", "--input", "input")
	require.Equal(t, ok, status)
	require.Empty(t, stderr)
	require.True(t, strings.HasPrefix(stdout, "PASS  wordcount  mode=aligned  seed=1\n"), stdout)
	require.Contains(t, stdout, "40 in, 200 committed, 0 duplicates")
	require.False(t, bytes.Contains([]byte(stdout), []byte("\x1b")), "colour only on a terminal")
}
