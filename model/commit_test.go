package model

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// told plays a story to a fresh monitor and returns what its last event broke; no
// event before may break anything.
func told(t *testing.T, story ...func(m *CommitMonitor) []string) []string {
	m := &CommitMonitor{}
	for i, tell := range story {
		out := tell(m)
		if i == len(story)-1 {
			return out
		}
		require.Empty(t, out, "event %d", i)
	}
	return nil
}

func TestCommitMonitor(t *testing.T) {
	type event = func(m *CommitMonitor) []string
	completed := func(c uint64) event { return func(m *CommitMonitor) []string { return m.Completed(c) } }
	sealing := func(c uint64) event { return func(m *CommitMonitor) []string { m.Sealing(c); return nil } }
	lost := func(c uint64) event { return func(m *CommitMonitor) []string { m.Lost(c); return nil } }
	discarded := func(c uint64) event { return func(m *CommitMonitor) []string { m.Discarded(c); return nil } }
	atLeastOnce := func(m *CommitMonitor) []string { m.AtLeastOnce = true; return nil }
	restored := func(c uint64) event { return func(m *CommitMonitor) []string { return m.Restored(c) } }
	committed := func(c uint64) event {
		return func(m *CommitMonitor) []string { return m.Committed("out/0", fmt.Sprint("part-", c), c) }
	}
	for _, c := range []struct {
		name  string
		story []event
		texts []string
	}{
		{"ordinary", []event{restored(0), completed(1), committed(1), completed(3), restored(3), committed(3), committed(3)}, nil},
		{"subsumed", []event{completed(1), completed(3), committed(2)}, nil},
		{"completed, nobody told", []event{completed(1), sealing(2), restored(2), committed(2)}, nil},
		{"told late", []event{completed(1), sealing(2), restored(2), completed(2)}, nil},
		{"sealed in vain", []event{completed(1), sealing(2), restored(1), sealing(3), completed(3), restored(3)}, nil},
		{"lost before anyone knew", []event{completed(1), committed(1), sealing(3), lost(3), restored(1), completed(4), committed(4), restored(4)}, nil},
		{"lost, but an older one restored", []event{completed(1), completed(2), lost(1), restored(2)}, nil},
		{"lost, but restored all the same", []event{completed(1), completed(2), lost(2), restored(2)}, nil},
		{"at least once", []event{atLeastOnce, completed(1), committed(1), completed(2), completed(3), committed(3), lost(3), lost(2), restored(1),
			committed(2), restored(1), completed(4), committed(4), restored(4)}, nil},
		{"at least once, from nothing", []event{atLeastOnce, completed(1), discarded(1), completed(2), committed(2), lost(2), restored(0)}, nil},
		{"at least once, too far back", []event{atLeastOnce, completed(1), completed(2), completed(3), committed(3), lost(3), restored(1)},
			[]string{"checkpoint 1 was restored, but the latest completed is checkpoint 2"}},
		{"at least once, not lost", []event{atLeastOnce, completed(1), completed(2), committed(2), lost(1), restored(1)},
			[]string{"checkpoint 1 was restored, but the latest completed is checkpoint 2",
				"checkpoint 1 was restored, but out/0 had committed part-2 of checkpoint 2"}},
		{"from a savepoint", []event{completed(9), restored(9), completed(10), committed(10)}, nil},

		{"commit too early", []event{completed(1), committed(2)},
			[]string{"out/0 committed part-2 of checkpoint 2, which is not complete; the latest that is: 1"}},
		{"commit while sealing", []event{sealing(1), committed(1)},
			[]string{"out/0 committed part-1 of checkpoint 1, which is not complete; the latest that is: 0"}},
		{"restore too old", []event{completed(1), completed(2), restored(1)},
			[]string{"checkpoint 1 was restored, but the latest completed is checkpoint 2"}},
		{"restore from nothing", []event{completed(1), restored(0)},
			[]string{"the job started from nothing, but the latest completed is checkpoint 1"}},
		{"restore of one that isn't", []event{completed(1), restored(2)},
			[]string{"checkpoint 2 was restored, which is not complete; the latest that is: 1"}},
		{"restore of one that was passed over", []event{completed(1), sealing(2), completed(3), restored(2)},
			[]string{"checkpoint 2 was restored, but the latest completed is checkpoint 3"}},
		{"restore of an older one than is lost", []event{completed(1), completed(2), completed(3), lost(3), restored(1)},
			[]string{"checkpoint 1 was restored, but checkpoint 3, which is lost, was known to be complete: its output may be committed",
				"checkpoint 1 was restored, but the latest completed is checkpoint 2"}},
		{"lost after all were told", []event{completed(1), completed(2), lost(2), restored(0)},
			[]string{"the job started from nothing, but checkpoint 2, which is lost, was known to be complete: its output may be committed",
				"the job started from nothing, but the latest completed is checkpoint 1"}},
		{"lost after it had been restored", []event{completed(1), sealing(2), restored(2), lost(2), restored(1)},
			[]string{"checkpoint 1 was restored, but checkpoint 2, which is lost, was known to be complete: its output may be committed"}},
		{"restore behind a commit", []event{completed(1), completed(2), committed(2), lost(2), restored(1)},
			[]string{"checkpoint 1 was restored, but checkpoint 2, which is lost, was known to be complete: its output may be committed",
				"checkpoint 1 was restored, but out/0 had committed part-2 of checkpoint 2"}},
		{"both", []event{completed(1), completed(2), committed(2), committed(1), restored(1)},
			[]string{"checkpoint 1 was restored, but the latest completed is checkpoint 2",
				"checkpoint 1 was restored, but out/0 had committed part-2 of checkpoint 2"}},
		{"commit of one passed over", []event{completed(1), sealing(2), restored(1), committed(2)},
			[]string{"out/0 committed part-2 of checkpoint 2, which is not complete; the latest that is: 1"}},
		{"ids fall", []event{completed(2), completed(1)}, []string{"checkpoint 1 completed after checkpoint 2"}},
		{"ids stay", []event{completed(2), completed(2)}, []string{"checkpoint 2 completed after checkpoint 2"}},
		{"ids stay, told late", []event{sealing(2), restored(2), completed(2), completed(2)}, []string{"checkpoint 2 completed after checkpoint 2"}},
		{"ids of lost ones again", []event{atLeastOnce, completed(1), completed(2), lost(2), restored(1), completed(2)},
			[]string{"checkpoint 2 completed after checkpoint 2"}},
		{"ids stay after a restore", []event{sealing(2), completed(2), restored(2), completed(2)}, []string{"checkpoint 2 completed after checkpoint 2"}},
		{"sealed too late", []event{completed(3), sealing(2), restored(2)},
			[]string{"checkpoint 2 was restored, but the latest completed is checkpoint 3"}},
		{"no id", []event{completed(0)}, []string{"checkpoint 0 completed after checkpoint 0"}},
		{"token twice", []event{completed(1), completed(2), committed(1),
			func(m *CommitMonitor) []string { return m.Committed("out/1", "part-1", 2) }},
			[]string{"out/1 committed part-1 under checkpoint 2, out/0 had committed it under checkpoint 1"}},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.texts, told(t, c.story...)) })
	}
}

// An engine that keeps to the rules, with any timing and any crashes, is never
// blamed; the truth of a sealed checkpoint is drawn and told late, early or never.
func TestCommitMonitorBlamesNoOneWhoKeepsToTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &CommitMonitor{}
		var last, next, committed, pending uint64
		durable := false
		none := func(out []string) { require.Empty(t, out) }
		t.Repeat(map[string]func(*rapid.T){
			"seal": func(t *rapid.T) {
				if pending != 0 {
					t.Skip("one at a time")
				}
				next += rapid.Uint64Range(1, 3).Draw(t, "step")
				pending, durable = next, rapid.Bool().Draw(t, "durable")
				m.Sealing(pending)
			},
			"sealed": func(t *rapid.T) {
				if pending != 0 && durable {
					none(m.Completed(pending))
					last = pending
				}
				pending = 0
			},
			"commit": func(t *rapid.T) {
				if last == 0 {
					t.Skip("nothing to commit")
				}
				committed = max(committed, rapid.Uint64Range(1, last).Draw(t, "checkpoint"))
				none(m.Committed("out/0", fmt.Sprint("part-", committed), committed))
			},
			"restart": func(t *rapid.T) {
				if pending != 0 && durable {
					last = pending
				}
				none(m.Restored(last))
				if pending != 0 && durable && rapid.Bool().Draw(t, "told") {
					none(m.Completed(pending))
				}
				pending = 0
				require.NotEmpty(t, m.Restored(last+100), "nobody has sealed that one")
			},
		})
	})
}

func BenchmarkCommitMonitor(b *testing.B) {
	tokens := make([]string, 100_000)
	for i := range tokens {
		tokens[i] = fmt.Sprint("part-", i)
	}
	m := &CommitMonitor{}
	c := uint64(0)
	for b.Loop() {
		c++
		m.Sealing(c)
		m.Completed(c)
		m.Committed("out/0", tokens[c%100_000], c%100_000)
	}
}
