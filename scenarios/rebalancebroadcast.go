package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/connect/file"
)

// rebalanceBroadcast counts words behind a rebalance to fewer subtasks, and beside it
// the records of a small control stream that is broadcast to more subtasks: each of
// those counts every one.
func rebalanceBroadcast() *Scenario {
	return &Scenario{
		Name:         "rebalance-broadcast",
		Promise:      "every count of every word dealt out by a rebalance is committed exactly once, and every record of a broadcast control stream is counted once by each subtask; at least once, both are counted again only for what a restored checkpoint had taken behind a barrier",
		Modes:        []Mode{Aligned, AtLeastOnce, Unaligned, Timeout},
		Order:        PerKey,
		Key:          beforeNumber,
		Repeats:      rebalanceBroadcastRepeats,
		Faults:       allFaults,
		Job:          rebalanceBroadcastJob,
		DefaultInput: text,
		CutContent:   true,
		Configure:    brisk(3),
		Slow:         []string{"words", "heard", "count"},
		Output:       lastOfEach,
	}
}

func rebalanceBroadcastJob(pace Pace) func(*engine.Job) {
	return func(j *engine.Job) {
		fewer := engine.Parallelism(max(1, j.Config().Parallelism-1))
		counts := engine.WithCodec(countCodec)
		key := func(c Count) string { return c.First }
		dealt := engine.FlatMap(engine.Rebalance(linesOf(j, "lines", pace)), "words", func(line string, emit func(Count)) {
			for w := range words(line) {
				emit(Count{First: "word\t" + w, Second: 1})
			}
		}, counts, fewer)
		count := engine.Reduce(engine.KeyBy(dealt, key), "count", addCounts)

		// Of some lines: how many words they have.
		control := engine.FlatMap(linesOf(j, "control", pace, fewer), "lengths", func(line string, emit func(Count)) {
			if lineHash(line)%16 > 0 {
				return
			}
			n := uint64(0)
			for range words(line) {
				n++
			}
			emit(Count{First: "length\t" + decimal(n), Second: 1})
		}, counts, fewer)
		heard := engine.Filter(engine.Broadcast(control), "heard", func(Count) bool { return true })
		each := engine.Reduce(engine.KeyBy(heard, key), "each", addCounts)

		text := engine.Map(engine.Union(count, each), "text", func(c Count) string { return c.First + "\t" + decimal(c.Second) })
		engine.ToSink(text, SinkUID, file.Sink(OutputDir, file.Line))
	}
}

// lastOfEach is the highest count of each word and of each length of a line, sorted.
func lastOfEach(committed []string) ([]string, error) {
	last := map[string]uint64{}
	for _, line := range committed {
		at := strings.LastIndexByte(line, '\t')
		kind, _, ok := strings.Cut(line[:max(at, 0)], "\t")
		n, err := strconv.ParseUint(line[at+1:], 10, 64)
		if !ok || err != nil || kind != "word" && kind != "length" {
			return nil, fmt.Errorf("committed line %q is not word or length<TAB>which<TAB>count", line)
		}
		last[line[:at]] = max(last[line[:at]], n)
	}
	var out []string
	for what, n := range last { // unordered: sorted below
		out = append(out, what+"\t"+decimal(n))
	}
	slices.Sort(out)
	return out, nil
}
