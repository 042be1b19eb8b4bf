package trace

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Describe says what a record is, beginning with a sign: "> tm1 src/0: trigger 3".
// It must not depend on anything but its arguments.
type Describe func(r Record, names Names) string

const whatWidth = 46

// Text writes the events numbered from first to last, both included, as Select does.
func (t *Trace) Text(out io.Writer, describe Describe, first, last uint64) error {
	return t.Select(out, describe, func(r Record) bool { return r.Number >= first && r.Number <= last })
}

// Select writes the events that keep wants, which is asked twice, in fixed columns: event, time in seconds, node, what (with its sign), cause. A head says
// what was run, and if the last record is among them, an end how it ended. Columns
// are as wide as these records need; only "what" may run over.
func (t *Trace) Select(out io.Writer, describe Describe, keep func(r Record) bool) error {
	l := layout{event: 5, time: 8, node: 4}
	end, whole := Record{}, false
	err := t.Each(func(r Record) error {
		end, whole = r, keep(r)
		if whole {
			l.event = max(l.event, len(strconv.FormatUint(r.Number, 10)))
			l.time = max(l.time, len(seconds(r.Time)))
			l.node = max(l.node, utf8.RuneCountInString(oneLine(t.Name(r.Where))))
		}
		return nil
	})
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "trace v%d  scenario=%s seed=0x%x mode=%s commit=%s go=%s\n",
		Version, t.Header.Scenario, t.Header.Seed, t.Header.Mode, t.Header.Commit, t.Header.Go)
	l.row(w, "event", "time", "node", "  what", "cause")
	err = t.Each(func(r Record) error {
		if keep(r) {
			l.row(w, strconv.FormatUint(r.Number, 10), seconds(r.Time), oneLine(t.Name(r.Where)),
				oneLine(describe(r, t.Name)), causeText(r.Cause))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if whole || t.Count == 0 {
		fmt.Fprintf(w, "end    records=%d virtual=%s hash=%016x verdict=%s\n",
			t.Count, seconds(end.Time)+"s", t.Hash, oneLine(t.Verdict))
	}
	return w.Flush()
}

// All are the numbers for Text that leave nothing out.
const All uint64 = math.MaxUint64

type layout struct{ event, time, node int }

func (l layout) row(w io.Writer, event, at, node, what, cause string) {
	fmt.Fprintf(w, "%*s  %-*s  %-*s  %-*s  %s\n", l.event, event, l.time, at, l.node, node, whatWidth, what, cause)
}

// line is a record alone, as in the text view but without padding.
func line(r Record, names Names, describe Describe) string {
	return fmt.Sprintf("%d  %s  %s  %s  %s", r.Number, seconds(r.Time), oneLine(names(r.Where)),
		oneLine(describe(r, names)), causeText(r.Cause))
}

func causeText(n uint64) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatUint(n, 10)
}

// seconds shows nanoseconds as seconds with six decimals, cut off, never rounded.
func seconds(ns int64) string {
	sign, whole, rest := "", ns/int64(time.Second), ns%int64(time.Second)
	if ns < 0 {
		sign, whole, rest = "-", -whole, -rest
	}
	return fmt.Sprintf("%s%d.%06d", sign, whole, rest/int64(time.Microsecond))
}

// oneLine keeps a text on its line.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\n\r\t") {
		return s
	}
	return strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(s)
}
