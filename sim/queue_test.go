package sim

import (
	"container/heap"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type timed struct {
	at  time.Duration
	seq uint64
}

type timedHeap []timed

func (h timedHeap) Len() int { return len(h) }
func (h timedHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}
func (h timedHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *timedHeap) Push(x any)   { *h = append(*h, x.(timed)) }
func (h *timedHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// W1, W5: the wheel is a heap on (time, order of scheduling), also when it is
// asked for nothing later than a limit.
func TestQueueIsAHeap(t *testing.T) {
	delays := rapid.OneOf(
		rapid.Just(int64(0)), rapid.Int64Range(0, 4), rapid.Int64Range(0, 300), rapid.Int64Range(65530, 65540),
		rapid.Int64Range(0, 1<<26), rapid.Int64Range(0, 1<<45), rapid.Just(int64(1)<<61),
	)
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		q.init()
		var h timedHeap
		var seq uint64
		pop := func(limit time.Duration) {
			var e Event
			before := q.now
			got := q.pop(limit, &e)
			want := len(h) > 0 && h[0].at <= limit
			if got != want {
				t.Fatalf("pop by %d: got %v, heap says %v", limit, got, want)
			}
			if !got {
				if q.now != before || q.size > 0 && q.cur > uint64(max(before, limit)) {
					t.Fatalf("pop by %d found nothing, and went from %d to %d, wheel %d", limit, before, q.now, q.cur)
				}
				if q.size > 0 {
					q.now = max(q.now, limit)
				}
				return
			}
			x := heap.Pop(&h).(timed)
			if e.A != x.seq || q.now != x.at || q.now < before {
				t.Fatalf("popped %d at %d, heap says %d at %d", e.A, q.now, x.seq, x.at)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				at := q.now + time.Duration(delays.Draw(t, "delay"))
				if at < 0 {
					t.Skip("beyond the end of time")
				}
				for range rapid.IntRange(1, 3).Draw(t, "times") {
					seq++
					q.push(at, &Event{A: seq})
					heap.Push(&h, timed{at, seq})
				}
			},
			"pop":   func(*rapid.T) { pop(1<<63 - 1) },
			"popBy": func(t *rapid.T) { pop(max(0, q.now+time.Duration(delays.Draw(t, "ahead"))-2)) },
			"": func(t *rapid.T) {
				if q.size != len(h) {
					t.Fatalf("%d pending, heap has %d", q.size, len(h))
				}
			},
		})
		for len(h) > 0 {
			pop(1<<63 - 1)
		}
	})
}

// Slots of the slab are used again, and hold on to nothing.
func TestQueueReusesMemory(t *testing.T) {
	var q queue
	q.init()
	var e Event
	for range 10_000 {
		q.push(q.now+5, &Event{Ref: &e})
		q.push(q.now+1, &Event{Ref: &e})
		require.True(t, q.pop(1<<40, &e))
		require.True(t, q.pop(1<<40, &e))
	}
	require.Len(t, q.slab, 3)
	require.Nil(t, q.slab[1].Ref)
	require.Nil(t, q.slab[2].Ref)
}
