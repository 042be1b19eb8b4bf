package page

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden file with the page of this run")

// tiny is a checkpoint of two tasks, in which one channel waits for the other.
func tiny(name string) *Page {
	return &Page{
		Title: name, Verdict: "fail", Facts: [][2]string{{"hash", name}}, Commands: []string{"simrun run " + name}, Remarks: []string{name},
		Lanes: []Lane{{Node: "jm", Name: "jm"}, {Node: "tm1", Name: name}, {Node: "tm1", Name: "count/0", Channels: []string{"lines/0", name}}},
		Events: []Event{
			{Number: 1, Time: 1000, Lane: 0, Cause: -1, Class: Triggered, Checkpoint: 3, Text: name},
			{Number: 4, Time: 2000, Lane: 1, Cause: 0, Class: BarrierOut, Checkpoint: 3, Text: "= barrier out 3"},
			{Number: 9, Time: 5000, Lane: 2, Cause: 1, Class: BarrierIn, Checkpoint: 3, Text: name},
		},
		Barriers: []Barrier{{From: 1, To: 2, Checkpoint: 3}},
		Blocks:   []Block{{Lane: 2, Channel: 1, From: name, Start: 5000, End: 9000, Event: 2, Checkpoint: 3, Queued: 2, Held: 7, Frames: 1, Bytes: 64, Open: true}},
		Checkpoints: []Checkpoint{{
			ID: 3, Start: 1000, End: 9_001_000, Outcome: name, Event: 0,
			Tasks: []Part{{Task: name, Aligned: 4000, Bytes: 120, InFlight: 30, Held: 7}, {Task: "count/0", Bytes: 5, InFlight: 12}},
		}},
		Violations: []Violation{{Event: 2, Number: 9, Text: name}},
	}
}

func write(t *testing.T, p *Page) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, p.Write(&b))
	return b.String()
}

func TestPageGolden(t *testing.T) {
	got := write(t, tiny("words"))
	for _, name := range []string{"page.css", "page.js"} { // long, and there already
		text, err := files.ReadFile(name)
		require.NoError(t, err)
		require.True(t, strings.Contains(got, string(text)), name)
		got = strings.Replace(got, string(text), name, 1)
	}
	const path = "testdata/tiny.html"
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// TestNamesAreText: whatever a name is, the page has the same tags.
func TestNamesAreText(t *testing.T) {
	plain := write(t, tiny("words"))
	for _, name := range []string{
		`</script><script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `"><b>`, `<!--<script>`, "]]>", "a\u2028b", `{{.Page}}`, `'+alert(1)+'`,
	} {
		got := write(t, tiny(name))
		for _, tag := range []string{"<script", "</script", "<img", "<b>", "<!--", "<td", "<a "} {
			require.Equal(t, strings.Count(plain, tag), strings.Count(got, tag), "%s in a page of %q", tag, name)
		}
		_, data, _ := strings.Cut(got, `id="data">`)
		data, _, _ = strings.Cut(data, "</script>")
		require.False(t, strings.ContainsAny(data, "<>&\u2028"), "the data of a page of %q", name)
	}
}

// TestNothingIsFetched: the page works without a network.
func TestNothingIsFetched(t *testing.T) {
	page := write(t, tiny("words"))
	for _, s := range []string{"http:", "https:", "@import", "url(", "<link rel=\"stylesheet", " src=", "fetch(", "XMLHttp", "import("} {
		require.False(t, strings.Contains(page, s), s)
	}
}

func TestSize(t *testing.T) {
	p := &Page{}
	for i := range 20_000 {
		text := fmt.Sprintf("w task-%d-%d@1.1: write %d bytes, checkpoints/chk-%d/task-2-1-1.1.tmp", i%5, i%3, i, i/100)
		p.Events = append(p.Events, Event{Number: uint64(2 * i), Time: int64(i) * 123_457, Lane: i % 30, Cause: i - 1, Class: Class(i % int(Ended)), Checkpoint: uint64(i / 100), Text: text})
	}
	require.Less(t, len(write(t, p)), 3<<20, "with texts that are all different")
	for i := range p.Events {
		p.Events[i].Text = p.Events[i%500].Text
	}
	require.Less(t, len(write(t, p)), 1<<20)
}

// TestScriptKnowsTheClasses: the script has as many, in the same order.
func TestScriptKnowsTheClasses(t *testing.T) {
	script, err := files.ReadFile("page.js")
	require.NoError(t, err)
	list, _, ok := strings.Cut(string(script[strings.Index(string(script), "const [OTHER"):]), "] = ")
	require.True(t, ok)
	names := strings.Split(strings.Join(strings.Fields(strings.TrimPrefix(list, "const [")), ""), ",")
	require.Len(t, names, int(Ended)+1)
	require.Contains(t, string(script), fmt.Sprintf("Array(%d)", int(Ended)+1))
	for name, c := range map[string]Class{
		"MSG_SENT": MessageSent, "FRAME_TAKEN": FrameTaken, "WORK": Work, "ENGINE": Engine, "CRASH": Crash, "DAMAGE": Damage, "TRIGGERED": Triggered,
		"BARRIER_IN": BarrierIn, "BLOCKED": Blocked, "TAKEN": SnapshotTaken, "STORED": SnapshotStored, "ACK": Ack, "COMPLETED": Completed,
		"ABORTED": Aborted, "COMMITTED": Committed, "FAILED": Failed, "STARTED": Started, "ENDED": Ended,
	} { // unordered: each is looked up
		require.Equal(t, name, names[c])
	}
}
