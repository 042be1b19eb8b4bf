package cluster

import (
	"fmt"
	"strings"
	"time"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim"
)

// A job that has finished is looked at when it has come to rest: when no actor has
// inputs that wait. It has restTries times restStep of virtual time for that.
const (
	restStep  = 100 * time.Microsecond
	restTries = 1000
)

// restPoint makes the kind of event that ends a finished run at rest.
func (c *Cluster) restPoint() sim.Kind {
	var kind sim.Kind
	kind = c.World.Handle("finished", 0, func(e *sim.Event) {
		// A process that was paused or cut off must hear first that its tasks are stale.
		// So must one whose disk is slow make its calls.
		trouble := max(c.troubled, c.World.slowest)
		if wait := trouble + 2*c.o.Config.HeartbeatTimeout - c.World.Now(); trouble > 0 && wait > 0 {
			c.World.Schedule(wait, sim.Event{Kind: kind, A: e.A})
			return
		}
		if c.World.quiet() || e.A == restTries {
			c.World.Stop()
			return
		}
		c.World.Schedule(restStep, sim.Event{Kind: kind, A: e.A + 1})
	})
	return kind
}

// run runs the world until the job has ended. It has the limit from the moment when
// the last crashed process was there again, and the last slow call was over.
func (c *Cluster) run() sim.End {
	for {
		until := max(c.mended, c.World.slowest) + c.o.Limit
		end := c.World.Run(until)
		if end != sim.Limit || max(c.mended, c.World.slowest)+c.o.Limit <= until {
			return end
		}
	}
}

// stuck says that the job has not ended, and what it waits for.
func (c *Cluster) stuck(end sim.End) string {
	since := fmt.Sprintf("%v after its start", c.World.Now())
	if c.mended > 0 {
		since = fmt.Sprintf("%v after the last fault was over", c.World.Now()-c.mended)
	}
	if end != sim.Limit {
		since += fmt.Sprintf(" (%s)", end)
	}
	return fmt.Sprintf("the job has not finished %s: %s", since, c.pending())
}

// pending says what the job waits for: the JobManager's word, then each task's.
func (c *Cluster) pending() string {
	var all []string
	for _, n := range c.World.Nodes() {
		if !n.Up() {
			all = append(all, n.Name()+" is down")
			continue
		}
		for _, a := range n.actors {
			if p, ok := a.step.(pender); ok {
				if text := p.Pending(); text != "" {
					all = append(all, text)
				}
			}
		}
	}
	if c.World.Node(c.master).Up() {
		return strings.Join(all, "; ")
	}
	return "there is no JobManager; " + strings.Join(all, "; ")
}

// pender is an actor that can say what it waits for.
type pender interface {
	host.Actor
	Pending() string
}
