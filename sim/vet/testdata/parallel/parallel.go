// Package parallel does things at once.
package parallel

import (
	"sync"
	"sync/atomic"

	"github.com/weirstream/weir/engine"
)

var (
	mu    sync.Mutex
	total atomic.Int64
)

func job(s engine.Stream[string]) {
	engine.FlatMap(s, "each", func(v string, emit func(string)) {
		var wait sync.WaitGroup
		results := make(chan string) // want `parallel: makes a channel in the function of FlatMap "each": the scheduler's order is not replayed`
		for range 3 {
			wait.Add(1)                        // want `sync: uses \(sync\.WaitGroup\)\.Add in the function of FlatMap "each": a hint`
			go func() { results <- work(v) }() // want `starts a goroutine` `sends to a channel`
		}
		select { // want `selects`
		case first := <-results: // want `receives from a channel`
			emit(first)
		}
		for r := range results { // want `ranges over a channel`
			emit(r)
		}
		close(results) // want `closes a channel`
	})
	engine.Map(s, "locked", func(v string) string {
		mu.Lock()         // want `sync: uses \(sync\.Mutex\)\.Lock`
		defer mu.Unlock() // want `sync: uses \(sync\.Mutex\)\.Unlock`
		total.Add(1)      // want `captured: changes total in the function of Map "locked": it outlives an attempt, is shared by tasks` `sync: uses \(sync/atomic\.Int64\)\.Add`
		return v
	})
	engine.Map(s, "fine", work)
}

func work(v string) string { return v + v }

// serve is no part of a job.
func serve(in chan string) {
	go func() {
		for v := range in {
			work(v)
		}
	}()
}
