package hosttest

import (
	"errors"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
)

var timerCases = map[string]func(c *course){
	"once and not early": func(c *course) {
		p := c.spawn("a", "p")
		delays := []time.Duration{3 * time.Millisecond, 0, time.Millisecond, 10 * time.Millisecond, time.Millisecond, -time.Second}
		want := []string{}
		p.do(func(out *host.Outbox) {
			set := p.now.Mono
			p.react = func(in *host.Input, _ *host.Outbox) {
				if early := set + delays[in.Token-7] - p.now.Mono; early > 0 {
					p.breaks("H7", "timer %d is %v early", in.Token, early)
				}
			}
			for i, d := range delays {
				out.SetTimer(host.Token(7+i), d)
				want = append(want, fmt.Sprint("timer ", 7+i))
			}
		})
		p.await(want...)
		c.settle()
		require.ElementsMatch(c.t, want, p.lines("timer"))
	},
	"cancelling one spares the others": func(c *course) {
		p := c.spawn("a", "p")
		p.do(func(out *host.Outbox) {
			for i := range host.Token(8) {
				out.SetTimer(i, time.Duration(i%3)*time.Millisecond)
			}
			out.CancelTimer(3)
			out.CancelTimer(99)
		})
		p.do(func(out *host.Outbox) { out.CancelTimer(0) })
		p.await("timer 1", "timer 2", "timer 4", "timer 5", "timer 6", "timer 7")
		c.settle()
		for i := range 8 {
			require.LessOrEqual(c.t, len(p.lines(fmt.Sprint("timer ", i))), 1)
		}
	},
	"of each actor its own": func(c *course) {
		p, q := c.spawn("a", "p"), c.spawn("a", "q")
		p.do(func(out *host.Outbox) { out.SetTimer(1, time.Millisecond) })
		q.do(func(out *host.Outbox) {
			out.CancelTimer(1)
			out.SetTimer(2, time.Millisecond)
		})
		p.await("timer 1")
		q.await("timer 2")
		require.Equal(c.t, []string{"timer 1"}, p.lines("timer"))
		require.Equal(c.t, []string{"timer 2"}, q.lines("timer"))
	},
}

// patience is how often work looks for a file that other work makes: often enough
// for any host that runs both, and an end for one that does not.
const patience = 300_000

// wait looks for a file until it is there.
func wait(files fs.FS, name string) error {
	for range patience {
		if _, err := files.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return fmt.Errorf("%s never came", name)
}

func touch(files fs.FS, name string) error {
	f, err := files.Create(name)
	if err != nil {
		return err
	}
	return f.Close()
}

// meet is work that ends well only if the work that touches theirs runs at the
// same time.
func meet(mine, theirs string) host.Work {
	return func(w host.Worker) (any, error) {
		if err := touch(w.FS(), mine); err != nil {
			return nil, err
		}
		return "met", wait(w.FS(), theirs)
	}
}

var offloadCases = map[string]func(c *course){
	"end with one result": func(c *course) {
		p := c.spawn("a", "p")
		p.do(func(out *host.Outbox) {
			out.Offload(1, "", func(host.Worker) (any, error) { return "value", nil })
			out.Offload(2, "", func(host.Worker) (any, error) { return nil, errors.New("refused") })
			out.Offload(3, "", func(host.Worker) (any, error) { panic("boom") })
			out.Offload(4, "", func(w host.Worker) (any, error) {
				_, err := w.FS().Open("missing")
				return nil, fmt.Errorf("not exist: %v", errors.Is(err, fs.ErrNotExist))
			})
		})
		want := []string{"done 1 value", "done 2 error refused", "done 3 panic boom, stack: true", "done 4 error not exist: true"}
		p.await(want...)
		c.settle()
		require.ElementsMatch(c.t, want, p.lines("done"))
	},
	"one lane, one after the other": func(c *course) {
		const n = 6
		p := c.spawn("a", "p")
		want, dones := []string{}, []string{}
		p.do(func(out *host.Outbox) {
			for i := range n {
				want = append(want, fmt.Sprint("begin ", i), fmt.Sprint("end ", i))
				out.Offload(host.Token(i), "lane", func(w host.Worker) (any, error) {
					c.note("begin %d", i)
					err := touch(w.FS(), fmt.Sprint("file", i))
					for range 100 {
						if _, later := w.FS().Stat(fmt.Sprint("file", i+1)); later == nil {
							c.note("overtaken %d", i)
						}
					}
					c.note("end %d", i)
					if i == 2 {
						panic("a lane goes on")
					}
					return nil, err
				})
			}
		})
		for i := range n {
			result := " <nil>"
			if i == 2 {
				result = " panic a lane goes on, stack: true"
			}
			dones = append(dones, fmt.Sprint("done ", i, result))
		}
		p.await(dones...)
		require.Equal(c.t, want, c.noted())
		require.ElementsMatch(c.t, dones, p.lines("done"))
	},
	"at the same time without a lane": func(c *course) {
		p := c.spawn("a", "p")
		p.do(func(out *host.Outbox) {
			out.Offload(1, "", meet("x", "y"))
			out.Offload(2, "", meet("y", "x"))
		})
		p.await("done 1 met", "done 2 met")
	},
	"at the same time in two lanes": func(c *course) {
		p := c.spawn("a", "p")
		p.do(func(out *host.Outbox) {
			out.Offload(1, "long", meet("x", "y"))
			out.Offload(2, "short", meet("y", "x"))
		})
		p.await("done 1 met", "done 2 met")
	},
	"lanes are the actor's own": func(c *course) {
		p, q := c.spawn("a", "p"), c.spawn("b", "q")
		p.do(func(out *host.Outbox) { out.Offload(1, "lane", meet("x", "y")) })
		q.do(func(out *host.Outbox) { out.Offload(1, "lane", meet("y", "x")) })
		p.await("done 1 met")
		q.await("done 1 met")
	},
	"the actor goes on meanwhile": func(c *course) {
		p := c.spawn("a", "p")
		p.do(func(out *host.Outbox) {
			out.Offload(1, "", func(w host.Worker) (any, error) { return "seen", wait(w.FS(), "go") })
		})
		p.do(func(out *host.Outbox) {
			out.Offload(2, "", func(w host.Worker) (any, error) { return nil, touch(w.FS(), "go") })
		})
		p.await("done 1 seen", "done 2 <nil>")
	},
}
