package shrink

// Pass proposes cases that are smaller in one respect. [List] and [Simpler] make passes.
type Pass[C any] struct {
	// Name is what reports of progress call it.
	Name    string
	begin   func(c C) place
	propose func(c C, at place) (proposal[C], bool)
}

// place is where a pass is: for a list the size of the chunks and the end of the next
// one, else the number of the next proposal in at.
type place struct{ size, at int }

// List makes a pass that leaves out chunks of a list: all of it, then halves, and so on
// down to single elements, from the tail. Length is that of a case's list; without is the
// case without the elements from one index up to, but not including, another, or false
// if there is no such case. It must not change the case that it is given.
func List[C any](name string, length func(c C) int, without func(c C, from, to int) (C, bool)) Pass[C] {
	return Pass[C]{
		Name:  name,
		begin: func(c C) place { n := length(c); return place{n, n} },
		propose: func(c C, at place) (proposal[C], bool) {
			for at.size > 0 {
				if at.at <= 0 {
					n := length(c)
					at = place{min(at.size/2, n), n}
					continue
				}
				from := max(at.at-at.size, 0)
				next := place{at.size, from}
				if smaller, ok := without(c, from, at.at); ok {
					return proposal[C]{c: smaller, taken: next, refused: next}, true
				}
				at = next
			}
			return proposal[C]{}, false
		},
	}
}

// Simpler makes a pass of single steps. Of gives the cases that are a step simpler than
// one, the simplest first; what it gives must depend on that case alone. It must not
// change the case that it is given.
func Simpler[C any](name string, of func(c C) []C) Pass[C] {
	return Pass[C]{
		Name:  name,
		begin: func(C) place { return place{} },
		propose: func(c C, at place) (proposal[C], bool) {
			all := of(c)
			if at.at >= len(all) {
				return proposal[C]{}, false
			}
			return proposal[C]{c: all[at.at], taken: at, refused: place{at: at.at + 1}}, true
		},
	}
}
