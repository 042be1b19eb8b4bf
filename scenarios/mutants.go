package scenarios

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/weirstream/weir/scenarios/mutants"
	"github.com/weirstream/weir/sim/trace"
)

// MutantsOptions are the flags of mutants.
type MutantsOptions struct {
	IDs    []string      // empty for all
	Budget time.Duration // of each mutant's runs, without its build
	// Out is where the trace of each kill is kept, empty for nowhere.
	Out string
	Log io.Writer // a line for each mutant as it ends
}

// Mutants is the outcome of mutants, as --json prints it.
type Mutants struct {
	Mutants []*Mutant `json:"mutants"`
	*Score
}

// Score counts the outcomes.
type Score struct {
	Killed int `json:"killed"`
	// KilledByPanic are those of Killed that only showed as a panic or a failed
	// assertion of the engine.
	KilledByPanic int `json:"killed_by_panic"`
	Total         int `json:"total"`
	// Unexpected are those that survived and should not have, or were killed and
	// should not have been, or could not be judged.
	Unexpected int `json:"unexpected"`
}

// Mutant is one mutant with what became of it.
type Mutant struct {
	ID   string `json:"id"`
	Bug  string `json:"bug"`
	What string `json:"what"`
	// Survives is why it is expected to survive, empty if it must be killed.
	Survives string `json:"survives,omitempty"`
	*Outcome

	patch *mutants.Patch
}

// Outcome is what became of a mutant; nil if only a list was asked for.
type Outcome struct {
	Killed bool `json:"killed"`
	// Oracle is the first that noticed, "panic" for a panic or failed assertion.
	Oracle   string `json:"oracle"`
	Scenario string `json:"scenario"`
	Mode     Mode   `json:"mode"`
	Seed     uint64 `json:"seed"`
	// Runs is how many ended, the killing one included.
	Runs         int     `json:"runs"`
	BuildSeconds float64 `json:"build_seconds"`
	Seconds      float64 `json:"seconds"` // of the runs
	Message      string  `json:"message,omitempty"`
	Trace        string  `json:"trace,omitempty"`
	// Problem is why it could not be judged.
	Problem string `json:"problem,omitempty"`
}

// patches reads the patches of the source tree at root: those of the ids, or all.
func patches(root string, ids []string) (*Mutants, error) {
	all, err := mutants.All(root)
	if err != nil {
		return nil, &UsageError{err}
	}
	m := &Mutants{Mutants: []*Mutant{}}
	var names []string
	for _, p := range all {
		names = append(names, p.ID)
		if len(ids) == 0 || slices.Contains(ids, p.ID) {
			m.Mutants = append(m.Mutants, &Mutant{ID: p.ID, Bug: p.Bug, What: p.What, Survives: p.Survives, patch: p})
		}
	}
	for _, id := range ids {
		if !slices.Contains(names, id) {
			return nil, usage("there is no mutant %q; simrun mutants --list names them", id)
		}
	}
	return m, nil
}

// ListMutants lists the mutants. An error is a *UsageError.
func ListMutants(ids []string) (*Mutants, error) {
	root, err := mutants.Root()
	if err != nil {
		return nil, &UsageError{err}
	}
	return patches(root, ids)
}

// RunMutants builds simrun with each patch and runs it until a run fails or the
// budget is used up, as many mutants at a time as there are processors. An error
// is a *UsageError, or about the machine it runs on.
func RunMutants(o MutantsOptions) (*Mutants, error) {
	if o.Budget <= 0 {
		return nil, usage("--budget is %s; it must be more than 0", o.Budget)
	}
	h := &hunt{o: o}
	var err error
	if h.root, err = mutants.Root(); err != nil {
		return nil, &UsageError{err}
	}
	if _, err := mutants.Go(); err != nil {
		return nil, &UsageError{err}
	}
	m, err := patches(h.root, o.IDs)
	if err != nil {
		return nil, err
	}
	if o.Out != "" {
		if o.Out, err = filepath.Abs(o.Out); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(o.Out, 0o755); err != nil {
			return nil, usage("--out %s: %w; name a directory", o.Out, cause(err))
		}
		h.o.Out = o.Out
	}
	if h.dir, err = os.MkdirTemp("", "weir-mutants-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(h.dir)
	if h.plain, err = mutants.Build(context.Background(), h.root, h.dir, "plain", nil); err != nil {
		return nil, err
	}
	h.all(m.Mutants)
	m.score()
	return m, nil
}

func (m *Mutants) score() {
	m.Score = &Score{Total: len(m.Mutants)}
	for _, x := range m.Mutants {
		if x.Killed {
			m.Killed++
		}
		if x.Oracle == panicOracle {
			m.KilledByPanic++
		}
		if !x.asExpected() {
			m.Unexpected++
		}
	}
}

func (m *Mutant) asExpected() bool { return m.Problem == "" && m.Killed == (m.Survives == "") }

const panicOracle = "panic"

// hunt is one run of mutants.
type hunt struct {
	o     MutantsOptions
	root  string // of the source
	dir   string // temporary
	plain string // simrun as it is

	lock sync.Mutex // of the log
	done int
}

// all hunts several mutants at a time.
func (h *hunt) all(list []*Mutant) {
	next := make(chan *Mutant)
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for m := range next {
				m.Outcome = &Outcome{}
				h.one(m)
				h.lock.Lock()
				h.done++
				fmt.Fprintf(h.o.Log, "%d of %d  %s %s\n", h.done, len(list), m.ID, m.word())
				h.lock.Unlock()
			}
		})
	}
	for _, m := range list {
		next <- m
	}
	close(next)
	wait.Wait()
}

// one builds a mutant and runs it until it is killed or the budget is used up.
func (h *hunt) one(m *Mutant) {
	begin := time.Now()
	exe, err := mutants.Build(context.Background(), h.root, h.dir, "mutant-"+m.ID, m.patch)
	m.BuildSeconds = seconds(begin)
	if err != nil {
		m.Problem = err.Error()
		return
	}
	defer os.Remove(exe)
	begin = time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), h.o.Budget)
	defer cancel()
	defer func() { m.Seconds = seconds(begin) }()
	turn, err := contest(m.patch.Scenario)
	if err != nil {
		m.Problem = err.Error()
		return
	}
	for n := 0; ctx.Err() == nil; n++ {
		c := turn[n%len(turn)]
		c.seed = uint64(1 + n)
		args := h.args(m.patch, c)
		rep, err := simulateFor(ctx, h.o.Budget/2, exe, args)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			if ctx.Err() == nil {
				m.Message = fmt.Sprintf("%s %s seed %d had not ended after %s", c.scenario.Name, c.mode, c.seed, h.o.Budget/2)
			}
			continue
		case err != nil:
			m.Problem = fmt.Sprintf("%s %s seed %d: %v", c.scenario.Name, c.mode, c.seed, err)
			return
		}
		m.Runs++
		if rep.Verdict == Pass {
			continue
		}
		if same, err := simulateBy(context.Background(), h.plain, args); err != nil || same.Verdict != Pass {
			m.Problem = fmt.Sprintf("%s %s seed %d fails without the patch, too", c.scenario.Name, c.mode, c.seed)
			return
		}
		m.kill(c, rep, h.o.Out)
		return
	}
}

func (m *Mutant) kill(c contestant, rep *Report, out string) {
	v := rep.Violations[0]
	m.Killed, m.Oracle, m.Message = true, v.Oracle, v.Message
	m.Scenario, m.Mode, m.Seed = c.scenario.Name, c.mode, c.seed
	if out == "" {
		return
	}
	path := filepath.Join(out, m.ID, failureName(c.scenario, c.mode, c.seed))
	if _, err := os.Stat(path); err == nil { // a process that ended by a panic left none
		m.Trace = path
	}
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

// args is the command line of a run.
func (h *hunt) args(p *mutants.Patch, c contestant) []string {
	lines := p.Lines
	if lines == 0 {
		lines = usualLines
	}
	out := filepath.Join(h.dir, p.ID)
	if h.o.Out != "" {
		out = filepath.Join(h.o.Out, p.ID)
	}
	args := []string{"run", c.scenario.Name, "--mode", string(c.mode), "--seed", strconv.FormatUint(c.seed, 10),
		"--lines", strconv.Itoa(lines), "--out", out, "--json"}
	for _, kv := range p.Set {
		args = append(args, "--set", kv)
	}
	return args
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

// TracedMutant is the name of the mutant that recorded a trace, if it is not what
// this program is: empty if it can be replayed here. An error is a *UsageError.
func TracedMutant(path string) (string, error) {
	t, err := trace.Open(path)
	if err != nil {
		return "", &UsageError{err}
	}
	name := t.Header.Extra[extraMutant]
	switch {
	case name == mutants.Built:
		return "", nil
	case mutants.Built != "":
		if name == "" {
			name = "none"
		}
		return "", usage("trace %s was recorded by mutant %s; this is mutant %s", path, name, mutants.Built)
	}
	return name, nil
}

// ReplayMutant builds the mutant that recorded a trace and lets it do the replay
// with those arguments. It returns its exit status. An error is a *UsageError if
// the mutant can't be made.
func ReplayMutant(path, name string, args []string, stdout, stderr io.Writer) (int, error) {
	refuse := func(err error) (int, error) {
		return 0, usage("trace %s was recorded by mutant %s, which can't be built: %w", path, name, err)
	}
	root, err := mutants.Root()
	if err != nil {
		return refuse(err)
	}
	id, _, _ := strings.Cut(name, "@")
	list, err := patches(root, []string{id})
	if err != nil {
		return refuse(err)
	}
	p := list.Mutants[0].patch
	if p.Name() != name {
		return refuse(fmt.Errorf("its patch is another one now, with hash %s", p.Hash()))
	}
	dir, err := os.MkdirTemp("", "weir-mutant-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	exe, err := mutants.Build(context.Background(), root, dir, "simrun", p)
	if err != nil {
		return refuse(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	return 0, err
}
