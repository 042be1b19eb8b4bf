package scenarios

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/weirstream/weir/scenarios/mutants"
)

// MutantsOptions are the flags of mutants.
type MutantsOptions struct {
	IDs []string // empty for all
	// Budget is for each mutant's runs, its build apart; 0 for a minute.
	Budget time.Duration
	// Matrix lets runs go on after a broken promise, and each mutant after its first
	// kill, to learn which oracles notice it.
	Matrix bool
	// Out is where the trace of each kill is kept, empty for nowhere.
	Out string
	Log io.Writer // a line for each mutant as it ends
	// Terminal says that Log is one: the last line counts.
	Terminal bool
}

// Mutants is the outcome of mutants, as --json prints it.
type Mutants struct {
	Mutants []*Mutant `json:"mutants"`
	// Oracles are those that judge, and others that objected; only with Matrix.
	Oracles []*Noticed `json:"oracles,omitempty"`
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
	// should not have been, or by others than the one oracle that should be alone,
	// or could not be judged or replayed.
	Unexpected int `json:"unexpected"`
}

// Mutant is one mutant with what became of it.
type Mutant struct {
	ID   string `json:"id"`
	Bug  string `json:"bug"`
	What string `json:"what"`
	// Survives is why it is expected to survive, empty if it must be killed.
	Survives string `json:"survives,omitempty"`
	// Alone is the one oracle that is expected to notice it, empty if not stated.
	Alone string `json:"alone,omitempty"`
	// Strategy draws the worlds of its runs; empty for uniform.
	Strategy string `json:"strategy,omitempty"`
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
	Seconds      float64 `json:"seconds"` // of the runs, up to the kill
	// Replayed says that the kill's trace, replayed in the mutated build, agreed.
	Replayed bool   `json:"replayed"`
	Message  string `json:"message,omitempty"`
	Trace    string `json:"trace,omitempty"`
	// Problem is why it could not be judged.
	Problem string `json:"problem,omitempty"`
	// Objections are nil without Matrix.
	*Objections

	traced bool // the kill left a trace: a process that ends by a panic leaves none
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
			m.Mutants = append(m.Mutants, &Mutant{ID: p.ID, Bug: p.Bug, What: p.What, Survives: p.Survives, Alone: p.Alone, Strategy: p.Strategy, patch: p})
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
	switch {
	case o.Budget < 0:
		return nil, usage("--budget is %s; it must be more than 0", o.Budget)
	case o.Budget == 0:
		o.Budget = time.Minute
	}
	h := &hunt{o: o, sane: map[string]bool{}}
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
		if h.o.Out, err = filepath.Abs(o.Out); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(h.o.Out, 0o755); err != nil {
			return nil, usage("--out %s: %w; name a directory", o.Out, cause(err))
		}
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
	if o.Matrix {
		ids, err := judgeIDs()
		if err != nil {
			return nil, err
		}
		m.Oracles = noticed(ids, m.Mutants)
	}
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

func (m *Mutant) asExpected() bool {
	return m.Problem == "" && m.Killed == (m.Survives == "") && (!m.traced || m.Replayed) && m.notAlone() == ""
}

// notAlone says which oracles noticed if it is not the one that should be alone.
func (m *Mutant) notAlone() string {
	switch {
	case m.Alone == "" || !m.Killed:
		return ""
	case m.Objections != nil:
		if m.Objections.alone() != m.Alone {
			return m.Objections.String()
		}
	case m.Oracle != m.Alone:
		return m.Oracle
	}
	return ""
}
