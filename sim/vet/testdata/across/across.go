// Package across uses functions of another package.
package across

import (
	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/sim/vet/testdata/stamps"
)

func job(s engine.Stream[string]) {
	engine.Map(s, "stamp", func(v string) string {
		return v + stamps.Stamp() // want `clock: uses stamps\.Stamp, which uses time\.Now \(stamps\.go:14\) in the function of Map "stamp"`
	})
	engine.Map(s, "keys", func(v string) []string {
		return stamps.Keys(map[string]int{v: 1}) // want `order: uses stamps\.Keys, which ranges over a map and appends to keys in its order \(stamps\.go:18\)`
	})
	engine.Map(s, "place", func(v string) string {
		return stamps.Place{}.Name() // want `outside: uses \(stamps\.Place\)\.Name, which uses os\.Getenv`
	})
	engine.Map(s, "count", func(v string) int {
		return stamps.Count() // want `captured: uses stamps\.Count, which writes calls \(stamps\.go:53\)`
	})
	engine.Map(s, "fine", func(v string) int {
		return len(stamps.Sorted(map[string]int{v: 1})) + len(stamps.Table())
	})
}
