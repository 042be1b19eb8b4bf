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
			r, err := Explore(b.Small, Options{Memory: memory, Reduced: b.Bug != ObsoleteKept}) // circles are seen in full only
			require.NoError(t, err)
			require.NotNil(t, r.Violation)
			require.Equal(t, b.Property, r.Violation.Property, "%v", r.Violation)
		})
	}
}

// TestSmallestSizes: with one less of anything a mistake does not show.
func TestSmallestSizes(t *testing.T) {
	for _, b := range Bugs {
		for _, smaller := range []func(*Config) *int{
			func(c *Config) *int { return &c.Records },
			func(c *Config) *int { return &c.Checkpoints },
			func(c *Config) *int { return &c.Crashes },
			func(c *Config) *int { return &c.Aborts },
		} {
			c := b.Small
			n := smaller(&c)
			if *n--; c.Validate() != nil {
				continue
			}
			r, err := Explore(c, Options{Memory: memory, Reduced: true})
			require.NoError(t, err)
			require.True(t, r.Complete)
			require.Nil(t, r.Violation, c)
		}
	}
}

// TestProperties: there is none that no mistake breaks.
func TestProperties(t *testing.T) {
	broken := map[string]bool{}
	for _, b := range Bugs {
		broken[b.Property] = true
	}
	for p := exactlyOnce; p <= progress; p++ {
		require.True(t, broken[p.String()], p)
	}
}
