package live_test

import (
	"encoding/binary"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/live"
)

const keys = 100_000

// splitmix is the n-th key of a stream: cheap and well mixed.
func splitmix(n uint64) uint64 {
	n *= 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return (n ^ n>>31) % keys
}

// numbers is a source of n keys for each subtask. Its readers call first before their
// first records.
type numbers struct {
	n     int64
	first func()
}

func (s numbers) Splits(_ host.Worker, parallelism int) ([]connect.Split, error) {
	var splits []connect.Split
	for i := range parallelism {
		splits = append(splits, binary.AppendVarint(binary.AppendVarint(nil, int64(i)), 0))
	}
	return splits, nil
}

func (s numbers) Reader() connect.Reader[uint64] { return &numberReader{numbers: s} }

type numberReader struct {
	numbers
	split, next int64
}

func (r *numberReader) Open(splits []connect.Split) error {
	var k int
	r.split, k = binary.Varint(splits[0])
	r.next, _ = binary.Varint(splits[0][k:])
	return nil
}

func (r *numberReader) Emit(limit int, push func(v uint64, ts int64) bool) (int, connect.Status) {
	if r.next == 0 {
		r.first()
	}
	for i := range limit {
		if r.next == r.n {
			return i, connect.Exhausted
		}
		v := splitmix(uint64(r.split*r.n + r.next))
		r.next++
		if !push(v, -1<<63) {
			return i + 1, connect.Ready
		}
	}
	return limit, connect.Ready
}

func (r *numberReader) Fetch() host.Work         { return nil }
func (r *numberReader) Fetched(any, error) error { return nil }
func (r *numberReader) Snapshot() []connect.Split {
	return []connect.Split{binary.AppendVarint(binary.AppendVarint(nil, r.split), r.next)}
}
func (r *numberReader) Positions() []connect.Position {
	return []connect.Position{{Next: r.next, Emitted: r.next, End: r.n}}
}

// adder is a sink that adds up what it is given; nothing is left to commit.
type adder struct {
	mu    *sync.Mutex
	total *uint64
}

func (a adder) Writer(connect.SinkContext) connect.Writer[codec.Pair[uint64, uint64]] {
	return &adderWriter{adder: a}
}

type adderWriter struct {
	adder
	n uint64
}

func nothing(result any) host.Work { return func(host.Worker) (any, error) { return result, nil } }

func (w *adderWriter) Recover([]connect.Committable) host.Work      { return nothing(connect.Recovered{}) }
func (w *adderWriter) Write(v codec.Pair[uint64, uint64], ts int64) { w.n++ }
func (w *adderWriter) Full() bool                                   { return false }
func (w *adderWriter) Flush() host.Work                             { return nil }
func (w *adderWriter) Flushed()                                     {}
func (w *adderWriter) Commit([]connect.Committable) host.Work       { return nothing(nil) }
func (w *adderWriter) PreCommit(uint64) host.Work {
	n := w.n
	w.n = 0
	return func(host.Worker) (any, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		*w.total += n
		return []connect.Committable(nil), nil
	}
}

type keyed = codec.Pair[uint64, uint64]

// BenchmarkKeyedCount counts 100,000 keys on two subtasks, live, with a checkpoint
// each second. Time runs from the first record to the end of the job: before that a
// worker may wait for a heartbeat to be given its tasks, which is no matter of records. Compare with BenchmarkBatchedChannels and BenchmarkLoop, which are
// written by hand and promise nothing.
func BenchmarkKeyedCount(b *testing.B) {
	per := int64(b.N)*1_000_000/2 + 1
	var total uint64
	sink := adder{&sync.Mutex{}, &total}
	config := engine.DefaultConfig()
	config.Parallelism, config.Slots = 2, 2
	files, err := live.OpenFS(b.TempDir(), nil)
	require.NoError(b, err)
	var started sync.Once
	var begin meter
	first := func() { started.Do(func() { begin = measure() }) }
	err = live.RunJob(live.JobOptions{Config: config, FS: files, Seed: 1, Job: func(j *engine.Job) {
		pairs := engine.WithCodec(codec.PairOf[uint64, uint64](codec.Uint64{}, codec.Uint64{}))
		ones := engine.Map(engine.FromSource(j, "numbers", numbers{per, first}), "ones", func(k uint64) keyed { return keyed{First: k, Second: 1} }, pairs)
		counts := engine.Reduce(engine.KeyBy(ones, func(p keyed) uint64 { return p.First }), "count",
			func(a, v keyed) keyed { return keyed{First: a.First, Second: a.Second + v.Second} })
		engine.ToSink(counts, "sink", sink)
	}})
	require.NoError(b, err)
	require.Equal(b, uint64(2*per), total)
	begin.report(b, 2*per)
}

// meter is when a measurement began, by the clock and in the processor time that this
// process has used.
type meter struct {
	wall time.Time
	cpu  time.Duration
}

func measure() meter {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return meter{time.Now(), time.Duration(u.Utime.Nano() + u.Stime.Nano())}
}

// report gives the rate of n records, and the processor time of each: on a machine
// that others use, that is the figure to compare.
func (m meter) report(b *testing.B, n int64) {
	now := measure()
	b.ReportMetric(float64(n)/now.wall.Sub(m.wall).Seconds()/1e6, "Mrec/s")
	b.ReportMetric(float64(now.cpu-m.cpu)/float64(n), "cpu-ns/rec")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkBatchedChannels is the program one would write by hand: source, map and
// routing fused, batches of 256 over channels, two parts with a Go map each.
func BenchmarkBatchedChannels(b *testing.B) {
	per := int64(b.N)*1_000_000/2 + 1
	begin := measure()
	var parts [2]chan []keyed
	free := make(chan []keyed, 64)
	for i := range parts {
		parts[i] = make(chan []keyed, 8)
	}
	var sources, counters sync.WaitGroup
	for s := range int64(2) {
		sources.Go(func() {
			var open [2][]keyed
			for i := range per {
				k := splitmix(uint64(s*per + i))
				p := k * 0x9e3779b97f4a7c15 >> 63
				if open[p] == nil {
					select {
					case open[p] = <-free:
					default:
						open[p] = make([]keyed, 0, 256)
					}
				}
				open[p] = append(open[p], keyed{First: k, Second: 1})
				if len(open[p]) == 256 {
					parts[p] <- open[p]
					open[p] = nil
				}
			}
			for p := range open {
				if open[p] != nil {
					parts[p] <- open[p]
				}
			}
		})
	}
	var seen [2]int64
	for p := range parts {
		counters.Go(func() {
			counts := map[uint64]uint64{}
			for batch := range parts[p] {
				for _, r := range batch {
					counts[r.First] += r.Second
					seen[p]++
				}
				select {
				case free <- batch[:0]:
				default:
				}
			}
		})
	}
	sources.Wait()
	close(parts[0])
	close(parts[1])
	counters.Wait()
	require.Equal(b, 2*per, seen[0]+seen[1])
	begin.report(b, 2*per)
}

// BenchmarkLoop is a single loop over a Go map.
func BenchmarkLoop(b *testing.B) {
	n := int64(b.N) * 1_000_000
	begin := measure()
	counts := map[uint64]int64{}
	for i := range n {
		counts[splitmix(uint64(i))]++
	}
	require.LessOrEqual(b, len(counts), keys, fmt.Sprint(n))
	begin.report(b, n)
}
