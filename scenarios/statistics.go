package scenarios

import (
	"fmt"
	"strings"
	"time"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/statistics"
	"github.com/weirstream/weir/sim"
)

// observed keeps the history of a run's checkpoints. It looks on as an oracle does, and
// objects to nothing.
type observed struct{ history *statistics.History }

// mostCheckpoints bounds the history of a run: the newest are kept.
const mostCheckpoints = 10_000

// ID implements sim.Oracle.
func (o *observed) ID() string { return "statistics" }

// OnEvent implements sim.Oracle.
func (o *observed) OnEvent(w *sim.World, e *host.Event) *sim.Violation {
	o.history.On(w.Now(), e)
	return nil
}

// OnEnd implements sim.Oracle.
func (o *observed) OnEnd(*sim.World) *sim.Violation { return nil }

// observe adds what is asked for beside the oracles.
func (r *run) observe(oracles []sim.Oracle[host.Event]) []sim.Oracle[host.Event] {
	if !r.o.Checkpoints {
		return oracles
	}
	r.observed = &observed{statistics.New(mostCheckpoints)}
	return append(oracles, r.observed)
}

// checkpoints is the history of the last run, nil if nobody has asked.
func (r *run) checkpoints() []*statistics.Checkpoint {
	if r.observed == nil {
		return nil
	}
	return r.observed.history.Checkpoints()
}

// historyText is the checkpoints as a table, a line for each and its subtasks.
func historyText(list []*statistics.Checkpoint) string {
	if len(list) == 0 {
		return ""
	}
	us := func(n int64) string { return (time.Duration(n) * time.Microsecond).String() }
	rows := [][]string{{"", "status", "triggered", "took", "start delay", "alignment", "sync", "async", "bytes", "in flight"}}
	for _, c := range list {
		rows = append(rows, []string{fmt.Sprintf("chk-%d", c.ID), c.Status, us(c.Triggered), us(c.Duration), "", "", "", "", fmt.Sprint(c.Size), fmt.Sprint(c.InFlight)})
		for _, s := range c.Subtasks {
			rows = append(rows, []string{"  " + s.Task, "", "", "", us(s.StartDelay), us(s.Alignment), us(s.Sync), us(s.Async), fmt.Sprint(s.Size), fmt.Sprint(s.InFlight)})
		}
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := "  "
		for i, cell := range row {
			line += fmt.Sprintf("%-*s  ", widths[i], cell)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
