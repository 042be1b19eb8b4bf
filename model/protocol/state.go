package protocol

import "math/bits"

// Tasks, and the control queues to and from them, in order.
const (
	source0 = iota
	source1
	operator
	sink
	tasks
)

// Channels: of source 0, of source 1, and from operator to sink.
const (
	channels = 3
	down     = 2 // the channel from operator to sink
)

// buffer is how many records an output queue and an input queue hold; events need no
// room, and what was in flight is restored without asking for it.
const buffer = 1

// State is everything, in one value without pointers. Equal states are ==.
type State struct {
	out, in      [channels]queue
	toTask, toJM [tasks]queue
	source       [2]sourceState
	operator     operatorState
	sink         sinkState
	up           uint8 // bit for each task
	jm           coordinator
	open         checkpoint // being collected
	done         checkpoint // the latest that is complete, id 0 for none
	ext          external
	used         budget
	ghost        ghost
	finished     bool
}

type sourceState struct {
	offset uint8 // records emitted; a crashed source keeps it for the checks
	last   uint8 // newest checkpoint begun or given up
	pend   uint8 // snapshot that is taken and not stored, 0 for none
}

// operatorState is the operator with its barrier gate. Each record has a key of its
// own, and state is how often it was taken: any state that does not depend on the
// order between channels is a function of it.
type operatorState struct {
	seen    tally
	current uint8 // newest checkpoint of the gate
	pending bool  // current is under way
	arrived uint8 // channels whose barrier is here
	blocked uint8
	capture uint8 // channels whose arrivals belong to the snapshot
	overtook,
	complete bool // the pending one is unaligned; all barriers of the snapshot are here
	ended   uint8
	taken   uint8 // newest snapshot taken
	pend    uint8
	aborted uint8 // newest checkpoint that the coordinator said is given up
}

type sinkState struct {
	open      tally // taken since the last pre-commit
	got       uint8 // records taken in all
	current   uint8
	pend      uint8
	aborted   uint8
	ended     bool
	recovered bool
	txns      txns
}

// txn is a pre-committed transaction: what the sink took up to a checkpoint.
type txn struct {
	id   uint8
	what tally
}

type txns [4]txn

type phase uint8

const (
	idle phase = iota
	collecting
	sealing // all acks are here, the metadata is being written
	sealed  // it is durable, and the coordinator has not heard
	stopped // a final checkpoint is complete
)

type coordinator struct {
	crashed bool
	attempt uint8
	phase   phase
	id      uint8 // under way, or the newest
	final   bool
	acked   uint8
	next    uint8
	ended   bool // has heard that all tasks have ended
}

// checkpoint is what is stored of a checkpoint.
type checkpoint struct {
	id, attempt uint8
	stored      uint8 // bit for each task
	offset      [2]uint8
	seen        tally
	got         uint8
	in, out     [channels]queue // records in flight
	txns        txns
}

// external is what the world sees.
type external struct {
	committed tally
	txns      uint32 // those that are committed, a bit for each attempt and id
}

type budget struct{ checkpoints, crashes, aborts uint8 }

// ghost is known to nobody in the model: the checks need it.
type ghost struct {
	aborted  uint8 // checkpoints of this leader that were given up, a bit each
	newest   uint8 // newest checkpoint that something was committed for
	licences tally // restores that went back behind each record
}

// tally counts records, up to 3 each: first, in the low byte, those that were taken
// with a state that had not seen them; then those that it had.
type tally uint16

func (t tally) count(record int, again bool) int {
	return int(t>>shift(record, again)) & 3
}

// add counts one more; 3 stands for all that is above it.
func (t tally) add(record int, again bool) tally {
	if t.count(record, again) == 3 {
		return t
	}
	return t + 1<<shift(record, again)
}

func (t tally) plus(u tally) tally {
	for r := range RecordsMax {
		for _, again := range [...]bool{false, true} {
			for range u.count(r, again) {
				t = t.add(r, again)
			}
		}
	}
	return t
}

func shift(record int, again bool) int {
	if again {
		return 8 + 2*record
	}
	return 2 * record
}

// queue is up to eight items of a byte, none of them 0; the head is the lowest.
type queue uint64

func (q queue) len() int   { return (bits.Len64(uint64(q)) + 7) / 8 }
func (q queue) head() item { return item(q & 0xff) }
func (q queue) pop() queue { return q >> 8 }

// at returns the item in place i, from 0.
func (q queue) at(i int) item { return item(q >> (8 * i) & 0xff) }

func (q queue) push(it item) queue {
	n := q.len()
	if n == 8 {
		panic("a queue of the model is longer than eight items")
	}
	return q | queue(it)<<(8*n)
}

// without removes the item in place i.
func (q queue) without(i int) queue {
	low := queue(1)<<(8*i) - 1
	return q&low | q>>8&^low
}

// overtake puts a barrier in front of everything but other barriers that overtook.
func (q queue) overtake(it item) queue {
	i := 0
	for i < q.len() && q.at(i).kind() == overtaking {
		i++
	}
	if q.len() == 8 {
		panic("a queue of the model is longer than eight items")
	}
	low := queue(1)<<(8*i) - 1
	return q&low | queue(it)<<(8*i) | q&^low<<8
}

// records are the records among the first n items, in order.
func (q queue) records(n int) queue {
	var r queue
	for i := range n {
		if q.at(i).isRecord() {
			r = r.push(q.at(i))
		}
	}
	return r
}

// find returns the place of an item, -1 if there is none.
func (q queue) find(it item) int {
	for i := range q.len() {
		if q.at(i) == it {
			return i
		}
	}
	return -1
}

// item is what flows: its kind, and a record's number or a checkpoint's id.
type item uint8

type itemKind uint8

const (
	record     itemKind = 1 + iota
	repeated            // the state had seen it before
	barrier             // of a checkpoint
	overtaking          // a barrier that overtakes records
	cancel              // no barrier of the checkpoint will come
	end                 // of the data
)

func (k itemKind) of(n uint8) item  { return item(uint8(k)<<4 | n) }
func (it item) kind() itemKind      { return itemKind(it >> 4) }
func (it item) n() uint8            { return uint8(it & 15) }
func (it item) isRecord() bool      { return it.kind() == record || it.kind() == repeated }
func (q queue) full() bool          { return q.records(q.len()).len() >= buffer }
func consumerOf(ch int) int         { return [...]int{operator, operator, sink}[ch] }
func producerOf(ch int) int         { return [...]int{source0, source1, operator}[ch] }
func (s *State) isUp(task int) bool { return s.up>>task&1 == 1 }

// message is a control message: kind, attempt, checkpoint.
type messageKind uint8

const (
	trigger messageKind = 1 + iota
	abort
	notify
	notifyFinal // of a checkpoint that was triggered after all tasks had ended
)

const (
	ack messageKind = 1 + iota
	decline
	ended
	finish
)

func (k messageKind) message(attempt, id uint8) item {
	return item(uint8(k)<<5 | attempt<<3 | id)
}

func (it item) message() (kind messageKind, attempt, id uint8) {
	return messageKind(it >> 5), uint8(it) >> 3 & 3, uint8(it & 7)
}
