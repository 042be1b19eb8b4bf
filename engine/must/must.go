// Package must holds statements about the engine itself that stay on in every
// build. A violation is a bug of the engine, never of its user or the world.
package must

import "fmt"

// Violation is the panic value of a broken statement.
type Violation struct{ Text string }

func (v Violation) Error() string { return "engine bug: " + v.Text }

// That panics with a [Violation] unless ok.
func That(ok bool, format string, args ...any) {
	if !ok {
		panic(Violation{fmt.Sprintf(format, args...)})
	}
}

// Unreachable panics with a [Violation].
func Unreachable(format string, args ...any) { panic(Violation{fmt.Sprintf(format, args...)}) }

// Bug is a panic of the engine's own code, caught and thrown on with the place
// where it happened.
type Bug struct {
	Value any
	Stack string
}

func (b *Bug) Error() string {
	if v, ok := b.Value.(Violation); ok {
		return v.Error()
	}
	return fmt.Sprintf("engine bug: %v", b.Value)
}

// Trace is the stack at the place where it happened.
func (b *Bug) Trace() string { return b.Stack }
