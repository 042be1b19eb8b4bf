package model

import "math"

// order decides whether operations fit into one order. Edges say who must come
// before whom: in a history where every read shows a version, the specification
// fixes the order of each read and each write, and what is legal is exactly the
// orders that keep to the edges. Then one exists within the intervals if and only
// if there is no cycle and the earliest point of each operation,
//
//	max(its call, the points of those before it),
//
// is not behind its return: points can be no earlier, and operations put there, ties
// broken by the edges, are in order. It takes one pass (Theorem 2 of versioned
// objects is the case of a single chain of writes).
type order struct {
	calls, returns []int64
	from, to       []int32
}

// add adds an operation and gives its number.
func (g *order) add(call, ret int64) int32 {
	g.calls, g.returns = append(g.calls, call), append(g.returns, ret)
	return int32(len(g.calls) - 1)
}

// join adds a place in the order that is no operation.
func (g *order) join() int32 { return g.add(math.MinInt64, Never) }

// before demands that a comes before b.
func (g *order) before(a, b int32) { g.from, g.to = append(g.from, a), append(g.to, b) }

// conflict is why operations fit into no order.
type conflict struct {
	// path begins with the operation that must come first and ends with the one that
	// had returned before that was called. In a cycle the last must come before the
	// first.
	path  []int32
	cycle bool
}

// decide finds a conflict: the one whose operation had returned first. It is nil if
// there is an order.
func (g *order) decide() *conflict {
	n := len(g.calls)
	// Edges by where they begin.
	start, next, missing := make([]int32, n+1), make([]int32, len(g.from)), make([]int32, n)
	for i := range g.from {
		start[g.from[i]+1]++
		missing[g.to[i]]++
	}
	for i := range n {
		start[i+1] += start[i]
	}
	fill := append([]int32(nil), start[:n]...)
	for i, a := range g.from {
		next[fill[a]] = g.to[i]
		fill[a]++
	}
	points, why := append([]int64(nil), g.calls...), make([]int32, n) // why is who made the point so late
	var ready []int32
	for i := range n {
		why[i] = -1
		if missing[i] == 0 {
			ready = append(ready, int32(i))
		}
	}
	worst, done := int32(-1), 0
	for ; len(ready) > 0; done++ {
		a := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		if points[a] > g.returns[a] && (worst < 0 || g.returns[a] < g.returns[worst]) {
			worst = a
		}
		for _, b := range next[start[a]:start[a+1]] {
			if points[a] > points[b] {
				points[b], why[b] = points[a], a
			}
			if missing[b]--; missing[b] == 0 {
				ready = append(ready, b)
			}
		}
	}
	switch {
	case worst >= 0:
		return &conflict{path: back(why, worst)}
	case done < n:
		return &conflict{path: g.cycle(missing), cycle: true}
	}
	return nil
}

// back follows reasons to the first.
func back(why []int32, last int32) (path []int32) {
	for a := last; a >= 0; a = why[a] {
		path = append(path, a)
	}
	for i, j := 0, len(path)-1; i < j; i, j = i+1, j-1 {
		path[i], path[j] = path[j], path[i]
	}
	return path
}

// cycle finds a cycle among those that still miss a predecessor: each of them has
// one that does, too.
func (g *order) cycle(missing []int32) []int32 {
	before := make([]int32, len(missing))
	for i, b := range g.to {
		if missing[g.from[i]] > 0 && missing[b] > 0 {
			before[b] = g.from[i] + 1
		}
	}
	a := int32(0)
	for missing[a] == 0 {
		a++
	}
	seen := make([]bool, len(missing))
	for !seen[a] {
		seen[a] = true
		a = before[a] - 1
	}
	path := []int32{a}
	for b := before[a] - 1; b != a; b = before[b] - 1 {
		path = append(path, b)
	}
	for i, j := 0, len(path)-1; i < j; i, j = i+1, j-1 {
		path[i], path[j] = path[j], path[i]
	}
	return path
}
