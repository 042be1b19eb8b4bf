package hosttest

import (
	"errors"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
)

// victim spawns a:v with all that must not outlive it: a wire to and one from a
// peer, timers, running work and work that waits in its lane.
func (c *course) victim(peerNode string) (v, peer *puppet) {
	c.t.Helper()
	v, peer = c.spawn("a", "v"), c.spawn(peerNode, "peer")
	c.connect(v, 1, peer, 1)
	c.connect(peer, 2, v, 2)
	v.do(func(out *host.Outbox) {
		out.Grant(2, 3, nil)
		out.SetTimer(1, 8*time.Millisecond)
		out.SetTimer(2, time.Hour)
		out.Offload(3, "lane", func(w host.Worker) (any, error) {
			c.note("works")
			return "late", wait(w.FS(), "go")
		})
		out.Offload(4, "lane", func(host.Worker) (any, error) { return "later", nil })
	})
	c.until("work", func() bool { return len(c.notes) > 0 })
	peer.await("credit 2 +3 <nil>")
	return v, peer
}

// silent checks that v has ended, and that nothing of it reaches anyone.
func (c *course) silent(v, peer *puppet) {
	c.t.Helper()
	peer.await("wire down 1", "wire down 2")
	before := v.lines("")
	helper := c.spawn("a", "helper")
	helper.do(func(out *host.Outbox) {
		out.Offload(1, "", func(w host.Worker) (any, error) { return nil, touch(w.FS(), "go") })
	})
	helper.await("done 1 <nil>")
	c.settle()
	require.Equal(c.t, before, v.lines(""))
	require.Len(c.t, peer.lines("wire down"), 2)
}

// gone checks the same, and that a successor inherits nothing.
func (c *course) gone(v, peer *puppet) {
	c.t.Helper()
	c.silent(v, peer)
	peer.do(func(out *host.Outbox) { out.Send(v.addr, []byte("anyone?")) })
	c.settle()
	next := c.spawn(v.addr.Node, v.addr.Name)
	c.settle()
	require.Empty(c.t, v.lines("message"))
	require.Equal(c.t, []string{"start"}, next.lines(""))
}

// lastWords are the effects around one that ends the actor.
func lastWords(to host.Address, end func(out *host.Outbox)) func(out *host.Outbox) {
	return func(out *host.Outbox) {
		out.Write(1, frame(false, "last frame"))
		out.Send(to, []byte("last words"))
		end(out)
		out.Send(to, []byte("from the grave"))
		out.Spawn("grave", func(host.Env) host.Actor { panic("spawned by the dead") })
	}
}

// endsItself tests an actor that ends by an effect of its own step.
func endsItself(c *course, peerNode string, end func(out *host.Outbox)) {
	v, peer := c.victim(peerNode)
	log := c.spawn("a", "log")
	v.begin(lastWords(log.addr, end))
	log.await("message last words from a:v")
	c.gone(v, peer)
	require.Equal(c.t, []string{"message last words from a:v"}, log.lines("message"))
	require.Contains(c.t, peer.lines("frame"), frameLine(1, false, "last frame"))
	require.Nil(c.t, c.w.Panic(host.Address{Node: "a", Name: "grave"}))
}

var endCases = map[string]func(c *course){
	"stopped": func(c *course) {
		v, peer := c.victim("a")
		killer := c.spawn("a", "killer")
		killer.do(func(out *host.Outbox) { out.Stop("v") })
		c.gone(v, peer)
	},
	"stopped, its peer elsewhere": func(c *course) {
		v, peer := c.victim("b")
		killer := c.spawn("a", "killer")
		killer.do(func(out *host.Outbox) { out.Stop("v") })
		c.gone(v, peer)
	},
	"stopped with inputs waiting": func(c *course) {
		p, q := c.pair("a", "a", 5)
		release := q.stall(func(out *host.Outbox) { out.GoOn() })
		p.do(func(out *host.Outbox) {
			out.Write(1, frame(true, "x"))
			out.Send(q.addr, []byte("x"))
			out.Stop("q")
		})
		release()
		p.await("wire down 1")
		c.settle()
		require.Equal(c.t, []string{"start", "wire up 2"}, q.lines(""))
	},
	"stopped by itself": func(c *course) { endsItself(c, "a", func(out *host.Outbox) { out.Stop("v") }) },
	"exits":             func(c *course) { endsItself(c, "a", func(out *host.Outbox) { out.Exit() }) },
	"exits, its peer elsewhere": func(c *course) {
		endsItself(c, "b", func(out *host.Outbox) { out.Exit() })
	},
	"opened a wire that never came up": func(c *course) {
		v, peer := c.spawn("a", "v"), c.spawn("b", "peer")
		id := c.wireID()
		v.do(func(out *host.Outbox) { out.Open(1, id, host.Producer, peer.addr) })
		v.begin(func(out *host.Outbox) { out.Exit() })
		c.settle()
		peer.do(func(out *host.Outbox) { out.Open(1, id, host.Consumer, v.addr) })
		c.settle()
		require.Empty(c.t, peer.lines("wire up"))
	},
	"nobody is stopped": func(c *course) {
		p, q := c.spawn("a", "p"), c.spawn("b", "q")
		p.do(func(out *host.Outbox) {
			out.Stop("nobody")
			out.Stop("q") // on this node there is none
			out.Send(p.addr, []byte("on"))
		})
		p.await("message on from a:p")
		q.do(func(*host.Outbox) {})
	},
}

var replaceCases = map[string]func(c *course){
	"another of its name": func(c *course) {
		v, peer := c.victim("a")
		next := c.puppet("a", "v")
		spawner := c.spawn("a", "spawner")
		spawner.do(func(out *host.Outbox) {
			out.Send(v.addr, []byte("old"))
			out.Spawn("v", next.factory)
			out.Send(v.addr, []byte("new"))
		})
		next.await("message new from a:spawner")
		require.NotContains(c.t, v.lines(""), "message new from a:spawner")
		require.Equal(c.t, []string{"start", "message new from a:spawner"}, next.lines(""))
		c.connect(next, 1, peer, 5)
		c.silent(v, peer)
		require.Equal(c.t, []string{"start", "message new from a:spawner", "wire up 1"}, next.lines(""))
	},
	"itself": func(c *course) {
		v, peer := c.victim("a")
		next := c.puppet("a", "v")
		v.begin(func(out *host.Outbox) {
			out.Send(peer.addr, []byte("last words"))
			out.Spawn("v", next.factory)
			out.Send(peer.addr, []byte("from the grave"))
		})
		next.await("start")
		c.silent(v, peer)
		require.Equal(c.t, []string{"message last words from a:v"}, peer.lines("message"))
		require.Equal(c.t, []string{"start"}, next.lines(""))
	},
	"only on its node": func(c *course) {
		p, q := c.spawn("a", "same"), c.spawn("b", "same")
		p.do(func(out *host.Outbox) { out.Send(q.addr, []byte("hello")) })
		q.await("message hello from a:same")
	},
}

var envCases = map[string]func(c *course){
	"address": func(c *course) {
		p := c.spawn("b", "p")
		p.do(func(*host.Outbox) { c.note("%v", p.env.Self()) })
		require.Equal(c.t, []string{"b:p"}, c.noted())
	},
	"listener": func(c *course) {
		p := c.spawn("a", "p")
		e := host.Event{Kind: host.TaskFailed, Subject: "count/1", Checkpoint: 7, Text: "why"}
		p.do(func(*host.Outbox) { p.env.Listener().On(&e) })
		c.w.Exclusive(func() { require.Equal(c.t, []host.Event{e}, c.events) })
	},
	"random streams": func(c *course) {
		draws := map[string]string{}
		for _, node := range []string{"a", "b"} {
			for _, name := range []string{"p", "q"} {
				p := c.spawn(node, name)
				p.do(func(*host.Outbox) {
					for _, stream := range []string{"x", "y"} {
						r := p.env.Rand(stream)
						first := r.Uint64()
						if p.env.Rand(stream) != r {
							p.breaks("Rand", "two streams of one name")
						}
						c.w.Exclusive(func() {
							draws[fmt.Sprint(first, r.Uint64(), r.Uint64())] = p.addr.String() + " " + stream
						})
					}
				})
			}
		}
		require.Len(c.t, draws, 8, "each stream is one of its own")
	},
	"a node crashes": func(c *course) {
		p, q := c.pair("a", "b", 5)
		q.do(func(out *host.Outbox) {
			out.SetTimer(1, 5*time.Millisecond)
			out.Offload(2, "", func(w host.Worker) (any, error) {
				for range patience {
					if err := touch(w.FS(), "zombie"); err != nil {
						return nil, err
					}
					c.w.Exclusive(func() {
						if len(c.notes) == 0 {
							c.notes = append(c.notes, "touched")
						}
					})
				}
				return nil, nil
			})
		})
		c.until("a touch", func() bool { return len(c.notes) > 0 })
		before := q.lines("")
		c.w.Crash("b")
		p.await("wire down 1")
		p.do(func(out *host.Outbox) {
			out.Send(q.addr, []byte("anyone?"))
			out.Offload(1, "", func(w host.Worker) (any, error) {
				if err := w.FS().Remove("zombie"); !errors.Is(err, fs.ErrNotExist) { // never synced
					return nil, err
				}
				return nil, nil
			})
		})
		p.await("done 1 <nil>")
		c.settle()
		next := c.spawn("b", "q")
		next.do(func(out *host.Outbox) {
			out.Offload(1, "", func(w host.Worker) (any, error) {
				_, err := w.FS().Stat("zombie")
				return err == nil, nil
			})
		})
		next.await("done 1 false")
		require.Subset(c.t, append(before, "timer 1"), q.lines(""))
		require.Equal(c.t, []string{"start", "done 1 false"}, next.lines(""))
	},
}
