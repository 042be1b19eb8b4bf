package scenarios

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
)

// trialVariable holds the order of a process that searches for one failure, as JSON.
const trialVariable = "WEIR_TRIAL"

// trial says what such a process runs: the list of a sweep, with inputs and settings of
// its own, from its beginning.
type trial struct {
	Strategy Strategy
	Seed     uint64
	Scenario string // empty for all
	Lines    int
	Set      []string
}

// tried is one line of its standard output: a run that has ended. After one that failed
// it waits for a line of standard input before it goes on.
type tried struct {
	Failed  bool   `json:"failed,omitempty"`
	Oracle  string `json:"oracle,omitempty"`
	Command string `json:"command,omitempty"`
	// Problem is why there can be no more runs.
	Problem string `json:"problem,omitempty"`
}

// IsTrial reports whether this process is one that the measurement of strategies has
// started.
func IsTrial() bool { return os.Getenv(trialVariable) != "" }

// Trial is the main function of such a process. It makes runs until its parent ends it.
func Trial() int {
	var t trial
	out := json.NewEncoder(os.Stdout)
	err := json.Unmarshal([]byte(os.Getenv(trialVariable)), &t)
	if err == nil {
		err = t.run(out, bufio.NewReader(os.Stdin))
	}
	if err == nil {
		return 0
	}
	_ = out.Encode(tried{Problem: err.Error()}) // if the parent is gone, nobody asks
	return 1
}

func (t *trial) run(out *json.Encoder, in *bufio.Reader) error {
	all := All()
	if t.Scenario != "" {
		s, err := Find(t.Scenario)
		if err != nil {
			return err
		}
		all = []*Scenario{s}
	}
	list := newSweep(SweepOptions{Seed: t.Seed, Strategy: t.Strategy}, all)
	for n := 0; ; n++ {
		sc, o := list.options(n)
		o.Lines, o.Set = t.Lines, t.Set
		r, err := sc.prepare(o)
		if err != nil {
			return err
		}
		rep, _, err := r.execute((*recording)(nil).observe)
		if err != nil {
			return err
		}
		line := tried{Failed: rep.Verdict != Pass}
		if line.Failed {
			line.Oracle, line.Command = rep.Violations[0].Oracle, r.command()
		}
		if err := out.Encode(line); err != nil {
			return err
		}
		if !line.Failed {
			continue
		}
		if _, err := in.ReadString('\n'); err == io.EOF {
			return nil
		}
	}
}
