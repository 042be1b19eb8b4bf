// Package hosttest is the suite that every host of the engine's actors must pass:
// it tests the promises H1 to H10 of package host, one group of cases for each.
//
// Cases run small actors that note every input they are given and do what the
// case tells them, and look at the notes. Nothing in the suite depends on how
// long anything takes: a correct host passes however slow the machine is.
package hosttest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/host"
)

// World is a host under test. Its nodes are "a" and "b". Messages, frames and
// files are lost or delayed only as a host does without faults.
type World interface {
	// Listen sets the listener of all actors; once, before the first Spawn.
	Listen(l host.Listener)
	// Spawn starts an actor from outside, as host.Outbox.Spawn does from inside.
	Spawn(node, name string, f host.Factory)
	// Run lets the world go on until the condition holds, and reports whether it
	// does. It gives up when nothing can happen any more or, in a world that
	// cannot know, after a time that means that something is wrong. The
	// condition is evaluated as if by Exclusive, and may call Panic.
	Run(until func() bool) bool
	// Exclusive calls f while no other call of it is under way. Actors and
	// offloaded work call it.
	Exclusive(f func())
	// Stall is called by an actor in its step, and makes that step so long that
	// all that happens meanwhile waits for its end: a live host returns when the
	// condition holds, a simulated one charges the step a second or more.
	Stall(out *host.Outbox, until func() bool)
	// Panic returns what an actor at that address panicked with last, nil if none
	// did. The host ends an actor that panics.
	Panic(a host.Address) any
	// Crash ends everything on a node at once, as a crash of its process; actors
	// may be spawned there again.
	Crash(node string)
	// Close ends the world.
	Close()
}

// Run tests the hosts that newWorld makes, a fresh one for each case.
func Run(t *testing.T, newWorld func(t *testing.T) World) {
	groups := []struct {
		name  string
		cases map[string]func(c *course)
	}{
		{"H1 steps", stepCases}, {"H2 effects", effectCases}, {"H3 inputs", inputCases}, {"H4 messages", messageCases},
		{"H5 wires", wireCases}, {"H6 credits", creditCases}, {"H7 timers", timerCases}, {"H8 offloads", offloadCases},
		{"H9 ends", endCases}, {"H10 replaces", replaceCases}, {"environment", envCases},
	}
	for _, g := range groups {
		names := make([]string, 0, len(g.cases))
		for name := range g.cases { // unordered: sorted below
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			t.Run(g.name+"/"+name, func(t *testing.T) {
				c := &course{t: t, w: newWorld(t)}
				t.Cleanup(c.w.Close)
				c.w.Listen(c)
				g.cases[name](c)
				c.w.Exclusive(func() { require.Empty(t, c.broken) })
			})
		}
	}
}

// course is one case on its way. What actors touch is guarded by Exclusive.
type course struct {
	t *testing.T
	w World

	spawned int    // actors
	round   string // ends every name, so that rounds of a case do not meet
	cued    int
	wires   uint32

	events []host.Event
	notes  []string // of no actor in particular
	broken []string // promises seen broken at any time
}

// On takes down what actors report.
func (c *course) On(e *host.Event) { c.w.Exclusive(func() { c.events = append(c.events, *e) }) }

func (c *course) note(format string, args ...any) {
	c.w.Exclusive(func() { c.notes = append(c.notes, fmt.Sprintf(format, args...)) })
}

func (c *course) noted() (notes []string) {
	c.w.Exclusive(func() { notes = slices.Clone(c.notes) })
	return notes
}

// until lets the world run until the condition holds, or fails the case.
func (c *course) until(what string, cond func() bool) {
	c.t.Helper()
	require.True(c.t, c.w.Run(cond), "the world came to rest without: %s", what)
}

// settle gives everything under way the time to arrive that must not arrive.
func (c *course) settle() {
	c.t.Helper()
	p := c.spawn("a", fmt.Sprint("settle", c.spawned))
	p.do(func(out *host.Outbox) { out.SetTimer(1, 20*time.Millisecond) })
	p.await("timer 1")
}

// puppet is an actor that notes its inputs and does as it is told.
type puppet struct {
	c    *course
	addr host.Address
	env  host.Env
	// react, if set, is called in every step but those that carry out a cue.
	react func(in *host.Input, out *host.Outbox)

	log     []string // guarded by Exclusive
	ran     int      // the last cue carried out; guarded by Exclusive
	started bool
	steps   bool // a step is under way
	now     host.Now
}

// cue tells a puppet what to do.
type cue struct {
	n int
	f func(out *host.Outbox)
}

func (c *cue) Digest() uint64 { return uint64(c.n) }

// puppet makes one that is yet to be spawned.
func (c *course) puppet(node, name string) *puppet {
	c.spawned++
	return &puppet{c: c, addr: host.Address{Node: node, Name: name + c.round}}
}

// factory makes an actor of p; the factory is used once.
func (p *puppet) factory(env host.Env) host.Actor {
	p.env = env
	return p
}

func (p *puppet) spawn() *puppet {
	p.c.t.Helper()
	p.c.w.Spawn(p.addr.Node, p.addr.Name, p.factory)
	p.await("start")
	return p
}

func (c *course) spawn(node, name string) *puppet {
	c.t.Helper()
	return c.puppet(node, name).spawn()
}

func (p *puppet) breaks(promise, format string, args ...any) {
	p.c.w.Exclusive(func() {
		p.c.broken = append(p.c.broken, promise+": "+p.addr.String()+": "+fmt.Sprintf(format, args...))
	})
}

func (p *puppet) Step(now host.Now, in *host.Input, out *host.Outbox) {
	if p.steps {
		p.breaks("H1", "%v during another step", in.Kind)
	}
	p.steps = true
	defer func() { p.steps = false }()
	if p.started == (in.Kind == host.Start) {
		p.breaks("H1", "%v, started: %v", in.Kind, p.started)
	}
	p.started = true
	if now.Mono < p.now.Mono {
		p.breaks("clock", "%v after %v", now.Mono, p.now.Mono)
	}
	p.now = now
	if len(out.Effects) != 0 || out.More {
		p.breaks("outbox", "given with %d effects", len(out.Effects))
	}
	if q, ok := in.Body.(*cue); ok && in.Kind == host.Message {
		p.c.w.Exclusive(func() { p.ran = q.n })
		q.f(out)
		return
	}
	p.c.w.Exclusive(func() { p.log = append(p.log, line(in)) })
	if p.react != nil {
		p.react(in, out)
	}
}

// line is the note taken of an input.
func line(in *host.Input) string {
	switch in.Kind {
	case host.Message:
		return fmt.Sprintf("message %s from %v", text(in.Body), in.From)
	case host.Timer:
		return fmt.Sprintf("timer %d", in.Token)
	case host.Done:
		if in.Err != nil {
			var p *host.PanicError
			if errors.As(in.Err, &p) {
				return fmt.Sprintf("done %d panic %v, stack: %v", in.Token, p.Value, p.Stack != "")
			}
			return fmt.Sprintf("done %d error %v", in.Token, in.Err)
		}
		return fmt.Sprintf("done %d %s", in.Token, text(in.Body))
	case host.FrameIn:
		kind := "event"
		if in.Frame.Data {
			kind = "data"
		}
		return fmt.Sprintf("frame %d %s %s size %d", in.Wire, kind, text(in.Frame.Body), in.Frame.Size)
	case host.Credit:
		return fmt.Sprintf("credit %d +%d %s", in.Wire, in.N, text(in.Body))
	case host.WireUp, host.WireDown:
		return fmt.Sprintf("%v %d", in.Kind, in.Wire)
	default:
		return in.Kind.String()
	}
}

func text(body any) string {
	if b, ok := body.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(body)
}

// cuer is the actor that brings a cue to a puppet of its node.
type cuer struct {
	to   host.Address
	body *cue
}

func (c cuer) Step(_ host.Now, _ *host.Input, out *host.Outbox) {
	out.Send(c.to, c.body)
	out.Exit()
}

// begin has p call f in a step, and returns when that step has begun.
func (p *puppet) begin(f func(out *host.Outbox)) {
	p.c.t.Helper()
	p.c.cued++
	n := p.c.cued
	q := cuer{to: p.addr, body: &cue{n: n, f: f}}
	p.c.w.Spawn(p.addr.Node, fmt.Sprint("cue", n), func(host.Env) host.Actor { return q })
	p.c.until(fmt.Sprintf("a step of %v", p.addr), func() bool { return p.ran == n })
}

// do has p call f in a step, and returns when the effects of that step have taken
// place, which a later step of the same actor shows (H1, H2).
func (p *puppet) do(f func(out *host.Outbox)) {
	p.c.t.Helper()
	p.begin(f)
	p.begin(func(*host.Outbox) {})
}

// await lets the world run until p has noted each of the lines.
func (p *puppet) await(lines ...string) {
	p.c.t.Helper()
	for _, l := range lines {
		ok := p.c.w.Run(func() bool { return slices.Contains(p.log, l) })
		require.True(p.c.t, ok, "%v never noted %q, but %q", p.addr, l, p.lines(""))
	}
}

// lines is what p has noted so far that begins with prefix.
func (p *puppet) lines(prefix string) (found []string) {
	p.c.w.Exclusive(func() { found = p.noted(prefix) })
	return found
}

// noted is lines for who is exclusive already.
func (p *puppet) noted(prefix string) []string {
	found := []string{}
	for _, l := range p.log {
		if strings.HasPrefix(l, prefix) {
			found = append(found, l)
		}
	}
	return found
}

// stall keeps p in a step that ends with f, and returns when that step has begun,
// and a function that lets it end.
func (p *puppet) stall(f func(out *host.Outbox)) (release func()) {
	p.c.t.Helper()
	released := false
	p.begin(func(out *host.Outbox) {
		p.c.w.Stall(out, func() bool { return released })
		f(out)
	})
	return func() { p.c.w.Exclusive(func() { released = true }) }
}

func frame(data bool, body string) host.Frame {
	return host.Frame{Data: data, Body: []byte(body), Size: 1 + len(body)}
}

func frameLine(w host.Wire, data bool, body string) string {
	return line(&host.Input{Kind: host.FrameIn, Wire: w, Frame: frame(data, body)})
}
