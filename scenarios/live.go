package scenarios

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/live"
	"github.com/weirstream/weir/model"
	"github.com/weirstream/weir/sim/cluster"
)

// LiveOptions are the flags of a live run.
type LiveOptions struct {
	Scenario, Mode     string
	Kills              int
	Dir, Input, Output string
	From               string
	Set                []string
	Log                io.Writer // progress
}

// patience is the heartbeat timeout of a live run, unless the user sets one. All of its
// nodes are killed together, so that none waits for it; but a machine with other things
// to do may keep them from being heard for longer than suits a simulated one.
const patience = 10 * time.Second

// liveConfig is the configuration of a live run.
func (s *Scenario) liveConfig(m Mode, set []string) (*engine.Config, error) {
	l := *s
	l.Configure = func(c *engine.Config) {
		s.Configure(c)
		c.HeartbeatTimeout = patience
	}
	return l.Config(m, set)
}

// silence is how long a live child may say nothing before it counts as stuck.
const silence = time.Minute

// liveRun is one live run: a child process that is killed and started again.
type liveRun struct {
	o        LiveOptions
	scenario *Scenario
	mode     Mode
	config   *engine.Config
	input    string // absolute
	data     []byte
	dir      string
	report   *Report
	cuts     *cuts
	licences licences
	accepted []file.Part // whose lines the user accepts to be committed again
}

// Live runs a scenario on a real process, killed with SIGKILL and started again,
// and judges what it has committed. An error is a *UsageError, or about the machine
// it runs on.
func Live(o LiveOptions) (*Report, error) {
	begin := time.Now()
	r, err := prepareLive(o)
	if err != nil {
		return nil, err
	}
	temporary := o.Dir == ""
	if err := r.makeDir(); err != nil {
		return nil, err
	}
	if err := r.runAll(); err != nil {
		return nil, err
	}
	files, err := live.OpenFS(r.dir, nil)
	if err != nil {
		return nil, err
	}
	if r.report.Verdict == Pass {
		if err := r.judge(files); err != nil {
			return nil, err
		}
		if o.Output != "" {
			if err := writeOutput(r.scenario, o.Output, files); err != nil {
				return nil, err
			}
		}
	}
	r.report.WallMS = time.Since(begin).Milliseconds()
	if temporary && r.report.Verdict == Pass {
		return r.report, os.RemoveAll(r.dir)
	}
	if r.report.Verdict != Pass {
		fmt.Fprintln(o.Log, "simrun: the job directory is kept:", r.dir)
	}
	return r.report, nil
}

func prepareLive(o LiveOptions) (*liveRun, error) {
	s, err := Find(o.Scenario)
	if err != nil {
		return nil, &UsageError{err}
	}
	r := &liveRun{o: o, scenario: s, dir: o.Dir}
	if r.mode, err = s.Mode(o.Mode); err != nil {
		return nil, &UsageError{err}
	}
	if o.Kills < 0 {
		return nil, usage("--kills is %d; it must be at least 0", o.Kills)
	}
	if r.config, err = s.liveConfig(r.mode, o.Set); err != nil {
		return nil, &UsageError{err}
	}
	g, err := engine.Describe(r.config, s.Job(nil))
	if err != nil {
		return nil, &UsageError{err}
	}
	if err := errors.Join(checkOutput("--output", o.Output), checkDir("--dir", o.Dir)); err != nil {
		return nil, err
	}
	if r.input, r.data, err = s.readInput(o.Input); err != nil {
		return nil, err
	}
	r.cuts = newCuts(g, r.config, r.data)
	if err := checkDistinct(place{"--input", r.input}, place{"--output", o.Output}, place{"--dir", o.Dir}); err != nil {
		return nil, err
	}
	if r.input, err = filepath.Abs(r.input); err != nil {
		return nil, err
	}
	r.report = &Report{Scenario: s.Name, Mode: r.mode, Promise: s.Promise, Verdict: Pass, Violations: []Violation{}, Faults: map[string]int{}}
	return r, nil
}

// makeDir makes the job directory and puts into it what the job starts from.
func (r *liveRun) makeDir() error {
	var files []cluster.File
	if r.o.From != "" {
		origin, err := FindOrigin(r.o.From)
		if err != nil {
			return err
		}
		r.licences.inherit(origin.metadata())
		if r.accepted, err = origin.Accepted(); err != nil {
			return err
		}
		if files, err = origin.Files(); err != nil {
			return err
		}
	}
	var err error
	if r.dir == "" {
		r.dir, err = os.MkdirTemp("", "weir-live-")
	} else {
		err = os.MkdirAll(r.dir, 0o755)
	}
	if err == nil {
		r.dir, err = filepath.Abs(r.dir)
	}
	for _, f := range files {
		to := filepath.Join(r.dir, filepath.FromSlash(f.Name))
		err = errors.Join(err, os.MkdirAll(filepath.Dir(to), 0o755), writeWhole(to, f.Data))
	}
	return err
}

// runAll starts the job as often as it takes.
func (r *liveRun) runAll() error {
	lines := int64(len(model.Lines(r.data)))
	for r.report.Verdict == Pass {
		o := order{Scenario: r.scenario.Name, Mode: r.mode, Set: r.o.Set, Dir: r.dir, Input: r.input}
		if r.report.Kills < r.o.Kills {
			o.Held = true
			share := func(k int) int64 { return lines * int64(k) / int64(r.o.Kills+1) / int64(r.config.Parallelism) }
			o.From, o.To = share(r.report.Kills), share(r.report.Kills+1)
		}
		over, err := r.runOnce(o)
		if err != nil || over {
			return err
		}
	}
	return nil
}

// runOnce runs one child, until it ends or is killed; over says that the job has
// ended.
func (r *liveRun) runOnce(o order) (over bool, err error) {
	self, err := os.Executable()
	if err != nil {
		return false, err
	}
	spec, err := json.Marshal(o)
	if err != nil {
		return false, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"="+string(spec))
	var complaint tail
	cmd.Stderr = &complaint
	stdin, err := cmd.StdinPipe() // held open: its end tells the child that we are gone
	if err != nil {
		return false, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	over = r.follow(cmd.Process, stdout, o.Held)
	waited := cmd.Wait()
	_ = stdin.Close()
	if waited != nil && !over && r.report.Verdict == Pass && !r.killed() {
		r.fail("process", fmt.Sprintf("the process ended by itself: %v: %s", waited, complaint.text()))
	}
	return over, nil
}

// killed reports, once, that the last child was killed on purpose.
func (r *liveRun) killed() bool {
	k := r.report.Faults["kill"] > r.report.Kills
	if k {
		r.report.Kills++
		fmt.Fprintf(r.o.Log, "killed %d of %d\n", r.report.Kills, r.o.Kills)
	}
	return k
}

// follow reads what a child says until it ends, and kills it, if that is still to
// be done, some time after a checkpoint has completed.
func (r *liveRun) follow(p *os.Process, out io.Reader, kill bool) (over bool) {
	lines := make(chan said)
	go func() {
		defer close(lines)
		for b := bufio.NewReader(out); ; {
			line, err := b.ReadBytes('\n') // of any length: a message may quote a record
			if err != nil {
				return
			}
			var l said
			if json.Unmarshal(line, &l) == nil {
				lines <- l
			}
		}
	}()
	var due <-chan time.Time
	for {
		select {
		case l, ok := <-lines:
			if !ok {
				return over
			}
			over = r.hear(l) || over
			if l.What == "completed" && kill && due == nil {
				due = time.After(time.Duration(rand.IntN(40)) * time.Millisecond)
			}
		case <-due:
			due = nil
			if !over {
				r.report.Faults["kill"]++
				_ = p.Kill() // an error means that it has ended, which Wait tells
			}
		case <-time.After(silence):
			r.fail("progress", fmt.Sprintf("the process said nothing for %s", silence))
			_ = p.Kill()
		}
	}
}

// hear takes note of what a child says; over says that the job has ended.
func (r *liveRun) hear(l said) (over bool) {
	rep := r.report
	switch l.What {
	case "completed":
		rep.Checks.Completed++
	case "aborted":
		rep.Checks.Aborted++
		if strings.Contains(l.Text, "expired") {
			rep.Checks.Expired++
		}
	case "declined":
		rep.Checks.Declined++
	case "restored":
		rep.Restores++
		if m := readMetadata(r.dir, l.Checkpoint); m != nil {
			r.licences.deployed(r.cuts, l.Attempt, m)
		}
	case "in flight":
		rep.RestoredInFlight += l.Bytes
	case "violation":
		r.fail(l.Oracle, l.Text)
	case "failed":
		r.fail("output", l.Text)
		return true
	case "finished":
		return true
	}
	return false
}

func (r *liveRun) fail(oracle, text string) {
	r.report.Verdict = Fail
	r.report.Violations = append(r.report.Violations, Violation{Oracle: oracle, Message: located(text, r.input, r.dir)})
}

// judge compares what is committed with the reference.
func (r *liveRun) judge(files fs.FS) error {
	g, err := engine.Describe(r.config, r.scenario.Job(nil))
	if err != nil {
		return err
	}
	got, err := committed(files, r.accepted)
	if err != nil {
		r.fail("output", err.Error())
		return nil
	}
	want, err := r.scenario.reference(g, r.data)
	if err != nil {
		return err
	}
	ids, err := completed(filepath.Join(r.dir, checkpointDir))
	if err != nil {
		return err
	}
	if len(ids) > 0 {
		r.cuts.newest = readMetadata(r.dir, ids[len(ids)-1])
	}
	r.report.RecordsIn, r.report.RecordsOut = want.in, got.records()
	wrong, twice := r.scenario.compare(&judged{g, want, r.accepted, r.cuts, &r.licences}, got)
	r.report.Duplicates, r.report.Repeated = twice, r.licences.names()
	if len(wrong) > 0 {
		r.fail("output", strings.Join(wrong, "\n"))
	}
	if r.report.Kills < r.o.Kills {
		r.fail("kills", fmt.Sprintf("the job ended after %d kills of %d", r.report.Kills, r.o.Kills))
	}
	return nil
}

// tail keeps the beginning of what is written to it.
type tail struct{ b []byte }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	if room := 4096 - len(t.b); room > 0 {
		t.b = append(t.b, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

func (t *tail) text() string { return strings.TrimSpace(string(t.b)) }
