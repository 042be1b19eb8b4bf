package operator

import (
	"bytes"
	"container/heap"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/weirstream/weir/engine/codec"
)

// TimerService keeps the timers of a keyed operator. A key has at most one timer
// of a kind at a time, as in Flink. Timers fire in order of time, then of the
// key's hash, then of the order in which they were set.
type TimerService[K comparable] struct {
	event, processing timerQueue[K]
	seq               uint64
}

type timerKey[K comparable] struct {
	at  int64
	key K
}

type timer[K comparable] struct {
	at   int64
	hash uint64
	seq  uint64
	key  K
}

// timerQueue is a heap; deleted timers stay in it until they come up or are the
// most of it.
type timerQueue[K comparable] struct {
	heap timerHeap[K]
	live map[timerKey[K]]uint64 // sequence number of the one that counts
}

type timerHeap[K comparable] []timer[K]

func (h timerHeap[K]) Len() int { return len(h) }
func (h timerHeap[K]) Less(i, j int) bool {
	a, b := &h[i], &h[j]
	switch {
	case a.at != b.at:
		return a.at < b.at
	case a.hash != b.hash:
		return a.hash < b.hash
	}
	return a.seq < b.seq
}
func (h timerHeap[K]) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *timerHeap[K]) Push(x any)   { *h = append(*h, x.(timer[K])) }
func (h *timerHeap[K]) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = timer[K]{}
	*h = old[:len(old)-1]
	return x
}

func (s *TimerService[K]) queue(event bool) *timerQueue[K] {
	if event {
		return &s.event
	}
	return &s.processing
}

// Set adds a timer; one that is set already stays.
func (s *TimerService[K]) Set(at int64, hash uint64, key K, event bool) {
	q := s.queue(event)
	if q.live == nil {
		q.live = map[timerKey[K]]uint64{}
	}
	if _, ok := q.live[timerKey[K]{at, key}]; ok {
		return
	}
	s.seq++
	q.live[timerKey[K]{at, key}] = s.seq
	heap.Push(&q.heap, timer[K]{at, hash, s.seq, key})
}

// Delete removes a timer; a missing one is fine.
func (s *TimerService[K]) Delete(at int64, key K, event bool) {
	q := s.queue(event)
	delete(q.live, timerKey[K]{at, key})
	if len(q.heap) > 2*len(q.live)+leastHeap {
		q.compact()
	}
}

// leastHeap is the size up to which a heap is not worth compacting.
const leastHeap = 64

// compact drops the deleted timers, so that a key that keeps moving its timer
// takes no more memory than one that does not. The order stays, since it is total.
func (q *timerQueue[K]) compact() {
	q.heap = slices.DeleteFunc(q.heap, q.deleted)
	heap.Init(&q.heap)
}

func (q *timerQueue[K]) deleted(t timer[K]) bool { return q.live[timerKey[K]{t.at, t.key}] != t.seq }

// skim drops deleted timers from the top.
func (q *timerQueue[K]) skim() {
	for len(q.heap) > 0 && q.deleted(q.heap[0]) {
		heap.Pop(&q.heap)
	}
}

// Next is the time of the earliest timer.
func (s *TimerService[K]) Next(event bool) (at int64, ok bool) {
	q := s.queue(event)
	q.skim()
	if len(q.heap) == 0 {
		return 0, false
	}
	return q.heap[0].at, true
}

// Take removes and returns the earliest timer if it is due at a time.
func (s *TimerService[K]) Take(now int64, event bool) (at int64, key K, ok bool) {
	at, ok = s.Next(event)
	if !ok || at > now {
		return 0, key, false
	}
	q := s.queue(event)
	t := heap.Pop(&q.heap).(timer[K])
	delete(q.live, timerKey[K]{t.at, t.key})
	return t.at, t.key, true
}

// Len is the number of timers.
func (s *TimerService[K]) Len() int { return len(s.event.live) + len(s.processing.live) }

func (s *TimerService[K]) append(dst []byte, keys codec.Codec[K]) []byte {
	for _, q := range []*timerQueue[K]{&s.event, &s.processing} {
		dst = binary.AppendUvarint(dst, uint64(len(q.live)))
		for _, t := range q.sorted() {
			dst = binary.AppendVarint(dst, t.at)
			dst = binary.AppendUvarint(dst, t.hash)
			dst = keys.Append(dst, t.key)
		}
	}
	return dst
}

// sorted is the live timers in firing order.
func (q *timerQueue[K]) sorted() []timer[K] {
	ts := slices.DeleteFunc(slices.Clone(q.heap), q.deleted)
	slices.SortFunc(ts, func(a, b timer[K]) int {
		if (timerHeap[K]{a, b}).Less(0, 1) {
			return -1
		}
		return 1
	})
	return ts
}

func (s *TimerService[K]) restore(src []byte, keys codec.Codec[K]) error {
	r := bytes.NewReader(src)
	for _, event := range []bool{true, false} {
		n, err := binary.ReadUvarint(r)
		if err != nil {
			return fmt.Errorf("timers: %w", codec.ErrMalformed)
		}
		for range n {
			at, err1 := binary.ReadVarint(r)
			hash, err2 := binary.ReadUvarint(r)
			if err1 != nil || err2 != nil {
				return fmt.Errorf("timers: %w", codec.ErrMalformed)
			}
			key, k, err := keys.Decode(src[len(src)-r.Len():])
			if err != nil {
				return fmt.Errorf("timer's key: %w", err)
			}
			if _, err := r.Seek(int64(k), 1); err != nil {
				return err
			}
			s.Set(at, hash, key, event)
		}
	}
	if r.Len() > 0 {
		return fmt.Errorf("%d bytes behind the timers: %w", r.Len(), codec.ErrMalformed)
	}
	return nil
}
