package disk

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/weirstream/weir/engine/fs"
)

// Op is a set of file-system calls; 0 stands for all of them.
type Op uint16

// The calls. OpOpen is Open and Append, OpCreate is Create and CreateNew.
const (
	OpOpen Op = 1 << iota
	OpCreate
	OpRename
	OpRemove
	OpMkdir
	OpList
	OpStat
	OpSyncDir
	OpRead
	OpWrite
	OpSize
	OpSync
	OpClose
	ops = iota
)

var opNames = [ops]string{
	"open", "create", "rename", "remove", "mkdir", "list", "stat", "syncdir", "read", "write", "size", "sync", "close",
}

// String is the names of the calls with "+" between them, "any" for 0.
func (o Op) String() string {
	var names []string
	for i, name := range opNames {
		if o&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "any"
	}
	return strings.Join(names, "+")
}

// ParseOp is the reverse of [Op.String].
func ParseOp(text string) (Op, error) {
	if text == "any" {
		return 0, nil
	}
	var o Op
	for name := range strings.SplitSeq(text, "+") {
		found := Op(0)
		for i, known := range opNames {
			if name == known {
				found = 1 << i
			}
		}
		if found == 0 {
			return 0, fmt.Errorf("no file-system call %q; the calls are %s, or any", name, strings.Join(opNames[:], ", "))
		}
		o |= found
	}
	return o, nil
}

// ErrIO is what a broken device returns (EIO).
var ErrIO = errors.New("input/output error")

// Failure makes calls fail. The zero values of Node, Op and Path match all.
type Failure struct {
	// Node is whose calls fail.
	Node string
	Op   Op
	// Path is a glob as in [path.Match] over the whole name, without "./" or a
	// leading slash; a directory's name followed by "/**" is all that is below it.
	// Either name of a rename may match.
	Path string
	// Hits decides about calls that Node, Op and Path match: whether the failure is for
	// this one. Other is the second name of a rename, or empty. Nil is for all.
	Hits func(op Op, name, other string) bool
	// Err is what the call returns, in an *fs.PathError unless it is io.EOF or
	// io.ErrUnexpectedEOF. It must be set unless Flip or Short is.
	Err error
	// Applied says that the call took full effect although it failed.
	Applied bool
	// Percent of its bytes a write or a read handles before it fails, 0 to 99,
	// rounded down; the call returns their number. Only with OpRead and OpWrite.
	Percent int
	// Flip lets a read succeed with one drawn bit wrong: the next read of the same
	// bytes is right again. Only with OpRead.
	Flip bool
	// Short lets a read of two bytes or more succeed with a drawn number of them, at
	// least one and not all. Only with OpRead.
	Short bool
	// After is how many matching calls to let pass first.
	After int
	// Times is how many calls fail; 0 for all until it is cleared.
	Times int
}

// Validate says what is wrong with a failure.
func (f *Failure) Validate() error {
	_, glob := path.Match(f.pattern(), "")
	switch {
	case glob != nil:
		return fmt.Errorf("disk failure: path %q: %w", f.Path, glob)
	case f.Op>>ops != 0:
		return fmt.Errorf("disk failure: op %#x has bits of no call", uint16(f.Op))
	case f.Flip && f.Short:
		return fmt.Errorf("disk failure: a read can't be both short and flipped")
	case f.Short && (f.Op != OpRead || f.Err != nil || f.Applied || f.Percent != 0):
		return fmt.Errorf("disk failure: short is for %s alone, without error, applied or percent, not for %s", OpRead, f.Op)
	case f.Flip && (f.Op != OpRead || f.Err != nil || f.Applied || f.Percent != 0):
		return fmt.Errorf("disk failure: flip is for %s alone, without error, applied or percent, not for %s", OpRead, f.Op)
	case !f.Flip && !f.Short && f.Err == nil:
		return fmt.Errorf("disk failure: of %s without an error", f.Op)
	case f.Percent < 0 || f.Percent > 99:
		return fmt.Errorf("disk failure: percent is %d, must be 0 to 99", f.Percent)
	case f.Percent > 0 && (f.Applied || f.Op == 0 || f.Op&^(OpRead|OpWrite) != 0):
		return fmt.Errorf("disk failure: percent is for %s and %s that are not applied, not for %s", OpRead, OpWrite, f.Op)
	case f.After < 0 || f.Times < 0:
		return fmt.Errorf("disk failure: after %d and times %d must not be negative", f.After, f.Times)
	}
	return nil
}

func (f *Failure) pattern() string { return strings.TrimSuffix(f.Path, "/**") }

// covers reports whether the failure is for a cleaned name.
func (f *Failure) covers(name string) bool {
	if f.Path == "" {
		return true
	}
	if p := f.pattern(); p != f.Path {
		for name != "" && name != "." {
			name = path.Dir(name)
			if ok, _ := path.Match(p, name); ok {
				return true
			}
		}
		return false
	}
	ok, _ := path.Match(f.Path, name)
	return ok
}

// failing is a failure that was set.
type failing struct {
	Failure
	id, seen, fired int
	cleared         bool
}

// Fail sets a failure and returns its number, from 1. Of several that match a call
// the first that was set and is not used up decides, and only it counts the call.
// An invalid one is a panic; see [Failure.Validate].
func (d *Disk) Fail(f Failure) (id int) {
	if err := f.Validate(); err != nil {
		panic(err.Error())
	}
	d.failures = append(d.failures, &failing{Failure: f, id: len(d.failures) + 1})
	return len(d.failures)
}

// Clear ends a failure; one that has ended or was never set is fine.
func (d *Disk) Clear(id int) {
	if id >= 1 && id <= len(d.failures) {
		d.failures[id-1].cleared = true
	}
}

// Counts says how many calls a failure has counted and how many of them it has
// failed, 0 for one that was never set.
func (d *Disk) Counts(id int) (seen, failed int) {
	if id < 1 || id > len(d.failures) {
		return 0, 0
	}
	return d.failures[id-1].seen, d.failures[id-1].fired
}

// Quota says that writes of a node fail with fs.ErrNoSpace, after as many bytes as
// fit, where the visible files of the whole disk would hold more than that many
// bytes, and that nothing can be created once they hold that many. It is for every
// node if none is named; of two the smaller counts. A negative number lifts it.
func (d *Disk) Quota(node string, bytes int64) {
	if node != "" {
		m := d.machine(node)
		m.quota, m.limited = bytes, bytes >= 0
	} else {
		d.quota, d.limited = bytes, bytes >= 0
	}
}

// Full is how many calls a quota has failed.
func (d *Disk) Full() int { return d.full }

// room is how many bytes the node may still write, and false if it may any number.
func (d *Disk) room(m *machine) (int64, bool) {
	if !d.limited && !m.limited {
		return 0, false
	}
	limit := d.quota
	if m.limited && (!d.limited || m.quota < limit) {
		limit = m.quota
	}
	return max(0, limit-d.Used()), true
}

// Used is how many bytes the visible files hold, each file counted once.
func (d *Disk) Used() int64 {
	d.visit++
	var sum func(n *inode) int64
	sum = func(n *inode) int64 {
		if n.mark == d.visit {
			return 0
		}
		n.mark = d.visit
		total := int64(len(n.data))
		for _, e := range n.entries {
			total += sum(e.node)
		}
		return total
	}
	return sum(d.root)
}

// failure finds what fails a call, nil for nothing. Other is a second name, or empty.
func (d *Disk) failure(m *machine, op Op, name, other string) *failing {
	for _, f := range d.failures {
		switch {
		case f.cleared || f.Times > 0 && f.fired == f.Times:
		case f.Node != "" && f.Node != m.name || f.Op != 0 && f.Op&op == 0:
		case !f.covers(plain(name)) && (other == "" || !f.covers(plain(other))):
		case f.Hits != nil && !f.Hits(op, name, other):
		default:
			if f.seen++; f.seen <= f.After {
				return nil
			}
			f.fired++
			return f
		}
	}
	return nil
}

// plain is the name that a path of a failure is compared with.
func plain(name string) string { return strings.TrimPrefix(path.Clean(name), "/") }

var _ fs.FS = (*faulty)(nil)
