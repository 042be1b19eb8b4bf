package scenarios

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/model"
	"github.com/weirstream/weir/sim/cluster"
)

// badDisk is wordcount on a disk that fails: calls with and without effect, syncs that
// lose what they were to write, no space, short and wrong reads, slow and stalled calls.
func badDisk() *Scenario {
	s := wordcount()
	s.Name = "bad-disk"
	s.Promise = "file-system calls that fail, stall, find no space, or read too little or once a wrong bit cost checkpoints and restarts, and no record; what could not be written is never taken for durable"
	s.Faults = append(append([]string(nil), allFaults...), ofDisk...)
	s.BadDisk = true
	return s
}

// ofDisk are the kinds of failure of the disk.
var ofDisk = []string{
	string(faults.IOError), string(faults.NoSpace), string(faults.ShortRead), string(faults.SyncError), string(faults.SlowDisk), string(faults.ReadFlip),
}

// unchecked says why a bit may not be read wrong, empty if it may: of some files nobody
// has a checksum.
func unchecked(f faults.Fault) string {
	if f.Kind != faults.ReadFlip || f.File != "" && !faults.Matches(f.File, InputFile) {
		return ""
	}
	return fmt.Sprintf("nobody has a checksum of %s; name other files, as in file=*/chk-*", InputFile)
}

// modelFaults is what the model is told of injections. A bit that was read wrong excuses
// that its file is said to be damaged, beside the trouble that comes of it.
func modelFaults(injected, troubles []cluster.Injection) (all []model.Fault) {
	for _, in := range injected {
		all = append(all, modelFault(in))
	}
	for _, in := range troubles {
		if !in.Excuses() {
			continue
		}
		f := modelFault(in)
		all = append(all, f)
		if in.Fault.Kind == faults.ReadFlip {
			f.File = in.File
			all = append(all, f)
		}
	}
	return all
}

// saysDamaged reports whether an event says that a file is damaged or missing. What a task
// misses may have been removed by a newer attempt.
func saysDamaged(e *host.Event) bool {
	switch e.Kind {
	case host.CorruptFile, host.JobFailed:
		return e.Cause == host.CauseCorrupt
	case host.TaskFailed:
		return e.Cause == host.CauseCorrupt && strings.Contains(e.Text, fs.ErrCorrupt.Error())
	}
	return false
}

// unremoved is what may be left over, since a call failed that was to remove it, and how
// many complete checkpoints are among it.
type unremoved struct {
	names    map[string]bool
	complete int
}

// unremoved leaves out what failed before a checkpoint was discarded: whatever could not be
// removed is tried again then.
func (j *judges) unremoved(checkpoints string, discarded uint64) *unremoved {
	u := &unremoved{names: map[string]bool{}}
	files := j.cluster.Disk.Node("observer")
	for name, failed := range j.cluster.Unremoved { // unordered: counted
		if failed < discarded {
			continue
		}
		u.names[name] = true
		if path.Dir(name) == path.Clean(checkpoints) && snapshot.CheckMetadata(files, name) == nil {
			u.complete++
		}
	}
	return u
}

// without leaves out what is left over of that.
func (u *unremoved) without(wrong []string) []string {
	return slices.DeleteFunc(wrong, func(text string) bool {
		name, _, left := strings.Cut(text, " is left over")
		return left && u.names[name]
	})
}
