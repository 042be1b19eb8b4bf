package cluster

import (
	"path"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim"
)

// Damage is what a fault did to a checkpoint.
type Damage struct {
	Checkpoint uint64
	// File is the path of the damaged file, or of the checkpoint's directory if all of
	// it is gone.
	File string
	// Newest says that no newer checkpoint was complete.
	Newest bool
}

// Lost reports whether the checkpoint no longer shows that it was complete.
func (d *Damage) Lost(k faults.Kind) bool {
	base := path.Base(d.File)
	_, whole := snapshot.ParseDir(base)
	return k == faults.LostFile && (whole || base == snapshot.MetadataName)
}

// damage carries a fault out, if the checkpoint it means is there and has an intact
// file of the name it wants; otherwise the fault does not happen. An essential one
// waits.
func (c *Cluster) damage(a *armed) {
	f := a.fault
	files := c.Disk.Node("fault")
	all := c.complete(files)
	back := 0
	if f.Target == faults.Previous {
		back = 1
	}
	if len(all) <= back {
		a.missed = !f.Essential
		return
	}
	id := all[len(all)-1-back]
	d := &Damage{Checkpoint: id, Newest: back == 0}
	names := c.intact(files, id, f)
	if len(names) == 0 {
		a.missed = !f.Essential
		return
	}
	point := c.World.Point("damage", f.Name)
	d.File = path.Join(snapshot.Dir(c.o.Config.CheckpointDir, id), names[point.Intn(len(names))])
	c.harm(f.Kind, d.File)
	a.done = true
	c.Fired[f.Kind]++
	c.World.aside = c.position(f)
	number := c.World.Note(&sim.Note{
		Kind: c.damaged, Node: c.World.Name("disk"), Actor: c.World.Name(string(f.Kind)), Peer: c.World.Name(d.File),
	})
	c.Injected = append(c.Injected, Injection{Event: number, Fault: f, Damage: d})
}

// harm damages a file that is there.
func (c *Cluster) harm(k faults.Kind, name string) {
	var err error
	switch size := c.size(name); k {
	case faults.BitFlip:
		err = c.Disk.Corrupt(name, int64(c.World.Point("damage", "offset").Intn(size)))
	case faults.TruncatedFile:
		err = c.Disk.Truncate(name, int64(c.World.Point("damage", "size").Intn(size)))
	case faults.LostFile:
		err = c.Disk.Lose(name)
	}
	if err != nil {
		panic("the file was there: " + err.Error())
	}
}

// complete is the ids of checkpoints that have metadata, seen and durable, ascending.
func (c *Cluster) complete(files fs.FS) []uint64 {
	var all []uint64
	dir := c.o.Config.CheckpointDir
	entries, _ := files.List(dir) // there may be none yet
	for _, e := range entries {
		id, ok := snapshot.ParseDir(e.Name)
		if !ok {
			continue
		}
		name := path.Join(dir, e.Name, snapshot.MetadataName)
		_, seen := files.Stat(name)
		_, kept := c.Disk.Durable().Stat(name)
		if seen == nil && kept == nil {
			all = append(all, id)
		}
	}
	slices.Sort(all) // by number, not by name
	return all
}

// intact is the names that the fault may damage in a checkpoint's directory, the metadata
// twice: files that no fault has damaged, since a bit that is flipped twice is whole.
func (c *Cluster) intact(files fs.FS, id uint64, f faults.Fault) []string {
	dir := snapshot.Dir(c.o.Config.CheckpointDir, id)
	var names []string
	entries, _ := files.List(dir)
	for _, e := range entries {
		if !strings.HasSuffix(e.Name, ".tmp") && !c.harmed(path.Join(dir, e.Name)) {
			names = append(names, e.Name)
			if e.Name == snapshot.MetadataName {
				names = append(names, e.Name)
			}
		}
	}
	if f.Kind == faults.LostFile {
		names = append(names, faults.Whole)
	}
	if f.File != "" {
		names = slices.DeleteFunc(names, func(n string) bool { return n != f.File })
	}
	return names
}

func (c *Cluster) harmed(name string) bool {
	for _, in := range c.Injected {
		if in.Damage != nil && in.Damage.File == name {
			return true
		}
	}
	return false
}

func (c *Cluster) size(name string) int {
	info, err := c.Disk.Node("fault").Stat(name)
	if err != nil {
		return 0
	}
	return int(info.Size)
}
