package hosttest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/host"
)

func (c *course) wireID() host.WireID {
	c.wires++
	return host.WireID{Epoch: 1, Number: 2, Edge: 3, From: 4, To: c.wires}
}

// connect opens a wire from p to q under the given numbers, and waits until it is
// up at both ends.
func (c *course) connect(p *puppet, pw host.Wire, q *puppet, qw host.Wire) {
	c.t.Helper()
	id := c.wireID()
	before := len(p.lines("wire up")) + len(q.lines("wire up"))
	q.do(func(out *host.Outbox) { out.Open(qw, id, host.Consumer, p.addr) })
	p.do(func(out *host.Outbox) { out.Open(pw, id, host.Producer, q.addr) })
	c.until("wire up", func() bool { return len(p.noted("wire up"))+len(q.noted("wire up")) == before+2 })
}

// pair is a producer p and a consumer q with a wire between them, number 1 at p
// and 2 at q, with some credits.
func (c *course) pair(pnode, qnode string, credits int) (p, q *puppet) {
	c.t.Helper()
	p, q = c.spawn(pnode, "p"), c.spawn(qnode, "q")
	c.connect(p, 1, q, 2)
	if credits > 0 {
		q.do(func(out *host.Outbox) { out.Grant(2, credits, nil) })
		p.await(fmt.Sprintf("credit 1 +%d <nil>", credits))
	}
	return p, q
}

// unlessDown has p call f in a step, if wire 1 is not down then.
func (p *puppet) unlessDown(f func(out *host.Outbox)) {
	p.c.t.Helper()
	p.do(func(out *host.Outbox) {
		if len(p.lines("wire down 1")) == 0 {
			f(out)
		}
	})
}

// panics has p call f in a step, which must be refused.
func (p *puppet) panics(f func(out *host.Outbox)) {
	p.c.t.Helper()
	require.Nil(p.c.t, p.c.w.Panic(p.addr))
	p.begin(f)
	p.c.until("a panic", func() bool { return p.c.w.Panic(p.addr) != nil })
}

// both runs a case with both ends on one node, and on two.
func both(f func(c *course, pnode, qnode string)) func(c *course) {
	return func(c *course) {
		f(c, "a", "b")
		c.round = "2"
		f(c, "a", "a")
	}
}

var wireCases = map[string]func(c *course){
	"up when both have opened": both(func(c *course, pnode, qnode string) {
		for _, producerFirst := range []bool{true, false} {
			p, q := c.spawn(pnode, "p"), c.spawn(qnode, "q")
			id := c.wireID()
			opens := []func(){
				func() { p.do(func(out *host.Outbox) { out.Open(1, id, host.Producer, q.addr) }) },
				func() { q.do(func(out *host.Outbox) { out.Open(2, id, host.Consumer, p.addr) }) },
			}
			if !producerFirst {
				slices.Reverse(opens)
			}
			opens[0]()
			c.settle()
			require.Empty(c.t, p.lines("wire"))
			require.Empty(c.t, q.lines("wire"))
			opens[1]()
			p.await("wire up 1")
			q.await("wire up 2")
			c.settle()
			require.Equal(c.t, []string{"start", "wire up 1"}, p.lines(""))
			require.Equal(c.t, []string{"start", "wire up 2"}, q.lines(""))
		}
	}),
	"not up if the ends mean different wires": func(c *course) {
		p, q := c.spawn("a", "p"), c.spawn("b", "q")
		for i, change := range []func(id *host.WireID){
			func(id *host.WireID) { id.Epoch++ }, func(id *host.WireID) { id.Number++ }, func(id *host.WireID) { id.Edge++ },
			func(id *host.WireID) { id.From++ }, func(id *host.WireID) { id.To += 1000 },
		} {
			id := c.wireID()
			other := id
			change(&other)
			p.do(func(out *host.Outbox) { out.Open(host.Wire(i), id, host.Producer, q.addr) })
			q.do(func(out *host.Outbox) { out.Open(host.Wire(i), other, host.Consumer, p.addr) })
		}
		c.settle()
		require.Empty(c.t, p.lines("wire"))
		require.Empty(c.t, q.lines("wire"))
	},
	"within one actor": func(c *course) {
		p := c.spawn("a", "p")
		id := c.wireID()
		p.do(func(out *host.Outbox) {
			out.Open(1, id, host.Producer, p.addr)
			out.Open(2, id, host.Consumer, p.addr)
		})
		p.await("wire up 1", "wire up 2")
		p.do(func(out *host.Outbox) { out.Write(1, frame(false, "x")) })
		p.await(frameLine(2, false, "x"))
	},
	"frames in order without gap": both(func(c *course, pnode, qnode string) {
		const frames = 300
		p, q := c.pair(pnode, qnode, 0)
		written := 0
		p.do(func(*host.Outbox) {
			p.react = func(in *host.Input, out *host.Outbox) {
				for i := int32(0); in.Kind == host.Credit && i < in.N && written < frames; i++ {
					out.Write(1, frame(true, fmt.Sprint(written)))
					if written%10 == 0 {
						out.Write(1, frame(false, fmt.Sprint("after ", written)))
					}
					written++
				}
			}
		})
		q.do(func(out *host.Outbox) {
			q.react = func(in *host.Input, out *host.Outbox) {
				if in.Kind == host.FrameIn && in.Frame.Data {
					out.Grant(2, 1, nil)
				}
			}
			out.Grant(2, 7, nil)
		})
		want := []string{}
		for i := range frames {
			want = append(want, frameLine(2, true, fmt.Sprint(i)))
			if i%10 == 0 {
				want = append(want, frameLine(2, false, fmt.Sprint("after ", i)))
			}
		}
		q.await(want[len(want)-1])
		require.Equal(c.t, want, q.lines("frame"))
	}),
	"closed by the producer": both(func(c *course, pnode, qnode string) {
		p, q := c.pair(pnode, qnode, 5)
		p.do(func(out *host.Outbox) {
			for i := range 5 {
				out.Write(1, frame(true, fmt.Sprint(i)))
			}
			out.Write(1, frame(false, "end"))
			out.CloseWire(1)
		})
		q.await("wire down 2")
		c.settle()
		require.Equal(c.t, []string{
			frameLine(2, true, "0"), frameLine(2, true, "1"), frameLine(2, true, "2"), frameLine(2, true, "3"),
			frameLine(2, true, "4"), frameLine(2, false, "end"), "wire down 2",
		}, q.lines("")[2:])
		require.Empty(c.t, p.lines("wire down"))
	}),
	"closed by the consumer": both(func(c *course, pnode, qnode string) {
		p, q := c.pair(pnode, qnode, 5)
		q.do(func(out *host.Outbox) {
			out.Grant(2, 2, nil)
			out.Grant(2, 3, nil)
			out.CloseWire(2)
		})
		p.await("wire down 1")
		c.settle()
		got := p.lines("")
		require.Equal(c.t, "wire down 1", got[len(got)-1])
		require.Equal(c.t, 10, p.granted())
		require.Empty(c.t, q.lines("wire down"))
	}),
	"nothing more at the end that closed": both(func(c *course, pnode, qnode string) {
		p, q := c.pair(pnode, qnode, 5)
		release := q.stall(func(out *host.Outbox) { out.CloseWire(2) })
		p.unlessDown(func(out *host.Outbox) {
			out.Write(1, frame(true, "x"))
			out.Write(1, frame(false, "y"))
			out.CloseWire(1)
		})
		c.settle()
		release()
		c.settle()
		q.do(func(*host.Outbox) {})
		c.settle()
		require.Equal(c.t, []string{"start", "wire up 2"}, q.lines(""))
	}),
	"a number is free again": both(func(c *course, pnode, qnode string) {
		p, q := c.pair(pnode, qnode, 5)
		p.do(func(out *host.Outbox) {
			out.Write(1, frame(true, "old"))
			out.CloseWire(1)
		})
		q.await("wire down 2")
		c.connect(p, 1, q, 2)
		p.do(func(out *host.Outbox) { out.Write(1, frame(false, "new")) })
		q.await(frameLine(2, false, "new"))
		require.Equal(c.t, []string{"wire up 2", frameLine(2, true, "old"), "wire down 2", "wire up 2", frameLine(2, false, "new")}, q.lines("")[1:])
		p.panics(func(out *host.Outbox) { out.Write(1, frame(true, "credits are the old wire's")) })
	}),
}

// granted is the sum of the credits p was given for its wires.
func (p *puppet) granted() (sum int) {
	for _, l := range p.lines("credit") {
		var w, n int
		_, err := fmt.Sscanf(l, "credit %d +%d", &w, &n)
		require.NoError(p.c.t, err)
		sum += n
	}
	return sum
}

var creditCases = map[string]func(c *course){
	"granted before the wire is up": both(func(c *course, pnode, qnode string) {
		p, q := c.spawn(pnode, "p"), c.spawn(qnode, "q")
		id := c.wireID()
		q.do(func(out *host.Outbox) {
			out.Open(2, id, host.Consumer, p.addr)
			out.Grant(2, 2, nil)
			out.Grant(2, 1, nil)
		})
		p.do(func(out *host.Outbox) { out.Open(1, id, host.Producer, q.addr) })
		p.await("wire up 1")
		c.settle()
		require.Equal(c.t, "wire up 1", p.lines("")[1])
		require.Equal(c.t, 3, p.granted())
		p.do(func(out *host.Outbox) {
			for range 3 {
				out.Write(1, frame(true, "x"))
			}
		})
		c.until("three frames", func() bool { return len(q.noted("frame")) == 3 })
		p.panics(func(out *host.Outbox) { out.Write(1, frame(true, "one too many")) })
	}),
	"used by data only": both(func(c *course, pnode, qnode string) {
		p, q := c.pair(pnode, qnode, 1)
		p.do(func(out *host.Outbox) {
			out.Write(1, frame(false, "e1"))
			out.Write(1, frame(true, "d"))
			out.Write(1, frame(false, "e2"))
		})
		q.await(frameLine(2, false, "e2"))
		require.Equal(c.t, []string{frameLine(2, false, "e1"), frameLine(2, true, "d"), frameLine(2, false, "e2")}, q.lines("frame"))
		p.panics(func(out *host.Outbox) { out.Write(1, frame(true, "without credit")) })
		c.settle()
		require.Empty(c.t, slices.DeleteFunc(q.lines("frame"), func(l string) bool { return !strings.Contains(l, "without credit") }))
	}),
	"one wire's are not another's": func(c *course) {
		p, q := c.pair("a", "b", 5)
		c.connect(p, 3, q, 4)
		p.panics(func(out *host.Outbox) { out.Write(3, frame(true, "x")) })
	},
	"come with what is returned": func(c *course) {
		p, q := c.pair("a", "a", 0)
		q.do(func(out *host.Outbox) {
			out.Grant(2, 0, []byte("empty batch"))
			out.Grant(2, 2, []byte("another"))
		})
		p.await("credit 1 +2 another")
		require.Equal(c.t, []string{"credit 1 +0 empty batch", "credit 1 +2 another"}, p.lines("credit"))
	},
	"nothing is written before the wire is up": func(c *course) {
		for _, data := range []bool{true, false} {
			c.round = fmt.Sprint(data)
			p, q := c.spawn("a", "p"), c.spawn("a", "q")
			id := c.wireID()
			p.do(func(out *host.Outbox) { out.Open(1, id, host.Producer, q.addr) })
			p.panics(func(out *host.Outbox) { out.Write(1, frame(data, "x")) })
		}
	},
}
