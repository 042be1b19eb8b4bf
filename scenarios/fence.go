package scenarios

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim/cluster"
)

// fence is the part of resourcesOracle for leaders: from the step in which a worker hears
// of a new one, no task of an older epoch is there.
type fence struct {
	heard   map[string]uint32 // the newest epoch that a worker's process has heard of
	fresh   bool              // some worker has just heard: what it stops is there until its step is over
	crashes int               // of the cluster's list, dealt with
}

// processes says what runs: *cluster.World.
type processes interface {
	Resources() []cluster.NodeResources
}

// on looks at the first event after each word of a new leader, and at each event of a
// task of an older epoch than some worker has heard of.
func (f *fence) on(w processes, injected []cluster.Injection, e *host.Event) []string {
	for _, in := range injected[f.crashes:] {
		if in.Damage == nil {
			delete(f.heard, in.Node) // a new process has heard of nobody
		}
	}
	f.crashes = len(injected)
	if e.Kind == host.LeaderHeard {
		if f.heard == nil {
			f.heard = map[string]uint32{}
		}
		var wrong []string
		if f.fresh {
			wrong = f.look(w, e.Subject)
		}
		f.heard[e.Subject], f.fresh = e.Epoch, true
		return wrong
	}
	if !f.fresh && !f.older(e) {
		return nil
	}
	f.fresh = false
	return f.look(w, "")
}

// older reports whether an event is of an attempt of an older epoch than some worker
// has heard of.
func (f *fence) older(e *host.Event) bool {
	if e.Epoch == 0 {
		return false
	}
	for _, epoch := range f.heard { // unordered: any of them will do
		if e.Epoch < epoch {
			return true
		}
	}
	return false
}

// look names the tasks that a worker should have stopped. But is the worker whose step
// is under way.
func (f *fence) look(w processes, but string) (wrong []string) {
	for _, n := range w.Resources() {
		leader, ok := f.heard[n.Node]
		if !ok || n.Node == but {
			continue
		}
		for _, a := range n.Actors {
			if epoch, ok := epochOfTask(a.Name); ok && epoch < leader {
				wrong = append(wrong, fmt.Sprintf("%s runs %s, but has heard of the leader of epoch %d", n.Node, a.Name, leader))
			}
		}
	}
	return wrong
}

// epochOfTask is the epoch of a task's actor, such as 2 of "task-0-1@2.3".
func epochOfTask(actor string) (epoch uint32, ok bool) {
	_, attempt, ok := strings.Cut(actor, "@")
	if !ok {
		return 0, false
	}
	_, err := fmt.Sscanf(attempt, "%d.", &epoch)
	return epoch, err == nil
}
