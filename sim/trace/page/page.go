// Package page draws a run as a space-time diagram: one HTML file that needs nothing
// else, with a row for each place where things happen and time from left to right.
//
// It knows neither engine nor trace: who calls it says what there is to draw. What it
// is given may be any text; none of it becomes markup or script.
package page

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"time"
)

// Class says what an event is, and so how it is drawn. The script has the same list.
type Class uint8

// The classes of events.
const (
	Other Class = iota
	MessageSent
	MessageTaken
	FrameSent
	FrameTaken
	Disk
	Flow // of credit
	Work // timers, offloaded work, steps that go on
	Engine
	Crash
	Restart
	Damage
	Triggered
	BarrierIn
	BarrierOut
	Blocked
	Unblocked
	SnapshotTaken
	SnapshotStored
	Ack
	Completed
	Aborted
	Committed
	Failed
	Started
	Ended
)

// Page is what is drawn. Times are nanoseconds of virtual time; events are named by
// their position in Events, and Lanes by theirs.
type Page struct {
	Title   string
	Verdict string
	Good    bool // the verdict is the one that was hoped for
	// Facts are the lines of the head, name and value; Commands are shell commands,
	// and Remarks say what the page leaves out.
	Facts    [][2]string
	Commands []string
	Remarks  []string

	Lanes       []Lane
	Events      []Event // in order of time
	Barriers    []Barrier
	Blocks      []Block
	Checkpoints []Checkpoint
	Violations  []Violation
}

// Lane is a row: a node's process, or a task on it.
type Lane struct {
	Node, Name string
	// Channels say whose data each brings, and have a line each; none if no channel is
	// ever blocked.
	Channels []string
}

// Event is one record.
type Event struct {
	Number     uint64
	Time       int64
	Lane       int
	Cause      int // position of an earlier event, -1 for none
	Class      Class
	Checkpoint uint64 // 0 for none
	Text       string
}

// Barrier goes from the event that sent it to the one that took it.
type Barrier struct {
	From, To   int
	Checkpoint uint64
}

// Block is a channel that waits for a checkpoint's alignment.
type Block struct {
	Lane, Channel int
	From          string // whose data the channel carries
	Start, End    int64
	Event         int // that began it
	Checkpoint    uint64
	// Queued records waited behind the barrier at the start, Held at the end. Frames
	// and Bytes arrived meanwhile.
	Queued, Held, Frames, Bytes int64
	// Open says that the block had not ended when the task or the trace did.
	Open bool
}

// Checkpoint is a band from trigger to outcome.
type Checkpoint struct {
	ID         uint64
	Start, End int64
	Outcome    string
	Good       bool
	Event      int // the trigger
	Tasks      []Part
}

// Part is what one task did for a checkpoint.
type Part struct {
	Task            string
	Aligned         int64 // nanoseconds from first barrier to snapshot
	Bytes, InFlight int64 // of its files
	Held            int64 // records that waited behind barriers, at most
}

// Violation is a broken promise; Event is -1 if it is not on the page.
type Violation struct {
	Event  int
	Number uint64
	Text   string
}

//go:embed page.html page.css page.js
var files embed.FS

var sheet = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"seconds": func(ns int64) string { return fmt.Sprintf("%.6f s", float64(ns)/1e9) },
	"span":    func(ns int64) string { return time.Duration(ns).Round(time.Microsecond).String() },
	"less":    func(a, b int64) int64 { return a - b },
	"inflight": func(c Checkpoint) (n int64) {
		for _, p := range c.Tasks {
			n += p.InFlight
		}
		return n
	},
}).ParseFS(files, "page.html"))

// Write writes the page.
func (p *Page) Write(out io.Writer) error {
	data, err := json.Marshal(p.compact()) // escapes <, > and &
	if err != nil {
		return err
	}
	style, err := files.ReadFile("page.css")
	if err != nil {
		return err
	}
	script, err := files.ReadFile("page.js")
	if err != nil {
		return err
	}
	return sheet.Execute(out, map[string]any{
		"Page": p, "Data": template.JS(data), "Style": template.CSS(style), "Script": template.JS(script),
	})
}

// compact is the page's data as arrays of numbers and a table of texts.
func (p *Page) compact() map[string]any {
	t := table{ids: map[string]int{}}
	last := Event{}
	events := make([]int64, 0, 7*len(p.Events))
	for i, e := range p.Events {
		back := 0 // how far before this event its cause is, 0 for none
		if e.Cause >= 0 {
			back = i - e.Cause
		}
		events = append(events, int64(e.Number-last.Number), e.Time-last.Time, int64(e.Lane), int64(back),
			int64(e.Class), int64(e.Checkpoint), int64(t.id(e.Text)))
		last = e
	}
	lanes, barriers, blocks, checkpoints, violations := [][]any{}, [][]any{}, [][]any{}, [][]any{}, [][]any{}
	for _, l := range p.Lanes {
		lanes = append(lanes, append([]any{l.Node, l.Name}, anys(l.Channels)...))
	}
	for _, b := range p.Barriers {
		barriers = append(barriers, []any{b.From, b.To, b.Checkpoint})
	}
	for _, b := range p.Blocks {
		open := 0
		if b.Open {
			open = 1
		}
		blocks = append(blocks, []any{b.Lane, b.Channel, b.From, b.Start, b.End, b.Event, b.Checkpoint, b.Queued, b.Held, b.Frames, b.Bytes, open})
	}
	for _, c := range p.Checkpoints {
		good := 0
		if c.Good {
			good = 1
		}
		checkpoints = append(checkpoints, []any{c.ID, c.Start, c.End, c.Outcome, good, c.Event})
	}
	for _, v := range p.Violations {
		violations = append(violations, []any{v.Event, v.Number, v.Text})
	}
	return map[string]any{
		"lanes": lanes, "events": events, "texts": t.texts, "barriers": barriers, "blocks": blocks,
		"checkpoints": checkpoints, "violations": violations,
	}
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// table gives equal texts one number.
type table struct {
	ids   map[string]int
	texts []string
}

func (t *table) id(s string) int {
	n, ok := t.ids[s]
	if !ok {
		n = len(t.texts)
		t.ids[s], t.texts = n, append(t.texts, s)
	}
	return n
}
