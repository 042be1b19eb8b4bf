package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"
)

// furnishCoverage puts coverage files, whole and damaged ones.
func furnishCoverage(put func(name string, data []byte)) {
	text := func(build string) string {
		body := "weir coverage v1\nbuild\t" + build + "\nlist\tseed 1, strategy swarm, scenarios wordcount\nshard\t1/2\nended\tcomplete\nruns\t5\n" +
			"modes\taligned\tunaligned\nscenario\twordcount\taligned\t5\t0\npoint\tcrash\t3\tn/a\n"
		return body + fmt.Sprintf("end\t%016x\n", xxhash.Sum64String(body))
	}
	a := text("a1")
	put("a.coverage", []byte(a))
	put("b.coverage", []byte(text("b2")))
	put("cut.coverage", []byte(a[:len(a)/2]))
	put("changed.coverage", []byte(strings.Replace(a, "crash\t3", "crash\t4", 1)))
	put("count.coverage", []byte(strings.Replace(a, "crash\t3", "crash\t-3", 1)))
	put("order.coverage", []byte(strings.Replace(a, "runs\t5\n", "", 1)))
}

// covered are the documented fields of a coverage.
type covered struct {
	Points     map[string]map[string]any `json:"points"`
	Hit        int                       `json:"hit"`
	Reachable  int                       `json:"reachable"`
	Runs       int                       `json:"runs"`
	Failures   int                       `json:"failures"`
	ByScenario []struct {
		Scenario string `json:"scenario"`
		Mode     string `json:"mode"`
		Runs     int    `json:"runs"`
		Failures int    `json:"failures"`
	} `json:"by_scenario"`
	Files []struct {
		Path  string `json:"path"`
		Build string `json:"build"`
		List  string `json:"list"`
		Shard string `json:"shard"`
		Ended string `json:"ended"`
		Runs  int    `json:"runs"`
	} `json:"files"`
	Builds []string `json:"builds"`
}

// TestCoverageOfShards: shards that leave their files in one directory or in several
// come together to the sweep that they are parts of.
func TestCoverageOfShards(t *testing.T) {
	workplace(t)
	sweep := func(args ...string) string {
		status, stdout, stderr := simrun(append([]string{"sweep", "wordcount", "--seeds", "7", "--json"}, args...)...)
		require.Equal(t, ok, status, stdout)
		require.Empty(t, stderr)
		return stdout
	}
	var whole swept
	decode(t, sweep("--out", "whole"), &whole)
	sweep("--out", "parts", "--shard", "1/3")
	sweep("--out", "parts", "--shard", "3/3")
	sweep("--out", "more", "--shard", "2/3")
	status, stdout, stderr := simrun("coverage", "parts", "more", "--json", "--html", "page.html")
	require.Equal(t, ok, status, stderr)
	var merged, alone covered
	decode(t, stdout, &merged)
	require.Equal(t, whole.Coverage.Points, merged.Points)
	require.Equal(t, whole.Coverage.Hit, merged.Hit)
	require.Equal(t, whole.Coverage.Reachable, merged.Reachable)
	require.Equal(t, 7, merged.Runs)
	require.Len(t, merged.Files, 3)
	status, stdout, _ = simrun("coverage", "whole", "--json")
	require.Equal(t, ok, status)
	decode(t, stdout, &alone)
	require.Equal(t, alone.ByScenario, merged.ByScenario)
	status, _, stderr = simrun("coverage", "parts", "whole")
	require.Equal(t, badUsage, status)
	require.Equal(t, "simrun: "+filepath.Join("parts", "seed-1-shard-1-of-3.coverage")+" and "+filepath.Join("whole", "seed-1.coverage")+
		" both have run 1 of the list of seed 1, strategy portfolio, scenarios wordcount; leave one out, or it counts twice\n", stderr)

	page, err := os.ReadFile("page.html")
	require.NoError(t, err)
	for _, part := range []string{"prefers-color-scheme: dark", "<td>restore of a checkpoint<br>", `<td class="na">n/a</td>`, "7 runs in 3 files"} {
		require.Contains(t, string(page), part)
	}
	for _, part := range []string{"http:", "https:", "src=", "href="} {
		require.NotContains(t, string(page), part, "it needs nothing else")
	}
}

func TestCoverageText(t *testing.T) {
	t.Chdir(t.TempDir())
	furnishCoverage(func(name string, data []byte) { require.NoError(t, os.WriteFile(name, data, 0o644)) })
	status, stdout, stderr := simrun("coverage", "a.coverage", "b.coverage", "--any-build")
	require.Equal(t, ok, status, stderr)
	require.Equal(t, `coverage  10 runs in 2 files, 0 failures, of 2 builds, 1 of 1 reached

              shard  runs     ended
  a.coverage    1/2     5  complete
  b.coverage    1/2     5  complete

                     runs  failures
  wordcount aligned    10         0

reached, in runs by mode
         aligned  unaligned
  crash        6        n/a
`, stdout)
}
