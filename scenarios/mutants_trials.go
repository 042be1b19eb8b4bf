package scenarios

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weirstream/weir/scenarios/mutants"
)

// TrialsOptions are the flags of mutants that measure strategies.
type TrialsOptions struct {
	IDs        []string   // empty for all
	Strategies []Strategy // empty for all
	Trials     int        // of each strategy with each mutant; at least 1
	Budget     time.Duration
	Log        io.Writer // a line for each mutant as it ends
}

// Trials is how many runs strategies need to kill mutants, as --json prints it.
type Trials struct {
	Strategies []Strategy `json:"strategies"`
	Trials     int        `json:"trials"`
	// BudgetSeconds is how long a trial may take; then it has not killed.
	BudgetSeconds float64        `json:"budget_seconds"`
	Mutants       []*TriedMutant `json:"mutants"`
	Summary       []*Searched    `json:"summary"` // by strategy
}

// TriedMutant is one mutant with what became of the trials, by strategy.
type TriedMutant struct {
	ID      string       `json:"id"`
	Results []*TrialsOne `json:"results"`
	// Problem is why it could not be judged.
	Problem string `json:"problem,omitempty"`

	patch *mutants.Patch
}

// TrialsOne is the trials of one strategy with one mutant.
type TrialsOne struct {
	Strategy Strategy `json:"strategy"`
	Killed   int      `json:"killed"` // of the trials
	// Runs and Seconds are medians over all trials, nil if half of them did not kill.
	Runs    *float64 `json:"runs"`
	Seconds *float64 `json:"seconds"`
	// All is the number of runs of each trial, the killing one included; those of trials
	// that did not kill are negative, or 0.
	All     []int          `json:"all"`
	Oracles map[string]int `json:"oracles"`

	seconds []float64
}

// Searched is what a strategy's trials come to.
type Searched struct {
	Strategy Strategy `json:"strategy"`
	// Mutants is how many have a median.
	Mutants int `json:"mutants"`
	// Runs and Seconds are geometric means of the medians, over the Common mutants that
	// have one with every strategy.
	Common  int     `json:"common"`
	Runs    float64 `json:"runs"`
	Seconds float64 `json:"seconds"`
	// Best is for how many of those no other strategy needs fewer runs.
	Best int `json:"best"`
}

// trialSeeds is how far apart the first seeds of trials are.
const trialSeeds = 1_000_000

// RunTrials builds each mutant once, and lets each strategy search for a run that fails,
// several times from other seeds. Mutants that are expected to survive are left out unless
// they are named. An error is a *UsageError, or about the machine it runs on.
func RunTrials(o TrialsOptions) (*Trials, error) {
	if o.Budget == 0 {
		o.Budget = 20 * time.Second
	}
	if len(o.Strategies) == 0 {
		o.Strategies = Strategies()
	}
	h := &hunt{o: MutantsOptions{Budget: o.Budget}, sane: map[string]bool{}}
	var err error
	if h.root, err = mutants.Root(); err != nil {
		return nil, &UsageError{err}
	}
	if _, err := mutants.Go(); err != nil {
		return nil, &UsageError{err}
	}
	list, err := patches(h.root, o.IDs)
	if err != nil {
		return nil, err
	}
	if h.dir, err = os.MkdirTemp("", "weir-trials-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(h.dir)
	if h.plain, err = mutants.Build(context.Background(), h.root, h.dir, "plain", nil); err != nil {
		return nil, err
	}
	t := &Trials{Strategies: o.Strategies, Trials: o.Trials, BudgetSeconds: o.Budget.Seconds(), Mutants: []*TriedMutant{}}
	for _, m := range list.Mutants {
		if len(o.IDs) > 0 || m.Survives == "" {
			t.Mutants = append(t.Mutants, &TriedMutant{ID: m.ID, Results: []*TrialsOne{}, patch: m.patch})
		}
	}
	t.all(h, o)
	t.sum()
	return t, nil
}

// all tries as many mutants at a time as there are processors.
func (t *Trials) all(h *hunt, o TrialsOptions) {
	next := make(chan *TriedMutant)
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for m := range next {
				h.try(m, o)
				h.lock.Lock()
				h.done++
				fmt.Fprintf(o.Log, "%d of %d  %s\n", h.done, len(t.Mutants), strings.Join(m.row(), "  "))
				h.lock.Unlock()
			}
		})
	}
	for _, m := range t.Mutants {
		next <- m
	}
	close(next)
	wait.Wait()
}

// try builds a mutant and makes its trials.
func (h *hunt) try(m *TriedMutant, o TrialsOptions) {
	exe, err := mutants.Build(context.Background(), h.root, h.dir, "mutant-"+m.ID, m.patch)
	if err != nil {
		m.Problem = err.Error()
		return
	}
	defer os.Remove(exe)
	lines := m.patch.Lines
	if lines == 0 {
		lines = usualLines
	}
	for _, s := range o.Strategies {
		one := &TrialsOne{Strategy: s, Oracles: map[string]int{}}
		for n := range o.Trials {
			order := trial{Strategy: s, Seed: 1 + uint64(n)*trialSeeds, Scenario: m.patch.Scenario, Lines: lines, Set: m.patch.Set}
			begin := time.Now()
			runs, oracle, err := h.search(exe, order, o.Budget)
			if err != nil {
				m.Problem = fmt.Sprintf("%s from seed %d: %v", s, order.Seed, err)
				return
			}
			if oracle == "" {
				one.All, one.seconds = append(one.All, -runs), append(one.seconds, math.Inf(1))
				continue
			}
			one.Killed++
			one.Oracles[oracle]++
			one.All, one.seconds = append(one.All, runs), append(one.seconds, seconds(begin))
		}
		one.medians()
		m.Results = append(m.Results, one)
	}
}

// search is one trial: how many runs there were, and the oracle that noticed the last of
// them, empty if none did in time. As in mutants, a run that fails kills only if it passes
// in the plain build.
func (h *hunt) search(exe string, order trial, budget time.Duration) (runs int, oracle string, err error) {
	text, err := json.Marshal(order)
	if err != nil {
		return 0, "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), budget)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", trialVariable+"="+string(text))
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, "", err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, "", err
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return 0, "", err
	}
	runs, oracle, err = h.watch(bufio.NewScanner(out), in, len(order.Set) > 0)
	_ = in.Close() // it ends, if it has not
	ended := cmd.Wait()
	switch {
	case err != nil || oracle != "":
		return runs, oracle, err
	case ctx.Err() == nil && strings.Contains(stderr.String(), "\ngoroutine "):
		return runs + 1, panicOracle, nil
	case ctx.Err() == nil:
		return runs, "", errors.Join(errors.New("it ended before it had found anything"), ended)
	}
	return runs, "", nil
}

// watch reads what a trial's process says, until it has found something.
func (h *hunt) watch(said *bufio.Scanner, in io.Writer, set bool) (runs int, oracle string, err error) {
	for said.Scan() {
		var line tried
		if err := json.Unmarshal(said.Bytes(), &line); err != nil {
			return runs, "", nil // cut short by the end of its time
		}
		if line.Problem != "" {
			return runs, "", errors.New(line.Problem)
		}
		runs++
		if !line.Failed {
			continue
		}
		if h.passes(append(strings.Fields(line.Command)[1:], "--json")) {
			return runs, line.Oracle, nil
		}
		if !set {
			return runs, "", fmt.Errorf("%s fails without the patch, too", line.Command)
		}
		if _, err := io.WriteString(in, "go on\n"); err != nil {
			return runs, "", nil // its time is over
		}
	}
	return runs, "", nil
}

// medians fills in the medians.
func (o *TrialsOne) medians() {
	runs := make([]float64, len(o.All))
	for i, n := range o.All {
		if runs[i] = float64(n); n <= 0 {
			runs[i] = math.Inf(1)
		}
	}
	o.Runs, o.Seconds = median(runs), median(o.seconds)
}

// median is nil if it is not finite.
func median(all []float64) *float64 {
	all = slices.Sorted(slices.Values(all))
	n := len(all)
	m := (all[(n-1)/2] + all[n/2]) / 2
	if math.IsInf(m, 0) {
		return nil
	}
	return &m
}

// sum adds up.
func (t *Trials) sum() {
	for i, s := range t.Strategies {
		x := &Searched{Strategy: s}
		runs, secs := 0.0, 0.0
		for _, m := range t.Mutants {
			if len(m.Results) <= i {
				continue
			}
			if m.Results[i].Runs != nil {
				x.Mutants++
			}
			if m.Problem != "" || slices.ContainsFunc(m.Results, func(o *TrialsOne) bool { return o.Runs == nil }) {
				continue
			}
			x.Common++
			runs += math.Log(*m.Results[i].Runs)
			secs += math.Log(max(*m.Results[i].Seconds, 1e-3))
			if !slices.ContainsFunc(m.Results, func(o *TrialsOne) bool { return *o.Runs < *m.Results[i].Runs }) {
				x.Best++
			}
		}
		if x.Common > 0 {
			round := func(v float64) float64 { return math.Round(math.Exp(v/float64(x.Common))*1000) / 1000 }
			x.Runs, x.Seconds = round(runs), round(secs)
		}
		t.Summary = append(t.Summary, x)
	}
}
