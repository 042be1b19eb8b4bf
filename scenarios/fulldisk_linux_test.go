package scenarios

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFullDisk needs the right to mount one.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=8k"); err != nil {
		t.Skip("this user may not mount a small disk:", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	lost(t, dir, "no space left on device")
}

// TestFullDiskForCoverage: the report is there, and an error.
func TestFullDiskForCoverage(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=4k"); err != nil {
		t.Skip("this user may not mount a small disk:", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	require.NoError(t, os.WriteFile(filepath.Join(dir, "full"), make([]byte, 4096), 0o644))
	r, err := Sweep(SweepOptions{Scenarios: []string{"wordcount"}, Seeds: 1, Coverage: dir})
	require.ErrorContains(t, err, "the journal could not be written, and the sweep can't be resumed from here: ")
	require.ErrorContains(t, err, "the coverage could not be saved: ")
	require.ErrorContains(t, err, "no space left on device")
	require.Equal(t, 1, r.Runs)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
}
