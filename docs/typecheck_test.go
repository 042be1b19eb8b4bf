package docs

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// checker type-checks the packages of the module from their sources, and takes
// what they import from elsewhere out of the compiler's export data.
type checker struct {
	tree    *tree
	beyond  types.Importer
	checked map[string]*checkedPackage
}

type checkedPackage struct {
	files []*source // those that belong to this build
	left  []*source // those that build constraints leave out
	types *types.Package
	info  *types.Info
	err   error
}

func newChecker(tr *tree) (*checker, error) {
	var need []string
	for _, s := range tr.files {
		for _, im := range s.imports() {
			if _, inside := tr.relative(im.path); !inside && !s.test && im.path != "unsafe" && im.path != "C" {
				need = append(need, im.path)
			}
		}
	}
	slices.Sort(need)
	beyond, err := exportImporter(tr.fset, slices.Compact(need))
	if err != nil {
		return nil, err
	}
	return &checker{tree: tr, beyond: beyond, checked: map[string]*checkedPackage{}}, nil
}

// exportImporter asks the go command for the export data of packages and of what
// they need. Type-checking those from source would take several times as long.
func exportImporter(fset *token.FileSet, paths []string) (types.Importer, error) {
	cmd := exec.Command("go", append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", "--"}, paths...)...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", cmd, err, stderr.String())
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		p, file, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		exports[p] = file
	}
	return importer.ForCompiler(fset, "gc", func(p string) (io.ReadCloser, error) {
		file := exports[p]
		if file == "" {
			return nil, fmt.Errorf("no export data for %s", p)
		}
		return os.Open(file)
	}), nil
}

// Import makes checker a types.Importer.
func (c *checker) Import(importPath string) (*types.Package, error) {
	rel, inside := c.tree.relative(importPath)
	if !inside {
		return c.beyond.Import(importPath)
	}
	p := c.check(rel)
	return p.types, p.err
}

// check type-checks the non-test files of one package of the module.
func (c *checker) check(pkg string) *checkedPackage {
	if p, ok := c.checked[pkg]; ok {
		return p
	}
	p := &checkedPackage{}
	c.checked[pkg] = p
	var files []*ast.File
	for _, s := range c.tree.files {
		switch {
		case s.pkg != pkg || s.test:
		case !c.builds(s.name):
			p.left = append(p.left, s)
		default:
			p.files = append(p.files, s)
			files = append(files, s.file)
		}
	}
	if len(files) == 0 {
		p.err = fmt.Errorf("%s has no Go files", pkg)
		return p
	}
	p.types, p.info, p.err = typeCheck(c.tree.fset, c.tree.module+"/"+pkg, files, c)
	return p
}

func (c *checker) builds(name string) bool {
	ctx := build.Default
	match, err := ctx.MatchFile(filepath.Join(root, filepath.FromSlash(path.Dir(name))), path.Base(name))
	return err == nil && match
}

func typeCheck(fset *token.FileSet, name string, files []*ast.File, imp types.Importer) (*types.Package, *types.Info, error) {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: imp}
	p, err := conf.Check(name, fset, files, info)
	return p, info, err
}
