package scenarios

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

var garbage []byte

// TestRoom: with room garbage is collected seldom, without it as often as ever.
func TestRoom(t *testing.T) {
	collections := func() uint32 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range roomBytes / 2 / 4096 {
			garbage = make([]byte, 4096)
		}
		runtime.ReadMemStats(&after)
		return after.NumGC - before.NumGC
	}
	r := newRoom()
	require.Zero(t, collections())
	r.keep()
	require.NotZero(t, collections())
}
