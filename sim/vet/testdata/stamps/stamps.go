// Package stamps helps jobs of other packages.
package stamps

import (
	"os"
	"slices"
	"sync"
	"time"
)

// Stamp reads the clock, by way of another function.
func Stamp() string { return now().String() }

func now() time.Time { return time.Now() }

// Keys are in any order.
func Keys(m map[string]int) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// Sorted are in order.
func Sorted(m map[string]int) []string {
	keys := Keys2(m)
	slices.Sort(keys)
	return keys
}

// Keys2 is excused: its callers sort.
func Keys2(m map[string]int) (keys []string) {
	for k := range m { //weir:allow whoever calls it sorts
		keys = append(keys, k)
	}
	return keys
}

// Place is of the environment.
type Place struct{}

// Name of the place.
func (Place) Name() string { return os.Getenv("PLACE") }

var table = sync.OnceValue(func() []int { return []int{1, 2} })

// Table is made once, which is nobody's business.
func Table() []int { return table() }

var calls int

// Count counts its calls.
func Count() int { calls++; return calls }
