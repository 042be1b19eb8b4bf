package main

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden file with the messages of this run")

const small = " --input input"

// refused is what must be refused, a command line each.
var refused = []string{
	// Commands, and what they need.
	`bogus`, `shrink`, `shrink missing`, `shrink input`, `shrink run.trace`, `shrink cut.trace`, `shrink failed.trace --budget 0s`, `shrink failed.trace --budget x`, `shrink failed.trace --out dir`,
	`shrink failed.trace --out failed.trace`, `shrink failed.trace --out missing/case.txt`, `shrink failed.trace --out=`, `shrink failed.trace --seed 2`, `mutants nope`, `mutants --budget x`, `mutants --budget=0s`, `mutants --budget`, `mutants --lisst`, `mutants --list --matrix`,
	`mutants --strategy pos`, `mutants --trials 0`, `mutants --trials 2 --list`, `mutants --trials 2 --matrix`, `mutants --trials 2 --out kills`,
	`mutants --trials 2 --strategy pct`, `mutants --trials 2 --strategy pos --strategy pos`, `mutants nope --trials 2`, `run wordcount --go-on=maybe`,
	`--json`, `--version`,
	`run`, `live`, `replay`, `run --json`, `list more`, `run wordcount more`, `replay run.trace more`,
	`run nope`, `live nope`, `run wordcount --mode sideways`, `live wordcount --mode timeouts`, `run wordcount --mode=`,

	// Options of other commands, and of later releases.
	`run wordcount --html out.html`, `replay run.trace --seed 2`,
	`live wordcount --seed 2`, `live wordcount --trace t`, `run wordcount --kills 2`, `run wordcount --sead 2`, `run wordcount -x`,

	// Sweeps.
	`sweep nope`, `sweep wordcount wordcount`, `sweep --strategy pct`, `sweep --strategy crash`, `sweep --strategy=`,
	`run wordcount --strategy pct`, `sweep --mode aligned`, `sweep --input input`, `sweep --out input`, `sweep --out=`, `sweep --set a=b`,

	// Coverage of sweeps.
	`coverage`, `coverage missing`, `coverage dir`, `coverage input`, `coverage empty`, `coverage a.coverage --html dir`, `coverage a.coverage --html missing/x`,
	`coverage a.coverage --html=`, `coverage a.coverage --html ./a.coverage`, `coverage a.coverage a.coverage`, `coverage a.coverage b.coverage`, `coverage cut.coverage`, `coverage changed.coverage`,
	`coverage count.coverage`, `coverage order.coverage`, `coverage --nope`,

	// Benchmarks.
	`bench nope`, `bench fresh nope`, `bench fresh fresh`, `bench fresh --profile input`, `bench fresh --profile missing/dir`, `bench fresh --profile=`,
	`bench --profile`, `bench --list fresh`, `bench --list --profile profiles`, `bench --seed 2`, `bench --quick`,

	// The model of the protocol.
	`explore nope`, `explore --mode sideways`, `explore --mode=`, `explore --records 0`, `explore --records 5`, `explore --records x`, `explore --records`,
	`explore --checkpoints 3`, `explore --crashes 2`, `explore --aborts -1`, `explore --bug nope`, `explore --bug=`, `explore --memory 5`, `explore --memory 4GiB`,
	`explore --memory=`, `explore --list --bug no-alignment`, `explore --list --mode aligned`, `explore --seed 2`, `run wordcount --memory 5000000`,

	// Vet.
	`vet`, `vet --allow`, `vet ./missing`, `vet ./dir`, `vet ./dir/...`, `vet ./ill`, `vet ./ill-typed`, `vet --json`,

	// Numbers.
	`run wordcount --seed x`, `run wordcount --seed -1`, `run wordcount --seed=-1`, `run wordcount --seed 1.5`,
	`run wordcount --seed 18446744073709551616`, `run wordcount --seed=`, `run wordcount --seed`,
	`live wordcount --kills -1`, `live wordcount --kills=-1`, `live wordcount --kills x`, `live wordcount --kills 1000001`,
	`run wordcount --lines 0`, `run wordcount --lines -1`, `run wordcount --lines x`,
	`sweep --seeds 0`, `sweep --seeds -1`, `sweep --seeds x`, `sweep --seeds 1000001`, `sweep --seed x`, `sweep --jobs 0`, `sweep --jobs x`,
	`sweep --for soon`, `sweep --for 0s`, `sweep --for -1s`, `sweep --for 10`, `sweep --for 1s --seeds 5`,
	`sweep --out input/out`, `sweep --resume`, `sweep --resume --out missing`, `sweep --resume --out dir`, `sweep --shard 0/2`, `sweep --shard 3/2`, `sweep --seeds 3 --shard 4/4`, `sweep --shard 1`, `sweep --shard 1/x`, `sweep --shard 1/0`, `sweep --shard=`,
	`run wordcount --stop-after -1`, `run wordcount --stop-after x`, `replay run.trace --around -1`, `run wordcount --json=maybe`,

	// Plans.
	`run wordcount --plan missing`, `run wordcount --plan dir`, `run wordcount --plan=`, `live wordcount --plan input`, `run wordcount --plan input`,
	`run wordcount --plan no-node.plan`, `run wordcount --plan no-event.plan`, `run wordcount --plan no-operator.plan`, `run wordcount --plan no-damage.plan`,
	`run wordcount --plan no-end.plan`, `run wordcount --plan no-event.plan --trace no-event.plan`,

	// Cases.
	`run --case missing`, `run --case dir`, `run --case input`, `run --case=`, `run wordcount --case good.case`, `run --case good.case --seed 1`,
	`run --case good.case --plan no-node.plan`, `run --case good.case --set parallelism.default=1`, `run --case no-node.case`, `run --case no-key.case`,
	`run --case no-mutant.case`, `run --case stale.case`, `run --case good.case --trace good.case`, `run --case good.case --output dir`, `live --case good.case`,

	// Settings.
	`run wordcount --set execution.checkpointing.intervall=10s`, `run wordcount --set nonsense=1`, `run wordcount --set =5`,
	`run wordcount --set execution.checkpointing.interval`, `run wordcount --set=`, `run wordcount --set`, `live wordcount --set =5`,
	`run wordcount --set execution.checkpointing.interval=soon`, `run wordcount --set execution.checkpointing.interval=9ms`,
	`run wordcount --set execution.checkpointing.interval=-1s`, `run wordcount --set execution.checkpointing.interval=`,
	`run wordcount --set execution.checkpointing.timeout=9ms`, `live wordcount --set execution.checkpointing.timeout=0s`,
	`run wordcount --set parallelism.default=0`, `live wordcount --set parallelism.default=0`, `run wordcount --set parallelism.default=two`,
	`run wordcount --set parallelism.default=99999`, `run wordcount --set pipeline.max-parallelism=1`,
	`run wordcount --set execution.checkpointing.unaligned.enabled=yes`, `run wordcount --set execution.checkpointing.unaligned.enabled=true`,
	`live wordcount --mode unaligned --set execution.checkpointing.unaligned.enabled=false`,
	`run wordcount --set execution.checkpointing.aligned-checkpoint-timeout=1s`,
	`run wordcount --mode unaligned --set execution.checkpointing.aligned-checkpoint-timeout=1s`,
	`live wordcount --mode timeout --set execution.checkpointing.aligned-checkpoint-timeout=0s`,
	`run wordcount --mode timeout --set execution.checkpointing.aligned-checkpoint-timeout=1.5ms`,
	`run wordcount --mode timeout --set execution.checkpointing.unaligned.enabled=false`,
	`run wordcount --set taskmanager.numberOfTaskSlots=1`, `run wordcount --set heartbeat.timeout=60ms`,
	`run wordcount --set execution.checkpointing.dir=`,
	`run wordcount --set execution.checkpointing.tolerable-failed-checkpoints=-1`, `live wordcount --set execution.checkpointing.tolerable-failed-checkpoints=2147483648`,
	`run wordcount --set execution.checkpointing.tolerable-failed-checkpoints=any`,
	`run wordcount --set execution.checkpointing.min-pause=-1s`, `live wordcount --set execution.checkpointing.min-pause=5`,
	`run wordcount --set execution.checkpointing.max-concurrent-checkpoints=2`, `run wordcount --mode unaligned --set execution.checkpointing.max-concurrent-checkpoints=2`,
	`live wordcount --set execution.checkpointing.max-concurrent-checkpoints=0`,

	// Files.
	`run wordcount --input missing`, `run wordcount --input dir`, `run wordcount --input=`, `run wordcount --input`,
	`live wordcount --input missing`, `live wordcount --input dir`,
	`run wordcount --output dir` + small, `run wordcount --output missing/out` + small, `run wordcount --output input/out` + small,
	`run wordcount --output=` + small, `run wordcount --output input` + small, `run wordcount --output /dev/null` + small,
	`run wordcount --output link` + small, `live wordcount --output dir` + small, `live wordcount --output missing/out` + small,
	`live wordcount --output input` + small,
	`run wordcount --trace dir` + small, `run wordcount --trace missing/t` + small, `run wordcount --trace=` + small,
	`run wordcount --history dir` + small, `run wordcount --history missing/h.html` + small, `run wordcount --history=` + small,
	`run wordcount --history same --trace ./same` + small, `live wordcount --history h.html` + small, `sweep --history h.html`,
	`run wordcount --trace same --output ./same` + small, `run wordcount --trace t --set pipeline.max-parallelism=1` + small,
	`run wordcount --from missing` + small, `run wordcount --from input` + small, `run wordcount --from dir` + small,
	`run wordcount --from unfinished` + small, `run wordcount --from unfinished/checkpoints` + small,
	`run wordcount --from unfinished/checkpoints/chk-3` + small, `run wordcount --from unfinished/checkpoints/chk-4` + small,
	`run wordcount --from=` + small,
	`live wordcount --from missing` + small, `live wordcount --from unfinished --dir job` + small, `live wordcount --from dir` + small,
	`run wordcount --dir unfinished` + small, `run wordcount --dir input` + small, `run wordcount --dir missing/job` + small,
	`live wordcount --dir unfinished` + small, `live wordcount --dir input` + small, `live wordcount --dir=` + small,

	// Traces.
	`replay missing`, `replay dir`, `replay empty`, `replay input`, `replay cut.trace`, `replay flipped.trace`, `replay longer.trace`,
	`replay version2.trace`, `replay other-input.trace`, `replay no-input.trace`, `replay`, `replay run.trace --around x`,
	`replay run.trace --causes 999999999`, `replay run.trace --causes x`, `replay run.trace --from-event 9 --to-event 8`, `replay run.trace --to-event -1`,
	`replay run.trace --node tm77`, `replay run.trace --node=`, `replay run.trace --checkpoint 1000000`, `replay run.trace --checkpoint x`,
	`replay run.trace --fault f77`, `replay run.trace --fault=`, `replay run.trace --no-run --node tm77`, `replay missing --no-run`,
	`replay run.trace --html dir`, `replay run.trace --html missing/run.html`, `replay run.trace --html=`, `replay run.trace --html link`,
	`replay run.trace --html run.trace`, `replay run.trace --no-run --html ./run.trace`, `replay run.trace --html /dev/null`,
	`replay run.trace --html input/run.html`, `replay run.trace --no-run --html run.html --from-event 99999999`, `replay cut.trace --no-run --html run.html`,
}

// furnish fills the current directory with what the command lines name.
func furnish(t *testing.T) {
	t.Helper()
	put := func(name string, data []byte) { require.NoError(t, os.WriteFile(name, data, 0o644)) }
	put("input", []byte("some words\nsome more\n"))
	put("empty", nil)
	put("changed", []byte("before\n"))
	put("gone", []byte("before\n"))
	put("no-node.plan", []byte("# a plan\nf1 on completed#2  crash tm9 process for=1s\n"))
	put("no-event.plan", []byte("f1 on complete#2  crash tm1 process for=1s\n"))
	put("no-operator.plan", []byte("f1 from the start  slow nobody by=200%\n"))
	put("no-damage.plan", []byte("f1 on completed#2  damage newest bit-flip\n"))
	put("no-end.plan", []byte("f1 on completed#2  partition jm|tm1\n"))
	good := "weir case v1\nscenario wordcount\nmode aligned\nworld workers=2\nrecord \"some words\"\nfault f1 on completed#1  crash tm2 process for=1s\npasses\n"
	put("good.case", []byte(good))
	put("no-node.case", []byte(strings.Replace(good, "tm2", "tm3", 1)))
	put("no-key.case", []byte(strings.Replace(good, "world", "worlds", 1)))
	put("no-mutant.case", []byte(strings.Replace(good, "passes", "fails output with nobody", 1)))
	put("stale.case", []byte(strings.Replace(good, "completed#1", "completed#1000", 1)+"reaches fault f1\n"))
	require.NoError(t, os.Symlink("input", "link"))
	require.NoError(t, os.MkdirAll("dir", 0o755))
	require.NoError(t, os.MkdirAll("unfinished/checkpoints/chk-3", 0o755))
	put("go.mod", []byte("module m\n\ngo 1.26\n"))
	for name, text := range map[string]string{"ill": "package ill\n\nfunc f( {}\n", "ill-typed": "package typed\n\nvar x int = \"x\"\n\nvar y = z\n"} { // unordered: each its own file
		require.NoError(t, os.Mkdir(name, 0o755))
		put(name+"/x.go", []byte(text))
	}
	for _, c := range [][2]string{{"input", "run"}, {"changed", "other-input"}, {"gone", "no-input"}} {
		status, _, stderr := simrun("run", "wordcount", "--input", c[0], "--trace", c[1]+".trace")
		require.Equal(t, ok, status, stderr)
	}
	status, _, _ := simrun("run", "wordcount", "--input", "input", "--set", "restart-strategy.fixed-delay.attempts=0", "--trace", "failed.trace", "--out", "failures")
	require.Equal(t, broken, status)
	require.NoError(t, os.RemoveAll("failures"))
	put("changed", []byte("after it\n"))
	require.NoError(t, os.Remove("gone"))
	furnishCoverage(put)
	trace, err := os.ReadFile("run.trace")
	require.NoError(t, err)
	put("cut.trace", trace[:len(trace)/2])
	put("longer.trace", append(bytes.Clone(trace), 'x'))
	put("version2.trace", bytes.Replace(trace, []byte("weir trace v1\n"), []byte("weir trace v2\n"), 1))
	trace[len(trace)/2] ^= 4
	put("flipped.trace", trace)
}

// simrun runs a command line in this process.
func simrun(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(args, &out, &err)
	return status, out.String(), err.String()
}

// tree is every file below a directory with its contents.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		files[path] = d.Type().String()
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			files[path] += string(data)
			return err
		}
		return nil
	}))
	return files
}

// varies is what depends on the toolchain or the build, in a trace's damage.
var varies = regexp.MustCompile(`\b[0-9a-f]{16}\b|at byte [0-9]+|[0-9]+ are left|a section of [0-9]+ bytes`)

// TestRefused: bad usage is one line, says what, where and what would be right, and
// leaves nothing behind.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	require.NoError(t, os.Mkdir("tmp", 0o755))
	t.Setenv("TMPDIR", filepath.Join(dir, "tmp"))
	furnish(t)
	before := tree(t, dir)
	var golden strings.Builder
	for _, line := range refused {
		status, stdout, stderr := simrun(strings.Fields(line)...)
		require.Equal(t, badUsage, status, "%s: %s", line, stderr)
		require.Empty(t, stdout, line)
		require.True(t, strings.HasPrefix(stderr, "simrun: "), "%s: %s", line, stderr)
		require.Equal(t, strings.Index(stderr, "\n"), len(stderr)-1, "%s: %q", line, stderr)
		require.Equal(t, before, tree(t, dir), line)
		stderr = varies.ReplaceAllString(strings.ReplaceAll(stderr, dir, "DIR"), "*")
		golden.WriteString("$ simrun " + line + "\n" + stderr + "\n")
	}
	compare(t, golden.String())
}

func compare(t *testing.T, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(goldenPath, []byte(got), 0o644))
	}
	want, err := os.ReadFile(goldenPath)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run with -update, and read the diff, if the new messages are right")
}

// goldenPath is absolute, since the test works in another directory.
var goldenPath = func() string {
	path, err := filepath.Abs(filepath.Join("testdata", "refused.txt"))
	if err != nil {
		panic(err)
	}
	return path
}()

// TestEmptyArguments: strings.Fields can't make an empty argument.
func TestEmptyArguments(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"run", "wordcount", "--set", ""}, "simrun: --set \"\" is not of the form key=value\n"},
		{[]string{"run", "wordcount", "--set", "parallelism.default=2", "--set", ""}, "simrun: --set \"\" is not of the form key=value\n"},
		{[]string{"run", ""}, "simrun: run needs the name of a scenario, or --case FILE; there is: allround, bad-disk, damaged-checkpoint, rebalance-broadcast, timers, two-inputs, wordcount\n"},
		{[]string{""}, "simrun: unknown command \"\"; the commands are list, run, sweep, coverage, replay, shrink, mutants, explore, live, bench, vet\n"},
		{[]string{"run", "wordcount", "--from", ""}, "simrun: --from: it is empty; name a path, or leave the flag out\n"},
		{[]string{"run", "two\nlines"}, "simrun: unknown scenario \"two\\nlines\"; there is: allround, bad-disk, damaged-checkpoint, rebalance-broadcast, timers, two-inputs, wordcount\n"},
		{[]string{"run", "wordcount", "--input", "two\nlines"}, "simrun: --input two lines: no such file or directory; name a file that can be read\n"},
	} {
		status, stdout, stderr := simrun(c.args...)
		require.Equal(t, badUsage, status, "%q", c.args)
		require.Empty(t, stdout)
		require.Equal(t, c.want, stderr, "%q", c.args)
	}
}

func TestUnreadableInput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "input")
	require.NoError(t, os.WriteFile(path, []byte("a\n"), 0))
	if f, err := os.Open(path); err == nil {
		require.NoError(t, f.Close())
		t.Skip("this user may read every file")
	}
	status, stdout, stderr := simrun("run", "wordcount", "--input", path)
	require.Equal(t, badUsage, status)
	require.Empty(t, stdout)
	require.Equal(t, "simrun: --input "+path+": permission denied\n", stderr)
}
