package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/host"
)

// pump is a wire on which frames flow for as long as anyone runs the world: two
// inputs a frame, the frame and its credit.
func pump(producer, consumer string) (w *World, inputs *int) {
	w = New(1, Options{})
	inputs = new(int)
	id := host.WireID{}
	var body any = []byte("a record or two")
	w.AddNode("a", empty)
	w.AddNode("b", empty)
	w.Node(producer).Spawn("p", script(func(_ host.Now, in *host.Input, out *host.Outbox) {
		*inputs++
		switch in.Kind {
		case host.Start:
			out.Open(0, id, host.Producer, at(consumer, "c"))
		case host.Credit:
			for range in.N {
				out.Write(0, host.Frame{Data: true, Body: body, Size: 15})
			}
		}
	}).factory)
	w.Node(consumer).Spawn("c", script(func(_ host.Now, in *host.Input, out *host.Outbox) {
		*inputs++
		switch in.Kind {
		case host.Start:
			out.Open(0, id, host.Consumer, at(producer, "p"))
			out.Grant(0, 8, nil)
		case host.FrameIn:
			out.Charge("count", 10)
			out.Grant(0, 1, nil)
		}
	}).factory)
	for *inputs < 1000 {
		w.Next(forever)
	}
	return w, inputs
}

func BenchmarkInput(b *testing.B) {
	for name, nodes := range map[string][2]string{"local": {"a", "a"}, "remote": {"a", "b"}} {
		b.Run(name, func(b *testing.B) {
			w, inputs := pump(nodes[0], nodes[1])
			b.ReportAllocs()
			for b.Loop() {
				for before := *inputs; *inputs == before; {
					w.Next(forever)
				}
			}
		})
	}
}

func BenchmarkFreshWorld(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		w := New(1, Options{})
		w.AddNode("a", empty)
		w.Close()
	}
}

func BenchmarkOffload(b *testing.B) {
	w := New(1, Options{})
	w.one("a", "a", func(_ host.Now, in *host.Input, out *host.Outbox) {
		out.Offload(in.Token+1, "", func(host.Worker) (any, error) { return nil, nil })
	})
	b.ReportAllocs()
	for b.Loop() {
		w.Run(w.Now() + time.Millisecond)
	}
}

func TestFramesAllocateNothing(t *testing.T) {
	for _, consumer := range []string{"a", "b"} {
		w, inputs := pump("a", consumer)
		before := *inputs
		require.Zero(t, testing.AllocsPerRun(2000, func() { w.Next(forever) }))
		require.Greater(t, *inputs, before+1000)
	}
}
