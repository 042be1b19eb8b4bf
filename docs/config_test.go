package docs

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine"
)

// A row of the configuration table: | `key` | `default` | meaning |
var settingRow = regexp.MustCompile("(?m)^\\| `([a-zA-Z.-]+)` \\| (none|`[^`]+`) \\| .+ \\|$")

// settingFindings compares the rows of a Markdown text with the engine's defaults.
func settingFindings(text string, settings [][2]string) []string {
	var list []string
	documented := map[string]string{}
	rows := settingRow.FindAllStringSubmatch(text, -1)
	for _, m := range rows {
		if _, twice := documented[m[1]]; twice {
			list = append(list, m[1]+" is there twice")
		}
		documented[m[1]] = strings.TrimPrefix(strings.Trim(m[2], "`"), "none")
	}
	for _, kv := range settings {
		got, ok := documented[kv[0]]
		switch {
		case !ok:
			list = append(list, kv[0]+" is missing")
		case got != kv[1]:
			list = append(list, fmt.Sprintf("%s has default %q, the engine says %q", kv[0], got, kv[1]))
		}
		delete(documented, kv[0])
	}
	for _, m := range rows {
		if _, left := documented[m[1]]; left {
			list = append(list, m[1]+" is no key of the engine")
		}
	}
	return list
}

func TestSettings(t *testing.T) {
	fail(t, "the configuration table of docs/guide.md",
		settingFindings(read(t, "docs/guide.md"), engine.DefaultConfig().Settings()))
}

func TestSettingFindings(t *testing.T) {
	text := "| key | default | meaning |\n|---|---|---|\n" +
		"| `a.same` | `1s` | x |\n| `a.empty` | none | x |\n| `a.other` | `2` | x |\n| `a.old` | `3` | x |\n| `a.same` | `1s` | x |\n"
	require.Equal(t, []string{
		"a.same is there twice", `a.other has default "2", the engine says "4"`, "a.new is missing", "a.old is no key of the engine",
	}, settingFindings(text, [][2]string{{"a.same", "1s"}, {"a.empty", ""}, {"a.other", "4"}, {"a.new", "5"}}))
}
