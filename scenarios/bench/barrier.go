package bench

import (
	"fmt"
	"strings"
	"time"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/cluster"
)

// barriers measures checkpoints of a job that never ends, in virtual time: from the
// trigger to the durable metadata. It is an oracle that objects to nothing.
type barriers struct {
	triggered time.Duration
	took      []time.Duration
	inFlight  int64 // bytes, of all checkpoints that count

	// As a recorder it looks at the data frames that are sent to another node.
	world    *cluster.World
	send     sim.Kind
	frameMax uint64 // bytes
}

// warmUp checkpoints are let pass until the queues are full.
const warmUp = 3

// ID implements sim.Oracle, as do OnEvent and OnEnd.
func (b *barriers) ID() string { return "barriers" }

// OnEvent takes the times of checkpoints.
func (b *barriers) OnEvent(w *sim.World, e *host.Event) *sim.Violation {
	counts := e.Checkpoint > warmUp
	switch {
	case e.Kind == host.CheckpointTriggered:
		b.triggered = w.Now()
	case e.Kind == host.CheckpointCompleted && counts:
		b.took = append(b.took, w.Now()-b.triggered)
	case e.Kind == host.SnapshotStored && counts:
		b.inFlight += e.M
	}
	return nil
}

// OnEnd has nothing to say.
func (b *barriers) OnEnd(*sim.World) *sim.Violation { return nil }

// Record implements sim.Recorder.
func (b *barriers) Record(r *sim.Record) {
	if b.send == 0 && b.world.KindName(r.Kind) == "send frame" {
		b.send = r.Kind
	}
	if data := r.A>>32 != 0; r.Kind != b.send || b.send == 0 || !data {
		return
	}
	if r.B > b.frameMax && !strings.HasPrefix(b.world.Text(r.Peer), b.world.Text(r.Node)+":") {
		b.frameMax = r.B
	}
}

// longest and mean are durations in milliseconds.
func (b *barriers) longest() float64 {
	var most time.Duration
	for _, d := range b.took {
		most = max(most, d)
	}
	return milliseconds(most)
}

func (b *barriers) mean() float64 {
	var sum time.Duration
	for _, d := range b.took {
		sum += d
	}
	return milliseconds(sum) / float64(len(b.took))
}

func (b *barriers) inFlightEach() float64 { return float64(b.inFlight) / float64(len(b.took)) / 1024 }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// strain is what makes checkpoints hard.
type strain struct {
	unaligned bool
	slow      cluster.Percent // the counting operator
	bandwidth int64           // of the links between the workers, bytes a second; 0 for no limit
	quantum   int             // 0 for the default
}

// step is how many records a step handles at most: a barrier waits for the step that
// is under way.
func (x strain) step() int {
	if x.quantum > 0 {
		return x.quantum
	}
	return engine.DefaultConfig().Quantum
}

// Times of the hardware are fixed, so that checkpoints differ by their load only.
const (
	latency = 200 * time.Microsecond // of every link, one way
	call    = 200 * time.Microsecond // of a file-system call
)

// hold runs a keyed count over an endless source until enough checkpoints are
// complete. Each of two workers has a source and a counter, so that of each source's
// records half stay and half go to the other worker.
func (x strain) hold(s *session) (*barriers, error) {
	config := engine.DefaultConfig()
	config.Parallelism, config.Slots = 2, 1
	config.Unaligned = x.unaligned
	config.CheckpointInterval = 20 * time.Millisecond
	config.Quantum = x.step()
	b := &barriers{}
	fixed := cluster.LinkOptions{Latency: cluster.Range{Min: latency, Max: latency}}
	between := fixed
	between.Bandwidth = x.bandwidth
	c, err := cluster.NewCluster(1, cluster.JobOptions{
		Config: config, Job: countJob(numbers{keys: 1000}, drop{}), Workers: 2,
		Limit: 10 * time.Minute, StopAfter: warmUp + pick(s, 9, 2),
		Hardware: cluster.Options{
			OperatorCost: map[string]cluster.Percent{"count": max(x.slow, 100)},
			IO:           cluster.Range{Min: call, Max: call}, Link: fixed, Recorder: b,
			Links: map[[2]string]cluster.LinkOptions{{"tm1", "tm2"}: between, {"tm2", "tm1"}: between},
		},
		Oracles: []sim.Oracle[host.Event]{b},
		Created: func(w *cluster.World) { b.world = w },
	})
	if err != nil {
		return nil, err
	}
	if err := ended(c, c.Run()); err != nil {
		return nil, err
	}
	return b, nil
}

// slowConsumer makes the counter slower and slower.
func slowConsumer(s *session) error {
	cases := []struct {
		name    string
		k       int
		strain  strain
		compare bool // with the case before; else it is what others are compared with
	}{
		{"unaligned/1", 1, strain{unaligned: true}, false},
		{"unaligned/10", 10, strain{unaligned: true}, true},
		{"unaligned/100", 100, strain{unaligned: true}, true},
		{"unaligned/100/quantum=16", 100, strain{unaligned: true, quantum: 16}, true},
		{"aligned/1", 1, strain{}, false},
		{"aligned/10", 10, strain{}, true},
		{"aligned/100", 100, strain{}, true},
	}
	var undisturbed float64
	for _, c := range cases {
		c.strain.slow = cluster.Percent(100 * c.k)
		b, err := c.strain.hold(s)
		if err != nil {
			return err
		}
		if !c.compare {
			undisturbed = b.longest()
		}
		r := figure("slow-consumer/"+c.name, b.longest(), "virtual ms", "undisturbed", undisturbed).note(
			"a record takes the counter %s, a step of it up to %d records; longest of %d checkpoints, mean %s ms, %s KiB in flight in each",
			time.Duration(c.k)*100*time.Nanosecond, c.strain.step(), len(b.took), short(b.mean()), short(b.inFlightEach()))
		if c.strain.unaligned && c.compare {
			r = r.atMost(2)
		}
		s.add(r)
	}
	return nil
}

// thinLink makes the links between the workers slower and slower.
func thinLink(s *session) error {
	const bandwidth = 16 << 20
	credits := engine.DefaultConfig().ChannelBuffers
	for _, unaligned := range []bool{true, false} {
		var undisturbed float64
		mode := map[bool]string{true: "unaligned", false: "aligned"}[unaligned]
		for _, k := range []int{1, 4, 16} {
			b, err := strain{unaligned: unaligned, bandwidth: bandwidth / int64(k)}.hold(s)
			if err != nil {
				return err
			}
			if k == 1 {
				undisturbed = b.longest()
			}
			// One channel leads over each link. A simulated file call takes its time
			// whatever its size, so that the upload of what is in flight adds nothing.
			frames := float64(credits) * float64(b.frameMax) * float64(k) / bandwidth * 1000
			bound := undisturbed + frames + milliseconds(2*latency)
			name := fmt.Sprintf("thin-link/%s/%d", mode, k)
			note := fmt.Sprintf("link of %d KiB/s; longest of %d checkpoints, mean %s ms, %s KiB in flight in each",
				bandwidth/k>>10, len(b.took), short(b.mean()), short(b.inFlightEach()))
			if !unaligned {
				s.add(figure(name, b.longest(), "virtual ms", "undisturbed", undisturbed).note("%s", note))
				continue
			}
			s.add(figure(name, b.longest(), "virtual ms", "the bound", bound).atMost(1).note(
				"%s; the bound is undisturbed %s + %d credited frames of %d bytes %s + a round trip %s + upload 0 (a simulated file call takes its time whatever its size)",
				note, short(undisturbed), credits, b.frameMax, short(frames), short(milliseconds(2*latency))))
		}
	}
	return nil
}
