package cluster

import (
	"path"
	"slices"
	"time"

	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/disk"
)

// failing is a failure of the disk that a fault has set.
type failing struct {
	id    int      // of the disk, 0 for none
	slow  []int    // by node: of its slowness, 0 for none
	quota int64    // of the visible bytes
	began bool     // there is no room, or the disk is slow, or a call was hit
	files []string // of which a call was hit
}

// failDisk makes a failure of the disk begin, to end at a time unless it ends with a
// number of calls.
func (c *Cluster) failDisk(a *armed, until time.Duration) {
	f := a.fault
	switch f.Kind {
	case faults.NoSpace:
		a.disk.quota = c.Disk.Used() + int64(f.Room)
		c.quotas()
	case faults.SlowDisk:
		s := SlowDisk{Call: f.Call, Factor: max(Percent(f.Percent), 100), Stall: f.By, Times: f.Calls()}
		for _, n := range c.World.nodes {
			id := 0
			if f.Target == faults.All || f.Target == n.name {
				id = n.SlowDisk(s)
			}
			a.disk.slow = append(a.disk.slow, id)
		}
	default:
		a.disk.id = c.Disk.Fail(c.failure(a))
	}
	if f.Kind == faults.NoSpace || f.Kind == faults.SlowDisk {
		c.begin(a, c.World.Name(f.Target), c.World.Name(f.Name))
	}
	if until > c.World.Now() {
		c.World.Schedule(until-c.World.Now(), sim.Event{Kind: c.inject.over, Target: a.index})
	}
}

// failure is what the disk is told of a fault that makes calls fail.
func (c *Cluster) failure(a *armed) disk.Failure {
	f := a.fault
	point := c.World.Point(string(f.Kind), f.Name)
	d := disk.Failure{Err: disk.ErrIO, Applied: f.Applied, Times: f.Calls()}
	switch f.Kind {
	case faults.SyncError:
		d.Op = disk.OpSync
	case faults.ShortRead:
		d.Op, d.Err, d.Short = disk.OpRead, nil, true
	case faults.ReadFlip:
		d.Op, d.Err, d.Flip = disk.OpRead, nil, true
	}
	if f.Target != faults.All {
		d.Node = f.Target
	}
	d.Hits = func(_ disk.Op, name, other string) bool {
		j := c.World.running
		if j == nil { // an observer's call
			return false
		}
		if f.Call != "" && j.op.String() != f.Call {
			return false
		}
		if f.File != "" && !faults.Matches(f.File, name) && (other == "" || !faults.Matches(f.File, other)) {
			return false
		}
		if f.Chance > 0 && point.Intn(100) >= f.Chance {
			return false
		}
		c.hit(a, j.op, name)
		return true
	}
	return d
}

// hit takes note of a call that fails, the first on each file as trouble of its own.
func (c *Cluster) hit(a *armed, op Op, name string) {
	c.Hits++
	c.mended = max(c.mended, c.World.Now())
	switch op {
	case OpRemove:
		c.Unremoved[name], c.Unremoved[path.Dir(name)] = c.World.Numbers(), c.World.Numbers()
	case OpList, OpStat:
		c.Unremoved[name] = c.World.Numbers()
	}
	if !slices.Contains(a.disk.files, name) {
		a.disk.files = append(a.disk.files, name)
		n := c.begin(a, c.World.running.node.id, c.World.Name(name))
		n.Node, n.File = c.World.running.node.name, name
	}
}

// begin makes a failure of the disk trouble from now on.
func (c *Cluster) begin(a *armed, node, peer sim.Name) *Injection {
	f := a.fault
	if !a.disk.began {
		a.disk.began = true
		c.Fired[f.Kind]++
	}
	c.World.aside = c.position(f)
	number := c.World.Note(&sim.Note{Kind: c.inject.fault, Node: node, Actor: c.World.Name(string(f.Kind)), Peer: peer})
	c.Troubles = append(c.Troubles, Injection{Event: number, Fault: f, Node: f.Target})
	return &c.Troubles[len(c.Troubles)-1]
}

// quotas limits the disk, and each node, to what the full disks that hold say together.
func (c *Cluster) quotas() {
	for _, node := range append([]string{""}, c.nodeNames()...) {
		least := int64(-1)
		for _, a := range c.armed {
			f := a.fault
			same := f.Target == node || f.Target == faults.All && node == ""
			if f.Kind == faults.NoSpace && a.done && !a.over && same && (least < 0 || a.disk.quota < least) {
				least = a.disk.quota
			}
		}
		c.Disk.Quota(node, least)
	}
}

func (c *Cluster) nodeNames() (all []string) {
	for _, n := range c.World.nodes {
		all = append(all, n.name)
	}
	return all
}

// mendDisk ends a failure of the disk.
func (c *Cluster) mendDisk(a *armed) {
	c.Disk.Clear(a.disk.id)
	for i, id := range a.disk.slow {
		c.World.nodes[i].MendDisk(id)
	}
	if a.fault.Kind == faults.NoSpace {
		c.quotas()
	}
}

// idle reports whether it is a failure of the disk that has hit no call.
func (a *armed) idle() bool { return a.fault.Kind.OfDisk() && !a.disk.began }
