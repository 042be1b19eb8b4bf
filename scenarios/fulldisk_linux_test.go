package scenarios

import (
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
