package scenarios

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/faults"
)

const someCase = `weir case v1
# Why it was kept.
#   in two lines
scenario  wordcount
mode      aligned
seed      7
strategy  swarm
stop      3
set       execution.checkpointing.interval=20ms
set       parallelism.default=1
world     workers=2
world     step-cost=1µs
world     record-cost=2ms
world     io=50µs..1ms
world     latency=100µs
world     bandwidth=1048576
world     uneven=300%
record    ""
record    "a \"b\"  # c"
fault     f1!  on completed#1+2  crash tm2  process for=25ms
fault     f3  from the start  slow tm1->tm2  by=400%
schedule  plain
draw      link-latency jm->tm1 17 = 250
draw      disk "" 0 = 1
passes
fails     output with no-commit-on-recovery
reaches   fault f1
reaches   restore of a checkpoint
`

// TestCaseText: a case is read as it is written.
func TestCaseText(t *testing.T) {
	c, err := ParseCase(someCase)
	require.NoError(t, err)
	require.Equal(t, someCase, c.String())
	require.Equal(t, []string{"Why it was kept.", "  in two lines"}, c.Comment)
	require.Equal(t, []string{"", `a "b"  # c`}, c.Records)
	require.Len(t, c.Plan, 2)
	require.Equal(t, "no-commit-on-recovery", c.Fails[0].Mutant)

	again, err := ParseCase(strings.ReplaceAll(someCase, "\nseed", "\n\n  # more\n  seed"))
	require.NoError(t, err)
	require.Equal(t, someCase, again.String())
}

// TestCaseTextRoundTrip: records and places of draws may be any text.
func TestCaseTextRoundTrip(t *testing.T) {
	base, err := ParseCase(someCase)
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		c := base.clone()
		c.Records = rapid.SliceOfN(rapid.Map(rapid.String(), func(s string) string { return strings.ReplaceAll(s, "\n", "") }), 1, 5).Draw(t, "records")
		for i := range c.Draws {
			c.Draws[i].Point = rapid.String().Draw(t, "point")
			c.Draws[i].Where = rapid.String().Draw(t, "where")
			c.Draws[i].N = uint64(i)
		}
		d, err := ParseCase(c.String())
		if err != nil {
			t.Fatal(err)
		}
		require.Equal(t, c.String(), d.String())
		require.Equal(t, c.Draws, d.Draws)
		require.Equal(t, c.Records, d.Records)
	})
}

// TestCaseErrors: what is wrong is named with its place.
func TestCaseErrors(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"weir case v1", "weir case v2", `line 1, column 1: a case begins with the line "weir case v1"`},
		{"mode      aligned\n", "", `line 8, column 11: set comes behind scenario and mode`},
		{"wordcount", "wordcounts", `line 4, column 11: unknown scenario "wordcounts"`},
		{"aligned", "sideways", `line 5, column 11: unknown mode "sideways"`},
		{"seed      7", "seed      x", `line 6, column 11: "x" is not a whole number between 0 and 18446744073709551615`},
		{"seed      7", "seed", "line 6, column 5: seed is empty"},
		{"seed      7", "seed      7\nseed      8", "line 7, column 1: there is a second seed"},
		{"swarm", "portfolio", "line 7, column 11: portfolio is none for one run"},
		{"stop      3", "stop      0", `line 8, column 11: "0" is not a whole number from 1`},
		{"parallelism.default=1", "parallelism.default", `line 10, column 11: "parallelism.default" is not of the form key=value`},
		{"parallelism.default=1", "parallelism.defaults=1", `line 10, column 11: unknown setting "parallelism.defaults"`},
		{"parallelism.default=1", "execution.checkpointing.interval=30ms", "line 10, column 11: execution.checkpointing.interval is set twice"},
		{"workers=2", "worker=2", `line 11, column 11: unknown part of the world "worker"; there is: workers, step-cost`},
		{"workers=2", "workers=0", `line 11, column 19: "0" is not a whole number from 1 to 1000`},
		{"50µs..1ms", "50µs..1µs", `line 14, column 14: "50µs..1µs" ends before it begins`},
		{"uneven=300%", "uneven=300", `line 17, column 18: "300" is not a percentage`},
		{`record    ""`, "record    words", "line 18, column 11: words is not a text in quotes"},
		{`record    ""`, `record    "a\nb"`, "line 18, column 11: a record has a newline in it"},
		{"crash tm2", "crush tm2", `line 20, column 34: unknown fault "crush"`},
		{"f3  from", "f1  from", "line 21, column 11: there is a fault f1 already"},
		{"schedule  plain", "schedule  odd", `line 22, column 11: unknown schedule "odd"`},
		{"17 = 250", "17 250", `line 23, column 11: "link-latency jm->tm1 17 250" is not of the form POINT WHERE N = VALUE`},
		{"17 = 250", "17 = 250 1", "is not of the form POINT WHERE N = VALUE"},
		{`disk "" 0 = 1`, "link-latency jm->tm1 17 = 2", "line 24, column 11: this draw is there twice"},
		{"passes", "passes always", "line 25, column 8: nothing follows passes"},
		{"output with no-", "output and no-", `line 26, column 11: "output and no-commit-on-recovery" is neither an oracle nor`},
		{"passes\nfails     output with no-commit-on-recovery\n", "", "the case says neither passes nor fails ORACLE"},
		{"output with no-commit-on-recovery", "output", "the case both passes and fails in the engine as it is"},
		{"reaches   fault f1", "reaches   fault f2", "line 27, column 1: the plan has no fault f2"},
		{"restore of a checkpoint", "restore of nothing", `line 28, column 11: "restore of nothing" is neither "fault NAME" nor a point`},
		{"reaches   fault", "reached   fault", `line 27, column 1: unknown key "reached"; there is: scenario, mode`},
		{"record    \"\"\nrecord    \"a \\\"b\\\"  # c\"\n", "", "the case has no record"},
	} {
		require.Contains(t, someCase, c.old)
		_, err := ParseCase(strings.Replace(someCase, c.old, c.new, 1))
		var e *faults.ParseError
		require.ErrorAs(t, err, &e, "%s", c.new)
		require.ErrorContains(t, err, c.want)
	}
	_, err := ParseCase("")
	require.ErrorContains(t, err, "line 1, column 1: a case begins with")
	_, err = ReadCase(filepath.Join(t.TempDir(), "missing"))
	usageError(t, err, "no such file")
	_, err = ReadCase(t.TempDir())
	usageError(t, err, "is not a regular file")
}

// TestCaseOfItsRun: what a case can't be run with is found before anything runs.
func TestCaseOfItsRun(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"crash tm2", "crash tm3", `line 20, column 40: unknown node "tm3"; there is: jm, tm1, tm2`},
		{"parallelism.default=1", "parallelism.default=3\nset       taskmanager.numberOfTaskSlots=2", "taskmanager.numberOfTaskSlots is 2; it must be at least parallelism.default"},
	} {
		path := write(t, strings.Replace(someCase, c.old, c.new, 1))
		k, err := ReadCase(path)
		require.NoError(t, err)
		_, err = RunCase(k, RunOptions{})
		usageError(t, err, "case "+path, c.want)
	}
}

// runOf prepares a run of a scenario.
func runOf(t *testing.T, o RunOptions) *run {
	t.Helper()
	r, err := prepare(o)
	require.NoError(t, err)
	return r
}

// TestCaseIsTheSameRun: what a seed draws, said explicitly, is the same run, also through
// the text and from its trace; and so it is with its draws written down and nothing else
// drawn.
func TestCaseIsTheSameRun(t *testing.T) {
	for _, s := range All() {
		for i, strategy := range []Strategy{Uniform, Swarm} {
			mode := s.Modes[i%len(s.Modes)]
			r := runOf(t, RunOptions{Scenario: s.Name, Mode: string(mode), Seed: uint64(3 + i), Strategy: strategy, Lines: 40})
			want, _, err := r.execute(unobserved)
			require.NoError(t, err)
			c, err := r.caseOf()
			require.NoError(t, err)
			c.Passes = true
			path := filepath.Join(t.TempDir(), "case")
			require.NoError(t, os.WriteFile(path, []byte(c.String()), 0o644))
			read, err := ReadCase(path)
			require.NoError(t, err)
			rep, err := RunCase(read, RunOptions{Trace: path + ".trace"})
			require.NoError(t, err)
			require.Equal(t, want.TraceHash, rep.TraceHash, "%s %s", s.Name, strategy)
			require.Equal(t, "it passes, as it says", rep.Case)
			p, err := Replay(path + ".trace")
			require.NoError(t, err)
			require.True(t, p.Agreed, p.difference)

			steps := plainSchedule(read)
			require.Len(t, steps, 2, "%s has more than %d draws", s.Name, mostDraws)
			require.NotEmpty(t, steps[1].Draws)
			rep, err = steps[1].report(nil)
			require.NoError(t, err)
			require.Equal(t, want.TraceHash, rep.TraceHash, "%s %s, draws written down", s.Name, strategy)
		}
	}
}

// TestStaleCases: a case that has lost what it was kept for says so.
func TestStaleCases(t *testing.T) {
	c, err := ParseCase(someCase)
	require.NoError(t, err)
	c = c.with(func(d *Case) { d.StopAfter, d.Reaches = 0, nil })
	rep, err := c.report(nil)
	require.NoError(t, err)
	_, as, err := c.judge(rep)
	require.NoError(t, err)
	require.True(t, as)

	run := func(change func(d *Case)) (string, error) {
		path := write(t, c.with(change).String())
		read, err := ReadCase(path)
		require.NoError(t, err)
		rep, err := RunCase(read, RunOptions{})
		require.NotNil(t, rep)
		return rep.Case, err
	}
	lost := func(d *Case) {
		d.Plan[0].Essential, d.Plan[0].When.Nth, d.Reaches = false, 1000, []string{"fault f1"}
	}
	says, err := run(lost)
	var stale *StaleError
	require.ErrorAs(t, err, &stale)
	require.ErrorContains(t, err, `is stale: "fault f1" is not reached any more`)
	require.Equal(t, "it passes, as it says", says)
	require.Equal(t, 1+slices.Index(strings.Split(c.with(lost).String(), "\n"), "reaches   fault f1"), stale.Line)

	_, err = run(func(d *Case) { d.Reaches = []string{"job failed for damage"} })
	require.ErrorAs(t, err, &stale)
	says, err = run(func(d *Case) { d.Passes, d.Fails = false, []Failing{{Oracle: "cut"}} })
	require.NoError(t, err)
	require.Equal(t, "it says that cut objects; it passes", says)
}
