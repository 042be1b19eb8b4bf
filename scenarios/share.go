package scenarios

import "github.com/weirstream/weir/sim"

// What is looked into costs time in proportion to the state: of runs of a large input a
// share of the checkpoints, drawn from the run's seed by hashing, so that it is the same
// whoever makes the run.
const (
	// largeInput is from how many bytes on an input is large.
	largeInput = 20 << 10
	// ofCheckpoints: the state of one of so many is looked into.
	ofCheckpoints = 3
	// ofRuns: in one of so many runs the content of those is computed.
	ofRuns = 4
)

// looksInto says whether the state of a checkpoint is decoded and compared.
func (j *judges) looksInto(checkpoint uint64) bool {
	return !j.large() || hashed(j.run.o.Seed, "state", checkpoint)%ofCheckpoints == 0
}

// computes says whether the content of checkpoints is computed.
func (j *judges) computes() bool {
	return !j.large() || hashed(j.run.o.Seed, "content", 0)%ofRuns == 0
}

func (j *judges) large() bool { return len(j.run.data) >= largeInput }

// hashed is a number that hangs on all three: the world's draws are none of an oracle's
// business.
func hashed(seed uint64, what string, n uint64) uint64 {
	var h sim.Hash
	h.Add(seed)
	for i := range len(what) {
		h.Add(uint64(what[i]))
	}
	h.Add(n)
	return h.Sum()
}
