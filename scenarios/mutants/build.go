package mutants

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Built is what go build's -X sets to the Name of the mutant that this program is;
// empty in every other build.
var Built string

// ErrNoGo is returned where there is no go command.
var ErrNoGo = errors.New("the go command is needed, to build the mutants; put it into PATH")

// Go is the path of the go command.
func Go() (string, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		return "", ErrNoGo
	}
	return path, nil
}

// Build builds simrun from the source at root with the patch, nil for as it is,
// into an executable of that name in dir.
func Build(ctx context.Context, root, dir, name string, p *Patch) (string, error) {
	tool, err := Go()
	if err != nil {
		return "", err
	}
	exe := filepath.Join(dir, name)
	args := []string{"build", "-o", exe}
	flags := "-s -w" // nobody debugs it, and it links faster
	if p != nil {
		overlay, err := p.Overlay(root, dir)
		if err != nil {
			return "", err
		}
		args = append(args, "-overlay", overlay)
		flags += " -X " + module + "/" + Dir + ".Built=" + p.Name()
	}
	cmd := exec.CommandContext(ctx, tool, append(args, "-ldflags", flags, "./cmd/simrun")...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build %s: %w: %s", name, err, strings.TrimSpace(stderr.String()))
	}
	return exe, nil
}

// Overlay writes the patched files and the file that go build's -overlay takes to
// dir, and returns the latter's path.
func (p *Patch) Overlay(root, dir string) (string, error) {
	files, err := p.Apply(root)
	if err != nil {
		return "", err
	}
	var names []string
	for name := range files { // unordered: sorted below
		names = append(names, name)
	}
	slices.Sort(names)
	replace := map[string]string{}
	for i, name := range names {
		to := filepath.Join(dir, fmt.Sprintf("%s-%d.go", p.ID, i))
		if err := os.WriteFile(to, []byte(files[name]), 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(root, filepath.FromSlash(name))] = to
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, p.ID+".json")
	return overlay, os.WriteFile(overlay, text, 0o644)
}
