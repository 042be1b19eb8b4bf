package cluster

import (
	"fmt"
	"testing"

	"github.com/weirstream/weir/engine/fs"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/host/hosttest"
	"github.com/weirstream/weir/sim"
	"github.com/weirstream/weir/sim/disk"
	"github.com/weirstream/weir/sim/search"
)

// hosted is a world as the host's suite drives it. A run ends at a panic; here
// the actor does, as on the live host, so that the suite can go on.
type hosted struct {
	*World
	listener host.Listener
	panics   map[host.Address]any
}

func (h *hosted) Listen(l host.Listener)                  { h.listener = l }
func (h *hosted) On(e *host.Event)                        { h.listener.On(e) }
func (h *hosted) Spawn(node, name string, f host.Factory) { h.Node(node).Spawn(name, f) }
func (h *hosted) Exclusive(f func())                      { f() }
func (h *hosted) Panic(a host.Address) any                { return h.panics[a] }
func (h *hosted) Crash(node string)                       { h.Restart(node) }

func (h *hosted) Stall(out *host.Outbox, _ func() bool) { out.Charge("stall", 20_000_000) }

func (h *hosted) Run(until func() bool) bool {
	for !until() {
		if !h.next() {
			return false
		}
	}
	return true
}

func (h *hosted) next() (more bool) {
	defer func() {
		if v := recover(); v != nil {
			if h.stepping == nil {
				panic(v)
			}
			h.panics[h.stepping.place.address] = v
			h.end(h.stepping, nil, h.EventNumber())
			h.stepping, h.lag, more = nil, 0, true
		}
	}()
	return h.Next(forever)
}

func newHosted(seed uint64, chooser sim.Chooser) *hosted {
	h := &hosted{panics: map[host.Address]any{}}
	var d *disk.Disk
	h.World = New(seed, Options{
		Listener:     h,
		Chooser:      chooser,
		FS:           func(node string, _ int) fs.FS { return d.Node(node) },
		OnCrash:      func(node string, _ int) { d.ProcessCrash(node) },
		VerifyBodies: true,
	})
	d = disk.New(h.Point("disk", ""))
	h.AddNode("a", empty)
	h.AddNode("b", empty)
	return h
}

func TestHost(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			hosttest.Run(t, func(*testing.T) hosttest.World { return newHosted(seed, nil) })
		})
		t.Run(fmt.Sprint("POS, seed ", seed), func(t *testing.T) {
			hosttest.Run(t, func(*testing.T) hosttest.World { return newHosted(seed, &search.POS{}) })
		})
		t.Run(fmt.Sprint("picked evenly, seed ", seed), func(t *testing.T) {
			hosttest.Run(t, func(*testing.T) hosttest.World { return newHosted(seed, &sim.Uniform{Pick: true}) })
		})
	}
}
