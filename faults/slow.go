package faults

import "fmt"

// WithSlow is a plan with one slow link or operator added, 4 to 32 times slower, if it
// has none. The shape must have an operator, or two workers.
func WithSlow(c Chance, s Shape, p Plan) Plan {
	for _, f := range p {
		if f.Kind == SlowLink || f.Kind == SlowOperator {
			return p
		}
	}
	var all []Fault
	for _, from := range s.Workers {
		for _, to := range s.Workers {
			if from != to {
				all = append(all, Fault{Kind: SlowLink, Target: from + "->" + to})
			}
		}
	}
	for _, uid := range s.Operators {
		all = append(all, Fault{Kind: SlowOperator, Target: uid})
	}
	f := all[c("always slow", len(all))]
	f.Name, f.Percent = fmt.Sprintf("f%d", len(p)+1), 400<<c("always slow/by", 4)
	return append(p, f)
}
