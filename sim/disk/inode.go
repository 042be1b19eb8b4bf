package disk

import (
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// inode is a file or a directory, whatever names it has.
type inode struct {
	number uint64
	dir    bool
	mark   uint64 // last walk that came here

	// A directory: what is visible, sorted by name, and what is not yet durable
	// of it, in order. The durable entry of a name is the old value of its first
	// pending change, or else the visible one.
	entries []entry
	pending []*change
	settled uint64 // how many changes have become durable
	removed bool   // or replaced by another, visibly

	// A file: what is visible, which bytes of it are not yet durable (ascending,
	// disjoint), and the durable contents if a truncation is pending.
	data     []byte
	unsynced []extent
	cut      *truncation

	sum   uint64 // of data, if known
	known bool
}

type entry struct {
	name string
	node *inode
}

// extent is one unsynced write.
type extent struct {
	by         *machine
	start, end int
	missed     bool // by a sync that failed: no other makes it durable (D8)
}

// truncation is a pending one.
type truncation struct {
	by  *machine
	old []byte
}

// half says which part of a rename a change is.
type half uint8

const (
	whole    half = iota // not a rename
	linked               // the target's entry
	unlinked             // the source's entry
)

// change replaces the entry of one name. A nil inode is no entry.
type change struct {
	sequence uint64
	by       *machine
	dir      *inode
	name     string
	old, new *inode
	half     half
	pair     *change // the other half of a rename
	tied     bool    // both halves survive or none
	done     bool    // durable or undone
}

func (d *Disk) newInode(dir bool) *inode {
	d.inodes++
	return &inode{number: d.inodes, dir: dir}
}

func compareEntry(e entry, name string) int { return strings.Compare(e.name, name) }

func (n *inode) get(name string) *inode {
	if i, ok := slices.BinarySearchFunc(n.entries, name, compareEntry); ok {
		return n.entries[i].node
	}
	return nil
}

func (n *inode) set(name string, to *inode) { n.entries = put(n.entries, name, to) }

// put sets or, for nil, removes the entry of a name in a sorted list.
func put(list []entry, name string, to *inode) []entry {
	i, ok := slices.BinarySearchFunc(list, name, compareEntry)
	switch {
	case ok && to != nil:
		list[i].node = to
	case ok:
		list = slices.Delete(list, i, i+1)
	case to != nil:
		list = slices.Insert(list, i, entry{name, to})
	}
	return list
}

// durableEntry is what the name leads to if every pending change is lost.
func (n *inode) durableEntry(name string) *inode {
	for _, c := range n.pending {
		if !c.done && c.name == name {
			return c.old
		}
	}
	return n.get(name)
}

// durableEntries returns what is left if every pending change is lost.
func (n *inode) durableEntries() []entry {
	if len(n.pending) == 0 {
		return n.entries
	}
	list := slices.Clone(n.entries)
	for _, c := range slices.Backward(n.pending) {
		if !c.done {
			list = put(list, c.name, c.old)
		}
	}
	return list
}

// enter makes a visible and pending change of an entry.
func (d *Disk) enter(by *machine, dir *inode, name string, to *inode) *change {
	d.changes++
	c := &change{sequence: d.changes, by: by, dir: dir, name: name, old: dir.get(name), new: to}
	if c.old != nil {
		c.old.removed = true
	}
	dir.pending = append(dir.pending, c)
	dir.set(name, to)
	return c
}

// move renames, as two pending changes.
func (d *Disk) move(by *machine, from *inode, oldName string, to *inode, newName string) {
	node := from.get(oldName)
	l := d.enter(by, to, newName, node)
	u := d.enter(by, from, oldName, nil)
	node.removed = false
	l.half, u.half = linked, unlinked
	l.pair, u.pair = u, l
	l.tied = from == to || node.dir
	u.tied = l.tied
}

// settle makes one change durable, and with it earlier changes of the name, which
// it hides, and what it depends on.
func settle(c *change) {
	if c.done {
		return
	}
	c.done = true
	c.dir.settled++
	for _, e := range c.dir.pending {
		if e == c {
			break
		}
		if e.name == c.name {
			settle(e)
		}
	}
	c.settled()
}

// settled does what follows from c having become durable: the target of a rename
// whose source goes must be there (D4), and a directory that goes is empty, so
// what was moved out of it must be where it was moved to.
func (c *change) settled() {
	if c.pair != nil && (c.tied || c.half == unlinked) {
		settle(c.pair)
	}
	if c.half != unlinked && c.old != nil && c.old.removed {
		for _, e := range c.old.pending {
			settle(e)
		}
	}
}

// undo takes a change back, and with it what depends on it (D4, D6).
func undo(c *change) {
	if c.done {
		return
	}
	if l := c.link(); c.dir.removed || l != nil && !l.undoable() {
		settle(c)
		return
	}
	revert(c)
	if c.pair != nil && (c.tied || c.half == linked) && !c.pair.done {
		revert(c.pair)
	}
}

// undoable reports whether a rename can be taken back without losing what it
// moved, having it twice, or putting a directory into itself (D6).
func (c *change) undoable() bool {
	source := c.pair
	return c.next() == nil && source.next() == nil && !source.dir.removed &&
		!(c.new.dir && c.new.holds(source.dir))
}

// link returns the target half of the rename that undoing c would undo.
func (c *change) link() *change {
	switch {
	case c.half == linked:
		return c
	case c.half == unlinked && c.tied:
		return c.pair
	}
	return nil
}

// next is the change of the same name that comes after c, if any is left.
func (c *change) next() *change {
	later := false
	for _, e := range c.dir.pending {
		if later && !e.done && e.name == c.name {
			return e
		}
		later = later || e == c
	}
	return nil
}

// revert takes c out of the chain of changes of its name.
func revert(c *change) {
	c.done = true
	if e := c.next(); e != nil {
		e.old = c.old
		return
	}
	c.dir.set(c.name, c.old)
	if c.old != nil {
		c.old.removed = false
	}
}

// holds reports whether a directory is or visibly contains another.
func (n *inode) holds(other *inode) bool {
	if n == other {
		return true
	}
	for _, e := range n.entries {
		if e.node.dir && e.node.holds(other) {
			return true
		}
	}
	return false
}

// compact forgets changes that are done.
func (n *inode) compact() {
	n.pending = slices.DeleteFunc(n.pending, func(c *change) bool { return c.done })
}

// syncEntries makes a directory's entries durable and reports whether any were not.
func (n *inode) syncEntries() bool {
	dirty := false
	for _, c := range n.pending {
		if !c.done {
			dirty = true
			n.settled++
		}
		c.done = true
	}
	for _, c := range n.pending {
		c.settled()
		if c.pair != nil && c.pair.dir != n {
			c.pair.dir.compact()
		}
	}
	n.compact()
	return dirty
}

func (n *inode) appendData(by *machine, p []byte) {
	start := len(n.data)
	n.data = append(n.data, p...)
	n.unsynced = append(n.unsynced, extent{by: by, start: start, end: len(n.data)})
	n.known = false
}

// truncate empties a file; reports whether there was anything to do.
func (n *inode) truncate(by *machine) bool {
	if len(n.data) == 0 && n.cut == nil && len(n.unsynced) == 0 {
		return false
	}
	old := n.durableData()
	n.data, n.unsynced, n.cut, n.known = nil, nil, nil, false
	if len(old) > 0 {
		n.cut = &truncation{by, old}
	}
	return true
}

// syncData makes a file's contents durable, but for what an earlier sync missed, and
// reports whether it changed anything.
func (n *inode) syncData() bool {
	missed := n.unsynced[:0]
	dirty := n.cut != nil
	for _, x := range n.unsynced {
		if x.missed {
			missed = append(missed, x)
		} else {
			dirty = true
		}
	}
	n.unsynced, n.cut = missed, nil
	return dirty
}

// missData is a sync that fails: what it was to write will not be written any more.
func (n *inode) missData() {
	for i := range n.unsynced {
		n.unsynced[i].missed = true
	}
}

// durableData is what a file holds if every unsynced write is lost. It shares
// memory with data where it can; neither is ever changed in place.
func (n *inode) durableData() []byte {
	if n.cut != nil {
		return n.cut.old
	}
	if len(n.unsynced) == 0 {
		return n.data[:len(n.data):len(n.data)]
	}
	return without(n.data, n.unsynced)
}

// without returns data less some ascending ranges: those at the end are cut off,
// others read as zeros.
func without(data []byte, lost []extent) []byte {
	end := len(data)
	for len(lost) > 0 && lost[len(lost)-1].end == end {
		end = lost[len(lost)-1].start
		lost = lost[:len(lost)-1]
	}
	data = data[:end:end]
	if len(lost) > 0 {
		data = slices.Clone(data)
	}
	for _, x := range lost {
		clear(data[x.start:x.end])
	}
	return data
}

func (n *inode) digest() uint64 {
	if !n.known {
		n.sum, n.known = xxhash.Sum64(n.data), true
	}
	return n.sum
}
