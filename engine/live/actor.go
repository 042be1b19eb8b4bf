package live

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirstream/weir/engine/host"
)

// proc is an actor with its goroutine. Fields without a remark belong to the
// goroutine.
type proc struct {
	w    *World
	addr host.Address
	gate *gate
	box  mailbox

	// mu is held while effects take place and while the listener is told, so
	// that whoever has set ended under it knows that neither follows (L2).
	mu    sync.Mutex
	ended atomic.Bool
	ends  []*wireEnd // by wire number; read by others once ended

	lanes map[string]*lane // the pool's

	env    env
	actor  host.Actor
	now    host.Now
	wall   host.Now // when the wall clock was read last
	in     host.Input
	out    host.Outbox
	more   bool // a GoOn is due
	timers timers
	ticked bool // the last control input was a timer
	alarm  *time.Timer
}

func newProc(w *World, addr host.Address, g *gate, incarnation uint64) *proc {
	p := &proc{w: w, addr: addr, gate: g}
	p.box.wake = make(chan struct{}, 1)
	p.env = env{p: p, incarnation: incarnation}
	return p
}

func (p *proc) run(f host.Factory) {
	defer p.w.running.Done()
	defer p.finish()
	p.actor = f(&p.env)
	p.look()
	p.in = host.Input{Kind: host.Start}
	p.step()
	for !p.ended.Load() {
		p.look()
		// H3: control, then wires, then GoOn. Control is looked at afresh
		// before every wire input.
		switch {
		case p.stepControl():
		case p.stepWire():
		case p.more:
			p.more = false
			p.in = host.Input{Kind: host.GoOn}
			p.step()
		default:
			p.park()
		}
	}
}

// look reads the clocks. Reading both costs twice as much as the monotonic one
// alone, so the wall clock is carried on with that for up to a millisecond.
func (p *proc) look() {
	mono := time.Since(p.w.start)
	if since := mono - p.wall.Mono; p.wall.Wall != 0 && since < time.Millisecond {
		p.now = host.Now{Mono: mono, Wall: p.wall.Wall + int64(since)}
		return
	}
	t := time.Now()
	p.now = host.Now{Mono: t.Sub(p.w.start), Wall: t.UnixNano()}
	p.wall = p.now
}

// finish ends the actor however its goroutine came to its end.
func (p *proc) finish() {
	if v := recover(); v != nil {
		p.w.bug(p.addr, v, string(debug.Stack()))
	}
	p.w.life.Lock()
	defer p.w.life.Unlock()
	p.w.end(p, errEnded)
}

// stepControl gives the actor a timer that is due or a control input, in turn so
// that neither starves the other.
func (p *proc) stepControl() bool {
	due := p.timers.next() <= p.now.Mono
	if due && !p.ticked {
		return p.stepTimer()
	}
	c := p.box.control.take(&p.box.mu)
	if c == nil {
		return due && p.stepTimer()
	}
	p.in = host.Input{Kind: c.kind, From: c.from, Token: c.token, Body: c.body, Err: c.err}
	*c = control{}
	p.ticked = false
	p.step()
	return true
}

func (p *proc) stepTimer() bool {
	p.in = host.Input{Kind: host.Timer, Token: p.timers.pop()}
	p.ticked = true
	p.step()
	return true
}

func (p *proc) stepWire() bool {
	i := p.box.wires.take(&p.box.mu)
	if i == nil {
		return false
	}
	arrived := *i
	*i = wireInput{}
	if !arrived.end.arrive(&arrived) {
		return true
	}
	p.in = host.Input{Kind: arrived.kind, Wire: arrived.end.num, N: arrived.n, Body: arrived.body, Err: arrived.err}
	if arrived.kind == host.FrameIn {
		p.in.Frame, p.in.Body = host.Frame{Data: arrived.data, Body: arrived.body, Size: arrived.size}, nil
	}
	p.step()
	return true
}

func (p *proc) step() {
	p.out.Reset()
	p.actor.Step(p.now, &p.in, &p.out)
	p.more = p.more || p.out.More
	if len(p.out.Effects) > 0 {
		p.apply()
	}
}

// park waits for an input or the next timer.
func (p *proc) park() {
	p.in = host.Input{}
	p.out.Reset()
	if !p.box.park() {
		return
	}
	if len(p.timers) == 0 {
		<-p.box.wake
		return
	}
	wait := p.timers.next() - p.now.Mono
	if p.alarm == nil {
		p.alarm = time.NewTimer(wait)
	} else {
		p.alarm.Reset(wait)
	}
	select {
	case <-p.box.wake:
	case <-p.alarm.C:
		p.box.unpark()
	}
}

// apply carries out the effects of a step (H2).
func (p *proc) apply() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.out.Effects {
		if p.ended.Load() {
			return
		}
		switch e := &p.out.Effects[i]; e.Kind {
		case host.Write:
			p.write(e.Wire, &e.Frame)
		case host.Grant:
			p.grant(e.Wire, e.N, e.Body)
		case host.Send:
			p.w.send(p.addr, e.To, e.Body)
		case host.Open:
			p.open(e.Wire, e.ID, e.End, e.To)
		case host.CloseWire:
			p.closeWire(e.Wire)
		case host.SetTimer:
			p.timers.set(p.now.Mono, e.After, e.Token)
		case host.CancelTimer:
			p.timers.cancel(e.Token)
		case host.Offload:
			p.w.offload(p, e.Token, e.Lane, e.Work)
		case host.Spawn, host.Stop, host.Exit:
			p.applyLife(e)
		default:
			p.breach("unknown effect %d", e.Kind)
		}
	}
}

// applyLife spawns or ends an actor, perhaps this one. It gives up mu meanwhile:
// two actors may end each other.
func (p *proc) applyLife(e *host.Effect) {
	p.mu.Unlock()
	defer p.mu.Lock()
	p.w.life.Lock()
	defer p.w.life.Unlock()
	if p.ended.Load() {
		return
	}
	switch e.Kind {
	case host.Spawn:
		p.w.spawn(host.Address{Node: p.addr.Node, Name: e.Lane}, e.Factory)
	case host.Stop:
		p.w.stop(host.Address{Node: p.addr.Node, Name: e.Lane})
	case host.Exit:
		p.w.end(p, errEnded)
	}
}

// breach panics: the actor broke the contract of package host.
func (p *proc) breach(format string, args ...any) {
	panic("breach of contract: " + fmt.Sprintf(format, args...))
}
