package hosttest

import (
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/host"
)

var stepCases = map[string]func(c *course){
	// Every puppet checks H1 in every step; this is a crowd pressing on one.
	"never overlap": func(c *course) {
		p := c.puppet("a", "p")
		p.react = func(in *host.Input, out *host.Outbox) {
			if in.Kind == host.Start || in.Kind == host.Timer && in.Token < 100 {
				out.SetTimer(in.Token+1, 0)
				out.Offload(in.Token, "", func(host.Worker) (any, error) { return nil, nil })
			}
		}
		p.spawn()
		const senders, each = 4, 50
		for i := range senders {
			s := c.puppet("a", fmt.Sprint("s", i))
			s.react = func(in *host.Input, out *host.Outbox) {
				for j := range each {
					out.Send(p.addr, []byte(fmt.Sprint(j)))
				}
			}
			s.spawn()
		}
		c.until("all inputs", func() bool {
			return len(p.noted("message ")) == senders*each && len(p.noted("timer ")) == 100 && len(p.noted("done ")) == 100
		})
	},
	"start comes first": func(c *course) {
		p, q := c.puppet("a", "p"), c.spawn("a", "q")
		q.do(func(out *host.Outbox) {
			out.Spawn("p", p.factory)
			out.Send(p.addr, []byte("hello"))
		})
		p.await("message hello from a:q")
		require.Equal(c.t, []string{"start", "message hello from a:q"}, p.lines(""))
	},
}

var effectCases = map[string]func(c *course){
	"in the order asked for": func(c *course) {
		p, log := c.spawn("a", "p"), c.spawn("a", "log")
		x, y := c.puppet("a", "x"), c.puppet("a", "x")
		echo := func(in *host.Input, out *host.Outbox) {
			if in.Kind == host.Message {
				out.Send(log.addr, in.Body)
			}
		}
		x.react, y.react = echo, echo
		p.do(func(out *host.Outbox) {
			out.Send(x.addr, []byte("before spawn"))
			out.Spawn("x", x.factory)
			out.Send(log.addr, []byte("1"))
			out.Stop("x")
			out.Send(x.addr, []byte("after stop"))
			out.Spawn("x", y.factory)
			out.Send(x.addr, []byte("2"))
			out.Send(log.addr, []byte("3"))
		})
		y.await("message 2 from a:p")
		log.await("message 2 from a:x")
		c.settle()
		require.Equal(c.t, []string{"start", "message 2 from a:p"}, y.lines(""))
		require.Equal(c.t, []string{"message 1 from a:p", "message 3 from a:p"}, slices.DeleteFunc(log.lines("message"),
			func(l string) bool { return l == "message 2 from a:x" }))
		require.Empty(c.t, x.lines("message"))
	},
}

var inputCases = map[string]func(c *course){
	"control, wires, go on": func(c *course) {
		p, q := c.pair("a", "a", 10)
		s := c.spawn("a", "s")
		q.do(func(out *host.Outbox) { out.SetTimer(9, 5*time.Millisecond) })
		release := q.stall(func(out *host.Outbox) { out.GoOn() })
		p.do(func(out *host.Outbox) {
			out.Write(1, frame(true, "f1"))
			out.Write(1, frame(false, "f2"))
		})
		s.do(func(out *host.Outbox) {
			out.Send(q.addr, []byte("m1"))
			out.Send(q.addr, []byte("m2"))
		})
		c.settle()
		release()
		q.await("go on")
		got := slices.DeleteFunc(q.lines(""), func(l string) bool { return l == "start" || l == "wire up 2" })
		timer := slices.Index(got, "timer 9")
		require.Contains(c.t, []int{0, 1, 2}, timer, "%q", got)
		require.Equal(c.t, []string{"message m1 from a:s", "message m2 from a:s", frameLine(2, true, "f1"), frameLine(2, false, "f2"), "go on"},
			slices.Delete(got, timer, timer+1))
	},
	"control between two frames": func(c *course) {
		p, q := c.pair("a", "a", 10)
		s := c.spawn("a", "s")
		released := false
		q.do(func(*host.Outbox) {
			q.react = func(in *host.Input, out *host.Outbox) {
				if in.Kind == host.FrameIn && text(in.Frame.Body) == "f1" {
					c.w.Stall(out, func() bool { return released })
				}
			}
		})
		release := q.stall(func(*host.Outbox) {})
		p.do(func(out *host.Outbox) {
			out.Write(1, frame(true, "f1"))
			out.Write(1, frame(true, "f2"))
		})
		release()
		q.await(frameLine(2, true, "f1"))
		s.do(func(out *host.Outbox) { out.Send(q.addr, []byte("late")) })
		c.w.Exclusive(func() { released = true })
		q.await(frameLine(2, true, "f2"))
		require.Equal(c.t, []string{frameLine(2, true, "f1"), "message late from a:s", frameLine(2, true, "f2")}, q.lines("")[2:])
	},
	"wires in order of arrival": func(c *course) {
		p, q := c.pair("a", "a", 10)
		r := c.spawn("a", "r")
		c.connect(r, 1, q, 3)
		q.do(func(out *host.Outbox) { out.Grant(3, 10, nil) })
		r.await("credit 1 +10 <nil>")
		release := q.stall(func(*host.Outbox) {})
		for i := range 3 {
			for _, w := range []*puppet{r, p} {
				w.do(func(out *host.Outbox) { out.Write(1, frame(true, fmt.Sprint(i))) })
				c.settle()
			}
		}
		release()
		q.await(frameLine(2, true, "2"))
		want := []string{}
		for i := range 3 {
			want = append(want, frameLine(3, true, fmt.Sprint(i)), frameLine(2, true, fmt.Sprint(i)))
		}
		require.Equal(c.t, want, q.lines("frame"))
	},
	"many go on are one": func(c *course) {
		p := c.spawn("a", "p")
		release := p.stall(func(out *host.Outbox) {
			out.GoOn()
			out.GoOn()
		})
		s := c.puppet("a", "s")
		s.react = func(_ *host.Input, out *host.Outbox) {
			out.Send(p.addr, &cue{n: -1, f: func(out *host.Outbox) { out.GoOn() }})
		}
		s.spawn()
		s.do(func(*host.Outbox) {})
		c.settle()
		release()
		p.await("go on")
		c.settle()
		require.Equal(c.t, []string{"go on"}, p.lines("go on"))
	},
	"go on again and again": func(c *course) {
		p := c.puppet("a", "p")
		rounds := 0
		p.react = func(in *host.Input, out *host.Outbox) {
			if rounds < 5 {
				out.GoOn()
			}
			rounds++
		}
		p.spawn()
		c.settle()
		require.Equal(c.t, []string{"start", "go on", "go on", "go on", "go on", "go on"}, p.lines(""))
	},
}

var messageCases = map[string]func(c *course){
	"local ones once and in order": func(c *course) {
		p, q := c.spawn("a", "p"), c.spawn("a", "q")
		want := []string{}
		for i := range 100 {
			p.begin(func(out *host.Outbox) {
				out.Send(q.addr, []byte(fmt.Sprint(2*i)))
				out.Send(q.addr, []byte(fmt.Sprint(2*i+1)))
			})
			want = append(want, fmt.Sprintf("message %d from a:p", 2*i), fmt.Sprintf("message %d from a:p", 2*i+1))
		}
		q.await(want[len(want)-1])
		c.settle()
		require.Equal(c.t, want, q.lines("message"))
	},
	"to itself": func(c *course) {
		p := c.spawn("a", "p")
		p.do(func(out *host.Outbox) { out.Send(p.addr, []byte("me")) })
		p.await("message me from a:p")
	},
	"between nodes once while nothing is wrong": func(c *course) {
		p, q := c.spawn("a", "p"), c.spawn("b", "q")
		want := []string{}
		p.do(func(out *host.Outbox) {
			for i := range 100 {
				out.Send(q.addr, []byte(fmt.Sprint(i)))
				want = append(want, fmt.Sprintf("message %d from a:p", i))
			}
		})
		q.await(want...)
		c.settle()
		require.ElementsMatch(c.t, want, q.lines("message"))
	},
	"to nobody": func(c *course) {
		p := c.spawn("a", "p")
		p.do(func(out *host.Outbox) {
			out.Send(host.Address{Node: "a", Name: "ghost"}, []byte("boo"))
			out.Send(host.Address{Node: "b", Name: "ghost"}, []byte("boo"))
			out.Send(host.Address{Node: "nowhere", Name: "ghost"}, []byte("boo"))
			out.Send(p.addr, []byte("on"))
		})
		p.await("message on from a:p")
		c.settle()
		g, h := c.spawn("a", "ghost"), c.spawn("b", "ghost")
		c.settle()
		require.Equal(c.t, []string{"start"}, g.lines(""))
		require.Equal(c.t, []string{"start"}, h.lines(""))
	},
}
