package vet

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// module makes a module of files in a directory of the test's own.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files { // unordered: each its own file
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

// small is a module with a stand-in for the engine, which needs little of the standard
// library to be checked.
var small = map[string]string{
	"go.mod": "module github.com/weirstream/weir\n\ngo 1.26\n",
	"engine/engine.go": `package engine

type Stream[T any] struct{}

func Map[T, U any](s Stream[T], uid string, f func(v T) U) {}
`,
	"stamp/stamp.go": `package stamp

import "time"

func Stamp() int64 { return time.Now().UnixNano() }
`,
	"job/job.go": `package job

import (
	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/stamp"
)

func job(s engine.Stream[int64]) {
	engine.Map(s, "m", func(v int64) int64 { return v + stamp.Stamp() })
	engine.Map(s, "n", func(v int64) int64 { return v + stamp.Stamp() }) //weir:allow why not
}
`,
	"job/job_test.go": `package job

import "github.com/weirstream/weir/engine"

var n int64

func testing(s engine.Stream[int64]) {
	engine.Map(s, "t", func(v int64) int64 { n++; return v })
}
`,
	"job/more_test.go": `package job_test

import (
	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/stamp"
)

func testing(s engine.Stream[int64]) {
	engine.Map(s, "x", func(v int64) int64 { return stamp.Stamp() })
}
`,
}

const (
	inJob  = "job/job.go:9:60: clock: uses stamp.Stamp, which uses time.Now (stamp.go:5) in the function of Map \"m\": a replay sees another time; use the record's timestamp, ctx.ProcessingTime or a timer"
	inTest = "job/job_test.go:8:43: captured: writes n in the function of Map \"t\": it outlives an attempt, is shared by tasks, and after a restore is not what it was; keep it in state, such as a ValueState"
	beyond = "job/more_test.go:9:56: clock: uses stamp.Stamp, which uses time.Now (stamp.go:5) in the function of Map \"x\": a replay sees another time; use the record's timestamp, ctx.ProcessingTime or a timer"
)

// TestRun: packages, and what tests in and beside them do, each once.
func TestRun(t *testing.T) {
	dir := module(t, small)
	r, err := Run(dir, []string{"./job"})
	require.NoError(t, err)
	require.Equal(t, inJob+"\n"+inTest+"\n"+beyond+"\n", r.Text(false))
	require.Contains(t, r.Text(true), `time.Now (stamp.go:5) in the function of Map "n"`)
	require.Contains(t, r.Text(true), "(allowed: why not)\n")
	require.Equal(t, "1 packages, 4 functions of operators, 3 functions that build jobs: 3 findings, 1 allowed", r.Summary())

	// What helps a job is not judged by itself, nor is the engine.
	r, err = Run(dir, []string{"./stamp", "./engine"})
	require.NoError(t, err)
	require.Empty(t, r.Findings)
	require.Equal(t, 2, r.Packages)
}

func TestRunRefuses(t *testing.T) {
	files := map[string]string{
		"go.mod": "module m\n\ngo 1.26\n", "ill/x.go": "package ill\n\nfunc f() { g() }\n", "cycle/x.go": "package cycle\n\nimport _ \"m/cycle\"\n",
		"lost/x.go": "package lost\n\nimport _ \"m/absent\"\n",
	}
	dir := module(t, files)
	for pattern, text := range map[string]string{ // unordered: each by itself
		"./none": "directory not found; name packages as for go vet", "./none/...": "no such file or directory; name packages",
		"./ill": "ill/x.go:3:12: undefined: g", "./cycle": "import cycle", "./lost": "m/absent",
	} {
		_, err := Run(dir, []string{pattern})
		require.ErrorContains(t, err, text, pattern)
		require.NotContains(t, err.Error(), "\n")
	}
}

// TestToolOfGoVet: go vet -vettool finds the same, by facts that it keeps in files.
func TestToolOfGoVet(t *testing.T) {
	dir := module(t, small)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command("go", "vet", "-vettool="+self, "./job")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	for _, line := range []string{inJob, inTest, beyond} {
		require.Contains(t, string(out), line+"\n")
	}
	require.NotContains(t, string(out), `"n"`, "it is excused")
}

func TestIsTool(t *testing.T) {
	for _, args := range [][]string{{"-V=full"}, {"-flags"}, {"vet.cfg"}, {"-json", "x/vet.cfg"}} {
		require.True(t, IsTool(args), "%q", args)
	}
	for _, args := range [][]string{{}, {"vet", "x.cfg"}, {"replay", "x.cfg"}, {"--json"}, {"-V=full", "x"}, {"run", "wordcount"}, {"-o=x.cfg"}} {
		require.False(t, IsTool(args), "%q", args)
	}
}
