package scenarios

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/sim/trace"
	"github.com/weirstream/weir/sim/trace/page"
)

// traced records a run of two inputs, aligned, with crashes.
func traced(t *testing.T, lines int) (string, *Report) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.trace")
	r, err := Run(RunOptions{Scenario: "two-inputs", Mode: string(Aligned), Seed: 3, Lines: lines, Trace: path})
	require.NoError(t, err)
	require.Equal(t, Pass, r.Verdict, "%s", r.Text())
	return path, r
}

func drawn(t *testing.T, path string, first, last uint64) *page.Page {
	t.Helper()
	tr, err := trace.Open(path)
	require.NoError(t, err)
	d, err := newDiagram(tr, first, last)
	require.NoError(t, err)
	return d.page
}

// TestDiagram: what is drawn of a run is what happened in it.
func TestDiagram(t *testing.T) {
	path, r := traced(t, 0)
	p := drawn(t, path, 0, trace.All)
	completed, held, crashes := 0, int64(0), 0
	for _, c := range p.Checkpoints {
		require.LessOrEqual(t, c.Start, c.End)
		require.NotEqual(t, "not ended", c.Outcome, "checkpoint %d", c.ID)
		if !c.Good {
			continue
		}
		completed++
		require.NotEmpty(t, c.Tasks)
		for _, part := range c.Tasks {
			require.Positive(t, part.Bytes, "%s of checkpoint %d", part.Task, c.ID)
			require.Zero(t, part.InFlight, "an aligned checkpoint has no data in flight")
			require.LessOrEqual(t, part.Aligned, c.End-c.Start)
		}
	}
	require.Equal(t, r.Checks.Completed, completed)
	for i, e := range p.Events {
		require.Less(t, e.Cause, i)
		if e.Class == page.Crash {
			crashes++
			require.Contains(t, e.Text, ", fault f")
		}
	}
	require.Equal(t, r.Faults["process-crash"]+r.Faults["machine-crash"], crashes)

	require.NotEmpty(t, p.Blocks)
	for _, b := range p.Blocks {
		require.Equal(t, b.From, p.Lanes[b.Lane].Channels[b.Channel])
		require.Contains(t, []string{"left/0", "left/1", "right/0", "right/1", "count/0", "count/1", "both/0", "both/1"}, b.From)
		require.LessOrEqual(t, b.Start, b.End)
		require.LessOrEqual(t, b.Queued, b.Held, "nothing is taken from a blocked channel")
		if b.Held > b.Queued {
			require.Positive(t, b.Frames, "what came behind the barrier came in frames")
			held++
		}
	}
	require.Positive(t, held, "a channel held records back")
	require.NotEmpty(t, p.Barriers)
	for _, b := range p.Barriers {
		from, to := p.Events[b.From], p.Events[b.To]
		require.Equal(t, page.BarrierOut, from.Class)
		require.Equal(t, page.BarrierIn, to.Class)
		require.Equal(t, from.Checkpoint, to.Checkpoint)
		require.LessOrEqual(t, from.Time, to.Time)
	}
}

// TestPageOfARun: within its size, with the whole run's facts, and whole or not at all.
func TestPageOfARun(t *testing.T) {
	path, r := traced(t, 0)
	out := filepath.Join(t.TempDir(), "run.html")
	p, err := ReplayTrace(path, ReplayOptions{HTML: out})
	require.NoError(t, err)
	require.True(t, p.Agreed, "%s", p.difference)
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	text := string(data)
	require.Less(t, len(text), 5<<20)
	for _, s := range append(r.Plan, "two-inputs, seed 3, aligned", r.TraceHash, "simrun run two-inputs --seed 3 --mode aligned", "simrun replay "+path, "steps, timers and credit are left out") {
		require.True(t, strings.Contains(text, strings.ReplaceAll(s, "+", "&#43;")) || strings.Contains(text, strings.ReplaceAll(strings.ReplaceAll(s, "+", "&#43;"), ">", "&gt;")), s)
	}
	files, err := os.ReadDir(filepath.Dir(out))
	require.NoError(t, err)
	require.Len(t, files, 1, "no temporary files stay")

	part := drawn(t, path, 40_000, 41_000)
	require.NotEmpty(t, part.Events)
	require.GreaterOrEqual(t, part.Events[0].Number, uint64(40_000))
	require.LessOrEqual(t, part.Events[len(part.Events)-1].Number, uint64(41_000))
	require.True(t, slices.ContainsFunc(part.Lanes, func(l page.Lane) bool {
		return l.Node == "tm2" && l.Name == "count/0" && slices.Equal(l.Channels, []string{"left/0", "left/1", "right/0", "right/1"})
	}), "names come from the whole trace")
}

// TestPageOfAFailure: the violation and how to look at it are on the page.
func TestPageOfAFailure(t *testing.T) {
	dir := t.TempDir()
	r, err := Run(RunOptions{Scenario: "canary", Mode: string(Aligned), Seed: 7, Failures: dir})
	require.NoError(t, err)
	require.Equal(t, Fail, r.Verdict)
	tr, err := trace.Open(r.Saved)
	require.NoError(t, err)
	p, err := Replay(r.Saved)
	require.NoError(t, err)
	d, err := newDiagram(tr, 0, trace.All)
	require.NoError(t, err)
	p.describe(d)
	require.False(t, d.page.Good)
	require.NotEmpty(t, d.page.Violations)
	v := d.page.Violations[0]
	require.Equal(t, r.Violations[0].Event, v.Number)
	require.Equal(t, v.Number, d.page.Events[v.Event].Number)
	for _, c := range d.page.Checkpoints {
		if !c.Good {
			require.NotEmpty(t, c.Outcome)
		}
	}
}

func TestViews(t *testing.T) {
	path, _ := traced(t, 0)
	show := func(v View) []string {
		p, err := ReplayTrace(path, ReplayOptions{View: v, NoRun: true})
		require.NoError(t, err)
		require.True(t, p.NotRun)
		text, _, _ := strings.Cut(p.Shown, "\n\n")
		lines := strings.Split(strings.TrimSpace(text), "\n")
		require.Greater(t, len(lines), 3, p.Shown)
		require.Contains(t, p.Shown, "not run again")
		return lines[2:] // the heads
	}
	field := func(line string, i int) string { return strings.Fields(line)[i] }

	for _, line := range show(View{Node: "tm2", Checkpoint: 9}) {
		require.Equal(t, "tm2", field(line, 2), line)
		require.Regexp(t, ` 9(:|$| )|chk-9\b`, line)
	}
	for _, line := range show(View{First: 40_000, Last: 40_100, Node: "jm"}) {
		require.GreaterOrEqual(t, field(line, 0), "40000")
		require.LessOrEqual(t, field(line, 0), "40100")
	}
	require.Contains(t, strings.Join(show(View{Fault: "f2"}), "\n"), "tm3   ! crash, incarnation 1, by f2")

	all := show(View{First: 1, Last: 45_000})
	completed := all[len(all)-1]
	for _, line := range all {
		if strings.Contains(line, "= completed 9: jm") {
			completed = line
		}
	}
	var event uint64
	for _, c := range field(completed, 0) {
		event = 10*event + uint64(c-'0')
	}
	chain := show(View{Causes: event})
	require.Equal(t, completed[:60], chain[len(chain)-1][:60])
	require.Equal(t, "-", field(chain[0], len(strings.Fields(chain[0]))-1), "the chain begins where nothing was before")
	for i := 1; i < len(chain); i++ {
		words := strings.Fields(chain[i])
		require.Equal(t, field(chain[i-1], 0), words[len(words)-1], chain[i])
	}
}

func TestViewsOfWhatIsNotThere(t *testing.T) {
	path, _ := traced(t, 300)
	for _, c := range []struct {
		view View
		want []string
	}{
		{View{Node: "tm9"}, []string{"--node tm9", "it has jm, tm1, tm2, tm3"}},
		{View{Checkpoint: 900}, []string{"--checkpoint 900", "from 1 to"}},
		{View{Fault: "f9"}, []string{"--fault f9", "it has f1, f2"}},
		{View{Fault: "f3"}, []string{"--fault f3", "no event in the trace", "slow tm1->tm2"}},
		{View{Causes: 1 << 40}, []string{"--causes", "and the last"}},
		{View{First: 9, Last: 8}, []string{"--from-event 9 is behind --to-event 8"}},
	} {
		out := filepath.Join(t.TempDir(), "run.html")
		_, err := ReplayTrace(path, ReplayOptions{View: c.view, NoRun: true, HTML: out})
		usageError(t, err, c.want...)
		require.NoFileExists(t, out)
	}
}
