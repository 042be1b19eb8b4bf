package cluster

import (
	"reflect"

	"github.com/cespare/xxhash/v2"

	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/sim"
)

// kinds are the events and notes of a world. Events of the world itself are not
// recorded: what they lead to is.
type kinds struct {
	wake, message, timer, wireUp, data, event, credit, wireDown, work sim.Kind

	inputs         [host.GoOn + 1]sim.Kind
	effects        [host.Exit + 1]sim.Kind
	calls          [opCount]sim.Kind
	said           sim.Kind
	crash, restart sim.Kind
}

func (k *kinds) register(w *World) {
	k.wake = w.Handle("wake", 0, w.onWake)
	k.message = w.Handle("message arrives", 0, w.onMessage)
	k.timer = w.Handle("timer is due", 0, w.onTimer)
	k.wireUp = w.Handle("wire comes up", 0, w.onWireUp)
	k.data = w.Handle("data arrives", 0, w.onData)
	k.event = w.Handle("event arrives", 0, w.onEvent)
	k.credit = w.Handle("credit arrives", 0, w.onCredit)
	k.wireDown = w.Handle("wire goes down", 0, w.onWireDown)
	k.work = w.Handle("work goes on", 0, w.onWork)
	for i := range k.inputs {
		kind := host.InputKind(i)
		k.inputs[i] = w.NoteKind(kind.String(), "+<*d<<<-."[i])
	}
	effects := [...]string{"send", "open", "send frame", "grant", "close wire", "set timer", "cancel timer", "offload", "spawn", "stop", "exit"}
	for i := range k.effects {
		k.effects[i] = w.NoteKind(effects[i], ">o>>xtto+xx"[i])
	}
	for i := range k.calls {
		k.calls[i] = w.NoteKind(Op(i).String(), Op(i).glyph())
	}
	k.said = w.NoteKind("event", '=')
	k.crash = w.NoteKind("crash", '!')
	k.restart = w.NoteKind("restart", '!')
}

// whose is the actor that an event is for, or 0.
func (w *World) whose(e *sim.Event) sim.Name {
	switch e.Kind {
	case w.kinds.wake, w.kinds.message, w.kinds.timer:
		return w.places[e.Target].full
	case w.kinds.work:
		return e.Ref.(*job).a.place.full
	case w.kinds.wireUp, w.kinds.data, w.kinds.event, w.kinds.credit, w.kinds.wireDown:
		if x := w.ends[e.Target]; x != nil {
			return x.a.place.full
		}
	}
	return 0
}

// digest hashes a body by its contents where it can, else by the name of its type.
func digest(body any) uint64 {
	switch b := body.(type) {
	case nil:
		return 0
	case []byte:
		return xxhash.Sum64(b)
	case host.Digester:
		return b.Digest()
	case string:
		return xxhash.Sum64String(b)
	case error:
		return xxhash.Sum64String(b.Error())
	case bool:
		if b {
			return tagged(1, 1)
		}
		return tagged(1, 0)
	case int:
		return tagged(2, uint64(b))
	case int32:
		return tagged(3, uint64(b))
	case uint32:
		return tagged(4, uint64(b))
	case int64:
		return tagged(5, uint64(b))
	case uint64:
		return tagged(6, b)
	}
	return xxhash.Sum64String(reflect.TypeOf(body).String())
}

// tagged tells scalars of different types apart.
func tagged(tag, value uint64) uint64 {
	h := sim.Hash(tag)
	h.Add(value)
	return h.Sum()
}

func digestError(err error) uint64 {
	if err == nil {
		return 0
	}
	return xxhash.Sum64String(err.Error())
}

// verify checks that a body is what was sent.
func (w *World) verify(body any, sent uint64, what string) {
	if w.o.VerifyBodies && digest(body) != sent {
		forbid("%s of type %T was changed after it was sent", what, body)
	}
}
