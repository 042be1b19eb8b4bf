// Package example is a small job as somebody would write it for work, and the same job
// with a mistake in it that only a crash brings to light. Its test shows how package
// simtest finds the mistake.
package example

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/codec/cbor"
	"github.com/weirstream/weir/engine/connect"
)

// Payment is one line of the input: its time in milliseconds since the Unix epoch, its
// number, who paid, and how much in cents.
type Payment struct {
	At    int64
	ID    string
	User  string
	Cents int64
}

// account is who spends in which minute.
func (p Payment) account() string { return fmt.Sprintf("%s\t%d", p.User, p.At/Window) }

// end is the last moment of its minute.
func (p Payment) end() int64 { return (p.At/Window+1)*Window - 1 }

// The limit: what a user may spend in a minute, and by how much payments may come late
// or again.
const (
	Limit    = 100_00
	Window   = 60_000
	Lateness = 5_000
)

// Fraud reports users who spend more than Limit within a minute: "user<TAB>minute<TAB>
// cents". Payments come in order of time but for Lateness, and some of them twice.
func Fraud(j *engine.Job, payments connect.Source[string], alerts connect.Sink[string]) {
	fraud(j, payments, alerts, newLimit)
}

// ForgetfulFraud is Fraud with a mistake.
func ForgetfulFraud(j *engine.Job, payments connect.Source[string], alerts connect.Sink[string]) {
	fraud(j, payments, alerts, newForgetful)
}

// paymentFunction is what handles the payments of a key.
type paymentFunction[U any] = engine.ProcessFunction[string, Payment, U]

func fraud(j *engine.Job, in connect.Source[string], out connect.Sink[string], limit func() paymentFunction[string]) {
	codec := engine.WithCodec(cbor.Of[Payment]())
	all := engine.FlatMap(engine.FromSource(j, "payments", in), "parse", parse, codec)
	timed := engine.Timestamps(all, "time", func(p Payment) int64 { return p.At }, Lateness)
	once := engine.Process(engine.KeyBy(timed, func(p Payment) string { return p.ID }), "deduplicate", newDeduplicate, codec)
	alerts := engine.Process(engine.KeyBy(once, Payment.account), "limit", limit)
	engine.ToSink(alerts, "sink", out)
}

// parse leaves out lines that are no payments.
func parse(line string, emit func(Payment)) {
	f := strings.Fields(line)
	if len(f) != 4 {
		return
	}
	at, err := strconv.ParseInt(f[0], 10, 64)
	cents, err2 := strconv.ParseInt(f[3], 10, 64)
	if err == nil && err2 == nil {
		emit(Payment{at, f[1], f[2], cents})
	}
}

// deduplicate lets a payment through once, and forgets it when it can't come again.
type deduplicate struct{ seen *engine.ValueState[bool] }

func newDeduplicate() paymentFunction[Payment] { return &deduplicate{} }

func (d *deduplicate) Open(s *engine.States[string]) { d.seen = engine.NewValueState[bool](s, "seen") }

func (d *deduplicate) Process(ctx *engine.Context[string, Payment], p Payment) error {
	if seen, _ := d.seen.Get(); !seen {
		d.seen.Set(true)
		ctx.SetEventTimer(p.At + 2*Lateness)
		ctx.Emit(p)
	}
	return nil
}

func (d *deduplicate) OnTimer(*engine.Context[string, Payment], engine.Timer) error {
	d.seen.Clear()
	return nil
}

// limit adds up what a user spends in a minute, which is its key, and reports it when no
// payment of that minute can come any more.
type limit struct{ sum *engine.ValueState[int64] }

func newLimit() paymentFunction[string] { return &limit{} }

func (l *limit) Open(s *engine.States[string]) { l.sum = engine.NewValueState[int64](s, "sum") }

func (l *limit) Process(ctx *engine.Context[string, string], p Payment) error {
	sum, _ := l.sum.Get()
	l.sum.Set(sum + p.Cents)
	ctx.SetEventTimer(p.end())
	return nil
}

func (l *limit) OnTimer(ctx *engine.Context[string, string], _ engine.Timer) error {
	sum, _ := l.sum.Get()
	l.sum.Clear()
	if sum > Limit {
		ctx.Emit(alert(ctx.Key(), sum))
	}
	return nil
}

func alert(account string, sum int64) string { return account + "\t" + strconv.FormatInt(sum, 10) }

// forgetful is limit by somebody who found a map handier than state. It is right as
// long as nothing crashes: no checkpoint has the map.
type forgetful struct{ sums map[string]int64 }

func newForgetful() paymentFunction[string] { return &forgetful{sums: map[string]int64{}} }

func (f *forgetful) Open(*engine.States[string]) {}

func (f *forgetful) Process(ctx *engine.Context[string, string], p Payment) error {
	f.sums[ctx.Key()] += p.Cents //weir:allow the mistake
	ctx.SetEventTimer(p.end())
	return nil
}

func (f *forgetful) OnTimer(ctx *engine.Context[string, string], _ engine.Timer) error {
	sum := f.sums[ctx.Key()]
	delete(f.sums, ctx.Key()) //weir:allow the mistake
	if sum > Limit {
		ctx.Emit(alert(ctx.Key(), sum))
	}
	return nil
}
