package cluster

import (
	"time"

	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/disk"
)

// SlowDisk makes file-system calls of a node take longer. It holds for calls that
// are begun from now on.
type SlowDisk struct {
	// Op is which calls; 0 for all. Call is the one kind of these that is slow, as
	// [Op.String] has it; empty for all.
	Op   disk.Op
	Call string
	// Factor scales the drawn time of a call, beside the node's own cost.
	Factor Percent
	// Stall is added to it; at least 0.
	Stall time.Duration
	// Times is how many calls are slow; 0 for all until it is mended.
	Times int
}

// slowDisk is one that was set.
type slowDisk struct {
	SlowDisk
	slowed int
	mended bool
}

// SlowDisk sets a slowness and returns its number, from 1. Several that are for the
// same call add up: factors multiply. A negative stall or count is a panic.
func (n *Node) SlowDisk(s SlowDisk) (id int) {
	if s.Stall < 0 || s.Times < 0 {
		panic("cluster: a slow disk of " + n.name + " with a negative stall or count")
	}
	n.slow = append(n.slow, &slowDisk{SlowDisk: s})
	return len(n.slow)
}

// MendDisk ends a slowness; one that has ended or was never set is fine.
func (n *Node) MendDisk(id int) {
	if id >= 1 && id <= len(n.slow) {
		n.slow[id-1].mended = true
	}
}

// Slowed is how many calls a slowness has made slow, 0 for one that was never set.
func (n *Node) Slowed(id int) int {
	if id < 1 || id > len(n.slow) {
		return 0
	}
	return n.slow[id-1].slowed
}

// diskOps are the calls as the disk names them.
var diskOps = [opCount]disk.Op{
	OpOpen: disk.OpOpen, OpAppend: disk.OpOpen, OpCreate: disk.OpCreate, OpCreateNew: disk.OpCreate,
	OpRename: disk.OpRename, OpRemove: disk.OpRemove, OpMkdirAll: disk.OpMkdir, OpList: disk.OpList,
	OpStat: disk.OpStat, OpSyncDir: disk.OpSyncDir, OpRead: disk.OpRead, OpWrite: disk.OpWrite,
	OpSize: disk.OpSize, OpSync: disk.OpSync, OpClose: disk.OpClose,
}

// callTime is how long a call takes that takes d on a disk that is not slow.
func (n *Node) callTime(op Op, d sim.Span) sim.Span {
	for _, s := range n.slow {
		if s.mended || s.Times > 0 && s.slowed == s.Times || s.Op != 0 && s.Op&diskOps[op] == 0 || s.Call != "" && s.Call != op.String() {
			continue
		}
		s.slowed++
		if slow := s.Factor.span(d).Plus(s.Stall); slow != d {
			d, n.w.slowest = slow, max(n.w.slowest, n.w.Now()+slow.Latest)
		}
	}
	return d
}
