package connect_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/connect"
	"github.com/weirstream/weir/engine/host"
)

// numbers is a source of 0 to n-1 that fetches a few at a time.
type numbers struct{ n int64 }

func (s numbers) Splits(host.Worker, int) ([]connect.Split, error) {
	return []connect.Split{{0}}, nil
}

func (s numbers) Reader() connect.Reader[int64] { return &numberReader{end: s.n} }

type numberReader struct{ next, fetched, end int64 }

func (r *numberReader) Open(splits []connect.Split) error {
	r.next = int64(splits[0][0])
	r.fetched = r.next
	return nil
}

func (r *numberReader) Emit(limit int, push func(int64, int64) bool) (n int, _ connect.Status) {
	for more := true; more && n < limit && r.next < r.fetched; n++ {
		r.next++
		more = push(r.next-1, r.next-1)
	}
	switch {
	case r.next == r.end:
		return n, connect.Exhausted
	case r.next < r.fetched:
		return n, connect.Ready
	}
	return n, connect.Waiting
}

func (r *numberReader) Fetch() host.Work {
	if r.fetched > r.next || r.fetched == r.end {
		return nil
	}
	return func(host.Worker) (any, error) { return min(int64(3), r.end-r.fetched), nil }
}

func (r *numberReader) Fetched(body any, err error) error {
	r.fetched += body.(int64)
	return err
}

func (r *numberReader) Snapshot() []connect.Split { return []connect.Split{{byte(r.next)}} }

func (r *numberReader) Positions() []connect.Position {
	return []connect.Position{{Next: r.next, End: r.end, Emitted: r.next}}
}

func TestHeldEmitsNoMoreThanAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		end := rapid.Int64Range(0, 12).Draw(t, "end")
		allowed := int64(0)
		src := connect.Held[int64](numbers{end}, func(emitted int64) bool { return emitted < allowed })
		splits, err := src.Splits(nil, 1)
		require.NoError(t, err)
		r := src.Reader()
		require.NoError(t, r.Open(splits))
		require.Positive(t, r.(connect.Poller).Poll())
		got := int64(0)
		for status := connect.Waiting; status != connect.Exhausted; {
			if rapid.IntRange(0, 4).Draw(t, "restore") == 0 {
				snapshot := r.Snapshot()
				r = src.Reader()
				require.NoError(t, r.Open(snapshot))
			}
			work := r.Fetch()
			if work != nil {
				require.NoError(t, r.Fetched(work(nil)))
			}
			limit, before := rapid.IntRange(1, 4).Draw(t, "limit"), got
			refuse := rapid.Bool().Draw(t, "refuse")
			var n int
			n, status = r.Emit(limit, func(v, ts int64) bool {
				require.Equal(t, got, v, "lost or duplicate")
				require.Equal(t, v, ts)
				require.Less(t, v, allowed)
				got++
				return !refuse
			})
			require.EqualValues(t, got-before, n)
			require.LessOrEqual(t, n, limit)
			if refuse {
				require.LessOrEqual(t, n, 1)
			}
			if status == connect.Ready {
				require.Less(t, got, allowed, "ready, but held back")
			}
			if status == connect.Waiting && r.Fetch() == nil {
				require.Equal(t, allowed, got, "waits for nothing")
				allowed += rapid.Int64Range(1, 5).Draw(t, "more")
			}
		}
		require.Equal(t, end, got)
	})
}

func TestHeldHoldsTheEndToo(t *testing.T) {
	allow := false
	r := connect.Held[int64](numbers{0}, func(int64) bool { return allow }).Reader()
	require.NoError(t, r.Open([]connect.Split{{0}}))
	n, status := r.Emit(1, nil)
	require.Zero(t, n)
	require.Equal(t, connect.Waiting, status)
	allow = true
	_, status = r.Emit(1, nil)
	require.Equal(t, connect.Exhausted, status)
}

func TestHeldTwiceCountsOnce(t *testing.T) {
	src := connect.Held(connect.Held[int64](numbers{5}, func(n int64) bool { return n < 4 }), func(n int64) bool { return n < 2 })
	r := src.Reader()
	require.NoError(t, r.Open([]connect.Split{{1}}))
	require.NoError(t, r.Fetched(r.Fetch()(nil)))
	n, status := r.Emit(9, func(int64, int64) bool { return true })
	require.Equal(t, 1, n, "one was emitted by an earlier attempt")
	require.Equal(t, connect.Waiting, status)
	require.LessOrEqual(t, r.(connect.Poller).Poll(), time.Second)
}

func TestHeldDoesNotAllocate(t *testing.T) {
	r := connect.Held[int64](numbers{100}, func(int64) bool { return true }).Reader()
	push := func(int64, int64) bool { return true }
	open := []connect.Split{{0}}
	require.NoError(t, r.Open(open))
	require.NoError(t, r.Fetched(int64(90), nil))
	require.Zero(t, testing.AllocsPerRun(20, func() {
		n, _ := r.Emit(4, push)
		require.Equal(t, 4, n)
	}))
}
