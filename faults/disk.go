package faults

import (
	"fmt"
	"time"
)

// The kinds of failure of the disk. Their Target is the node whose calls fail, or [All].
const (
	// IOError makes file-system calls fail, with or without having taken effect.
	IOError Kind = "io-error"
	// NoSpace leaves no room, or a little, for what is written.
	NoSpace Kind = "no-space"
	// ShortRead makes reads return a part of what was asked for, and no error.
	ShortRead Kind = "short-read"
	// SyncError makes syncs of files fail and lose what they were to write, for good.
	SyncError Kind = "sync-error"
	// SlowDisk makes calls take longer.
	SlowDisk Kind = "slow-disk"
	// ReadFlip flips a bit of what one read returns; the next read is right.
	ReadFlip Kind = "read-flip"
)

// All is the Target of a fault that is about the disks of all nodes.
const All = "all"

// OfDisk reports whether faults of this kind are failures of the disk.
func (k Kind) OfDisk() bool {
	switch k {
	case IOError, NoSpace, ShortRead, SyncError, SlowDisk, ReadFlip:
		return true
	}
	return false
}

// Calls is how many calls a failure of the disk hits at most, 0 for all while it lasts.
func (f Fault) Calls() int {
	if f.Times == 0 && f.For == 0 && f.When.Until == 0 {
		return 1
	}
	return f.Times
}

// diskKinds are the kinds of a bad disk as they are drawn: errors twice as often.
var diskKinds = []Kind{IOError, IOError, NoSpace, ShortRead, SyncError, SyncError, SlowDisk, ReadFlip}

// diskCalls are calls that a failure may wait for, and hit: of what a job does with its
// checkpoints, its output and its leader's files. Renames stand there three times: much
// hangs on each of them, and few calls are any.
var diskCalls = []struct{ call, file string }{
	{"sync", "*/task-*"}, {"sync", "*/_metadata*"}, {"sync", "*/.tmp-*"}, {"sync", "*/epoch-*"}, {"sync", "*/completed-*"},
	{"write", "*/chk-*"}, {"write", "*/.tmp-*"}, {"close", "*/.tmp-*"}, {"close", "*/chk-*"},
	{"rename", "*/task-*"}, {"rename", "*/_metadata*"}, {"rename", "*/.tmp-*"},
	{"rename", "*/task-*"}, {"rename", "*/_metadata*"}, {"rename", "*/.tmp-*"},
	{"rename", "*/task-*"}, {"rename", "*/_metadata*"}, {"rename", "*/.tmp-*"},
	{"sync directory", "*/chk-*"}, {"sync directory", "*"}, {"mkdir", "*"},
	{"create", "*/chk-*"}, {"create new", "*"}, {"append", "*"},
	{"read", "*/chk-*"}, {"open", "*/chk-*"}, {"size", "*/chk-*"}, {"read", "*/.tmp-*"}, {"stat", "*"}, {"list", "*"},
	{"remove", "*/chk-*"}, {"remove", "*/completed-*"}, {"remove", "*/.tmp-*"},
}

// WithBadDisk is a plan with one to four failures of the disk added. All that lasts is
// over after two seconds at most, and a bit is flipped once at most: what reads as
// damaged twice is damaged.
func WithBadDisk(c Chance, s Shape, p Plan) Plan {
	for i := range 1 + c("bad disk/more", 4) {
		where, kinds := fmt.Sprintf("bad disk%d", i), p.more(diskKinds)
		f := trouble(c, s, where, kinds[c(where+"/kind", len(kinds))])
		f.Name = fmt.Sprintf("f%d", len(p)+1)
		p = append(p, f)
	}
	return p
}

// diskTrouble sets what is of the kind in a failure of the disk.
func (f *Fault) diskTrouble(c Chance, where string, lasts time.Duration) {
	if c(where+"/all", 2) == 0 {
		f.Target = All
	}
	at := diskCalls[c(where+"/call", len(diskCalls))]
	aimed := c(where+"/aimed", 3) > 0 // at a call, else at what comes after an event
	if f.For = lasts; f.Kind != NoSpace && c(where+"/once", 2) == 0 {
		f.For, f.Times = 0, 1+c(where+"/times", 4)
	}
	switch f.Kind {
	case IOError:
		f.Applied = c(where+"/applied", 3) == 0
		if aimed {
			f.aim(c, where, at.call, at.file)
			f.Call = at.call
		} else {
			f.Call = []string{"", "", "write", "sync", "rename", "rename", "remove", "read"}[c(where+"/any", 8)]
			f.File = []string{"", "*/chk-*", "*/.tmp-*"}[c(where+"/file", 3)]
			f.Chance = []int{2, 10, 40, 0}[c(where+"/chance", 4)]
		}
	case NoSpace:
		f.Room = []int{0, 100, 1000, 10_000}[c(where+"/room", 4)]
		if aimed {
			f.aim(c, where, []string{"write", "create", "create new"}[c(where+"/what", 3)], "*")
			f.File = ""
		}
	case ShortRead:
		if aimed {
			f.aim(c, where, "read", []string{"*", "*/chk-*"}[c(where+"/what", 2)])
			f.File = ""
		}
	case SyncError:
		if aimed {
			f.aim(c, where, "sync", []string{"*/task-*", "*/_metadata*", "*/.tmp-*", "*"}[c(where+"/what", 4)])
		}
	case SlowDisk:
		if f.Percent = 200 << c(where+"/by", 6); f.Times > 0 {
			f.Percent, f.By = 0, []time.Duration{20, 200, 1000}[c(where+"/stall", 3)]*time.Millisecond
		}
		if aimed {
			f.aim(c, where, at.call, at.file)
			f.File = "" // all of the node's calls are slow
		}
	case ReadFlip:
		f.For, f.Times, f.File = 0, 0, "*/chk-*"
		if aimed {
			f.aim(c, where, "read", "*/chk-*")
		}
	}
}

// aim makes a failure wait for a call, and hit it and what is like it.
func (f *Fault) aim(c Chance, where, call, file string) {
	f.When = Trigger{Call: call, Of: file, Nth: 1 + c(where+"/nth call", 12)}
	f.File = file
}
