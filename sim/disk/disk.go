// Package disk is a simulated file system, shared by many nodes, that forgets
// what was not synced.
//
// Every call takes effect at once and is seen by every node (the page caches are
// taken to be coherent, as on a shared file system with leases). What would
// survive is kept beside it: each unsynced change remembers the node that made it.
// A process crash only ends the handles of that process. A machine crash also
// takes unsynced changes of that machine away, by draws from [Chance].
//
// Invariants (crash tests and assertions cite the numbers):
//
//	D1  A call through a handle or view of an incarnation that crashed returns
//	    fs.ErrDead and changes nothing.
//	D2  What was synced survives: contents of a file by File.Sync through any
//	    handle, entries of a directory by SyncDir by anyone.
//	D3  A machine crash keeps, of each directory's pending changes by that node,
//	    a drawn prefix, and undoes the others, latest first. Afterwards none of
//	    that node's changes is pending: what survived is durable.
//	D4  A rename is atomic: its target is the old file or the new one, and the
//	    moved file always has a name. Between two directories it is two changes,
//	    and syncing the target alone may leave a file under both names; a
//	    directory has one place only, so there the two go together.
//	D5  After a machine crash a file holds its synced bytes, then whole unsynced
//	    writes of the node, then at most one torn write (its beginning). A file
//	    that was truncated by Create may have its old contents instead.
//	D6  Changes by other nodes stay as they were, pending or durable. Undoing
//	    takes an entry out from under a later change of the same name by another
//	    node, which stays. A rename whose target another node has since moved,
//	    replaced or removed is not undone any more, nor is a change in a directory
//	    that another node has since removed, nor one that would lose a file, have a
//	    directory twice or put it into itself. A directory whose making is undone
//	    goes with all that any node put in it, synced or not: nobody synced its
//	    parent. Lost bytes before another node's bytes read as zeros.
//	D7  The same calls and the same draws give the same disk. Draws come in order
//	    of inode number: directories first, then files. Zero is always the plainest
//	    answer: nothing is lost, no write is torn.
//
// Calls fail where [Disk.Fail] and [Disk.Quota] say so:
//
//	D8  A File.Sync that failed without having taken effect has dropped what was
//	    not yet synced of the file, whoever wrote it: it stays visible and no later
//	    Sync makes it durable; a crash of the machine that wrote it takes it away
//	    as in D5, and what was synced behind it stays, behind zeros. So do ext4 and
//	    XFS on Linux, whose pages are clean after a failed fsync ("fsyncgate",
//	    PostgreSQL 2018; Rebello et al., "Can Applications Recover from fsync
//	    Failures?", USENIX ATC 2020). Writing the file anew by Create is the way
//	    out. A SyncDir that failed may be tried again: entries are in a journal.
//	D9  A failed call changed nothing, unless it is Applied: then it changed all it
//	    was to change, or returns the error that it would have returned anyway. A
//	    failed Write may have appended a beginning, of the length it returns; a
//	    Write that was Applied returns 0.
//	D10 A failed ReadAt has returned true bytes, as many as it says; so has a short
//	    one, without an error. A flipped bit is in what is returned only.
//	D11 A failed Close has closed the handle; a failed Open or Create returns none.
//	    A call of a dead incarnation (D1) is not counted by any failure.
package disk

import (
	"errors"

	"github.com/weirstream/weir/engine/fs"
)

// Errors beyond those of engine/fs; every error names its path as *fs.PathError.
var (
	ErrIsDir    = errors.New("is a directory")
	ErrNotDir   = errors.New("not a directory")
	ErrNotEmpty = errors.New("directory not empty")
	ErrReadOnly = errors.New("read-only file system")
	// ErrBadHandle is returned for writing to a file that was opened for reading,
	// and for reading from one that was opened for writing.
	ErrBadHandle = errors.New("file not open for this")
)

// Chance decides what a machine crash loses. Intn returns a number in [0,n).
type Chance interface{ Intn(n int) int }

// Named is a [Chance] that is told what each draw decides and at which path. A
// path is that of the first name found for an inode, walking in sorted order.
// Decisions are the Lost... and Torn... constants.
type Named interface {
	Chance
	Decide(decision, path string, n int) int
}

// Decisions that are drawn, with what the number means.
const (
	LostEntries  = "disk lost entries"  // how many of the node's latest changes of a directory
	LostTruncate = "disk lost truncate" // 1: the file has its contents from before Create
	LostWrites   = "disk lost writes"   // how many of the node's latest writes to a file
	TornWrite    = "disk torn write"    // how many bytes of the first lost write survive
	FlippedBit   = "disk flipped bit"   // which bit of the byte that Corrupt damages, or of what a read returns
	ShortRead    = "disk short read"    // how many bytes less than all but one a read returns
)

// Disk is one simulated file system. It is not safe for concurrent use.
type Disk struct {
	// OnDurable, if set, is called after each change of what would survive a
	// crash: of a process (every visible change) or of a machine (a sync that had
	// something to do).
	OnDurable func()

	chance   Chance
	named    Named // chance, if it wants names
	root     *inode
	machines []*machine
	inodes   uint64 // last number given
	changes  uint64 // last sequence number of an entry change
	visible  uint64
	durable  uint64
	visit    uint64 // mark of the last walk

	failures []*failing // by id
	quota    int64      // of the visible bytes, if limited
	limited  bool
	full     int // calls that found no space
}

// machine is a node: what it did lives on in inodes under its pointer.
type machine struct {
	name        string
	incarnation uint64
	quota       int64 // if limited
	limited     bool
}

// New returns an empty file system. Chance is asked only by
// crashes, Corrupt and failures that flip bits or shorten reads.
func New(chance Chance) *Disk {
	d := &Disk{chance: chance}
	d.named, _ = chance.(Named)
	d.root = d.newInode(true)
	return d
}

// Node returns the file system as the current incarnation of a node sees it.
func (d *Disk) Node(name string) fs.FS {
	m := d.machine(name)
	return &faulty{view{d: d, by: m, incarnation: m.incarnation}}
}

func (d *Disk) machine(name string) *machine {
	for _, m := range d.machines {
		if m.name == name {
			return m
		}
	}
	m := &machine{name: name}
	d.machines = append(d.machines, m)
	return m
}

// ProcessCrash ends every view and handle that the node holds. Its unsynced
// changes stay in the page cache of its machine.
func (d *Disk) ProcessCrash(node string) { d.machine(node).incarnation++ }

// MachineCrash ends every view and handle that the nodes hold and loses a drawn
// part of their unsynced changes (D3 to D6). Several nodes crash at one instant:
// changes are undone across them, latest first.
func (d *Disk) MachineCrash(nodes ...string) {
	ms := make([]*machine, len(nodes))
	for i, name := range nodes {
		ms[i] = d.machine(name)
		ms[i].incarnation++
	}
	if d.lose(ms) {
		d.durable++
		d.changed()
	}
}

// Versions count changes of the visible and of the durable state: a process crash
// is worth trying again when the first has grown, a machine crash when either has.
func (d *Disk) Versions() (visible, durable uint64) { return d.visible, d.durable }

// changed says that the visible state may have changed.
func (d *Disk) changed() {
	d.visible++
	d.notify()
}

// synced says that visible state has become durable.
func (d *Disk) synced() {
	d.durable++
	d.notify()
}

func (d *Disk) notify() {
	if d.OnDurable != nil {
		d.OnDurable()
	}
}

func (d *Disk) draw(decision, path string, n int) int {
	if n <= 1 {
		return 0
	}
	var x int
	if d.named != nil {
		x = d.named.Decide(decision, path, n)
	} else {
		x = d.chance.Intn(n)
	}
	if x < 0 || x >= n {
		panic("disk: " + decision + ": the draw is out of range")
	}
	return x
}
