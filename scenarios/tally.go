package scenarios

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/weirstream/weir/faults"
)

// asserted is from how many runs on the shares of a sweep must reach their floors.
const asserted = 100

// SweepReport is the outcome of a sweep, as --json prints it. Nothing in it but the
// fields about time depends on anything but the list of runs.
type SweepReport struct {
	Runs            int                        `json:"runs"`
	Failures        []Failure                  `json:"failures"`
	Groups          []*Group                   `json:"groups"` // of failures, by their first
	FirstFailure    *First                     `json:"first_failure,omitempty"`
	Events          uint64                     `json:"events"`
	EventsPerSecond float64                    `json:"events_per_second"`
	RunsPerSecond   float64                    `json:"runs_per_second"`
	VirtualSeconds  float64                    `json:"virtual_seconds"`
	WallSeconds     float64                    `json:"wall_seconds"`
	ByScenario      map[string]map[Mode]*Total `json:"by_scenario"`
	Shares          map[string]*Share          `json:"shares"`
	Coverage        Coverage                   `json:"coverage"`

	Verdict string `json:"verdict"`
	// Interrupted says that the user ended the sweep: the report is of the runs before.
	Interrupted bool `json:"interrupted,omitempty"`
	// Violations are of promises that the sweep makes as a whole.
	Violations []Violation `json:"violations"`
	// Searched is how many histories porcupine judged, too; Exhausted is of how many
	// partitions its budget left it open whether they are linearizable.
	Searched  int `json:"searched"`
	Exhausted int `json:"exhausted"`
	// Verified is how many runs were made twice, with the same hash.
	Verified int `json:"verified"`
	// Faults is how often each kind that there is happened, 0 for those that did not.
	Faults map[string]int `json:"faults"`

	pairs  []pair
	shares []*Share
}

// Failure is a failing run of a sweep.
type Failure struct {
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Mode     Mode   `json:"mode"`
	Verdict  string `json:"verdict"`
	Oracle   string `json:"oracle"`
	Message  string `json:"message"`
	// Trace is where the run is recorded, empty if it could not be; Replay and Rerun
	// are the commands that replay the trace and make the run again.
	Trace  string `json:"trace"`
	Replay string `json:"replay"`
	Rerun  string `json:"rerun"`
	// Case is where the failure is, made smaller, empty if it was not.
	Case string `json:"case,omitempty"`
	// NotSaved is why trace or picture could not be saved.
	NotSaved string `json:"not_saved,omitempty"`
	// FirstDifference is where a run that was not deterministic left the trace.
	FirstDifference *Difference `json:"first_difference,omitempty"`
}

// Total is what the runs of a scenario in one mode add up to.
type Total struct {
	Runs     int            `json:"runs"`
	Failures int            `json:"failures"`
	Events   uint64         `json:"events"`
	In       int64          `json:"records_in"`
	Out      int64          `json:"records_out"`
	Twice    int64          `json:"duplicates"`
	Checks   Checkpoints    `json:"checkpoints"`
	Restores int            `json:"restores"`
	Faults   map[string]int `json:"faults"`
	Virtual  int64          `json:"virtual_ms"`
}

// Share is how many of some runs came through something.
type Share struct {
	Runs  int     `json:"runs"`
	Of    int     `json:"of"`
	Share float64 `json:"share"` // 0 if there are none
	Floor float64 `json:"floor"`

	name, what string
	counts     func(rep *Report) bool
	among      func(rep *Report) bool
}

// Coverage says in how many runs of each mode each point was reached.
type Coverage struct {
	Points map[string]map[Mode]any `json:"points"` // a number, or "n/a"
	// Hit of the Reachable pairs of point and mode were reached.
	Hit       int `json:"hit"`
	Reachable int `json:"reachable"`
}

// newShares are the shares that a sweep must reach.
func newShares() []*Share {
	all := func(*Report) bool { return true }
	return []*Share{
		{name: "crash-during-checkpoint", what: "a crash between trigger and completion of a checkpoint", Floor: 0.2,
			counts: func(r *Report) bool { return r.watched.during }, among: all},
		{name: "restored", what: "a restore from a checkpoint", Floor: 0.5,
			counts: func(r *Report) bool { return r.Restores > 0 }, among: all},
		{name: "restored-in-flight", what: "a restore of in-flight data, of unaligned runs", Floor: 0.3,
			counts: func(r *Report) bool { return r.RestoredInFlight > 0 },
			among:  func(r *Report) bool { return r.Mode == Unaligned }},
		{name: "alignment-split", what: "an alignment that ended in time and one that did not, of runs with a timeout", Floor: 0.3,
			counts: func(r *Report) bool {
				p := &r.watched.points
				return p[alignedInTime] && (p[switchedHalfway] || p[switchedAnnounced])
			},
			among: func(r *Report) bool { return r.Mode == Timeout }},
		{name: "parallel", what: "a parallelism above 1", Floor: 0.7,
			counts: func(r *Report) bool { return r.watched.parallel }, among: all},
	}
}

// tally adds runs up.
type tally struct {
	pairs               []pair
	runs                int
	failures            []Failure
	groups              []*Group
	first               *First // failure
	verified            int
	searched, exhausted int
	events              uint64
	virtual             int64
	totals              []*Total // by pair
	shares              []*Share
	modes               []Mode // sorted
	covered             map[Mode]*[pointCount]int
	verdict             string
	// few says that the sweep stays with few worlds: its shares are those of their knobs.
	few bool
}

func newTally(pairs []pair) tally {
	t := tally{pairs: pairs, shares: newShares(), covered: map[Mode]*[pointCount]int{}, verdict: Pass, failures: []Failure{}, groups: []*Group{}}
	for _, p := range pairs {
		t.totals = append(t.totals, &Total{Faults: map[string]int{}})
		if t.covered[p.mode] == nil {
			t.covered[p.mode] = &[pointCount]int{}
			t.modes = append(t.modes, p.mode)
		}
	}
	slices.Sort(t.modes)
	return t
}

func (t *tally) add(rep *Report) {
	t.runs++
	t.events += rep.Events
	t.virtual += rep.VirtualMS
	if l := rep.Linearizability; l != nil && l.Searched {
		t.searched++
		t.exhausted += l.Exhausted
	}
	i := slices.IndexFunc(t.pairs, func(p pair) bool { return p.scenario.Name == rep.Scenario && p.mode == rep.Mode })
	t.totals[i].add(rep)
	for _, s := range t.shares {
		if s.among(rep) {
			s.Of++
			if s.counts(rep) {
				s.Runs++
			}
		}
	}
	for p, seen := range rep.watched.points {
		if seen {
			t.covered[rep.Mode][p]++
		}
	}
	switch {
	case rep.Verdict == Nondeterministic, rep.Verdict == Fail && t.verdict == Pass:
		t.verdict = rep.Verdict
	}
	if rep.Verdict != Pass {
		t.failures = append(t.failures, newFailure(rep))
		t.groups = grouped(t.groups, rep)
	} else if rep.twice {
		t.verified++
	}
}

func newFailure(rep *Report) Failure {
	f := Failure{Scenario: rep.Scenario, Seed: rep.Seed, Mode: rep.Mode, Verdict: rep.Verdict, Trace: rep.Saved, NotSaved: rep.NotSaved, FirstDifference: rep.FirstDifference, Case: rep.shrunk}
	if len(rep.Violations) > 0 {
		f.Oracle, f.Message = rep.Violations[0].Oracle, rep.Violations[0].Message
	}
	if len(rep.Again) > 0 {
		f.Rerun = rep.Again[0]
	}
	if len(rep.Again) > 1 {
		f.Replay = rep.Again[1]
	}
	return f
}

func (t *Total) add(rep *Report) {
	t.Runs++
	if rep.Verdict != Pass {
		t.Failures++
	}
	t.Events += rep.Events
	t.In += rep.RecordsIn
	t.Out += rep.RecordsOut
	t.Twice += rep.Duplicates
	t.Checks.Completed += rep.Checks.Completed
	t.Checks.Aborted += rep.Checks.Aborted
	t.Checks.Declined += rep.Checks.Declined
	t.Checks.Expired += rep.Checks.Expired
	t.Checks.Savepoints += rep.Checks.Savepoints
	t.Restores += rep.Restores
	for kind, n := range rep.Faults { // unordered: sums
		t.Faults[kind] += n
	}
	t.Virtual += rep.VirtualMS
}

// report is what all runs add up to.
func (t *tally) report(wall time.Duration) *SweepReport {
	seconds := max(wall.Seconds(), 1e-3)
	r := &SweepReport{
		Runs: t.runs, Failures: t.failures, Groups: t.groups, FirstFailure: t.first, Events: t.events, VirtualSeconds: float64(t.virtual) / 1000,
		EventsPerSecond: math.Round(float64(t.events) / seconds), RunsPerSecond: math.Round(float64(t.runs)/seconds*10) / 10,
		WallSeconds: math.Round(wall.Seconds()*1000) / 1000,
		ByScenario:  map[string]map[Mode]*Total{}, Shares: map[string]*Share{}, Coverage: t.coverage(),
		Verdict: t.verdict, Violations: []Violation{}, Verified: t.verified, Searched: t.searched, Exhausted: t.exhausted, pairs: t.pairs, shares: t.shares,
		Faults: t.faults(),
	}
	for i, p := range t.pairs {
		if r.ByScenario[p.scenario.Name] == nil {
			r.ByScenario[p.scenario.Name] = map[Mode]*Total{}
		}
		r.ByScenario[p.scenario.Name][p.mode] = t.totals[i]
	}
	for _, s := range t.shares {
		r.Shares[s.name] = s
		if s.Of == 0 {
			continue
		}
		s.Share = float64(s.Runs) / float64(s.Of)
		if !t.few && t.runs >= asserted && s.Share < s.Floor {
			r.Violations = append(r.Violations, Violation{Oracle: "shares",
				Message: fmt.Sprintf("%d of %d runs have %s; it must be %g %%: the sweep proves too little", s.Runs, s.Of, s.what, s.Floor*100)})
			if r.Verdict == Pass {
				r.Verdict = Fail
			}
		}
	}
	return r
}

func (t *tally) faults() map[string]int {
	all := map[string]int{}
	for _, kind := range faults.Kinds() {
		all[string(kind)] = 0
	}
	for _, total := range t.totals {
		for kind, n := range total.Faults { // unordered: sums
			all[kind] += n
		}
	}
	return all
}

func (t *tally) coverage() Coverage {
	c := Coverage{Points: map[string]map[Mode]any{}}
	for p, info := range points {
		row := map[Mode]any{}
		for _, m := range t.modes {
			n := t.covered[m][p]
			if info.never[m] != "" && n == 0 {
				row[m] = notReachable
				continue
			}
			row[m] = n
			c.Reachable++
			if n > 0 {
				c.Hit++
			}
		}
		c.Points[info.name] = row
	}
	return c
}

// notReachable is the cell of a mode in which a point can't be reached.
const notReachable = "n/a"
