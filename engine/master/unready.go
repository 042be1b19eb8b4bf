package master

import (
	"fmt"

	"github.com/weirstream/weir/engine/host"
)

// unready is called when the storage could not be read or written before anything
// was deployed. It is a restart as any other: it is reported, and the restart
// strategy says whether to try again.
func (m *JobManager) unready(err error, out *host.Outbox, again func(out *host.Outbox)) {
	if m.settings.RestartAttempts >= 0 && m.restarts >= m.settings.RestartAttempts {
		m.fail(causeOf(err), fmt.Sprintf("%v (after %d restarts, as configured)", err, m.restarts), out)
		return
	}
	m.restarts++
	m.trouble = err.Error()
	m.report(host.Event{Kind: host.Restarting, Cause: causeOf(err), Text: m.trouble})
	m.later(m.settings.RestartDelay, out, again)
}
