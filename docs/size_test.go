package docs

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	fileLinesMax     = 600
	functionLinesMax = 70
)

// sizeFindings lists the non-test files and functions that are too long. A
// function literal outside any function counts as a function.
func sizeFindings(fset *token.FileSet, files []*source) []string {
	var list []string
	lines := func(n ast.Node) int { return fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1 }
	for _, s := range files {
		if s.test {
			continue
		}
		if n := fset.File(s.file.FileStart).LineCount(); n > fileLinesMax {
			list = append(list, fmt.Sprintf("%s: %d lines, at most %d", s.name, n, fileLinesMax))
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			name := "function literal"
			switch n := n.(type) {
			case *ast.FuncDecl:
				name = n.Name.Name
			case *ast.FuncLit:
			default:
				return true
			}
			if l := lines(n); l > functionLinesMax {
				list = append(list, fmt.Sprintf("%s: %s has %d lines, at most %d", fset.Position(n.Pos()), name, l, functionLinesMax))
			}
			return false
		})
	}
	return list
}

func TestSize(t *testing.T) {
	tr := loadTree(t)
	fail(t, "too long to be read at once", sizeFindings(tr.fset, tr.files))
}

func TestSizeFindings(t *testing.T) {
	function := func(head string, lines int) string { return head + " {\n" + strings.Repeat("\n", lines-2) + "}\n" }
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"a.go", "package a\n" + strings.Repeat("\n", fileLinesMax-1), nil},
		{"a.go", "package a\n" + strings.Repeat("\n", fileLinesMax), []string{"a.go: 601 lines, at most 600"}},
		{"a_test.go", "package a\n" + strings.Repeat("\n", fileLinesMax), nil},
		{"a.go", "package a\n" + function("func f()", functionLinesMax), nil},
		{"a.go", "package a\n" + function("func f()", functionLinesMax+1), []string{"a.go:2:1: f has 71 lines, at most 70"}},
		{"a.go", "package a\n" + function("func (x t) f()", functionLinesMax+1) + "type t int", []string{"a.go:2:1: f has 71 lines, at most 70"}},
		{"a.go", "package a\n" + function("var f = func()", functionLinesMax+1), []string{"a.go:2:9: function literal has 71 lines, at most 70"}},
	} {
		fset := token.NewFileSet()
		s, err := parseSource(fset, c.name, c.text)
		require.NoError(t, err)
		require.Equal(t, c.want, sizeFindings(fset, []*source{s}))
	}
}
