package simtest_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/stream"
	"github.com/weirstream/weir/sim/simtest"
)

// held counts the records of a key up to a timer, in state or not.
type held struct {
	forgets bool
	n       *engine.ValueState[int64]
	field   map[string]int64
}

func (h *held) Open(s *engine.States[string]) {
	h.n, h.field = engine.NewValueState[int64](s, "n"), map[string]int64{}
}

func (h *held) get(key string) int64 {
	if h.forgets {
		return h.field[key]
	}
	n, _ := h.n.Get()
	return n
}

func (h *held) Process(ctx *engine.Context[string, string], v string) error {
	if v == "bad" {
		return errors.New("a bad record")
	}
	n := h.get(ctx.Key()) + 1
	h.n.Set(n)
	h.field[ctx.Key()] = n //weir:allow it must be found
	ctx.SetEventTimer(ctx.Timestamp() + 10)
	ctx.SetProcessingTimer(5)
	return nil
}

func (h *held) OnTimer(ctx *engine.Context[string, string], t engine.Timer) error {
	ctx.Emit(fmt.Sprint(ctx.Key(), " ", h.get(ctx.Key()), " at ", t.At, " ", ctx.Watermark()))
	return nil
}

func count(forgets bool) func(in engine.Stream[string]) engine.Stream[string] {
	return func(in engine.Stream[string]) engine.Stream[string] {
		return engine.Process(engine.KeyBy(in, func(v string) string { return v }), "count",
			func() engine.ProcessFunction[string, string, string] { return &held{forgets: forgets} })
	}
}

var steps = []simtest.Step{
	simtest.Record("a", 1), simtest.Record("b", 1), simtest.Record("a", 2), simtest.Watermark(11),
	simtest.Clock(5), simtest.Record("b", 12), simtest.Watermark(math.MaxInt64),
}

func TestOperator(t *testing.T) {
	simtest.Operator(t, simtest.OperatorCase[string, string]{Of: count(false), Steps: steps, Want: []string{
		"b 1 at 11 11", "a 2 at 11 11", "b 1 at 5 11", "a 2 at 5 11", "a 2 at 12 9223372036854775807", "b 2 at 22 9223372036854775807",
	}})
	simtest.Operator(t, simtest.OperatorCase[string, string]{
		Of: func(in engine.Stream[string]) engine.Stream[string] {
			return engine.FlatMap(in, "twice", func(v string, emit func(string)) { emit(v); emit(v) })
		},
		Steps: steps[:3], Want: []string{"a", "a", "b", "b", "a", "a"},
	})
	simtest.Operator(t, simtest.OperatorCase[string, string]{
		Of: func(in engine.Stream[string]) engine.Stream[string] {
			return engine.Reduce(engine.KeyBy(in, func(v string) string { return v[:1] }), "sum", func(acc, v string) string { return acc + v })
		},
		Steps: steps, Want: []string{"a", "b", "aa", "bb"},
	})
}

// What an operator keeps in a field is lost, and the fewest steps that show it are.
func TestOperatorThatForgets(t *testing.T) {
	_, err := simtest.CheckOperator(simtest.OperatorCase[string, string]{Of: count(true), Steps: steps})
	require.EqualError(t, err, `simtest: the operator makes something else with a snapshot restored after the 1st record or timer than without
  1        record "b" at 1
  2        watermark 11
  output   "b 0 at 11 11"
  must be  "b 1 at 11 11"
`)
}

func TestCapturedCounter(t *testing.T) {
	_, err := simtest.CheckOperator(simtest.OperatorCase[string, int]{
		Of: func(in engine.Stream[string]) engine.Stream[int] {
			n := 0
			return engine.Map(in, "number", func(string) int { n++; return n }) //weir:allow it must be found
		},
		Steps: []simtest.Step{simtest.Record("a", 1), simtest.Record("b", stream.NoTime), simtest.Record("c", 3)},
	})
	require.EqualError(t, err, `simtest: the operator makes something else with a snapshot restored after the 1st record or timer than without
  1        record "a" at 1
  2        record "b"
  output   1, 1
  must be  1, 2
`)
}

// changing changes a value that it has given to the state, which a snapshot shares.
type changing struct{ all *engine.ValueState[[]byte] }

func (c *changing) Open(s *engine.States[string]) { c.all = engine.NewValueState[[]byte](s, "all") }
func (c *changing) Process(ctx *engine.Context[string, string], v string) error {
	all, ok := c.all.Get()
	if !ok {
		all = []byte{0}
		c.all.Set(all)
	}
	all[0]++
	ctx.Emit(fmt.Sprint(v, " ", all[0]))
	return nil
}
func (c *changing) OnTimer(*engine.Context[string, string], engine.Timer) error { return nil }

// A snapshot is of its moment: what is changed in place afterwards is in it too.
func TestChangedInPlace(t *testing.T) {
	_, err := simtest.CheckOperator(simtest.OperatorCase[string, string]{
		Of: func(in engine.Stream[string]) engine.Stream[string] {
			return engine.Process(engine.KeyBy(in, func(v string) string { return v }), "count",
				func() engine.ProcessFunction[string, string, string] { return &changing{} })
		},
		Steps: steps,
	})
	require.EqualError(t, err, `simtest: the operator makes something else with a snapshot after the 1st record or timer that is written once it has gone on than without
  1        record "a" at 1
  2        record "a" at 2
  output   "a 1", "a 3"
  must be  "a 1", "a 2"
  state    keyed value "all" of key "\x01a" is "\x01\x03"
  must be  keyed value "all" of key "\x01a" is "\x01\x02"
`)
}

// matching emits a user's orders with the name, as far as both are there.
type matching struct {
	name, orders *engine.ValueState[string]
	hasty        bool
}

func (m *matching) Open(s *engine.States[string]) {
	m.name, m.orders = engine.NewValueState[string](s, "name"), engine.NewValueState[string](s, "orders")
}

func (m *matching) ProcessA(ctx *engine.Context[string, string], user string) error {
	m.name.Set(user)
	if orders, ok := m.orders.Get(); ok {
		ctx.Emit(user + " " + orders)
		m.orders.Clear()
	}
	return nil
}

func (m *matching) ProcessB(ctx *engine.Context[string, string], order string) error {
	if user, ok := m.name.Get(); ok || m.hasty {
		ctx.Emit(user + " " + order)
		return nil
	}
	m.orders.Set(order)
	return nil
}

func (m *matching) OnTimer(*engine.Context[string, string], engine.Timer) error { return nil }

func match(hasty bool) simtest.TwoInputsCase[string, string, string] {
	key := func(v string) string { return v[:1] }
	return simtest.TwoInputsCase[string, string, string]{
		Of: func(users, orders engine.Stream[string]) engine.Stream[string] {
			return engine.CoProcess(engine.Connect(engine.KeyBy(users, key), engine.KeyBy(orders, key)), "match",
				func() engine.CoProcessFunction[string, string, string, string] { return &matching{hasty: hasty} })
		},
		First:  []simtest.Step{simtest.Record("ann", 1), simtest.Record("bob", 2), simtest.Watermark(10)},
		Second: []simtest.Step{simtest.Record("b7", 1), simtest.Record("a8", 2), simtest.Watermark(5)},
		Want:   []string{"bob b7", "ann a8"},
	}
}

func TestTwoInputs(t *testing.T) {
	simtest.TwoInputs(t, match(false))
	text, err := simtest.CheckTwoInputs(match(false))
	require.NoError(t, err)
	require.Regexp(t, `^\d+ runs of 6 steps, in all 20 orders of the inputs$`, text)

	many := match(false)
	for i := range 6 {
		many.First = append(many.First, simtest.Record(fmt.Sprint("c", i), 11))
		many.Second = append(many.Second, simtest.Watermark(int64(6+i)))
	}
	text, err = simtest.CheckTwoInputs(many)
	require.NoError(t, err)
	require.Regexp(t, `^\d+ runs of 18 steps, in 300 orders of the inputs, not all, drawn from seed 0$`, text)
}

func TestTwoInputsInTheWrongOrder(t *testing.T) {
	_, err := simtest.CheckTwoInputs(match(true))
	require.EqualError(t, err, `simtest: the plain run is not what is wanted
  1        record "ann" at 1 of the first input
  2        record "b7" at 1 of the second input
  3        record "bob" at 2 of the first input
  4        watermark 10 of the first input
  5        record "a8" at 2 of the second input
  6        watermark 5 of the second input
  output   " b7", "ann a8"
  must be  "ann a8", "bob b7"
`)
}

func TestOperatorRefusals(t *testing.T) {
	same := func(in engine.Stream[string]) engine.Stream[string] { return in }
	one := func(in engine.Stream[string]) engine.Stream[string] {
		return engine.Filter(in, "f", func(string) bool { return true })
	}
	for _, c := range []struct {
		c    simtest.OperatorCase[string, string]
		want string
	}{
		{simtest.OperatorCase[string, string]{}, "simtest: OperatorCase.Of is nil; it must add an operator"},
		{simtest.OperatorCase[string, string]{Of: same}, "simtest: Of adds 0 operators; it must add one"},
		{simtest.OperatorCase[string, string]{Of: one, Steps: []simtest.Step{steps[0], simtest.Record(7, 1)}}, "simtest: step 2: the record 7 is of type int; the input takes string"},
	} {
		_, err := simtest.CheckOperator(c.c)
		require.EqualError(t, err, c.want)
	}
	_, err := simtest.CheckTwoInputs(simtest.TwoInputsCase[int, int, int]{})
	require.EqualError(t, err, "simtest: TwoInputsCase.Of is nil; it must add an operator")
	_, err = simtest.CheckOperator(simtest.OperatorCase[string, string]{Of: count(false), Steps: []simtest.Step{simtest.Record("bad", 1)}, Want: []string{}})
	require.ErrorContains(t, err, "the plain run is not what is wanted")
	require.ErrorContains(t, err, "a bad record")
}
