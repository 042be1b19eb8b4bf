package model

import (
	"fmt"
	"slices"
	"time"

	"github.com/weirstream/weir/engine/stream"
)

// countedFailures are the reasons, as in Flink's CheckpointFailureReason, for which a
// checkpoint that was given up counts against the tolerable ones, as in its
// CheckpointFailureManager.
var countedFailures = []string{
	"IO_EXCEPTION", "CHECKPOINT_ASYNC_EXCEPTION", "CHECKPOINT_DECLINED", "CHECKPOINT_EXPIRED", "FINALIZE_CHECKPOINT_FAILURE",
}

// uncountedFailures are those for which it does not.
var uncountedFailures = []string{
	"CHECKPOINT_COORDINATOR_SUSPEND", "CHECKPOINT_DECLINED_TASK_NOT_READY",
	"CHECKPOINT_DECLINED_ON_CANCELLATION_BARRIER", "CHECKPOINT_DECLINED_SUBSUMED",
}

// Coordinator is a monitor of what a CheckpointCoordinator decides: when a job fails
// for its checkpoints (T17), and that a pause follows each that completes (T18). It is
// told what the JobManager does, as it happens; its methods
// return what is wrong.
type Coordinator struct {
	// Tolerable is how many checkpoints in a row may fail; negative for any number.
	Tolerable int
	// MinPause is the time from a checkpoint's completion to the next one's trigger,
	// unless all of the job's Tasks have ended.
	MinPause time.Duration
	Tasks    int

	attempt   stream.Attempt
	ended     int
	completed bool // a checkpoint, at idle, under the present leader
	idle      time.Duration
	runs      bool
	row       int
	declines  []declinedFor // of the checkpoint under way
	wrong     []string
}

// declinedFor is a checkpoint that a task has declined, and why.
type declinedFor struct {
	checkpoint uint64
	reason     string
}

func (c *Coordinator) say(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf("T17: "+format, args...))
}

func (c *Coordinator) take() []string {
	w := c.wrong
	c.wrong = nil
	return w
}

// Led tells of a new leader, which knows neither of failures nor of pauses.
func (c *Coordinator) Led() { c.row, c.runs, c.completed = 0, false, false }

// Deploying tells that an attempt starts. Nothing is under way of those before; its own
// checkpoints may fail before one is triggered, for want of a directory.
func (c *Coordinator) Deploying(a stream.Attempt) { c.attempt, c.ended, c.runs = a, 0, true }

// Ended tells that a task has seen the end of its input, once in an attempt.
func (c *Coordinator) Ended(a stream.Attempt) {
	if a == c.attempt {
		c.ended++
	}
}

// Declined tells that a task has declined a checkpoint.
func (c *Coordinator) Declined(checkpoint uint64, reason string) {
	c.declines = append(c.declines, declinedFor{checkpoint, reason})
}

// Triggered tells that a checkpoint begins, which was decided at a time.
func (c *Coordinator) Triggered(checkpoint uint64, decided time.Duration) []string {
	c.overdue("checkpoint %d was triggered", checkpoint)
	if pause := decided - c.idle; c.completed && c.ended < c.Tasks && pause < c.MinPause {
		c.wrong = append(c.wrong, fmt.Sprintf("T18: checkpoint %d was triggered %v after the one before had completed, with a pause of %v", checkpoint, pause, c.MinPause))
	}
	c.runs = true
	c.declines = slices.DeleteFunc(c.declines, func(d declinedFor) bool { return d.checkpoint < checkpoint })
	return c.take()
}

// Aborted tells that a checkpoint was given up.
func (c *Coordinator) Aborted(checkpoint uint64, reason string) []string {
	counted := slices.Contains(countedFailures, reason)
	switch {
	case !counted && !slices.Contains(uncountedFailures, reason):
		c.say("checkpoint %d was given up for %q, which is no reason", checkpoint, reason)
	case isDecline(reason) && !slices.Contains(c.declines, declinedFor{checkpoint, reason}):
		c.say("checkpoint %d was given up for %s, for which no task has declined it", checkpoint, reason)
	}
	if counted && c.runs {
		c.overdue("checkpoint %d was given up", checkpoint)
		c.row++
	}
	return c.take()
}

func isDecline(reason string) bool {
	switch reason {
	case "CHECKPOINT_ASYNC_EXCEPTION", "CHECKPOINT_DECLINED", "CHECKPOINT_DECLINED_TASK_NOT_READY",
		"CHECKPOINT_DECLINED_ON_CANCELLATION_BARRIER", "CHECKPOINT_DECLINED_SUBSUMED":
		return true
	}
	return false
}

// Completed tells that a checkpoint is complete since now.
func (c *Coordinator) Completed(checkpoint uint64, now time.Duration) []string {
	c.overdue("checkpoint %d completed", checkpoint)
	c.row, c.completed, c.idle = 0, true, now
	return c.take()
}

// Failed tells that the job fails, over or for good; forCheckpoints says that it does
// for failed checkpoints.
func (c *Coordinator) Failed(forCheckpoints bool) []string {
	switch over := c.tooMany(); {
	case forCheckpoints && !over:
		c.say("the job fails for %d failed checkpoints in a row, tolerable are %d", c.row, c.Tolerable)
	case over && !forCheckpoints:
		c.overdue("the job failed for something else")
	}
	if forCheckpoints {
		c.row = 0
	}
	c.runs = false
	return c.take()
}

// Finished tells that the job is done.
func (c *Coordinator) Finished() []string {
	c.overdue("the job has finished")
	return c.take()
}

func (c *Coordinator) tooMany() bool { return c.Tolerable >= 0 && c.row > c.Tolerable }

// overdue objects to what happens where the job should have failed.
func (c *Coordinator) overdue(format string, args ...any) {
	if c.tooMany() && c.runs {
		c.say(format+", but the job must fail: %d checkpoints have failed in a row, tolerable are %d", append(args, c.row, c.Tolerable)...)
		c.row = 0 // said once
	}
}
