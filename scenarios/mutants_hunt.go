package scenarios

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/weirstream/weir/scenarios/mutants"
)

const panicOracle = "panic"

// With a matrix a mutant is run until enoughFailures of its runs have failed, or
// enoughRuns have ended: numbers that don't depend on the machine. Without one,
// enoughToSurvive are enough where nothing is expected to fail.
const (
	enoughFailures  = 20
	enoughRuns      = 300
	enoughToSurvive = 100
)

// hunt is one run of mutants.
type hunt struct {
	o     MutantsOptions
	root  string // of the source
	dir   string // temporary
	plain string // simrun as it is

	lock sync.Mutex // of what follows, and of the log
	done int
	// sane tells of runs of the plain build, by their command lines, whether they
	// pass: mutants share them.
	sane map[string]bool
}

// all hunts several mutants at a time.
func (h *hunt) all(list []*Mutant) {
	next := make(chan *Mutant)
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for m := range next {
				m.Outcome = &Outcome{}
				if h.o.Matrix {
					m.Objections = newObjections()
				}
				h.one(m)
				h.said(m, len(list))
			}
		})
	}
	for _, m := range list {
		next <- m
	}
	close(next)
	wait.Wait()
	if h.o.Terminal {
		fmt.Fprintf(h.o.Log, "\r%79s\r", "")
	}
}

// said logs that a mutant has ended; on a terminal the last line counts them.
func (h *hunt) said(m *Mutant, of int) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.done++
	if !h.o.Terminal {
		fmt.Fprintf(h.o.Log, "%d of %d  %s %s\n", h.done, of, m.ID, m.word())
		return
	}
	fmt.Fprintf(h.o.Log, "\r%-79s\n%d of %d", m.ID+" "+m.word(), h.done, of)
}

// one builds a mutant and runs it until it is killed, or as often as a matrix wants,
// or until the budget is used up.
func (h *hunt) one(m *Mutant) {
	begin := time.Now()
	exe, err := mutants.Build(context.Background(), h.root, h.dir, "mutant-"+m.ID, m.patch)
	m.BuildSeconds = seconds(begin)
	if err != nil {
		m.Problem = err.Error()
		return
	}
	defer os.Remove(exe)
	defer os.RemoveAll(h.traces(m.ID))
	turn, err := contest(m.patch.Scenario)
	if err != nil {
		m.Problem = err.Error()
		return
	}
	begin = time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), h.o.Budget)
	defer cancel()
	for n := 0; ctx.Err() == nil && !h.enough(m, n); n++ {
		c := turn[n%len(turn)]
		c.seed = uint64(1 + n)
		rep := h.run(ctx, m, exe, c)
		if m.Problem != "" {
			return
		}
		if rep == nil || rep.Verdict == Pass {
			continue
		}
		if m.Objections != nil {
			m.Objections.add(rep.Violations)
		}
		if !m.Killed {
			m.Seconds = seconds(begin)
			h.kill(m, exe, c, rep)
		}
	}
	if !m.Killed {
		m.Seconds = seconds(begin)
	}
}

// enough says that n runs tell what there is to tell.
func (h *hunt) enough(m *Mutant, n int) bool {
	if !h.o.Matrix {
		return m.Killed || m.Survives != "" && n >= enoughToSurvive
	}
	return m.Failed >= enoughFailures || n >= enoughRuns
}

// run is one run of a mutant; nil if it did not end or says nothing of the mutant: one
// that fails must pass in the plain build. Only with settings of the mutant's own,
// such as a time-out that is too short for some worlds, may it fail there, too.
func (h *hunt) run(ctx context.Context, m *Mutant, exe string, c contestant) *Report {
	args := h.args(m.patch, c)
	rep, err := simulateFor(ctx, h.o.Budget/2, exe, append(args, "--out", h.traces(m.ID)))
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		if ctx.Err() == nil {
			m.Message = fmt.Sprintf("%s had not ended after %s", m.run(c.scenario.Name, c.mode, c.seed), h.o.Budget/2)
		}
		return nil
	case err != nil:
		m.Problem = fmt.Sprintf("%s: %v", m.run(c.scenario.Name, c.mode, c.seed), err)
		return nil
	}
	m.Runs++
	if rep.Verdict == Pass || h.passes(args) {
		return rep
	}
	if len(m.patch.Set) == 0 {
		m.Problem = fmt.Sprintf("%s fails without the patch, too", m.run(c.scenario.Name, c.mode, c.seed))
	}
	return nil
}

// passes says that the run with these arguments passes in the plain build.
func (h *hunt) passes(args []string) bool {
	key := strings.Join(args, "\n")
	h.lock.Lock()
	sane, known := h.sane[key]
	h.lock.Unlock()
	if known {
		return sane
	}
	rep, err := simulateBy(context.Background(), h.plain, append(args, "--out", h.traces("plain")))
	sane = err == nil && rep.Verdict == Pass
	h.lock.Lock()
	h.sane[key] = sane
	h.lock.Unlock()
	return sane
}

// traces is where failing runs of a mutant are saved meanwhile.
func (h *hunt) traces(id string) string { return filepath.Join(h.dir, "traces-"+id) }

// kill notes the first run that fails, keeps its trace, and sees that it replays.
func (h *hunt) kill(m *Mutant, exe string, c contestant, rep *Report) {
	v := rep.Violations[0]
	m.Killed, m.Oracle, m.Message = true, v.Oracle, v.Message
	m.Scenario, m.Mode, m.Seed = c.scenario.Name, c.mode, c.seed
	name := failureName(c.scenario, c.mode, c.seed)
	data, err := os.ReadFile(filepath.Join(h.traces(m.ID), name))
	if errors.Is(err, os.ErrNotExist) {
		return // a process that ended by a panic left none
	}
	m.traced = true
	if err == nil && h.o.Out != "" {
		m.Trace = filepath.Join(h.o.Out, m.ID, name)
		err = errors.Join(os.MkdirAll(filepath.Dir(m.Trace), 0o755), writeWhole(m.Trace, data))
	}
	if err != nil {
		m.Problem = fmt.Sprintf("the trace of its kill: %v", err)
		return
	}
	r, err := replayBy(exe, filepath.Join(h.traces(m.ID), name))
	switch {
	case err != nil:
		m.Problem = fmt.Sprintf("the replay of its kill: %v", err)
	case !r.Agreed:
		m.Message = fmt.Sprintf("the replay of its kill agreed up to record %d only", r.Records)
	default:
		m.Replayed = true
	}
}

// replayBy lets an executable of simrun replay a trace of its own.
func replayBy(exe, path string) (*Replayed, error) {
	cmd := exec.Command(exe, "replay", path, "--json")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	r := &Replayed{}
	if e := json.Unmarshal(stdout.Bytes(), r); e != nil {
		return nil, fmt.Errorf("it printed no report: %w: %s", errors.Join(err, e), strings.TrimSpace(stderr.String()))
	}
	return r, nil
}

func seconds(since time.Time) float64 {
	return float64(time.Since(since).Milliseconds()) / 1000
}

// contestant is one run that may kill a mutant.
type contestant struct {
	scenario *Scenario
	mode     Mode
	seed     uint64
}

// contest is what takes turns, each turn with a seed of its own: all modes of all
// scenarios, or of the one named.
func contest(only string) ([]contestant, error) {
	all := All()
	if only != "" {
		s, err := Find(only)
		if err != nil {
			return nil, err
		}
		all = []*Scenario{s}
	}
	var turn []contestant
	for _, s := range all {
		for _, m := range s.Modes {
			turn = append(turn, contestant{scenario: s, mode: m})
		}
	}
	return turn, nil
}

// usualLines is how much of a scenario's input a mutant's runs take: enough for
// some checkpoints, so little that hundreds of runs take seconds.
const usualLines = 150

// args is the command line of a run, but for where its trace goes.
func (h *hunt) args(p *mutants.Patch, c contestant) []string {
	lines := p.Lines
	if lines == 0 {
		lines = usualLines
	}
	args := []string{"run", c.scenario.Name, "--mode", string(c.mode), "--seed", strconv.FormatUint(c.seed, 10),
		"--lines", strconv.Itoa(lines), "--json"}
	if p.Strategy != "" {
		args = append(args, "--strategy", p.Strategy)
	}
	if h.o.Matrix {
		args = append(args, "--go-on")
	}
	for _, kv := range p.Set {
		args = append(args, "--set", kv)
	}
	return args[:len(args):len(args)]
}

// simulateFor is simulateBy for a while: a run that does not end must not keep
// others from killing.
func simulateFor(ctx context.Context, most time.Duration, exe string, args []string) (*Report, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return simulateBy(ctx, exe, args)
}

// simulateBy runs an executable of simrun and reads its report. A report that fails
// has a violation. A process that ends by a panic of Go's runtime counts as one. No
// report is an error.
func simulateBy(ctx context.Context, exe string, args []string) (*Report, error) {
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	if text := stderr.String(); exit != nil && exit.ExitCode() == 2 && strings.Contains(text, "\ngoroutine ") {
		first, _, _ := strings.Cut(text, "\n")
		return &Report{Verdict: Fail, Violations: []Violation{{Oracle: panicOracle, Message: first}}}, nil
	}
	rep := &Report{}
	if e := json.Unmarshal(stdout.Bytes(), rep); e != nil {
		return nil, fmt.Errorf("it printed no report: %w: %s", errors.Join(err, e), strings.TrimSpace(stderr.String()))
	}
	if rep.Verdict != Pass && len(rep.Violations) == 0 {
		return nil, fmt.Errorf("its verdict is %s without a violation", rep.Verdict)
	}
	return rep, nil
}
