package task

import (
	"fmt"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/host"
)

// plain types have the fields of a message and not its String method.
type (
	plainTrigger   Trigger
	plainComplete  NotifyComplete
	plainAck       Ack
	plainDecline   Decline
	plainStatus    Status
	plainHeartbeat struct {
		Worker      string
		Incarnation int64
		Slots       int
		Tasks       []plainStatus
	}
)

// TestDigests: messages have the digests of what fmt shows of all their fields, which
// the hashes of recorded runs are made of.
func TestDigests(t *testing.T) {
	shown := func(v any) uint64 { return xxhash.Sum64String(fmt.Sprintf("%+v", v)) }
	rapid.Check(t, func(t *rapid.T) {
		complete := rapid.Make[NotifyComplete]().Draw(t, "complete")
		require.Equal(t, shown(plainComplete(complete)), complete.Digest())
		trigger := rapid.Make[Trigger]().Draw(t, "trigger")
		require.Equal(t, shown(plainTrigger(trigger)), trigger.Digest())
		ack := rapid.Make[Ack]().Draw(t, "ack")
		require.Equal(t, shown(plainAck(ack)), ack.Digest())
		decline := rapid.Make[Decline]().Draw(t, "decline")
		decline.Why %= 3
		require.Equal(t, shown(plainDecline(decline)), decline.Digest())
		heartbeat := rapid.Make[Heartbeat]().Draw(t, "heartbeat")
		plain := plainHeartbeat{Worker: heartbeat.Worker, Incarnation: heartbeat.Incarnation, Slots: heartbeat.Slots}
		for i := range heartbeat.Tasks {
			s := &heartbeat.Tasks[i]
			s.State, s.Cause = s.State%(Failed+1), s.Cause%(host.CauseUser+1)
			plain.Tasks = append(plain.Tasks, plainStatus(*s))
		}
		require.Equal(t, shown(plain), heartbeat.Digest())
		status := rapid.Make[Status]().Draw(t, "status")
		status.State, status.Cause = status.State%(Failed+1), status.Cause%(host.CauseUser+1)
		require.Equal(t, shown(plainStatus(status)), status.Digest())
		require.Equal(t, shown(status.Attempt), Cancel{status.Attempt}.Digest())
		require.Equal(t, shown(status.Attempt)^7, NotifyAborted{status.Attempt, 7}.Digest())
	})
}
