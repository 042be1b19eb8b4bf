package scenarios

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
)

// A journal says which runs of a sweep have ended and what they brought, so that the
// sweep can go on after its process was killed. It has a line of JSON for the sweep and
// then one for each run, in the order of the list, each behind its checksum. A last line
// that was cut short never ended: that run is made again.
const (
	journalFormat = "weir sweep journal v1"
	journalSuffix = ".journal"
)

// journalHead says of which sweep the journal is.
type journalHead struct {
	Format string `json:"format"`
	Build  string `json:"build"`
	// Options are those that decide what is run, and in which order.
	Options journalOptions `json:"options"`
}

type journalOptions struct {
	List      string `json:"list"`
	Shard     Shard  `json:"shard"`
	Seeds     int    `json:"seeds"`
	For       string `json:"for"`
	Verify    bool   `json:"verify"`
	KeepGoing bool   `json:"keep-going"`
}

// journalEntry is what one run brought: its report, with what reports keep to themselves.
type journalEntry struct {
	Number    int           `json:"number"`
	After     time.Duration `json:"after"`
	Report    *Report       `json:"report"`
	Points    []point       `json:"points"`
	During    bool          `json:"during"`
	Parallel  bool          `json:"parallel"`
	LastFault string        `json:"last_fault,omitempty"`
	Twice     bool          `json:"twice,omitempty"`
	Saved     string        `json:"saved,omitempty"`
}

func newEntry(number int, rep *Report, after time.Duration) *journalEntry {
	slim := *rep
	if rep.Verdict == Pass { // nobody prints them
		slim.World, slim.Plan, slim.Unfired, slim.Repeated = "", nil, nil, nil
	}
	w := rep.watched
	e := &journalEntry{
		Number: number, After: after, Report: &slim, During: w.during, Parallel: w.parallel, LastFault: w.lastFault,
		Twice: rep.twice, Saved: rep.Saved,
	}
	for p, seen := range w.points {
		if seen {
			e.Points = append(e.Points, point(p))
		}
	}
	return e
}

// whole is the report as the run left it.
func (e *journalEntry) whole() (*Report, error) {
	if e.Report == nil {
		return nil, errors.New("it has no report")
	}
	rep := e.Report
	rep.watched = &sighted{during: e.During, parallel: e.Parallel, lastFault: e.LastFault}
	for _, p := range e.Points {
		if p < 0 || p >= pointCount {
			return nil, fmt.Errorf("there is no point %d", p)
		}
		rep.watched.points[p] = true
	}
	rep.twice, rep.Saved = e.Twice, e.Saved
	return rep, nil
}

func (s *sweep) head() journalHead {
	return journalHead{journalFormat, s.build, journalOptions{
		s.list(), s.o.Shard, s.o.Seeds, s.o.For.String(), s.o.Verify, s.o.KeepGoing,
	}}
}

// openJournal begins the sweep's journal, or goes on with the one that is there. A
// place that can't be written to, such as a full disk, costs the journal alone.
func (s *sweep) openJournal() (err error) {
	path := s.fileName(journalSuffix)
	switch {
	case s.o.Resume && s.o.Coverage == "":
		return usage("--resume needs --out: the directory of the sweep that is to go on")
	case s.o.Coverage == "":
		return nil
	case s.o.Resume:
		err = s.resume(path)
	default:
		var line []byte
		if line, err = journalLine(s.head()); err == nil {
			err = writeWhole(path, line)
		}
	}
	if u := (*UsageError)(nil); errors.As(err, &u) {
		return err
	}
	if err == nil {
		s.journal, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	}
	if err != nil {
		s.giveUp(err)
	}
	return nil
}

// giveUp goes on without a journal; the sweep says so at its end.
func (s *sweep) giveUp(err error) {
	s.unwritten = fmt.Errorf("the journal could not be written, and the sweep can't be resumed from here: %w", err)
	s.journal = nil
}

func journalLine(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%016x %s\n", xxhash.Sum64(text), text), nil
}

// readJournalLine is the opposite. A line without its end or with another checksum is
// not one.
func readJournalLine(line []byte, to any) bool {
	text, whole := bytes.CutSuffix(line, []byte("\n"))
	if !whole || len(text) < 17 || fmt.Sprintf("%016x ", xxhash.Sum64(text[17:])) != string(text[:17]) {
		return false
	}
	return json.Unmarshal(text[17:], to) == nil
}

// resume takes over the runs of a journal, and cuts off a last line that never ended.
func (s *sweep) resume(path string) error {
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usage("--resume: there is no %s: %s holds no sweep of this seed and shard", path, filepath.Dir(path))
	case err != nil:
		return usage("--resume: %s: %w", path, cause(err))
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	if last := len(lines) - 1; len(lines[last]) == 0 {
		lines = lines[:last]
	}
	var was journalHead
	if len(lines) == 0 || !readJournalLine(lines[0], &was) || was.Format != journalFormat {
		return usage("--resume: %s: line 1 is not the head of a %s", path, journalFormat)
	}
	if d := differs(was, s.head()); d != "" {
		return usage("--resume: %s is of another sweep: %s", path, d)
	}
	good := len(lines[0])
	for i, line := range lines[1:] {
		var e journalEntry
		if !readJournalLine(line, &e) {
			if i+2 == len(lines) {
				break
			}
			return usage("--resume: %s: line %d is damaged; begin anew without --resume", path, i+2)
		}
		rep, err := e.whole()
		if err == nil && e.Number != s.number(i) {
			err = fmt.Errorf("it is of run %d; run %d must come here", e.Number, s.number(i))
		}
		if err != nil {
			return usage("--resume: %s: line %d: %w", path, i+2, err)
		}
		s.count(rep, e.After)
		s.next++
		s.stop = rep.Verdict != Pass && !s.o.KeepGoing
		s.begin = time.Now().Add(-e.After) // time goes on where it was
		good += len(line)
	}
	return os.Truncate(path, int64(good))
}

// differs says what is not the same, empty if all is.
func differs(was, is journalHead) string {
	var list []string
	add := func(what string, a, b any) {
		if a != b {
			list = append(list, fmt.Sprintf("%s was %v, now it is %v", what, a, b))
		}
	}
	a, b := was.Options, is.Options
	add("the build", was.Build, is.Build)
	add("the list of runs", a.List, b.List)
	add("--shard", fmt.Sprintf("%d/%d", a.Shard.Index, a.Shard.Of), fmt.Sprintf("%d/%d", b.Shard.Index, b.Shard.Of))
	add("--seeds", a.Seeds, b.Seeds)
	add("--for", a.For, b.For)
	add("--verify", a.Verify, b.Verify)
	add("--keep-going", a.KeepGoing, b.KeepGoing)
	return strings.Join(list, "; ")
}

// note adds a run to the journal, in one write.
func (s *sweep) note(number int, rep *Report, after time.Duration) {
	if s.journal == nil {
		return
	}
	line, err := journalLine(newEntry(number, rep, after))
	if err == nil {
		_, err = s.journal.Write(line)
	}
	if err != nil {
		_ = s.journal.Close() // the first error says more
		s.giveUp(err)
	}
}
