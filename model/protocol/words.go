package protocol

import (
	"fmt"
	"strings"
)

func taskName(t int) string {
	return [...]string{"source 0", "source 1", "the operator", "the sink"}[t]
}

func channelName(ch int) string {
	return [...]string{"source 0 -> operator", "source 1 -> operator", "operator -> sink"}[ch]
}

func (it item) String() string {
	switch it.kind() {
	case record:
		return fmt.Sprintf("record %d", it.n())
	case repeated:
		return fmt.Sprintf("record %d again", it.n())
	case barrier:
		return fmt.Sprintf("barrier %d", it.n())
	case overtaking:
		return fmt.Sprintf("unaligned barrier %d", it.n())
	case cancel:
		return fmt.Sprintf("cancel marker %d", it.n())
	}
	return "end of data"
}

func (q queue) String() string {
	if q == 0 {
		return "nothing"
	}
	var s []string
	for i := range q.len() {
		s = append(s, q.at(i).String())
	}
	return strings.Join(s, ", ")
}

// toTaskWords and toLeaderWords are control messages in words.
func toTaskWords(it item) string {
	kind, attempt, id := it.message()
	return words3([...]string{"", "trigger of", "abort of", "notification of", "notification of final"}[kind], attempt, id)
}

func toLeaderWords(it item) string {
	kind, attempt, id := it.message()
	if kind == ended {
		return fmt.Sprintf("word that all data has ended, of attempt %d", attempt)
	}
	return words3([...]string{"", "acknowledgement of", "decline of", "", "word of having committed final"}[kind], attempt, id)
}

func words3(what string, attempt, id uint8) string {
	return fmt.Sprintf("%s checkpoint %d, of attempt %d", what, id, attempt)
}

// describe says what an enabled action does.
func (c Config) describe(s *State, a Action) string {
	ch := func(first Action) string { return channelName(int(a - first)) }
	t := func(first Action) string { return taskName(int(a - first)) }
	switch {
	case a < deliver:
		return fmt.Sprintf("%s emits record %d", t(emit), 2*s.source[a-emit].offset+uint8(a-emit))
	case a < message:
		return fmt.Sprintf("%s delivers %s", ch(deliver), s.out[a-deliver].head())
	case a < refuse:
		return fmt.Sprintf("%s takes the %s", t(message), toTaskWords(s.toTask[a-message].head()))
	case a < store:
		return fmt.Sprintf("%s declines the %s", t(refuse), toTaskWords(s.toTask[a-refuse].head()))
	case a < fail:
		return fmt.Sprintf("%s has stored checkpoint %d, and acknowledges it", t(store), s.pend(int(a-store)))
	case a < take:
		return fmt.Sprintf("%s can't store checkpoint %d, and declines it", t(fail), s.pend(int(a-fail)))
	case a < timeoutIn:
		n := int(a - take)
		return fmt.Sprintf("%s takes %s from %s", taskName(consumerOf(n)), s.in[n].head(), channelName(n))
	case a < timeoutOut:
		return fmt.Sprintf("the alignment of %s takes too long: it goes on unaligned", taskName(operator+int(a-timeoutIn)))
	case a < hear:
		return fmt.Sprintf("%s: a barrier has waited too long to be sent, and overtakes %s", ch(timeoutOut), s.out[a-timeoutOut].head())
	case a < triggerNext:
		return fmt.Sprintf("the coordinator takes the %s, from %s", toLeaderWords(s.toJM[a-hear].head()), t(hear))
	}
	return c.describeLeader(s, a)
}

func (c Config) describeLeader(s *State, a Action) string {
	switch {
	case a == triggerNext && s.jm.ended:
		return fmt.Sprintf("the coordinator triggers final checkpoint %d", s.jm.next)
	case a == triggerNext:
		return fmt.Sprintf("the coordinator triggers checkpoint %d", s.jm.next)
	case a == seal:
		return fmt.Sprintf("the metadata of checkpoint %d is durable", s.jm.id)
	case a == complete:
		return fmt.Sprintf("the coordinator hears that checkpoint %d is complete, and notifies", s.jm.id)
	case a == expire:
		return fmt.Sprintf("checkpoint %d expires", s.jm.id)
	case a < crashLeader:
		return fmt.Sprintf("the worker of %s crashes", taskName(int(a-crash)))
	case a == crashLeader:
		return "the JobManager crashes"
	case a == failover:
		return fmt.Sprintf("the JobManager notices, and deploys attempt %d from checkpoint %d", s.jm.attempt+1, s.done.id)
	case a == lead:
		from := s.done.id
		if c.Bug == RestoreOlder {
			from = 0
		}
		return fmt.Sprintf("a new JobManager deploys attempt %d from checkpoint %d", s.jm.attempt+1, from)
	}
	return fmt.Sprintf("the sink recovers what checkpoint %d owns", s.done.id)
}

func (t tally) String() string {
	var s []string
	for r := range RecordsMax {
		if n := t.count(r, false); n > 0 {
			s = append(s, fmt.Sprintf("record %d %dx", r, n))
		}
		if n := t.count(r, true); n > 0 {
			s = append(s, fmt.Sprintf("record %d again %dx", r, n))
		}
	}
	if s == nil {
		return "nothing"
	}
	return strings.Join(s, ", ")
}

// inWords says of a state what is not as at the start, a line each.
func (c Config) inWords(s *State) []string {
	lines := []string{"committed: " + s.ext.committed.String()}
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if s.finished {
		return append(lines, "the job is finished")
	}
	say("complete: %s", s.done.inWords())
	if s.open.id != 0 {
		say("under way: %s", s.open.inWords())
	}
	if s.jm.crashed {
		say("no JobManager")
	} else {
		say("coordinator of attempt %d: %s", s.jm.attempt, [...]string{"idle", "collecting", "writing metadata", "metadata is durable", "final checkpoint complete"}[s.jm.phase])
	}
	say("sources at record %d and %d of theirs", s.source[0].offset, s.source[1].offset)
	g := &s.operator
	say("operator has taken: %s", g.seen)
	if g.pending {
		say("operator has barrier %d from %s", g.current, [...]string{"neither source", "source 0", "source 1", "both"}[g.arrived])
	}
	if g.blocked != 0 {
		say("operator is blocked on %s", [...]string{"", "source 0", "source 1", "both"}[g.blocked])
	}
	for ch := range channels {
		if s.out[ch]|s.in[ch] != 0 {
			say("%s: %s to be taken, %s to be sent", channelName(ch), s.in[ch], s.out[ch])
		}
	}
	return append(lines, c.messagesInWords(s)...)
}

func (c Config) messagesInWords(s *State) (lines []string) {
	for t := range tasks {
		if !s.isUp(t) {
			lines = append(lines, taskName(t)+" is down")
		}
		for i := range s.toTask[t].len() {
			lines = append(lines, fmt.Sprintf("on its way to %s: %s", taskName(t), toTaskWords(s.toTask[t].at(i))))
		}
		for i := range s.toJM[t].len() {
			lines = append(lines, fmt.Sprintf("on its way from %s: %s", taskName(t), toLeaderWords(s.toJM[t].at(i))))
		}
	}
	return lines
}

func (c *checkpoint) inWords() string {
	if c.id == 0 {
		return "no checkpoint"
	}
	s := fmt.Sprintf("checkpoint %d, offsets %d and %d, operator's state: %s; the sink had taken %d", c.id, c.offset[0], c.offset[1], c.seen, c.got)
	for ch := range channels {
		if q := c.in[ch] | c.out[ch]; q != 0 {
			s += fmt.Sprintf("; in flight on %s: %s at the consumer, %s at the producer", channelName(ch), c.in[ch], c.out[ch])
		}
	}
	var missing []string
	for t := range tasks {
		if c.stored>>t&1 == 0 {
			missing = append(missing, taskName(t))
		}
	}
	if missing != nil {
		s += "; not stored by " + strings.Join(missing, ", ")
	}
	return s
}
