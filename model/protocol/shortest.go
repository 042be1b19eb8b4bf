package protocol

// breadthFirst finds a shortest way to a violation. The word of a state is its number.
type breadthFirst struct {
	Config
	table   table
	parents []uint32
	actions []Action
	bad     Property
}

// shortest explores breadth first. If memory runs out the result is not complete.
func shortest(c Config, o Options) Result {
	b := breadthFirst{Config: c}
	r := Result{Config: c, Reduced: o.Reduced}
	start := c.initial()
	b.number(start.fingerprint(), 0, 0)
	for level := []State{start}; len(level) > 0; r.Depth++ {
		var next []State
		for i := range level {
			s := &level[i]
			word, _ := b.table.find(s.fingerprint())
			parent := uint32(*word)
			for set := c.choices(s, o.Reduced); set != 0; set &= set - 1 {
				a := lowest(set)
				r.Transitions++
				t, bad := c.step(s, a)
				if bad == holds && !t.finished && c.choices(&t, o.Reduced)&^chance == 0 {
					bad = progress
				}
				if bad != holds {
					r.States, r.Complete, r.Bytes = len(b.parents), true, b.bytes(level, next)
					r.Violation = b.violation(bad, parent, a)
					return r
				}
				if b.number(t.fingerprint(), parent, a) {
					next = append(next, t)
				}
			}
			if i%1024 == 0 {
				if r.Bytes = max(r.Bytes, b.bytes(level, next)); r.Bytes > o.Memory {
					r.States = len(b.parents)
					return r
				}
			}
		}
		level = next
	}
	r.States, r.Complete = len(b.parents), true
	return r
}

// number gives a state a number, unless it has one.
func (b *breadthFirst) number(f fingerprint, parent uint32, a Action) bool {
	word, known := b.table.find(f)
	if known {
		return false
	}
	*word = uint64(len(b.parents))
	b.parents, b.actions = append(b.parents, parent), append(b.actions, a)
	return true
}

func (b *breadthFirst) bytes(level, next []State) int64 {
	return b.table.bytes() + 5*int64(cap(b.parents)) + stateSize*int64(cap(level)+cap(next))
}

// violation goes the way again, in words.
func (b *breadthFirst) violation(bad Property, parent uint32, last Action) *Violation {
	way := []Action{last}
	for n := parent; n != 0; n = b.parents[n] {
		way = append(way, b.actions[n])
	}
	v := &Violation{Property: bad.String(), States: len(b.parents)}
	s := b.initial()
	for i := range way {
		a := way[len(way)-1-i]
		v.Actions = append(v.Actions, b.describe(&s, a))
		s, _ = b.step(&s, a)
	}
	v.State = b.inWords(&s)
	return v
}
