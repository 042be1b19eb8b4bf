// Package docs holds what the repository says about itself, and the tests that
// hold it to that: who may import whom (layers.txt), what keeps a run
// reproducible, how long a file and a function may be, that documents name only
// what exists. It has no code of its own.
package docs

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = ".."

// source is one Go file of the module.
type source struct {
	name string // slash-separated, relative to the root of the module
	pkg  string // directory of name: the import path without the module's
	test bool
	file *ast.File
}

// imports lists the paths that the file imports, with where.
func (s *source) imports() []imported {
	var list []imported
	for _, spec := range s.file.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			list = append(list, imported{p, spec.Pos()})
		}
	}
	return list
}

type imported struct {
	path string
	pos  token.Pos
}

// tree is the module as it stands on disk.
type tree struct {
	module string // from go.mod
	fset   *token.FileSet
	files  []*source // ordered by name
	docs   []string  // Markdown files, relative to the root
}

// loadTree parses every Go file of the module. Directories that the go command
// does not look at are left out.
func loadTree(t *testing.T) *tree {
	t.Helper()
	tr := &tree{module: moduleName(t), fset: token.NewFileSet()}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch base := d.Name(); {
		case d.IsDir() && rel != "." && (base == "testdata" || base == "vendor" || base[0] == '.' || base[0] == '_'):
			return fs.SkipDir
		case d.IsDir():
			return nil
		case strings.HasSuffix(base, ".md"):
			tr.docs = append(tr.docs, rel)
		case strings.HasSuffix(base, ".go") && base[0] != '.' && base[0] != '_':
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			s, err := parseSource(tr.fset, rel, string(text))
			if err != nil {
				return err
			}
			tr.files = append(tr.files, s)
		}
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, tr.files, "no Go files below the root: these tests would hold vacuously")
	return tr
}

func parseSource(fset *token.FileSet, name, text string) (*source, error) {
	f, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &source{name: name, pkg: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), file: f}, nil
}

func moduleName(t *testing.T) string {
	t.Helper()
	f, err := os.Open(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "module "); ok {
			return strings.TrimSpace(name)
		}
	}
	require.Fail(t, "go.mod names no module")
	return ""
}

// fail reports every finding at once, one a line.
func fail(t *testing.T, what string, findings []string) {
	t.Helper()
	if len(findings) > 0 {
		t.Errorf("%s:\n%s", what, strings.Join(findings, "\n"))
	}
}

// below reports whether p is x or, where x ends in "/...", x or anything below it.
// "..." is everything.
func below(p, x string) bool {
	if x == "..." {
		return true
	}
	if dir, ok := strings.CutSuffix(x, "/..."); ok {
		return p == dir || strings.HasPrefix(p, dir+"/")
	}
	return p == x
}
