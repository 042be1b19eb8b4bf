package scenarios

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/live"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
)

// childVariable holds a live child's order, as JSON.
const childVariable = "WEIR_LIVE_CHILD"

// order is what a live child is told to run.
type order struct {
	Scenario string
	Mode     Mode
	Set      []string
	Dir      string
	Input    string // absolute path
	// Held says that the process will be killed: until then each subtask of the
	// source emits only so that From to To records are spread over a while, and
	// does not end.
	Held     bool
	From, To int64
}

// spread is how long a process that will be killed takes over its records: as
// long as it is expected to live, so that records flow when it is killed.
const spread = 120 * time.Millisecond

// pace is the source's, from now on.
func (o *order) pace() Pace {
	if !o.Held {
		return nil
	}
	begin := time.Now()
	return func(emitted int64) bool {
		part := min(time.Since(begin), spread)
		return emitted < o.From+(o.To-o.From)*int64(part)/int64(spread)
	}
}

// said is one line that a live child writes to its standard output.
type said struct {
	// What is "completed", "aborted", "declined", "restored", "violation",
	// "finished" or "failed".
	What       string
	Checkpoint uint64 `json:",omitempty"`
	// Attempt is the one that restores a checkpoint.
	Attempt stream.Attempt `json:",omitzero"`
	Bytes   int64          `json:",omitempty"`
	Oracle  string         `json:",omitempty"`
	Text    string         `json:",omitempty"`
}

// IsLiveChild reports whether this process is one that Live has started.
func IsLiveChild() bool { return os.Getenv(childVariable) != "" }

// LiveChild is the main function of a live child: it runs the job in its directory
// and reports on standard output. It ends when its parent does.
func LiveChild() int {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent
		os.Exit(1)
	}()
	c := &child{out: json.NewEncoder(os.Stdout)}
	if err := c.run(); err != nil {
		c.say(said{What: "failed", Text: err.Error()})
		return 1
	}
	c.say(said{What: "finished"})
	return 0
}

type child struct {
	mu   sync.Mutex
	out  *json.Encoder
	cuts *cuts
	// lost says that a task has failed by itself, so that its peers lose it.
	lost bool
}

func (c *child) say(s said) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.out.Encode(s) // if the parent is gone, so will we be
}

func (c *child) run() error {
	var o order
	if err := json.Unmarshal([]byte(os.Getenv(childVariable)), &o); err != nil {
		return err
	}
	s, err := Find(o.Scenario)
	if err != nil {
		return err
	}
	config, err := s.liveConfig(o.Mode, o.Set)
	if err != nil {
		return err
	}
	files, err := live.OpenFS(o.Dir, map[string]string{InputFile: o.Input})
	if err != nil {
		return err
	}
	job := s.Job(o.pace())
	g, err := engine.Describe(config, job)
	if err != nil {
		return err
	}
	if data, err := os.ReadFile(o.Input); err == nil {
		c.cuts = newCuts(g, config, data)
	}
	return live.RunJob(live.JobOptions{Config: config, Job: job, FS: files, Listener: c})
}

// On implements host.Listener.
func (c *child) On(e *host.Event) {
	switch e.Kind {
	case host.CheckpointCompleted:
		if m, ok := e.Data.(*snapshot.Metadata); ok && c.cuts != nil {
			if wrong := c.cuts.check(m); len(wrong) > 0 {
				c.say(said{What: "violation", Oracle: "cut", Text: strings.Join(wrong, "\n")})
			}
		}
		c.say(said{What: "completed", Checkpoint: e.Checkpoint})
	case host.CheckpointAborted:
		c.say(said{What: "aborted", Checkpoint: e.Checkpoint, Text: e.Text})
	case host.CheckpointDeclined:
		c.say(said{What: "declined", Checkpoint: e.Checkpoint, Text: e.Text})
	case host.Deploying:
		if e.Checkpoint > 0 {
			c.say(said{What: "restored", Checkpoint: e.Checkpoint, Attempt: stream.Attempt{Epoch: e.Epoch, Number: e.Number}})
		}
	case host.Restored:
		c.say(said{What: "in flight", Checkpoint: e.Checkpoint, Bytes: e.N})
	case host.Restarting, host.TaskFailed:
		// Nothing is injected into a live process while it runs: it dies as a whole.
		if !c.provoked(e.Cause) {
			c.say(said{What: "violation", Oracle: "provocation", Text: fmt.Sprintf("%s %s: %s (%s)", e.Subject, e.Kind, e.Text, e.Cause)})
		}
	}
}

// provoked says whether a failure is the doing of the world, or follows from one.
func (c *child) provoked(cause host.Cause) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cause == host.CauseLostPeer {
		return c.lost
	}
	c.lost = true
	return cause == host.CauseInput || cause == host.CauseCorrupt
}
