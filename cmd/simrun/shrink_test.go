package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestShrinkAndRunTheCase: a failure is shrunk, its case fails in the same way when it is
// run, and says so; one that promises to pass and fails is a broken promise all the same.
func TestShrinkAndRunTheCase(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("input", []byte("some words\nsome more\nand some words more\n"), 0o644))
	status, _, stderr := simrun("run", "wordcount", "--input", "input", "--set", "restart-strategy.fixed-delay.attempts=0", "--trace", "failed.trace")
	require.Equal(t, broken, status, stderr)

	status, stdout, stderr := simrun("shrink", "failed.trace", "--out", "small.txt", "--budget", "1m", "--json")
	require.Equal(t, broken, status, stderr)
	var s struct {
		Oracle, Case, Trace string
		Minimal             bool
		To                  struct{ Faults, Records int }
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &s))
	require.Equal(t, "output", s.Oracle)
	require.Equal(t, "small.txt", s.Case)
	require.FileExists(t, s.Trace)
	require.True(t, s.Minimal)
	require.Equal(t, 1, s.To.Faults, "the crash after which nothing restarts")
	require.Equal(t, 1, s.To.Records)

	status, stdout, stderr = simrun("run", "--case", "small.txt", "--trace", "again.trace", "--out", "failures")
	require.Equal(t, broken, status, stderr)
	require.Empty(t, stderr)
	require.Contains(t, stdout, "case         output objects, as it says")
	require.Contains(t, stdout, "again        simrun run --case small.txt")
	require.FileExists(t, filepath.Join("failures", "wordcount-aligned-1.trace"))
	status, stdout, _ = simrun("replay", "again.trace")
	require.Equal(t, broken, status)
	require.Contains(t, stdout, "AGREED")

	text, err := os.ReadFile("small.txt")
	require.NoError(t, err)
	text = bytes.Replace(text, []byte("\nfails     output\n"), []byte("\npasses\n"), 1)
	require.NoError(t, os.WriteFile("small.txt", text, 0o644))
	status, stdout, _ = simrun("run", "--case", "small.txt", "--json", "--out", "failures")
	require.Equal(t, broken, status)
	var r struct{ Case string }
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	require.Equal(t, "it says that it passes; output objects", r.Case)
}
