package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/connect/file"
)

// wordcount counts the words of a text: a word is a maximal run of ASCII letters,
// lower-cased. Every count is emitted, so that a record that is lost or counted
// twice shows, and not only in the last one.
func wordcount() *Scenario {
	return &Scenario{
		Name:         "wordcount",
		Promise:      "every count of every word is committed exactly once; at least once, a word is counted again only for what a restored checkpoint had taken behind a barrier",
		Modes:        []Mode{Aligned, AtLeastOnce, Unaligned, Timeout},
		Faults:       allFaults,
		Job:          wordcountJob,
		DefaultInput: text,
		CutContent:   true,
		Ahead:        countedAhead,
		Configure:    brisk(2),
		Slow:         []string{"count"},
		Order:        PerKey,
		Key:          beforeNumber,
		Repeats:      wordcountRepeats,
		Output:       lastCounts,
	}
}

// Count is a word and how often it has been seen.
type Count = codec.Pair[string, uint64]

func wordcountJob(pace Pace) func(*engine.Job) {
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
		count := engine.Reduce(engine.KeyBy(ones, func(c Count) string { return c.First }), "count",
			func(acc, c Count) Count { return Count{First: acc.First, Second: acc.Second + c.Second} })
		text := engine.Map(count, "text", func(c Count) string {
			return c.First + "\t" + strconv.FormatUint(c.Second, 10)
		})
		engine.ToSink(text, SinkUID, file.Sink(OutputDir, file.Line))
	}
}

// words yields the words of a line.
func words(line string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		start := -1
		for i := 0; i <= len(line); i++ {
			letter := i < len(line) && (line[i]|0x20 >= 'a' && line[i]|0x20 <= 'z')
			if letter && start < 0 {
				start = i
			}
			if !letter && start >= 0 {
				if !yield(strings.ToLower(line[start:i])) {
					return
				}
				start = -1
			}
		}
	}
}

// lastCounts is the last committed count of each word, sorted.
func lastCounts(committed []string) ([]string, error) {
	last := map[string]string{}
	for _, line := range committed {
		word, count, ok := strings.Cut(line, "\t")
		if !ok {
			return nil, fmt.Errorf("committed line %q is not word<TAB>count", line)
		}
		last[word] = count
	}
	var out []string
	for word, count := range last { // unordered: sorted below
		out = append(out, word+"\t"+count)
	}
	slices.Sort(out)
	return out, nil
}
