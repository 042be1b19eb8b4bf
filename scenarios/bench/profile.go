package bench

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"
)

// profiler takes a CPU profile of each benchmark, if there is a directory for them.
type profiler struct {
	dir  string
	file *os.File // of the benchmark that runs
}

// check refuses a directory that can't be one, and makes it if it is missing.
func (p *profiler) check() error {
	if p.dir == "" {
		return nil
	}
	info, err := os.Stat(p.dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = os.Mkdir(p.dir, 0o755)
	case err == nil && !info.IsDir():
		return usage("--profile %s is not a directory; name one, or what may become one", p.dir)
	}
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return usage("--profile %s: %w; name a directory, or what may become one", p.dir, err)
	}
	return nil
}

func (p *profiler) start(name string) error {
	if p.dir == "" {
		return nil
	}
	f, err := os.CreateTemp(p.dir, name+".*.tmp")
	if err != nil {
		return usage("--profile %s: %w", p.dir, err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	p.file = f
	return nil
}

// stop ends the profile and gives its path, empty if there is none.
func (p *profiler) stop(keep bool) (path string, err error) {
	f := p.file
	if f == nil {
		return "", nil
	}
	p.file = nil
	pprof.StopCPUProfile()
	err = errors.Join(f.Chmod(0o644), f.Close())
	name, _, _ := strings.Cut(filepath.Base(f.Name()), ".")
	path = filepath.Join(p.dir, name+".pprof")
	if err == nil && keep {
		err = os.Rename(f.Name(), path)
	}
	if err != nil || !keep {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return path, nil
}

// advice is where the time of a benchmark went, or the command that shows it.
func (p *profiler) advice(name, path string) string {
	if path == "" {
		return fmt.Sprintf("  where the time goes: simrun bench %s --profile DIR", name)
	}
	// What the runtime does for a function counts as the function's own.
	out, err := exec.Command("go", "tool", "pprof", "-top", "-nodecount=12", "-hide=^(runtime|internal/runtime)", path).Output()
	if err != nil {
		return fmt.Sprintf("  where the time goes: go tool pprof -top %s", path)
	}
	return "  " + strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", "\n  ")
}
