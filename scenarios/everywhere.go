package scenarios

import (
	"slices"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/faults"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
	"github.com/weirstream/weir/sim/search"
)

// A run of CrashEverywhere is its base's, with one crash: of one process, or its machine,
// after one of the changes of crash-surviving state that the base comes through without
// a crash. The low half of the seed is the base's, which draws all but the crash; the
// high half is the crash's place in a spread over all there are, and begins anew behind
// the last.
const baseBits = 32

// base is the seed that draws a run's world.
func (s Strategy) base(seed uint64) uint64 {
	if s == CrashEverywhere {
		return seed & (1<<baseBits - 1)
	}
	return seed
}

// everywhere is the seed of the run at a place of a base.
func everywhere(base uint64, place int) uint64 {
	return CrashEverywhere.base(base) | uint64(place)<<baseBits
}

// changes is how many changes of crash-surviving state the run's base comes through.
func (r *run) changes() (int, error) {
	base := *r
	base.o.Seed = r.o.Strategy.base(r.o.Seed)
	base.unjudged = true
	return r.o.inputs.baseline(base.command()).count(func() (int, error) {
		_, c, err := base.execute((*recording)(nil).observe)
		if err != nil {
			return 0, err
		}
		return c.Changes(), nil
	})
}

// crashKinds are the two ways to crash, each of which has its places.
var crashKinds = []faults.Kind{faults.ProcessCrash, faults.MachineCrash}

// crash adds the one crash to the base's plan.
func (r *run) crash() error {
	changes, err := r.changes()
	if err != nil || changes == 0 {
		return err
	}
	nodes := r.world.nodes()
	size := changes * len(nodes) * len(crashKinds)
	start := sim.New(r.o.Strategy.base(r.o.Seed), sim.Options{}).Point("knob", "first place").Uint64()
	at := search.Spread{Size: size, Key: start}.At(r.o.Seed >> baseBits)
	change, who := at/(len(nodes)*len(crashKinds)), at%(len(nodes)*len(crashKinds))
	away := sim.New(r.o.Seed, sim.Options{}).Point("fault", "everywhere/for").Intn(6)
	r.world.plan = append(r.world.plan[:len(r.world.plan):len(r.world.plan)], faults.Fault{
		Name: "crash", Kind: crashKinds[who%len(crashKinds)], Target: nodes[who/len(crashKinds)],
		When: faults.Trigger{On: faults.Change, Nth: change + 1}, For: 25 * time.Millisecond << away,
	})
	return nil
}

// nodes are the names of the cluster's processes.
func (w *world) nodes() []string {
	all := []string{engine.JobManagerAddress().Node}
	for i := range w.workers {
		all = append(all, cluster.Worker(i))
	}
	return all
}

// places is how many runs a base has.
func (r *run) places() (int, error) {
	changes, err := r.changes()
	return changes * len(r.world.nodes()) * len(crashKinds), err
}

// calm is what of a drawn plan holds for the whole run, and what a scenario must have:
// the base's.
func calm(s *Scenario, p faults.Plan) faults.Plan {
	var rest faults.Plan
	for _, f := range p {
		always := (f.Kind == faults.SlowLink || f.Kind == faults.SlowOperator) && f.When == faults.Trigger{} && f.For == 0
		if always || s.Damaged && f.Kind.Damages() {
			rest = append(rest, f)
		}
	}
	return rest
}

// everywhere is the seed of the n-th run of a pair, from 0, in a sweep: all places of
// one base, then all of the next. The pairs take turns at the bases, too.
func (s *sweep) everywhere(p pair, n int) uint64 {
	for base := s.o.Seed + uint64(slices.Index(s.pairs, p)); ; base += uint64(len(s.pairs)) {
		o := s.optionsOf(p, CrashEverywhere, everywhere(base, 0))
		size := 1 // of a base that can't be run: its run says why
		if r, err := p.scenario.prepare(o); err == nil {
			if places, err := r.places(); err == nil {
				size = max(places, 1)
			}
		}
		if n < size {
			return everywhere(base, n)
		}
		n -= size
	}
}
