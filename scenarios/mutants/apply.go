package mutants

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// module is the path of the module whose source is mutated.
const module = "github.com/weirstream/weir"

// Dir is where the patches are, from the root of the module.
const Dir = "scenarios/mutants"

// ErrNoSource is wrapped by errors of Root.
var ErrNoSource = errors.New("the source of " + module + " is needed, to build it anew; run this in its source tree")

// Root is the root of the module's source: the one around the current directory
// or, failing that, the one that this program was built from.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	_, built, _, _ := runtime.Caller(0) // not absolute if built with -trimpath
	for _, start := range []string{dir, filepath.Dir(built)} {
		if !filepath.IsAbs(start) {
			continue
		}
		for at := start; ; at = filepath.Dir(at) {
			if text, err := os.ReadFile(filepath.Join(at, "go.mod")); err == nil && slices.Contains(strings.Split(string(text), "\n"), "module "+module) {
				return at, nil
			}
			if at == filepath.Dir(at) {
				break
			}
		}
	}
	return "", ErrNoSource
}

// All reads the patches of a source tree, in order of id.
func All(root string) ([]*Patch, error) {
	entries, err := os.ReadDir(filepath.Join(root, filepath.FromSlash(Dir)))
	if err != nil {
		return nil, err
	}
	var all []*Patch
	for _, e := range entries { // sorted by name
		id, ok := strings.CutSuffix(e.Name(), ".txt")
		if !ok {
			continue
		}
		name := Dir + "/" + e.Name()
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		p, err := Parse(name, string(text))
		if err != nil {
			return nil, err
		}
		if p.ID != id {
			return nil, fmt.Errorf("%s:1: the id is %s; a file is named after its id", name, p.ID)
		}
		all = append(all, p)
	}
	return all, nil
}

// Apply is the patched contents of the files that the patch changes, by name. An
// error says which hunk does not fit (P2).
func (p *Patch) Apply(root string) (map[string]string, error) {
	files := map[string]string{}
	for i, h := range p.Hunks {
		text, ok := files[h.File]
		if !ok {
			data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(h.File)))
			if err != nil {
				return nil, fmt.Errorf("mutant %s: %w", p.ID, err)
			}
			text = string(data)
		}
		text, err := h.apply(text)
		if err != nil {
			return nil, fmt.Errorf("mutant %s, hunk %d: %s %w", p.ID, i+1, h.File, err)
		}
		files[h.File] = text
	}
	return files, nil
}

// apply replaces the hunk's lines in a text, whole lines only.
func (h Hunk) apply(text string) (string, error) {
	lines, old := strings.Split(text, "\n"), h.Old()
	var at []int
	for i := 0; i+len(old) <= len(lines); i++ {
		if slices.Equal(lines[i:i+len(old)], old) {
			at = append(at, i)
		}
	}
	switch {
	case len(at) == 0:
		return "", fmt.Errorf("has no lines\n%s", strings.Join(old, "\n"))
	case len(at) != h.Of:
		return "", fmt.Errorf("has %d places with these lines, expected %d; say \"match m of n\"\n%s", len(at), h.Of, strings.Join(old, "\n"))
	}
	i := at[h.Match-1]
	return strings.Join(slices.Concat(lines[:i], h.New(), lines[i+len(old):]), "\n"), nil
}
