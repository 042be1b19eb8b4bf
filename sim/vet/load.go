package vet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// listed is what the go command says of a package, or of a variant of one that is built
// for a test.
type listed struct {
	ImportPath string
	Name       string
	Dir        string
	ForTest    string
	Standard   bool
	DepOnly    bool
	GoFiles    []string
	CgoFiles   []string
	Imports    []string
	ImportMap  map[string]string
	Export     string
	Module     *struct {
		Path, GoVersion string
		Main            bool
	}
}

// ours reports whether the package is one of those that are worked on, and so is
// looked into.
func (l *listed) ours() bool { return !l.Standard && (l.Module == nil || l.Module.Main) }

// path is the import path, without the test that the package is built for.
func (l *listed) path() string {
	path, _, _ := strings.Cut(l.ImportPath, " ")
	return path
}

// loaded is a package with its types.
type loaded struct {
	*listed
	files []*ast.File
	types *types.Package
	info  *types.Info
}

// loader reads packages of the module from their source, and all others from what the
// compiler exports, which is much faster.
type loader struct {
	dir     string
	fset    *token.FileSet
	list    []*listed // dependencies first
	loaded  map[string]*loaded
	foreign types.Importer
}

// load lists and type-checks what patterns name, in dir, with their tests.
func load(dir string, patterns []string) (*loader, error) {
	l := &loader{dir: dir, fset: token.NewFileSet(), loaded: map[string]*loaded{}}
	var err error
	if l.list, err = l.golist(append([]string{"-deps", "-test", "--"}, patterns...)); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(l.list, func(p *listed) bool { return !p.DepOnly }) {
		return nil, fmt.Errorf("no package matches %s; name packages as for go vet, such as ./...", strings.Join(patterns, " "))
	}
	var foreign []string
	for _, p := range l.list {
		if !p.ours() && p.ImportPath != "unsafe" && p.ForTest == "" && p.Name != "main" {
			foreign = append(foreign, p.ImportPath)
		}
	}
	exports := map[string]string{}
	if len(foreign) > 0 {
		list, err := l.golist(append([]string{"-export", "--"}, foreign...))
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			exports[p.ImportPath] = p.Export
		}
	}
	l.foreign = importer.ForCompiler(l.fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("nothing is exported by %s", path)
		}
		return os.Open(exports[path])
	})
	for _, p := range l.list {
		if p.ours() && !strings.HasSuffix(p.ImportPath, ".test") {
			if err := l.check(p); err != nil {
				return nil, err
			}
		}
	}
	return l, nil
}

// golist calls go list.
func (l *loader) golist(args []string) ([]*listed, error) {
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Name,Dir,ForTest,Standard,DepOnly,GoFiles,CgoFiles,Imports,ImportMap,Export,Module"}, args...)...)
	cmd.Dir = l.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, firstLine(stderr.String(), err)
	}
	var list []*listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		p := &listed{}
		switch err := d.Decode(p); {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, fmt.Errorf("what go list says can't be read: %w", err)
		}
		list = append(list, p)
	}
}

// firstLine is what the go command complains of first, with the indented lines that
// belong to it.
func firstLine(stderr string, err error) error {
	text := ""
	for line := range strings.Lines(stderr) {
		more := strings.HasPrefix(line, "\t")
		if text != "" && !more {
			break
		}
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			text = strings.TrimSpace(text + " " + line)
		}
	}
	if text == "" {
		return fmt.Errorf("the go command: %w", err)
	}
	text, _, _ = strings.Cut(strings.TrimPrefix(text, "go: "), "; to add it")
	if strings.Contains(text, ".go:") || strings.Contains(text, "imports ") {
		return errors.New(text)
	}
	return errors.New(text + "; name packages as for go vet, such as ./...")
}

// check parses and type-checks a package.
func (l *loader) check(p *listed) error {
	q := &loaded{listed: p, info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Implicits: map[ast.Node]types.Object{}, Instances: map[*ast.Ident]types.Instance{}, Scopes: map[ast.Node]*types.Scope{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}, FileVersions: map[*ast.File]string{},
	}}
	for _, name := range append(slices.Clone(p.GoFiles), p.CgoFiles...) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(p.Dir, name)
		}
		f, err := parser.ParseFile(l.fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return l.located(err)
		}
		q.files = append(q.files, f)
	}
	conf := types.Config{
		Importer: importing{l, p}, Sizes: types.SizesFor("gc", runtime.GOARCH), FakeImportC: true,
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		conf.GoVersion = "go" + p.Module.GoVersion
	}
	var err error
	if q.types, err = conf.Check(p.path(), l.fset, q.files, q.info); err != nil {
		return l.located(err)
	}
	l.loaded[p.ImportPath] = q
	return nil
}

// located shortens the place of an error.
func (l *loader) located(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	if rest, ok := strings.CutPrefix(text, l.dir+string(filepath.Separator)); ok {
		text = rest
	}
	return errors.New(text)
}

// importing finds what a package imports.
type importing struct {
	l *loader
	p *listed
}

// Import implements types.Importer.
func (i importing) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if to := i.p.ImportMap[path]; to != "" {
		path = to
	}
	if q := i.l.loaded[path]; q != nil {
		return q.types, nil
	}
	return i.l.foreign.Import(path)
}
