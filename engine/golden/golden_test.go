package golden_test

import (
	"strings"
	"testing"

	"github.com/weirstream/weir/engine/golden"
)

func shout(c golden.Command) string {
	switch c.Name {
	case "silence":
		return ""
	case "gap":
		return "a\n\nb"
	case "value":
		return "<" + c.Value("of") + ">"
	}
	return strings.ToUpper(strings.Join(append(c.Args, c.Lines...), "\n"))
}

func TestRun(t *testing.T) {
	golden.Run(t, "testdata/*.txt", func() golden.Bench { return shout })
}

func TestPlay(t *testing.T) {
	for _, c := range []struct{ name, text, want, err string }{
		{"right", "# prose\n\nsay a b\nc\n----\nA\nB\nC\n\n# more\n", "# prose\n\nsay a b\nc\n----\nA\nB\nC\n\n# more\n", ""},
		{"wrong", "say a\n----\nB\nB\n\nsay b\n----\nB\n", "say a\n----\nA\n\nsay b\n----\nB\n", ""},
		{"new", "say a\n----", "say a\n----\nA\n", ""},
		{"silent", "silence\n----\nnoise\n", "silence\n----\n", ""},
		{"comment in an answer", "say #\n----\n#\n", "say #\n----\n#\n", ""},
		{"no dashes", "# x\nsay a\n\n----\n", "", `line 2: command "say a" has no ----`},
		{"no dashes at the end", "say a", "", `line 1: command "say a" has no ----`},
		{"no command", "----\nA\n", "", `line 1: answer without a command`},
		{"only spaces", "  \n----\nA\n", "", `line 1: there are only spaces`},
		{"empty file", "", "", `line 1: there is no command`},
		{"only prose", "# x\n", "", `line 1: there is no command`},
		{"gap", "gap\n----\n", "", `line 1: the answer to "gap" has an empty line`},
	} {
		got, err := golden.Play(c.text, shout)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != c.want || text != c.err {
			t.Errorf("%s: got %q and error %q, want %q and %q", c.name, got, text, c.want, c.err)
		}
	}
}

func TestDifference(t *testing.T) {
	if d := golden.Difference("a\nb\n", "a\nb\n"); d != "" {
		t.Errorf("equal texts differ: %q", d)
	}
	if d := golden.Difference("a\nb\nc", "a\nx\nc"); d != ":2\nwant b\ngot  x" {
		t.Errorf("got %q", d)
	}
	if d := golden.Difference("a", "a\nb"); d != ":2\nwant (nothing)\ngot  b" {
		t.Errorf("got %q", d)
	}
}
