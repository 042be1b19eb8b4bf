package model

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// goodCut has one channel, words->count 0->1: 800 taken, 8 in flight at the
// consumer and 4 at the producer, 812 sent.
func goodCut() Cut {
	return Cut{
		Checkpoint: 5,
		Edges:      []Edge{{Name: "lines->words"}, {Name: "words->count", Channels: 1}},
		Ends: []ChannelEnd{
			{Edge: 1, From: 0, To: 1, Producer: true, Record: 812, First: 808, InFlight: 4},
			{Edge: 1, From: 0, To: 1, Record: 800, First: 800, InFlight: 8},
		},
	}
}

func TestCutViolations(t *testing.T) {
	const at = "checkpoint 5, edge words->count 0->1: "
	for _, c := range []struct {
		name  string
		spoil func(c *Cut)
		texts []string
	}{
		{"none", func(*Cut) {}, nil},
		{"all taken", func(c *Cut) {
			c.Ends = []ChannelEnd{{Edge: 1, To: 1, Record: 9}, {Edge: 1, To: 1, Producer: true, Record: 9}}
		}, nil},
		{"lost", func(c *Cut) { c.Ends[0].InFlight, c.Ends[0].First = 2, 810 }, []string{at + "812 records sent, 800 taken, 10 in flight: 2 lost"}},
		{"lost, nothing in flight", func(c *Cut) { c.Ends[0].InFlight, c.Ends[1].InFlight = 0, 0 }, []string{at + "812 records sent, 800 taken, 0 in flight: 12 lost"}},
		{"too many", func(c *Cut) { c.Ends[1].InFlight = 9 }, []string{at + "812 records sent, 800 taken, 13 in flight: 1 too many"}},
		{"gap at the consumer", func(c *Cut) { c.Ends[1].First = 803 }, []string{at + "800 taken, but in flight at the consumer are records from 803 on: 3 skipped"}},
		{"overlap at the consumer", func(c *Cut) { c.Ends[1].First = 797 }, []string{at + "800 taken, but in flight at the consumer are records from 797 on: 3 twice"}},
		{"overlap at the producer", func(c *Cut) { c.Ends[0].First = 809 }, []string{at + "812 sent, but in flight at the producer are records up to 813: 1 twice"}},
		{"gap at the producer", func(c *Cut) { c.Ends[0].First = 807 }, []string{at + "812 sent, but in flight at the producer are records up to 811: 1 skipped"}},
		{"no consumer", func(c *Cut) { c.Ends = c.Ends[:1] }, []string{at + "1 producer end and 0 consumer ends, there must be one of each"}},
		{"no producer", func(c *Cut) { c.Ends = c.Ends[1:] }, []string{at + "0 producer ends and 1 consumer end, there must be one of each"}},
		{"two consumers", func(c *Cut) { c.Ends = append(c.Ends, c.Ends[1]) }, []string{at + "1 producer end and 2 consumer ends, there must be one of each"}},
		{"no channel", func(c *Cut) { c.Ends = nil }, []string{"checkpoint 5, edge words->count: the checkpoint has 0 channels, the job 1"}},
		{"ends that don't meet", func(c *Cut) { c.Ends[0].To = 2 }, []string{
			at + "0 producer ends and 1 consumer end, there must be one of each",
			"checkpoint 5, edge words->count 0->2: 1 producer end and 0 consumer ends, there must be one of each",
			"checkpoint 5, edge words->count: the checkpoint has 2 channels, the job 1"}},
		{"unknown edge", func(c *Cut) { c.Ends = append(c.Ends, ChannelEnd{Edge: 7}) }, []string{
			"checkpoint 5, edge 7 0->0: 0 producer ends and 1 consumer end, there must be one of each"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cut := goodCut()
			c.spoil(&cut)
			require.Equal(t, c.texts, CheckCut(cut))
		})
	}
}

// drawCut is a consistent cut of an edge between p and q subtasks.
func drawCut(t *rapid.T) Cut {
	n := func(label string) uint64 { return rapid.Uint64Range(0, 5).Draw(t, label) }
	p, q := rapid.IntRange(1, 3).Draw(t, "p"), rapid.IntRange(1, 3).Draw(t, "q")
	c := Cut{Checkpoint: 1, Edges: []Edge{{Name: "a->b", Channels: p * q}}}
	for from := range p {
		for to := range q {
			taken, input, output := n("taken"), n("input"), n("output")
			c.Ends = append(c.Ends,
				ChannelEnd{0, from, to, false, taken, taken, input},
				ChannelEnd{0, from, to, true, taken + input + output, taken + input, output})
		}
	}
	c.Ends = rapid.Permutation(c.Ends).Draw(t, "order")
	return c
}

func TestConsistentCutsPassAndOneWrongNumberFails(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCut(t)
		require.Empty(t, CheckCut(c))
		e := &c.Ends[rapid.IntRange(0, len(c.Ends)-1).Draw(t, "end")]
		by := rapid.Uint64Range(1, 3).Draw(t, "by")
		switch rapid.SampledFrom([]string{"record", "in flight", "first", "side", "subtask", "edge"}).Draw(t, "what") {
		case "record":
			e.Record += by
		case "in flight":
			e.InFlight += by
		case "first":
			if e.InFlight == 0 {
				t.Skip("means nothing")
			}
			e.First += by
		case "side":
			e.Producer = !e.Producer
		case "subtask":
			e.From += 3
		case "edge":
			e.Edge++
		}
		require.NotEmpty(t, CheckCut(c))
	})
}

func BenchmarkCheckCut(b *testing.B) {
	var c Cut
	for i := range 1000 {
		c.Ends = append(c.Ends,
			ChannelEnd{i % 10, i / 10 % 10, i / 100, false, 7, 7, 3},
			ChannelEnd{i % 10, i / 10 % 10, i / 100, true, 12, 10, 2})
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(c.Ends), func(i, j int) { c.Ends[i], c.Ends[j] = c.Ends[j], c.Ends[i] })
	for b.Loop() {
		if len(CheckCut(c)) != 0 {
			b.Fatal("violation")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*1000), "ns/channel")
}

func TestSourceViolations(t *testing.T) {
	data := []byte("one\ntwo\n\nfour")
	lines := func(s SourcePosition) int64 { return CountLines(data, s.Start, s.Next) }
	good := SourcePosition{Source: "lines", Split: "f[0:13]", Next: 8, End: 13, Emitted: 2}
	for _, c := range []struct {
		name  string
		spoil func(s *SourcePosition)
		text  string
	}{
		{"none", func(*SourcePosition) {}, ""},
		{"done", func(s *SourcePosition) { s.Next, s.Emitted = 13, 4 }, ""},
		{"ahead", func(s *SourcePosition) { s.Next = 9 }, "2 records emitted, but there are 3 in [0, 9)"},
		{"behind", func(s *SourcePosition) { s.Emitted = 3 }, "3 records emitted, but there are 2 in [0, 8)"},
		{"backwards", func(s *SourcePosition) { s.Start = 9 }, "stands at 8, before its start 9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := good
			c.spoil(&s)
			var want []string
			if c.text != "" {
				want = []string{"checkpoint 5, source lines, f[0:13]: " + c.text}
			}
			require.Equal(t, want, CheckSources(Cut{Checkpoint: 5, Sources: []SourcePosition{s}}, lines))
		})
	}
	other := good
	other.Source = "more"
	require.Empty(t, CheckSources(Cut{Sources: []SourcePosition{good, other}}, lines))
	require.Equal(t, []string{"checkpoint 5, source lines, f[0:13]: two readers have this split"},
		CheckSources(Cut{Checkpoint: 5, Sources: []SourcePosition{good, other, good}}, lines))
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		data string
		want []string
	}{
		{"", nil},
		{"\n", []string{""}},
		{"a", []string{"a"}},
		{"a\n", []string{"a"}},
		{"a\n\n", []string{"a", ""}},
		{"a\r\n\xff", []string{"a\r", "\xff"}},
	} {
		require.Equal(t, c.want, Lines([]byte(c.data)), "%q", c.data)
		require.EqualValues(t, len(c.want), CountLines([]byte(c.data), -1, 99), "%q", c.data)
	}
}

// Over all texts of up to seven bytes, and all bounds.
func TestCountLinesIsThatOfWalkingThem(t *testing.T) {
	for text := range 1 << 8 {
		var data []byte
		for ; text > 1; text >>= 1 {
			data = append(data, "a\n"[text&1])
		}
		for start := int64(-1); start <= 9; start++ {
			for next := int64(-1); next <= 9; next++ {
				var n, at int64
				for _, line := range Lines(data) {
					if at >= start && at < next {
						n++
					}
					at += int64(len(line)) + 1
				}
				require.Equal(t, n, CountLines(data, start, next), "%q [%d, %d)", data, start, next)
			}
		}
		joined := strings.Join(Lines(data), "\n")
		if bytes.HasSuffix(data, []byte("\n")) {
			joined += "\n"
		}
		require.Equal(t, string(data), joined)
	}
}

func ExampleCheckCut() {
	fmt.Println(CheckCut(Cut{
		Checkpoint: 5,
		Edges:      []Edge{{Name: "words->count"}},
		Ends:       []ChannelEnd{{To: 1, Producer: true, Record: 812}, {To: 1, Record: 800, First: 800, InFlight: 10}},
	})[0])
	// Output: checkpoint 5, edge words->count 0->1: 812 records sent, 800 taken, 10 in flight: 2 lost
}
