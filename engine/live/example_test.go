package live_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/connect/file"
	"github.com/weirstream/weir/engine/live"
)

// count is a word and how often it has been seen.
type count = codec.Pair[string, uint64]

// wordCount reads lines from the file "input" and writes each new count of each
// word to the directory "out".
func wordCount(j *engine.Job) {
	counts := engine.WithCodec(codec.PairOf[string, uint64](codec.String{}, codec.Uint64{}))
	lines := engine.FromSource(j, "lines", file.Lines("input"))
	ones := engine.FlatMap(lines, "words", func(line string, emit func(count)) {
		for _, w := range strings.Fields(line) {
			emit(count{First: w, Second: 1})
		}
	}, counts)
	byWord := engine.KeyBy(ones, func(c count) string { return c.First })
	sums := engine.Reduce(byWord, "count", func(acc, c count) count {
		return count{First: acc.First, Second: acc.Second + c.Second}
	})
	text := engine.Map(sums, "text", func(c count) string {
		return fmt.Sprintf("%s %d", c.First, c.Second)
	})
	engine.ToSink(text, "sink", file.Sink("out", file.Line))
}

// A job over the files of one directory. Started again on the same directory after
// its process was killed, it goes on from the last completed checkpoint.
func Example() {
	dir, err := os.MkdirTemp("", "weir-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "input"), []byte("to be or not to be\n"), 0o644); err != nil {
		log.Fatal(err)
	}

	files, err := live.OpenFS(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	config := engine.DefaultConfig()
	config.Name = "wordcount"
	if err := live.RunJob(live.JobOptions{Config: config, Job: wordCount, FS: files}); err != nil {
		log.Fatal(err)
	}

	parts, err := file.ReadCommitted(files, "out", "sink")
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range parts {
		for _, line := range p.Lines {
			fmt.Println(line)
		}
	}
	// Output:
	// to 1
	// be 1
	// or 1
	// not 1
	// to 2
	// be 2
}
