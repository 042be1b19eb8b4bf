package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// asSimrun makes the test binary simrun, in a process that can be killed.
const asSimrun = "WEIR_TEST_AS_SIMRUN"

func startSweep(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(exe, append([]string{"sweep"}, args...)...)
	c.Env = append(os.Environ(), asSimrun+"=yes")
	require.NoError(t, c.Start())
	return c
}

// await waits until a sweep has noted some runs.
func await(t *testing.T, journal string, runs int) {
	t.Helper()
	require.Eventually(t, func() bool {
		data, err := os.ReadFile(journal)
		return err == nil && bytes.Count(data, []byte("\n")) > runs
	}, time.Minute, time.Millisecond)
}

// TestSweepKilled: SIGKILL takes nothing from a sweep that is resumed, however often.
func TestSweepKilled(t *testing.T) {
	workplace(t)
	list := []string{"wordcount", "canary", "--seeds", "18", "--jobs", "2", "--keep-going", "--out"}
	status, _, stderr := simrun(append([]string{"sweep"}, append(list, "whole")...)...)
	require.Equal(t, broken, status, stderr)
	list = append(list, "killed")
	journal := filepath.Join("killed", "seed-1.journal")
	for i, runs := range []int{2, 9} {
		args := list
		if i > 0 {
			args = append(args, "--resume")
		}
		c := startSweep(t, args...)
		await(t, journal, runs)
		require.NoError(t, c.Process.Kill())
		require.Error(t, c.Wait())
	}
	noted, err := os.ReadFile(journal)
	require.NoError(t, err)
	status, stdout, stderr := simrun(append([]string{"sweep", "--resume", "--json"}, list...)...)
	require.Equal(t, broken, status, stderr)
	var r swept
	decode(t, stdout, &r)
	require.Equal(t, 18, r.Runs)
	after, err := os.ReadFile(journal)
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(after, noted[:bytes.LastIndexByte(noted, '\n')+1]), "what had ended is not run again")
	want, err := os.ReadFile(filepath.Join("whole", "seed-1.coverage"))
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join("killed", "seed-1.coverage"))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// TestSweepInterrupted: SIGINT ends it with a report that says so, and another status.
func TestSweepInterrupted(t *testing.T) {
	workplace(t)
	var out bytes.Buffer
	exe, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(exe, "sweep", "wordcount", "--for", "10m", "--out", "kept", "--json")
	c.Env, c.Stdout = append(os.Environ(), asSimrun+"=yes"), &out
	require.NoError(t, c.Start())
	await(t, filepath.Join("kept", "seed-1.journal"), 1)
	require.NoError(t, c.Process.Signal(os.Interrupt))
	require.Error(t, c.Wait())
	require.Equal(t, interrupt, c.ProcessState.ExitCode())
	var r swept
	decode(t, out.String(), &r)
	require.True(t, r.Interrupted)
	require.Positive(t, r.Runs)
	require.FileExists(t, filepath.Join("kept", "seed-1.coverage"))
}
