package scenarios

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMain lets the test binary be the live child that Live starts, or a trial's process.
func TestMain(m *testing.M) {
	if IsTrial() {
		os.Exit(Trial())
	}
	if IsLiveChild() {
		os.Exit(LiveChild())
	}
	os.Exit(m.Run())
}

var bothModes = []Mode{Aligned, Unaligned}

// write makes a file in a directory of the test's own.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "input")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// prose is some lines of a few dozen words, always the same.
func prose(lines int) string {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for range lines {
		for range 1 + r.IntN(12) {
			fmt.Fprintf(&b, "%c%c%s ", 'A'+r.IntN(7), 'a'+r.IntN(5), []string{"", "x", "ion", "'s"}[r.IntN(4)])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// counted is what --output must hold for a text, counted without any of Weir.
func counted(text string) string {
	counts := map[string]int{}
	for _, w := range strings.FieldsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		counts[strings.ToLower(w)]++
	}
	var lines []string
	for w, n := range counts { // unordered: sorted below
		lines = append(lines, fmt.Sprintf("%s\t%d\n", w, n))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// simulate runs in the simulator; what fails is kept in the test's directory.
func simulate(t *testing.T, o RunOptions) *Report {
	t.Helper()
	o.Scenario, o.Failures = "wordcount", t.TempDir()
	if o.Mode == "" {
		o.Mode = string(Aligned)
	}
	r, err := Run(o)
	require.NoError(t, err)
	return r
}

// passes runs in the simulator and compares the output with a count of the text.
func passes(t *testing.T, text string, o RunOptions) *Report {
	t.Helper()
	o.Output = filepath.Join(t.TempDir(), "output")
	r := simulate(t, o)
	require.Equal(t, Pass, r.Verdict, "%s", r.Text())
	got, err := os.ReadFile(o.Output)
	require.NoError(t, err)
	require.Equal(t, counted(text), string(got), "seed %d, %s", o.Seed, o.Mode)
	return r
}

// usageError requires that Run or the like refuse what was asked.
func usageError(t *testing.T, err error, parts ...string) {
	t.Helper()
	var u *UsageError
	require.ErrorAs(t, err, &u)
	for _, p := range parts {
		require.ErrorContains(t, err, p)
	}
}
