package cluster

import (
	"math/bits"
	"time"

	"github.com/weirstream/weir/sim"
)

// LinkOptions describe one direction between two nodes.
type LinkOptions struct {
	// Latency is that of each message and frame (N7); 100 µs to 500 µs by default.
	Latency Range
	// Bandwidth is in bytes a second; 0 for no limit.
	Bandwidth int64
	// Slow scales latency and transmission.
	Slow Percent
}

// Link is one direction between two nodes. What is set applies to what is sent
// from now on.
type Link struct {
	w       *World
	o       LinkOptions
	latency *sim.Point
	free    time.Duration // when all that was sent is transmitted
	slow    Percent       // as the options have it
	wrong   upset
}

// Link returns the link from one node to another; both must exist, and differ.
func (w *World) Link(from, to string) *Link {
	if from == to {
		panic("cluster: no link leads from " + from + " to itself")
	}
	return w.link(w.known(from), w.known(to))
}

func (w *World) link(from, to *Node) *Link {
	for len(from.links) <= to.index {
		from.links = append(from.links, nil)
	}
	l := from.links[to.index]
	if l == nil {
		o, ok := w.o.Links[[2]string{from.name, to.name}]
		if !ok {
			o = w.o.Link
		}
		if o.Latency == (Range{}) {
			o.Latency = Range{100 * time.Microsecond, 500 * time.Microsecond}
		}
		l = &Link{w: w, o: o, latency: w.Point("link-latency", from.name+"->"+to.name), slow: o.Slow}
		from.links[to.index] = l
	}
	return l
}

// SetLatency sets the range from which latencies are drawn.
func (l *Link) SetLatency(r Range) { l.o.Latency = r }

// SetBandwidth sets the bytes a second; 0 for no limit.
func (l *Link) SetBandwidth(bytes int64) { l.o.Bandwidth = bytes }

// SetSlow sets the factor on latency and transmission.
func (l *Link) SetSlow(p Percent) { l.o.Slow = p }

// arrival is when size bytes that leave at a time may arrive. Latencies differ, so
// later ones may arrive earlier: wires see to their own order.
func (l *Link) arrival(leave time.Duration, size int) sim.Span {
	if l.o.Bandwidth > 0 {
		l.free = max(leave, l.free) + l.o.Slow.of(transmission(size, l.o.Bandwidth))
		leave = l.free
	}
	s := l.o.Slow.span(l.w.Span(l.latency, l.o.Latency.Min, l.o.Latency.Max)).Plus(leave)
	return sim.Span{Earliest: max(l.wrong.hold, s.Earliest), Latest: max(l.wrong.hold, s.Latest)}
}

// transmission is the time that size bytes take, rounded down, at most a year.
func transmission(size int, bandwidth int64) time.Duration {
	const year = uint64(365 * 24 * time.Hour)
	hi, lo := bits.Mul64(uint64(max(size, 0)), uint64(time.Second))
	if hi >= uint64(bandwidth) {
		return time.Duration(year)
	}
	t, _ := bits.Div64(hi, lo, uint64(bandwidth))
	return time.Duration(min(t, year))
}
