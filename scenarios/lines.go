package scenarios

import (
	"fmt"
	"hash/fnv"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/checkpoint"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/faults"
)

// allFaults is what most scenarios are exposed to: all that spares completed checkpoints.
var allFaults = kindsOf(func(k faults.Kind) bool { return !k.Damages() })

func kindsOf(which func(faults.Kind) bool) (names []string) {
	for _, k := range faults.Kinds() {
		if which(k) {
			names = append(names, string(k))
		}
	}
	return names
}

// text is the default input: a text of the Go distribution.
func text() (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("the default input is a text of the Go distribution, and go env GOROOT failed: %w; name another with --input", err)
	}
	return filepath.Join(strings.TrimSpace(string(root)), "src", "testdata", "Isaac.Newton-Opticks.txt"), nil
}

// brisk configures a job that is through in seconds, with many checkpoints.
func brisk(parallelism int) func(c *engine.Config) {
	return func(c *engine.Config) {
		c.Parallelism, c.Slots = parallelism, parallelism
		c.CheckpointInterval = 50 * time.Millisecond
		c.CheckpointTimeout = 10 * time.Second
		c.TolerableFailures = checkpoint.Unlimited
		c.HeartbeatInterval, c.HeartbeatTimeout = 50*time.Millisecond, 300*time.Millisecond
		c.RestartDelay = 50 * time.Millisecond
		c.BufferTimeout = 5 * time.Millisecond
	}
}

// linesOf is a source of the lines of the input.
func linesOf(j *engine.Job, uid string, pace Pace, opts ...engine.Option) engine.Stream[string] {
	src := file.Lines(InputFile)
	if pace != nil {
		src = connect.Held(src, pace)
	}
	return engine.FromSource(j, uid, src, opts...)
}

// lineHash tells lines apart by their text: a job doesn't know their numbers.
func lineHash(line string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(line)) // never fails
	return h.Sum32()
}
