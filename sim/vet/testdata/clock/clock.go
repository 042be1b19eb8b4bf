// Package clock reads the time of day.
package clock

import (
	"context"
	"time"

	"github.com/weirstream/weir/engine"
)

var started = time.Now() // want `clock: uses time\.Now in the function of Map "started", by way of started: a replay sees another time; use the record's timestamp`

const pause = 3 * time.Second

func job(j *engine.Job, s engine.Stream[string]) {
	began := time.Now() // want `clock: uses time\.Now in function job of a job: a replay sees another time`
	now := time.Now     // want `uses time\.Now in function job`
	engine.Map(s, "now", func(v string) string {
		return v + time.Now().String() // want `clock: uses time\.Now in the function of Map "now": `
	})
	engine.Map(s, "taken", func(v string) string { return v + now().String() })
	engine.Filter(s, "since", func(v string) bool {
		return time.Since(began) > pause // want `uses time\.Since in the function of Filter "since"`
	})
	engine.Map(s, "started", func(v string) string { return v + started.String() })
	engine.FlatMap(s, "timers", func(v string, emit func(string)) {
		time.Sleep(pause)                   // want `uses time\.Sleep`
		t := time.NewTimer(pause)           // want `uses time\.NewTimer`
		time.AfterFunc(pause, func() {})    // want `uses time\.AfterFunc`
		_ = time.Tick(pause)                // want `uses time\.Tick`
		_ = time.Until(time.Time{})         // want `uses time\.Until`
		ctx, cancel := context.WithTimeout( // want `uses context\.WithTimeout`
			context.Background(), pause)
		defer cancel()
		_, _ = t, ctx
		emit(v)
	})
	engine.Map(s, "helped", func(v string) string { return v + stamp() })

	// What a record brings is the same each time.
	engine.Map(s, "fine", func(v string) string {
		at, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return ""
		}
		return at.Add(pause).UTC().Format(time.Kitchen)
	})
	engine.Timestamps(s, "fine too", func(v string) int64 { return time.Unix(int64(len(v)), 0).UnixMilli() }, 0)
}

func stamp() string { return format(time.Now()) } // want `uses time\.Now in the function of Map "helped", by way of stamp`

func format(t time.Time) string { return t.String() }

// elsewhere is no part of a job.
func elsewhere() time.Duration {
	begin := time.Now()
	time.Sleep(pause)
	return time.Since(begin)
}
