package live

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/cespare/xxhash/v2"

	"github.com/weirstream/weir/engine/host"
)

// env is an actor's view of its host, and the listener it is given.
type env struct {
	p           *proc
	incarnation uint64 // of this address, from 1
	streams     map[string]*rand.Rand
}

func (e *env) Self() host.Address { return e.p.addr }

func (e *env) Listener() host.Listener { return e }

// On passes on what the actor reports, until it ends (L2).
func (e *env) On(ev *host.Event) {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	if !e.p.ended.Load() {
		e.p.w.listener.On(ev)
	}
}

// Rand derives the stream also from how often the address was spawned: names that
// a new incarnation draws must not collide with those of the old one.
func (e *env) Rand(name string) *rand.Rand {
	if r := e.streams[name]; r != nil {
		return r
	}
	if e.streams == nil {
		e.streams = map[string]*rand.Rand{}
	}
	h := xxhash.NewWithSeed(e.p.w.seed)
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], e.incarnation)
	_, _ = h.Write(n[:])
	for _, s := range [...]string{e.p.addr.Node, e.p.addr.Name, name} {
		binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
		_, _ = h.Write(n[:])
		_, _ = h.WriteString(s)
	}
	hi := h.Sum64()
	_, _ = h.Write([]byte{1})
	r := rand.New(rand.NewPCG(hi, h.Sum64()))
	e.streams[name] = r
	return r
}
