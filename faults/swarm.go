package faults

import (
	"fmt"
	"time"
)

// moments are the engine events that a swarm's crashes may wait for.
var moments = []string{
	"epoch started", "worker registered", "deploying", "restored", "running", "restarting",
	"checkpoint triggered", "barrier in", "barrier out", "snapshot taken", "snapshot stored", "pre-committed", "ack",
	"sealing", "completed", "notified", "committed", "aborted", "ended",
}

// most is the largest number of crashes of a swarm's plan beside the essential one.
const most = 13

// swarm is what a plan's crashes have in common. A plan that lacks something, such as
// crashes of workers, goes further into the rest than one that has a bit of all.
type swarm struct {
	c       Chance
	nodes   []string
	kinds   []Kind
	moments []string
	nth     int
	changes int
	away    time.Duration // the longest
}

// DrawSwarm makes a plan like [Draw], with an essential crash first, but draws first
// which kinds, targets and moments of crashes the plan has at all, and whether it has
// slow links or operators: some plans have no crash but the essential one, some a
// dozen. Shape.Crashes is not asked for.
func DrawSwarm(c Chance, s Shape) Plan {
	w := newSwarm(c, s)
	var p Plan
	add := func(f Fault) {
		f.Name = fmt.Sprintf("f%d", len(p)+1)
		p = append(p, f)
	}
	essential := w.crash("essential", after("completed", 1+c("essential/nth", 4), c("essential/changes", 24)))
	essential.Essential = true
	add(essential)
	for i := range w.crashes() {
		where := fmt.Sprintf("crash%d", i)
		add(w.crash(where, after(w.moments[c(where+"/on", len(w.moments))], 1+c(where+"/nth", w.nth), c(where+"/changes", w.changes))))
	}
	if c("swarm/aimed", 4) == 0 { // only the storage knows how the checkpoint ended
		f := w.crash("aimed", after("sealing", 1+c("aimed/nth", 4), c("aimed/changes", 12)))
		f.Target = s.JobManager
		add(f)
	}
	if c("swarm/links", 3) == 0 {
		for _, from := range s.Workers {
			for _, to := range s.Workers {
				if from != to && c("slow/"+from+to, 2) == 0 {
					add(Fault{Kind: SlowLink, Target: from + "->" + to, Percent: 200 << c("slow/by/"+from+to, 5)})
				}
			}
		}
	}
	if c("swarm/operators", 3) > 0 {
		for _, uid := range s.Operators {
			if c("slow/"+uid, 3) > 0 {
				add(Fault{Kind: SlowOperator, Target: uid, Percent: 200 << c("slow/by/"+uid, 5)})
			}
		}
	}
	return p
}

func newSwarm(c Chance, s Shape) *swarm {
	w := &swarm{c: c, nodes: append([]string{s.JobManager}, s.Workers...), kinds: []Kind{ProcessCrash, MachineCrash}}
	switch c("swarm/targets", 6) {
	case 0:
		w.nodes = w.nodes[:1]
	case 1, 2:
		w.nodes = w.nodes[1:]
	}
	switch c("swarm/kinds", 4) {
	case 0:
		w.kinds = w.kinds[:1]
	case 1:
		w.kinds = w.kinds[1:]
	}
	for _, m := range moments {
		if c("swarm/"+m, 2) == 0 {
			w.moments = append(w.moments, m)
		}
	}
	if len(w.moments) == 0 {
		w.moments = moments
	}
	w.nth = []int{2, 8, 30}[c("swarm/nth", 3)]
	w.changes = []int{1, 12, 40}[c("swarm/changes", 3)]
	w.away = []time.Duration{4, 100, 1000, 3000}[c("swarm/away", 4)] * time.Millisecond
	return w
}

// crashes is the number of crashes beside the essential one.
func (w *swarm) crashes() int {
	switch w.c("swarm/crashes", 6) {
	case 0, 1:
		return 0
	case 2, 3:
		return 1 + w.c("swarm/few", 3)
	case 4:
		return 3 + w.c("swarm/some", 4)
	}
	return 6 + w.c("swarm/many", most-6)
}

func (w *swarm) crash(where string, when Trigger) Fault {
	return Fault{
		Kind: w.kinds[w.c(where+"/kind", len(w.kinds))], Target: w.nodes[w.c(where+"/target", len(w.nodes))],
		When: when, For: w.away / 4 * time.Duration(1+w.c(where+"/for", 4)),
	}
}
