package protocol

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const memory = 1 << 30

// TestBugs: each planted mistake is found at its smallest size, and by the property
// that is said.
func TestBugs(t *testing.T) {
	for _, b := range Bugs {
		t.Run(b.Name, func(t *testing.T) {
			r, err := Explore(b.Small, Options{Memory: memory, Reduced: true})
			require.NoError(t, err)
			require.NotNil(t, r.Violation)
			require.Equal(t, b.Property, r.Violation.Property, "%v", r.Violation)
		})
	}
}
