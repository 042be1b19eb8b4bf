package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// found are the cases that were kept because they failed once.
func found(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("found", "*.txt"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(paths), 3)
	return paths
}

// TestFoundCases: they pass, and still come through what they were kept for. This file's
// name puts them before all other tests.
func TestFoundCases(t *testing.T) {
	for _, path := range found(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			c, err := ReadCase(path)
			require.NoError(t, err)
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, c.String(), string(text), "a case is written as simrun shrink writes it")
			require.True(t, c.Passes, "what fails in the engine as it is belongs into a branch")
			require.NotEmpty(t, c.Reaches, "a case that need not reach anything passes for nothing")
			rep, err := RunCase(c, RunOptions{Failures: t.TempDir()})
			require.NoError(t, err)
			require.Equal(t, Pass, rep.Verdict, "%s", rep.Text())
			require.Equal(t, "it passes, as it says", rep.Case)
		})
	}
}
