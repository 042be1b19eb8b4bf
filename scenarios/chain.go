package scenarios

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/sim/trace"
)

// chainLength is how many causes a failure shows.
const chainLength = 12

// causes is the chain of causes that leads to an event, the event first: its
// number, time, node and what it was, one a line. A chain that is longer says so.
func causes(t *trace.Trace, event uint64) ([]string, error) {
	records := map[uint64]trace.Record{}
	err := t.Each(func(r trace.Record) error {
		if _, ok := records[r.Number]; !ok {
			records[r.Number] = r
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var chain []string
	describe := describing(t)
	for n := event; n != 0; {
		r, ok := records[n]
		if !ok {
			break
		}
		if len(chain) == chainLength {
			return append(chain, fmt.Sprintf("and so on; simrun replay --causes %d shows all", event)), nil
		}
		what := strings.TrimSpace(describe(r, t.Name))
		chain = append(chain, fmt.Sprintf("%d  %.6f  %s  %s", r.Number, float64(r.Time)/1e9, t.Name(r.Where), what))
		n = r.Cause
	}
	return chain, nil
}
