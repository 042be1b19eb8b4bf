package bench

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/weirstream/weir/engine/codec"
	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/host"
	"github.com/weirstream/weir/engine/stream"
)

// keyed is the record of the jobs here: a key, and what is counted.
type keyed = codec.Pair[uint64, uint64]

var keyedCodec = codec.PairOf[uint64, uint64](codec.Uint64{}, codec.Uint64{})

func add(acc, v keyed) keyed { return keyed{First: acc.First, Second: acc.Second + v.Second} }

func keyOf(v keyed) uint64 { return v.First }

func one(k uint64) keyed { return keyed{First: k, Second: 1} }

// mix is the n-th number of a stream (splitmix64): cheap and well mixed.
func mix(n uint64) uint64 {
	n *= 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// numbers is a source of keys below a bound, made as they are asked for: the stream
// of a subtask is a function of its number, so that any position can be resumed.
type numbers struct {
	keys uint64
	// fill hands out each key once before any comes again.
	fill bool
	// each is how many each subtask hands out; 0 for as long as it is asked.
	each int64
	// every is the pause between two of them; 0 for none.
	every time.Duration
	// ended, if set, is asked now and then with how many a subtask has handed out,
	// and ends it.
	ended func(subtask int, emitted int64) bool
}

// Splits implements connect.Source: one for each subtask, its number and its position.
func (s numbers) Splits(_ host.Worker, parallelism int) ([]connect.Split, error) {
	var splits []connect.Split
	for i := range parallelism {
		splits = append(splits, split(int64(i), int64(parallelism), 0))
	}
	return splits, nil
}

func split(subtask, parallelism, next int64) connect.Split {
	return binary.AppendVarint(binary.AppendVarint(binary.AppendVarint(nil, subtask), parallelism), next)
}

// Reader implements connect.Source.
func (s numbers) Reader() connect.Reader[uint64] { return &numberReader{numbers: s} }

type numberReader struct {
	numbers
	subtask, parallelism, next int64
	paused                     bool
}

// Open implements connect.Reader, as do the methods below.
func (r *numberReader) Open(splits []connect.Split) error {
	rest := []byte(splits[0])
	for _, field := range []*int64{&r.subtask, &r.parallelism, &r.next} {
		v, n := binary.Varint(rest)
		if n <= 0 {
			return codec.ErrMalformed
		}
		*field, rest = v, rest[n:]
	}
	return nil
}

// Emit hands out numbers.
func (r *numberReader) Emit(limit int, push func(v uint64, ts int64) bool) (int, connect.Status) {
	if r.ended != nil && r.ended(int(r.subtask), r.next) {
		return 0, connect.Exhausted
	}
	if r.every > 0 {
		limit = min(limit, 1)
	}
	emitted := 0
	for emitted < limit && !r.over() {
		v := r.number()
		r.next++
		emitted++
		if !push(v, stream.NoTime) {
			break
		}
	}
	switch {
	case r.over():
		return emitted, connect.Exhausted
	case r.every > 0:
		return emitted, connect.Waiting
	}
	return emitted, connect.Ready
}

func (r *numberReader) over() bool { return r.each > 0 && r.next >= r.each }

func (r *numberReader) number() uint64 {
	n := uint64(r.next*r.parallelism + r.subtask)
	if r.fill && n < r.keys {
		return n
	}
	return mix(n) % r.keys
}

// Poll implements connect.Poller.
func (r *numberReader) Poll() time.Duration { return max(r.every, time.Millisecond) }

// Fetch brings nothing: numbers are made.
func (r *numberReader) Fetch() host.Work { return nil }

// Fetched is never called.
func (r *numberReader) Fetched(any, error) error { return nil }

// Snapshot is the one split, with the next number.
func (r *numberReader) Snapshot() []connect.Split {
	return []connect.Split{split(r.subtask, r.parallelism, r.next)}
}

// Positions is the same for reports.
func (r *numberReader) Positions() []connect.Position {
	return []connect.Position{{Next: r.next, Emitted: r.next, End: r.each}}
}

// drop is a sink that keeps no record: it has nothing to commit.
type drop struct {
	// see, if set, is asked once for each subtask, and what it returns called for
	// each record.
	see func(subtask int) func()
	// counted, if set, is how many records there were, by the last checkpoint.
	counted *counted
}

// counted is added to by all subtasks.
type counted struct {
	mu sync.Mutex
	n  int64
}

// Writer implements connect.Sink.
func (d drop) Writer(ctx connect.SinkContext) connect.Writer[keyed] {
	w := &dropWriter{counted: d.counted}
	if d.see != nil {
		w.see = d.see(ctx.Subtask)
	}
	return w
}

type dropWriter struct {
	see     func()
	counted *counted
	n       int64 // since the last checkpoint
}

func result(r any) host.Work { return func(host.Worker) (any, error) { return r, nil } }

// Recover implements connect.Writer, as do the methods below.
func (w *dropWriter) Recover([]connect.Committable) host.Work { return result(connect.Recovered{}) }

// Write takes a record.
func (w *dropWriter) Write(keyed, int64) {
	w.n++
	if w.see != nil {
		w.see()
	}
}

// Full is never true.
func (w *dropWriter) Full() bool { return false }

// Flush has nothing to do.
func (w *dropWriter) Flush() host.Work { return nil }

// Flushed is never called.
func (w *dropWriter) Flushed() {}

// PreCommit counts, and leaves nothing to commit.
func (w *dropWriter) PreCommit(uint64) host.Work {
	n, counted := w.n, w.counted
	w.n = 0
	return func(host.Worker) (any, error) {
		if counted != nil {
			counted.mu.Lock()
			defer counted.mu.Unlock()
			counted.n += n
		}
		return []connect.Committable(nil), nil
	}
}

// Commit has nothing to do.
func (w *dropWriter) Commit([]connect.Committable) host.Work { return result(nil) }
