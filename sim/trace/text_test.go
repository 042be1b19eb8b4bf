package trace

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files, to read the difference")

// talk is a small run: names by id, and what its records mean.
var talkNames = []string{"", "jm", "tm1", "tick", "send", "receive", "fault", "checkpoint-coordinator", "src/0"}

func talkName(id uint32) string { return talkNames[id] }

func describeTalk(r Record, names Names) string {
	switch names(r.Kind) {
	case "tick":
		return "* tick"
	case "send":
		return "> " + names(r.Peer) + ": trigger " + string(rune('0'+r.A))
	case "receive":
		return "< " + names(r.Peer) + ": trigger " + string(rune('0'+r.A))
	}
	return "! f1: crash,\nwith a text that is longer than its column is wide"
}

func talk() []Record {
	return []Record{
		{Number: 9998, Time: 6_000_000_000, Kind: 3, Where: 1, Actor: 7, Hash: 1},
		{Number: 9999, Cause: 9998, Time: 6_000_000_000, Kind: 4, Where: 1, Actor: 7, Peer: 8, A: 3, Hash: 2},
		{Number: 100000, Cause: 9999, Time: 12_003_127_999, Kind: 5, Where: 2, Actor: 8, Peer: 1, A: 3, Digest: 77, Hash: 3},
		{Number: 100001, Cause: 100000, Time: 12_003_128_000, Kind: 6, Where: 2, Hash: 0x9c1f03e7a2b4d5c6},
	}
}

func talkTrace(t *testing.T, list []Record) *Trace {
	var out strings.Builder
	w := newWriter(&out, talkName)
	w.begin(someHeader)
	for i := range list {
		w.Append(&list[i])
	}
	w.finish("fail: exactly-once")
	require.NoError(t, w.err)
	tr, err := load("talk", []byte(out.String()))
	require.NoError(t, err)
	return tr
}

func TestTextGolden(t *testing.T) {
	tr := talkTrace(t, talk())
	var b strings.Builder
	require.NoError(t, tr.Text(&b, describeTalk, 0, All))
	b.WriteString("\n")
	require.NoError(t, tr.Text(&b, describeTalk, 9998, 9999))
	golden(t, "testdata/text.txt", b.String())
}

func golden(t *testing.T, path, got string) {
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestSeconds(t *testing.T) {
	for ns, want := range map[int64]string{
		0: "0.000000", 999: "0.000000", 1000: "0.000001", 1_999_999_999: "1.999999", 41_200_000_000: "41.200000",
		-1_500_000_000: "-1.500000", -1 << 63: "-9223372036.854775",
	} {
		require.Equal(t, want, seconds(ns))
	}
}
