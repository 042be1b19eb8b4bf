package model

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/graph"
)

// clocked is a processor that emits what happens to it.
type clocked struct {
	process func(ctx graph.ProcessContext, key any)
	again   int64 // by how much a timer that fires sets another one later; 0 for none
}

func (c clocked) Process(ctx graph.ProcessContext, _ int, key, _ any, _ int64) { c.process(ctx, key) }

func (c clocked) Timer(ctx graph.ProcessContext, key any, at int64, event bool) {
	ctx.Emit(fmt.Sprintf("%v %d at %d, %t", key, at, ctx.ProcessingTime(), event), 0)
	if c.again != 0 {
		ctx.SetTimer(at+c.again, event)
	}
}

func (c clocked) job() *job {
	return processJob(graph.Logic{Key: textOf, Process: func(func(string, graph.Bytes) graph.Slot) graph.Processor { return c }})
}

// ticks is a clock that shows times in turn, and then the last one.
func ticks(times ...int64) func() int64 {
	return func() (now int64) {
		if now = times[0]; len(times) > 1 {
			times = times[1:]
		}
		return now
	}
}

func TestTimersOfTheClock(t *testing.T) {
	c := clocked{process: func(ctx graph.ProcessContext, key any) {
		ctx.Emit(fmt.Sprintf("%v", key), 0)
		ctx.SetTimer(ctx.ProcessingTime()+10, false)
		ctx.SetTimer(ctx.ProcessingTime()+10, false) // one a time
		ctx.SetTimer(5, false)
		ctx.DeleteTimer(5, false)
		ctx.SetTimer(1, true)
	}}
	in := map[string][]Record{"lines": records(word{"a", 1}, word{"b", 1}, word{"c", 1})}
	out, err := InterpretAt(&c.job().Graph, in, ticks(100, 109, 130, 131))
	require.NoError(t, err)
	require.Equal(t, []string{
		"a", "b", "a 110 at 130, false", "b 119 at 130, false", "c",
		"a 1 at 131, true", "b 1 at 131, true", "c 1 at 131, true", // and 140 is not reached
	}, out.Sink("out").Lines)
	require.Equal(t, `"b"`, out.Sink("out").Chains[3])

	out, err = InterpretAt(&c.job().Graph, in, ticks(100, 100, 100, 110))
	require.NoError(t, err)
	require.Equal(t, []string{
		"a", "b", "c", "a 110 at 110, false", "b 110 at 110, false", "c 110 at 110, false",
		"a 1 at 110, true", "b 1 at 110, true", "c 1 at 110, true",
	}, out.Sink("out").Lines, "what is due at the end of the input fires first")

	c = clocked{again: -1, process: func(ctx graph.ProcessContext, _ any) { ctx.SetTimer(0, false) }}
	_, err = InterpretAt(&c.job().Graph, in, ticks(0))
	require.ErrorIs(t, err, ErrNoReference)
	require.EqualError(t, err, `operator "process" has timers that are due at once after 1048576 have fired: such a job has no reference output`)
}
