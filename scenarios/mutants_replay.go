package scenarios

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/weirstream/weir/scenarios/mutants"
	"github.com/weirstream/weir/sim/trace"
)

// TracedMutant is the name of the mutant that recorded a trace, if it is not what
// this program is: empty if it can be replayed here. An error is a *UsageError.
func TracedMutant(path string) (string, error) {
	t, err := trace.Open(path)
	if err != nil {
		return "", &UsageError{err}
	}
	name := t.Header.Extra[extraMutant]
	switch {
	case name == mutants.Built:
		return "", nil
	case mutants.Built != "":
		if name == "" {
			name = "none"
		}
		return "", usage("trace %s was recorded by mutant %s; this is mutant %s", path, name, mutants.Built)
	}
	return name, nil
}

// ReplayMutant builds the mutant that recorded a trace and lets it execute that command
// line. It returns its exit status. An error is a *UsageError if the mutant can't be
// made.
func ReplayMutant(path, name string, args []string, stdout, stderr io.Writer) (int, error) {
	return asMutant(fmt.Sprintf("trace %s was recorded by mutant %s", path, name), name, args, stdout, stderr)
}

// CaseMutant builds the mutant in which a case fails, whatever its patch is by now, and
// lets it execute that command line, as ReplayMutant does.
func CaseMutant(path, id string, args []string, stdout, stderr io.Writer) (int, error) {
	return asMutant(fmt.Sprintf("case %s fails with mutant %s", path, id), id, args, stdout, stderr)
}

// asMutant lets a mutant execute a command line. Its name has the hash of its patch, if
// it matters.
func asMutant(why, name string, args []string, stdout, stderr io.Writer) (int, error) {
	refuse := func(err error) (int, error) { return 0, usage("%s, which can't be built: %w", why, err) }
	root, err := mutants.Root()
	if err != nil {
		return refuse(err)
	}
	id, _, hashed := strings.Cut(name, "@")
	list, err := patches(root, []string{id})
	if err != nil {
		return refuse(err)
	}
	p := list.Mutants[0].patch
	if hashed && p.Name() != name {
		return refuse(fmt.Errorf("its patch is another one now, with hash %s", p.Hash()))
	}
	dir, err := os.MkdirTemp("", "weir-mutant-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	exe, err := mutants.Build(context.Background(), root, dir, "simrun", p)
	if err != nil {
		return refuse(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	return 0, err
}
