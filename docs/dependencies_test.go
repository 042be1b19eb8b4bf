package docs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// required finds the modules of a go.mod, direct or not, with their versions.
var required = regexp.MustCompile(`(?m)^(?:require)?\s+(\S+\.\S+) (v\S+)`)

// listed finds the rows of the table in dependencies.md.
var listed = regexp.MustCompile("(?m)^\\| `(\\S+)` \\| (v\\S+) \\| [^|]*\\w[^|]* \\| [^|]*\\w[^|]* \\| [^|]*\\w[^|]* \\|$")

func TestDependencies(t *testing.T) {
	versions := map[string]string{}
	for _, m := range required.FindAllStringSubmatch(read(t, "go.mod"), -1) {
		versions[m[1]] = m[2]
	}
	rows := map[string]string{}
	for _, m := range listed.FindAllStringSubmatch(read(t, "docs/dependencies.md"), -1) {
		rows[m[1]] = m[2]
	}
	var list []string
	for module, version := range rows {
		if versions[module] != version {
			list = append(list, fmt.Sprintf("docs/dependencies.md has %s %s, go.mod has %q", module, version, versions[module]))
		}
	}
	imported := map[string]bool{}
	for _, s := range loadTree(t).files {
		for _, im := range s.imports() {
			for module := range versions {
				if below(im.path, module+"/...") {
					imported[module] = true
				}
			}
		}
	}
	for module := range imported {
		if rows[module] == "" {
			list = append(list, fmt.Sprintf("docs/dependencies.md does not list %s, which is imported", module))
		}
	}
	slices.Sort(list)
	fail(t, "dependencies", list)
}

func TestDependencyPatterns(t *testing.T) {
	mod := "module example.org/m\n\ngo 1.26\n\nrequire a.org/one v1.0.0\n\nrequire (\n\tb.org/two/v2 v2.0.1 // indirect\n)\n"
	var found []string
	for _, m := range required.FindAllStringSubmatch(mod, -1) {
		found = append(found, strings.Join(m[1:], "@"))
	}
	require.Equal(t, []string{"a.org/one@v1.0.0", "b.org/two/v2@v2.0.1"}, found)
	require.NotEmpty(t, listed.FindString("| `a.org/one` | v1.0.0 | MIT | tests | nothing |"))
	require.Empty(t, listed.FindString("| `a.org/one` | v1.0.0 | MIT | tests |  |"), "every column has something to say")
}
