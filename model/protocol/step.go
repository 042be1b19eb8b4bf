package protocol

import "math/bits"

// Action is one atomic step. Its number is stable, so that a set of actions is a
// uint64.
type Action uint8

// The actions; those of several tasks or channels have a number each.
const (
	emit        Action = 0                     // by source
	deliver            = emit + 2              // by channel: from output queue to input queue
	message            = deliver + channels    // by task: takes its next control message
	refuse             = message + tasks       // by source: declines a trigger
	store              = refuse + 2            // by task: its file is durable, and acknowledged
	fail               = store + tasks         // by task: its file can't be written, and is declined
	take               = fail + tasks          // by channel: its consumer takes an item
	timeoutIn          = take + channels       // operator, sink: alignment takes too long
	timeoutOut         = timeoutIn + 2         // by channel: a barrier waits too long in the output queue
	hear               = timeoutOut + channels // by task: the coordinator takes the task's next message
	triggerNext        = hear + tasks
	seal               = triggerNext + 1 // metadata is durable
	complete           = seal + 1        // the coordinator hears that it is
	expire             = complete + 1
	crash              = expire + 1 // by task
	crashLeader        = crash + tasks
	failover           = crashLeader + 1 // the coordinator notices that a task is gone
	lead               = failover + 1    // a new leader
	recoverSink        = lead + 1        // commits what the restored checkpoint owns
)

func setOf(a Action, n int) uint64 { return (1<<n - 1) << a }

// chance are the actions that nobody may wait for: faults, and time-outs.
var chance = setOf(refuse, 2) | setOf(fail, tasks) | setOf(timeoutIn, 2) | setOf(timeoutOut, channels) |
	setOf(expire, 1) | setOf(crash, tasks) | setOf(crashLeader, 1)

// Property is what is checked; see the package's documentation.
type Property uint8

// The properties.
const (
	holds Property = iota
	exactlyOnce
	atLeastOnce
	cut
	commits
	restores
	aborts
	blocks
	progress
)

func (p Property) String() string {
	return [...]string{"none", "exactly-once", "at-least-once", "cut", "commit", "restore", "aborted", "blocked", "progress"}[p]
}

// machine carries out actions on a state.
type machine struct {
	Config
	s   State
	bad Property // first that is broken
}

func (m *machine) broken(p Property) {
	if m.bad == holds {
		m.bad = p
	}
}

// recordsOf is how many records a source has: record r is of source r mod 2.
func (c Config) recordsOf(source int) uint8 { return uint8((c.Records + 1 - source) / 2) }

// initial is the state at the start.
func (c Config) initial() State {
	m := machine{Config: c}
	m.deploy(checkpoint{})
	m.s.jm.next = 1
	return m.s
}

// step is the state that follows from an enabled action, and what it breaks.
func (c Config) step(s *State, a Action) (State, Property) {
	m := machine{Config: c, s: *s}
	m.do(a)
	m.check()
	return m.s, m.bad
}

func (m *machine) do(a Action) {
	switch {
	case a < deliver:
		m.emit(int(a - emit))
	case a < message:
		m.deliver(int(a - deliver))
	case a < refuse:
		m.message(int(a - message))
	case a < store:
		m.refuse(int(a - refuse))
	case a < fail:
		m.store(int(a - store))
	case a < take:
		m.fail(int(a - fail))
	case a == take+down:
		m.takeSink()
	case a < timeoutIn:
		m.takeOperator(int(a - take))
	case a == timeoutIn:
		m.timeoutOperator()
	case a < timeoutOut:
		m.sinkBarrier(m.s.queuedSink())
	case a < hear:
		m.timeoutOut(int(a - timeoutOut))
	case a < triggerNext:
		m.hear(int(a - hear))
	default:
		m.doLeader(a)
	}
}

func (m *machine) doLeader(a Action) {
	switch {
	case a == triggerNext:
		m.trigger()
	case a == seal:
		m.seal()
	case a == complete:
		m.complete()
	case a == expire:
		m.s.used.aborts++
		m.abort()
	case a < crashLeader:
		m.crash(int(a - crash))
	case a == crashLeader:
		m.s.used.crashes++
		m.s.jm = coordinator{crashed: true, attempt: m.s.jm.attempt}
		m.s.open = checkpoint{}
	case a == failover:
		m.failover()
	case a == lead:
		m.lead()
	case a == recoverSink:
		m.recover()
	}
}

// enabled are the actions that may be taken, as a set.
func (c Config) enabled(s *State) uint64 {
	if s.finished {
		return 0
	}
	var set uint64
	if !s.sink.recovered && s.isUp(sink) {
		set |= 1 << recoverSink
	}
	set |= c.enabledTasks(s) | c.enabledChannels(s) | c.enabledLeader(s)
	if int(s.used.crashes) < c.Crashes && !s.jm.crashed && s.up == 1<<tasks-1 {
		set |= setOf(crash, tasks) | 1<<crashLeader
	}
	return set
}

func (c Config) enabledTasks(s *State) (set uint64) {
	mayAbort := int(s.used.aborts) < c.Aborts
	for t := range tasks {
		if !s.isUp(t) || t == sink && !s.sink.recovered {
			continue
		}
		if s.toTask[t] != 0 {
			set |= 1 << (message + Action(t))
			if kind, attempt, id := s.toTask[t].head().message(); t < operator && mayAbort && kind == trigger && attempt == s.jm.attempt && id > s.source[t].last {
				set |= 1 << (refuse + Action(t))
			}
		}
		if c.storable(s, t) {
			set |= 1 << (store + Action(t))
			if mayAbort {
				set |= 1 << (fail + Action(t))
			}
		}
		if t < operator && s.source[t].offset < c.recordsOf(t) && !s.out[t].full() {
			set |= 1 << (emit + Action(t))
		}
	}
	return set
}

// storable tells whether a task's snapshot has all that goes into its file. A barrier
// that may still time out in the output queue holds it up.
func (c Config) storable(s *State, t int) bool {
	id := s.pend(t)
	switch {
	case id == 0 || t == operator && !s.operator.complete:
		return false
	case t == sink || c.Mode != Timeout:
		return true
	}
	return s.out[t].find(barrier.of(id)) < 0 // a task's channel has its number
}

func (c Config) enabledChannels(s *State) (set uint64) {
	for ch := range channels {
		to := consumerOf(ch)
		if !s.isUp(to) {
			continue
		}
		if q := s.out[ch]; q != 0 && (!q.head().isRecord() || !s.in[ch].full()) {
			set |= 1 << (deliver + Action(ch))
		}
		if c.mayTake(s, ch) {
			set |= 1 << (take + Action(ch))
		}
		if c.Mode == Timeout && s.isUp(producerOf(ch)) && c.mayTimeOut(s, ch) {
			set |= 1 << (timeoutOut + Action(ch))
		}
	}
	if c.Mode == Timeout && s.isUp(operator) && (s.operator.pending && !s.operator.overtook || c.queuedOperator(s) != 0) {
		set |= 1 << timeoutIn
	}
	if c.Mode == Timeout && s.isUp(sink) && s.sink.recovered && s.queuedSink() != 0 {
		set |= 1 << (timeoutIn + 1)
	}
	return set
}

func (c Config) mayTake(s *State, ch int) bool {
	q := s.in[ch]
	switch {
	case q == 0:
		return false
	case ch == down:
		return s.sink.recovered
	}
	return s.operator.blocked>>ch&1 == 0 && (!q.head().isRecord() || !s.out[down].full())
}

// mayTimeOut: a barrier of the snapshot that its task has not stored waits behind
// something.
func (c Config) mayTimeOut(s *State, ch int) bool {
	id := s.pend(producerOf(ch))
	return id != 0 && s.out[ch].find(barrier.of(id)) > 0
}

func (c Config) enabledLeader(s *State) (set uint64) {
	j := &s.jm
	if j.crashed {
		return 1 << lead
	}
	for t := range tasks {
		if s.toJM[t] != 0 {
			set |= 1 << (hear + Action(t))
		}
	}
	switch j.phase {
	case idle:
		if s.sink.recovered && (j.ended || int(s.used.checkpoints) < c.Checkpoints) {
			set |= 1 << triggerNext
		}
	case sealing:
		set |= 1 << seal
	case sealed:
		set |= 1 << complete
	}
	if int(s.used.aborts) < c.Aborts && (j.phase == collecting || c.Bug == ExpireSealing && j.phase == sealing) {
		set |= 1 << expire
	}
	if s.up != 1<<tasks-1 && j.phase != sealing && j.phase != sealed {
		set |= 1 << failover
	}
	return set
}

func each(set uint64, f func(Action)) {
	for ; set != 0; set &= set - 1 {
		f(Action(bits.TrailingZeros64(set)))
	}
}
