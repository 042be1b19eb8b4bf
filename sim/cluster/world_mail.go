package cluster

import "github.com/weirstream/weir/engine/host"

// item is an input that waits or is about to be given.
type item struct {
	kind   host.InputKind
	data   bool
	n      int32
	from   *place
	end    *end   // the wire's end at the receiver
	arg    uint64 // token, or a frame's size
	digest uint64
	cause  uint64
	body   any
	err    error
}

// mail is a queue of items that uses its memory again.
type mail struct {
	buf  []item // its length is a power of two
	head int
	n    int
}

func (m *mail) push(it *item) {
	if m.n == len(m.buf) {
		bigger := make([]item, max(4, 2*m.n))
		for i := range m.n {
			bigger[i] = m.buf[(m.head+i)&(m.n-1)]
		}
		m.buf, m.head = bigger, 0
	}
	m.buf[(m.head+m.n)&(len(m.buf)-1)] = *it
	m.n++
}

func (m *mail) pop(it *item) bool {
	if m.n == 0 {
		return false
	}
	at := &m.buf[m.head]
	*it = *at
	*at = item{}
	m.head = (m.head + 1) & (len(m.buf) - 1)
	m.n--
	return true
}
