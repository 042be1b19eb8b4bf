package task

import (
	"fmt"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/snapshot"
	"github.com/weirstream/weir/engine/stream"
)

// Digests make messages part of a simulated run's hash. They are those of the messages as
// fmt's %+v shows their fields. For what is sent often that text is made here: by fmt it
// would take a twelfth of the time of a run.

// Digest implements host.Digester, as do those below.
func (m Deploy) Digest() uint64 {
	type plain Deploy // without String
	return xxhash.Sum64String(fmt.Sprintf("%+v", plain(m)))
}

// Digest implements host.Digester.
func (m Trigger) Digest() uint64 {
	var room [128]byte
	t := text(room[:0]).attempt("{Attempt:", m.Attempt).unsigned(" Checkpoint:", m.Checkpoint)
	return t.integer(" Time:", m.Time).boolean(" Unaligned:", m.Unaligned).integer(" Timeout:", m.Timeout).sum()
}

// Digest implements host.Digester.
func (m NotifyComplete) Digest() uint64 {
	var room [96]byte
	t := text(room[:0]).attempt("{Attempt:", m.Attempt).unsigned(" Checkpoint:", m.Checkpoint)
	return t.boolean(" Final:", m.Final).sum()
}

// Digest implements host.Digester.
func (m NotifyAborted) Digest() uint64 { return digest(m.Attempt) ^ m.Checkpoint }

// Digest implements host.Digester.
func (m Welcome) Digest() uint64 { return uint64(m.Epoch) }

// Digest implements host.Digester.
func (m Cancel) Digest() uint64 { return digest(m.Attempt) }

// Digest implements host.Digester.
func (m Disconnect) Digest() uint64 { return uint64(m.Incarnation) }

func digest(a stream.Attempt) uint64 { return xxhash.Sum64String(a.String()) }

// Digest implements host.Digester.
func (m Heartbeat) Digest() uint64 {
	var room [512]byte
	t := text(room[:0]).string("{Worker:", m.Worker).integer(" Incarnation:", m.Incarnation).integer(" Slots:", int64(m.Slots))
	t = append(t, " Tasks:["...)
	for i, s := range m.Tasks {
		t = append(t.between(i).status(s), '}')
	}
	return append(t, ']').sum()
}

// Digest implements host.Digester.
func (m Ack) Digest() uint64 {
	var room [1024]byte
	t := text(room[:0]).attempt("{Attempt:", m.Attempt).unsigned(" Checkpoint:", m.Checkpoint).id(m.ID)
	return t.task(" Task:", &m.Task).sum()
}

// Digest implements host.Digester.
func (m Decline) Digest() uint64 {
	var room [256]byte
	t := text(room[:0]).attempt("{Attempt:", m.Attempt).unsigned(" Checkpoint:", m.Checkpoint).id(m.ID)
	return t.string(" Why:", m.Why.String()).string(" Text:", m.Text).sum()
}

// Digest implements host.Digester.
func (m Status) Digest() uint64 {
	var room [256]byte
	return text(room[:0]).status(m).sum()
}

// text is a value as %+v shows it, piece by piece.
type text []byte

func (t text) sum() uint64 { return xxhash.Sum64(append(t, '}')) }

// between separates elements.
func (t text) between(i int) text {
	if i > 0 {
		return append(t, ' ')
	}
	return t
}

func (t text) string(name, v string) text { return append(append(t, name...), v...) }

func (t text) integer(name string, v int64) text { return strconv.AppendInt(append(t, name...), v, 10) }

func (t text) unsigned(name string, v uint64) text {
	return strconv.AppendUint(append(t, name...), v, 10)
}

func (t text) boolean(name string, v bool) text { return strconv.AppendBool(append(t, name...), v) }

func (t text) attempt(name string, a stream.Attempt) text {
	return t.unsigned(name, uint64(a.Epoch)).unsigned(".", uint64(a.Number))
}

func (t text) id(v ID) text {
	return append(t.integer(" ID:{Vertex:", int64(v.Vertex)).integer(" Subtask:", int64(v.Subtask)), '}')
}

func (t text) status(v Status) text {
	t = t.attempt("{Attempt:", v.Attempt).id(v.ID).string(" State:", v.State.String())
	return t.string(" Cause:", v.Cause.String()).string(" Text:", v.Text)
}

func (t text) task(name string, v *snapshot.Task) text {
	t = append(t, name...).string("{File:", v.File).integer(" Size:", v.Size).unsigned(" Sum:", v.Sum)
	t = t.channels(" In:[", v.In).channels(" Out:[", v.Out).sources(" Sources:[", v.Sources)
	return append(t.boolean(" Ended:", v.Ended).integer(" InFlight:", v.InFlight), '}')
}

func (t text) channels(name string, vs []snapshot.ChannelPosition) text {
	t = append(t, name...)
	for i, v := range vs {
		t = t.between(i).integer("{Edge:", int64(v.Edge)).integer(" Peer:", int64(v.Peer)).unsigned(" Record:", v.Record)
		t = append(t.unsigned(" First:", v.First).unsigned(" InFlight:", v.InFlight), '}')
	}
	return append(t, ']')
}

func (t text) sources(name string, vs []connect.Position) text {
	t = append(t, name...)
	for i, v := range vs {
		t = t.between(i).string("{Split:", v.Split).integer(" Start:", v.Start).integer(" Next:", v.Next)
		t = append(t.integer(" End:", v.End).integer(" Emitted:", v.Emitted), '}')
	}
	return append(t, ']')
}
