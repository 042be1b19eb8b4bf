package live

import (
	"sync"
	"sync/atomic"

	"github.com/weirstream/weir/engine/host"
)

// control is an input that comes before wire inputs.
type control struct {
	kind  host.InputKind
	from  host.Address
	token host.Token
	body  any
	err   error
}

// wireInput is an input of a wire, addressed to the end it arrives at.
type wireInput struct {
	end  *wireEnd
	kind host.InputKind
	data bool
	n    int32
	size int
	body any
	err  error
}

// mailbox holds what waits for an actor. Anyone may put, only the actor takes.
type mailbox struct {
	mu      sync.Mutex
	closed  bool
	parked  bool // the actor waits for wake
	wake    chan struct{}
	control queue[control]
	wires   queue[wireInput]
}

func (m *mailbox) putControl(c control) {
	m.mu.Lock()
	if !m.closed {
		m.control.put(c)
	}
	m.unlockAndWake()
}

func (m *mailbox) putWire(i wireInput) {
	m.mu.Lock()
	if !m.closed {
		m.wires.put(i)
	}
	m.unlockAndWake()
}

func (m *mailbox) close() {
	m.mu.Lock()
	m.closed = true
	m.control.drop()
	m.wires.drop()
	m.unlockAndWake()
}

func (m *mailbox) unlockAndWake() {
	wake := m.parked
	m.parked = false
	m.mu.Unlock()
	if wake {
		select {
		case m.wake <- struct{}{}:
		default: // a wake-up that a timer made needless is still there
		}
	}
}

// park announces that the actor will wait for wake, unless something is there.
func (m *mailbox) park() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parked = !m.closed && len(m.control.in) == 0 && len(m.wires.in) == 0
	return m.parked
}

func (m *mailbox) unpark() {
	m.mu.Lock()
	m.parked = false
	m.mu.Unlock()
}

// keep is how many entries a queue keeps room for, however empty it runs.
const keep = 1024

// queue is filled at in under its mailbox's lock and emptied at out without: the
// two are swapped when out is used up, so there is one lock per batch taken.
type queue[T any] struct {
	in    []T
	ready atomic.Bool // in is not empty
	out   []T         // the actor's
	next  int         // the actor's
}

func (q *queue[T]) put(v T) {
	q.in = append(q.in, v)
	if len(q.in) == 1 {
		q.ready.Store(true)
	}
}

func (q *queue[T]) drop() {
	q.in = nil
	q.ready.Store(false)
}

// take returns the next entry or nil. The caller zeroes it once it has read it,
// so that the queue keeps nothing alive.
func (q *queue[T]) take(mu *sync.Mutex) *T {
	if q.next == len(q.out) {
		if !q.ready.Load() {
			return nil
		}
		spare := q.out[:0]
		if cap(spare) > keep && len(q.out) < cap(spare)/8 {
			spare = nil
		}
		mu.Lock()
		q.in, q.out = spare, q.in
		q.ready.Store(false)
		mu.Unlock()
		q.next = 0
		if len(q.out) == 0 { // dropped in between
			return nil
		}
	}
	q.next++
	return &q.out[q.next-1]
}
