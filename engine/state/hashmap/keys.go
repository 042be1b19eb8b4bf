package hashmap

// Keys calls f for every key, in order, until it returns false, straight from the
// pages that operators read and without a snapshot. F may read the table but not
// write to it. It reports whether f was true of all.
func (t *Table[K, V]) Keys(f func(k K) bool) bool {
	for i := range t.groups {
		g := &t.groups[i]
		for j := range g.pages {
			if !g.pages[j].each(func(_ uint32, e *entry[K, V]) bool { return f(e.key) }) {
				return false
			}
		}
	}
	return true
}
