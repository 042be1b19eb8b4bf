package protocol

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReached: what the model is for does happen in it.
func TestReached(t *testing.T) {
	inFlight := func(c *checkpoint) bool {
		return c.in != [channels]queue{} || c.out != [channels]queue{}
	}
	situations := []struct {
		what string
		in   []Mode
		is   func(c Config, s *State) bool
	}{
		{"a channel is blocked", []Mode{Aligned, Timeout}, func(_ Config, s *State) bool { return s.operator.blocked != 0 }},
		{"a record waits behind the barrier of a blocked channel", []Mode{Aligned, Timeout}, func(_ Config, s *State) bool {
			return s.operator.blocked&1 != 0 && s.in[source0].head().isRecord()
		}},
		{"an alignment has turned unaligned half-way", []Mode{Timeout}, func(_ Config, s *State) bool {
			return s.operator.overtook && s.operator.pending && s.operator.blocked != 0
		}},
		{"records arrive that belong to the snapshot", []Mode{Unaligned, Timeout}, func(_ Config, s *State) bool {
			return s.operator.capture != 0 && inFlight(&s.open)
		}},
		{"an attempt starts with records in flight", []Mode{Unaligned, Timeout}, func(_ Config, s *State) bool {
			return s.jm.attempt == 2 && inFlight(&s.done)
		}},
		{"an attempt starts from a checkpoint that is not committed", Modes, func(_ Config, s *State) bool {
			return s.jm.attempt == 2 && !s.sink.recovered
		}},
		{"the JobManager crashes while metadata is durable and nobody knows", Modes, func(_ Config, s *State) bool {
			return s.jm.crashed && s.done.id > s.ghost.newest
		}},
		{"an acknowledgement of the last attempt is on its way", Modes, func(_ Config, s *State) bool {
			kind, attempt, _ := s.toJM[operator].head().message()
			return kind == ack && attempt < s.jm.attempt && s.jm.phase == collecting
		}},
		{"a record is counted again, with a licence", []Mode{AtLeastOnce}, func(_ Config, s *State) bool {
			return s.ext.committed.count(0, true) == 1
		}},
		{"a cancel marker is on its way", Modes, func(_ Config, s *State) bool {
			return s.in[down].head().kind() == cancel
		}},
	}
	reached := map[string]map[Mode]bool{}
	for _, m := range Modes {
		for i, size := range []Config{{Records: 1, Crashes: 1}, {Records: 1, Aborts: 1}, {Records: 1, Checkpoints: 1, Crashes: 1}} {
			size.Mode = m
			visit(size, i > 0, func(s *State) { // reducing leaves out crashes that are not noticed
				for _, x := range situations {
					if x.is(size, s) {
						if reached[x.what] == nil {
							reached[x.what] = map[Mode]bool{}
						}
						reached[x.what][m] = true
					}
				}
			})
		}
	}
	for _, x := range situations {
		for _, m := range x.in {
			require.True(t, reached[x.what][m], "%s: %s", m, x.what)
		}
	}
}
