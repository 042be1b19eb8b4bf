package cluster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/sim/cluster"
	"github.com/weirstream/weir/sim/disk"
)

// slowed runs a short job with a slow disk of its worker and says when it ended.
func slowed(t *testing.T, s cluster.SlowDisk, mend bool) (*judged, time.Duration, int) {
	t.Helper()
	var id int
	var n *cluster.Node
	sh := &short{job: totals, created: func(w *cluster.Cluster) {
		n = w.World.Node("tm1")
		id = n.SlowDisk(s)
		if mend {
			n.MendDisk(id)
		}
	}}
	c, violations := sh.run(t, 1, func(*disk.Disk) {})
	require.Empty(t, wrong(t, c, violations))
	return c, c.World.Now(), n.Slowed(id)
}

// Calls of the named kind take longer on the named node, as often as is said, and the
// job is exact all the same.
func TestSlowDisk(t *testing.T) {
	plain, before, calls := slowed(t, cluster.SlowDisk{Op: disk.OpSync, Factor: 1000}, true)
	require.Zero(t, calls)
	_, after, calls := slowed(t, cluster.SlowDisk{Op: disk.OpSync, Factor: 5000}, false)
	require.Greater(t, calls, 3)
	require.Greater(t, after, before)
	_, after, calls = slowed(t, cluster.SlowDisk{Op: disk.OpMkdir, Stall: 5 * time.Second, Times: 1}, false)
	require.Equal(t, 1, calls)
	require.Greater(t, after, 5*time.Second, "the sink's directory is the first thing a task needs")
	same, after, calls := slowed(t, cluster.SlowDisk{Op: disk.OpRename, Factor: 100}, false)
	require.Positive(t, calls)
	require.Equal(t, before, after)
	require.Equal(t, plain.hash, same.hash)
	require.Panics(t, func() { slowed(t, cluster.SlowDisk{Stall: -1}, false) })
}
