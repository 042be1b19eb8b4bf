package scenarios

import (
	"strconv"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/connect/file"
)

// canary is wordcount done wrong: it counts in a variable that no checkpoint holds.
// It must fail whenever a checkpoint is restored, or the oracles see nothing.
func canary() *Scenario {
	s := wordcount()
	s.Name = "canary"
	s.Promise = "none can be kept: counts are in a variable outside of state"
	s.Canary, s.CutContent = true, false // its output hangs on what no checkpoint has
	s.Job = canaryJob
	return s
}

func canaryJob(pace Pace) func(*engine.Job) {
	return func(j *engine.Job) {
		src := file.Lines(InputFile)
		if pace != nil {
			src = connect.Held(src, pace)
		}
		counts := engine.WithCodec(codec.PairOf[string, uint64](codec.String{}, codec.Uint64{}))
		lines := engine.FromSource(j, "lines", src)
		ones := engine.FlatMap(lines, "words", func(line string, emit func(Count)) {
			for w := range words(line) {
				emit(Count{First: w, Second: 1})
			}
		}, counts)
		seen := map[string]uint64{} // of one task, lost with it
		count := engine.Reduce(engine.KeyBy(ones, func(c Count) string { return c.First }), "count",
			func(_, c Count) Count { return c })
		text := engine.Map(count, "text", func(c Count) string {
			seen[c.First] += c.Second //weir:allow it must fail
			return c.First + "\t" + strconv.FormatUint(seen[c.First], 10)
		})
		engine.ToSink(text, SinkUID, file.Sink(OutputDir, file.Line))
	}
}
