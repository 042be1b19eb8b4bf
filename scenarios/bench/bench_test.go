package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/scenarios"
)

// rows is every figure of each benchmark.
var rows = map[string][]string{
	"world":    {"world/10", "world/10/allocs", "world/100", "world/100/allocs", "world/1000", "world/1000/allocs", "world/10000", "world/10000/allocs"},
	"fresh":    {"fresh/world", "fresh/cluster"},
	"engine":   {"engine/event", "engine/unjudged"},
	"standard": {"standard"},
	"idle":     {"idle"},
	"trace":    {"trace"},
	"live":     {"live", "live/rate", "live/processor", "live/batched", "live/loop"},
	"snapshot": {"snapshot/pause", "snapshot/pause-without", "snapshot/rate"},
	"slow-consumer": {
		"slow-consumer/unaligned/1", "slow-consumer/unaligned/10", "slow-consumer/unaligned/100", "slow-consumer/unaligned/100/quantum=16",
		"slow-consumer/aligned/1", "slow-consumer/aligned/10", "slow-consumer/aligned/100",
	},
	"thin-link": {
		"thin-link/unaligned/1", "thin-link/unaligned/4", "thin-link/unaligned/16",
		"thin-link/aligned/1", "thin-link/aligned/4", "thin-link/aligned/16",
	},
	"subtasks": {"subtasks/memory", "subtasks/event"},
}

// informative are the figures without a budget: they are there to be compared with.
var informative = []string{
	"engine/unjudged", "live/loop", "live/processor", "snapshot/pause-without", "slow-consumer/unaligned/1", "slow-consumer/aligned/1", "slow-consumer/aligned/10",
	"slow-consumer/aligned/100", "thin-link/aligned/1", "thin-link/aligned/4", "thin-link/aligned/16",
}

// TestRows: each benchmark gives its figures, each with what it is compared to. No
// timing is asserted.
func TestRows(t *testing.T) {
	require.Len(t, rows, len(benchmarks()))
	for _, b := range benchmarks() {
		t.Run(b.name, func(t *testing.T) {
			var log bytes.Buffer
			r, err := Run(Options{Names: []string{b.name}, Quick: true, Log: &log})
			require.NoError(t, err)
			require.Contains(t, log.String(), b.name)
			var got []string
			for _, x := range r.Results {
				got = append(got, x.Name)
				require.Positive(t, len(x.Unit), x.Name)
				require.Contains(t, x.ComparedTo, x.Unit, x.Name)
				require.GreaterOrEqual(t, x.Value, 0.0, x.Name)
				require.False(t, math.IsNaN(x.Ratio) || math.IsInf(x.Ratio, 0), x.Name)
				require.Equal(t, x.Budget == "", x.Met == nil, x.Name)
				require.Contains(t, r.Text(), x.Name)
				if x.Unit != "allocs/event" && !strings.HasPrefix(x.Name, "snapshot/pause") {
					require.Positive(t, x.Value, x.Name)
				}
				if x.Met == nil {
					require.Contains(t, informative, x.Name)
				} else {
					require.NotContains(t, informative, x.Name)
				}
			}
			require.Equal(t, rows[b.name], got)
		})
	}
}

func TestJSON(t *testing.T) {
	r, err := Run(Options{Names: []string{"fresh", "thin-link"}, Quick: true})
	require.NoError(t, err)
	text, err := json.Marshal(r)
	require.NoError(t, err)
	var top map[string][]map[string]any
	require.NoError(t, json.Unmarshal(text, &top))
	require.Len(t, top, 1)
	require.Len(t, top["results"], 8)
	for _, x := range top["results"] {
		for _, field := range []string{"name", "value", "unit", "compared_to", "ratio"} {
			require.Contains(t, x, field)
		}
	}
	require.Equal(t, "fresh/world", top["results"][0]["name"])
	require.IsType(t, true, top["results"][0]["met"])
	require.NotContains(t, top["results"][5], "met", "what has no budget says nothing of one")
}

// TestVirtualFiguresRepeat: what is measured in virtual time is a function of the job.
func TestVirtualFiguresRepeat(t *testing.T) {
	o := Options{Names: []string{"thin-link", "slow-consumer"}, Quick: true}
	a, err := Run(o)
	require.NoError(t, err)
	b, err := Run(o)
	require.NoError(t, err)
	require.Equal(t, a, b)
}

func TestBudgets(t *testing.T) {
	met := func(r Result) bool { return *r.Met }
	require.True(t, met(within("x", 100, "ns", 100)))
	require.False(t, met(within("x", 100.1, "ns", 100)))
	require.True(t, met(over("x", 100, "runs/s", 100)))
	require.False(t, met(over("x", 99, "runs/s", 100)))
	require.True(t, met(figure("x", 6, "M/s", "by hand", 10).atLeast(0.6)))
	require.False(t, met(figure("x", 5.9, "M/s", "by hand", 10).atLeast(0.6)))
	require.True(t, met(figure("x", 12, "ms", "without", 10).atMost(1.2)))
	require.False(t, met(figure("x", 12.1, "ms", "without", 10).atMost(1.2)))
	require.Equal(t, Result{
		Name: "x", Value: 0.3333, Unit: "ms", ComparedTo: "without, 2 ms", Ratio: 0.1667,
	}, figure("x", 1.0/3, "ms", "without", 2))
	require.Equal(t, 3.0, figure("x", 3, "allocs", "the budget", 0).Ratio)
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Names: []string{"nope"}}, `unknown benchmark "nope"; there is: world, fresh, engine, standard, idle, trace, live, snapshot, slow-consumer, thin-link, subtasks`},
		{Options{Names: []string{"fresh", "nope"}}, `unknown benchmark "nope"`},
		{Options{Names: []string{"fresh", "idle", "fresh"}}, `benchmark "fresh" is named twice`},
		{Options{Names: []string{"fresh"}, Profile: file}, "--profile " + file + " is not a directory; name one, or what may become one"},
		{Options{Names: []string{"fresh"}, Profile: filepath.Join(dir, "a", "b")}, "no such file or directory; name a directory, or what may become one"},
		{Options{Names: []string{"fresh"}, Profile: filepath.Join(file, "b")}, "not a directory"},
	} {
		c.o.Quick = true
		r, err := Run(c.o)
		require.Nil(t, r)
		var u *scenarios.UsageError
		require.True(t, errors.As(err, &u), "%v", err)
		require.ErrorContains(t, err, c.want)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "what is refused leaves nothing behind")
}

func TestProfile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "profiles")
	_, err := Run(Options{Names: []string{"fresh", "world"}, Profile: dir, Quick: true})
	require.NoError(t, err)
	for _, name := range []string{"fresh.pprof", "world.pprof"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(data, []byte{0x1f, 0x8b}), "a profile is compressed")
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 2)
}

// TestMissed: whoever misses a budget is told where to look.
func TestMissed(t *testing.T) {
	miss := benchmark{name: "late", run: func(s *session) error {
		s.add(within("late", 2, "s", 1))
		return nil
	}}
	measure := func(dir string) string {
		var log bytes.Buffer
		s := &session{log: &log}
		require.NoError(t, s.measure(miss, &profiler{dir: dir}))
		return log.String()
	}
	require.Contains(t, measure(""), "simrun bench late --profile DIR")
	require.Contains(t, measure(t.TempDir()), "Type: cpu", "the profile's top")

	failing := benchmark{name: "broken", run: func(*session) error { return errors.New("no luck") }}
	dir := t.TempDir()
	require.EqualError(t, (&session{}).measure(failing, &profiler{dir: dir}), "broken: no luck")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries, "what failed leaves no profile")
}

func TestList(t *testing.T) {
	text := List().Text()
	for name := range rows { // unordered: each is looked for by itself
		require.Contains(t, text, name+" ")
	}
}

// TestSourceGoesOn: a reader goes on where a split says, and hands out the same.
func TestSourceGoesOn(t *testing.T) {
	for _, source := range []numbers{{keys: 50, each: 40}, {keys: 50, each: 40, fill: true}} {
		splits, err := source.Splits(nil, 3)
		require.NoError(t, err)
		read := func(from connect.Split) (all []uint64, middle connect.Split) {
			r := source.Reader()
			require.NoError(t, r.Open([]connect.Split{from}))
			for {
				_, status := r.Emit(7, func(v uint64, _ int64) bool { all = append(all, v); return true })
				if len(all) == 21 {
					middle = r.Snapshot()[0]
				}
				if status != connect.Ready {
					return all, middle
				}
			}
		}
		whole, middle := read(splits[1])
		require.Len(t, whole, 40)
		rest, _ := read(middle)
		require.Equal(t, whole[21:], rest)
	}
}
