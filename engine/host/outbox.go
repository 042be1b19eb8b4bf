package host

import (
	"fmt"
	"time"
)

func text(v any) string { return fmt.Sprint(v) }

// EffectKind says which fields of an [Effect] are set.
type EffectKind uint8

// The kinds of effect.
const (
	Send        EffectKind = iota // To, Body
	Open                          // Wire, ID, To, End
	Write                         // Wire, Frame
	Grant                         // Wire, N, Body
	CloseWire                     // Wire
	SetTimer                      // Token, After
	CancelTimer                   // Token
	Offload                       // Token, Lane, Work
	Spawn                         // Lane (the actor's name), Factory
	Stop                          // Lane (the actor's name)
	Exit                          // nothing
)

var effectNames = [...]string{"send", "open", "write", "grant", "close wire", "set timer", "cancel timer", "offload", "spawn", "stop", "exit"}

func (k EffectKind) String() string { return effectNames[k] }

// Effect is one thing an actor wants from the world.
type Effect struct {
	Kind    EffectKind
	End     End
	Wire    Wire
	N       int32
	To      Address
	ID      WireID
	Token   Token
	After   time.Duration
	Lane    string
	Frame   Frame
	Body    any
	Work    Work
	Factory Factory
}

// Charge is work done in a step that virtual time must account for.
type Charge struct {
	Operator string // uid
	Records  int
}

// Outbox collects what a step does outside the actor's memory, in order (H2).
// Hosts reuse it: they call Reset before each step and read Effects after it.
type Outbox struct {
	Effects []Effect
	// Charges say how many records each operator handled in this step.
	Charges []Charge
	// More is set by GoOn.
	More bool
}

// Reset empties the outbox and keeps its memory.
func (o *Outbox) Reset() {
	clear(o.Effects)
	o.Effects, o.Charges, o.More = o.Effects[:0], o.Charges[:0], false
}

func (o *Outbox) add(e Effect) { o.Effects = append(o.Effects, e) }

// Send asks for body to be given to the actor at to; see H4. The body must not be
// changed afterwards by anyone.
func (o *Outbox) Send(to Address, body any) { o.add(Effect{Kind: Send, To: to, Body: body}) }

// Open opens this actor's end of a wire under its own number w; peer is the actor
// that opens the other end.
func (o *Outbox) Open(w Wire, id WireID, end End, peer Address) {
	o.add(Effect{Kind: Open, Wire: w, ID: id, End: end, To: peer})
}

// Write puts a frame on wire w. Data frames need a credit (H6).
func (o *Outbox) Write(w Wire, f Frame) { o.add(Effect{Kind: Write, Wire: w, Frame: f}) }

// Grant gives the producer of wire w n more credits, 0 allowed, and returns back
// to it (a batch to use again, only between actors of one node; else nil).
func (o *Outbox) Grant(w Wire, n int, back any) {
	o.add(Effect{Kind: Grant, Wire: w, N: int32(n), Body: back})
}

// CloseWire closes this end of w; frames written before still arrive.
func (o *Outbox) CloseWire(w Wire) { o.add(Effect{Kind: CloseWire, Wire: w}) }

// SetTimer asks for a Timer input with this token after a delay (H7).
func (o *Outbox) SetTimer(t Token, after time.Duration) {
	o.add(Effect{Kind: SetTimer, Token: t, After: after})
}

// CancelTimer cancels a timer; it may still arrive.
func (o *Outbox) CancelTimer(t Token) { o.add(Effect{Kind: CancelTimer, Token: t}) }

// Offload runs work away from the actor; a Done input brings the result (H8).
func (o *Outbox) Offload(t Token, lane string, work Work) {
	o.add(Effect{Kind: Offload, Token: t, Lane: lane, Work: work})
}

// Spawn starts an actor on this node (H10).
func (o *Outbox) Spawn(name string, f Factory) {
	o.add(Effect{Kind: Spawn, Lane: name, Factory: f})
}

// Stop ends the actor of that name on this node, if it exists (H9).
func (o *Outbox) Stop(name string) { o.add(Effect{Kind: Stop, Lane: name}) }

// Exit ends this actor after the effects before it (H9); later effects are dropped.
func (o *Outbox) Exit() { o.add(Effect{Kind: Exit}) }

// GoOn asks for a GoOn input when nothing else is ready (H3).
func (o *Outbox) GoOn() { o.More = true }

// Charge accounts n records handled by an operator to the virtual time of this
// step; live hosts ignore it.
func (o *Outbox) Charge(operator string, n int) {
	o.Charges = append(o.Charges, Charge{operator, n})
}
