package disk

import (
	"cmp"
	"slices"
)

// found is an inode that can be reached, with the first path that leads to it.
type found struct {
	node *inode
	path string
}

// walk returns all that is reachable by visible entries and by entries that could
// come back, in order of inode number.
func (d *Disk) walk() (dirs, files []found) {
	d.visit++
	var enter func(n *inode, path string)
	enter = func(n *inode, path string) {
		if n == nil || n.mark == d.visit {
			return
		}
		n.mark = d.visit
		if !n.dir {
			files = append(files, found{n, path})
			return
		}
		dirs = append(dirs, found{n, path})
		for _, e := range n.entries {
			enter(e.node, join(path, e.name))
		}
		for _, c := range n.pending {
			if !c.done {
				enter(c.old, join(path, c.name))
				enter(c.new, join(path, c.name))
			}
		}
	}
	enter(d.root, "")
	byNumber := func(a, b found) int { return cmp.Compare(a.node.number, b.node.number) }
	slices.SortFunc(dirs, byNumber)
	slices.SortFunc(files, byNumber)
	return dirs, files
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// lose takes a drawn part of the machines' unsynced changes away and makes the rest
// durable. It reports whether there were any.
func (d *Disk) lose(ms []*machine) bool {
	changed := d.loseEntries(ms)
	dirs, files := d.walk() // without what has just been lost
	for _, f := range files {
		changed = d.loseData(ms, f) || changed
	}
	for _, f := range dirs {
		for _, c := range f.node.pending {
			if slices.Contains(ms, c.by) {
				panic("disk: D3: " + c.by.name + " still has a pending change of " + join(f.path, c.name))
			}
		}
	}
	return changed
}

func (d *Disk) loseEntries(ms []*machine) bool {
	dirs, _ := d.walk()
	var lost, kept []*change
	for _, f := range dirs {
		for _, m := range ms {
			units := unitsOf(f.node, m)
			keep := len(units) - d.draw(LostEntries, f.path, len(units)+1)
			kept = append(kept, units[:keep]...)
			lost = append(lost, units[keep:]...)
		}
	}
	slices.SortFunc(lost, func(a, b *change) int { return cmp.Compare(b.sequence, a.sequence) })
	slices.SortFunc(kept, func(a, b *change) int { return cmp.Compare(a.sequence, b.sequence) })
	for _, c := range lost {
		undo(c)
	}
	for _, c := range kept {
		settle(c)
	}
	for _, f := range dirs {
		f.node.compact()
	}
	return len(lost)+len(kept) > 0
}

// unitsOf returns a machine's pending changes of a directory that survive or not
// on their own: a rename within the directory counts once (D4).
func unitsOf(dir *inode, m *machine) []*change {
	var units []*change
	for _, c := range dir.pending {
		sameUnit := c.half == unlinked && c.pair.dir == dir
		if c.by == m && !c.done && !sameUnit {
			units = append(units, c)
		}
	}
	return units
}

// loseData takes a drawn part of the machines' unsynced writes to a file away (D5).
func (d *Disk) loseData(ms []*machine, f found) bool {
	n := f.node
	changed := false
	if n.cut != nil && slices.Contains(ms, n.cut.by) {
		changed = true
		mine := !slices.ContainsFunc(n.unsynced, func(x extent) bool { return !slices.Contains(ms, x.by) })
		if mine && d.draw(LostTruncate, f.path, 2) == 1 {
			n.data, n.unsynced, n.cut, n.known = n.cut.old, nil, nil, false
			return true
		}
		n.cut = nil
	}
	for _, m := range ms {
		changed = d.loseWrites(m, f) || changed
	}
	return changed
}

func (d *Disk) loseWrites(m *machine, f found) bool {
	n := f.node
	var mine []extent
	for _, x := range n.unsynced {
		if x.by == m {
			mine = append(mine, x)
		}
	}
	if len(mine) == 0 {
		return false
	}
	keep := len(mine) - d.draw(LostWrites, f.path, len(mine)+1)
	survivors, lost := keep > 0, mine[keep:]
	if len(lost) > 0 {
		torn := d.draw(TornWrite, f.path, lost[0].end-lost[0].start)
		lost[0].start += torn
		survivors = survivors || torn > 0
	}
	if survivors {
		n.cut = nil // they were written after it
	}
	n.unsynced = others(n.unsynced, m, lost)
	n.data, n.known = without(n.data, lost), false
	return true
}

// others returns the writes of other nodes. A hole that m's lost writes leave right
// before one of them is part of it from now on: it is there only because of it.
func others(unsynced []extent, m *machine, lost []extent) []extent {
	var left []extent // latest first
	for _, x := range slices.Backward(unsynced) {
		switch {
		case x.by != m:
			left = append(left, x)
		case len(lost) > 0:
			hole := lost[len(lost)-1]
			lost = lost[:len(lost)-1]
			if len(left) > 0 && left[len(left)-1].start == hole.end {
				left = append(left, extent{left[len(left)-1].by, hole.start, hole.end, left[len(left)-1].missed})
			}
		}
	}
	slices.Reverse(left)
	return left
}
