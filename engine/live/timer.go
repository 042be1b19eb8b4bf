package live

import (
	"math"
	"slices"
	"time"

	"github.com/weirstream/weir/engine/host"
)

// timers are an actor's, the next one last; of those due at one time the one set
// first comes first. Only the actor's goroutine touches them, so a timer that was
// cancelled never arrives. An actor has few, hence no heap.
type timers []timer

type timer struct {
	at    time.Duration
	token host.Token
}

func (ts *timers) set(now, after time.Duration, token host.Token) {
	at := now + max(after, 0)
	if at < now { // overflow
		at = math.MaxInt64
	}
	i, _ := slices.BinarySearchFunc(*ts, at, func(t timer, at time.Duration) int {
		if t.at > at {
			return -1
		}
		return 1
	})
	*ts = slices.Insert(*ts, i, timer{at, token})
}

func (ts *timers) cancel(token host.Token) {
	*ts = slices.DeleteFunc(*ts, func(t timer) bool { return t.token == token })
}

// next is when the next timer is due; never, as far as anyone can wait, if none.
func (ts timers) next() time.Duration {
	if len(ts) == 0 {
		return math.MaxInt64
	}
	return ts[len(ts)-1].at
}

func (ts *timers) pop() host.Token {
	last := len(*ts) - 1
	t := (*ts)[last]
	*ts = (*ts)[:last]
	return t.token
}
