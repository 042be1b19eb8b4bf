// Package golden plays dialogues from text files against a bench: commands, what
// they answered, and prose between that says what to see. Only tests import it.
//
//	# A barrier blocks its own channel and no other.
//
//	gate channels=2
//	----
//	flowing
//
// A command is one or more lines up to a line of four dashes; the answer below it
// ends at an empty line or at the end of the file. Between answers, lines that
// start with # are comments. With -update the files are rewritten with the answers
// of this run: read the diff, it is the review.
//
// Invariants:
//
//	G1  rewriting changes answers only
//	G2  a file without a command, or a command without dashes, is an error
package golden

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files with the answers of this run")

const dashes = "----"

// Command is one command of a file.
type Command struct {
	// Name and Args are the words of its first line, at least the name.
	Name string
	Args []string
	// Lines are the lines below the first.
	Lines []string
}

// Value is the text of the argument "key=text", empty if there is none.
func (c Command) Value(key string) string {
	for _, a := range c.Args {
		if v, ok := strings.CutPrefix(a, key+"="); ok {
			return v
		}
	}
	return ""
}

// Bench answers the commands of one file, in order. An answer has no empty lines.
type Bench func(c Command) string

// Run plays each file that matches the pattern on a bench of its own, as a subtest
// named after the file. It fails if none matches.
func Run(t *testing.T, pattern string, newBench func() Bench) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no golden file matches %s (%v)", pattern, err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			played, err := Play(string(text), newBench())
			switch {
			case err != nil:
				t.Fatalf("%s: %v", name, err)
			case played == string(text):
			case *update:
				if err := os.WriteFile(name, []byte(played), 0o644); err != nil {
					t.Fatal(err)
				}
			default:
				t.Fatalf("%s%s\nrun with -update, and read the diff, if the new answer is right", name, Difference(string(text), played))
			}
		})
	}
}

// Play gives a file's text with the answers of the bench in place of those in it.
// Errors begin with the line's number.
func Play(text string, b Bench) (string, error) {
	var out strings.Builder
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	commands := 0
	for i := 0; i < len(lines); {
		if lines[i] == "" || strings.HasPrefix(lines[i], "#") {
			out.WriteString(lines[i] + "\n")
			i++
			continue
		}
		first := i
		for ; i < len(lines) && lines[i] != dashes; i++ {
			if lines[i] == "" {
				return "", fmt.Errorf("line %d: command %q has no %s", first+1, lines[first], dashes)
			}
			out.WriteString(lines[i] + "\n")
		}
		if i == len(lines) {
			return "", fmt.Errorf("line %d: command %q has no %s", first+1, lines[first], dashes)
		}
		if i == first {
			return "", fmt.Errorf("line %d: answer without a command", first+1)
		}
		words := strings.Fields(lines[first])
		if len(words) == 0 {
			return "", fmt.Errorf("line %d: there are only spaces", first+1)
		}
		answer := b(Command{words[0], words[1:], lines[first+1 : i]})
		for ; i < len(lines) && lines[i] != ""; i++ { // dashes and the old answer
		}
		answer = strings.TrimSuffix(answer, "\n")
		if strings.Contains("\n"+answer+"\n", "\n\n") && answer != "" {
			return "", fmt.Errorf("line %d: the answer to %q has an empty line", first+1, lines[first])
		}
		out.WriteString(dashes + "\n")
		if answer != "" {
			out.WriteString(answer + "\n")
		}
		commands++
	}
	if commands == 0 {
		return "", fmt.Errorf("line 1: there is no command")
	}
	return out.String(), nil
}

// Difference says where two texts first differ, as ":line" and both lines; it is
// empty if they are equal.
func Difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		if line(w, i) != line(g, i) {
			return fmt.Sprintf(":%d\nwant %s\ngot  %s", i+1, line(w, i), line(g, i))
		}
	}
	return ""
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}
