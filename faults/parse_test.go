package faults

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Triggers draws one that the form may have.
func triggers(t *rapid.T, g *Form) Trigger {
	if !slices.Contains([]string{"slow"}, g.Verb) || rapid.Bool().Draw(t, "later") {
		count := func(what string) Trigger {
			return Trigger{
				Nth: rapid.IntRange(1, 99).Draw(t, what), Changes: rapid.IntRange(0, 20).Draw(t, "changes"),
				Of: rapid.SampledFrom([]string{"", "count/1", "*/_metadata*", "with space", "a#b", `"quoted" = \`, "x of y"}).Draw(t, "of"),
			}
		}
		switch rapid.IntRange(0, 4).Draw(t, "when") {
		case 0:
			return Trigger{At: spans(t, "at")}
		case 1:
			w := count("nth")
			w.On = rapid.SampledFrom([]string{"completed", "checkpoint triggered"}).Draw(t, "on")
			return w
		case 2:
			w := count("nth")
			w.Call = rapid.SampledFrom([]string{"sync", "create new"}).Draw(t, "call")
			return w
		case 3:
			if g.lasts || g.target == disks && g.mend {
				at := rapid.SampledFrom([]time.Duration{0, time.Second}).Draw(t, "from")
				return Trigger{At: at, Until: at + time.Millisecond}
			}
		}
	}
	return Trigger{}
}

func spans(t *rapid.T, name string) time.Duration {
	return time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, name))
}

// plans draws any plan that can be written.
func plans(t *rapid.T) Plan {
	var p Plan
	for i := range rapid.IntRange(0, 6).Draw(t, "faults") {
		g := &forms[rapid.IntRange(0, len(forms)-1).Draw(t, "form")]
		f := Fault{Name: fmt.Sprintf("f%d", i), Essential: rapid.Bool().Draw(t, "essential"), When: triggers(t, g)}
		f.Kind = rapid.SampledFrom(g.Kinds).Draw(t, "kind")
		switch {
		case g.target == links:
			f.Target = rapid.SampledFrom([]string{"jm->tm1", "jm|tm1,tm2", "jm,tm1->tm2"}).Draw(t, "links")
		case g.target == checkpoint:
			f.Target = rapid.SampledFrom([]string{Newest, Previous}).Draw(t, "target")
		case g.target == disks:
			f.Target = rapid.SampledFrom([]string{"jm", All}).Draw(t, "node")
		case f.Kind == SlowLink:
			f.Target = "jm->tm1"
		case f.Kind == SlowOperator:
			f.Target, f.When = rapid.SampledFrom([]string{"count", "a b", "a->b", "a#b"}).Draw(t, "uid"), Trigger{}
		default:
			f.Target = rapid.SampledFrom([]string{"jm", "tm1"}).Draw(t, "node")
		}
		has := func(o string) bool { return slices.Contains(g.needs, o) || slices.Contains(g.allows, o) }
		if has("for") || g.lasts && f.When.Until == 0 || f.Kind == SlowLink && rapid.Bool().Draw(t, "ends") {
			f.For = spans(t, "for")
		}
		if g.target == disks {
			failures(t, &f, has)
			p = append(p, f)
			continue
		}
		if has("times") {
			f.Times, f.Up = rapid.IntRange(2, 9).Draw(t, "times"), spans(t, "up")
		}
		if has("by%") {
			f.Percent = rapid.IntRange(101, 9999).Draw(t, "percent")
		}
		if has("by") || has("by±") {
			f.By = spans(t, "by")
		}
		if has("by±") && rapid.Bool().Draw(t, "back") {
			f.By = -f.By
		}
		if has("file") {
			f.File = rapid.SampledFrom([]string{"", "_metadata", Whole, "a b"}).Draw(t, "file")
		}
		if g.chance {
			f.Chance = rapid.IntRange(0, 100).Draw(t, "chance")
		}
		p = append(p, f)
	}
	return p
}

// failures draws what failures of the disk have.
func failures(t *rapid.T, f *Fault, has func(option string) bool) {
	if has("file") {
		f.File = rapid.SampledFrom([]string{"", "*/chk-*", "a b", "a=b#"}).Draw(t, "file")
	}
	if has("call") {
		f.Call = rapid.SampledFrom([]string{"", "sync", "create new"}).Draw(t, "call")
	}
	f.Applied = has("applied") && rapid.Bool().Draw(t, "applied")
	if has("times") {
		f.Times = rapid.IntRange(0, 9).Draw(t, "times")
	}
	if has("room") {
		f.Room = rapid.IntRange(0, 9).Draw(t, "room")
	}
	if has("stall") {
		f.Percent = rapid.SampledFrom([]int{0, 101, 9999}).Draw(t, "percent")
		if f.Percent == 0 || rapid.Bool().Draw(t, "stalls") {
			f.By = spans(t, "stall")
		}
	}
	if f.Kind != SlowDisk && f.Kind != NoSpace && f.Kind != ReadFlip {
		f.Chance = rapid.IntRange(0, 100).Draw(t, "chance")
	}
	if f.Kind != NoSpace && f.Kind != ReadFlip && f.When.Until == 0 && rapid.Bool().Draw(t, "ends") {
		f.For = spans(t, "for")
	}
}

// TestParseString: any plan that can be written parses back to itself.
func TestParseString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := plans(t)
		again, err := Parse(p.String())
		require.NoError(t, err, "%s", p)
		require.Equal(t, p, again)
	})
	for _, d := range drawers {
		rapid.Check(t, func(t *rapid.T) {
			s, c := shapes(t), chance(rapid.Uint64().Draw(t, "seed"))
			p := WithDamage(c, s, d.draw(c, s))
			again, err := Parse(p.String())
			require.NoError(t, err)
			require.Equal(t, p, again)
		})
	}
}

// TestParseAnything: no text makes the parser panic, and what it accepts prints as a plan
// that is the same.
func TestParseAnything(t *testing.T) {
	words := rapid.SampledFrom([]string{"f1", "f2!", "from", "the", "start", "to", "at", "on", "completed#1", "call", "sync", " of ", "#1+2", "1s", "2s",
		"crash", "jm", "process", "for=1s", "slow", "a->b", "by=200%", "lose", "with", "5%", `"`, `"x`, "#", "\n", "\t", "damage", "newest", "bit-flip", "=", "é",
		"io-error", "all", "call=sync", "applied", "times=2", "no-space", "room=9", "slow-disk", "stall=1s", "read-flip", "file=*", `file="a b"`})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(words).Draw(t, "words"), rapid.SampledFrom([]string{" ", ""}).Draw(t, "between"))
		p, err := Parse(text)
		if err == nil {
			again, err := Parse(p.String())
			require.NoError(t, err)
			require.Equal(t, p, again)
		}
	})
}

// TestParse: comments, blank lines and spaces do not matter.
func TestParse(t *testing.T) {
	p, err := Parse("# all of it\n\n  f1!\ton  checkpoint  triggered#2+3 crash tm1 process for=1s # why\r\nf2 from 0s to 2s lose jm|tm1 with 5%\nf3 on change#7 reset jm|tm1")
	require.NoError(t, err)
	require.Equal(t, Plan{
		{Name: "f1", Essential: true, Kind: ProcessCrash, Target: "tm1", For: time.Second, When: Trigger{On: "checkpoint triggered", Nth: 2, Changes: 3}},
		{Name: "f2", Kind: Lose, Target: "jm|tm1", Chance: 5, When: Trigger{Until: 2 * time.Second}},
		{Name: "f3", Kind: Reset, Target: "jm|tm1", When: Trigger{On: Change, Nth: 7}},
	}, p)
}

var wrong = []struct{ text, want string }{
	{"f1", `line 1, column 3: when it happens, such as from the start, is missing`},
	{"\n\nf/1 at 1s", `line 3, column 1: "f/1" is no name: letters, digits, - and _, and a ! behind them if the fault is essential`},
	{"f1 sometimes", `line 1, column 4: "sometimes" is not when a fault happens: "from the start", "from 1s to 2s", "at 1s", "on EVENT#N" or "on call OP#N"`},
	{"f1 at noon", `line 1, column 7: "noon" is not a duration such as 250ms or 1.5s, above 0 and at most 1h`},
	{"f1 from 2s to 1s", `line 1, column 15: the window ends at 1s, not after it begins`},
	{"f1 on completed crash jm", `line 1, column 7: no #N follows: which event or call it is, as in "on completed#2"`},
	{"f1 on completed#0", `line 1, column 17: which one it is is "0"; it must be a whole number from 1 to 1000000`},
	{"f1 on complete#1", `line 1, column 7: unknown event "complete"; there is: completed, ack`},
	{"f1 on change of count/0#1", `line 1, column 7: changes are not counted for one subject: write "on change#N"`},
	{"f1 on call snyc of x#1", `line 1, column 12: unknown call "snyc"; there is: sync`},
	{"f1 on ack of nobody#1", `line 1, column 14: unknown subject "nobody"; there is: count/0`},
	{"f1 at 1s crsh jm", `line 1, column 10: unknown fault "crsh"; there is: crash, crash-loop, pause, slow-cpu, slow, stall, partition, reset, lose, delay, duplicate, skew, jump, damage, io-error, no-space, short-read, sync-error, slow-disk, read-flip`},
	{"f1 at 1s crash", `line 1, column 15: whom it happens to is missing`},
	{"f1 at 1s crash tm9 process for=1s", `line 1, column 16: unknown node "tm9"; there is: jm, tm1`},
	{"f1 at 1s crash tm1 softly for=1s", `line 1, column 20: "softly" is not how crash happens; there is: process, machine`},
	{"f1 at 1s crash tm1 process", `line 1, column 27: crash needs for=: crash NODE  process|machine for=D`},
	{"f1 at 1s crash tm1 process for=-1s", `line 1, column 32: "-1s" is not a duration such as 250ms or 1.5s, above 0 and at most 1h`},
	{"f1 at 1s crash tm1 process for=1s for=2s", `line 1, column 35: for is there twice`},
	{"f1 at 1s crash tm1 process for=1s with 5%", `line 1, column 35: "with" is not part of crash: crash NODE  process|machine for=D`},
	{"f1 from 1s to 2s crash tm1 process for=1s", `line 1, column 4: crash does not last: say when with "at 1s"`},
	{"f1 at 1s crash-loop tm1 process for=1s up=1s times=1", `line 1, column 52: times is "1"; it must be a whole number from 2 to 100`},
	{"f1 from the start slow counts by=200%", `line 1, column 24: unknown operator "counts"; there is: count`},
	{"f1 at 1s slow count by=200%", `line 1, column 4: an operator is slow from the start, and for ever`},
	{"f1 at 1s slow jm->tm1 by=100%", `line 1, column 26: the percentage is "100"; it must be a whole number from 101 to 1000000`},
	{"f1 at 1s slow jm->tm1 by=200", `line 1, column 26: "200" is not a percentage such as 101%`},
	{"f1 at 1s lose jm->jm for=1s", `line 1, column 15: "jm->jm" are no links: one way as in tm1->jm,tm2, both as in jm|tm1,tm2, each node once`},
	{"f1 at 1s lose jm", `line 1, column 15: "jm" are no links: one way as in tm1->jm,tm2, both as in jm|tm1,tm2, each node once`},
	{"f1 at 1s lose jm->tm1", `line 1, column 22: lose needs for=D, or a window such as "from 1s to 2s": lose LINKS  for=D [with P%]`},
	{"f1 from 1s to 2s lose jm->tm1 for=1s", `line 1, column 4: the fault has both a window and for=; leave one out`},
	{"f1 at 1s lose jm->tm1 for=1s with 101%", `line 1, column 35: the percentage is "101"; it must be a whole number from 1 to 100`},
	{"f1 at 1s damage oldest bit-flip", `line 1, column 17: unknown checkpoint "oldest"; there is: newest, newest-1`},
	{"f1 at 1s io-error tm9", `line 1, column 19: unknown node "tm9"; there is: jm, tm1, all`},
	{"f1 at 1s io-error tm1 call=snyc", `line 1, column 28: unknown call "snyc"; there is: sync`},
	{"f1 at 1s io-error tm1 applied=no", `line 1, column 23: "applied=no" is not part of io-error: io-error NODE|all  [call=CALL] [file=GLOB] [applied] [times=N] [for=D] [with P%]`},
	{"f1 at 1s io-error tm1 applied applied", `line 1, column 31: applied is there twice`},
	{"f1 at 1s io-error tm1 times=0", `line 1, column 29: times is "0"; it must be a whole number from 1 to 100`},
	{"f1 at 1s crash all process for=1s", `line 1, column 16: unknown node "all"; there is: jm, tm1`},
	{"f1 at 1s crash tm1 machine for=1s applied", `line 1, column 35: "applied" is not part of crash: crash NODE  process|machine for=D`},
	{"f1 at 1s no-space all", `line 1, column 22: no-space needs for=D, or a window such as "from 1s to 2s": no-space NODE|all  [room=BYTES] for=D`},
	{"f1 at 1s no-space all room=-1 for=1s", `line 1, column 28: room is "-1"; it must be a whole number from 0 to 1073741824`},
	{"f1 from 1s to 2s no-space all for=1s", `line 1, column 4: the fault has both a window and for=; leave one out`},
	{"f1 at 1s short-read all file=", `line 1, column 30: "" is neither a plain word nor one in quotes`},
	{"f1 at 1s sync-error all with 0%", `line 1, column 30: the percentage is "0"; it must be a whole number from 1 to 100`},
	{"f1 at 1s slow-disk tm1 for=1s", `line 1, column 30: slow-disk needs by= or stall=: slow-disk NODE|all  [call=CALL] by=P%|stall=D [times=N] [for=D]`},
	{"f1 at 1s slow-disk tm1 stall=never", `line 1, column 30: "never" is not a duration such as 250ms or 1.5s, above 0 and at most 1h`},
	{"f1 at 1s read-flip tm1 times=2", `line 1, column 24: "times=2" is not part of read-flip: read-flip NODE|all  [file=GLOB]`},
	{"f1 from 1s to 2s read-flip tm1", `line 1, column 4: read-flip does not last: say when with "at 1s"`},
	{"f1 at 1s damage newest bit-flip", `line 1, column 17: not here`},
	{"f1 at 1s reset jm|tm1\nf1 at 1s reset jm|tm1", `line 2, column 1: there is a fault f1 already`},
	{`f1 at 1s crash "jm process for=1s`, `line 1, column 16: "jm process for=1s is not a text in quotes, as in Go`},
}

// TestParseErrors: an error says where, what is wrong, and what would be right.
func TestParseErrors(t *testing.T) {
	known := Known{
		Nodes: []string{"jm", "tm1"}, Operators: []string{"count"}, Events: []string{"completed", "ack"}, Subjects: []string{"count/0"}, Calls: []string{"sync"},
		Refuse: func(f Fault) string {
			return map[bool]string{true: "not here"}[f.Kind.Damages()]
		},
	}
	for _, w := range wrong {
		p, err := ParseFor(w.text, known)
		require.EqualError(t, err, w.want, w.text)
		require.Nil(t, p)
	}
}

func TestMatches(t *testing.T) {
	for glob, paths := range map[string][2]string{ // unordered: each by itself
		"*/_metadata*": {"a/chk-1/_metadata.tmp", "_metadata"},
		"out/?":        {"out/a", "out/ab"},
		"*":            {"", "-"},
		"a*b*c":        {"a/b/b/c", "a/b/b"},
	} {
		require.True(t, Matches(glob, paths[0]), glob)
		require.Equal(t, glob == "*", Matches(glob, paths[1]), glob)
	}
}

// TestForms: every kind has one form, but for crashes, which have two.
func TestForms(t *testing.T) {
	seen := map[Kind]int{}
	for _, g := range Forms() {
		require.True(t, strings.HasPrefix(g.Syntax, g.Verb+" "), g.Verb)
		require.NotEmpty(t, g.Doc)
		for _, k := range g.Kinds {
			seen[k]++
		}
	}
	for k, n := range seen { // unordered: each by itself
		require.Equal(t, map[bool]int{true: 2, false: 1}[k.Crashes()], n, "%s", k)
	}
	require.Len(t, seen, 23)
}
