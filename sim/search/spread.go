package search

import "fmt"

// Spread is an order of the numbers from 0 to Size-1 in which every beginning lies
// evenly between them: who tries the first hundred of ten thousand places has been
// everywhere once. Which number is first depends on Key.
type Spread struct {
	Size int // at least 1
	Key  uint64
}

// At is the i-th number, from 0. All have come after Size of them; then they come again.
func (s Spread) At(i uint64) int {
	if s.Size < 1 {
		panic(fmt.Sprintf("search: a spread of %d numbers", s.Size))
	}
	n := uint64(s.Size)
	// Multiples of a golden section fall into the largest gaps. One that has no factor
	// in common with the size comes to every number.
	step := max(uint64(float64(n)*0.6180339887498949), 1)
	for gcd(step, n) > 1 {
		step++
	}
	return int((s.Key%n + i%n*step) % n)
}

func gcd(a, b uint64) uint64 {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
