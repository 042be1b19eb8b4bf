// Package allow has excuses, good and bad.
package allow

import (
	"time"

	"github.com/weirstream/weir/engine"
)

func job(s engine.Stream[string]) {
	engine.Map(s, "beside", func(v string) string {
		return v + time.Now().String() //weir:allow shown to people, and compared with nothing
	})
	engine.Map(s, "above", func(v string) string {
		//weir:allow shown to people, too
		return v + time.Now().String()
	})
	engine.Map(s, "no reason", func(v string) string {
		// want+2 `clock: uses time\.Now` `allow: gives no reason; write //weir:allow and why`
		//
		return v + time.Now().String() //weir:allow
	})
	engine.Map(s, "too far", func(v string) string {
		// want+1 `allow: excuses nothing on its line; take it away`
		//weir:allow is two lines above

		return v + time.Now().String() // want `clock: uses time\.Now`
	})
	engine.Map(s, "another word", func(v string) string {
		return v + time.Now().String() //weir:allowed by mistake // want `clock: uses time\.Now`
	})
}
