package operator

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/codec"
)

// naiveTimers is a list that is searched.
type naiveTimers []naiveTimer

type naiveTimer struct {
	at    int64
	hash  uint64
	key   string
	event bool
}

// hashOf makes different keys collide.
func hashOf(key string) uint64 { return uint64(len(key)) }

func (n naiveTimers) index(at int64, key string, event bool) int {
	return slices.IndexFunc(n, func(t naiveTimer) bool { return t.at == at && t.key == key && t.event == event })
}

// next is the index of the timer of a kind that fires first: the earliest, of those
// that of the least hash, of those the one that was set first.
func (n naiveTimers) next(event bool) int {
	best := -1
	for i, t := range n {
		if t.event != event {
			continue
		}
		if best < 0 || t.at < n[best].at || t.at == n[best].at && t.hash < n[best].hash {
			best = i
		}
	}
	return best
}

func TestTimersAgainstNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, n := &TimerService[string]{}, naiveTimers{}
		keys := rapid.SampledFrom([]string{"a", "b", "aa", "bb", ""})
		at := rapid.Int64Range(-2, 5)
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				nt := naiveTimer{at: at.Draw(t, "at"), key: keys.Draw(t, "key"), event: rapid.Bool().Draw(t, "event")}
				nt.hash = hashOf(nt.key)
				s.Set(nt.at, nt.hash, nt.key, nt.event)
				if n.index(nt.at, nt.key, nt.event) < 0 {
					n = append(n, nt)
				}
			},
			"delete": func(t *rapid.T) {
				at, key, event := at.Draw(t, "at"), keys.Draw(t, "key"), rapid.Bool().Draw(t, "event")
				s.Delete(at, key, event)
				if i := n.index(at, key, event); i >= 0 {
					n = slices.Delete(n, i, i+1)
				}
			},
			"take": func(t *rapid.T) {
				now, event := at.Draw(t, "now"), rapid.Bool().Draw(t, "event")
				at, key, ok := s.Take(now, event)
				i := n.next(event)
				require.Equal(t, i >= 0 && n[i].at <= now, ok)
				if ok {
					require.Equal(t, n[i].at, at)
					require.Equal(t, n[i].key, key)
					n = slices.Delete(n, i, i+1)
				}
			},
			"compact": func(*rapid.T) {
				s.event.compact()
				s.processing.compact()
			},
			"restore": func(t *rapid.T) {
				bytes := s.append(nil, codec.String{})
				s = &TimerService[string]{}
				require.NoError(t, s.restore(bytes, codec.String{}))
				require.Equal(t, bytes, s.append(nil, codec.String{}))
				for cut := range bytes {
					require.ErrorIs(t, new(TimerService[string]).restore(bytes[:cut], codec.String{}), codec.ErrMalformed, "cut at %d", cut)
				}
				require.ErrorIs(t, new(TimerService[string]).restore(append(bytes, 0), codec.String{}), codec.ErrMalformed)
			},
			"": func(t *rapid.T) {
				require.Equal(t, len(n), s.Len())
				for _, event := range []bool{true, false} {
					at, ok := s.Next(event)
					i := n.next(event)
					require.Equal(t, i >= 0, ok)
					if ok {
						require.Equal(t, n[i].at, at)
					}
				}
			},
		})
	})
}

// A timer that was deleted and set again is a new one, in order and in snapshots.
func TestTimerSetAgain(t *testing.T) {
	var s TimerService[string]
	for _, key := range []string{"a", "b"} {
		s.Set(1, 7, key, true)
	}
	s.Delete(1, "a", true)
	s.Set(1, 7, "a", true)
	var restored TimerService[string]
	require.NoError(t, restored.restore(s.append(nil, codec.String{}), codec.String{}))
	for _, s := range []*TimerService[string]{&s, &restored} {
		for _, want := range []string{"b", "a"} {
			_, key, ok := s.Take(1, true)
			require.True(t, ok)
			require.Equal(t, want, key)
		}
		_, ok := s.Next(true)
		require.False(t, ok)
	}
}

// A timer that is moved again and again leaves nothing behind.
func TestMovedTimersTakeNoMemory(t *testing.T) {
	var s TimerService[string]
	for i := range int64(10_000) {
		s.Delete(1000+i-1, "a", true)
		s.Set(1000+i, 1, "a", true)
		s.Set(i%10, 2, "b", false)
	}
	require.Equal(t, 11, s.Len())
	require.LessOrEqual(t, len(s.event.heap), 2+leastHeap+1)
	at, _, ok := s.Take(20_000, true)
	require.True(t, ok)
	require.EqualValues(t, 10_999, at)
	_, ok = s.Next(true)
	require.False(t, ok)
}
