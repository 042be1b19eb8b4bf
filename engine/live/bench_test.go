package live_test

import (
	"fmt"
	"testing"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/live"
)

type batch struct{ values [256]int64 }

// BenchmarkWire passes batches from one actor to another, which returns each with
// its credit. With work, the consumer reads the batch.
func BenchmarkWire(b *testing.B) {
	for _, credits := range []int{2, 8, 32, 128} {
		for _, work := range []bool{false, true} {
			b.Run(fmt.Sprintf("credits=%d/work=%v", credits, work), func(b *testing.B) { benchmarkWire(b, credits, work) })
		}
	}
}

func benchmarkWire(b *testing.B, credits int, work bool) {
	w := live.New(live.Options{})
	defer w.Close()
	id := host.WireID{Epoch: 1}
	producer, consumer := host.Address{Node: "n", Name: "p"}, host.Address{Node: "n", Name: "c"}
	start, done := make(chan bool), make(chan bool)
	received, sum := 0, int64(0)
	w.Spawn("n", "c", actor(func(_ host.Now, in *host.Input, out *host.Outbox) {
		switch in.Kind {
		case host.Start:
			out.Open(0, id, host.Consumer, producer)
			for range credits {
				out.Grant(0, 1, new(batch))
			}
		case host.FrameIn:
			full := in.Frame.Body.(*batch)
			if work {
				for _, v := range full.values {
					sum += v
				}
			}
			out.Grant(0, 1, full)
			if received++; received == b.N {
				close(done)
			}
		}
	}).factory)
	var free []*batch
	written := 0
	write := func(out *host.Outbox) {
		for len(free) > 0 && written < b.N {
			last := free[len(free)-1]
			free = free[:len(free)-1]
			if work {
				for i := range last.values {
					last.values[i] = int64(written + i)
				}
			}
			out.Write(0, host.Frame{Data: true, Body: last, Size: 2048})
			written++
		}
	}
	w.Spawn("n", "p", actor(func(_ host.Now, in *host.Input, out *host.Outbox) {
		switch in.Kind {
		case host.Start:
			out.Open(0, id, host.Producer, consumer)
		case host.Credit:
			free = append(free, in.Body.(*batch))
			write(out)
		case host.WireUp:
			<-start
		}
	}).factory)
	b.ReportAllocs()
	b.ResetTimer()
	close(start)
	<-done
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mframes/s")
}

// BenchmarkGoOn is the cost of a step that asks for the next.
func BenchmarkGoOn(b *testing.B) {
	w := live.New(live.Options{})
	defer w.Close()
	done := make(chan bool)
	n := 0
	b.ReportAllocs()
	w.Spawn("n", "a", actor(func(_ host.Now, _ *host.Input, out *host.Outbox) {
		if n++; n <= b.N {
			out.GoOn()
		} else {
			close(done)
			out.Exit()
		}
	}).factory)
	<-done
}

// BenchmarkTimer is the cost of setting and cancelling a timer among 100.
func BenchmarkTimer(b *testing.B) {
	w := live.New(live.Options{})
	defer w.Close()
	done := make(chan bool)
	n := host.Token(0)
	b.ReportAllocs()
	w.Spawn("n", "a", actor(func(_ host.Now, _ *host.Input, out *host.Outbox) {
		out.SetTimer(n, 1<<40)
		if n >= 100 {
			out.CancelTimer(n - 100)
		}
		if n++; int(n) <= b.N {
			out.GoOn()
		} else {
			close(done)
			out.Exit()
		}
	}).factory)
	<-done
}
