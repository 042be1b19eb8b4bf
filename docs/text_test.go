package docs

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The words are put together here, so that this file does not find itself.
var (
	unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b`)
	// A path of somebody's machine: absolute, not the tail of a longer one.
	machine = regexp.MustCompile(`(^|[^A-Za-z0-9_.\-])/(work|root|home|Users)/`)
)

// textFindings lists the lines that leave work undone or name somebody's machine.
func textFindings(name, text string) []string {
	var list []string
	n := 0
	for line := range strings.Lines(text) {
		n++
		if w := unfinished.FindString(line); w != "" {
			list = append(list, fmt.Sprintf("%s:%d: says %s", name, n, w))
		}
		if machine.MatchString(line) {
			list = append(list, fmt.Sprintf("%s:%d: names a path of one machine", name, n))
		}
	}
	return list
}

func TestText(t *testing.T) {
	tr := loadTree(t)
	names := append([]string(nil), tr.docs...)
	for _, s := range tr.files {
		names = append(names, s.name)
	}
	var list []string
	for _, name := range names {
		list = append(list, textFindings(name, read(t, name))...)
	}
	fail(t, "unfinished, or bound to one machine", list)
}

func TestTextFindings(t *testing.T) {
	todo, fixme, xxx := "TO"+"DO", "FIX"+"ME", "X"+"XX"
	for line, want := range map[string][]string{
		"// " + todo + ": later":         {"f:1: says " + todo},
		"// " + fixme + "(me)":           {"f:1: says " + fixme},
		"a\n// " + xxx + "\n":            {"f:2: says " + xxx},
		"mktemp weir.X" + xxx + "XX":     nil,
		"context." + todo + "()":         {"f:1: says " + todo},
		"// todo lists are a fine thing": nil,
		"see /" + "work/x":               {"f:1: names a path of one machine"},
		`"/` + `root/x"`:                 {"f:1: names a path of one machine"},
		"/" + "home/me/x":                {"f:1: names a path of one machine"},
		"engine/work/x, ../root/x":       nil,
		"https://example.org/home/":      nil,
	} {
		require.Equal(t, want, textFindings("f", line), "%s", line)
	}
}

var (
	fence3     = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```[ \t]*$")
	codeSpan   = regexp.MustCompile("`[^`\n]*`")
	inlineLink = regexp.MustCompile(`\]\(\s*<?([^)\s>]+)>?(\s+"[^"]*")?\s*\)`)
	refLink    = regexp.MustCompile(`(?m)^[ ]{0,3}\[[^\]\n]+\]:\s*<?([^\s>]+)`)
	scheme     = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.\-]*:`)
)

// relativeLinks lists the targets in a Markdown text that are neither addresses
// nor places in the same text, without their fragments.
func relativeLinks(text string) []string {
	text = codeSpan.ReplaceAllString(fence3.ReplaceAllString(text, ""), "")
	var list []string
	for _, re := range []*regexp.Regexp{inlineLink, refLink} {
		for _, m := range re.FindAllStringSubmatch(text, -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target != "" && !scheme.MatchString(target) && !strings.HasPrefix(target, "//") {
				list = append(list, target)
			}
		}
	}
	return list
}

func TestLinks(t *testing.T) {
	tr := loadTree(t)
	require.NotEmpty(t, tr.docs)
	var list []string
	for _, name := range tr.docs {
		for _, target := range relativeLinks(read(t, name)) {
			to := path.Join(path.Dir(name), target)
			if strings.HasPrefix(target, "/") {
				to = target[1:] // as a repository's web page resolves it
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(to))); err != nil || strings.HasPrefix(to, "../") {
				list = append(list, name+": "+target+" leads nowhere")
			}
		}
	}
	fail(t, "links to what is not in the repository", list)
}

func TestRelativeLinks(t *testing.T) {
	require.Equal(t, []string{"a.md", "../b/", "c.png", "d.md", "e.md"}, relativeLinks(strings.Join([]string{
		"[a](a.md) and [b](../b/#there) ![c](c.png \"a picture\") [here](#here)",
		"[out](https://example.org/x.md) [mail](mailto:a@example.org) [d](<d.md>) `[no](code.md)`",
		"```", "[no](fenced.md)", "```",
		"[e]: e.md", "[f]: https://example.org/",
	}, "\n")))
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(text)
}
